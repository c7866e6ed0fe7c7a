#!/usr/bin/env python3
"""Golden vectors of every storage type, decoded by implementations that are not ours.

    python -m venv venv && venv/bin/pip install gguf==0.19.0 numpy==2.4.6
    venv/bin/python tools/gen_decode_goldens.py tests/kernels/golden/decode.bin

Quantized types: gguf.quants.dequantize over random bytes, whose f16 scales are replaced by a list that holds subnormal,
zero, negative and the largest values. Plain types: numpy. F8_E4M3: its definition as a sum of powers of two, in Python's
own arithmetic. All in float32.

The file: for every type a line of text "NAME BLOCKS\n", then the blocks' bytes, then the float32 values.
"""
import sys
from importlib.metadata import version

import gguf
import numpy as np

assert version("gguf") == "0.19.0", "the goldens are pinned to gguf 0.19.0"
BLOCKS = 6
rng = np.random.default_rng(1821)

# f16 bit patterns: +-smallest subnormal, largest subnormal, smallest normal, zero, minus zero, common, largest
HALVES = [0x0001, 0x8001, 0x03FF, 0x83FF, 0x0400, 0x8400, 0x0000, 0x8000, 0x2E66, 0xAE66, 0x3C00, 0x7BFF, 0xFBFF, 0x1234]

QUANTS = {  # name -> (gguf's type, where the f16 scales lie)
    "q4_0": ("Q4_0", [0]), "q4_1": ("Q4_1", [0, 2]), "q5_0": ("Q5_0", [0]), "q5_1": ("Q5_1", [0, 2]), "q8_0": ("Q8_0", [0]),
    "q2_k": ("Q2_K", [80, 82]), "q3_k": ("Q3_K", [108]), "q4_k": ("Q4_K", [0, 2]), "q5_k": ("Q5_K", [0, 2]),
    "q6_k": ("Q6_K", [208]), "iq4_nl": ("IQ4_NL", [0]), "iq4_xs": ("IQ4_XS", [0]),
}


# Dettmers et al. 2023, "QLoRA", appendix E
NF4 = [-1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334,
       -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
       0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0]


def f8_e4m3(byte):
    sign, exponent, fraction = byte >> 7, byte >> 3 & 15, byte & 7
    if exponent == 15 and fraction == 7:
        return float("nan")
    value = fraction / 8 * 2.0**-6 if exponent == 0 else (1 + fraction / 8) * 2.0 ** (exponent - 7)
    return -value if sign else value


def emit(out, name, blocks, raw, values):
    values = np.asarray(values, dtype="<f4").ravel()
    out.write(f"{name} {blocks}\n".encode() + raw + values.tobytes())


def main(path):
    with open(path, "wb") as out:
        for name, (ggml, scales) in QUANTS.items():
            kind = gguf.GGMLQuantizationType[ggml]
            size = gguf.GGML_QUANT_SIZES[kind][1]
            n = BLOCKS if size > 64 else 3 * BLOCKS
            raw = rng.integers(0, 256, (n, size), dtype=np.uint8)
            for block in range(n):
                for k, at in enumerate(scales):
                    half = HALVES[(block + 5 * k) % len(HALVES)] if block % 2 == 0 else int(rng.integers(0, 0x7800)) | (
                        int(rng.integers(0, 2)) << 15)
                    raw[block, at], raw[block, at + 1] = half & 255, half >> 8
            with np.errstate(all="ignore"):
                emit(out, name, n, raw.tobytes(), gguf.quants.dequantize(raw.reshape(1, -1), kind))
        f16 = np.arange(0, 65536, 7, dtype="<u2")
        f16 = f16[(f16 & 0x7C00) != 0x7C00]
        emit(out, "f16", len(f16), f16.tobytes(), f16.view("<f2").astype("<f4"))
        bf16 = np.arange(0, 65536, 13, dtype="<u2")
        bf16 = bf16[(bf16 & 0x7F80) != 0x7F80]
        emit(out, "bf16", len(bf16), bf16.tobytes(), (bf16.astype("<u4") << 16).view("<f4"))
        f8 = [b for b in range(256) if b & 127 != 127]
        emit(out, "f8_e4m3", len(f8), bytes(f8), [f8_e4m3(b) for b in f8])
        for name, kind in [("f32", "<f4"), ("f64", "<f8"), ("i8", "i1"), ("i16", "<i2"), ("i32", "<i4"), ("i64", "<i8"), ("u8", "u1")]:
            if kind[-2] == "f":
                x = (rng.standard_normal(64) * 10.0 ** rng.integers(-30, 30, 64)).astype(kind)
            else:
                info = np.iinfo(kind)
                x = rng.integers(info.min, info.max, 64, dtype=kind, endpoint=True)
                x[:4] = [info.min, info.max, 0, 1]
            emit(out, name, 64, x.tobytes(), x.astype("<f4"))
        emit(out, "bool", 2, b"\x00\x01", [0, 1])
        scales = (rng.standard_normal(2 * BLOCKS) * 10.0 ** rng.integers(-3, 3, 2 * BLOCKS)).astype("<f4")
        codes = rng.integers(0, 256, (2 * BLOCKS, 32), dtype=np.uint8)
        raw = [scales[i].tobytes() + codes[i].tobytes() for i in range(2 * BLOCKS)]
        nibbles = np.stack([codes >> 4, codes & 15], axis=-1).reshape(2 * BLOCKS, 64)
        emit(out, "nf4", BLOCKS, b"".join(raw[:BLOCKS]), scales[:BLOCKS, None] * np.array(NF4, dtype="<f4")[nibbles[:BLOCKS]])
        emit(out, "int8", BLOCKS, b"".join(raw[BLOCKS:]), scales[BLOCKS:, None] * codes[BLOCKS:].view("i1").astype("<f4"))


main(sys.argv[1])
