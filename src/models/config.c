/* config.c - reading configurations: config.json as transformers 4 and 5 write it, and GGUF's metadata. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "models/arch.h"

const struct arch *const architectures[] = {
#define ARCH(name) &arch_##name,
#include "models/list.h"
#undef ARCH
    NULL,
};

/* ---- config.json ------------------------------------------------------------------------------------------------- */

static const char *json_kind(const json_t *v)
{
    switch (json_typeof(v)) {
    case JSON_OBJECT: return "an object";
    case JSON_ARRAY: return "an array";
    case JSON_STRING: return "a string";
    case JSON_INTEGER: return "an integer";
    case JSON_REAL: return "a number";
    case JSON_TRUE: case JSON_FALSE: return "true or false";
    case JSON_NULL: return "null";
    }
    return "something else";
}

static const json_t *present(const json_t *object, const char *key)
{
    const json_t *v = json_object_get(object, key);
    return v && !json_is_null(v) ? v : NULL;
}

static int wrong_kind(const struct model_file *f, const char *key, const json_t *v, const char *expected, struct err *err)
{
    return err_set(err, ERR_INPUT, "'%s/config.json': '%s' is %s, expected %s", model_file_dir(f), key, json_kind(v),
                   expected);
}

/* The numbers may be written as 1e6 or 1000000.0. */
static int object_int(int *out, const json_t *object, const struct model_file *f, const char *key, int lo, int hi,
                      struct err *err)
{
    const json_t *v = present(object, key);
    if (!v)
        return 0;
    if (!json_is_number(v))
        return wrong_kind(f, key, v, "an integer", err);
    double d = json_number_value(v);
    if (!(d >= lo && d <= hi) || d != floor(d))
        return err_set(err, ERR_INPUT, "'%s/config.json': '%s' is %g, expected an integer from %d to %d",
                       model_file_dir(f), key, d, lo, hi);
    *out = (int)d;
    return 1;
}

static int object_float(double *out, const json_t *object, const struct model_file *f, const char *key, double lo,
                        double hi, struct err *err)
{
    const json_t *v = present(object, key);
    if (!v)
        return 0;
    if (!json_is_number(v))
        return wrong_kind(f, key, v, "a number", err);
    double d = json_number_value(v);
    if (!(d >= lo && d <= hi))
        return err_set(err, ERR_INPUT, "'%s/config.json': '%s' is %g, expected a number from %g to %g",
                       model_file_dir(f), key, d, lo, hi);
    *out = d;
    return 1;
}

static int object_bool(bool *out, const json_t *object, const struct model_file *f, const char *key, struct err *err)
{
    const json_t *v = present(object, key);
    if (!v)
        return 0;
    if (!json_is_boolean(v))
        return wrong_kind(f, key, v, "true or false", err);
    *out = json_is_true(v);
    return 1;
}

int hf_int(int *out, const struct model_file *f, const char *key, int lo, int hi, struct err *err)
{
    return object_int(out, model_file_config(f), f, key, lo, hi, err);
}

int hf_float(double *out, const struct model_file *f, const char *key, double lo, double hi, struct err *err)
{
    return object_float(out, model_file_config(f), f, key, lo, hi, err);
}

int hf_bool(bool *out, const struct model_file *f, const char *key, struct err *err)
{
    return object_bool(out, model_file_config(f), f, key, err);
}

int hf_string(const char **out, const struct model_file *f, const char *key, struct err *err)
{
    const json_t *v = present(model_file_config(f), key);
    if (!v)
        return 0;
    if (!json_is_string(v))
        return wrong_kind(f, key, v, "a string", err);
    *out = json_string_value(v);
    return 1;
}

int hf_need(int *out, const struct model_file *f, const char *key, int lo, int hi, struct err *err)
{
    int found = hf_int(out, f, key, lo, hi, err);
    if (found == 0)
        return err_set(err, ERR_INPUT, "'%s/config.json': '%s' is missing", model_file_dir(f), key);
    return found < 0 ? -1 : 0;
}

int hf_refuse(const struct model_file *f, const char *key, struct err *err)
{
    bool on = false;
    TRY(hf_bool(&on, f, key, err));
    if (on)
        return err_set(err, ERR_UNSUPPORTED, "'%s/config.json': '%s' is true, which prony does not have",
                       model_file_dir(f), key);
    return 0;
}

int hf_activation(enum activation *out, const struct model_file *f, const char *key, struct err *err)
{
    static const struct {
        const char *name;
        enum activation f;
    } names[] = {
        {"silu", ACT_SILU}, {"swish", ACT_SILU}, {"gelu", ACT_GELU}, {"gelu_python", ACT_GELU},
        {"gelu_new", ACT_GELU_TANH}, {"gelu_pytorch_tanh", ACT_GELU_TANH}, {"gelu_fast", ACT_GELU_TANH},
        {"quick_gelu", ACT_QUICK_GELU}, {"relu", ACT_RELU},
    };
    const char *name;
    int found = hf_string(&name, f, key, err);
    if (found <= 0)
        return found;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(names[i].name, name) == 0) {
            *out = names[i].f;
            return 1;
        }
    }
    err_set(err, ERR_UNSUPPORTED, "'%s/config.json': '%s' is '%s', an activation that prony does not have",
            model_file_dir(f), key, name);
    return err_hint(err, "it has silu, gelu, gelu_new, gelu_pytorch_tanh, gelu_fast, quick_gelu and relu");
}

const json_t *hf_rope_object(const struct model_file *f, const char *layers)
{
    const json_t *config = model_file_config(f), *p = present(config, "rope_parameters");
    if (p && layers)
        return present(p, layers);
    return p ? p : layers ? NULL : present(config, "rope_scaling");
}

int hf_floats(const float **out, const json_t *object, const struct model_file *f, const char *key, int n, struct arena *arena,
              struct err *err)
{
    const json_t *v = present(object, key);
    if (!v)
        return 0;
    if (!json_is_array(v) || json_array_size(v) != (size_t)n)
        return err_set(err, ERR_INPUT, "'%s/config.json': '%s' is not an array of %d numbers", model_file_dir(f), key, n);
    float *values = arena_alloc(arena, (size_t)n, sizeof *values, err);
    for (int i = 0; values && i < n; i++) {
        const json_t *item = json_array_get(v, (size_t)i);
        if (!json_is_number(item) || !(json_number_value(item) > 0 && json_number_value(item) < 1e30))
            return err_set(err, ERR_INPUT, "'%s/config.json': '%s': item %d is not a number above 0", model_file_dir(f), key, i);
        values[i] = (float)json_number_value(item);
    }
    *out = values;
    return values ? 1 : -1;
}

/* "su" and, in Phi-3 files that have tables, "yarn" are names that longrope had. */
static const char *scaling_name(const json_t *p, const char *kind)
{
    bool old = strcmp(kind, "su") == 0 || (strcmp(kind, "yarn") == 0 && json_object_get(p, "long_factor"));
    return old ? "longrope" : kind;
}

static int read_scaling(struct rope_config *r, int context, const json_t *p, const struct model_file *f, struct err *err)
{
    bool dynamic = strcmp(rope_scaling_name(r->scaling), "dynamic") == 0;
    int factor = object_float(&r->factor, p, f, "factor", 1e-6, 1e6, err);
    TRY(factor);
    if (!dynamic) {
        TRY(object_int(&r->original_context, p, f, "original_max_position_embeddings", 1, CONTEXT_MAX, err));
        TRY(hf_int(&r->original_context, f, "original_max_position_embeddings", 1, CONTEXT_MAX, err));
    }
    if (factor == 0 || (strcmp(rope_scaling_name(r->scaling), "longrope") == 0 && r->original_context != context))
        r->factor = (double)context / r->original_context;
    r->low_factor = 1;
    r->high_factor = 4;
    TRY(object_float(&r->low_factor, p, f, "low_freq_factor", 1e-6, 1e6, err));
    TRY(object_float(&r->high_factor, p, f, "high_freq_factor", 1e-6, 1e6, err));
    if (!(r->high_factor > r->low_factor))
        return err_set(err, ERR_INPUT, "'%s/config.json': 'high_freq_factor' %g is not above 'low_freq_factor' %g",
                       model_file_dir(f), r->high_factor, r->low_factor);
    TRY(object_float(&r->beta_fast, p, f, "beta_fast", 1e-6, 1e6, err));
    TRY(object_float(&r->beta_slow, p, f, "beta_slow", 1e-6, 1e6, err));
    TRY(object_float(&r->attention_factor, p, f, "attention_factor", 0, 1e6, err));
    TRY(object_float(&r->mscale, p, f, "mscale", 0, 1e6, err));
    TRY(object_float(&r->mscale_all, p, f, "mscale_all_dim", 0, 1e6, err));
    TRY(object_bool(&r->truncate, p, f, "truncate", err));
    return 0;
}

static void rope_defaults(struct rope_config *r, const struct model_config *c)
{
    *r = (struct rope_config){.dims = c->head_dim, .theta = r->theta > 0 ? r->theta : 10000, .truncate = true, .beta_fast = 32,
                              .beta_slow = 1, .original_context = c->context};
}

int hf_rope_from(struct rope_config *r, const struct model_config *c, const json_t *p, const struct model_file *f, struct err *err)
{
    double partial = c->rotary_fraction > 0 ? c->rotary_fraction : 1;
    TRY(hf_float(&partial, f, "partial_rotary_factor", 0, 1, err));
    if (p && !json_is_object(p))
        return wrong_kind(f, "rope_parameters", p, "an object", err);
    TRY(object_float(&r->theta, p, f, "rope_theta", 1e-3, 1e30, err));
    TRY(object_float(&partial, p, f, "partial_rotary_factor", 0, 1, err));
    if (partial != 1 && c->rotary_fraction == 0)
        return err_set(err, ERR_UNSUPPORTED, "'%s/config.json': 'partial_rotary_factor' is %g: this architecture rotates whole "
                       "heads", model_file_dir(f), partial);
    r->dims = (int)(c->head_dim * partial);
    const json_t *kind = present(p, "rope_type");
    if (!kind)
        kind = present(p, "type");
    if (!kind)
        return 0;
    if (!json_is_string(kind))
        return wrong_kind(f, "rope_type", kind, "a string", err);
    if (strcmp(json_string_value(kind), "default") == 0)
        return 0;
    r->scaling = rope_scaling_find(scaling_name(p, json_string_value(kind)));
    if (!r->scaling) {
        err_set(err, ERR_UNSUPPORTED, "'%s/config.json': rope type '%s' is not one that prony has", model_file_dir(f),
                json_string_value(kind));
        return err_hint(err, "it has %s", rope_scaling_names());
    }
    return read_scaling(r, c->context, p, f, err);
}

/* transformers 5 has one object "rope_parameters" with theta inside; 4 has "rope_theta" beside an object "rope_scaling"
 * or none, its kind under "rope_type" or, older, "type". */
int hf_rope(struct model_config *c, const struct model_file *f, struct err *err)
{
    rope_defaults(&c->rope, c);
    TRY(hf_float(&c->rope.theta, f, "rope_theta", 1e-3, 1e30, err));
    TRY(hf_bool(&c->rope.adjacent, f, "rope_interleave", err));
    TRY(hf_rope_from(&c->rope, c, hf_rope_object(f, NULL), f, err));
    if (c->rope.scaling && strcmp(rope_scaling_name(c->rope.scaling), "longrope") == 0 && c->rotary_fraction == 0)
        return err_set(err, ERR_UNSUPPORTED, "'%s/config.json': rope type 'longrope' is not one that this architecture has",
                       model_file_dir(f));
    return 0;
}

int hf_rope_by_layers(struct model_config *c, const struct model_file *f, struct err *err)
{
    const json_t *full = hf_rope_object(f, "full_attention"), *local = hf_rope_object(f, "sliding_attention");
    c->rope.theta = 1e6;
    c->rope_local.theta = 1e4;
    rope_defaults(&c->rope, c);
    rope_defaults(&c->rope_local, c);
    TRY(hf_float(&c->rope.theta, f, "rope_theta", 1e-3, 1e30, err));
    TRY(hf_float(&c->rope_local.theta, f, "rope_local_base_freq", 1e-3, 1e30, err));
    TRY(hf_rope_from(&c->rope, c, full ? full : present(model_file_config(f), "rope_scaling"), f, err));
    TRY(hf_rope_from(&c->rope_local, c, local, f, err));
    if (rope_depends_on_length(&c->rope) || c->rope_local.scaling)
        return err_set(err, ERR_UNSUPPORTED, "'%s/config.json': a rope that this architecture does not have with layers of two kinds",
                       model_file_dir(f));
    return 0;
}

int hf_llama_sizes(struct model_config *c, const struct model_file *f, struct err *err)
{
    double epsilon = 1e-6;
    TRY(hf_need(&c->vocabulary, f, "vocab_size", 1, VOCABULARY_MAX, err));
    TRY(hf_need(&c->hidden, f, "hidden_size", 1, WIDTH_MAX, err));
    TRY(hf_need(&c->intermediate, f, "intermediate_size", 1, WIDTH_MAX, err));
    TRY(hf_need(&c->layers, f, "num_hidden_layers", 1, LAYERS_MAX, err));
    TRY(hf_need(&c->heads, f, "num_attention_heads", 1, HEADS_MAX, err));
    TRY(hf_need(&c->context, f, "max_position_embeddings", 1, CONTEXT_MAX, err));
    c->kv_heads = c->heads;
    TRY(hf_int(&c->kv_heads, f, "num_key_value_heads", 1, HEADS_MAX, err));
    if (c->head_dim == 0)
        c->head_dim = c->hidden / c->heads;
    TRY(hf_int(&c->head_dim, f, "head_dim", 2, WIDTH_MAX, err));
    TRY(hf_float(&epsilon, f, "rms_norm_eps", 0, 1, err));
    c->norm_epsilon = (float)epsilon;
    TRY(hf_bool(&c->tied, f, "tie_word_embeddings", err));
    c->activation = ACT_SILU;
    TRY(hf_activation(&c->activation, f, "hidden_act", err));
    c->norm_weights = c->final_norm = true;
    return c->rotary_by_layers ? hf_rope_by_layers(c, f, err) : hf_rope(c, f, err);
}

static bool from_first(int layer, int first)
{
    return layer >= first;
}

int hf_upper_windows(struct model_config *c, const struct model_file *f, struct arena *arena, struct err *err)
{
    bool used = false;
    int first = 28;
    c->window = 4096;
    TRY(hf_bool(&used, f, "use_sliding_window", err));
    TRY(hf_int(&c->window, f, "sliding_window", 0, CONTEXT_MAX, err));
    TRY(hf_int(&first, f, "max_window_layers", 0, LAYERS_MAX, err));
    if (!used)
        c->window = 0;
    return hf_layer_windows(c, f, from_first, first, arena, err);
}

int hf_layer_windows(struct model_config *c, const struct model_file *f, bool (*slides_by)(int layer, int pattern), int pattern,
                     struct arena *arena, struct err *err)
{
    const json_t *types = present(model_file_config(f), "layer_types");
    if (types && !json_is_array(types))
        return wrong_kind(f, "layer_types", types, "an array", err);
    if (types && json_array_size(types) != (size_t)c->layers)
        return err_set(err, ERR_INPUT, "'%s/config.json': 'layer_types' has %zu items, expected one for each of %d layers",
                       model_file_dir(f), json_array_size(types), c->layers);
    c->windows = arena_alloc(arena, (size_t)c->layers, sizeof *c->windows, err);
    if (!c->windows)
        return -1;
    for (int i = 0; i < c->layers; i++) {
        bool slides = slides_by(i, pattern);
        if (types) {
            const char *type = json_string_value(json_array_get(types, (size_t)i));
            slides = str_eq(type, "sliding_attention");
            if (!slides && !str_eq(type, "full_attention"))
                return err_set(err, ERR_UNSUPPORTED, "'%s/config.json': layer type '%s' is not one that prony has",
                               model_file_dir(f), type ? type : "(no string)");
        }
        c->windows[i] = slides ? c->window : 0;
    }
    c->window = 0;
    return 0;
}

/* ---- GGUF -------------------------------------------------------------------------------------------------------- */

/* "ARCHITECTURE.key" */
static void gguf_key(char out[128], const struct model_file *f, const char *key)
{
    struct meta_string name = {"", 0};
    model_file_meta_str(f, "general.architecture", &name, NULL);
    snprintf(out, 128, "%.*s.%s", (int)(name.len < 64 ? name.len : 64), name.data, key);
}

int gguf_float(double *out, const struct model_file *f, const char *key, double lo, double hi, struct err *err)
{
    char full[128];
    double d;
    gguf_key(full, f, key);
    int found = model_file_meta_f64(f, full, &d, err);
    if (found <= 0)
        return found;
    if (!(d >= lo && d <= hi))
        return err_set(err, ERR_INPUT, "'%s': '%s' is %g, expected a number from %g to %g", model_file_path(f), full, d, lo,
                       hi);
    *out = d;
    return 1;
}

int gguf_int(int *out, const struct model_file *f, const char *key, int lo, int hi, struct err *err)
{
    char full[128];
    uint64_t u;
    gguf_key(full, f, key);
    const struct meta *m = model_file_meta(f, full);
    if (m && m->type == META_ARRAY)
        return err_set(err, ERR_UNSUPPORTED, "'%s': '%s' differs from layer to layer, which prony does not have",
                       model_file_path(f), full);
    int found = model_file_meta_u64(f, full, &u, err);
    if (found <= 0)
        return found;
    if (u > (uint64_t)hi || (int64_t)u < lo)
        return err_set(err, ERR_INPUT, "'%s': '%s' is %" PRIu64 ", expected an integer from %d to %d", model_file_path(f),
                       full, u, lo, hi);
    *out = (int)u;
    return 1;
}

int gguf_bool(bool *out, const struct model_file *f, const char *key, struct err *err)
{
    char full[128];
    gguf_key(full, f, key);
    return model_file_meta_bool(f, full, out, err);
}

int gguf_need(int *out, const struct model_file *f, const char *key, int lo, int hi, struct err *err)
{
    char full[128];
    int found = gguf_int(out, f, key, lo, hi, err);
    gguf_key(full, f, key);
    if (found == 0)
        return err_set(err, ERR_INPUT, "'%s': the key '%s' is missing", model_file_path(f), full);
    return found < 0 ? -1 : 0;
}

bool gguf_has(const struct model_file *f, const char *tensor)
{
    return model_file_tensor(f, tensor) != NULL;
}

int gguf_sizes(struct model_config *c, const struct model_file *f, struct err *err)
{
    const struct tensor *embed = model_file_tensor(f, "token_embd.weight");
    TRY(gguf_need(&c->hidden, f, "embedding_length", 1, WIDTH_MAX, err));
    TRY(gguf_need(&c->intermediate, f, "feed_forward_length", 1, WIDTH_MAX, err));
    TRY(gguf_need(&c->layers, f, "block_count", 1, LAYERS_MAX, err));
    TRY(gguf_need(&c->heads, f, "attention.head_count", 1, HEADS_MAX, err));
    TRY(gguf_need(&c->context, f, "context_length", 1, CONTEXT_MAX, err));
    c->kv_heads = c->heads;
    TRY(gguf_int(&c->kv_heads, f, "attention.head_count_kv", 1, HEADS_MAX, err));
    c->head_dim = c->hidden / c->heads;
    TRY(gguf_int(&c->head_dim, f, "attention.key_length", 2, WIDTH_MAX, err));
    int value = c->head_dim;
    TRY(gguf_int(&value, f, "attention.value_length", 2, WIDTH_MAX, err));
    if (value != c->head_dim)
        return err_set(err, ERR_UNSUPPORTED, "'%s': keys of %d and values of %d numbers a head: prony has only equal ones",
                       model_file_path(f), c->head_dim, value);
    if (!embed || embed->n_dims != 2 || embed->dims[0] > VOCABULARY_MAX)
        return err_set(err, ERR_INPUT, "'%s': tensor 'token_embd.weight' is missing or has no two dimensions",
                       model_file_path(f));
    c->vocabulary = (int)embed->dims[0];
    c->norm_weights = c->final_norm = true;
    c->tied = !gguf_has(f, "output.weight");
    return 0;
}

int gguf_rope(struct model_config *c, const struct model_file *f, struct err *err)
{
    struct rope_config *r = &c->rope;
    struct meta_string kind;
    char key[128];
    rope_defaults(r, c);
    TRY(gguf_float(&r->theta, f, "rope.freq_base", 1e-3, 1e30, err));
    TRY(gguf_int(&r->dims, f, "rope.dimension_count", 2, WIDTH_MAX, err));
    if (r->dims != c->head_dim && (c->rotary_fraction == 0 || r->dims > c->head_dim))
        return err_set(err, ERR_UNSUPPORTED, "'%s': 'rope.dimension_count' is %d: this architecture rotates whole heads of %d",
                       model_file_path(f), r->dims, c->head_dim);
    gguf_key(key, f, "rope.scaling.type");
    int found = model_file_meta_str(f, key, &kind, err);
    TRY(found);
    double factor = 0;
    TRY(gguf_float(&factor, f, "rope.scaling.factor", 0, 1e6, err));
    if (found == 0 && factor == 0) /* the name it had in 2023 */
        TRY(gguf_float(&factor, f, "rope.scale_linear", 0, 1e6, err));
    if (found == 0 || (kind.len == 4 && memcmp(kind.data, "none", 4) == 0)) {
        if (found == 0 && factor != 0 && factor != 1) {
            r->scaling = rope_scaling_find("linear");
            r->factor = factor;
        }
        return 0;
    }
    char name[32];
    snprintf(name, sizeof name, "%.*s", (int)(kind.len < 31 ? kind.len : 31), kind.data);
    r->scaling = rope_scaling_find(name);
    if (strcmp(name, "longrope") == 0 && c->rotary_fraction > 0)
        return 0; /* its tables are tensors */
    if (!r->scaling || (strcmp(name, "linear") != 0 && strcmp(name, "yarn") != 0)) {
        err_set(err, ERR_UNSUPPORTED, "'%s': '%s' is '%s', a scaling that prony does not have", model_file_path(f), key, name);
        return err_hint(err, "it has none, linear and yarn");
    }
    r->factor = factor > 0 ? factor : 1;
    TRY(gguf_int(&r->original_context, f, "rope.scaling.original_context_length", 1, CONTEXT_MAX, err));
    TRY(gguf_float(&r->attention_factor, f, "rope.scaling.yarn_attn_factor", 0, 1e6, err));
    if (r->attention_factor == 0)
        TRY(gguf_float(&r->attention_factor, f, "rope.scaling.attn_factor", 0, 1e6, err));
    TRY(gguf_float(&r->beta_fast, f, "rope.scaling.yarn_beta_fast", 1e-6, 1e6, err));
    TRY(gguf_float(&r->beta_slow, f, "rope.scaling.yarn_beta_slow", 1e-6, 1e6, err));
    return 0;
}

int gguf_llama_sizes(struct model_config *c, const struct model_file *f, struct err *err)
{
    double epsilon = 1e-6;
    TRY(gguf_sizes(c, f, err));
    TRY(gguf_rope(c, f, err));
    TRY(gguf_float(&epsilon, f, "attention.layer_norm_rms_epsilon", 0, 1, err));
    TRY(gguf_int(&c->window, f, "attention.sliding_window", 0, CONTEXT_MAX, err));
    c->norm_epsilon = (float)epsilon;
    c->activation = ACT_SILU;
    c->qkv_bias = gguf_has(f, "blk.0.attn_q.bias");
    c->out_bias = gguf_has(f, "blk.0.attn_output.bias");
    c->mlp_bias = gguf_has(f, "blk.0.ffn_up.bias");
    return 0;
}

/* ---- both -------------------------------------------------------------------------------------------------------- */

static void add_eos(struct model_config *c, int64_t id)
{
    for (int i = 0; i < c->n_eos; i++)
        if (c->eos[i] == id)
            return;
    if (id >= 0 && id < VOCABULARY_MAX && c->n_eos < EOS_MAX)
        c->eos[c->n_eos++] = (int32_t)id;
}

static void read_hf_eos(struct model_config *c, const json_t *object)
{
    const json_t *v = object ? json_object_get(object, "eos_token_id") : NULL;
    if (json_is_integer(v))
        add_eos(c, json_integer_value(v));
    for (size_t i = 0; i < json_array_size(v); i++)
        if (json_is_integer(json_array_get(v, i)))
            add_eos(c, json_integer_value(json_array_get(v, i)));
}

static void read_gguf_eos(struct model_config *c, const struct model_file *f)
{
    static const char *const keys[] = {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id",
                                       "tokenizer.ggml.eom_token_id"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        uint64_t id;
        if (model_file_meta_u64(f, keys[i], &id, NULL) == 1 && id < VOCABULARY_MAX)
            add_eos(c, (int64_t)id);
    }
}

static bool listed(const char *const *names, const char *name, size_t len)
{
    for (; names && *names; names++)
        if (strlen(*names) == len && memcmp(*names, name, len) == 0)
            return true;
    return false;
}

static int unknown(const struct model_file *f, const char *key, const char *name, size_t len, struct err *err)
{
    char known[256] = "";
    for (const struct arch *const *a = architectures; *a; a++)
        snprintf(known + strlen(known), sizeof known - strlen(known), "%s%s", a == architectures ? "" : ", ", (*a)->name);
    err_set(err, ERR_UNSUPPORTED, "'%s': %s '%.*s' is not an architecture that prony has", model_file_path(f), key,
            (int)(len < 80 ? len : 80), name);
    return err_hint(err, "it has %s", known);
}

static int read_hf(struct model_config *c, const struct arch **arch, const struct model_file *f, struct arena *arena,
                   struct err *err)
{
    const char *name = NULL;
    if (!model_file_config(f)) {
        err_set(err, ERR_MISSING, "'%s': there is no config.json beside the weights", model_file_path(f));
        return err_hint(err, "give the folder of a whole Hugging Face checkpoint");
    }
    TRY(hf_string(&name, f, "model_type", err));
    if (!name)
        return err_set(err, ERR_INPUT, "'%s/config.json': 'model_type' is missing", model_file_dir(f));
    for (const struct arch *const *a = architectures; *a; a++) {
        if (!listed((*a)->hf_types, name, strlen(name)))
            continue;
        *arch = *a;
        TRY((*a)->read_hf(c, f, arena, err));
        read_hf_eos(c, model_file_generation_config(f));
        read_hf_eos(c, model_file_config(f));
        return 0;
    }
    return unknown(f, "model_type", name, strlen(name), err);
}

static int read_gguf(struct model_config *c, const struct arch **arch, const struct model_file *f, struct arena *arena,
                     struct err *err)
{
    struct meta_string name;
    int found = model_file_meta_str(f, "general.architecture", &name, err);
    TRY(found);
    if (found == 0)
        return err_set(err, ERR_INPUT, "'%s': the key 'general.architecture' is missing", model_file_path(f));
    for (const struct arch *const *a = architectures; *a; a++) {
        if (!(*a)->read_gguf || !listed((*a)->gguf_names, name.data, name.len) || ((*a)->gguf_mine && !(*a)->gguf_mine(f)))
            continue;
        *arch = *a;
        TRY((*a)->read_gguf(c, f, arena, err));
        read_gguf_eos(c, f);
        return 0;
    }
    return unknown(f, "architecture", name.data, name.len, err);
}

int config_read(struct model_config *c, const struct arch **arch, const struct model_file *f, struct arena *arena,
                struct err *err)
{
    *c = (struct model_config){0};
    if (model_file_n_tensors(f) == 0) {
        err_set(err, ERR_MISSING, "'%s' has no weights", model_file_path(f));
        return err_hint(err, "a folder with only a tokenizer serves 'prony model tokenize' alone");
    }
    if (strcmp(model_file_format(f), "gguf") == 0)
        TRY(read_gguf(c, arch, f, arena, err));
    else
        TRY(read_hf(c, arch, f, arena, err));
    return config_check(c, f, err);
}

int config_check(struct model_config *c, const struct model_file *f, struct err *err)
{
    const char *path = model_file_path(f);
    if (c->embedding == 0)
        c->embedding = c->hidden;
    if (c->attention_scale == 0)
        c->attention_scale = (float)(1 / sqrt((double)c->head_dim));
    if (c->head_dim < 1)
        return err_set(err, ERR_INPUT, "'%s': %d heads are more than the %d numbers of a row", path, c->heads, c->hidden);
    if (c->heads % c->kv_heads != 0)
        return err_set(err, ERR_INPUT, "'%s': %d heads cannot share %d key/value heads evenly", path, c->heads, c->kv_heads);
    if (c->heads * (int64_t)c->head_dim > WIDTH_MAX)
        return err_set(err, ERR_INPUT, "'%s': %d heads of %d numbers are more than %d", path, c->heads, c->head_dim, WIDTH_MAX);
    if (c->experts_used > c->experts)
        return err_set(err, ERR_INPUT, "'%s': %d experts of %d are to be chosen for each token", path, c->experts_used, c->experts);
    if (c->rope.dims % 2 != 0)
        return err_set(err, ERR_INPUT, "'%s': heads of %d numbers cannot be rotated in pairs", path, c->rope.dims);
    return 0;
}
