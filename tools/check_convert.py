#!/usr/bin/env python3
"""`prony model convert` against llama.cpp and transformers, on a tiny model of every architecture.

    python tools/check_convert.py LLAMA_CPP BIN PRONY [NAME...]

LLAMA_CPP: its sources (the converter), BIN: the folder of its built programs, PRONY: the program. For each model:
  * the GGUF written here has the tensors (names, types, bytes) that llama.cpp's converter writes of the same folder, and
    every key of its metadata that its loader reads with the same value;
  * llama.cpp loads both and says the same greedy text;
  * the folder written here from the GGUF loads in transformers with the same logits and tokenizes alike.
"""
import json
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import numpy as np
import sentencepiece
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging
from transformers.utils.logging import disable_progress_bar

import gen_gguf_goldens as goldens
import gen_model_goldens as base

TEXTS = ["the other day", " two  spaces", "the\n\nthe thé 12345", "a", "", "x" * 70]
# names, sizes and hints of the converter's own, which no loader reads, and what it leaves to be guessed
UNREAD = {"general.name", "general.size_label", "general.basename", "general.finetune", "general.version", "general.languages",
          "general.license", "general.tags", "general.sampling.temp", "tokenizer.ggml.add_sep_token"}


def run(*command):
    done = subprocess.run([str(c) for c in command], stdin=subprocess.DEVNULL, capture_output=True, timeout=240)
    assert done.returncode == 0, f"{command}: {done.stderr.decode(errors='replace')[-2000:]}"
    return done.stdout


def value(field):
    v = field.contents()
    return [round(x, 5) if isinstance(x, float) else x for x in v] if isinstance(v, list) else v


def compare_gguf(ours, theirs):
    from gguf import GGUFReader  # the converter's own, which `main` puts first

    a, b = GGUFReader(ours), GGUFReader(theirs)
    x, y = ({t.name: t for t in r.tensors} for r in (a, b))
    assert x.keys() == y.keys(), (x.keys() ^ y.keys())
    for name in x:
        assert x[name].tensor_type == y[name].tensor_type, (name, x[name].tensor_type, y[name].tensor_type)
        assert list(x[name].shape) == list(y[name].shape), (name, x[name].shape, y[name].shape)
        same = np.array_equal(np.asarray(x[name].data).view(np.uint8), np.asarray(y[name].data).view(np.uint8))
        if not same and name.startswith("rope_"):
            same = np.allclose(x[name].data, y[name].data, rtol=1e-6)   # a power in float32: libraries differ in the last bit
        assert same, name
    for key, field in b.fields.items():
        if key.startswith("GGUF.") or key in UNREAD:
            continue
        assert key in a.fields, f"{key} is missing: {value(field)!r}"[:200]
        mine, other = value(a.fields[key]), value(field)
        if key == "tokenizer.ggml.tokens":      # transformers' own class of a model adds what the tokenizer lacks
            other = [m if m.startswith("[PAD") else o for m, o in zip(mine, other)]
        if key == "tokenizer.ggml.scores":      # prony keeps their order
            kinds = value(b.fields["tokenizer.ggml.token_type"])
            order = [[[s[i] for i in range(len(kinds)) if kinds[i] == 1]] for s in (mine, other)]
            mine, other = ([sorted(set(o[0]), reverse=True).index(v) for v in o[0]] for o in order)
        if key == "tokenizer.ggml.token_type":
            other = [m if m == 5 else o for m, o in zip(mine, other)]
        assert mine == other or (isinstance(other, float) and abs(mine - other) <= 1e-7 * abs(other)), f"{key}: {mine!r} {other!r}"[:3000]
    return len(x)


def greedy(binary, path, prompt):
    """The ids that llama.cpp's server adds (what its programs print loses bytes that are not UTF-8)."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen([str(binary / "llama-server"), "-m", str(path), "--host", "127.0.0.1", "--port", str(port), "-t", "2",
                               "-c", "128", "-np", "1", "--no-webui"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
    ask = {"prompt": prompt, "n_predict": 24, "temperature": 0, "return_tokens": True, "cache_prompt": False, "ignore_eos": True}
    try:
        for _ in range(200):
            try:
                with urllib.request.urlopen(urllib.request.Request(
                        f"http://127.0.0.1:{port}/completion", json.dumps(ask).encode(),
                        {"Content-Type": "application/json"}), timeout=60) as reply:
                    return json.load(reply)["tokens"]
            except OSError:     # not up yet
                assert server.poll() is None, f"llama-server does not load {path}"
                time.sleep(0.1)
        raise AssertionError(f"llama-server does not answer with {path}")
    finally:
        server.kill()
        server.wait()


@torch.no_grad()
def check(name, seed, work, llama_cpp, binary, prony):
    folder, ours, theirs, back = work / "hf", work / "ours.gguf", work / "theirs.gguf", work / "back"
    folder.mkdir()
    model = goldens.build(name, seed, folder)
    for kind in ("f32", "f16", "bf16"):
        goldens.convert(folder, theirs, llama_cpp, kind)
        run(prony, "model", "convert", folder, ours, "--type", kind)
        tensors = compare_gguf(ours, theirs)
    goldens.convert(folder, theirs, llama_cpp, "f32")
    run(prony, "model", "convert", folder, ours)
    said = [greedy(binary, path, "the other") for path in (ours, theirs)]
    assert said[0] == said[1] and len(said[0]) == 24, (name, said)
    run(prony, "model", "convert", ours, back)
    loaded = AutoModelForCausalLM.from_pretrained(back, dtype=torch.float32, attn_implementation="eager").eval()
    ids = torch.tensor([(base.splitmix64(seed, 60) % np.uint64(256)).astype(int).tolist()])
    apart = (model(input_ids=ids).logits - loaded(input_ids=ids).logits).abs().max().item()
    assert apart <= 1e-5, (name, apart)
    b = AutoTokenizer.from_pretrained(back)
    if name in goldens.PIECES:
        pieces = sentencepiece.SentencePieceProcessor(str(folder / "tokenizer.model"))
        encode, decode = lambda text: pieces.encode(text, add_bos=True), pieces.decode
    else:
        a = AutoTokenizer.from_pretrained(folder)
        encode, decode = lambda text: a(text)["input_ids"], a.decode
    for text in TEXTS:
        ids = encode(text)
        assert ids == b(text)["input_ids"], (name, text, ids, b(text)["input_ids"])
        assert decode(ids) == b.decode(ids, skip_special_tokens=name in goldens.PIECES), (name, text)
    again = work / "again"
    run(prony, "model", "convert", folder, again, "--type", "f16")
    AutoModelForCausalLM.from_pretrained(again)
    print(f"{name}: {tensors} tensors, logits {apart:g} apart", flush=True)


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    llama_cpp, binary, prony = (Path(p).resolve() for p in sys.argv[1:4])
    sys.path[:0] = [str(llama_cpp), str(llama_cpp / "gguf-py")]
    logging.set_verbosity_error()
    disable_progress_bar()
    torch.set_num_threads(2)
    names, failed = sys.argv[4:], []      # the converter looks at sys.argv too
    for i, name in enumerate(goldens.VARIANTS):
        if names and name not in names:
            continue
        with tempfile.TemporaryDirectory() as work:
            try:
                check(name, 2000 + i, Path(work), llama_cpp, binary, prony)
            except AssertionError as error:
                failed.append(name)
                print(f"{name}: FAILED: {error}", flush=True)
    sys.exit(f"failed: {', '.join(failed)}" if failed else 0)


if __name__ == "__main__":
    main()
