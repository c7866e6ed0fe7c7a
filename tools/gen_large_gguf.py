#!/usr/bin/env python3
"""A llama-shaped F16 GGUF of about 2.5 GB with random weights, for measuring how fast a large file opens.

    python -m venv venv && venv/bin/pip install gguf==0.19.0 numpy==2.4.6
    venv/bin/python tools/gen_large_gguf.py large.gguf [--layers 27]

The vocabulary is byte-level: 256 bytes, one merge, then filler. Weights repeat one random block: they are only there to be read.
"""
import argparse

import gguf
import numpy as np

HIDDEN, FFN, HEADS, KV_HEADS, HEAD, VOCABULARY, CONTEXT = 2048, 5632, 32, 8, 64, 32000, 4096
BLOCK = (np.random.default_rng(42).standard_normal(1 << 22) * 0.02).astype(np.float16)


def byte_letters():
    """GPT-2's letters for the 256 bytes."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    extra = iter(range(256, 512))
    return [chr(b) if b in plain else chr(next(extra)) for b in range(256)]


def weights(rows, columns):
    n = rows * columns
    return np.tile(BLOCK, n // BLOCK.size + 1)[:n].reshape(rows, columns)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("path")
    p.add_argument("--layers", type=int, default=27)
    a = p.parse_args()
    w = gguf.GGUFWriter(a.path, "llama", use_temp_file=False)
    w.add_name("large")
    w.add_context_length(CONTEXT)
    w.add_embedding_length(HIDDEN)
    w.add_block_count(a.layers)
    w.add_feed_forward_length(FFN)
    w.add_head_count(HEADS)
    w.add_head_count_kv(KV_HEADS)
    w.add_rope_dimension_count(HEAD)
    w.add_layer_norm_rms_eps(1e-5)
    w.add_rope_freq_base(10000.0)
    w.add_vocab_size(VOCABULARY)
    w.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    w.add_tokenizer_model("gpt2")
    w.add_tokenizer_pre("gpt-2")
    w.add_token_list(byte_letters() + ["ab"] + [f"<extra_{i}>" for i in range(VOCABULARY - 257)])
    w.add_token_types([1] * 257 + [5] * (VOCABULARY - 257))
    w.add_token_merges(["a b"])
    w.add_bos_token_id(257)
    w.add_eos_token_id(258)
    matrices = {"attn_q": (HIDDEN, HIDDEN), "attn_k": (KV_HEADS * HEAD, HIDDEN), "attn_v": (KV_HEADS * HEAD, HIDDEN),
                "attn_output": (HIDDEN, HIDDEN), "ffn_gate": (FFN, HIDDEN), "ffn_up": (FFN, HIDDEN), "ffn_down": (HIDDEN, FFN)}
    plan = [("token_embd.weight", (VOCABULARY, HIDDEN)), ("output_norm.weight", (HIDDEN,))]
    for i in range(a.layers):
        plan += [(f"blk.{i}.{n}.weight", (HIDDEN,)) for n in ("attn_norm", "ffn_norm")]
        plan += [(f"blk.{i}.{n}.weight", shape) for n, shape in matrices.items()]
    for name, shape in plan:
        kind = np.dtype(np.float16 if len(shape) == 2 else np.float32)
        w.add_tensor_info(name, shape, kind, int(np.prod(shape)) * kind.itemsize)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_ti_data_to_file()
    for name, shape in plan:
        w.write_tensor_data(weights(*shape) if len(shape) == 2 else np.ones(shape, dtype=np.float32))
    w.close()


main()
