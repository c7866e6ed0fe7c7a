/* mixtral.c - Mixtral: Mistral with a router and experts instead of the MLP. As GGUF it is written as "llama". */
#include <stddef.h>

#include "models/arch.h"

#define L(f) offsetof(struct layer, f)
#define E(f) offsetof(struct expert, f)

static const struct tensor_row mixtral_mlp[] = {
    {"layers.%d.block_sparse_moe.gate.weight", "blk.%d.ffn_gate_inp.weight", L(router), SIZE_EXPERTS, SIZE_HIDDEN, TENSOR_LAYER,
     NULL},
    {"layers.%d.block_sparse_moe.experts.%d.w1.weight", "blk.%d.ffn_gate_exps.weight", E(gate), SIZE_EXPERT_INTERMEDIATE,
     SIZE_HIDDEN, TENSOR_LAYER | TENSOR_EXPERT, NULL},
    {"layers.%d.block_sparse_moe.experts.%d.w3.weight", "blk.%d.ffn_up_exps.weight", E(up), SIZE_EXPERT_INTERMEDIATE,
     SIZE_HIDDEN, TENSOR_LAYER | TENSOR_EXPERT, NULL},
    {"layers.%d.block_sparse_moe.experts.%d.w2.weight", "blk.%d.ffn_down_exps.weight", E(down), SIZE_HIDDEN,
     SIZE_EXPERT_INTERMEDIATE, TENSOR_LAYER | TENSOR_EXPERT, NULL},
    {0},
};

static int read_hf(struct model_config *c, const struct model_file *f, struct arena *arena, struct err *err)
{
    (void)arena;
    TRY(hf_llama_sizes(c, f, err));
    TRY(hf_int(&c->window, f, "sliding_window", 0, CONTEXT_MAX, err));
    c->experts = 8;
    c->experts_used = 2;
    TRY(hf_int(&c->experts, f, "num_local_experts", 1, EXPERTS_MAX, err));
    TRY(hf_int(&c->experts_used, f, "num_experts_per_tok", 1, EXPERTS_MAX, err));
    c->expert_intermediate = c->intermediate;
    c->experts_normed = true;
    return 0;
}

static bool has_experts(const struct model_file *f)
{
    int experts = 0;
    return gguf_int(&experts, f, "expert_count", 0, EXPERTS_MAX, NULL) > 0 && experts > 0;
}

static int read_gguf(struct model_config *c, const struct model_file *f, struct arena *arena, struct err *err)
{
    (void)arena;
    TRY(gguf_llama_sizes(c, f, err));
    TRY(gguf_need(&c->experts, f, "expert_count", 1, EXPERTS_MAX, err));
    TRY(gguf_need(&c->experts_used, f, "expert_used_count", 1, EXPERTS_MAX, err));
    c->expert_intermediate = c->intermediate;
    c->experts_normed = c->rope.adjacent = true;
    return 0;
}

static void write_hf(struct json_out *j, const struct model_config *c)
{
    hf_write_llama(j, c);
    hf_write_int(j, "num_local_experts", c->experts);
    hf_write_int(j, "num_experts_per_tok", c->experts_used);
    json_out_key(j, "sliding_window");
    if (c->window > 0)
        json_out_int(j, c->window);
    else
        json_out_null(j);
}

static void write_gguf(const struct gguf_out *o, const struct model_config *c)
{
    gguf_write_llama(o, c);
    out_u32(o, "expert_count", c->experts);
    out_u32(o, "expert_used_count", c->experts_used);
}

const struct arch arch_mixtral = {
    .name = "mixtral",
    .hf_types = (const char *const[]){"mixtral", NULL},
    .gguf_names = (const char *const[]){"llama", NULL},
    .gguf_mine = has_experts,
    .prefixes = llama_prefixes,
    .junk = llama_junk,
    .read_hf = read_hf,
    .read_gguf = read_gguf,
    .hf_class = "MixtralForCausalLM",
    .write_hf = write_hf,
    .gguf_written = "llama",
    .write_gguf = write_gguf,
    .gguf_adjacent = true,
    .tensors = {llama_tensors, mixtral_mlp},
    .embed = run_embed_tokens,
    .layer = layer_pre_norm_experts,
    .head = head_final_norm,
};
