/* config_write.c - a configuration written as config.json or as GGUF's metadata: config.c the other way round. */
#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"
#include "models/arch.h"

double shortest_f32(float v)
{
    char text[32];
    for (int digits = 6; digits <= 9; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, (double)v);
        if (strtof(text, NULL) == v)
            break;
    }
    return strtod(text, NULL);
}

/* ---- config.json ------------------------------------------------------------------------------------------------- */

void hf_write_int(struct json_out *j, const char *key, int64_t v)
{
    json_out_key(j, key);
    json_out_int(j, v);
}

/* A float always has a point or an exponent: transformers 5 wants a Python float where it says so. */
void hf_write_float(struct json_out *j, const char *key, double v)
{
    json_out_key(j, key);
    json_out_float(j, v);
}

void hf_write_bool(struct json_out *j, const char *key, bool v)
{
    json_out_key(j, key);
    json_out_bool(j, v);
}

void hf_write_text(struct json_out *j, const char *key, const char *v)
{
    json_out_key(j, key);
    json_out_text(j, v);
}

void hf_write_activation(struct json_out *j, const char *key, enum activation f)
{
    static const char *const names[ACT_COUNT] = {[ACT_SILU] = "silu", [ACT_GELU] = "gelu", [ACT_GELU_TANH] = "gelu_pytorch_tanh",
                                                 [ACT_QUICK_GELU] = "quick_gelu", [ACT_RELU] = "relu"};
    hf_write_text(j, key, names[f]);
}

static void write_floats(struct json_out *j, const char *key, const float *values, int n)
{
    json_out_key(j, key);
    json_out_open(j, '[');
    for (int i = 0; i < n; i++)
        json_out_float(j, shortest_f32(values[i]));
    json_out_close(j);
}

static void write_scaling(struct json_out *j, const struct rope_config *r, const char *name)
{
    hf_write_text(j, "rope_type", name);
    if (str_eq(name, "longrope")) {
        hf_write_text(j, "type", name); /* what Phi-3's own code asks for */
        write_floats(j, "long_factor", r->long_divisors, r->dims / 2);
        write_floats(j, "short_factor", r->short_divisors, r->dims / 2);
        return;
    }
    hf_write_float(j, "factor", r->factor);
    if (str_eq(name, "llama3")) {
        hf_write_float(j, "low_freq_factor", r->low_factor);
        hf_write_float(j, "high_freq_factor", r->high_factor);
    }
    if (str_eq(name, "llama3") || str_eq(name, "yarn"))
        hf_write_int(j, "original_max_position_embeddings", r->original_context);
    if (!str_eq(name, "yarn"))
        return;
    hf_write_float(j, "beta_fast", r->beta_fast);
    hf_write_float(j, "beta_slow", r->beta_slow);
    if (r->attention_factor > 0)
        hf_write_float(j, "attention_factor", shortest_f32((float)r->attention_factor));
    if (!r->truncate)
        hf_write_bool(j, "truncate", false);
}

void hf_write_rope(struct json_out *j, const struct model_config *c)
{
    const struct rope_config *r = &c->rope;
    hf_write_float(j, "rope_theta", r->theta);
    json_out_key(j, "rope_scaling");
    if (!r->scaling) {
        json_out_null(j);
        return;
    }
    json_out_open(j, '{');
    write_scaling(j, r, rope_scaling_name(r->scaling));
    json_out_close(j);
}

void hf_write_llama(struct json_out *j, const struct model_config *c)
{
    hf_write_int(j, "vocab_size", c->vocabulary);
    hf_write_int(j, "hidden_size", c->hidden);
    hf_write_int(j, "intermediate_size", c->intermediate);
    hf_write_int(j, "num_hidden_layers", c->layers);
    hf_write_int(j, "num_attention_heads", c->heads);
    hf_write_int(j, "num_key_value_heads", c->kv_heads);
    hf_write_int(j, "head_dim", c->head_dim);
    hf_write_int(j, "max_position_embeddings", c->context);
    hf_write_float(j, "rms_norm_eps", shortest_f32(c->norm_epsilon));
    hf_write_activation(j, "hidden_act", c->activation);
    hf_write_bool(j, "tie_word_embeddings", c->tied);
    hf_write_rope(j, c);
}

/* ---- GGUF -------------------------------------------------------------------------------------------------------- */

static void full_key(char out[128], const struct gguf_out *o, const char *key)
{
    snprintf(out, 128, "%s.%s", o->architecture, key);
}

void out_u32(const struct gguf_out *o, const char *key, int v)
{
    char full[128];
    full_key(full, o, key);
    gguf_put_u32(o->writer, full, (uint32_t)v);
}

void out_f32(const struct gguf_out *o, const char *key, double v)
{
    char full[128];
    full_key(full, o, key);
    gguf_put_f32(o->writer, full, (float)v);
}

void out_bool(const struct gguf_out *o, const char *key, bool v)
{
    char full[128];
    full_key(full, o, key);
    gguf_put_bool(o->writer, full, v);
}

void out_str(const struct gguf_out *o, const char *key, const char *v)
{
    char full[128];
    full_key(full, o, key);
    gguf_put_str(o->writer, full, v);
}

/* llama3 is a tensor of divisors (rope_freqs.weight), and no key says so. */
static void put_scaling(const struct gguf_out *o, const struct rope_config *r, const char *name)
{
    if (!str_eq(name, "linear") && !str_eq(name, "yarn"))
        return;
    out_str(o, "rope.scaling.type", name);
    out_f32(o, "rope.scaling.factor", r->factor);
    if (!str_eq(name, "yarn"))
        return;
    out_u32(o, "rope.scaling.original_context_length", r->original_context);
    out_f32(o, "rope.scaling.yarn_beta_fast", r->beta_fast);
    out_f32(o, "rope.scaling.yarn_beta_slow", r->beta_slow);
    if (r->attention_factor > 0)
        out_f32(o, "rope.scaling.yarn_attn_factor", r->attention_factor);
}

void gguf_write_sizes(const struct gguf_out *o, const struct model_config *c)
{
    out_u32(o, "block_count", c->layers);
    out_u32(o, "context_length", c->context);
    out_u32(o, "embedding_length", c->hidden);
    out_u32(o, "feed_forward_length", c->intermediate);
    out_u32(o, "attention.head_count", c->heads);
    out_f32(o, c->layer_norm ? "attention.layer_norm_epsilon" : "attention.layer_norm_rms_epsilon", (double)c->norm_epsilon);
    if (c->rope.dims == 0)
        return;
    out_f32(o, "rope.freq_base", c->rope.theta);
    out_u32(o, "rope.dimension_count", c->rope.dims);
    if (c->rope.scaling)
        put_scaling(o, &c->rope, rope_scaling_name(c->rope.scaling));
}

void gguf_write_llama(const struct gguf_out *o, const struct model_config *c)
{
    gguf_write_sizes(o, c);
    out_u32(o, "attention.head_count_kv", c->kv_heads);
    out_u32(o, "attention.key_length", c->head_dim);
    out_u32(o, "attention.value_length", c->head_dim);
    out_u32(o, "vocab_size", c->vocabulary);
}
