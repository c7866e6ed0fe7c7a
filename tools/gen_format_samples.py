#!/usr/bin/env python3
"""Small model files written by others' libraries: what prony's readers are checked with, and the fuzzers' corpora.

    python -m venv venv && venv/bin/pip install gguf==0.19.0 safetensors==0.8.0 numpy==2.4.6
    venv/bin/python tools/gen_format_samples.py tests/fuzz/corpus

Writes gguf/ and safetensors/. Contents are known to tests/formats/test_others.c.
"""
import json
import struct
import sys
from pathlib import Path

import gguf
import numpy as np
from safetensors.numpy import save_file

root = Path(sys.argv[1])


def all_metadata(path, alignment):
    w = gguf.GGUFWriter(str(path), "test")
    if alignment != 32:
        w.add_custom_alignment(alignment)
    w.add_uint8("t.u8", 200)
    w.add_int8("t.i8", -5)
    w.add_uint16("t.u16", 60000)
    w.add_int16("t.i16", -300)
    w.add_uint32("t.u32", 4000000000)
    w.add_int32("t.i32", -70000)
    w.add_uint64("t.u64", 2**64 - 1)
    w.add_int64("t.i64", -(2**63))
    w.add_float32("t.f32", 1.5)
    w.add_float64("t.f64", 0.1)
    w.add_bool("t.bool", True)
    w.add_string("t.string", "grüße")
    w.add_array("t.strings", ["alpha", "ω", "c"])
    w.add_array("t.ints", [-1, 2, 3])
    w.add_array("t.floats", [0.5, -2.0])
    w.add_array("t.bools", [True, False])
    w.add_tensor("matrix", np.arange(6, dtype=np.float32).reshape(2, 3))
    w.add_tensor("half", np.arange(4, dtype=np.float16))
    q = gguf.quants.quantize(np.linspace(-1, 1, 64, dtype=np.float32).reshape(2, 32), gguf.GGMLQuantizationType.Q8_0)
    w.add_tensor("blocks", q, raw_dtype=gguf.GGMLQuantizationType.Q8_0)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def main():
    g, s = root / "gguf", root / "safetensors"
    g.mkdir(parents=True, exist_ok=True)
    s.mkdir(parents=True, exist_ok=True)
    all_metadata(g / "all.gguf", 32)
    all_metadata(g / "align64.gguf", 64)
    w = gguf.GGUFWriter(str(g / "vocabulary.gguf"), "llama")
    w.add_tokenizer_model("gpt2")
    w.add_token_list(["a", "b", "ab"])
    w.add_token_types([1, 1, 3])
    w.add_token_merges(["a b"])
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.close()
    two = bytearray((g / "vocabulary.gguf").read_bytes())
    two[4:8] = struct.pack("<I", 2)  # version 2 has the same layout
    (g / "version2.gguf").write_bytes(two)

    save_file({"f32": np.arange(6, dtype=np.float32).reshape(2, 3), "f16": np.arange(3, dtype=np.float16),
               "i64": np.array([-1, 2**40]), "bool": np.array([True, False]), "scalar": np.array(7, dtype=np.uint8),
               "empty": np.zeros((0, 4), dtype=np.float32)}, str(s / "several.safetensors"), metadata={"format": "np"})
    save_file({"w": np.ones((2, 2), dtype=np.float64)}, str(s / "one.safetensors"))
    header = json.dumps({"b": {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]},
                         "f8": {"dtype": "F8_E4M3", "shape": [3], "data_offsets": [4, 7]}}).encode()
    (s / "narrow.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + bytes(range(7)))  # unaligned


main()
