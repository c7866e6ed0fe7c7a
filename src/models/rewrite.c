/* rewrite.c - a model's matrices one by one, and other storage in their place. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "models/arch.h"

static const struct {
    size_t at;
    const char *name;
} of_layer[] = {
    {offsetof(struct layer, q), "attn_q"}, {offsetof(struct layer, k), "attn_k"}, {offsetof(struct layer, v), "attn_v"},
    {offsetof(struct layer, o), "attn_output"}, {offsetof(struct layer, gate), "ffn_gate"},
    {offsetof(struct layer, up), "ffn_up"}, {offsetof(struct layer, down), "ffn_down"},
};
enum { OF_LAYER = sizeof of_layer / sizeof of_layer[0] };

static const struct {
    size_t at;
    const char *name;
} of_expert[] = {{offsetof(struct expert, gate), "ffn_gate"}, {offsetof(struct expert, up), "ffn_up"},
                 {offsetof(struct expert, down), "ffn_down"}};
enum { OF_EXPERT = sizeof of_expert / sizeof of_expert[0] };

/* Place `at` of a layer. */
static struct weight *matrix_of_layer(struct model *m, size_t layer, size_t at, char name[MODEL_MATRIX_NAME])
{
    struct layer *l = &m->weights.layers[layer];
    if (at < OF_LAYER) {
        snprintf(name, MODEL_MATRIX_NAME, "blk.%zu.%s.weight", layer, of_layer[at].name);
        return (struct weight *)(void *)((char *)l + of_layer[at].at);
    }
    size_t expert = (at - OF_LAYER) / OF_EXPERT, which = (at - OF_LAYER) % OF_EXPERT;
    snprintf(name, MODEL_MATRIX_NAME, "blk.%zu.%s.%zu.weight", layer, of_expert[which].name, expert);
    return l->experts ? (struct weight *)(void *)((char *)&l->experts[expert] + of_expert[which].at) : NULL;
}

/* Matrix i, or NULL: past the end (*end) or a place that this model has empty. */
static struct weight *matrix(struct model *m, size_t i, char name[MODEL_MATRIX_NAME], bool *end)
{
    size_t each = OF_LAYER + OF_EXPERT * (size_t)m->config.experts, n = each * (size_t)m->config.layers;
    struct weight *w = NULL;
    *end = i > n + 1;
    if (i < n) {
        w = matrix_of_layer(m, i / each, i % each, name);
    } else if (i == n) {
        w = &m->weights.embed;
        snprintf(name, MODEL_MATRIX_NAME, "token_embd.weight");
    } else if (i == n + 1 && m->weights.output.data != m->weights.embed.data) {
        w = &m->weights.output;
        snprintf(name, MODEL_MATRIX_NAME, "output.weight");
    }
    return w && w->data ? w : NULL;
}

bool model_matrix_at(const struct model *m, size_t i, struct model_matrix *out)
{
    bool end;
    *out = (struct model_matrix){.name = ""};
    const struct weight *w = matrix((struct model *)(uintptr_t)m, i, out->name, &end); /* nothing is changed */
    if (w) {
        out->type = w->type;
        out->data = w->data;
        out->stride = w->stride;
        out->n = w->n;
        out->k = w->k;
    }
    return !end;
}

void *model_memory(struct model *m, size_t bytes, struct err *err)
{
    return arena_alloc(&m->arena, bytes, 1, err);
}

/* Whole pages inside what was read need not stay in memory: they can be had from the file again. */
static void forget(const void *data, size_t bytes)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), from = ((uintptr_t)data + page - 1) / page * page;
    uintptr_t to = ((uintptr_t)data + bytes) / page * page;
    if (to > from)
        madvise((void *)from, to - from, MADV_DONTNEED);
}

static bool mapped(const struct model *m, const void *data)
{
    for (size_t i = 0; i < model_file_n_tensors(m->file); i++) {
        const struct tensor *t = model_file_tensor_at(m->file, i);
        if ((const char *)data >= (const char *)t->data && (const char *)data < (const char *)t->data + t->bytes)
            return true;
    }
    return false;
}

void model_matrix_replace(struct model *m, size_t i, const struct model_matrix *with, const struct model_matrix *outliers,
                          const int32_t *columns, struct weight *outlier_memory)
{
    char name[MODEL_MATRIX_NAME];
    bool end;
    struct weight *w = matrix(m, i, name, &end);
    const void *before = w->data;
    size_t bytes = w->stride * w->n;
    w->type = with->type;
    w->data = with->data;
    w->stride = with->stride;
    if (outliers) {
        *outlier_memory = (struct weight){.type = outliers->type, .data = outliers->data, .stride = outliers->stride,
                                          .n = outliers->n, .k = outliers->k};
        w->outliers = outlier_memory;
        w->columns = columns;
        m->most_outliers = outliers->k > m->most_outliers ? outliers->k : m->most_outliers;
        m->most_outputs = outliers->n > m->most_outputs ? outliers->n : m->most_outputs;
    }
    if (w == &m->weights.embed && m->weights.output.data == before) {
        const float *bias = m->weights.output.bias;
        m->weights.output = *w;
        m->weights.output.bias = bias;
    }
    if (mapped(m, before)) {
        forget(before, bytes);
        m->replaced_bytes += bytes;
    }
}

void model_set_quantization(struct model *m, const char *name)
{
    snprintf(m->quantization, sizeof m->quantization, "%s", name);
}

void model_step(const struct model *m, struct model_step *out)
{
    struct model_matrix at;
    *out = (struct model_step){0};
    for (size_t i = 0; model_matrix_at(m, i, &at); i++) {
        bool table = strcmp(at.name, "token_embd.weight") == 0;
        if (!at.data || (table && m->weights.output.data != at.data))
            continue;
        bool of_experts = m->config.experts > 0 && strstr(at.name, ".ffn_");
        double used = of_experts ? (double)m->config.experts_used / m->config.experts : 1;
        out->bytes += (uint64_t)(used * (double)at.stride * (double)at.n);
        if (!table && strcmp(at.name, "output.weight") != 0)
            out->row_ops += (uint64_t)(used * 2 * (double)at.n * (double)at.k);
    }
    out->logits_ops = 2 * (uint64_t)m->weights.output.n * m->weights.output.k;
    out->position_ops = 4 * (uint64_t)m->config.layers * (uint64_t)m->config.heads * (uint64_t)m->config.head_dim;
}
