#!/usr/bin/env python3
"""A checkpoint as bitsandbytes packs it, by its rules in numpy, and what it stands for: tests/models/bitsandbytes.

    python tools/gen_bitsandbytes_samples.py

A Llama of one layer three times: NF4 with nested magnitudes, NF4 without, INT8. NAME/model.safetensors holds the packed matrices and
NAME.json each matrix as float32, computed step by step as bitsandbytes' dequantize_4bit does (and for int8 as integer * (SCB / 127)).
"""
import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

OUT = Path(__file__).resolve().parent.parent / "tests/models/bitsandbytes"
HIDDEN, INNER, VOCABULARY, HEADS = 64, 128, 32, 4
NF4 = np.array([-1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334,
                -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
                0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0], np.float32)


def dynamic_map():
    """create_dynamic_map(signed=True, max_exponent_bits=7, total_bits=8)"""
    values = []
    for i in range(7):
        edges = np.linspace(0.1, 1, 2 ** i + 1)
        means = (edges[:-1] + edges[1:]) / 2
        values += (10.0 ** (i - 6) * means).tolist() + (-(10.0 ** (i - 6)) * means).tolist()
    return np.array(sorted(values + [0, 1.0]), np.float32)


def nearest(codes, x):
    return np.abs(x[:, None] - codes[None]).argmin(1).astype(np.uint8)


def pack_nf4(name, w, nested, out):
    flat = w.astype(np.float32).reshape(-1, 64)
    absmax = np.abs(flat).max(1)
    index = nearest(NF4, (flat / np.maximum(absmax, 1e-30)[:, None]).ravel())
    out[name] = (index[0::2] << 4 | index[1::2]).reshape(-1, 1)
    state = {"quant_type": "nf4", "blocksize": 64, "dtype": "float16", "shape": list(w.shape)}
    if nested:
        offset = absmax.mean()
        codes, rest = dynamic_map(), absmax - offset
        groups = np.array([np.abs(rest[i:i + 256]).max() for i in range(0, len(rest), 256)], np.float32)
        which = np.repeat(groups, 256)[:len(rest)]
        byte = nearest(codes, rest / which)
        out |= {f"{name}.absmax": byte, f"{name}.nested_absmax": groups, f"{name}.nested_quant_map": codes}
        state |= {"nested_blocksize": 256, "nested_dtype": "float32", "nested_offset": float(offset)}
        absmax = codes[byte] * which + np.float32(offset)
    else:
        out[f"{name}.absmax"] = absmax
    out[f"{name}.quant_map"] = NF4
    out[f"{name}.quant_state.bitsandbytes__nf4"] = np.frombuffer(json.dumps(state).encode(), np.uint8)
    return (NF4[index].reshape(-1, 64) * absmax[:, None]).reshape(w.shape)


def pack_int8(name, w, out):
    scb = np.abs(w).max(1).astype(np.float32)
    q = np.rint(w / scb[:, None] * 127).astype(np.int8)
    stem = name.removesuffix(".weight")
    out |= {name: q, f"{stem}.SCB": scb, f"{stem}.weight_format": np.array(0, np.uint8)}
    return (scb / np.float32(127))[:, None] * q.astype(np.float32)


def main():
    for kind in ("nf4_nested", "nf4_plain", "int8"):
        rng = np.random.default_rng(5)
        out, stands_for = {}, {}
        for name, shape in {"self_attn.q_proj": (HIDDEN, HIDDEN), "self_attn.k_proj": (HIDDEN, HIDDEN), "self_attn.v_proj": (HIDDEN, HIDDEN),
                            "self_attn.o_proj": (HIDDEN, HIDDEN), "mlp.gate_proj": (INNER, HIDDEN), "mlp.up_proj": (INNER, HIDDEN),
                            "mlp.down_proj": (HIDDEN, INNER)}.items():
            full = f"model.layers.0.{name}.weight"
            w = (rng.standard_normal(shape) * 0.05).astype(np.float32)
            stands_for[full] = pack_int8(full, w, out) if kind == "int8" else pack_nf4(full, w, kind == "nf4_nested", out)
        for name in ("model.norm", "model.layers.0.input_layernorm", "model.layers.0.post_attention_layernorm"):
            out[f"{name}.weight"] = np.ones(HIDDEN, np.float16)
        out["model.embed_tokens.weight"] = (rng.standard_normal((VOCABULARY, HIDDEN)) * 0.5).astype(np.float16)
        folder = OUT / kind
        folder.mkdir(parents=True, exist_ok=True)
        save_file(out, folder / "model.safetensors", {"format": "pt"})
        (folder / "config.json").write_text(json.dumps({
            "architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": VOCABULARY, "hidden_size": HIDDEN,
            "intermediate_size": INNER, "num_hidden_layers": 1, "num_attention_heads": HEADS, "num_key_value_heads": HEADS,
            "max_position_embeddings": 64, "rms_norm_eps": 1e-5, "hidden_act": "silu", "tie_word_embeddings": True,
            "torch_dtype": "float16", "quantization_config": {"quant_method": "bitsandbytes", "load_in_4bit": kind != "int8",
                                                              "load_in_8bit": kind == "int8", "bnb_4bit_quant_type": "nf4"}}) + "\n")
        sums = {k: [float(v.ravel()[i]) for i in range(0, v.size, 61)] for k, v in stands_for.items()}
        (OUT / f"{kind}.json").write_text(json.dumps({"every": 61, "values": sums}) + "\n")


if __name__ == "__main__":
    main()
