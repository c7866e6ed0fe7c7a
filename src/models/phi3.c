/* phi3.c - Phi-3 and Phi-4: Llama with q, k and v in one matrix, gate and up in another, and frequencies from two tables (longrope). */
#include <math.h>
#include <stddef.h>

#include "base/str.h"
#include "models/arch.h"

#define L(f) offsetof(struct layer, f)
#define W(f) offsetof(struct weights, f)

static const struct tensor_row phi3_tensors[] = {
    {"embed_tokens.weight", "token_embd.weight", W(embed), SIZE_VOCABULARY, SIZE_HIDDEN, 0, NULL},
    {"norm.weight", "output_norm.weight", W(final_norm.weight), SIZE_HIDDEN, SIZE_NONE, TENSOR_VECTOR, NULL},
    {"lm_head.weight", "output.weight", W(output), SIZE_VOCABULARY, SIZE_HIDDEN, TENSOR_BARE, wants_output},
    {NULL, "rope_factors_long.weight", W(rope_long), SIZE_ROPE_PAIRS, SIZE_NONE, TENSOR_VECTOR | TENSOR_OPTIONAL, NULL},
    {NULL, "rope_factors_short.weight", W(rope_short), SIZE_ROPE_PAIRS, SIZE_NONE, TENSOR_VECTOR | TENSOR_OPTIONAL, NULL},
    {"layers.%d.input_layernorm.weight", "blk.%d.attn_norm.weight", L(attention_norm.weight), SIZE_HIDDEN, SIZE_NONE,
     TENSOR_LAYER | TENSOR_VECTOR, NULL},
    {"layers.%d.post_attention_layernorm.weight", "blk.%d.ffn_norm.weight", L(mlp_norm.weight), SIZE_HIDDEN, SIZE_NONE,
     TENSOR_LAYER | TENSOR_VECTOR, NULL},
    {"layers.%d.self_attn.qkv_proj.weight", "blk.%d.attn_qkv.weight", L(qkv), SIZE_QKV, SIZE_HIDDEN, TENSOR_LAYER, NULL},
    {"layers.%d.self_attn.o_proj.weight", "blk.%d.attn_output.weight", L(o), SIZE_HIDDEN, SIZE_Q, TENSOR_LAYER, NULL},
    {"layers.%d.mlp.gate_up_proj.weight", "blk.%d.ffn_up.weight", L(gate_up), SIZE_GATE_UP, SIZE_HIDDEN, TENSOR_LAYER, NULL},
    {"layers.%d.mlp.down_proj.weight", "blk.%d.ffn_down.weight", L(down), SIZE_HIDDEN, SIZE_INTERMEDIATE, TENSOR_LAYER, NULL},
    {0},
};

static bool is_longrope(const struct rope_config *r)
{
    return r->scaling && str_eq(rope_scaling_name(r->scaling), "longrope");
}

static int read_hf(struct model_config *c, const struct model_file *f, struct arena *arena, struct err *err)
{
    c->rotary_fraction = 1;
    TRY(hf_llama_sizes(c, f, err));
    TRY(hf_int(&c->window, f, "sliding_window", 0, CONTEXT_MAX, err));
    if (!c->rope.scaling)
        return 0;
    if (!is_longrope(&c->rope))
        return err_set(err, ERR_UNSUPPORTED, "'%s/config.json': rope type '%s': Phi-3 has only longrope", model_file_dir(f),
                       rope_scaling_name(c->rope.scaling));
    const json_t *p = hf_rope_object(f, NULL);
    int both = hf_floats(&c->rope.long_divisors, p, f, "long_factor", c->rope.dims / 2, arena, err);
    TRY(both);
    int other = hf_floats(&c->rope.short_divisors, p, f, "short_factor", c->rope.dims / 2, arena, err);
    TRY(other);
    if (!both || !other)
        return err_set(err, ERR_INPUT, "'%s/config.json': longrope without 'long_factor' and 'short_factor'", model_file_dir(f));
    return 0;
}

static int read_gguf(struct model_config *c, const struct model_file *f, struct arena *arena, struct err *err)
{
    (void)arena;
    c->rotary_fraction = 1;
    TRY(gguf_llama_sizes(c, f, err));
    TRY(gguf_int(&c->rope.original_context, f, "rope.scaling.original_context_length", 1, CONTEXT_MAX, err));
    c->rope.factor = (double)c->context / c->rope.original_context;
    return gguf_float(&c->rope.attention_factor, f, "rope.scaling.attn_factor", 0, 1e6, err) < 0 ? -1 : 0;
}

static int finish(struct model *m, struct err *err)
{
    struct model_config *c = &m->config;
    if (!m->weights.rope_long != !m->weights.rope_short)
        return err_set(err, ERR_INPUT, "'%s': one of rope_factors_long.weight and rope_factors_short.weight is missing",
                       model_file_path(m->file));
    if (m->weights.rope_long) {
        c->rope.scaling = rope_scaling_find("longrope");
        c->rope.long_divisors = m->weights.rope_long;
        c->rope.short_divisors = m->weights.rope_short;
    }
    size_t n = (size_t)c->intermediate;
    for (int i = 0; i < c->layers; i++) {
        struct layer *l = &m->weights.layers[i];
        l->gate = weight_rows(&l->gate_up, 0, n);
        l->up = weight_rows(&l->gate_up, n, n);
    }
    return split_qkv(m, err);
}

static void write_hf(struct json_out *j, const struct model_config *c)
{
    hf_write_llama(j, c);
    hf_write_float(j, "partial_rotary_factor", (double)c->rope.dims / c->head_dim);
    hf_write_int(j, "original_max_position_embeddings", c->rope.original_context);
    json_out_key(j, "sliding_window");
    if (c->window > 0)
        json_out_int(j, c->window);
    else
        json_out_null(j);
}

/* The tables are tensors. */
static void write_gguf(const struct gguf_out *o, const struct model_config *c)
{
    gguf_write_llama(o, c);
    out_u32(o, "attention.sliding_window", c->window);
    out_u32(o, "rope.scaling.original_context_length", c->rope.original_context);
    if (!is_longrope(&c->rope))
        return;
    double usual = c->rope.factor > 1 ? sqrt(1 + log(c->rope.factor) / log(c->rope.original_context)) : 1;
    out_str(o, "rope.scaling.type", "longrope");
    out_f32(o, "rope.scaling.attn_factor", c->rope.attention_factor > 0 ? c->rope.attention_factor : usual);
}

const struct arch arch_phi3 = {
    .name = "phi3",
    .hf_types = (const char *const[]){"phi3", NULL},
    .gguf_names = (const char *const[]){"phi3", NULL},
    .prefixes = llama_prefixes,
    .junk = llama_junk,
    .read_hf = read_hf,
    .read_gguf = read_gguf,
    .hf_class = "Phi3ForCausalLM",
    .write_hf = write_hf,
    .gguf_written = "phi3",
    .gguf_windows = true,
    .write_gguf = write_gguf,
    .tensors = {phi3_tensors},
    .finish = finish,
    .embed = run_embed_tokens,
    .layer = layer_pre_norm_gated,
    .head = head_final_norm,
};
