#!/usr/bin/env python3
"""Distributions after each sampling step, by transformers' own processors: tests/models/sampler.json.

    python tools/gen_sampler_goldens.py
"""
import json
from pathlib import Path

import torch
from transformers import (LogitsProcessorList, MinPLogitsWarper, RepetitionPenaltyLogitsProcessor, SequenceBiasLogitsProcessor,
                          TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper, TypicalLogitsWarper)

OUT = Path(__file__).resolve().parent.parent / "tests/models/sampler.json"
N = 40


def steps(how, prompt):
    """transformers has no presence and frequency penalties: they are applied by hand before, as OpenAI states them."""
    made = LogitsProcessorList()
    if how.get("bias"):
        made.append(SequenceBiasLogitsProcessor({(i,): b for i, b in how["bias"]}))
    if how.get("repetition_penalty"):
        made.append(RepetitionPenaltyLogitsProcessor(how["repetition_penalty"]))
    late = LogitsProcessorList([TemperatureLogitsWarper(how["temperature"])])
    for key, kind in (("top_k", TopKLogitsWarper), ("top_p", TopPLogitsWarper), ("min_p", MinPLogitsWarper),
                      ("typical", TypicalLogitsWarper)):
        if how.get(key):
            late.append(kind(how[key]))
    return made, late


def main():
    generator = torch.Generator().manual_seed(7)
    cases = []
    hows = [{"temperature": 1.0}, {"temperature": 0.85}, {"temperature": 0.7, "top_k": 5}, {"temperature": 1.0, "top_p": 0.9},
            {"temperature": 1.3, "top_p": 0.5}, {"temperature": 1.0, "min_p": 0.1}, {"temperature": 1.0, "typical": 0.6},
            {"temperature": 1.5, "typical": 0.9}, {"temperature": 1.0, "repetition_penalty": 1.3},
            {"temperature": 0.9, "presence_penalty": 0.7}, {"temperature": 0.9, "frequency_penalty": 0.4},
            {"temperature": 1.0, "bias": [[3, 2.5], [7, -100.0]]},
            {"temperature": 0.8, "top_k": 20, "top_p": 0.8, "min_p": 0.05, "typical": 0.9, "repetition_penalty": 1.2,
             "presence_penalty": 0.3, "frequency_penalty": 0.2, "bias": [[1, 1.5]]}]
    for how in hows:
        for sharp in (1.0, 4.0):
            logits = torch.randn(N, generator=generator, dtype=torch.float32) * sharp
            prompt = torch.randint(0, N, (12,), generator=generator).tolist()
            text = torch.randint(0, N, (9,), generator=generator).tolist()
            early, late = steps(how, prompt)
            x = early(torch.tensor([prompt + text]), logits.double()[None])
            counts = torch.bincount(torch.tensor(text), minlength=N).double()
            x = x - how.get("frequency_penalty", 0) * counts - how.get("presence_penalty", 0) * (counts > 0).double()
            x = late(torch.tensor([prompt + text]), x)
            cases.append({"how": how, "logits": [float(v) for v in logits], "prompt": prompt, "text": text,
                          "p": [float(f"{v:.12g}") for v in x.softmax(-1)[0]]})
    OUT.write_text(json.dumps({"made_by": "tools/gen_sampler_goldens.py", "cases": cases}, separators=(",", ":"))
                   .replace('},{"how"', '},\n{"how"') + "\n")


if __name__ == "__main__":
    main()
