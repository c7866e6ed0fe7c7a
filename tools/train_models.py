#!/usr/bin/env python3
"""Train the tiny demo models (tokenizer, teacher, student, draft) on one CPU core, and measure them.

    python tools/train_models.py --data DATA --out OUT [--stage all|tokenizer|teacher|corpus|student|draft|eval]

DATA holds wikitext-2/{valid,test}.txt, gsm8k/{train,test}.jsonl and humaneval/HumanEval.jsonl.gz.
Test files are only ever evaluated. A stopped run continues from OUT/work/*.state.pt.
"""
import argparse, gzip, json, math, os, random, time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig, LlamaConfig, LlamaForCausalLM
from transformers.utils import logging

SPECIALS = ["<|bos|>", "<|eos|>", "<|pad|>", "<|user|>", "<|assistant|>", "<|system|>", "<|end|>"]
BOS, EOS, PAD, END = 0, 1, 2, 6
VOCAB, TOKENS_PER_STEP, TOPK = 2048, 2048, 32
CHAT = ("{{ bos_token }}{% for m in messages %}{{ '<|' + m['role'] + '|>' + m['content'] + '<|end|>' }}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}")
#                    hidden layers heads kv ffn; every head is 64 wide
SHAPES = {"teacher": (256, 4, 4, 2, 768), "student": (256, 2, 4, 1, 512), "draft": (128, 1, 2, 1, 384)}
PLAIN, CHATTED = "<|bos|>{}\n{}<|eos|>", "<|bos|><|user|>{}<|end|><|assistant|>{}<|end|>"


# ---------------------------------------------------------------- data and tokenizer
def gsm8k(data, split):
    rows = (data / f"gsm8k/{split}.jsonl").read_text(encoding="utf-8").splitlines()
    return [(r["question"], r["answer"]) for r in map(json.loads, rows)]


def question(tok, q, form):
    """The ids of a problem up to where its answer begins."""
    return tok(form.format(q, "\0").split("\0")[0], add_special_tokens=False)["input_ids"]


def make_tokenizer(data, out):
    tok = Tokenizer(models.BPE())
    tok.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tok.decoder = decoders.ByteLevel()
    text = (data / "wikitext-2/valid.txt").read_text(encoding="utf-8").splitlines(keepends=True)
    text += [f"{q}\n{a}" for q, a in gsm8k(data, "train")]
    tok.train_from_iterator(text, trainers.BpeTrainer(vocab_size=VOCAB, special_tokens=SPECIALS, show_progress=False,
                                                      initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    tok.post_processor = processors.TemplateProcessing(single="<|bos|> $A", pair="<|bos|> $A <|bos|> $B",
                                                       special_tokens=[("<|bos|>", BOS)])
    # Written by hand, not by save_pretrained, so that transformers 4 and 5 both read it.
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<|bos|>", "eos_token": "<|eos|>",
              "pad_token": "<|pad|>", "add_bos_token": True, "add_eos_token": False, "model_max_length": 8192,
              "clean_up_tokenization_spaces": False, "chat_template": CHAT,
              "additional_special_tokens": SPECIALS[3:],
              "added_tokens_decoder": {str(i): {"content": s, "lstrip": False, "normalized": False, "rstrip": False,
                                                "single_word": False, "special": True} for i, s in enumerate(SPECIALS)}}
    for name in SHAPES:
        folder = out / "models" / name
        folder.mkdir(parents=True, exist_ok=True)
        tok.save(str(folder / "tokenizer.json"))
        (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=1) + "\n")


class Corpus:
    """Token windows: a GSM8K window starts at a problem, a WikiText window anywhere (after a <|bos|>)."""

    def __init__(self, data, tok, held_out):
        ids = lambda s: tok(s, add_special_tokens=False)["input_ids"]
        wiki = np.array(ids((data / "wikitext-2/valid.txt").read_text(encoding="utf-8")), np.int64)
        cut = int(len(wiki) * 0.95)
        self.wiki = wiki[cut:] if held_out else wiki[:cut]
        pairs = gsm8k(data, "train")
        self.pairs = pairs[-300:] if held_out else pairs[:-300]
        self.docs = [[ids(f.format(q, a)) for f in (PLAIN, CHATTED)] for q, a in self.pairs]
        self.extra = []                                        # sequences the teacher wrote (distillation only)

    def window(self, rng, length, kind):
        if kind == "wiki":
            at = rng.integers(0, len(self.wiki) - length)
            return np.concatenate(([BOS], self.wiki[at:at + length]))
        row = []
        while len(row) <= length:
            if kind == "extra":
                row += self.extra[rng.integers(len(self.extra))]
            else:
                row += self.docs[rng.integers(len(self.docs))][rng.integers(2)]
        return np.array(row[:length + 1], np.int64)

    def batch(self, rng, mix, length=None):
        # One step in seven sees 1,024-token windows, so that positions up to 1,024 are trained (the config allows 8,192).
        length = length or (1024 if rng.random() < 1 / 7 else 256)
        kinds = rng.choice(list(mix), TOKENS_PER_STEP // length, p=list(mix.values()))
        return torch.from_numpy(np.stack([self.window(rng, length, k) for k in kinds]))


# ---------------------------------------------------------------- training
def build(name):
    h, layers, heads, kv, ffn = SHAPES[name]
    return LlamaForCausalLM(LlamaConfig(
        vocab_size=VOCAB, hidden_size=h, num_hidden_layers=layers, num_attention_heads=heads, num_key_value_heads=kv,
        head_dim=64, intermediate_size=ffn, max_position_embeddings=8192, rms_norm_eps=1e-5, tie_word_embeddings=True,
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0}, attention_bias=False,
        bos_token_id=BOS, eos_token_id=EOS, pad_token_id=PAD))


def add_dropout(model, p):
    """Llama has no residual dropout of its own: drop what each attention and MLP block adds."""
    def hook(module, _, out):
        if isinstance(out, tuple):
            return (F.dropout(out[0], p, module.training), *out[1:])
        return F.dropout(out, p, module.training)
    for layer in model.model.layers:
        layer.self_attn.register_forward_hook(hook)
        layer.mlp.register_forward_hook(hook)


def logits_of(model, ids):
    with torch.autocast("cpu", torch.bfloat16):                # 1.4 times faster here (AVX512-BF16)
        return model(input_ids=ids, use_cache=False).logits.float()


def lm_loss(model, x):
    return F.cross_entropy(logits_of(model, x[:, :-1]).flatten(0, 1), x[:, 1:].flatten())


def distil_loss(model, batch):
    """KL to the teacher (its 32 best tokens, renormalised; up to a constant) plus the usual cross-entropy."""
    x, top, prob = (t.long() if i < 2 else t.float() for i, t in enumerate(batch))
    logq = logits_of(model, x[:, :-1]).log_softmax(-1)
    return -(prob * logq.gather(-1, top)).sum(-1).mean() + 0.3 * F.nll_loss(
        logq.flatten(0, 1), x[:, 1:].flatten(), ignore_index=BOS)   # a text the teacher wrote may stop anywhere


def save(model, name, out):
    folder = out / "models" / name
    copy = build(name)
    copy.load_state_dict(model.state_dict())
    copy.generation_config = GenerationConfig(bos_token_id=BOS, eos_token_id=[EOS, END], pad_token_id=PAD)
    copy.to(torch.bfloat16).save_pretrained(folder, safe_serialization=True)
    (folder / "model.safetensors").chmod(0o644)
    config = json.loads((folder / "config.json").read_text())
    config.update(rope_theta=10000.0, torch_dtype="bfloat16")  # the names that older readers look for
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")


def fit(name, args, steps, lr, dropout, draw, val, loss_fn):
    """AdamW, warm-up and cosine; best held-out model kept; everything needed to go on saved at each evaluation."""
    torch.manual_seed(args.seed)
    model = build(name)
    add_dropout(model, dropout)
    matrices = [p for p in model.parameters() if p.dim() > 1]
    gains = [p for p in model.parameters() if p.dim() == 1]
    opt = torch.optim.AdamW([{"params": matrices, "weight_decay": 0.1}, {"params": gains, "weight_decay": 0.0}],
                            lr=lr, betas=(0.9, 0.98), fused=True)
    state, first, best, stale = args.out / "work" / f"{name}.state.pt", 0, math.inf, 0
    if state.exists():
        s = torch.load(state)
        model.load_state_dict(s["model"]), opt.load_state_dict(s["opt"])
        first, best, stale = s["step"], s["best"], s["stale"]
    began = time.time()
    for step in range(first, steps):
        torch.manual_seed(args.seed * 1_000_003 + step)        # seeded per step: a resumed run is the same run
        rng = np.random.default_rng([args.seed, step])
        for group in opt.param_groups:
            group["lr"] = lr * min(1, (step + 1) / 200) * (0.05 + 0.475 * (1 + math.cos(math.pi * step / steps)))
        model.train()
        loss = loss_fn(model, draw(rng))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step(), opt.zero_grad(set_to_none=True)
        if (step + 1) % args.every == 0 or step + 1 == steps:
            model.eval()
            with torch.no_grad():
                part = {k: sum(loss_fn(model, b).item() for b in v) / len(v) for k, v in val.items()}
            score = sum(part.values()) / len(part)
            stale = 0 if score < best else stale + 1
            if score < best:
                best = score
                save(model, name, args.out)
            torch.save({"model": model.state_dict(), "opt": opt.state_dict(), "step": step + 1, "best": best,
                        "stale": stale}, state)
            speed = (step + 1 - first) * TOKENS_PER_STEP / (time.time() - began)
            print(f"{name} {step + 1}/{steps} train {loss.item():.3f}", *(f"{k} {v:.4f}" for k, v in part.items()),
                  f"best {best:.4f} {speed:.0f} tok/s", flush=True)
            if stale >= 5:
                print("early stop")
                break


def load(name, out):
    return AutoModelForCausalLM.from_pretrained(out / "models" / name, dtype=torch.float32).eval()


@torch.no_grad()
def greedy(model, prompts, new):
    """Greedy continuations of prompts (lists of ids), left-padded to one batch."""
    width = max(map(len, prompts))
    ids = torch.tensor([[PAD] * (width - len(p)) + p for p in prompts])
    made = model.generate(input_ids=ids, attention_mask=(ids != PAD).long(), do_sample=False, max_new_tokens=new,
                          pad_token_id=PAD, eos_token_id=[EOS, END])[:, width:].tolist()
    return [row[:next((i + 1 for i, t in enumerate(row) if t in (EOS, END)), new)] for row in made]


@torch.no_grad()
def distil_cache(args, train, tok):
    """The teacher's own greedy answers, then its 32 best tokens at every position of the distillation batches."""
    teacher, rng = load("teacher", args.out), np.random.default_rng(args.seed)
    prompts = [question(tok, q, f) for q, _ in train.pairs for f in (PLAIN, CHATTED)]
    prompts += [train.window(rng, 31, "wiki").tolist() for _ in range(len(prompts) // 6)]
    prompts = [prompts[i] for i in rng.permutation(len(prompts))[:args.answers]]
    prompts.sort(key=len)
    for i in range(0, len(prompts), 128):
        part = prompts[i:i + 128]
        train.extra += [p + a for p, a in zip(part, greedy(teacher, part, 96))]
    print(f"teacher wrote {len(train.extra)} texts, {sum(map(len, train.extra))} tokens with prompts", flush=True)
    cache = []
    for _ in range(args.cache):
        x = train.batch(rng, {"gsm8k": 0.35, "wiki": 0.2, "extra": 0.45})
        prob, top = logits_of(teacher, x[:, :-1]).softmax(-1).topk(TOPK)
        cache.append((x.short(), top.short(), (prob / prob.sum(-1, keepdim=True)).half()))
    torch.save(cache, args.out / "work" / "cache.pt")


# ---------------------------------------------------------------- measuring
@torch.no_grad()
def text_loss(model, tok, texts, window):
    """Token perplexity and bits per byte; each window of a text starts afresh after a <|bos|>."""
    nll = tokens = 0
    for text in texts:
        ids = tok(text, add_special_tokens=False)["input_ids"]
        for i in range(0, len(ids), window):
            x = torch.tensor([[BOS] + ids[i:i + window]])
            nll += F.cross_entropy(model(input_ids=x[:, :-1]).logits[0].float(), x[0, 1:], reduction="sum").item()
            tokens += x.shape[1] - 1
    size = sum(len(t.encode()) for t in texts)
    return {"perplexity": round(math.exp(nll / tokens), 3), "bits_per_byte": round(nll / math.log(2) / size, 4),
            "tokens": tokens, "bytes": size}


@torch.no_grad()
def acceptance(model, prompts, paths, k=4):
    """Share of the teacher's greedy tokens that the model's argmax agrees with, and tokens a verify step yields."""
    same = total = steps = taken = 0
    for prompt, path in zip(prompts, paths):
        guess = model(input_ids=torch.tensor([prompt + path])).logits[0, len(prompt) - 1:-1].argmax(-1).tolist()
        hit = [g == t for g, t in zip(guess, path)]
        same, total, at = same + sum(hit), total + len(hit), 0
        while at < len(hit):                                   # speculative decoding with k drafted tokens
            run = next((i for i, h in enumerate(hit[at:at + k]) if not h), len(hit[at:at + k]))
            steps, taken, at = steps + 1, taken + min(run + 1, len(hit) - at), at + run + 1
    return {"acceptance": round(same / total, 4), f"tokens_per_step_k{k}": round(taken / steps, 3), "tokens": total}


def evaluate(args, tok):
    wiki = (args.data / "wikitext-2/test.txt").read_bytes()[:200 * 1024].decode(errors="ignore")
    problems = gsm8k(args.data, "test")
    code = gzip.decompress((args.data / "humaneval/HumanEval.jsonl.gz").read_bytes()).decode().splitlines()
    code = [json.loads(row)["prompt"] for row in code]
    sets = {"wikitext2_test_200KB": ([wiki], 256), "wikitext2_test_200KB_window1023": ([wiki], 1023),
            "gsm8k_test_200": ([f"{q}\n{a}" for q, a in problems[:200]], 1023), "humaneval_prompts": (code, 1023)}
    forms = {"plain": PLAIN, "chat": CHATTED}
    starts = {f: [question(tok, q, t) for q, _ in problems[:50]] for f, t in forms.items()}
    result, teacher = {}, load("teacher", args.out)
    paths = {f: [greedy(teacher, [p], 64)[0] for p in starts[f]] for f in forms}
    for name in SHAPES:
        model, folder = load(name, args.out), args.out / "models" / name
        tokenizer = AutoTokenizer.from_pretrained(folder)
        for text in [wiki, *code, problems[0][0], "caf\u00e9 \u2014 \u65e5\u672c \U0001f642\t\n  two  spaces"]:
            assert tokenizer.decode(tokenizer(text)["input_ids"], skip_special_tokens=True) == text
        assert tokenizer("a")["input_ids"][0] == BOS and len(tokenizer) == VOCAB
        r = result[name] = {"parameters": sum(p.numel() for p in model.parameters()),
                            "bytes": os.path.getsize(folder / "model.safetensors")}
        r.update({k: text_loss(model, tok, *v) for k, v in sets.items()})
        if name != "teacher":
            r["greedy_acceptance_under_teacher"] = {f: acceptance(model, starts[f], paths[f]) for f in forms}
        chat = tokenizer.apply_chat_template([{"role": "user", "content": problems[0][0]}], tokenize=False,
                                             add_generation_prompt=True)
        r["samples"] = {p: tok.decode(greedy(model, [tok(p, add_special_tokens=False)["input_ids"]], 80)[0])
                        for p in (chat, f"<|bos|>{problems[1][0]}\n", "<|bos|> The city is known for")}
        print(name, json.dumps({k: v for k, v in r.items() if k != "samples"}), flush=True)
    (args.out / "eval.json").write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--data", type=Path, required=True)
    ap.add_argument("--out", type=Path, required=True)
    ap.add_argument("--stage", default="all",
                    choices=["all", "tokenizer", "teacher", "corpus", "student", "draft", "eval"])
    ap.add_argument("--threads", type=int, default=1)
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--every", type=int, default=250, help="steps between evaluations (and checkpoints)")
    ap.add_argument("--teacher-steps", type=int, default=4200)
    ap.add_argument("--student-steps", type=int, default=3200)
    ap.add_argument("--draft-steps", type=int, default=6000)
    ap.add_argument("--answers", type=int, default=3072, help="texts that the teacher writes for distillation")
    ap.add_argument("--cache", type=int, default=1000, help="distillation batches")
    args = ap.parse_args()
    torch.set_num_threads(args.threads)
    logging.set_verbosity_error(), logging.disable_progress_bar()
    (args.out / "work").mkdir(parents=True, exist_ok=True)
    todo = lambda stage: args.stage in ("all", stage)
    if todo("tokenizer"):
        make_tokenizer(args.data, args.out)
    tok = AutoTokenizer.from_pretrained(args.out / "models/teacher")
    if todo("teacher") or todo("corpus"):
        train, held = Corpus(args.data, tok, False), Corpus(args.data, tok, True)
        print(f"train: wiki {len(train.wiki)} tokens, gsm8k {sum(len(d[0]) for d in train.docs)} tokens", flush=True)
    if todo("teacher"):
        val = {k: [held.batch(np.random.default_rng(i), {k: 1.0}, 256) for i in range(8)] for k in ("wiki", "gsm8k")}
        fit("teacher", args, args.teacher_steps, 2e-3, 0.1,
            lambda rng: train.batch(rng, {"gsm8k": 0.75, "wiki": 0.25}), val, lm_loss)
    if todo("corpus"):
        distil_cache(args, train, tok)
    for name, steps, lr in (("student", args.student_steps, 3e-3), ("draft", args.draft_steps, 4e-3)):
        if todo(name):
            cache = torch.load(args.out / "work/cache.pt")
            fit(name, args, steps, lr, 0.0, lambda rng: cache[rng.integers(len(cache) - 16)], {"kl+ce": cache[-16:]},
                distil_loss)
    if todo("eval"):
        evaluate(args, tok)


if __name__ == "__main__":
    main()
