#!/usr/bin/env python3
"""Writes tests/base/npy/: small arrays by NumPy in every type and format version that prony reads, and their values.

    python3 tools/gen_npy_samples.py        (needs numpy)
"""
import json
import math
import pathlib

import numpy as np

out = pathlib.Path(__file__).resolve().parent.parent / "tests" / "base" / "npy"
out.mkdir(exist_ok=True)
arrays = {
    "f4": np.array([[0.1, -2.5, 3e38], [math.nan, math.inf, -0.0]], "<f4"),
    "f8": np.array([0.1, 1e-310, -math.inf], "<f8"),
    "f2": np.array([0.1, 6e-8, 65504, math.inf, math.nan, -1.5, 0.0], "<f2"),
    "b1": np.array([True, False]),
    "i1": np.array([-128, 127], "i1"),
    "i2": np.array([-32768, 32767], "<i2"),
    "i4": np.array([[[-(2**31)]], [[2**31 - 1]]], "<i4"),
    "i8": np.array([-(2**63), 2**63 - 1, 0, 7], "<i8"),
    "u1": np.array([0, 255], "u1"),
    "u2": np.array([0, 65535], "<u2"),
    "u4": np.array([0, 2**32 - 1], "<u4"),
    "u8": np.array([0, 2**63 - 1], "<u8"),
    "scalar": np.array(2.5, "<f8"),
    "empty": np.zeros((0, 3), "<f4"),
    "version2": np.array([1, 2], "<i4"),
    "version3": np.array([1, 2], "<i4"),
}


def plain(x):
    x = x.item()
    if isinstance(x, float):
        return None if math.isnan(x) else str(x) if math.isinf(x) else x
    return int(x)


expected = {}
for name, array in arrays.items():
    version = {"version2": (2, 0), "version3": (3, 0)}.get(name, (1, 0))
    with open(out / f"{name}.npy", "wb") as f:
        np.lib.format.write_array(f, array, version=version)
    expected[name] = {"type": array.dtype.str, "shape": list(array.shape), "values": [plain(x) for x in array.ravel()]}
(out / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")
