/* qwen3.c - Qwen3: Llama with a norm on each head of q and k before they are rotated. */
#include "models/arch.h"

static int read_hf(struct model_config *c, const struct model_file *f, struct arena *arena, struct err *err)
{
    c->head_dim = 128; /* transformers' default: not hidden / heads */
    TRY(hf_llama_sizes(c, f, err));
    TRY(hf_bool(&c->qkv_bias, f, "attention_bias", err));
    c->out_bias = c->qkv_bias;
    c->qk_norm = true;
    return hf_upper_windows(c, f, arena, err);
}

static int read_gguf(struct model_config *c, const struct model_file *f, struct arena *arena, struct err *err)
{
    (void)arena;
    c->qk_norm = true;
    return gguf_llama_sizes(c, f, err);
}

static void write_hf(struct json_out *j, const struct model_config *c)
{
    hf_write_llama(j, c);
    hf_write_bool(j, "attention_bias", c->qkv_bias);
}

const struct arch arch_qwen3 = {
    .name = "qwen3",
    .hf_types = (const char *const[]){"qwen3", NULL},
    .gguf_names = (const char *const[]){"qwen3", NULL},
    .prefixes = llama_prefixes,
    .junk = llama_junk,
    .read_hf = read_hf,
    .read_gguf = read_gguf,
    .hf_class = "Qwen3ForCausalLM",
    .write_hf = write_hf,
    .gguf_written = "qwen3",
    .write_gguf = gguf_write_llama,
    .tensors = {llama_tensors, llama_mlp},
    .embed = run_embed_tokens,
    .layer = layer_pre_norm_gated,
    .head = head_final_norm,
};
