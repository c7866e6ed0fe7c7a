/* gptneox.c - GPT-NeoX and Pythia: LayerNorm, q, k and v of a head one after the other, a part of each head rotated, attention and
 * MLP beside each other on the same residual. */
#include <math.h>
#include <stddef.h>

#include "models/arch.h"

#define L(f) offsetof(struct layer, f)
#define W(f) offsetof(struct weights, f)

static const struct tensor_row gptneox_tensors[] = {
    {"embed_in.weight", "token_embd.weight", W(embed), SIZE_VOCABULARY, SIZE_HIDDEN, 0, NULL},
    {"final_layer_norm.weight", "output_norm.weight", W(final_norm.weight), SIZE_HIDDEN, SIZE_NONE, TENSOR_VECTOR, NULL},
    {"final_layer_norm.bias", "output_norm.bias", W(final_norm.bias), SIZE_HIDDEN, SIZE_NONE, TENSOR_VECTOR, NULL},
    {"embed_out.weight", "output.weight", W(output), SIZE_VOCABULARY, SIZE_HIDDEN, TENSOR_BARE, wants_output},
    {"layers.%d.input_layernorm.weight", "blk.%d.attn_norm.weight", L(attention_norm.weight), SIZE_HIDDEN, SIZE_NONE,
     TENSOR_LAYER | TENSOR_VECTOR, NULL},
    {"layers.%d.input_layernorm.bias", "blk.%d.attn_norm.bias", L(attention_norm.bias), SIZE_HIDDEN, SIZE_NONE,
     TENSOR_LAYER | TENSOR_VECTOR, NULL},
    {"layers.%d.attention.query_key_value.weight", "blk.%d.attn_qkv.weight", L(qkv), SIZE_QKV, SIZE_HIDDEN,
     TENSOR_LAYER | TENSOR_BY_HEAD, NULL},
    {"layers.%d.attention.query_key_value.bias", "blk.%d.attn_qkv.bias", L(qkv.bias), SIZE_QKV, SIZE_NONE,
     TENSOR_LAYER | TENSOR_VECTOR | TENSOR_BY_HEAD, wants_qkv_bias},
    {"layers.%d.attention.dense.weight", "blk.%d.attn_output.weight", L(o), SIZE_HIDDEN, SIZE_Q, TENSOR_LAYER, NULL},
    {"layers.%d.attention.dense.bias", "blk.%d.attn_output.bias", L(o.bias), SIZE_HIDDEN, SIZE_NONE,
     TENSOR_LAYER | TENSOR_VECTOR, wants_out_bias},
    {"layers.%d.post_attention_layernorm.weight", "blk.%d.ffn_norm.weight", L(mlp_norm.weight), SIZE_HIDDEN, SIZE_NONE,
     TENSOR_LAYER | TENSOR_VECTOR, NULL},
    {"layers.%d.post_attention_layernorm.bias", "blk.%d.ffn_norm.bias", L(mlp_norm.bias), SIZE_HIDDEN, SIZE_NONE,
     TENSOR_LAYER | TENSOR_VECTOR, NULL},
    {"layers.%d.mlp.dense_h_to_4h.weight", "blk.%d.ffn_up.weight", L(up), SIZE_INTERMEDIATE, SIZE_HIDDEN, TENSOR_LAYER, NULL},
    {"layers.%d.mlp.dense_h_to_4h.bias", "blk.%d.ffn_up.bias", L(up.bias), SIZE_INTERMEDIATE, SIZE_NONE,
     TENSOR_LAYER | TENSOR_VECTOR, NULL},
    {"layers.%d.mlp.dense_4h_to_h.weight", "blk.%d.ffn_down.weight", L(down), SIZE_HIDDEN, SIZE_INTERMEDIATE, TENSOR_LAYER, NULL},
    {"layers.%d.mlp.dense_4h_to_h.bias", "blk.%d.ffn_down.bias", L(down.bias), SIZE_HIDDEN, SIZE_NONE,
     TENSOR_LAYER | TENSOR_VECTOR, NULL},
    {0},
};

static void common(struct model_config *c)
{
    c->kv_heads = c->heads;
    c->head_dim = c->hidden / c->heads;
    c->layer_norm = c->final_norm = c->norm_weights = c->mlp_bias = true;
    c->rotary_fraction = 0.25;
    c->parallel = true;
    c->activation = ACT_GELU;
}

static int read_hf(struct model_config *c, const struct model_file *f, struct arena *arena, struct err *err)
{
    double epsilon = 1e-5, theta = 10000;
    (void)arena;
    TRY(hf_need(&c->vocabulary, f, "vocab_size", 1, VOCABULARY_MAX, err));
    TRY(hf_need(&c->hidden, f, "hidden_size", 1, WIDTH_MAX, err));
    TRY(hf_need(&c->intermediate, f, "intermediate_size", 1, WIDTH_MAX, err));
    TRY(hf_need(&c->layers, f, "num_hidden_layers", 1, LAYERS_MAX, err));
    TRY(hf_need(&c->heads, f, "num_attention_heads", 1, HEADS_MAX, err));
    TRY(hf_need(&c->context, f, "max_position_embeddings", 1, CONTEXT_MAX, err));
    common(c);
    TRY(hf_float(&epsilon, f, "layer_norm_eps", 0, 1, err));
    c->norm_epsilon = (float)epsilon;
    TRY(hf_activation(&c->activation, f, "hidden_act", err));
    TRY(hf_bool(&c->parallel, f, "use_parallel_residual", err));
    c->qkv_bias = true;
    TRY(hf_bool(&c->qkv_bias, f, "attention_bias", err));
    c->out_bias = c->qkv_bias;
    TRY(hf_bool(&c->tied, f, "tie_word_embeddings", err));
    TRY(hf_float(&c->rotary_fraction, f, "rotary_pct", 1e-3, 1, err));
    TRY(hf_float(&theta, f, "rotary_emb_base", 1e-3, 1e30, err));
    c->rope.theta = theta;
    return hf_rope(c, f, err);
}

static int read_gguf(struct model_config *c, const struct model_file *f, struct arena *arena, struct err *err)
{
    double epsilon = 1e-5;
    (void)arena;
    TRY(gguf_sizes(c, f, err));
    common(c);
    TRY(gguf_float(&epsilon, f, "attention.layer_norm_epsilon", 0, 1, err));
    c->norm_epsilon = (float)epsilon;
    TRY(gguf_bool(&c->parallel, f, "use_parallel_residual", err));
    c->qkv_bias = gguf_has(f, "blk.0.attn_qkv.bias");
    c->out_bias = gguf_has(f, "blk.0.attn_output.bias");
    return gguf_rope(c, f, err);
}

static void write_hf(struct json_out *j, const struct model_config *c)
{
    hf_write_int(j, "vocab_size", c->vocabulary);
    hf_write_int(j, "hidden_size", c->hidden);
    hf_write_int(j, "intermediate_size", c->intermediate);
    hf_write_int(j, "num_hidden_layers", c->layers);
    hf_write_int(j, "num_attention_heads", c->heads);
    hf_write_int(j, "max_position_embeddings", c->context);
    hf_write_float(j, "layer_norm_eps", shortest_f32(c->norm_epsilon));
    hf_write_activation(j, "hidden_act", c->activation);
    hf_write_bool(j, "use_parallel_residual", c->parallel);
    hf_write_bool(j, "attention_bias", c->qkv_bias);
    hf_write_bool(j, "tie_word_embeddings", c->tied);
    hf_write_float(j, "rotary_pct", (double)c->rope.dims / c->head_dim);
    hf_write_float(j, "rotary_emb_base", c->rope.theta);
    hf_write_rope(j, c);
}

static void write_gguf(const struct gguf_out *o, const struct model_config *c)
{
    gguf_write_sizes(o, c);
    out_bool(o, "use_parallel_residual", c->parallel);
}

/* x + mlp(norm(x)) + attention(norm'(x)), or one after the other. */
static void layer(struct run *r, const struct layer *l)
{
    size_t n = r->n * (size_t)r->model->config.hidden;
    if (!r->model->config.parallel) {
        layer_pre_norm_plain(r, l);
        return;
    }
    run_norm(r, r->h, r->x, &l->attention_norm, r->n, r->model->config.hidden);
    run_attention(r, l);
    run_copy(r->kept, r->h, n * sizeof *r->h);
    run_norm(r, r->h, r->x, &l->mlp_norm, r->n, r->model->config.hidden);
    run_mlp_plain(r, l);
    r->backend->add(r->state, r->h, r->kept, n);
    run_add(r);
}

const struct arch arch_gptneox = {
    .name = "gptneox",
    .hf_types = (const char *const[]){"gpt_neox", NULL},
    .gguf_names = (const char *const[]){"gptneox", NULL},
    .prefixes = (const char *const[]){"gpt_neox.", "", NULL},
    .junk = (const char *const[]){".attention.bias", ".attention.masked_bias", ".rotary_emb.inv_freq", NULL},
    .read_hf = read_hf,
    .read_gguf = read_gguf,
    .hf_class = "GPTNeoXForCausalLM",
    .write_hf = write_hf,
    .gguf_written = "gptneox",
    .gguf_activation = ACT_GELU,
    .write_gguf = write_gguf,
    .tensors = {gptneox_tensors},
    .finish = split_qkv,
    .embed = run_embed_tokens,
    .layer = layer,
    .head = head_final_norm,
};
