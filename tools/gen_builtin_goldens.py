#!/usr/bin/env python3
"""What the models that come with prony compute: tests/models/builtin.json.

    python tools/gen_builtin_goldens.py

teacher, student, draft: transformers in float32. stories260K (llama2.c's checkpoint): recomputed here with numpy in float64
from the file's own layout, since transformers does not read it.
"""
import json
import struct
from pathlib import Path

import numpy as np
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging

ROOT = Path(__file__).resolve().parent.parent
TEXT = ("Natalia sold clips to 48 of her friends in April, and then she sold half as many clips in May. How many clips did "
        "Natalia sell altogether in April and May?\n")


def short(values):
    return [float(f"{v:.8g}") for v in np.asarray(values, np.float64).ravel()]


@torch.no_grad()
def builtin(name):
    folder = ROOT / "models" / name
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    prompt = tokenizer(TEXT)["input_ids"]
    ids = torch.tensor([prompt])
    logits = model(input_ids=ids).logits[0]
    made = model.generate(input_ids=ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=48,
                          eos_token_id=None, pad_token_id=2)[0, len(prompt):].tolist()
    logprobs = logits.log_softmax(-1)[torch.arange(len(prompt) - 1), ids[0, 1:]]
    return {"model": f"models/{name}", "prompt": prompt, "text": TEXT, "logits_of_last": short(logits[-1])[:256],
            "logprobs": short(logprobs), "greedy": made, "greedy_text": tokenizer.decode(made, skip_special_tokens=True),
            "parameters": sum(p.numel() for p in model.parameters())}


class Stories:
    """llama2.c, legacy export: header, then the weights in the order below."""

    def __init__(self, path):
        raw = path.read_bytes()
        self.dim, self.hidden, self.layers, self.heads, self.kv_heads, vocab, _ = struct.unpack("7i", raw[:28])
        floats, self.at = np.frombuffer(raw, "<f4", offset=28), 0

        def take(*shape):
            n = int(np.prod(shape))
            part = floats[self.at:self.at + n].reshape(shape).astype(np.float64)
            self.at += n
            return part

        d, h, n = self.dim, self.hidden, self.layers
        self.head = d // self.heads
        kv = self.head * self.kv_heads
        self.embed = take(abs(vocab), d)
        self.att_norm, self.wq, self.wk, self.wv, self.wo = take(n, d), take(n, d, d), take(n, kv, d), take(n, kv, d), take(n, d, d)
        self.ffn_norm, self.w1, self.w2, self.w3, self.norm = take(n, d), take(n, h, d), take(n, d, h), take(n, h, d), take(d)

    def logits(self, ids):
        n, half = len(ids), self.head // 2
        angle = np.arange(n)[:, None] / 10000.0 ** (np.arange(half) * 2 / self.head)
        rms = lambda x, w: x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-5) * w

        def turn(x):                                     # neighbouring pairs, as complex numbers
            pairs = x.reshape(n, -1, half, 2)
            z = (pairs[..., 0] + 1j * pairs[..., 1]) * np.exp(1j * angle)[:, None]
            return np.stack([z.real, z.imag], -1).reshape(n, -1, self.head)

        x, mask = self.embed[ids], np.triu(np.full((n, n), -np.inf), 1)
        for i in range(self.layers):
            h = rms(x, self.att_norm[i])
            q, k = turn(h @ self.wq[i].T), turn(h @ self.wk[i].T)
            v = (h @ self.wv[i].T).reshape(n, self.kv_heads, self.head)
            k, v = (np.repeat(t, self.heads // self.kv_heads, 1) for t in (k, v))
            score = np.einsum("qhd,khd->hqk", q, k) / np.sqrt(self.head) + mask
            p = np.exp(score - score.max(-1, keepdims=True))
            p /= p.sum(-1, keepdims=True)
            x = x + np.einsum("hqk,khd->qhd", p, v).reshape(n, -1) @ self.wo[i].T
            h = rms(x, self.ffn_norm[i])
            gate = h @ self.w1[i].T
            x = x + (gate / (1 + np.exp(-gate)) * (h @ self.w3[i].T)) @ self.w2[i].T
        return rms(x, self.norm) @ self.embed.T


def stories():
    model, ids, made = Stories(ROOT / "data/stories260k/stories260K.bin"), [1], []
    for _ in range(120):
        logits = model.logits(ids + made)
        made.append(int(logits[-1].argmax()))
    logits = model.logits(ids + made)
    logprobs = [float(row[i] - row.max() - np.log(np.exp(row - row.max()).sum())) for row, i in zip(logits, made)]
    return {"model": "data/stories260k/stories260K.bin", "prompt": ids, "greedy": made, "logits_of_last": short(logits[0])[:256],
            "greedy_logprobs": short(logprobs)}


def main():
    torch.set_num_threads(2)
    logging.set_verbosity_error()
    made = {"made_by": "tools/gen_builtin_goldens.py", "models": [builtin(n) for n in ("teacher", "student", "draft")],
            "stories": stories()}
    (ROOT / "tests/models/builtin.json").write_text(json.dumps(made, separators=(",", ":")).replace('],"', '],\n"') + "\n")


if __name__ == "__main__":
    main()
