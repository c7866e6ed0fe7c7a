/* qwen2.c - Qwen2 and Qwen2.5: Llama with biases on q, k and v, and perhaps a window on the upper layers. */
#include "models/arch.h"

static int read_hf(struct model_config *c, const struct model_file *f, struct arena *arena, struct err *err)
{
    TRY(hf_llama_sizes(c, f, err));
    c->qkv_bias = true;
    return hf_upper_windows(c, f, arena, err);
}

static int read_gguf(struct model_config *c, const struct model_file *f, struct arena *arena, struct err *err)
{
    (void)arena;
    return gguf_llama_sizes(c, f, err);
}

const struct arch arch_qwen2 = {
    .name = "qwen2",
    .hf_types = (const char *const[]){"qwen2", NULL},
    .gguf_names = (const char *const[]){"qwen2", NULL},
    .prefixes = llama_prefixes,
    .junk = llama_junk,
    .read_hf = read_hf,
    .read_gguf = read_gguf,
    .hf_class = "Qwen2ForCausalLM",
    .write_hf = hf_write_llama,
    .gguf_written = "qwen2",
    .write_gguf = gguf_write_llama,
    .tensors = {llama_tensors, llama_mlp},
    .embed = run_embed_tokens,
    .layer = layer_pre_norm_gated,
    .head = head_final_norm,
};
