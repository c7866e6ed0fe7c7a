#!/usr/bin/env python3
"""Golden vectors of INT8 and NF4 by the library that they come from.

    python -m venv venv && venv/bin/pip install bitsandbytes==0.50.2 torch==2.13.0
    venv/bin/python tools/gen_load_quantization.py tests/transform/golden/load_quantization.json

A matrix of 72 x 256 numbers that any language computes alike (see `value`): 288 blocks of 64, so that double quantization
has a whole block of 256 magnitudes and the beginning of another. NF4: bitsandbytes.functional.quantize_4bit with compressed
statistics; the magnitudes are what comes out of them again (the constant in `value` is one with which none lies so near
the middle of two steps, within 1e-5, that the library takes the farther one). INT8: int8_vectorwise_quant of the float16 matrix.
"""
import hashlib
import json
import sys

import bitsandbytes
import bitsandbytes.functional as F
import torch

assert bitsandbytes.__version__ == "0.50.2"
ROWS, COLUMNS = 72, 256


def value(row, column):
    i = row * COLUMNS + column
    u = (i * 2654435761 + 777) % 2**32
    v = ((u >> 8) - 2**23) / 2**23  # exact
    return v * v * v * 2.0 ** (row % 5 - 4)  # in double, then rounded once


x = torch.tensor([[value(r, c) for c in range(COLUMNS)] for r in range(ROWS)], dtype=torch.float64).to(torch.float32)
codes, state = F.quantize_4bit(x, blocksize=64, quant_type="nf4", compress_statistics=True)
magnitudes = F.dequantize_blockwise(state.absmax, state.state2) + state.offset
half = x.to(torch.float16)
int8, scales, _ = F.int8_vectorwise_quant(half)
out = {
    "rows": ROWS, "columns": COLUMNS,
    "nf4_codes": hashlib.sha256(codes.numpy().tobytes()).hexdigest(),
    "nf4_magnitudes": [float(m) for m in magnitudes],
    "int8_codes": hashlib.sha256(int8.numpy().tobytes()).hexdigest(),
    "int8_scales": [float(s) for s in scales],
}
with open(sys.argv[1], "w") as f:
    f.write(json.dumps(out).replace("], ", "],\n") + "\n")
