/* gemma.c - Gemma 2 and 3: norms before and behind each block whose weights are added to one, scaled embeddings, windows on some
 * layers; 2 caps the scores of attention and the logits, 3 has norms on heads and another rope where there is a window. */
#include <math.h>
#include <stddef.h>
#include <stdio.h>

#include "models/arch.h"

#define L(f) offsetof(struct layer, f)
#define W(f) offsetof(struct weights, f)
#define NORM (TENSOR_LAYER | TENSOR_VECTOR | TENSOR_ONE_LESS)

static const struct tensor_row gemma_tensors[] = {
    {"embed_tokens.weight", "token_embd.weight", W(embed), SIZE_VOCABULARY, SIZE_HIDDEN, 0, NULL},
    {"norm.weight", "output_norm.weight", W(final_norm.weight), SIZE_HIDDEN, SIZE_NONE, TENSOR_VECTOR | TENSOR_ONE_LESS, NULL},
    {"lm_head.weight", "output.weight", W(output), SIZE_VOCABULARY, SIZE_HIDDEN, TENSOR_BARE, wants_output},
    {"layers.%d.input_layernorm.weight", "blk.%d.attn_norm.weight", L(attention_norm.weight), SIZE_HIDDEN, SIZE_NONE, NORM, NULL},
    {"layers.%d.post_attention_layernorm.weight", "blk.%d.post_attention_norm.weight", L(attention_post.weight), SIZE_HIDDEN,
     SIZE_NONE, NORM, NULL},
    {"layers.%d.pre_feedforward_layernorm.weight", "blk.%d.ffn_norm.weight", L(mlp_norm.weight), SIZE_HIDDEN, SIZE_NONE, NORM,
     NULL},
    {"layers.%d.post_feedforward_layernorm.weight", "blk.%d.post_ffw_norm.weight", L(mlp_post.weight), SIZE_HIDDEN, SIZE_NONE,
     NORM, NULL},
    {"layers.%d.self_attn.q_proj.weight", "blk.%d.attn_q.weight", L(q), SIZE_Q, SIZE_HIDDEN, TENSOR_LAYER, NULL},
    {"layers.%d.self_attn.k_proj.weight", "blk.%d.attn_k.weight", L(k), SIZE_KV, SIZE_HIDDEN, TENSOR_LAYER, NULL},
    {"layers.%d.self_attn.v_proj.weight", "blk.%d.attn_v.weight", L(v), SIZE_KV, SIZE_HIDDEN, TENSOR_LAYER, NULL},
    {"layers.%d.self_attn.o_proj.weight", "blk.%d.attn_output.weight", L(o), SIZE_HIDDEN, SIZE_Q, TENSOR_LAYER, NULL},
    {"layers.%d.self_attn.q_norm.weight", "blk.%d.attn_q_norm.weight", L(q_norm.weight), SIZE_HEAD, SIZE_NONE, NORM, wants_qk_norm},
    {"layers.%d.self_attn.k_norm.weight", "blk.%d.attn_k_norm.weight", L(k_norm.weight), SIZE_HEAD, SIZE_NONE, NORM, wants_qk_norm},
    {0},
};

static bool all_but_each(int layer, int pattern)
{
    return (layer + 1) % pattern != 0;
}

static void common(struct model_config *c)
{
    c->embed_scale = (float)sqrt((double)c->hidden);
}

/* What both generations' config.json have. */
static int read_hf_sizes(struct model_config *c, const struct model_file *f, struct err *err)
{
    double query = 256;
    c->head_dim = 256; /* transformers' default: not hidden / heads */
    c->tied = true;
    TRY(hf_llama_sizes(c, f, err));
    common(c);
    c->activation = ACT_GELU_TANH;
    TRY(hf_activation(&c->activation, f, "hidden_activation", err));
    TRY(hf_float(&query, f, "query_pre_attn_scalar", 1e-3, 1e9, err));
    c->attention_scale = (float)(1 / sqrt(query));
    TRY(hf_refuse(f, "use_bidirectional_attention", err));
    TRY(hf_refuse(f, "attention_bias", err));
    c->window = 4096;
    return hf_int(&c->window, f, "sliding_window", 0, CONTEXT_MAX, err) < 0 ? -1 : 0;
}

static int read_caps(struct model_config *c, const struct model_file *f, double attention, double output, struct err *err)
{
    TRY(hf_float(&attention, f, "attn_logit_softcapping", 1e-3, 1e9, err));
    TRY(hf_float(&output, f, "final_logit_softcapping", 1e-3, 1e9, err));
    c->softcap_attention = (float)attention;
    c->softcap_output = (float)output;
    return 0;
}

/* A cap that is null is none; one that is not there has the default. */
static double cap_or(const struct model_file *f, const char *key, double usual)
{
    return json_object_get(model_file_config(f), key) ? 0 : usual;
}

static int read_hf_2(struct model_config *c, const struct model_file *f, struct arena *arena, struct err *err)
{
    TRY(read_hf_sizes(c, f, err));
    TRY(read_caps(c, f, cap_or(f, "attn_logit_softcapping", 50), cap_or(f, "final_logit_softcapping", 30), err));
    return hf_layer_windows(c, f, all_but_each, 2, arena, err);
}

static int read_hf_3(struct model_config *c, const struct model_file *f, struct arena *arena, struct err *err)
{
    int pattern = 6;
    c->rotary_by_layers = c->qk_norm = true;
    TRY(read_hf_sizes(c, f, err));
    TRY(read_caps(c, f, 0, 0, err));
    TRY(hf_int(&pattern, f, "_sliding_window_pattern", 1, LAYERS_MAX, err));
    TRY(hf_int(&pattern, f, "sliding_window_pattern", 1, LAYERS_MAX, err));
    return hf_layer_windows(c, f, all_but_each, pattern, arena, err);
}

/* A GGUF does not say how scores are scaled: by the size of heads, but in the largest of each generation by hidden / heads. */
static float gguf_scale(const struct model_config *c, int largest)
{
    return (float)(1 / sqrt(c->layers == largest ? (double)c->hidden / c->heads : (double)c->head_dim));
}

static int read_gguf_sizes(struct model_config *c, const struct model_file *f, int largest, int pattern, struct arena *arena,
                           struct err *err)
{
    double attention = 0, output = 0;
    TRY(gguf_llama_sizes(c, f, err));
    common(c);
    c->activation = ACT_GELU_TANH;
    c->attention_scale = gguf_scale(c, largest);
    TRY(gguf_float(&attention, f, "attn_logit_softcapping", 0, 1e9, err));
    TRY(gguf_float(&output, f, "final_logit_softcapping", 0, 1e9, err));
    c->softcap_attention = (float)attention;
    c->softcap_output = (float)output;
    if (!(c->windows = arena_alloc(arena, (size_t)c->layers, sizeof *c->windows, err)))
        return -1;
    for (int i = 0; i < c->layers; i++)
        c->windows[i] = all_but_each(i, pattern) ? c->window : 0;
    c->window = 0;
    return 0;
}

static int read_gguf_2(struct model_config *c, const struct model_file *f, struct arena *arena, struct err *err)
{
    return read_gguf_sizes(c, f, 46, 2, arena, err);
}

static int read_gguf_3(struct model_config *c, const struct model_file *f, struct arena *arena, struct err *err)
{
    double local = 10000;
    c->qk_norm = true;
    TRY(read_gguf_sizes(c, f, 62, 6, arena, err));
    TRY(gguf_float(&local, f, "rope.freq_base_swa", 1e-3, 1e30, err));
    c->rope_local = (struct rope_config){.dims = c->rope.dims, .theta = local};
    return 0;
}

static int window_of(const struct model_config *c)
{
    int most = 0;
    for (int i = 0; i < c->layers; i++)
        most = c->windows[i] > most ? c->windows[i] : most;
    return most;
}

static void write_cap(struct json_out *j, const char *key, float cap)
{
    json_out_key(j, key);
    if (cap > 0)
        json_out_float(j, shortest_f32(cap));
    else
        json_out_null(j);
}

static void write_hf(struct json_out *j, const struct model_config *c)
{
    hf_write_llama(j, c);
    hf_write_activation(j, "hidden_activation", c->activation);
    hf_write_int(j, "query_pre_attn_scalar", (int64_t)lround(1 / ((double)c->attention_scale * (double)c->attention_scale)));
    write_cap(j, "attn_logit_softcapping", c->softcap_attention);
    write_cap(j, "final_logit_softcapping", c->softcap_output);
    hf_write_int(j, "sliding_window", window_of(c));
    json_out_key(j, "layer_types");
    json_out_open(j, '[');
    for (int i = 0; i < c->layers; i++)
        json_out_text(j, c->windows[i] > 0 ? "sliding_attention" : "full_attention");
    json_out_close(j);
    if (c->rope_local.dims > 0)
        hf_write_float(j, "rope_local_base_freq", c->rope_local.theta);
}

static void write_gguf(const struct gguf_out *o, const struct model_config *c)
{
    gguf_write_llama(o, c);
    if (c->softcap_attention > 0)
        out_f32(o, "attn_logit_softcapping", (double)c->softcap_attention);
    if (c->softcap_output > 0)
        out_f32(o, "final_logit_softcapping", (double)c->softcap_output);
    out_u32(o, "attention.sliding_window", window_of(c));
    if (c->rope_local.dims > 0)
        out_f32(o, "rope.freq_base_swa", c->rope_local.theta);
}

/* In a GGUF which layers have windows, and the scale of scores, follow from the size. */
static const char *unwritten(const struct model_config *c, int largest, int pattern)
{
    for (int i = 0; i < c->layers; i++)
        if ((c->windows[i] > 0) != all_but_each(i, pattern))
            return "windows on other layers than usual";
    return fabsf(c->attention_scale / gguf_scale(c, largest) - 1) > 1e-6f ? "a 'query_pre_attn_scalar' that does not follow from "
                                                                              "its size" : NULL;
}

static const char *unwritten_2(const struct model_config *c)
{
    return unwritten(c, 46, 2);
}

static const char *unwritten_3(const struct model_config *c)
{
    return unwritten(c, 62, 6);
}

/* x += norm(attention(norm(x))); x += norm(mlp(norm(x))). */
static void layer(struct run *r, const struct layer *l)
{
    int hidden = r->model->config.hidden;
    run_norm(r, r->h, r->x, &l->attention_norm, r->n, hidden);
    run_attention(r, l);
    run_norm(r, r->h, r->h, &l->attention_post, r->n, hidden);
    run_add(r);
    run_norm(r, r->h, r->x, &l->mlp_norm, r->n, hidden);
    run_mlp_gated(r, l);
    run_norm(r, r->h, r->h, &l->mlp_post, r->n, hidden);
    run_add(r);
}

#define GEMMA                                                                                                          \
    .prefixes = llama_prefixes, .junk = llama_junk, .write_hf = write_hf, .gguf_activation = ACT_GELU_TANH,            \
    .gguf_windows = true, .write_gguf = write_gguf, .tensors = {gemma_tensors, llama_mlp}, .embed = run_embed_tokens,             \
    .layer = layer, .head = head_final_norm

const struct arch arch_gemma2 = {
    GEMMA,
    .name = "gemma2",
    .hf_types = (const char *const[]){"gemma2", NULL},
    .gguf_names = (const char *const[]){"gemma2", NULL},
    .read_hf = read_hf_2,
    .read_gguf = read_gguf_2,
    .hf_class = "Gemma2ForCausalLM",
    .gguf_written = "gemma2",
    .unwritten = unwritten_2,
};

const struct arch arch_gemma3 = {
    GEMMA,
    .name = "gemma3",
    .hf_types = (const char *const[]){"gemma3_text", NULL},
    .gguf_names = (const char *const[]){"gemma3", NULL},
    .read_hf = read_hf_3,
    .read_gguf = read_gguf_3,
    .hf_class = "Gemma3ForCausalLM",
    .gguf_written = "gemma3",
    .unwritten = unwritten_3,
};
