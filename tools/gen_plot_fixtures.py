#!/usr/bin/env python3
"""Writes tests/report/fixtures/made_up: raw logs with rows for every plot, experiments included that prony does not run yet.

No engine gave these numbers; the run is called "made-up", and every cell is `checked_against` "made up".

    python3 tools/gen_plot_fixtures.py tests/report/fixtures/made_up
"""
import hashlib
import json
import math
import random
import sys
from pathlib import Path

ENGINES = {"native": 1.0, "llamacpp": 1.12, "transformers": 3.4, "vllm": 0.72}
MODEL, REFERENCE, LAUNCHES, PROMPTS = "llama3-1b", "transformers", 6, 10
random.seed(42)


def rounded(x):
    return float(f"{x:.5g}") if isinstance(x, float) else x


def near(x, sd=0.02):
    return x * math.exp(random.gauss(0, sd))


class Log:
    """One file of raw/: the cells of an engine with one quantization on one device."""

    def __init__(self, engine, quantize, device):
        self.engine, self.name = engine, f"raw/{engine}_{MODEL}/nowhere_1B_{quantize}_{device}.txt"
        self.lines = []
        self.put(t="open", format=1, run="made-up", started="2026-01-01T00:00:00.000Z", engine=engine, variant=None, model=MODEL,
                 size="1B", quantize=quantize, device=device, seed=42, host="nowhere", user=None, platform=None, release=None,
                 command="python3 tools/gen_plot_fixtures.py", fingerprint=None)

    def put(self, **record):
        record = {k: v for k, v in record.items() if v is not None}
        self.lines.append(json.dumps(record, separators=(",", ":"), ensure_ascii=False))

    def cell(self, experiment, params, values=(), requests=(), peak_mb=900.0, load_ms=400.0):
        """values: (launch, index, {name: x}); requests: (launch, prefill_ms, [step ms], step_bytes)."""
        what = json.dumps([experiment, self.engine, self.name, params], sort_keys=True)
        key = hashlib.md5(what.encode()).hexdigest()
        launches = sorted({v[0] for v in values} | {r[0] for r in requests})
        for launch in launches:
            self.put(t="ready", cell=key, launch=launch, version=None, checked_against="made up", clock="monotonic",
                     load_ns=int(near(load_ms) * 1e6), parameters=None, step_parameters=None, step_bytes=None, position_bytes=None,
                     weights_bytes=None, kv_bytes=None, scratch_bytes=None)
        for at, index, numbers in values:
            self.put(t="value", cell=key, launch=at, index=index, values={k: rounded(x) for k, x in numbers.items()})
        for at, prefill, steps, step_bytes in requests:
            ns = [int(ms * 1000) * 1000 for ms in [prefill, *steps]]
            self.put(t="request", cell=key, launch=at, index=0, phase="timed", clock="monotonic", submitted_ns=0, prefill_ns=ns[0],
                     decode_ns=sum(ns[1:]), total_ns=sum(ns), server_prefill_ms=None, server_decode_ms=None, cached_tokens=None,
                     step_bytes=step_bytes, position_bytes=32768, step_parameters=1236000000,
                     replies=[{"prompt_len": params["prompt_len"], "finish": "length", "id": [None] * len(ns),
                               "enqueue_ns": [None] * len(ns), "total_ns": ns, "logprob": [None] * len(ns), "text": [""] * len(ns)}])
        for launch in launches:
            self.put(t="cell", cell=key, experiment=experiment, engine=self.engine, variant=None, model=MODEL, params=params,
                     launch=launch, status="ok", reason=None, hint=None, samples=1, peak_bytes=int(near(peak_mb, 0.005) * 2**20),
                     checked_against="made up", benchmark=experiment, target="made-up")

    def write(self, root):
        self.put(t="close", ended="2026-01-01T01:00:00.000Z", status="done", reason=None, after=None)
        path = root / self.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(self.lines) + "\n", encoding="utf-8")


def latency(log, slow):
    for prompt in (128, 512, 2048):
        requests = [(i, near(1.9 * prompt * slow), [near((21 + prompt * 0.003) * slow, 0.06) for _ in range(10)], 2472000000)
                    for i in range(LAUNCHES)]
        log.cell("latency", {"prompt_len": prompt, "gen_len": 10, "batch_size": 1}, requests=requests, peak_mb=2600 + 90 * slow)


def memory(log, slow):
    for length in (512, 1024, 2048, 4096):
        for kind, byte in (("f16", 2.0), ("q8_0", 1.0625), ("q4_0", 0.5625)):
            kv = length * 16 * 2 * 512 * byte / 2**20
            values = [(i, 0, {"kvcache_mb": kv}) for i in range(3)]
            log.cell("memory", {"seq_len": length, "batch_size": 1, "quantization": kind}, values, peak_mb=2400 + 120 * slow + kv)


def agreement(log, engine):
    place = {"native": 0.0, "llamacpp": 1.3, "transformers": 0.05, "vllm": 2.1}
    for other in ENGINES:
        if other == engine:
            continue
        far = 2e-4 * abs(place[engine] - place[other]) + 1e-6
        values = []
        for i in range(PROMPTS):
            kl = near(far, 0.8)
            values.append((0, i, {"kl": kl, "top10_overlap": 1 - min(0.1 * round(random.random() * 30 * math.sqrt(far)), 1),
                                  "spearman": 1 - near(far, 0.5) * 20}))
        log.cell("distribution", {"against": other, "reference": REFERENCE}, values, peak_mb=2700)
        values = []
        for i in range(2 * PROMPTS):
            parted = random.random() < 60 * math.sqrt(far) / 2
            values.append((0, i, {"exact_match": int(not parted), "diverged": int(parted), "lcp": random.randrange(2, 64) if parted else 64}))
        log.cell("greedy", {"against": other, "reference": REFERENCE}, values, peak_mb=2700)


def speculation(log, slow):
    for k in range(1, 5):
        ms = 5554 - 420 * (k > 1) + 90 * (k - 2) * (k > 2)
        values = [(i, 0, {"latency_ms": near(ms * slow, 0.08), "tokens_per_sec": near(32000 / ms / slow, 0.09),
                          "acceptance_rate": near(0.156, 0.1)}) for i in range(6)]
        log.cell("speculate", {"K": k, "policy": "longest_prefix"}, values, peak_mb=505 + 18 * k)


def speed(log, slow, quantize, bits, faster):
    step_bytes = int(1236000000 * bits / 8)
    ms = step_bytes / 38e9 * 1000 * max(slow, 1) * faster
    requests = [(i, near(5200 * slow * faster), [near(ms, 0.03) for _ in range(6)], step_bytes) for i in range(LAUNCHES)]
    values = [(i, 0, {"machine_read_gb_s": near(41.5), "machine_gops": near(260), "cold_start_ms": near((900 + 60 * bits) * slow),
                      "steady_ms_per_token": near(ms), "share_of_bandwidth": near(38 / 41.5 / max(slow, 1)),
                      "share_of_arithmetic": min(near(2 * 1.236 * 512 / (5.2 * slow * faster) / 260), 1.0)}) for i in range(LAUNCHES)]
    log.cell("speed", {"prompt_len": 512, "gen_len": 6, "batch_size": 1, "quantize": quantize}, values, requests,
             peak_mb=step_bytes / 2**20 + 210)
    values = [(i, 0, {"perplexity": near(9.76 + 14 * 2 ** (-bits), 0.004)}) for i in range(8)]
    log.cell("perplexity", {"dataset": "wikitext-2", "quantize": quantize}, values, peak_mb=step_bytes / 2**20 + 260)


def layers(log, engine):
    base = {"native": 3e-7, "llamacpp": 4e-4, "vllm": 9e-4}
    if engine not in base:
        return
    values = [(prompt, layer, {"attention_error": near(base[engine] * 1.15**layer, 0.2),
                               "hidden_error": near(base[engine] * 0.7 * 1.22**layer, 0.2)})
              for prompt in range(3) for layer in range(16)]
    log.cell("layers", {"reference": REFERENCE}, values, peak_mb=2700)


def main():
    root = Path(sys.argv[1])
    for engine, slow in ENGINES.items():
        log = Log(engine, "f16", "cpu")
        latency(log, slow)
        memory(log, slow)
        agreement(log, engine)
        layers(log, engine)
        if engine in ("native", "transformers"):
            speculation(log, slow)
        log.write(root)
        for quantize, bits, device, faster in (("bf16", 16.0, "cpu", 1.0), ("q8_0", 8.5, "cpu", 1.0), ("q4_k_m", 4.85, "cpu", 1.05),
                                               ("q4_0", 4.55, "cpu", 1.0), ("q4_0", 4.55, "cuda", 0.2)):
            if engine in ("native", "llamacpp"):
                log = Log(engine, quantize, device)
                speed(log, slow, quantize, bits, faster)
                log.write(root)


main()
