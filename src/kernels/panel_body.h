/* panel_body.h - weights in file layout become panels. Included by *_NAME.c after vec_NAME.h.
 *
 * A panel holds a group of rows for a stretch of k as a run of records, read once from front to end by the tile kernels:
 *
 *   integers   one record for 32 values: [INT_ROWS][32] quants, then [groups][INT_ROWS] scales, then the same of minima
 *   floats     one record for 16 units:  [FLOAT_ROWS][16] units of one float32 or two bfloat16
 *
 * A weight is scale * (quant - offset) - minimum. With UNSIGNED_WEIGHTS quants keep their offset (0 .. 255), otherwise it
 * is subtracted here. A row's decoder reads exactly the bytes of its blocks.
 */
#ifndef KERNELS_PANEL_BODY_H
#define KERNELS_PANEL_BODY_H

#include <stdbool.h>

#include "base/dtype.h"
#include "kernels/decode.h"

enum { INT_BLOCK = 32, SUPER = 256, FLOAT_UNITS = 16, RECORD_VALUES = INT_ROWS * INT_BLOCK * (int)sizeof(quant_w),
       FLOAT_RECORD = FLOAT_ROWS * FLOAT_UNITS * 4 };

#define QUANT(raw, offset) ((quant_w)((raw) - (UNSIGNED_WEIGHTS ? 0 : (offset))))

/* How a type of weights is multiplied. group 0: not in integers. */
struct integer_kind {
    int group;  /* weights that share a scale: 16 or 32 */
    int scaled; /* activations that share a scale: 32 or 256 */
    int offset; /* of unsigned quants */
    bool minima;
};

INLINE struct integer_kind integer_kind(enum dtype t)
{
    switch (t) {
    case DTYPE_Q8_0: case DTYPE_IQ4_NL: return (struct integer_kind){32, 32, 128, false};
    case DTYPE_Q4_0: return (struct integer_kind){32, 32, 8, false};
    case DTYPE_Q5_0: return (struct integer_kind){32, 32, 16, false};
    case DTYPE_Q4_1: case DTYPE_Q5_1: return (struct integer_kind){32, 32, 0, true};
    case DTYPE_Q4_K: case DTYPE_Q5_K: return (struct integer_kind){32, 256, 0, true};
    case DTYPE_IQ4_XS: return (struct integer_kind){32, 256, 128, false};
    case DTYPE_Q6_K: return (struct integer_kind){16, 256, 32, false};
    case DTYPE_Q3_K: return (struct integer_kind){16, 256, 4, false};
    case DTYPE_Q2_K: return (struct integer_kind){16, 256, 0, true};
    default: return (struct integer_kind){0, 0, 0, false};
    }
}

INLINE size_t integer_record(struct integer_kind kind)
{
    return (size_t)RECORD_VALUES + INT_ROWS * 4 * (size_t)(32 / kind.group) * (kind.minima ? 2 : 1);
}

/* Where row `row` of a record has its quants and, for group g, scale and minimum. */
INLINE quant_w *record_quants(uint8_t *record, size_t row)
{
    return (quant_w *)record + row * INT_BLOCK;
}
INLINE void record_scale(uint8_t *record, size_t row, int g, float scale)
{
    memcpy(record + RECORD_VALUES + ((size_t)g * INT_ROWS + row) * 4, &scale, 4);
}
INLINE void record_minimum(uint8_t *record, size_t row, int g, int groups, float minimum)
{
    record_scale(record, row, groups + g, minimum);
}

/* ---- one block of each type ---------------------------------------------------------------------------------------- */

INLINE void nibbles(quant_w *restrict q, const uint8_t *restrict s, int offset)
{
    for (int i = 0; i < 16; i++) {
        q[i] = QUANT(s[i] & 15, offset);
        q[i + 16] = QUANT(s[i] >> 4, offset);
    }
}

/* bit i of `high` is the fifth bit of value i */
INLINE void nibbles_and_bit(quant_w *restrict q, const uint8_t *restrict s, const uint8_t *high, int offset)
{
    uint32_t h;
    memcpy(&h, high, 4);
    for (int i = 0; i < 16; i++) {
        q[i] = QUANT((s[i] & 15) | ((h >> i & 1) << 4), offset);
        q[i + 16] = QUANT((s[i] >> 4) | ((h >> (i + 16) & 1) << 4), offset);
    }
}

static const int8_t iq4_values[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

INLINE void nibbles_of_table(quant_w *restrict q, const uint8_t *restrict s)
{
    for (int i = 0; i < 16; i++) {
        q[i] = QUANT(iq4_values[s[i] & 15] + 128, 128);
        q[i + 16] = QUANT(iq4_values[s[i] >> 4] + 128, 128);
    }
}

INLINE void decode_block(enum dtype t, const uint8_t *restrict s, uint8_t *restrict record, size_t row)
{
    quant_w *q = record_quants(record, row);
    record_scale(record, row, 0, half_float(s));
    switch (t) {
    case DTYPE_Q8_0:
        for (int i = 0; i < 32; i++)
            q[i] = QUANT((uint8_t)(s[2 + i] ^ 0x80), 128);
        break;
    case DTYPE_Q4_0: nibbles(q, s + 2, 8); break;
    case DTYPE_IQ4_NL: nibbles_of_table(q, s + 2); break;
    case DTYPE_Q5_0: nibbles_and_bit(q, s + 6, s + 2, 16); break;
    case DTYPE_Q4_1: /* these add a minimum, we subtract one */
        record_minimum(record, row, 0, 1, -half_float(s + 2));
        nibbles(q, s + 4, 0);
        break;
    case DTYPE_Q5_1:
        record_minimum(record, row, 0, 1, -half_float(s + 2));
        nibbles_and_bit(q, s + 8, s + 4, 0);
        break;
    default: break;
    }
}

/* Eight 6-bit scales and minima from the 12 bytes of Q4_K and Q5_K. */
INLINE void scales_k4(const uint8_t *s, uint8_t scale[8], uint8_t minimum[8])
{
    uint32_t u[3], o[4];
    memcpy(u, s, 12);
    o[0] = u[0] & 0x3f3f3f3f;
    o[1] = (u[2] & 0x0f0f0f0f) | ((u[0] >> 6 & 0x03030303) << 4);
    o[2] = u[1] & 0x3f3f3f3f;
    o[3] = (u[2] >> 4 & 0x0f0f0f0f) | ((u[1] >> 6 & 0x03030303) << 4);
    memcpy(scale, o, 8);
    memcpy(minimum, o + 2, 8);
}

/* Sixteen 6-bit scales from the 12 bytes of Q3_K, offset 32. */
INLINE void scales_k3(const uint8_t *s, uint8_t scale[16])
{
    uint32_t u[3], o[4];
    memcpy(u, s, 12);
    o[0] = (u[0] & 0x0f0f0f0f) | (u[2] & 0x03030303) << 4;
    o[1] = (u[1] & 0x0f0f0f0f) | (u[2] >> 2 & 0x03030303) << 4;
    o[2] = (u[0] >> 4 & 0x0f0f0f0f) | (u[2] >> 4 & 0x03030303) << 4;
    o[3] = (u[1] >> 4 & 0x0f0f0f0f) | (u[2] >> 6 & 0x03030303) << 4;
    memcpy(scale, o, 16);
}

/* Eight records of 32 from one block of 256. */
INLINE void decode_super(enum dtype t, const uint8_t *restrict s, uint8_t *restrict record, size_t bytes, size_t row)
{
    uint8_t scale[16], minimum[8];
    switch (t) {
    case DTYPE_Q4_K:
    case DTYPE_Q5_K: {
        float d = half_float(s), m = half_float(s + 2);
        const uint8_t *high = s + 16, *low = t == DTYPE_Q4_K ? s + 16 : s + 48;
        scales_k4(s + 4, scale, minimum);
        for (int j = 0; j < 4; j++) {
            uint8_t *even = record + (size_t)(2 * j) * bytes, *odd = even + bytes;
            quant_w *restrict a = record_quants(even, row), *restrict b = record_quants(odd, row);
            if (t == DTYPE_Q4_K) {
                for (int i = 0; i < 32; i++) {
                    a[i] = low[32 * j + i] & 15;
                    b[i] = low[32 * j + i] >> 4;
                }
            } else {
                for (int i = 0; i < 32; i++) {
                    a[i] = (quant_w)((low[32 * j + i] & 15) | (high[i] >> (2 * j) & 1) << 4);
                    b[i] = (quant_w)((low[32 * j + i] >> 4) | (high[i] >> (2 * j + 1) & 1) << 4);
                }
            }
            record_scale(even, row, 0, d * scale[2 * j]);
            record_scale(odd, row, 0, d * scale[2 * j + 1]);
            record_minimum(even, row, 0, 1, m * minimum[2 * j]);
            record_minimum(odd, row, 0, 1, m * minimum[2 * j + 1]);
        }
        break;
    }
    case DTYPE_Q6_K: {
        const uint8_t *low = s, *high = s + 128;
        const int8_t *sc = (const int8_t *)(s + 192);
        float d = half_float(s + 208);
        for (int h = 0; h < 2; h++, low += 64, high += 32) {
            for (int j = 0; j < 4; j++) {
                uint8_t *r = record + (size_t)(4 * h + j) * bytes;
                quant_w *restrict q = record_quants(r, row);
                const uint8_t *l = low + 32 * (j & 1);
                if (j < 2)
                    for (int i = 0; i < 32; i++)
                        q[i] = QUANT((l[i] & 15) | (high[i] >> (2 * j) & 3) << 4, 32);
                else
                    for (int i = 0; i < 32; i++)
                        q[i] = QUANT((l[i] >> 4) | (high[i] >> (2 * j) & 3) << 4, 32);
                record_scale(r, row, 0, d * sc[8 * h + 2 * j]);
                record_scale(r, row, 1, d * sc[8 * h + 2 * j + 1]);
            }
        }
        break;
    }
    case DTYPE_Q3_K: {
        const uint8_t *high = s, *low = s + 32;
        float d = half_float(s + 108);
        scales_k3(s + 96, scale);
        for (int b = 0; b < 8; b++) {
            uint8_t *r = record + (size_t)b * bytes;
            quant_w *restrict q = record_quants(r, row);
            for (int i = 0; i < 32; i++)
                q[i] = QUANT((low[32 * (b / 4) + i] >> (2 * (b & 3)) & 3) | (high[i] >> b & 1) << 2, 4);
            record_scale(r, row, 0, d * (float)(scale[2 * b] - 32));
            record_scale(r, row, 1, d * (float)(scale[2 * b + 1] - 32));
        }
        break;
    }
    case DTYPE_Q2_K: {
        const uint8_t *low = s + 16;
        float d = half_float(s + 80), m = half_float(s + 82);
        for (int b = 0; b < 8; b++) {
            uint8_t *r = record + (size_t)b * bytes;
            quant_w *restrict q = record_quants(r, row);
            for (int i = 0; i < 32; i++)
                q[i] = low[32 * (b / 4) + i] >> (2 * (b & 3)) & 3;
            for (int g = 0; g < 2; g++) {
                record_scale(r, row, g, d * (float)(s[2 * b + g] & 15));
                record_minimum(r, row, g, 2, m * (float)(s[2 * b + g] >> 4));
            }
        }
        break;
    }
    case DTYPE_IQ4_XS: {
        float d = half_float(s);
        unsigned high = s[2] | (unsigned)s[3] << 8;
        for (int b = 0; b < 8; b++) {
            uint8_t *r = record + (size_t)b * bytes;
            int six = (s[4 + b / 2] >> (4 * (b & 1)) & 15) | (int)(high >> (2 * b) & 3) << 4;
            nibbles_of_table(record_quants(r, row), s + 8 + 16 * b);
            record_scale(r, row, 0, d * (float)(six - 32));
        }
        break;
    }
    default: break;
    }
}

/* ---- rows ---------------------------------------------------------------------------------------------------------- */

INLINE void decode_blocks(enum dtype t, const uint8_t *s, size_t k, uint8_t *panel, size_t row)
{
    size_t bytes = integer_record(integer_kind(t));
    size_t block = dtype_block(t), block_bytes = dtype_block_bytes(t);
    for (size_t i = 0; i < k; i += block, s += block_bytes) {
        prefetch_far(s + 1024);
        if (block == SUPER) {
            if (block_bytes > 64)
                prefetch_far(s + 1088);
            if (block_bytes > 128)
                prefetch_far(s + 1152);
            decode_super(t, s, panel, bytes, row);
            panel += 8 * bytes;
        } else {
            decode_block(t, s, panel, row);
            panel += bytes;
        }
    }
}

/* k values of one row, starting at block boundary s, become row `row` of an integer panel. */
static void decode_integers(enum dtype t, const uint8_t *s, size_t k, uint8_t *panel, size_t row)
{
    switch (t) { /* each call is compiled for its type */
#define CASE(type) case DTYPE_##type: decode_blocks(DTYPE_##type, s, k, panel, row); break;
        CASE(Q8_0) CASE(Q4_0) CASE(Q4_1) CASE(Q5_0) CASE(Q5_1) CASE(IQ4_NL) CASE(Q4_K) CASE(Q5_K) CASE(Q6_K)
        CASE(Q2_K) CASE(Q3_K) CASE(IQ4_XS)
#undef CASE
    default: break;
    }
}

static void clear_integers(enum dtype t, size_t k, uint8_t *panel, size_t row)
{
    struct integer_kind kind = integer_kind(t);
    size_t bytes = integer_record(kind);
    for (size_t i = 0; i < k; i += INT_BLOCK, panel += bytes) {
        memset(record_quants(panel, row), 0, INT_BLOCK * sizeof(quant_w));
        for (int g = 0; g < 32 / kind.group * (kind.minima ? 2 : 1); g++)
            record_scale(panel, row, g, 0);
    }
}

INLINE vf load_weights(enum dtype t, const uint8_t *s)
{
    return t == DTYPE_F16 ? vf_load_f16(s) : t == DTYPE_BF16 ? vf_load_bf16(s) : vf_load(s);
}

INLINE void decode_units(enum dtype t, const uint8_t *s, uint8_t *out, bool bf16)
{
    size_t bytes = t == DTYPE_F32 ? 4 : 2;
    if (bf16 && t == DTYPE_BF16) {
        memcpy(out, s, 64);
    } else if (bf16) {
        UNROLL for (int j = 0; j < 32; j += LANES)
            vf_store_bf16(out + 2 * j, load_weights(t, s + (size_t)j * bytes));
    } else {
        UNROLL for (int j = 0; j < 16; j += LANES)
            vf_store(out + 4 * j, load_weights(t, s + (size_t)j * bytes));
    }
}

INLINE void decode_float_row(enum dtype t, const uint8_t *s, size_t k, uint8_t *panel, size_t row, bool bf16)
{
    size_t bytes = t == DTYPE_F32 ? 4 : 2, values = bf16 ? 32 : 16;
    uint8_t *out = panel + row * FLOAT_UNITS * 4;
    size_t i = 0;
    for (; i + values <= k; i += values, out += FLOAT_RECORD) {
        prefetch_far(s + i * bytes + 1024);
        decode_units(t, s + i * bytes, out, bf16);
    }
    if (i < k) { /* the row's end, filled up with zeros */
        uint8_t rest[32 * 4] = {0};
        memcpy(rest, s + i * bytes, (k - i) * bytes);
        decode_units(t, rest, out, bf16);
    }
}

/* k values of one row become row `row` of a float panel. Any type: what has no words of its own is decoded by the
 * scalar decoder, 256 values (or the rest) at a time. */
static void decode_floats(enum dtype t, const uint8_t *s, size_t k, uint8_t *panel, size_t row, bool bf16)
{
    if (t == DTYPE_F32 && bf16)
        decode_float_row(DTYPE_F32, s, k, panel, row, true);
    else if (t == DTYPE_F32)
        decode_float_row(DTYPE_F32, s, k, panel, row, false);
    else if (t == DTYPE_F16 && bf16)
        decode_float_row(DTYPE_F16, s, k, panel, row, true);
    else if (t == DTYPE_F16)
        decode_float_row(DTYPE_F16, s, k, panel, row, false);
    else if (t == DTYPE_BF16 && bf16)
        decode_float_row(DTYPE_BF16, s, k, panel, row, true);
    else if (t == DTYPE_BF16)
        decode_float_row(DTYPE_BF16, s, k, panel, row, false);
    else
        for (size_t i = 0; i < k; i += SUPER, panel += SUPER / FLOAT_UNITS * FLOAT_RECORD) {
            float values[SUPER];
            size_t n = k - i < SUPER ? k - i : SUPER;
            decode_row(t, s + i / dtype_block(t) * dtype_block_bytes(t), values, n);
            decode_float_row(DTYPE_F32, (const uint8_t *)values, n, panel, row, false);
        }
}

static void clear_floats(size_t k, uint8_t *panel, size_t row, bool bf16)
{
    size_t values = bf16 ? 32 : 16;
    for (size_t i = 0; i < k; i += values, panel += FLOAT_RECORD)
        memset(panel + row * FLOAT_UNITS * 4, 0, FLOAT_UNITS * 4);
}

#endif
