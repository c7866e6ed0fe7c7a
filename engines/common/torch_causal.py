"""A causal language model of transformers on PyTorch, step by step: for the workers of 'transformers' and 'pytorch'."""
import time

import torch
import transformers
from transformers import AutoConfig, AutoModelForCausalLM, DynamicCache, StaticCache

from prony_worker import Refusal, version_line

VERSIONS = {"transformers": transformers.__version__, "torch": torch.__version__}
SHORT = {"float32": "f32", "float16": "f16", "bfloat16": "bf16"}
FRAME_BYTES = 1 << 30  # logits of a whole text that are held at once; a longer one is scored in pieces over its cache


def likeliest(logprobs, n):
    """The n likeliest, ties to the lowest id: topk alone leaves their order open."""
    least = torch.topk(logprobs, n).values[-1]
    ids = (logprobs >= least).nonzero().flatten()
    order = torch.argsort(-logprobs[ids], stable=True)[:n]
    return [[int(ids[i]), float(logprobs[ids[i]])] for i in order]


class TorchCausal:
    def __init__(self):
        self.model = None

    # ---- opening ----

    def open(self, m):
        threads = m["threads"]
        if threads > 0:
            torch.set_num_threads(threads)
        torch.manual_seed(m["seed"])
        dtype, self.device, self.compile = m["dtype"], m["device"], m["compile"]
        if self.device != "cpu" and not torch.cuda.is_available():
            raise Refusal("unsupported", f"device '{self.device}': this PyTorch sees none")
        if m["compile"] and self.device != "cpu":
            dtype = "float16"
        for key in m["options"]:
            raise Refusal("usage", f"option '{key}' is not one of this engine's; it has none")
        config = AutoConfig.from_pretrained(m["model"])
        self.model = AutoModelForCausalLM.from_pretrained(m["model"], dtype=getattr(torch, dtype), attn_implementation="eager")
        self.model.to(self.device).eval()
        self.config = config.get_text_config()
        self.context = m["context"] or getattr(self.config, "max_position_embeddings", 0)
        self.eos = self.end_ids()
        self.step = torch.compile(self.model, dynamic=False) if self.compile else self.model
        return self.facts(dtype)

    def end_ids(self):
        ids = getattr(self.model.generation_config, "eos_token_id", None)
        ids = self.config.eos_token_id if ids is None else ids
        return [] if ids is None else ids if isinstance(ids, list) else [ids]

    def facts(self, dtype):
        weights = {p.data_ptr(): p for p in self.model.parameters()}.values()
        count = sum(p.numel() for p in weights)
        output, table = self.model.get_output_embeddings(), self.model.get_input_embeddings()
        tied = output is None or output.weight.data_ptr() == table.weight.data_ptr()
        looked_up = 0 if tied else table.weight.numel()
        size = torch.empty((), dtype=getattr(torch, dtype)).element_size()
        heads = getattr(self.config, "num_key_value_heads", None) or self.config.num_attention_heads
        width = getattr(self.config, "head_dim", None) or self.config.hidden_size // self.config.num_attention_heads
        self.position_bytes = 2 * self.config.num_hidden_layers * heads * width * size
        self.weight_bytes = sum(p.numel() * p.element_size() for p in weights)
        return {"version": version_line(VERSIONS), "vocabulary": self.config.vocab_size, "context": self.context,
                "eos": self.eos[0] if self.eos else None, "parameters": count, "step_parameters": count,
                "step_bytes": (count - looked_up) * size, "position_bytes": self.position_bytes, "precision": SHORT[dtype],
                "quantize": SHORT[dtype], "kv": SHORT[dtype], "threads": torch.get_num_threads(),
                "score_error": 1e-4 if dtype == "float32" else 0.25}

    # ---- generating ----

    def cache(self, batch, length):
        if not self.compile:
            return DynamicCache(config=self.model.config)
        return StaticCache(config=self.model.config, max_cache_len=length, max_batch_size=batch)

    def forward(self, run, ids, at, cache, pads):
        """Logits behind the last of `ids`, which stand at `at`; each sequence begins after its padding."""
        where = torch.arange(at, at + ids.shape[1], device=self.device)
        more = {}
        if any(pads):
            seen = torch.arange(at + ids.shape[1], device=self.device)
            more["attention_mask"] = torch.stack([(seen >= pad).long() for pad in pads])
        positions = torch.stack([(where - pad).clamp(min=0) for pad in pads])
        out = run(input_ids=ids, past_key_values=cache, use_cache=True, position_ids=positions, cache_position=where,
                  logits_to_keep=1, **more)
        return out.logits[:, -1].float()

    def choose(self, logits, m, generators):
        if m["temperature"] == 0:
            best = logits.max(dim=-1, keepdim=True).values
            return [int((row == top).nonzero()[0]) for row, top in zip(logits, best)]
        picked = []
        for row, generator in zip(logits.double() / m["temperature"], generators):
            p, order = torch.sort(torch.softmax(row, -1), descending=True, stable=True)
            if m["top_k"]:
                p[m["top_k"]:] = 0
            if 0 < m["top_p"] < 1:
                p[torch.cumsum(p, 0) - p >= m["top_p"] * p.sum()] = 0
            picked.append(int(order[torch.multinomial(p.cpu(), 1, generator=generator)]))
        return picked

    @torch.inference_mode()
    def generate(self, m):
        prompts = m["prompts"]
        n = max(len(p) for p in prompts)
        pads = [n - len(p) for p in prompts]
        if self.context and n + m["max_tokens"] > self.context:
            raise Refusal("input", f"{n + m['max_tokens']} tokens are longer than the context of {self.context}")
        began = time.monotonic_ns()
        cache = self.cache(len(prompts), n + m["max_tokens"])
        generators = [torch.Generator().manual_seed(m["seed"] + i) for i in range(len(prompts))]
        logits = self.forward(self.model, torch.tensor([[0] * pad + p for pad, p in zip(pads, prompts)], device=self.device), 0, cache, pads)
        counts, ended, first = [0] * len(prompts), [None] * len(prompts), None
        for i in range(m["max_tokens"]):
            ids = self.choose(logits, m, generators)
            logprobs = torch.log_softmax(logits.double(), -1)
            step = []
            for k, token in enumerate(ids):
                if ended[k]:
                    step.append(None)
                    continue
                counts[k] += 1
                step.append([token, float(logprobs[k][token]), likeliest(logprobs[k], m["n_top"]) if m["n_top"] else []])
                if token in self.eos and not m["ignore_eos"]:
                    ended[k] = "eos"
            first = first or time.monotonic_ns()
            yield step
            if all(ended) or i + 1 == m["max_tokens"]:
                break
            logits = self.forward(self.step, torch.tensor([[t] for t in ids], device=self.device), n + i, cache, pads)
        self.kv = self.position_bytes * len(prompts) * (n + max(counts))
        return {"ends": [[why or "length", len(p), count] for why, p, count in zip(ended, prompts, counts)],
                "prefill_ms": (first - began) / 1e6, "decode_ms": (time.monotonic_ns() - first) / 1e6}

    # ---- scoring ----

    @torch.inference_mode()
    def score(self, m):
        ids, rows = torch.tensor([m["ids"]], device=self.device), m["rows"]
        n = ids.shape[1]
        if self.context and n > self.context:
            raise Refusal("input", f"{n} tokens are longer than the context of {self.context}")
        whole = n * self.config.vocab_size * 4 <= FRAME_BYTES
        logits, cache, before = (self.model(input_ids=ids).logits[0].float() if whole else None), DynamicCache(config=self.model.config), None
        for at in range(0, n, rows):
            end = min(at + rows, n)
            if whole:
                part = logits[at:end]
            else:
                part = self.model(input_ids=ids[:, at:end], past_key_values=cache, use_cache=True).logits[0].float()
            logprobs = []
            for i in range(at, end):
                logprobs.append(None if i == 0 else float(before[ids[0, i]]))
                before = torch.log_softmax(part[i - at].double(), -1)
            yield logprobs, part.contiguous().cpu().numpy().tobytes() if m["logits"] else None

    def memory(self):
        return {"weights": self.weight_bytes, "kv": getattr(self, "kv", None)}
