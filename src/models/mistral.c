/* mistral.c - Mistral: Llama without biases, and a window on every layer. As GGUF it is written as "llama". */
#include "models/arch.h"

static int read_hf(struct model_config *c, const struct model_file *f, struct arena *arena, struct err *err)
{
    (void)arena;
    TRY(hf_llama_sizes(c, f, err));
    TRY(hf_int(&c->window, f, "sliding_window", 0, CONTEXT_MAX, err));
    return 0;
}

static void write_hf(struct json_out *j, const struct model_config *c)
{
    hf_write_llama(j, c);
    json_out_key(j, "sliding_window");
    if (c->window > 0)
        json_out_int(j, c->window);
    else
        json_out_null(j);
}

const struct arch arch_mistral = {
    .name = "mistral",
    .hf_types = (const char *const[]){"mistral", NULL},
    .prefixes = llama_prefixes,
    .junk = llama_junk,
    .read_hf = read_hf,
    .hf_class = "MistralForCausalLM",
    .write_hf = write_hf,
    .gguf_written = "llama",
    .write_gguf = gguf_write_llama,
    .gguf_adjacent = true,
    .tensors = {llama_tensors, llama_mlp},
    .embed = run_embed_tokens,
    .layer = layer_pre_norm_gated,
    .head = head_final_norm,
};
