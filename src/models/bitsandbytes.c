/* bitsandbytes.c - checkpoints that bitsandbytes packed: their matrices become storage of NF4 or INT8 as kernels/ knows it, before
 * they are bound. Nothing is computed that bitsandbytes does not compute:
 *
 *   4 bits   NAME is [n*k/2, 1] bytes, the earlier value in the high half. NAME.absmax has one magnitude for a block of values of the
 *            flat matrix, NAME.quant_map what an index stands for, NAME.quant_state.bitsandbytes__nf4 is a JSON text with shape and
 *            blocksize. With nested quantization the magnitudes are bytes too: nested_quant_map[byte] * nested_absmax[block] +
 *            nested_offset.
 *   8 bits   NAME is [n, k] integers, SCB beside it the largest magnitude of each row: value = integer * (SCB / 127).
 *
 * A matrix whose blocks are no whole rows of ours, or whose indices mean something else (fp4), becomes float32. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "kernels/decode.h"
#include "models/arch.h"

enum { STATE_MAX_BYTES = 1 << 16, NF4_VALUES = 64, NF4_BYTES = 36, INT8_VALUES = 32, INT8_BYTES = 36 };

struct packed {
    struct model *m;
    const struct tensor *weight;
    uint64_t n, k, blocksize, nested_blocksize;
    double nested_offset;
    const struct tensor *absmax, *map, *nested_absmax, *nested_map;
};

static int wrong(const struct packed *p, const char *what, struct err *err)
{
    return err_set(err, ERR_INPUT, "'%s': tensor '%s', packed by bitsandbytes: %s", model_file_path(p->m->file), p->weight->name, what);
}

/* The tensor that belongs to another; noted as known. NULL: there is none. */
static const struct tensor *companion(struct model *m, const char *name, const char *ending, struct err *err)
{
    char full[512];
    snprintf(full, sizeof full, "%s%s", name, ending);
    const struct tensor *t = model_file_tensor(m->file, full);
    if (!t || mem_grow(&m->companions, &m->cap_companions, m->n_companions, sizeof *m->companions, err) < 0)
        return NULL;
    return m->companions[m->n_companions++] = t;
}

static struct tensor *add_unpacked(struct packed *p, enum dtype type, struct err *err)
{
    struct model *m = p->m;
    if (mem_grow(&m->unpacked, &m->cap_unpacked, m->n_unpacked, sizeof *m->unpacked, err) < 0)
        return NULL;
    struct tensor *t = &m->unpacked[m->n_unpacked];
    size_t row;
    *t = (struct tensor){.name = p->weight->name, .type = type, .n_dims = 2, .dims = {p->n, p->k, 1, 1, 1, 1, 1, 1}};
    if (dtype_row_bytes(&row, type, p->k, err) < 0 || __builtin_mul_overflow(row, p->n, &t->bytes) ||
        !(t->data = arena_alloc(&m->arena, p->n, row, err)))
        return NULL;
    m->n_unpacked++;
    return t;
}

/* ---- 4 bits ------------------------------------------------------------------------------------------------------ */

static bool is_f32(const struct tensor *t, uint64_t n)
{
    return t && t->type == DTYPE_F32 && t->bytes >= n * sizeof(float);
}

static float f32_at(const struct tensor *t, uint64_t i)
{
    float f;
    memcpy(&f, (const char *)t->data + i * sizeof f, sizeof f);
    return f;
}

static float magnitude(const struct packed *p, uint64_t block)
{
    if (p->absmax->type == DTYPE_F32)
        return f32_at(p->absmax, block);
    float unit = f32_at(p->nested_map, ((const uint8_t *)p->absmax->data)[block]);
    return unit * f32_at(p->nested_absmax, block / p->nested_blocksize) + (float)p->nested_offset;
}

static uint64_t whole_number(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    return json_is_integer(v) && json_integer_value(v) > 0 && json_integer_value(v) < INT32_MAX ? (uint64_t)json_integer_value(v) : 0;
}

static int read_state(struct packed *p, const struct tensor *state, struct err *err)
{
    json_error_t where;
    if (state->type != DTYPE_U8 || state->bytes == 0 || state->bytes > STATE_MAX_BYTES)
        return wrong(p, "its quant_state is no text", err);
    json_t *o = json_loadb(state->data, state->bytes, 0, &where);
    const json_t *shape = json_object_get(o, "shape");
    int rc = 0;
    if (json_array_size(shape) != 2)
        rc = wrong(p, "its quant_state has no shape of two numbers", err);
    p->n = (uint64_t)json_integer_value(json_array_get(shape, 0));
    p->k = (uint64_t)json_integer_value(json_array_get(shape, 1));
    p->blocksize = whole_number(o, "blocksize");
    p->nested_blocksize = whole_number(o, "nested_blocksize");
    p->nested_offset = json_number_value(json_object_get(o, "nested_offset"));
    json_decref(o);
    return rc;
}

static int check_state(const struct packed *p, struct err *err)
{
    uint64_t values;
    if (p->n == 0 || p->k == 0 || p->n > WIDTH_MAX * 16u || p->k > WIDTH_MAX * 4u || __builtin_mul_overflow(p->n, p->k, &values) ||
        p->weight->type != DTYPE_U8 || p->weight->bytes != (values + 1) / 2)
        return wrong(p, "its bytes are not half as many as its shape has values", err);
    if (p->blocksize == 0 || !is_f32(p->map, 16))
        return wrong(p, "its blocksize or its quant_map is missing", err);
    uint64_t blocks = (values + p->blocksize - 1) / p->blocksize;
    bool nested = p->absmax && p->absmax->type == DTYPE_U8;
    if (!nested && !is_f32(p->absmax, blocks))
        return wrong(p, "its absmax has not one float32 a block", err);
    if (nested && (p->absmax->bytes < blocks || p->nested_blocksize == 0 || !is_f32(p->nested_map, 256) ||
                   !is_f32(p->nested_absmax, (blocks + p->nested_blocksize - 1) / p->nested_blocksize)))
        return wrong(p, "its nested quantization is incomplete", err);
    return 0;
}

static void as_nf4(const struct packed *p, uint8_t *out)
{
    for (uint64_t i = 0; i < p->n * p->k / NF4_VALUES; i++, out += NF4_BYTES) {
        float d = magnitude(p, i * NF4_VALUES / p->blocksize);
        memcpy(out, &d, sizeof d);
        memcpy(out + 4, (const char *)p->weight->data + i * NF4_VALUES / 2, NF4_VALUES / 2);
    }
}

static void as_floats(const struct packed *p, float *out)
{
    const uint8_t *bytes = p->weight->data;
    for (uint64_t i = 0; i < p->n * p->k; i++)
        out[i] = f32_at(p->map, i % 2 ? bytes[i / 2] & 15 : bytes[i / 2] >> 4) * magnitude(p, i / p->blocksize);
}

static int unpack_4(struct packed *p, const struct tensor *state, struct err *err)
{
    const char *name = p->weight->name;
    p->absmax = companion(p->m, name, ".absmax", err);
    p->map = companion(p->m, name, ".quant_map", err);
    p->nested_absmax = companion(p->m, name, ".nested_absmax", err);
    p->nested_map = companion(p->m, name, ".nested_quant_map", err);
    TRY(read_state(p, state, err));
    TRY(check_state(p, err));
    bool nf4 = memcmp(p->map->data, nf4_values, sizeof nf4_values) == 0;
    nf4 = nf4 && p->k % NF4_VALUES == 0 && p->blocksize % NF4_VALUES == 0;
    struct tensor *t = add_unpacked(p, nf4 ? DTYPE_NF4 : DTYPE_F32, err);
    if (!t)
        return -1;
    if (nf4)
        as_nf4(p, (uint8_t *)(uintptr_t)t->data);
    else
        as_floats(p, (float *)(uintptr_t)t->data);
    return 0;
}

/* ---- 8 bits ------------------------------------------------------------------------------------------------------ */

static int unpack_8(struct packed *p, const struct tensor *scb, struct err *err)
{
    const struct tensor *w = p->weight;
    p->n = w->dims[0];
    p->k = w->dims[1];
    if (w->n_dims != 2 || w->type != DTYPE_I8 || p->n == 0 || p->k == 0 || !is_f32(scb, p->n))
        return wrong(p, "it is not rows of 8-bit integers with one float32 each in SCB", err);
    bool blocks = p->k % INT8_VALUES == 0;
    struct tensor *t = add_unpacked(p, blocks ? DTYPE_INT8 : DTYPE_F32, err);
    if (!t)
        return -1;
    uint8_t *out = (uint8_t *)(uintptr_t)t->data;
    for (uint64_t r = 0; r < p->n; r++) {
        const int8_t *row = (const int8_t *)w->data + r * p->k;
        float scale = f32_at(scb, r) / 127.0f;
        for (uint64_t i = 0; blocks && i < p->k; i += INT8_VALUES, out += INT8_BYTES) {
            memcpy(out, &scale, sizeof scale);
            memcpy(out + 4, row + i, INT8_VALUES);
        }
        for (uint64_t i = 0; !blocks && i < p->k; i++, out += sizeof(float)) {
            float v = scale * (float)row[i];
            memcpy(out, &v, sizeof v);
        }
    }
    return 0;
}

/* ---- all --------------------------------------------------------------------------------------------------------- */

/* "x.weight" has its scales in "x.SCB", and "x.weight_format" says how rows lie: 0, in order. */
static int find_8(struct packed *p, struct err *err)
{
    char stem[400];
    const char *name = p->weight->name;
    size_t n = strlen(name);
    if (p->weight->type != DTYPE_I8 || !str_ends(name, ".weight") || n >= sizeof stem)
        return 0;
    snprintf(stem, sizeof stem, "%.*s", (int)(n - strlen(".weight")), name);
    const struct tensor *scb = companion(p->m, stem, ".SCB", err), *format = companion(p->m, stem, ".weight_format", err);
    if (!scb)
        return 0;
    if (format && (format->bytes != 1 || *(const uint8_t *)format->data != 0))
        return wrong(p, "its weight_format is one for a GPU's tiles, not rows", err);
    p->m->packed = "bitsandbytes int8";
    return unpack_8(p, scb, err);
}

int unpack_bitsandbytes(struct model *m, struct err *err)
{
    for (size_t i = 0; !m->is_gguf && i < model_file_n_tensors(m->file); i++) {
        struct packed p = {.m = m, .weight = model_file_tensor_at(m->file, i)};
        if (p.weight->type == DTYPE_U8) {
            const struct tensor *nf4 = companion(m, p.weight->name, ".quant_state.bitsandbytes__nf4", err);
            const struct tensor *fp4 = companion(m, p.weight->name, ".quant_state.bitsandbytes__fp4", err);
            if (!nf4 && !fp4)
                continue;
            m->packed = nf4 ? "bitsandbytes nf4" : "bitsandbytes fp4";
            TRY(unpack_4(&p, nf4 ? nf4 : fp4, err));
        } else {
            TRY(find_8(&p, err));
        }
    }
    return 0;
}

const struct tensor *model_tensor(const struct model *m, const char *name)
{
    const struct tensor *t = model_file_tensor(m->file, name);
    for (size_t i = 0; t && (t->type == DTYPE_U8 || t->type == DTYPE_I8) && i < m->n_unpacked; i++)
        if (m->unpacked[i].name == t->name)
            return &m->unpacked[i];
    return t;
}
