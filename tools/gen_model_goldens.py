#!/usr/bin/env python3
"""Tiny random models of every architecture and variant, computed by transformers in float32.

    python tools/gen_model_goldens.py [NAME...]          writes tests/models/golden/NAME.json

Needs what tools/requirements.txt pins. The weights are not stored: both sides make them from the tensor's name, the model's
seed and the number of bits its type holds (`numbers` below; tests/support/golden_model.c), every value exact in that type. A
golden holds config.json as transformers 5 writes it and as 4 did, the tensors' names and shapes, and for a prompt of 200 ids:
the logits at some positions, the log-probability of every id after the first, and the 32 ids that greedy decoding adds.
"""
import json
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM
from transformers.utils import logging

OUT = Path(__file__).resolve().parent.parent / "tests/models/golden"
VOCABULARY, PROMPT, NEW = 96, 200, 32
POSITIONS = [0, 1, 63, 64, 130, 199]
BITS = {"F32": 23, "F16": 10, "BF16": 7}
MASK = (1 << 64) - 1


def hash_name(name, seed):
    """FNV-1a of the name, started from the seed."""
    h = (0xCBF29CE484222325 ^ seed) & MASK
    for byte in name.encode():
        h = ((h ^ byte) * 0x100000001B3) & MASK
    return h


def splitmix64(state, n):
    """n outputs of the generator of src/base/rng.c."""
    with np.errstate(over="ignore"):
        z = np.uint64(state) + np.arange(1, n + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def numbers(name, shape, seed, bits):
    """Whole numbers below 2^bits in magnitude, times 2^-bits, times a quarter for matrices and a half for embeddings and
    vectors; weights of norms lie around one, in [0.5, 1.5)."""
    n = int(np.prod(shape))
    u = splitmix64(hash_name(name, seed), n)
    norm = "norm" in name or ".ln_" in name or name.startswith("ln_")
    if norm and name.endswith(".weight"):
        steps = (u >> np.uint64(64 - (bits - 1))).astype(np.float64)          # 0 .. 2^(bits-1) - 1
        values = 0.5 + steps * 2.0 ** -(bits - 1)
    else:
        steps = (u >> np.uint64(64 - (bits + 1))).astype(np.float64) - 2.0 ** bits  # -2^bits .. 2^bits - 1
        steps = np.where(steps == -2.0 ** bits, 0, steps)
        table = "emb" in name or "wte" in name or "wpe" in name
        values = steps * 2.0 ** -bits * (0.25 if len(shape) == 2 and not table else 0.5)
    return torch.tensor(values.reshape(shape), dtype=torch.float32)


LLAMA = dict(model_type="llama", architectures=["LlamaForCausalLM"], vocab_size=VOCABULARY, hidden_size=48,
             intermediate_size=80, num_hidden_layers=3, num_attention_heads=6, num_key_value_heads=6,
             max_position_embeddings=512, rms_norm_eps=1e-3, hidden_act="silu", tie_word_embeddings=False,
             rope_parameters={"rope_type": "default", "rope_theta": 10000.0}, eos_token_id=None, bos_token_id=None,
             pad_token_id=None)
MISTRAL = {**LLAMA, "model_type": "mistral", "architectures": ["MistralForCausalLM"], "num_key_value_heads": 2,
           "sliding_window": 40}
QWEN2 = {**LLAMA, "model_type": "qwen2", "architectures": ["Qwen2ForCausalLM"], "num_key_value_heads": 2,
         "use_sliding_window": False, "sliding_window": 32, "max_window_layers": 1}
QWEN3 = {**LLAMA, "model_type": "qwen3", "architectures": ["Qwen3ForCausalLM"], "num_key_value_heads": 2, "head_dim": 16,
         "attention_bias": False, "use_sliding_window": False, "sliding_window": None, "max_window_layers": 1}
GPT2 = dict(model_type="gpt2", architectures=["GPT2LMHeadModel"], vocab_size=VOCABULARY, n_embd=48, n_layer=3, n_head=4,
            n_positions=256, n_inner=None, activation_function="gelu_new", layer_norm_epsilon=1e-3,
            scale_attn_weights=True, scale_attn_by_inverse_layer_idx=False, reorder_and_upcast_attn=False,
            eos_token_id=None, bos_token_id=None)
OPT = dict(model_type="opt", architectures=["OPTForCausalLM"], vocab_size=VOCABULARY, hidden_size=48, num_hidden_layers=3,
           num_attention_heads=4, ffn_dim=80, max_position_embeddings=256, do_layer_norm_before=True,
           word_embed_proj_dim=48, activation_function="relu", enable_bias=True, layer_norm_elementwise_affine=True,
           eos_token_id=None, bos_token_id=None, pad_token_id=1)
NEOX = dict(model_type="gpt_neox", architectures=["GPTNeoXForCausalLM"], vocab_size=VOCABULARY, hidden_size=48,
            intermediate_size=80, num_hidden_layers=3, num_attention_heads=4, max_position_embeddings=256, layer_norm_eps=1e-3,
            hidden_act="gelu", use_parallel_residual=True, attention_bias=True, tie_word_embeddings=False,
            rope_parameters={"rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": 0.5}, eos_token_id=None,
            bos_token_id=None)
PHI3 = {**LLAMA, "model_type": "phi3", "architectures": ["Phi3ForCausalLM"], "num_key_value_heads": 2, "sliding_window": None,
        "pad_token_id": 0, "original_max_position_embeddings": 512,
        "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": 1.0}}
GEMMA2 = {**LLAMA, "model_type": "gemma2", "architectures": ["Gemma2ForCausalLM"], "num_attention_heads": 4,
          "num_key_value_heads": 2, "head_dim": 16, "hidden_activation": "gelu_pytorch_tanh", "query_pre_attn_scalar": 16,
          "attn_logit_softcapping": 5.0, "final_logit_softcapping": 6.0, "sliding_window": 40, "tie_word_embeddings": True,
          "num_hidden_layers": 4}
del GEMMA2["hidden_act"]
GEMMA3 = {**GEMMA2, "model_type": "gemma3_text", "architectures": ["Gemma3ForCausalLM"], "attn_logit_softcapping": None,
          "final_logit_softcapping": None, "num_hidden_layers": 3, "_sliding_window_pattern": 2,
          "layer_types": ["sliding_attention", "full_attention", "sliding_attention"],
          "rope_parameters": {"sliding_attention": {"rope_type": "default", "rope_theta": 1000.0},
                              "full_attention": {"rope_type": "default", "rope_theta": 50000.0}}}
MIXTRAL = {**LLAMA, "model_type": "mixtral", "architectures": ["MixtralForCausalLM"], "num_key_value_heads": 2,
           "intermediate_size": 32, "num_local_experts": 4, "num_experts_per_tok": 2, "sliding_window": None}
QWEN3MOE = {**QWEN3, "model_type": "qwen3_moe", "architectures": ["Qwen3MoeForCausalLM"], "num_experts": 6, "num_experts_per_tok": 3,
            "moe_intermediate_size": 24, "norm_topk_prob": True, "decoder_sparse_step": 1, "mlp_only_layers": []}


def rope(**parameters):
    return {"rope_parameters": {"rope_theta": 10000.0, **parameters}}


def longrope(original):
    """On either side of the trained context: transformers computes its cache anew where a text passes it, prony does not."""
    return {"original_max_position_embeddings": original,
            **rope(rope_type="longrope", partial_rotary_factor=0.75, original_max_position_embeddings=original,
                   short_factor=[1.0, 1.05, 1.2, 1.5, 2.0, 2.5], long_factor=[1.5, 2.0, 3.0, 4.5, 6.0, 8.0])}


LONGROPE = {**PHI3, "hidden_size": 64, "num_attention_heads": 4}

# name: (config, type of the weights, prefix kept?, shards)
VARIANTS = {
    "llama_plain": (LLAMA, "F32", True, 1),
    "llama_gqa_tied": ({**LLAMA, "num_key_value_heads": 2, "tie_word_embeddings": True}, "BF16", True, 2),
    "llama_bias": ({**LLAMA, "num_key_value_heads": 3, "attention_bias": True, "mlp_bias": True, "head_dim": 12}, "F16",
                   False, 1),
    "llama_gelu": ({**LLAMA, "hidden_act": "gelu"}, "F32", True, 1),
    "llama_linear": ({**LLAMA, **rope(rope_type="linear", factor=4.0)}, "F32", True, 1),
    "llama_dynamic": ({**LLAMA, "max_position_embeddings": 64, **rope(rope_type="dynamic", factor=4.0)}, "F32", True, 1),
    "llama_llama3": ({**LLAMA, "num_key_value_heads": 2, "hidden_size": 96, "num_attention_heads": 3,
                      "num_key_value_heads": 1, **rope(rope_type="llama3", factor=8.0, low_freq_factor=1.0,
                      high_freq_factor=4.0, original_max_position_embeddings=64)}, "BF16", True, 1),
    "llama_yarn": ({**LLAMA, "hidden_size": 96, "num_attention_heads": 3, "num_key_value_heads": 3,
                    **rope(rope_type="yarn", factor=4.0, original_max_position_embeddings=64)}, "F32", True, 1),
    "llama_yarn_tuned": ({**LLAMA, "hidden_size": 96, "num_attention_heads": 3, "num_key_value_heads": 3,
                          **rope(rope_type="yarn", factor=8.0, original_max_position_embeddings=48, beta_fast=16.0,
                                 beta_slow=2.0, attention_factor=1.3, truncate=False)}, "F32", True, 1),
    "mistral_window": (MISTRAL, "BF16", True, 1),
    "mistral_full": ({**MISTRAL, "sliding_window": None, "head_dim": 10, "num_attention_heads": 4}, "F16", True, 1),
    "qwen2_plain": ({**QWEN2, "tie_word_embeddings": True}, "BF16", True, 1),
    "qwen2_upper_windows": ({**QWEN2, "use_sliding_window": True}, "F32", True, 1),
    "qwen3_norms": ({**QWEN3, "tie_word_embeddings": True}, "BF16", True, 3),
    "qwen3_bias": ({**QWEN3, "attention_bias": True}, "F32", False, 1),
    "gpt2_plain": (GPT2, "F32", True, 1),
    "gpt2_bare": ({**GPT2, "n_inner": 64, "activation_function": "gelu"}, "F16", False, 1),
    "gpt2_layer_scale": ({**GPT2, "scale_attn_by_inverse_layer_idx": True, "reorder_and_upcast_attn": True}, "F32", True, 1),
    "gpt2_unscaled": ({**GPT2, "scale_attn_weights": False, "activation_function": "relu"}, "F32", True, 1),
    "opt_before": (OPT, "F16", True, 1),
    "opt_after_projected": ({**OPT, "do_layer_norm_before": False, "word_embed_proj_dim": 24,
                             "activation_function": "gelu"}, "F32", True, 2),
    "opt_bare": ({**OPT, "enable_bias": False, "layer_norm_elementwise_affine": False}, "F32", False, 1),
    "gptneox_parallel": (NEOX, "F16", True, 1),
    "gptneox_sequential": ({**NEOX, "use_parallel_residual": False, "attention_bias": False, "hidden_act": "gelu_new",
                            "rope_parameters": {"rope_type": "linear", "factor": 2.0, "rope_theta": 5000.0,
                                                "partial_rotary_factor": 0.25}, "hidden_size": 64}, "F32", False, 2),
    "phi3_plain": ({**PHI3, "sliding_window": 50, "head_dim": 8}, "BF16", True, 1),
    "phi3_longrope": ({**LONGROPE, **longrope(150)}, "F32", True, 1),
    "phi3_longrope_within": ({**LONGROPE, **longrope(400)}, "BF16", True, 1),
    "gemma2_plain": (GEMMA2, "BF16", True, 1),
    "gemma2_scaled": ({**GEMMA2, "query_pre_attn_scalar": 24, "attn_logit_softcapping": None, "num_hidden_layers": 2}, "F32", True, 1),
    "gemma3_plain": (GEMMA3, "F16", True, 1),
    "gemma3_linear": ({**GEMMA3, "final_logit_softcapping": 4.0, "rope_parameters": {
        "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0},
        "full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 1000000.0}}}, "F32", True, 1),
    "mixtral_plain": (MIXTRAL, "F32", True, 2),
    "mixtral_window": ({**MIXTRAL, "sliding_window": 40, "num_local_experts": 3, "num_experts_per_tok": 1}, "BF16", True, 1),
    "qwen3moe_normed": (QWEN3MOE, "BF16", True, 1),
    "qwen3moe_plain": ({**QWEN3MOE, "norm_topk_prob": False, "tie_word_embeddings": True, "attention_bias": True}, "F32", False, 1),
}


def as_transformers_4(config):
    """The same model in the vocabulary of transformers 4."""
    old = {k: v for k, v in config.items() if k not in ("rope_parameters", "dtype", "layer_types")}
    old["torch_dtype"] = config["dtype"]
    parameters = dict(config.get("rope_parameters") or {})
    if "full_attention" in parameters:                          # Gemma 3
        old["rope_local_base_freq"] = parameters["sliding_attention"]["rope_theta"]
        old["sliding_window_pattern"] = old.pop("_sliding_window_pattern")
        parameters = dict(parameters["full_attention"])
    if parameters:
        base, part = ("rotary_emb_base", "rotary_pct") if config["model_type"] == "gpt_neox" else ("rope_theta", "partial_rotary_factor")
        old[base] = parameters.pop("rope_theta")
        if "partial_rotary_factor" in parameters:
            old[part] = parameters.pop("partial_rotary_factor")
        kind = parameters.pop("rope_type")
        # the two names the kind had
        old["rope_scaling"] = None if kind == "default" else {("type" if kind == "linear" and "gemma" not in config["model_type"] else "rope_type"): kind,
                                                              **parameters}
        if kind == "longrope":
            old["rope_scaling"] = {"type": kind, "long_factor": parameters["long_factor"], "short_factor": parameters["short_factor"]}
    if "num_local_experts" in old and config["model_type"] == "qwen3_moe":
        old["num_experts"] = old.pop("num_local_experts")
    old["transformers_version"] = "4.57.0"
    return old


def load(folder, config, state):
    """As transformers loads the folder: names on disk are not always those in memory."""
    (folder / "config.json").write_text(json.dumps(config))
    save_file(state, folder / "model.safetensors", {"format": "pt"})
    model, info = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager",
                                                       output_loading_info=True)
    assert not info["missing_keys"] and not info["unexpected_keys"] and not info["mismatched_keys"], info
    return model.eval()


@torch.no_grad()
def compute(model, prompt):
    ids = torch.tensor([prompt])
    logits = model(input_ids=ids).logits[0].float()
    greedy = model.generate(input_ids=ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=NEW,
                            eos_token_id=None, pad_token_id=0)[0, len(prompt):]
    return logits, greedy.tolist()


def watch_routers(model):
    """The narrowest choice of any router from now on: the last expert taken and the first left out, in probability."""
    gap = [1.0]

    def look(module, inputs, output):
        best = output[0].float().softmax(-1).sort(-1, descending=True).values
        gap[0] = min(gap[0], (best[..., module.top_k - 1] - best[..., module.top_k]).min().item())
    for name, module in model.named_modules():
        if name.endswith("mlp.gate"):
            module.register_forward_hook(look)
    return gap


def short(values):
    return [float(f"{v:.8g}") for v in np.asarray(values, np.float64).ravel()]


def make(name, seed):
    config, dtype, prefixed, shards = VARIANTS[name]
    config = {**config, "dtype": {"F32": "float32", "F16": "float16", "BF16": "bfloat16"}[dtype]}
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        (folder / "config.json").write_text(json.dumps(config))
        built = AutoConfig.from_pretrained(folder)
        empty = AutoModelForCausalLM.from_config(built, dtype=torch.float32)
        empty.save_pretrained(folder)                           # config.json as transformers 5 writes it
        with safe_open(folder / "model.safetensors", "pt") as file:
            names = [k for k in empty.state_dict() if k in file.keys()]
            names += [k for k in file.keys() if k not in names]
            shapes = {k: tuple(file.get_slice(k).get_shape()) for k in names}
        state = {k: numbers(k, s, seed, BITS[dtype]) for k, s in shapes.items()}
        typed = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}[dtype]
        assert all(torch.equal(v.to(typed).float(), v) for v in state.values()), name
        prompt = (splitmix64(seed, PROMPT) % np.uint64(VOCABULARY)).astype(int).tolist()
        new = json.loads((folder / "config.json").read_text())
        new["dtype"] = config["dtype"]
        old = as_transformers_4(new)
        model = load(folder, new, state)
        gap = watch_routers(model)
        logits, greedy = compute(model, prompt)
        again, _ = compute(load(folder, old, state), prompt)
        assert torch.equal(logits, again), f"{name}: the two forms of config.json differ"
    best = logits.topk(2).values
    logprobs = logits.log_softmax(-1)[torch.arange(PROMPT - 1), torch.tensor(prompt[1:])]
    prefix = "" if prefixed else {"gpt2": "transformer.", "gpt_neox": "gpt_neox."}.get(config["model_type"], "model.")
    names = [k.removeprefix(prefix) if prefix else k for k in shapes]
    golden = {
        "made_by": "tools/gen_model_goldens.py", "transformers": __import__("transformers").__version__,
        "torch": torch.__version__.split("+")[0], "seed": seed, "type": dtype, "bits": BITS[dtype], "shards": shards,
        "configs": [new, old],
        "tensors": [{"name": n, "of": k, "shape": list(shapes[k])} for n, k in zip(names, shapes)],
        "prompt": prompt, "positions": POSITIONS,
        "logits": [short(logits[p]) for p in POSITIONS], "logprobs": short(logprobs), "greedy": greedy,
    }
    if gap[0] < 1:
        golden["narrowest_router_choice"] = float(f"{gap[0]:.3g}")
    text = json.dumps(golden, separators=(",", ":")).replace('],"', '],\n"') + "\n"
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / f"{name}.json").write_text(text)
    print(f"{name}: {sum(int(np.prod(s)) for s in shapes.values())} weights, logits up to {logits.abs().max():.2f}, "
          f"narrowest choice {(best[:, 0] - best[:, 1]).min():.2g}, {len(text)} bytes")


def main():
    torch.set_num_threads(int(os.environ.get("THREADS", "2")))
    torch.use_deterministic_algorithms(True)
    logging.set_verbosity_error()
    for i, name in enumerate(VARIANTS):
        if not sys.argv[1:] or name in sys.argv[1:]:
            make(name, 1000 + i)


if __name__ == "__main__":
    main()
