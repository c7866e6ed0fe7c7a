/* bind.c - from a file's tensors to a model's weights.
 *
 * Every tensor of the architecture's table must be there with the shape that the configuration asks for, and every tensor
 * of the file must be in the table: what a file has and we do not know (a bias, a scale of a quantization, an expert) would
 * be computed wrongly if it were left out. Matrices stay where they are in the map; only Conv1D weights are turned round
 * into memory of the model's own. Vectors are decoded to float32.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "kernels/decode.h"
#include "models/arch.h"

struct binding {
    struct model *m;
    const struct tensor **bound; /* those taken so far */
    size_t n_bound, cap;
};

static uint64_t size_value(const struct model_config *c, enum size_of s)
{
    switch (s) {
    case SIZE_NONE: return 1;
    case SIZE_VOCABULARY: return (uint64_t)c->vocabulary;
    case SIZE_HIDDEN: return (uint64_t)c->hidden;
    case SIZE_EMBEDDING: return (uint64_t)c->embedding;
    case SIZE_Q: return (uint64_t)c->heads * (uint64_t)c->head_dim;
    case SIZE_KV: return (uint64_t)c->kv_heads * (uint64_t)c->head_dim;
    case SIZE_QKV: return ((uint64_t)c->heads + 2 * (uint64_t)c->kv_heads) * (uint64_t)c->head_dim;
    case SIZE_INTERMEDIATE: return (uint64_t)c->intermediate;
    case SIZE_HEAD: return (uint64_t)c->head_dim;
    case SIZE_POSITIONS: return (uint64_t)c->positions;
    case SIZE_ROPE_PAIRS: return (uint64_t)c->rope.dims / 2;
    case SIZE_GATE_UP: return 2 * (uint64_t)c->intermediate;
    case SIZE_EXPERTS: return (uint64_t)c->experts;
    case SIZE_EXPERT_INTERMEDIATE: return (uint64_t)c->expert_intermediate;
    }
    return 0;
}

bool tensor_row_name(char out[256], const struct tensor_row *row, const char *prefix, bool is_gguf, int layer, int expert)
{
    const char *name = is_gguf ? row->gguf : row->hf;
    if (!name)
        return false;
    size_t n = (size_t)snprintf(out, 256, "%s", is_gguf || row->flags & TENSOR_BARE ? "" : prefix);
    int numbers[] = {layer, expert};
    for (size_t i = 0; i < 2; i++) { /* the first %d is the layer, the second the expert */
        const char *mark = strstr(name, "%d");
        if (!mark)
            break;
        n += (size_t)snprintf(out + n, 256 - n, "%.*s%d", (int)(mark - name), name, numbers[i]);
        name = mark + 2;
    }
    snprintf(out + n, 256 - n, "%s", name);
    return true;
}

static int wrong_shape(const struct model *m, const struct tensor *t, uint64_t n, uint64_t k, bool vector, struct err *err)
{
    char found[160] = "", expected[64];
    for (int i = 0; i < t->n_dims && i < TENSOR_DIMS_MAX; i++)
        snprintf(found + strlen(found), sizeof found - strlen(found), "%s%" PRIu64, i ? ", " : "", t->dims[i]);
    if (vector)
        snprintf(expected, sizeof expected, "%" PRIu64, n);
    else
        snprintf(expected, sizeof expected, "%" PRIu64 ", %" PRIu64, n, k);
    return err_set(err, ERR_INPUT, "'%s': tensor '%s' is [%s], expected [%s] by the configuration", model_file_path(m->file),
                   t->name, found, expected);
}

static bool can_decode(enum dtype t)
{
    return t != DTYPE_F64 && t != DTYPE_I16 && t != DTYPE_I32 && t != DTYPE_I64 && t != DTYPE_BOOL && t != DTYPE_U8 &&
           t != DTYPE_I8;
}

/* q, k and v of one head after the other become all of q, all of k, all of v. */
static void *by_kind(struct model *m, const void *from, size_t rows, size_t row_bytes, struct err *err)
{
    size_t heads = (size_t)m->config.heads, head = rows / (3 * heads);
    char *to = arena_alloc(&m->arena, rows, row_bytes, err);
    for (size_t i = 0; to && i < 3 * heads; i++)
        memcpy(to + (i % 3 * heads + i / 3) * head * row_bytes, (const char *)from + i * head * row_bytes, head * row_bytes);
    return to;
}

static int take_vector(struct model *m, const float **out, const struct tensor *t, uint64_t n, unsigned flags, struct err *err)
{
    uint64_t values = 1;
    for (int i = 0; i < t->n_dims; i++)
        values = t->dims[i] > UINT64_MAX / values ? 0 : values * t->dims[i];
    /* GGUF drops leading ones, safetensors keeps them */
    if (values != n || n == 0)
        return wrong_shape(m, t, n, 1, true, err);
    float *v = arena_alloc(&m->arena, n, sizeof *v, err);
    if (!v)
        return -1;
    if (decode_row(t->type, t->data, v, n) < 0)
        return err_set(err, ERR_INPUT, "'%s': tensor '%s' of %" PRIu64 " values is not whole blocks of %s",
                       model_file_path(m->file), t->name, n, dtype_name(t->type));
    if (flags & TENSOR_ONE_LESS && !m->is_gguf)
        for (uint64_t i = 0; i < n; i++)
            v[i] += 1;
    if (flags & TENSOR_BY_HEAD && !m->is_gguf && !(v = by_kind(m, v, n, sizeof *v, err)))
        return -1;
    *out = v;
    return 0;
}

/* [k][n] in the file becomes [n][k] in memory, in the type it has. */
static const void *turn_round(struct model *m, const struct tensor *t, size_t n, size_t k, struct err *err)
{
    size_t size = dtype_block_bytes(t->type);
    char *to = arena_alloc(&m->arena, n * k, size, err);
    const char *from = t->data;
    for (size_t i = 0; to && i < n; i++)
        for (size_t j = 0; j < k; j++)
            memcpy(to + (i * k + j) * size, from + (j * n + i) * size, size);
    return to;
}

static int take_matrix(struct model *m, struct weight *out, const struct tensor *t, uint64_t n, uint64_t k, unsigned flags,
                       struct err *err)
{
    bool turned = flags & TENSOR_TRANSPOSED && !m->is_gguf;
    if (t->n_dims != 2 || t->dims[turned] != n || t->dims[!turned] != k || n == 0 || k == 0)
        return wrong_shape(m, t, turned ? k : n, turned ? n : k, false, err);
    if (turned && dtype_block(t->type) != 1)
        return err_set(err, ERR_UNSUPPORTED, "'%s': tensor '%s' is a transposed %s", model_file_path(m->file), t->name,
                       dtype_name(t->type));
    out->type = t->type;
    out->n = (size_t)n;
    out->k = (size_t)k;
    if (dtype_row_bytes(&out->stride, t->type, k, err) < 0)
        return err_context(err, "'%s': tensor '%s'", model_file_path(m->file), t->name);
    out->data = turned ? turn_round(m, t, out->n, out->k, err)
                : flags & TENSOR_BY_HEAD && !m->is_gguf ? by_kind(m, t->data, out->n, out->stride, err)
                                                        : t->data;
    return out->data ? 0 : -1;
}

/* [experts][n][k] */
static int take_expert(struct model *m, struct weight *out, const struct tensor *t, uint64_t n, uint64_t k, int expert,
                       struct err *err)
{
    struct tensor one = *t;
    size_t row;
    if (t->n_dims != 3 || t->dims[0] != (uint64_t)m->config.experts) {
        char found[64] = "";
        for (int i = 0; i < t->n_dims && i < 3; i++)
            snprintf(found + strlen(found), sizeof found - strlen(found), "%s%" PRIu64, i ? ", " : "", t->dims[i]);
        return err_set(err, ERR_INPUT, "'%s': tensor '%s' is [%s], expected [%d, %" PRIu64 ", %" PRIu64 "] by the configuration",
                       model_file_path(m->file), t->name, found, m->config.experts, n, k);
    }
    one.n_dims = 2;
    one.dims[0] = t->dims[1];
    one.dims[1] = t->dims[2];
    TRY(dtype_row_bytes(&row, t->type, t->dims[2], err));
    one.data = (const char *)t->data + (uint64_t)expert * t->dims[1] * row;
    return take_matrix(m, out, &one, n, k, 0, err);
}

static int bind_row(struct binding *b, const struct tensor_row *row, int layer, int expert, struct err *err)
{
    struct model *m = b->m;
    char name[256];
    if ((row->wanted && !row->wanted(&m->config)) || !tensor_row_name(name, row, m->prefix, m->is_gguf, layer, expert))
        return 0;
    const struct tensor *t = model_tensor(m, name);
    if (!t && row->flags & TENSOR_OPTIONAL)
        return 0;
    if (!t)
        return err_set(err, ERR_INPUT, "'%s': tensor '%s' is missing", model_file_path(m->file), name);
    if (!can_decode(t->type))
        return err_set(err, ERR_UNSUPPORTED, "'%s': tensor '%s' is %s, expected floats or a quantized type",
                       model_file_path(m->file), name, dtype_name(t->type));
    TRY(mem_grow(&b->bound, &b->cap, b->n_bound, sizeof *b->bound, err));
    b->bound[b->n_bound++] = t;
    char *base = row->flags & TENSOR_EXPERT  ? (char *)&m->weights.layers[layer].experts[expert]
                 : row->flags & TENSOR_LAYER ? (char *)&m->weights.layers[layer]
                                             : (char *)&m->weights;
    uint64_t n = size_value(&m->config, row->n), k = size_value(&m->config, row->k);
    if (row->flags & TENSOR_VECTOR)
        return take_vector(m, (const float **)(void *)(base + row->field), t, n, row->flags, err);
    if (row->flags & TENSOR_EXPERT && m->is_gguf)
        return take_expert(m, (struct weight *)(void *)(base + row->field), t, n, k, expert, err);
    return take_matrix(m, (struct weight *)(void *)(base + row->field), t, n, k, row->flags, err);
}

static int bind_rows(struct binding *b, const struct tensor_row *row, struct err *err)
{
    int layers = row->flags & TENSOR_LAYER ? b->m->config.layers : 1, experts = row->flags & TENSOR_EXPERT ? b->m->config.experts : 1;
    for (int i = 0; i < layers; i++)
        for (int e = 0; e < experts; e++)
            TRY(bind_row(b, row, i, e, err));
    return 0;
}

static int by_address(const void *a, const void *b)
{
    const struct tensor *const *x = a, *const *y = b;
    return *x < *y ? -1 : *x > *y;
}

static int check_unknown(struct binding *b, struct err *err)
{
    const struct model *m = b->m;
    qsort(b->bound, b->n_bound, sizeof *b->bound, by_address);
    for (size_t i = 0; i < model_file_n_tensors(m->file); i++) {
        const struct tensor *t = model_tensor(m, model_file_tensor_at(m->file, i)->name);
        bool known = bsearch(&t, b->bound, b->n_bound, sizeof *b->bound, by_address) != NULL;
        /* a tied model may carry the same matrix twice: bind_output looked at it */
        known = known || strcmp(t->name, "lm_head.weight") == 0;
        for (size_t c = 0; !known && c < m->n_companions; c++)
            known = m->companions[c] == t;
        for (const char *const *j = m->arch->junk; !known && j && *j; j++)
            known = str_ends(t->name, *j);
        if (!known) {
            err_set(err, ERR_UNSUPPORTED, "'%s': tensor '%s' is not one that architecture '%s' has by its configuration",
                    model_file_path(m->file), t->name, m->arch->name);
            return err_hint(err, "it is perhaps quantized in a way that prony does not read, or a variant that it does not have");
        }
    }
    return 0;
}

/* The output matrix of a tied model is the embedding's; transformers keeps a second one that the file has and that
 * differs. */
static int bind_output(struct binding *b, struct err *err)
{
    struct model *m = b->m;
    struct weights *w = &m->weights;
    const struct tensor *second = m->is_gguf ? NULL : model_file_tensor(m->file, "lm_head.weight");
    if (!m->config.tied)
        return 0;
    w->output = w->embed;
    for (size_t i = 0; second && i < b->n_bound; i++) {
        const struct tensor *first = b->bound[i];
        if (first->data != w->embed.data || (first->bytes == second->bytes && first->type == second->type &&
                                             memcmp(first->data, second->data, first->bytes) == 0))
            continue;
        m->config.tied = false;
        return take_matrix(m, &w->output, second, (uint64_t)m->config.vocabulary, (uint64_t)m->config.embedding, 0, err);
    }
    return 0;
}

/* The prefix under which the first tensor of the table is found. */
static const char *find_prefix(const struct model *m)
{
    char name[256];
    for (const char *const *p = m->arch->prefixes; *p; p++) {
        snprintf(name, sizeof name, "%s%s", *p, m->arch->tensors[0][0].hf);
        if (model_file_tensor(m->file, name))
            return *p;
    }
    return m->arch->prefixes[0];
}

int bind_weights(struct model *m, struct err *err)
{
    struct binding b = {.m = m};
    int rc = -1;
    m->prefix = m->is_gguf ? "" : find_prefix(m);
    m->weights.layers = arena_alloc(&m->arena, (size_t)m->config.layers, sizeof *m->weights.layers, err);
    if (!m->weights.layers)
        return -1;
    for (int i = 0; m->config.experts > 0 && i < m->config.layers; i++)
        if (!(m->weights.layers[i].experts = arena_alloc(&m->arena, (size_t)m->config.experts, sizeof(struct expert), err)))
            return -1;
    for (int i = 0; i < 2; i++)
        for (const struct tensor_row *row = m->arch->tensors[i]; row && (row->hf || row->gguf); row++)
            if (bind_rows(&b, row, err) < 0)
                goto out;
    if (bind_output(&b, err) < 0 || check_unknown(&b, err) < 0)
        goto out;
    for (size_t i = 0; i < b.n_bound; i++) { /* sorted: the experts' of a GGUF stand there once each */
        uint64_t values = i == 0 || b.bound[i] != b.bound[i - 1];
        for (int d = 0; d < b.bound[i]->n_dims; d++)
            values *= b.bound[i]->dims[d];
        m->facts.parameters += values;
    }
    const float *const tables[] = {m->weights.rope_divisors, m->weights.rope_long, m->weights.rope_short}; /* not learned */
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        m->facts.parameters -= tables[i] ? (uint64_t)m->config.rope.dims / 2 : 0;
    rc = m->arch->finish ? m->arch->finish(m, err) : 0;
out:
    free(b.bound);
    return rc;
}
