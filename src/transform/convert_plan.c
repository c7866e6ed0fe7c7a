/* convert_plan.c - which tensors the other format has, of what rows of which tensors here, and their bytes. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "kernels/decode.h"
#include "kernels/encode.h"
#include "transform/convert_parts.h"

enum { TURN_VALUES = 1 << 18, F16_MAX = 65504 };

static struct planned *add_planned(struct plan *plan, const char *name, struct err *err)
{
    if (mem_grow(&plan->tensors, &plan->cap, plan->n, sizeof *plan->tensors, err) < 0)
        return NULL;
    struct planned *p = &plan->tensors[plan->n];
    *p = (struct planned){.name = arena_strdup(&plan->arena, name, err)};
    if (!p->name)
        return NULL;
    plan->n++;
    return p;
}

static bool fits(enum dtype to, const float *x, size_t n)
{
    unsigned char out[4];
    float back;
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(x[i]))
            return false;
        encode_row(to, &x[i], NULL, out, 1);
        decode_row(to, out, &back, 1);
        if (back != x[i])
            return false;
    }
    return true;
}

/* GGUF's readers want vectors and some tables as f32. In a folder a vector has the type of the matrices if that loses nothing. */
static int choose_type(const struct conversion *c, struct planned *p, struct err *err)
{
    if (c->to_gguf) {
        static const char *const always[] = {"position_embd.weight", "ffn_gate_inp.weight", "_norm.weight"};
        bool f32 = p->n_dims < 2;
        for (size_t i = 0; i < sizeof always / sizeof *always; i++)
            f32 = f32 || str_ends(p->name, always[i]);
        p->type = f32 ? DTYPE_F32 : c->type;
        return 0;
    }
    p->type = c->type;
    if (p->n_dims > 1 || c->type == DTYPE_F32 || p->parts[0]->type == c->type)
        return 0;
    uint64_t n = p->rows * p->columns;
    float *x = mem_alloc(n, sizeof *x, err);
    if (!x)
        return -1;
    decode_row(p->parts[0]->type, p->parts[0]->data, x, n);
    for (uint64_t i = 0; i < n; i++)
        x[i] += p->add;
    if (!fits(c->type, x, n))
        p->type = DTYPE_F32;
    free(x);
    return 0;
}

static void shape_of(struct planned *p, const struct tensor *t, unsigned flags)
{
    p->n_dims = t->n_dims;
    memcpy(p->dims, t->dims, sizeof p->dims);
    if (flags & TENSOR_VECTOR) { /* safetensors keep leading ones, GGUF drops them */
        p->n_dims = 1;
        p->dims[0] = 1;
        for (int i = 0; i < t->n_dims; i++)
            p->dims[0] *= t->dims[i];
    }
    p->turned = flags & TENSOR_TRANSPOSED;
    if (p->turned) {
        uint64_t first = p->dims[0];
        p->dims[0] = p->dims[1];
        p->dims[1] = first;
    }
    p->columns = p->dims[p->n_dims - 1];
    p->rows = 1;
    for (int i = 0; i + 1 < p->n_dims; i++)
        p->rows *= p->dims[i];
}

/* Rows change places where both sides order them differently. */
static void plan_order(const struct conversion *c, struct planned *p, const struct tensor_row *row)
{
    const struct model *m = c->model;
    bool adjacent = c->to_gguf && m->arch->gguf_adjacent, other = m->is_gguf != c->to_gguf;
    if (row->flags & TENSOR_ROTATED && m->config.rope.adjacent != adjacent) {
        p->heads = row->n == SIZE_Q ? m->config.heads : m->config.kv_heads;
        p->to_adjacent = adjacent;
    }
    if (row->flags & TENSOR_BY_HEAD && other)
        *(c->to_gguf ? &p->by_head : &p->by_kind) = m->config.heads;
    if (p->n_dims == 1 && p->heads + p->by_head + p->by_kind > 0) { /* of a bias single numbers */
        p->rows = p->columns;
        p->columns = 1;
    }
    if (row->flags & TENSOR_ONE_LESS && other)
        p->add = c->to_gguf ? 1 : -1;
}

/* All experts of a folder are one tensor of a GGUF, each of a GGUF is one of a folder. */
static int plan_experts(struct conversion *c, struct planned *p, const struct tensor_row *row, int layer, int expert, struct err *err)
{
    const struct model *m = c->model;
    uint64_t n = (uint64_t)m->config.experts;
    char from[256];
    if (m->is_gguf) {
        p->rows /= n;
        p->first = p->rows * (uint64_t)expert;
        p->n_dims = 2;
        p->dims[0] = p->dims[1];
        p->dims[1] = p->dims[2];
        return 0;
    }
    if (!c->to_gguf)
        return 0;
    if (!(p->parts = arena_alloc(&c->plan.arena, n, sizeof *p->parts, err)))
        return -1;
    for (p->n_parts = 0; p->n_parts < n; p->n_parts++) {
        tensor_row_name(from, row, m->prefix, false, layer, (int)p->n_parts);
        p->parts[p->n_parts] = model_tensor(m, from);
    }
    p->n_dims = 3;
    p->dims[2] = p->dims[1];
    p->dims[1] = p->dims[0];
    p->dims[0] = n;
    return 0;
}

static int plan_row(struct conversion *c, const struct tensor_row *row, int layer, int expert, struct err *err)
{
    const struct model *m = c->model;
    char from[256], to[256];
    if ((row->wanted && !row->wanted(&m->config)) || !tensor_row_name(from, row, m->prefix, m->is_gguf, layer, expert) ||
        !tensor_row_name(to, row, m->arch->prefixes[0], c->to_gguf, layer, expert))
        return 0;
    const struct tensor *t = model_tensor(m, from);
    if (!t)
        return 0; /* an optional one: binding has asked for the others */
    struct planned *p = add_planned(&c->plan, to, err);
    if (!p || !(p->parts = arena_alloc(&c->plan.arena, 1, sizeof *p->parts, err)))
        return -1;
    p->parts[0] = t;
    p->n_parts = 1;
    shape_of(p, t, m->is_gguf == c->to_gguf ? row->flags & ~(unsigned)TENSOR_TRANSPOSED : row->flags);
    if (p->turned && dtype_block(t->type) > 1)
        return err_set(err, ERR_UNSUPPORTED, "'%s': tensor '%s' is %s, which cannot be turned round block by block",
                       model_file_path(m->file), t->name, dtype_name(t->type));
    plan_order(c, p, row);
    if (row->flags & TENSOR_EXPERT)
        TRY(plan_experts(c, p, row, layer, expert, err));
    return choose_type(c, p, err);
}

static int plan_rows(struct conversion *c, const struct tensor_row *row, struct err *err)
{
    int layers = row->flags & TENSOR_LAYER ? c->config.layers : 1;
    int experts = row->flags & TENSOR_EXPERT && !c->to_gguf ? c->config.experts : 1;
    for (int i = 0; i < layers; i++)
        for (int e = 0; e < experts; e++)
            TRY(plan_row(c, row, i, e, err));
    return 0;
}

static int plan_values(struct conversion *c, const char *name, const float *values, uint64_t n, struct err *err)
{
    struct planned *p = add_planned(&c->plan, name, err);
    if (!p)
        return -1;
    p->type = DTYPE_F32;
    p->n_dims = 1;
    p->dims[0] = p->columns = n;
    p->rows = 1;
    p->values = values;
    return 0;
}

static int by_width(const void *a, const void *b)
{
    const struct planned *x = a, *y = b;
    size_t n = dtype_block_bytes(x->type), m = dtype_block_bytes(y->type);
    if (n != m)
        return n > m ? -1 : 1;
    return strcmp(x->name, y->name);
}

int plan_tensors(struct conversion *c, struct err *err)
{
    const struct rope_config *r = &c->config.rope;
    for (int i = 0; i < 2; i++)
        for (const struct tensor_row *row = c->model->arch->tensors[i]; row && (row->hf || row->gguf); row++)
            TRY(plan_rows(c, row, err));
    if (c->to_gguf && r->scaling && str_eq(rope_scaling_name(r->scaling), "llama3")) {
        float *divisors = arena_alloc(&c->plan.arena, (size_t)r->dims / 2, sizeof *divisors, err);
        if (!divisors)
            return -1;
        llama3_divisors(divisors, r);
        TRY(plan_values(c, "rope_freqs.weight", divisors, (uint64_t)r->dims / 2, err));
    }
    if (c->to_gguf && r->long_divisors) {
        TRY(plan_values(c, "rope_factors_long.weight", r->long_divisors, (uint64_t)r->dims / 2, err));
        TRY(plan_values(c, "rope_factors_short.weight", r->short_divisors, (uint64_t)r->dims / 2, err));
    }
    if (!c->to_gguf)
        qsort(c->plan.tensors, c->plan.n, sizeof *c->plan.tensors, by_width);
    return 0;
}

/* ---- bytes ------------------------------------------------------------------------------------------------------- */

/* The row of the source that becomes row r. */
static uint64_t row_from(const struct planned *p, uint64_t r)
{
    uint64_t heads = (uint64_t)(p->by_head + p->by_kind);
    if (heads > 0) { /* row = (head, kind, at) here or there */
        uint64_t size = p->rows / (3 * heads), at = r % size, i = r / size;
        return ((p->by_head ? i % heads * 3 + i / heads : i % 3 * heads + i / 3) * size) + at;
    }
    if (p->heads == 0)
        return r;
    uint64_t size = p->rows / (uint64_t)p->heads, head = r / size, at = r % size, half = size / 2;
    return head * size + (p->to_adjacent ? at % 2 * half + at / 2 : at % half * 2 + at / half);
}

/* Row r of the part as it lies in the file; of a turned one, gathered into `buffer`. */
static const char *stored_row(const struct planned *p, const struct tensor *t, uint64_t r, size_t row_bytes, char *buffer)
{
    if (!p->turned)
        return (const char *)t->data + (p->first + row_from(p, r)) * row_bytes;
    size_t size = dtype_block_bytes(t->type);
    for (uint64_t i = 0; i < p->columns; i++)
        memcpy(buffer + i * size, (const char *)t->data + (i * p->rows + r) * size, size);
    return buffer;
}

static int check_range(const struct planned *p, const float *x, struct err *err)
{
    for (uint64_t i = 0; i < p->columns; i++) {
        if (isfinite(x[i]) && (p->type != DTYPE_F16 || fabsf(x[i]) <= F16_MAX))
            continue;
        err_set(err, ERR_INPUT, "tensor '%s' holds %g, which %s cannot", p->name, (double)x[i], dtype_name(p->type));
        return err_hint(err, isfinite(x[i]) ? "--type bf16 or f32 has the range" : "`prony model verify` finds the row");
    }
    return 0;
}

struct rows {
    char *stored; /* one turned row */
    float *values;
    char *out; /* `count` rows */
    size_t count, row_bytes;
};

static int write_part(const struct planned *p, const struct tensor *t, struct rows *b, const struct sink *sink, struct err *err)
{
    size_t stored_bytes;
    bool as_is = t->type == p->type && p->add == 0;
    TRY(dtype_row_bytes(&stored_bytes, t->type, p->columns, err));
    if (as_is && !p->turned && p->heads + p->by_head + p->by_kind == 0)
        return sink->add(sink->to, (const char *)t->data + p->first * stored_bytes, p->rows * stored_bytes, err);
    for (uint64_t r = 0; r < p->rows;) {
        size_t n = 0;
        for (; n < b->count && r < p->rows; n++, r++) {
            const char *row = stored_row(p, t, r, stored_bytes, b->stored);
            char *to = b->out + n * b->row_bytes;
            if (as_is) {
                memcpy(to, row, b->row_bytes);
                continue;
            }
            decode_row(t->type, row, b->values, p->columns);
            for (uint64_t i = 0; p->add != 0 && i < p->columns; i++)
                b->values[i] += p->add;
            TRY(check_range(p, b->values, err));
            encode_row(p->type, b->values, NULL, to, p->columns);
        }
        TRY(sink->add(sink->to, b->out, n * b->row_bytes, err));
    }
    return 0;
}

int write_planned(const struct conversion *c, const struct planned *p, const struct sink *sink, struct err *err)
{
    if (p->values)
        return sink->add(sink->to, p->values, p->columns * sizeof *p->values, err);
    struct rows b = {.count = TURN_VALUES / p->columns + 1};
    int rc = dtype_row_bytes(&b.row_bytes, p->type, p->columns, err);
    b.stored = mem_alloc(p->columns, sizeof(double), err);
    b.values = mem_alloc(p->columns, sizeof *b.values, err);
    b.out = rc == 0 ? mem_alloc(b.count, b.row_bytes, err) : NULL;
    rc = b.stored && b.values && b.out ? 0 : -1;
    for (size_t i = 0; rc == 0 && i < p->n_parts; i++)
        rc = write_part(p, p->parts[i], &b, sink, err);
    if (rc < 0)
        err_context(err, "'%s'", model_file_path(c->model->file));
    free(b.stored);
    free(b.values);
    free(b.out);
    return rc;
}
