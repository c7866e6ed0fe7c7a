/* opt.c - OPT: learned positions two rows off, norms before (125m, 1.3b and up) or after (350m) the blocks, token
 * embeddings that may be narrower than the layers. transformers is the only source of it: llama.cpp has no OPT. */
#include <stddef.h>

#include "models/arch.h"

#define L(f) offsetof(struct layer, f)
#define W(f) offsetof(struct weights, f)

static bool has_projection(const struct model_config *c)
{
    return c->embedding != c->hidden;
}

static bool has_norms(const struct model_config *c)
{
    return c->norm_weights;
}

static bool has_final_norm(const struct model_config *c)
{
    return c->norm_weights && c->final_norm;
}

static const struct tensor_row opt_tensors[] = {
    {"embed_tokens.weight", NULL, W(embed), SIZE_VOCABULARY, SIZE_EMBEDDING, 0, NULL},
    {"embed_positions.weight", NULL, W(positions), SIZE_POSITIONS, SIZE_HIDDEN, 0, NULL},
    {"project_in.weight", NULL, W(project_in), SIZE_HIDDEN, SIZE_EMBEDDING, 0, has_projection},
    {"project_out.weight", NULL, W(project_out), SIZE_EMBEDDING, SIZE_HIDDEN, 0, has_projection},
    {"final_layer_norm.weight", NULL, W(final_norm.weight), SIZE_HIDDEN, SIZE_NONE, TENSOR_VECTOR, has_final_norm},
    {"final_layer_norm.bias", NULL, W(final_norm.bias), SIZE_HIDDEN, SIZE_NONE, TENSOR_VECTOR, has_final_norm},
    {"lm_head.weight", NULL, W(output), SIZE_VOCABULARY, SIZE_EMBEDDING, TENSOR_BARE, wants_output},
    {"layers.%d.self_attn_layer_norm.weight", NULL, L(attention_norm.weight), SIZE_HIDDEN, SIZE_NONE,
     TENSOR_LAYER | TENSOR_VECTOR, has_norms},
    {"layers.%d.self_attn_layer_norm.bias", NULL, L(attention_norm.bias), SIZE_HIDDEN, SIZE_NONE,
     TENSOR_LAYER | TENSOR_VECTOR, has_norms},
    {"layers.%d.self_attn.q_proj.weight", NULL, L(q), SIZE_Q, SIZE_HIDDEN, TENSOR_LAYER, NULL},
    {"layers.%d.self_attn.k_proj.weight", NULL, L(k), SIZE_KV, SIZE_HIDDEN, TENSOR_LAYER, NULL},
    {"layers.%d.self_attn.v_proj.weight", NULL, L(v), SIZE_KV, SIZE_HIDDEN, TENSOR_LAYER, NULL},
    {"layers.%d.self_attn.out_proj.weight", NULL, L(o), SIZE_HIDDEN, SIZE_Q, TENSOR_LAYER, NULL},
    {"layers.%d.self_attn.q_proj.bias", NULL, L(q.bias), SIZE_Q, SIZE_NONE, TENSOR_LAYER | TENSOR_VECTOR, wants_qkv_bias},
    {"layers.%d.self_attn.k_proj.bias", NULL, L(k.bias), SIZE_KV, SIZE_NONE, TENSOR_LAYER | TENSOR_VECTOR, wants_qkv_bias},
    {"layers.%d.self_attn.v_proj.bias", NULL, L(v.bias), SIZE_KV, SIZE_NONE, TENSOR_LAYER | TENSOR_VECTOR, wants_qkv_bias},
    {"layers.%d.self_attn.out_proj.bias", NULL, L(o.bias), SIZE_HIDDEN, SIZE_NONE, TENSOR_LAYER | TENSOR_VECTOR,
     wants_out_bias},
    {"layers.%d.final_layer_norm.weight", NULL, L(mlp_norm.weight), SIZE_HIDDEN, SIZE_NONE, TENSOR_LAYER | TENSOR_VECTOR,
     has_norms},
    {"layers.%d.final_layer_norm.bias", NULL, L(mlp_norm.bias), SIZE_HIDDEN, SIZE_NONE, TENSOR_LAYER | TENSOR_VECTOR,
     has_norms},
    {"layers.%d.fc1.weight", NULL, L(up), SIZE_INTERMEDIATE, SIZE_HIDDEN, TENSOR_LAYER, NULL},
    {"layers.%d.fc2.weight", NULL, L(down), SIZE_HIDDEN, SIZE_INTERMEDIATE, TENSOR_LAYER, NULL},
    {"layers.%d.fc1.bias", NULL, L(up.bias), SIZE_INTERMEDIATE, SIZE_NONE, TENSOR_LAYER | TENSOR_VECTOR, wants_mlp_bias},
    {"layers.%d.fc2.bias", NULL, L(down.bias), SIZE_HIDDEN, SIZE_NONE, TENSOR_LAYER | TENSOR_VECTOR, wants_mlp_bias},
    {0},
};

static int read_hf(struct model_config *c, const struct model_file *f, struct arena *arena, struct err *err)
{
    bool before = true, bias = true, removed = false;
    (void)arena;
    TRY(hf_need(&c->vocabulary, f, "vocab_size", 1, VOCABULARY_MAX, err));
    TRY(hf_need(&c->hidden, f, "hidden_size", 1, WIDTH_MAX, err));
    TRY(hf_need(&c->layers, f, "num_hidden_layers", 1, LAYERS_MAX, err));
    TRY(hf_need(&c->heads, f, "num_attention_heads", 1, HEADS_MAX, err));
    TRY(hf_need(&c->intermediate, f, "ffn_dim", 1, WIDTH_MAX, err));
    TRY(hf_need(&c->context, f, "max_position_embeddings", 1, CONTEXT_MAX, err));
    c->embedding = c->hidden;
    TRY(hf_int(&c->embedding, f, "word_embed_proj_dim", 1, WIDTH_MAX, err));
    TRY(hf_bool(&before, f, "do_layer_norm_before", err));
    TRY(hf_bool(&removed, f, "_remove_final_layer_norm", err));
    TRY(hf_bool(&bias, f, "enable_bias", err));
    c->norm_weights = true;
    TRY(hf_bool(&c->norm_weights, f, "layer_norm_elementwise_affine", err));
    c->activation = ACT_RELU;
    TRY(hf_activation(&c->activation, f, "activation_function", err));
    c->tied = true;
    TRY(hf_bool(&c->tied, f, "tie_word_embeddings", err));
    c->kv_heads = c->heads;
    c->head_dim = c->hidden / c->heads;
    c->position_offset = 2;
    c->positions = c->context + c->position_offset;
    c->layer_norm = true;
    c->norm_epsilon = 1e-5f;
    c->norm_after = !before;
    c->final_norm = before && !removed;
    c->qkv_bias = c->out_bias = c->mlp_bias = bias;
    return 0;
}

static void embed(struct run *r)
{
    run_embed_tokens(r);
    run_embed_positions(r);
}

static void layer(struct run *r, const struct layer *l)
{
    int hidden = r->model->config.hidden;
    size_t bytes = r->n * (size_t)hidden * sizeof(float);
    if (!r->model->config.norm_after) {
        layer_pre_norm_plain(r, l);
        return;
    }
    run_copy(r->h, r->x, bytes);
    run_attention(r, l);
    run_add(r);
    run_norm(r, r->x, r->x, &l->attention_norm, r->n, hidden);
    run_copy(r->h, r->x, bytes);
    run_mlp_plain(r, l);
    run_add(r);
    run_norm(r, r->x, r->x, &l->mlp_norm, r->n, hidden);
}

static void head(struct run *r, float *y, const float *x, size_t n)
{
    const struct model_config *c = &r->model->config;
    if (c->final_norm)
        head_final_norm(r, y, x, n);
    else
        run_copy(y, x, n * (size_t)c->hidden * sizeof(float));
}

const struct arch arch_opt = {
    .name = "opt",
    .hf_types = (const char *const[]){"opt", NULL},
    .prefixes = (const char *const[]){"model.decoder.", "decoder.", "", NULL},
    .read_hf = read_hf,
    .tensors = {opt_tensors},
    .embed = embed,
    .layer = layer,
    .head = head,
};
