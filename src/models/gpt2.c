/* gpt2.c - GPT-2 and distilgpt2: learned positions, LayerNorm, q, k and v in one matrix, weights stored transposed. */
#include <math.h>
#include <stddef.h>

#include "models/arch.h"

#define L(f) offsetof(struct layer, f)
#define W(f) offsetof(struct weights, f)

static const struct tensor_row gpt2_tensors[] = {
    {"wte.weight", "token_embd.weight", W(embed), SIZE_VOCABULARY, SIZE_HIDDEN, 0, NULL},
    {"wpe.weight", "position_embd.weight", W(positions), SIZE_POSITIONS, SIZE_HIDDEN, 0, NULL},
    {"ln_f.weight", "output_norm.weight", W(final_norm.weight), SIZE_HIDDEN, SIZE_NONE, TENSOR_VECTOR, NULL},
    {"ln_f.bias", "output_norm.bias", W(final_norm.bias), SIZE_HIDDEN, SIZE_NONE, TENSOR_VECTOR, NULL},
    {"lm_head.weight", "output.weight", W(output), SIZE_VOCABULARY, SIZE_HIDDEN, TENSOR_BARE, wants_output},
    {"h.%d.ln_1.weight", "blk.%d.attn_norm.weight", L(attention_norm.weight), SIZE_HIDDEN, SIZE_NONE,
     TENSOR_LAYER | TENSOR_VECTOR, NULL},
    {"h.%d.ln_1.bias", "blk.%d.attn_norm.bias", L(attention_norm.bias), SIZE_HIDDEN, SIZE_NONE,
     TENSOR_LAYER | TENSOR_VECTOR, NULL},
    {"h.%d.attn.c_attn.weight", "blk.%d.attn_qkv.weight", L(qkv), SIZE_QKV, SIZE_HIDDEN,
     TENSOR_LAYER | TENSOR_TRANSPOSED, NULL},
    {"h.%d.attn.c_attn.bias", "blk.%d.attn_qkv.bias", L(qkv.bias), SIZE_QKV, SIZE_NONE, TENSOR_LAYER | TENSOR_VECTOR, NULL},
    {"h.%d.attn.c_proj.weight", "blk.%d.attn_output.weight", L(o), SIZE_HIDDEN, SIZE_Q,
     TENSOR_LAYER | TENSOR_TRANSPOSED, NULL},
    {"h.%d.attn.c_proj.bias", "blk.%d.attn_output.bias", L(o.bias), SIZE_HIDDEN, SIZE_NONE, TENSOR_LAYER | TENSOR_VECTOR,
     NULL},
    {"h.%d.ln_2.weight", "blk.%d.ffn_norm.weight", L(mlp_norm.weight), SIZE_HIDDEN, SIZE_NONE,
     TENSOR_LAYER | TENSOR_VECTOR, NULL},
    {"h.%d.ln_2.bias", "blk.%d.ffn_norm.bias", L(mlp_norm.bias), SIZE_HIDDEN, SIZE_NONE, TENSOR_LAYER | TENSOR_VECTOR, NULL},
    {"h.%d.mlp.c_fc.weight", "blk.%d.ffn_up.weight", L(up), SIZE_INTERMEDIATE, SIZE_HIDDEN,
     TENSOR_LAYER | TENSOR_TRANSPOSED, NULL},
    {"h.%d.mlp.c_fc.bias", "blk.%d.ffn_up.bias", L(up.bias), SIZE_INTERMEDIATE, SIZE_NONE, TENSOR_LAYER | TENSOR_VECTOR, NULL},
    {"h.%d.mlp.c_proj.weight", "blk.%d.ffn_down.weight", L(down), SIZE_HIDDEN, SIZE_INTERMEDIATE,
     TENSOR_LAYER | TENSOR_TRANSPOSED, NULL},
    {"h.%d.mlp.c_proj.bias", "blk.%d.ffn_down.bias", L(down.bias), SIZE_HIDDEN, SIZE_NONE, TENSOR_LAYER | TENSOR_VECTOR, NULL},
    {0},
};

static void common(struct model_config *c)
{
    c->kv_heads = c->heads;
    c->head_dim = c->hidden / c->heads;
    c->positions = c->context;
    c->layer_norm = c->final_norm = c->norm_weights = true;
    c->qkv_bias = c->out_bias = c->mlp_bias = true;
}

/* reorder_and_upcast_attn changes only the order of roundings in half precision: nothing here. */
static int read_hf(struct model_config *c, const struct model_file *f, struct arena *arena, struct err *err)
{
    double epsilon = 1e-5;
    bool scaled = true;
    (void)arena;
    TRY(hf_need(&c->vocabulary, f, "vocab_size", 1, VOCABULARY_MAX, err));
    TRY(hf_need(&c->hidden, f, "n_embd", 1, WIDTH_MAX, err));
    TRY(hf_need(&c->layers, f, "n_layer", 1, LAYERS_MAX, err));
    TRY(hf_need(&c->heads, f, "n_head", 1, HEADS_MAX, err));
    TRY(hf_need(&c->context, f, "n_positions", 1, CONTEXT_MAX, err));
    c->intermediate = 4 * c->hidden;
    TRY(hf_int(&c->intermediate, f, "n_inner", 1, 4 * WIDTH_MAX, err));
    TRY(hf_float(&epsilon, f, "layer_norm_epsilon", 0, 1, err));
    c->norm_epsilon = (float)epsilon;
    c->activation = ACT_GELU_TANH;
    TRY(hf_activation(&c->activation, f, "activation_function", err));
    TRY(hf_bool(&scaled, f, "scale_attn_weights", err));
    TRY(hf_bool(&c->scale_by_layer, f, "scale_attn_by_inverse_layer_idx", err));
    TRY(hf_refuse(f, "add_cross_attention", err));
    if (!scaled)
        c->attention_scale = 1;
    c->tied = true;
    TRY(hf_bool(&c->tied, f, "tie_word_embeddings", err));
    common(c);
    return 0;
}

static int read_gguf(struct model_config *c, const struct model_file *f, struct arena *arena, struct err *err)
{
    double epsilon = 1e-5;
    (void)arena;
    TRY(gguf_sizes(c, f, err));
    TRY(gguf_float(&epsilon, f, "attention.layer_norm_epsilon", 0, 1, err));
    c->norm_epsilon = (float)epsilon;
    c->activation = ACT_GELU_TANH;
    common(c);
    return 0;
}

static void write_hf(struct json_out *j, const struct model_config *c)
{
    hf_write_int(j, "vocab_size", c->vocabulary);
    hf_write_int(j, "n_embd", c->hidden);
    hf_write_int(j, "n_layer", c->layers);
    hf_write_int(j, "n_head", c->heads);
    hf_write_int(j, "n_positions", c->context);
    hf_write_int(j, "n_ctx", c->context);
    hf_write_int(j, "n_inner", c->intermediate);
    hf_write_float(j, "layer_norm_epsilon", shortest_f32(c->norm_epsilon));
    hf_write_activation(j, "activation_function", c->activation);
    hf_write_bool(j, "scale_attn_weights", true);
    hf_write_bool(j, "tie_word_embeddings", c->tied);
}

static void embed(struct run *r)
{
    run_embed_tokens(r);
    run_embed_positions(r);
}

const struct arch arch_gpt2 = {
    .name = "gpt2",
    .hf_types = (const char *const[]){"gpt2", NULL},
    .gguf_names = (const char *const[]){"gpt2", NULL},
    .prefixes = (const char *const[]){"transformer.", "", NULL},
    .junk = (const char *const[]){".attn.bias", ".attn.masked_bias", NULL},
    .read_hf = read_hf,
    .read_gguf = read_gguf,
    .hf_class = "GPT2LMHeadModel",
    .write_hf = write_hf,
    .gguf_written = "gpt2",
    .gguf_activation = ACT_GELU_TANH,
    .write_gguf = gguf_write_sizes,
    .tensors = {gpt2_tensors},
    .finish = split_qkv,
    .embed = embed,
    .layer = layer_pre_norm_plain,
    .head = head_final_norm,
};
