/* qwen3moe.c - Qwen3-MoE: Qwen3 with a router and experts instead of the MLP. */
#include <stddef.h>

#include "models/arch.h"

#define L(f) offsetof(struct layer, f)
#define E(f) offsetof(struct expert, f)

static const struct tensor_row qwen3moe_mlp[] = {
    {"layers.%d.mlp.gate.weight", "blk.%d.ffn_gate_inp.weight", L(router), SIZE_EXPERTS, SIZE_HIDDEN, TENSOR_LAYER, NULL},
    {"layers.%d.mlp.experts.%d.gate_proj.weight", "blk.%d.ffn_gate_exps.weight", E(gate), SIZE_EXPERT_INTERMEDIATE, SIZE_HIDDEN,
     TENSOR_LAYER | TENSOR_EXPERT, NULL},
    {"layers.%d.mlp.experts.%d.up_proj.weight", "blk.%d.ffn_up_exps.weight", E(up), SIZE_EXPERT_INTERMEDIATE, SIZE_HIDDEN,
     TENSOR_LAYER | TENSOR_EXPERT, NULL},
    {"layers.%d.mlp.experts.%d.down_proj.weight", "blk.%d.ffn_down_exps.weight", E(down), SIZE_HIDDEN, SIZE_EXPERT_INTERMEDIATE,
     TENSOR_LAYER | TENSOR_EXPERT, NULL},
    {0},
};

/* transformers can leave some layers without experts; no model does. */
static int refuse_dense_layers(const struct model_file *f, struct err *err)
{
    int step = 1;
    TRY(hf_int(&step, f, "decoder_sparse_step", 1, LAYERS_MAX, err));
    if (step != 1 || json_array_size(json_object_get(model_file_config(f), "mlp_only_layers")) > 0)
        return err_set(err, ERR_UNSUPPORTED, "'%s/config.json': 'decoder_sparse_step' or 'mlp_only_layers' leaves layers without "
                       "experts, which prony does not have", model_file_dir(f));
    return 0;
}

static int read_hf(struct model_config *c, const struct model_file *f, struct arena *arena, struct err *err)
{
    TRY(hf_llama_sizes(c, f, err));
    TRY(hf_bool(&c->qkv_bias, f, "attention_bias", err));
    c->out_bias = c->qkv_bias;
    c->qk_norm = true;
    TRY(refuse_dense_layers(f, err));
    c->experts = 128;
    c->experts_used = 8;
    c->expert_intermediate = 768;
    TRY(hf_int(&c->experts, f, "num_local_experts", 1, EXPERTS_MAX, err)); /* transformers 5 writes this name */
    TRY(hf_int(&c->experts, f, "num_experts", 1, EXPERTS_MAX, err));
    TRY(hf_int(&c->experts_used, f, "num_experts_per_tok", 1, EXPERTS_MAX, err));
    TRY(hf_int(&c->expert_intermediate, f, "moe_intermediate_size", 1, WIDTH_MAX, err));
    TRY(hf_bool(&c->experts_normed, f, "norm_topk_prob", err));
    return hf_upper_windows(c, f, arena, err);
}

static int read_gguf(struct model_config *c, const struct model_file *f, struct arena *arena, struct err *err)
{
    (void)arena;
    c->qk_norm = c->experts_normed = true;
    TRY(gguf_llama_sizes(c, f, err));
    TRY(gguf_need(&c->experts, f, "expert_count", 1, EXPERTS_MAX, err));
    TRY(gguf_need(&c->experts_used, f, "expert_used_count", 1, EXPERTS_MAX, err));
    return gguf_need(&c->expert_intermediate, f, "expert_feed_forward_length", 1, WIDTH_MAX, err);
}

static void write_hf(struct json_out *j, const struct model_config *c)
{
    hf_write_llama(j, c);
    hf_write_bool(j, "attention_bias", c->qkv_bias);
    hf_write_int(j, "num_experts", c->experts);
    hf_write_int(j, "num_experts_per_tok", c->experts_used);
    hf_write_int(j, "moe_intermediate_size", c->expert_intermediate);
    hf_write_bool(j, "norm_topk_prob", c->experts_normed);
}

static void write_gguf(const struct gguf_out *o, const struct model_config *c)
{
    gguf_write_llama(o, c);
    out_u32(o, "expert_count", c->experts);
    out_u32(o, "expert_used_count", c->experts_used);
    out_u32(o, "expert_feed_forward_length", c->expert_intermediate);
}

static const char *unwritten(const struct model_config *c)
{
    return c->experts_normed ? NULL : "'norm_topk_prob' false";
}

const struct arch arch_qwen3moe = {
    .name = "qwen3moe",
    .hf_types = (const char *const[]){"qwen3_moe", NULL},
    .gguf_names = (const char *const[]){"qwen3moe", NULL},
    .prefixes = llama_prefixes,
    .junk = llama_junk,
    .read_hf = read_hf,
    .read_gguf = read_gguf,
    .hf_class = "Qwen3MoeForCausalLM",
    .write_hf = write_hf,
    .gguf_written = "qwen3moe",
    .write_gguf = write_gguf,
    .unwritten = unwritten,
    .tensors = {llama_tensors, qwen3moe_mlp},
    .embed = run_embed_tokens,
    .layer = layer_pre_norm_experts,
    .head = head_final_norm,
};
