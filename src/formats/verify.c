/* What opening leaves alone because it would read every page: is each number one to compute with? Looked at are the bits
 * alone: a quantized block is sound when its 16-bit scales are finite, since its integers always are. */
#include <inttypes.h>
#include <string.h>

#include "formats/table.h"

static bool f16_finite(const uint8_t *p)
{
    return (p[1] & 0x7C) != 0x7C;
}

/* Where the 16-bit scales of a block lie; -1: none, or no second. */
static const struct scales {
    int first, second;
} scales[] = {
    [DTYPE_Q4_0] = {0, -1},   [DTYPE_Q4_1] = {0, 2},      [DTYPE_Q5_0] = {0, -1},   [DTYPE_Q5_1] = {0, 2},
    [DTYPE_Q8_0] = {0, -1},   [DTYPE_Q2_K] = {80, 82},    [DTYPE_Q3_K] = {108, -1}, [DTYPE_Q4_K] = {0, 2},
    [DTYPE_Q5_K] = {0, 2},    [DTYPE_Q6_K] = {208, -1},   [DTYPE_IQ4_NL] = {0, -1}, [DTYPE_IQ4_XS] = {0, -1},
};

/* The index of the first unsound block, or n. */
static size_t first_unsound(enum dtype type, const uint8_t *p, size_t n)
{
    size_t i = 0, step = dtype_block_bytes(type);
    switch (type) {
    case DTYPE_F32:
        for (; i < n; i++) {
            if ((p[4 * i + 3] & 0x7F) == 0x7F && (p[4 * i + 2] & 0x80))
                break;
        }
        return i;
    case DTYPE_F16:
        while (i < n && f16_finite(p + 2 * i))
            i++;
        return i;
    case DTYPE_BF16:
        for (; i < n; i++) {
            if ((p[2 * i + 1] & 0x7F) == 0x7F && (p[2 * i] & 0x80))
                break;
        }
        return i;
    case DTYPE_F64:
        for (; i < n; i++) {
            if ((p[8 * i + 7] & 0x7F) == 0x7F && (p[8 * i + 6] & 0xF0) == 0xF0)
                break;
        }
        return i;
    case DTYPE_F8_E4M3:
        while (i < n && (p[i] & 0x7F) != 0x7F)
            i++;
        return i;
    case DTYPE_BOOL:
        while (i < n && p[i] <= 1)
            i++;
        return i;
    case DTYPE_I8:
    case DTYPE_I16:
    case DTYPE_I32:
    case DTYPE_I64:
    case DTYPE_U8:
        return n;
    default:
        for (; i < n; i++) {
            const uint8_t *b = p + i * step;
            if (!f16_finite(b + scales[type].first) || (scales[type].second > 0 && !f16_finite(b + scales[type].second)))
                break;
        }
        return i;
    }
}

int model_file_verify(const struct model_file *f, tick_fn tick, void *arg, struct err *err)
{
    uint64_t total = 0, done = 0;
    for (size_t i = 0; i < f->n_tensors; i++)
        total += f->tensors[i].bytes;
    for (size_t i = 0; i < f->n_tensors; i++) {
        const struct tensor *t = &f->tensors[i];
        size_t n = t->bytes / dtype_block_bytes(t->type), bad = first_unsound(t->type, t->data, n);
        if (bad == n) {
            done += t->bytes;
            if (tick)
                TRY(tick(arg, done, total, err));
            continue;
        }
        uint64_t columns = t->n_dims > 0 ? t->dims[t->n_dims - 1] : 1, value = (uint64_t)bad * dtype_block(t->type);
        struct shown name = shown(t->name, strlen(t->name));
        if (dtype_block(t->type) > 1)
            err_set(err, ERR_INPUT, "'%s': tensor '%s' (%s), row %" PRIu64 ", block %" PRIu64 ": a scale is NaN or infinite",
                    f->path, name.text, dtype_name(t->type), value / columns, value % columns / dtype_block(t->type));
        else
            err_set(err, ERR_INPUT, "'%s': tensor '%s' (%s), row %" PRIu64 ", column %" PRIu64 ": %s", f->path, name.text,
                    dtype_name(t->type), value / columns, value % columns,
                    t->type == DTYPE_BOOL ? "a bool is neither 0 nor 1" : "NaN or infinite");
        return err_hint(err, "the file is damaged, or the model was trained or converted into overflow");
    }
    return 0;
}
