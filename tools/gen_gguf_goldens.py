#!/usr/bin/env python3
"""GGUFs that llama.cpp's own converter makes of tiny models, with transformers' float32 logits: tests/models/gguf.

    python tools/gen_gguf_goldens.py LLAMA_CPP [OUT]       LLAMA_CPP: its sources (vendor/llama.cpp of PyPI's llama-cpp-python)

Writes NAME.gguf and NAME.json (prompt, logits at some positions, greedy ids). The weights are those of
tools/gen_model_goldens.py, in F32. The converter knows vocabularies by a hash of how they cut a text; the tiny one made here is
none of them, so it is told that it is GPT-2's.
"""
import importlib
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import sentencepiece
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import AutoConfig, AutoModelForCausalLM
from transformers.utils import logging

import gen_model_goldens as base

ROOT = Path(__file__).resolve().parent.parent
VOCABULARY, PROMPT, POSITIONS = 264, 120, [0, 1, 60, 119]
SMALL = dict(vocab_size=VOCABULARY, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
             num_key_value_heads=2, bos_token_id=256, eos_token_id=257)
LLAMA = {**base.LLAMA, **SMALL}
NEOX = {k: v for k, v in SMALL.items() if k != "num_key_value_heads"}
VARIANTS = {
    "llama": {**LLAMA, "attention_bias": False, "tie_word_embeddings": True},
    "llama3": {**LLAMA, "tie_word_embeddings": True, **base.rope(rope_type="llama3", factor=8.0, low_freq_factor=1.0,
               high_freq_factor=4.0, original_max_position_embeddings=64)},
    "llama_yarn": {**LLAMA, **base.rope(rope_type="yarn", factor=4.0, original_max_position_embeddings=32)},
    "llama_linear": {**LLAMA, **base.rope(rope_type="linear", factor=2.0)},
    "mistral": {**base.MISTRAL, **SMALL, "sliding_window": None, "tie_word_embeddings": True},
    "qwen2": {**base.QWEN2, **SMALL, "tie_word_embeddings": True},
    "qwen3": {**base.QWEN3, **SMALL, "head_dim": 12, "tie_word_embeddings": True},
    "gpt2": {**base.GPT2, "vocab_size": VOCABULARY, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 128, "n_ctx": 128,
             "bos_token_id": 257, "eos_token_id": 257},
    "llama_pieces": {**LLAMA, "vocab_size": 400, "bos_token_id": 1, "eos_token_id": 2},
    "gptneox": {**base.NEOX, **NEOX, "rotary_pct": 0.5},
    "gptneox_sequential": {**base.NEOX, **NEOX, "rotary_pct": 0.25, "use_parallel_residual": False,
                           "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": 0.25}},
    "phi3": {**base.PHI3, **SMALL, "rope_parameters": {**base.PHI3["rope_parameters"], "original_max_position_embeddings": 512}},
    "phi3_longrope": {**base.LONGROPE, **SMALL, "num_attention_heads": 2, **base.longrope(100)},
    "gemma2": {**base.GEMMA2, **SMALL, "vocab_size": 400, "head_dim": 8, "query_pre_attn_scalar": 8, "num_hidden_layers": 3,
               "tie_word_embeddings": True, "bos_token_id": 1, "eos_token_id": 2},
    "gemma3": {**base.GEMMA3, **SMALL, "vocab_size": 400, "bos_token_id": 1, "eos_token_id": 2, "head_dim": 8, "query_pre_attn_scalar": 8, "num_hidden_layers": 6, "intermediate_size": 32,
               "_sliding_window_pattern": 6, "layer_types": ["sliding_attention"] * 5 + ["full_attention"]},
    "mixtral": {**base.MIXTRAL, **SMALL, "intermediate_size": 32, "tie_word_embeddings": True},
    "qwen3moe": {**base.QWEN3MOE, **SMALL, "head_dim": 12, "tie_word_embeddings": True, "moe_intermediate_size": 16},
}
PIECES = ["llama_pieces", "gemma2", "gemma3"]     # with a tokenizer.model instead of a tokenizer.json
COMMITTED = ["llama3", "qwen3", "gpt2", "gptneox", "phi3_longrope", "gemma2", "gemma3", "mixtral", "qwen3moe"]


def make_pieces(folder, space_prefix):
    text = (ROOT / "README.md").read_text().splitlines()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(text), model_prefix=str(folder / "tokenizer"), model_type="bpe", vocab_size=400, byte_fallback=True,
        character_coverage=0.98, add_dummy_prefix=space_prefix, remove_extra_whitespaces=False,
        normalization_rule_name="identity", minloglevel=2)
    (folder / "tokenizer.vocab").unlink()


def make_tokenizer(folder, kind):
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {c: i for i, c in enumerate(alphabet + ["<s>", "</s>", "th", "the"])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[("t", "h"), ("th", "e")]))
    tokenizer.add_special_tokens(["<s>", "</s>"])
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({
        # what the converter takes as the sign of a byte-level vocabulary in a Phi-3
        "tokenizer_class": "GPT2Tokenizer" if kind == "phi3" else "PreTrainedTokenizerFast", "bos_token": "<s>", "eos_token": "</s>"}))


def convert(folder, out, llama_cpp, kind="f32"):
    sys.path[:0] = [str(llama_cpp), str(llama_cpp / "gguf-py")]
    base_module = importlib.import_module("conversion.base")
    base_module.TextModel.get_vocab_base_pre = lambda self, tokenizer: "gpt-2"
    script = importlib.import_module("convert_hf_to_gguf")
    # the converter asks for names that transformers 5 no longer keeps (rotary_pct)
    kept = json.loads((folder / "config.json").read_text())
    load = base_module.ModelBase.load_hparams
    base_module.ModelBase.load_hparams = staticmethod(lambda *a, **k: {**kept, **load(*a, **k)})
    sys.argv = ["convert_hf_to_gguf.py", str(folder), "--outfile", str(out), "--outtype", kind]
    script.main()
    base_module.ModelBase.load_hparams = staticmethod(load)


@torch.no_grad()
def build(name, seed, folder):
    """The tiny model in a folder, and as transformers computes it."""
    config = VARIANTS[name]
    (folder / "config.json").write_text(json.dumps({**config, "dtype": "float32"}))
    model = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(folder), dtype=torch.float32,
                                             attn_implementation="eager").eval()
    for key, tensor in model.state_dict().items():
        if not (key == "lm_head.weight" and config.get("tie_word_embeddings", config["model_type"] == "gpt2")):
            tensor.copy_(base.numbers(key, tuple(tensor.shape), seed, 23) * (2 if tensor.ndim == 3 else 1))
    model.save_pretrained(folder)
    written = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **written}))
    if name in PIECES:
        make_pieces(folder, config["model_type"] == "llama")
    else:
        make_tokenizer(folder, config["model_type"])
    return model


@torch.no_grad()
def make(name, seed, out, llama_cpp):
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        model = build(name, seed, folder)
        convert(folder, out / f"{name}.gguf", llama_cpp)
        prompt = (base.splitmix64(seed, PROMPT) % np.uint64(256)).astype(int).tolist()
        ids = torch.tensor([prompt])
        logits = model(input_ids=ids).logits[0].float()
        greedy = model.generate(input_ids=ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=8,
                                eos_token_id=None, pad_token_id=0)[0, PROMPT:].tolist()
    (out / f"{name}.json").write_text(json.dumps({
        "made_by": "tools/gen_gguf_goldens.py", "prompt": prompt, "positions": POSITIONS,
        "logits": [base.short(logits[p]) for p in POSITIONS], "greedy": greedy}, separators=(",", ":")) + "\n")


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    llama_cpp = Path(sys.argv[1]).resolve()
    out = Path(sys.argv[2]) if len(sys.argv) > 2 else ROOT / "tests/models/gguf"
    names = VARIANTS if len(sys.argv) > 2 else COMMITTED
    out.mkdir(parents=True, exist_ok=True)
    logging.set_verbosity_error()
    for name in names:
        make(name, 2000 + list(VARIANTS).index(name), out.resolve(), llama_cpp)


if __name__ == "__main__":
    main()
