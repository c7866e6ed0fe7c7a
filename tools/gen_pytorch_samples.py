#!/usr/bin/env python3
"""PyTorch files as PyTorch writes them, and the values that are in them: tests/formats/pytorch.

    python tools/gen_pytorch_samples.py

NAME.pt is a state dict saved with each protocol, NAME.json what every tensor of it holds. llama2c.pt is a checkpoint of a training
script with Meta's names; meta/ is a folder as Meta gives Llama out; hf/ one of transformers with a sharded pytorch_model.bin.
"""
import collections
import json
from pathlib import Path

import torch

OUT = Path(__file__).resolve().parent.parent / "tests/formats/pytorch"
HEADS, DIM, HIDDEN, LAYERS, VOCABULARY = 2, 8, 12, 1, 16


def state(seed):
    torch.manual_seed(seed)
    base = torch.randn(6, 8)
    shared = torch.arange(24, dtype=torch.float32).reshape(4, 6)
    return collections.OrderedDict(
        plain=base, half=torch.randn(3, 4).half(), brain=torch.randn(5).bfloat16(), double=torch.randn(2, 2).double(),
        long=torch.tensor([1, -2, 3]), int=torch.tensor([4, 5], dtype=torch.int32), short=torch.tensor([6], dtype=torch.int16),
        char=torch.tensor([-7, 8], dtype=torch.int8), byte=torch.tensor([200], dtype=torch.uint8), bool=torch.tensor([True, False]),
        scalar=torch.tensor(2.5), empty=torch.zeros(0, 3), parameter=torch.nn.Parameter(torch.randn(2, 3)),
        shared=shared, tied=shared, rows=shared[1:3], columns=shared[:, 2:5], turned=shared.t(), stepped=shared[::2, ::3],
        cube=torch.arange(24).float().reshape(2, 3, 4).permute(2, 0, 1))


def values(tensors):
    return {k: {"type": str(v.dtype).removeprefix("torch."), "shape": list(v.shape),
                "values": [float(x) for x in v.detach().double().flatten()]} for k, v in tensors.items()}


def meta_tensors(seed):
    torch.manual_seed(seed)
    names = {"tok_embeddings": (VOCABULARY, DIM), "norm": (DIM,), "output": (VOCABULARY, DIM)}
    for i in range(LAYERS):
        names |= {f"layers.{i}.{n}": s for n, s in {
            "attention.wq": (DIM, DIM), "attention.wk": (DIM, DIM), "attention.wv": (DIM, DIM), "attention.wo": (DIM, DIM),
            "feed_forward.w1": (HIDDEN, DIM), "feed_forward.w2": (DIM, HIDDEN), "feed_forward.w3": (HIDDEN, DIM),
            "attention_norm": (DIM,), "ffn_norm": (DIM,)}.items()}
    return {f"{k}.weight": torch.randn(s) for k, s in names.items()}


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    for protocol in (2, 3, 4, 5):
        tensors = state(protocol)
        torch.save(tensors, OUT / f"protocol{protocol}.pt", pickle_protocol=protocol)
        (OUT / f"protocol{protocol}.json").write_text(json.dumps(values(tensors)) + "\n")
    args = dict(dim=DIM, n_layers=LAYERS, n_heads=HEADS, n_kv_heads=HEADS, vocab_size=VOCABULARY, multiple_of=4, max_seq_len=32,
                dropout=0.0)
    weights = meta_tensors(7)
    model = {f"_orig_mod.{k}": v for k, v in weights.items()}
    torch.save({"model": model, "optimizer": {"state": {0: {"step": torch.tensor(3.0)}}, "param_groups": [{"lr": 1e-4, "betas": (0.9, 0.95)}]},
                "model_args": args, "iter_num": 3, "best_val_loss": torch.tensor(1.5), "config": {"dtype": "float32", "compile": True,
                "out_dir": None}}, OUT / "llama2c.pt")
    (OUT / "meta").mkdir(exist_ok=True)
    torch.save({**weights, "rope.freqs": torch.ones(DIM // HEADS // 2)}, OUT / "meta/consolidated.00.pth")
    (OUT / "meta/params.json").write_text(json.dumps({"dim": DIM, "multiple_of": 4, "n_heads": HEADS, "n_layers": LAYERS,
                                                      "norm_eps": 1e-6, "vocab_size": -1}) + "\n")
    (OUT / "hf").mkdir(exist_ok=True)
    hf = state(9)
    parts = [{k: hf[k] for k in list(hf)[i::2]} for i in range(2)]
    index = {}
    for i, part in enumerate(parts):
        name = f"pytorch_model-{i + 1:05}-of-00002.bin"
        torch.save(part, OUT / "hf" / name)
        index |= {k: name for k in part}
    (OUT / "hf/pytorch_model.bin.index.json").write_text(json.dumps({"metadata": {}, "weight_map": index}) + "\n")
    (OUT / "hf.json").write_text(json.dumps(values(hf)) + "\n")
    (OUT / "hf/config.json").write_text('{"model_type": "none"}\n')


if __name__ == "__main__":
    main()
