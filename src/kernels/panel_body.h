/* panel_body.h - weights in file layout become panels. Included by *_NAME.c after vec_NAME.h.
 *
 * A panel holds a group of rows for a stretch of k as a run of records, read once from front to end by the tile kernels:
 *
 *   integers   one record for a block, 32 or 256 values: for each 32 [INT_ROWS][32] quants; then [INT_ROWS][groups] scales,
 *              then as many minima if the type has them
 *   floats     one record for 16 units: [FLOAT_ROWS][16] units of one float32 or two bfloat16
 *
 * A weight is scale * (quant - offset) - minimum. With UNSIGNED_WEIGHTS quants keep their offset (0 .. 255), otherwise it
 * is subtracted here. A row's decoder reads exactly the bytes of its blocks, and asks for the lines `ahead` bytes further.
 */
#ifndef KERNELS_PANEL_BODY_H
#define KERNELS_PANEL_BODY_H

#include <stdbool.h>

#include "base/dtype.h"
#include "kernels/decode.h"

enum { INT_BLOCK = 32, SUPER = 256, WIDE = 128, FLOAT_UNITS = 16, RECORD_VALUES = INT_ROWS * INT_BLOCK * (int)sizeof(quant_w),
       FLOAT_RECORD = FLOAT_ROWS * FLOAT_UNITS * 4 };

#define QUANT(raw, offset) ((quant_w)((raw) - (UNSIGNED_WEIGHTS ? 0 : (offset))))

/* How a type of weights is multiplied. group 0: not in integers. */
struct integer_kind {
    int group;  /* weights that share a scale: 16 or 32 */
    int scaled; /* activations that share a scale: 32, or WIDE for types with blocks of 256 */
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
    case DTYPE_Q4_K: case DTYPE_Q5_K: return (struct integer_kind){32, WIDE, 0, true};
    case DTYPE_IQ4_XS: return (struct integer_kind){32, WIDE, 128, false};
    case DTYPE_Q6_K: return (struct integer_kind){16, WIDE, 32, false};
    case DTYPE_Q3_K: return (struct integer_kind){16, WIDE, 4, false};
    case DTYPE_Q2_K: return (struct integer_kind){16, WIDE, 0, true};
    default: return (struct integer_kind){0, 0, 0, false};
    }
}

/* Bytes of a block: dtype_block_bytes() as a constant. */
INLINE size_t integer_block_bytes(enum dtype t)
{
    switch (t) {
    case DTYPE_Q8_0: return 34;
    case DTYPE_Q4_0: case DTYPE_IQ4_NL: return 18;
    case DTYPE_Q4_1: return 20;
    case DTYPE_Q5_0: return 22;
    case DTYPE_Q5_1: return 24;
    case DTYPE_Q4_K: return 144;
    case DTYPE_Q5_K: return 176;
    case DTYPE_Q6_K: return 210;
    case DTYPE_Q3_K: return 110;
    case DTYPE_Q2_K: return 84;
    default: return 136; /* IQ4_XS */
    }
}

/* Values of a record, groups of weights in it, and its bytes. */
INLINE int record_values(struct integer_kind kind)
{
    return kind.scaled == WIDE ? SUPER : INT_BLOCK;
}
INLINE size_t record_groups(struct integer_kind kind)
{
    return (size_t)(record_values(kind) / kind.group);
}
INLINE size_t integer_record(struct integer_kind kind)
{
    return (size_t)RECORD_VALUES * (size_t)(record_values(kind) / 32) + INT_ROWS * 4 * record_groups(kind) * (kind.minima ? 2 : 1);
}

/* Where row `row` of a record has its 32 quants number b, and its scales and minima. */
INLINE quant_w *record_quants(uint8_t *record, size_t row, int b)
{
    return (quant_w *)record + ((size_t)b * INT_ROWS + row) * INT_BLOCK;
}
INLINE float *record_scales(uint8_t *record, size_t row, struct integer_kind kind)
{
    return (float *)(void *)(record + RECORD_VALUES * (record_values(kind) / 32)) + row * record_groups(kind);
}
INLINE float *record_minima(uint8_t *record, size_t row, struct integer_kind kind)
{
    return record_scales(record, row, kind) + INT_ROWS * record_groups(kind);
}

/* ---- one block of each type ---------------------------------------------------------------------------------------- */

static const int8_t iq4_values[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

INLINE uint32_t load_u32(const uint8_t *p)
{
    uint32_t x;
    memcpy(&x, p, 4);
    return x;
}

/* A block of 32 at s. Q4_1 and Q5_1 add a minimum, we subtract one. */
INLINE void decode_block(enum dtype t, const uint8_t *s, uint8_t *record, size_t row)
{
    const struct integer_kind kind = integer_kind(t);
    bytes q;
    *record_scales(record, row, kind) = half_float(s);
    switch (t) {
    case DTYPE_Q8_0: q = bytes_flip(bytes_load(s + 2), 0x80); break;
    case DTYPE_Q4_0: q = bytes_nibbles(s + 2); break;
    case DTYPE_IQ4_NL: q = bytes_flip(bytes_lookup(iq4_values, bytes_nibbles(s + 2)), 0x80); break;
    case DTYPE_Q5_0: q = bytes_or(bytes_nibbles(s + 6), bytes_bits(load_u32(s + 2), 16)); break;
    case DTYPE_Q4_1:
        *record_minima(record, row, kind) = -half_float(s + 2);
        q = bytes_nibbles(s + 4);
        break;
    default: /* Q5_1 */
        *record_minima(record, row, kind) = -half_float(s + 2);
        q = bytes_or(bytes_nibbles(s + 8), bytes_bits(load_u32(s + 4), 16));
        break;
    }
    quant_put(record_quants(record, row, 0), q, kind.offset);
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

/* Sixteen 6-bit scales from the 12 bytes of Q3_K, less their offset of 32. */
INLINE void scales_k3(const uint8_t *s, int8_t scale[16])
{
    uint32_t u[3], o[4];
    memcpy(u, s, 12);
    o[0] = (u[0] & 0x0f0f0f0f) | (u[2] & 0x03030303) << 4;
    o[1] = (u[1] & 0x0f0f0f0f) | (u[2] >> 2 & 0x03030303) << 4;
    o[2] = (u[0] >> 4 & 0x0f0f0f0f) | (u[2] >> 4 & 0x03030303) << 4;
    o[3] = (u[1] >> 4 & 0x0f0f0f0f) | (u[2] >> 6 & 0x03030303) << 4;
    memcpy(scale, o, 16);
    for (int i = 0; i < 16; i++)
        scale[i] = (int8_t)(scale[i] - 32);
}

/* A block of 256 at s. */
INLINE void decode_super(enum dtype t, const uint8_t *s, uint8_t *record, size_t row)
{
    const struct integer_kind kind = integer_kind(t);
    float *scales = record_scales(record, row, kind), *minima = record_minima(record, row, kind);
    int8_t six[16];
    switch (t) {
    case DTYPE_Q4_K:
    case DTYPE_Q5_K: {
        uint8_t scale[8], minimum[8];
        const uint8_t *low = t == DTYPE_Q4_K ? s + 16 : s + 48;
        scales_k4(s + 4, scale, minimum);
        put_scales_u8(scales, scale, half_float(s));
        put_scales_u8(minima, minimum, half_float(s + 2));
        UNROLL for (int j = 0; j < 4; j++) {
            bytes both = bytes_load(low + 32 * j), even = bytes_and(both, 15), odd = bytes_shift(both, -4);
            if (t == DTYPE_Q5_K) {
                bytes high = bytes_load(s + 16);
                even = bytes_or(even, bytes_and(bytes_shift(high, 4 - 2 * j), 16));
                odd = bytes_or(odd, bytes_and(bytes_shift(high, 3 - 2 * j), 16));
            }
            quant_put(record_quants(record, row, 2 * j), even, 0);
            quant_put(record_quants(record, row, 2 * j + 1), odd, 0);
        }
        break;
    }
    case DTYPE_Q6_K: {
        put_scales_s8(scales, (const int8_t *)(s + 192), half_float(s + 208));
        put_scales_s8(scales + 8, (const int8_t *)(s + 200), half_float(s + 208));
        UNROLL for (int h = 0; h < 2; h++) {
            bytes high = bytes_load(s + 128 + 32 * h);
            UNROLL for (int j = 0; j < 2; j++) {
                bytes both = bytes_load(s + 64 * h + 32 * j);
                bytes low = bytes_or(bytes_and(both, 15), bytes_and(bytes_shift(high, 4 - 2 * j), 0x30));
                bytes top = bytes_or(bytes_shift(both, -4), bytes_and(bytes_shift(high, -2 * j), 0x30));
                quant_put(record_quants(record, row, 4 * h + j), low, 32);
                quant_put(record_quants(record, row, 4 * h + j + 2), top, 32);
            }
        }
        break;
    }
    case DTYPE_Q3_K: {
        scales_k3(s + 96, six);
        put_scales_s8(scales, six, half_float(s + 108));
        put_scales_s8(scales + 8, six + 8, half_float(s + 108));
        bytes high = bytes_load(s);
        UNROLL for (int b = 0; b < 8; b++) {
            bytes low = bytes_and(bytes_shift(bytes_load(s + 32 + 32 * (b / 4)), -2 * (b & 3)), 3);
            quant_put(record_quants(record, row, b), bytes_or(low, bytes_and(bytes_shift(high, 2 - b), 4)), 4);
        }
        break;
    }
    case DTYPE_Q2_K: {
        uint8_t low[16], top[16];
        for (int i = 0; i < 16; i++) {
            low[i] = s[i] & 15;
            top[i] = s[i] >> 4;
        }
        UNROLL for (int i = 0; i < 16; i += 8) {
            put_scales_u8(scales + i, low + i, half_float(s + 80));
            put_scales_u8(minima + i, top + i, half_float(s + 82));
        }
        UNROLL for (int b = 0; b < 8; b++)
            quant_put(record_quants(record, row, b),
                      bytes_and(bytes_shift(bytes_load(s + 16 + 32 * (b / 4)), -2 * (b & 3)), 3), 0);
        break;
    }
    default: { /* IQ4_XS */
        unsigned high = s[2] | (unsigned)s[3] << 8;
        UNROLL for (int b = 0; b < 8; b++) {
            six[b] = (int8_t)(((s[4 + b / 2] >> (4 * (b & 1)) & 15) | (int)(high >> (2 * b) & 3) << 4) - 32);
            quant_put(record_quants(record, row, b),
                      bytes_flip(bytes_lookup(iq4_values, bytes_nibbles(s + 8 + 16 * b)), 0x80), 128);
        }
        put_scales_s8(scales, six, half_float(s));
        break;
    }
    }
}

/* ---- rows ---------------------------------------------------------------------------------------------------------- */

INLINE void decode_blocks(enum dtype t, const uint8_t *s, size_t k, uint8_t *panel, size_t row, size_t ahead)
{
    const size_t record = integer_record(integer_kind(t));
    const size_t block = (size_t)record_values(integer_kind(t)), block_bytes = integer_block_bytes(t);
    for (size_t i = 0; i < k; i += block, s += block_bytes, panel += record) {
        for (size_t line = 0; line < block_bytes; line += 64)
            prefetch_far(s + ahead + line);
        if (block == SUPER)
            decode_super(t, s, panel, row);
        else
            decode_block(t, s, panel, row);
    }
}

/* k values of one row, starting at block boundary s, become row `row` of an integer panel. */
static void decode_integers(enum dtype t, const uint8_t *s, size_t k, uint8_t *panel, size_t row, size_t ahead)
{
    switch (t) { /* each call is compiled for its type */
#define CASE(type) case DTYPE_##type: decode_blocks(DTYPE_##type, s, k, panel, row, ahead); break;
        CASE(Q8_0) CASE(Q4_0) CASE(Q4_1) CASE(Q5_0) CASE(Q5_1) CASE(IQ4_NL) CASE(Q4_K) CASE(Q5_K) CASE(Q6_K)
        CASE(Q2_K) CASE(Q3_K) CASE(IQ4_XS)
#undef CASE
    default: break;
    }
}

static void clear_integers(enum dtype t, size_t k, uint8_t *panel, size_t row)
{
    const struct integer_kind kind = integer_kind(t);
    for (size_t i = 0; i < k; i += (size_t)record_values(kind), panel += integer_record(kind)) {
        for (int b = 0; b < record_values(kind) / 32; b++)
            memset(record_quants(panel, row, b), 0, INT_BLOCK * sizeof(quant_w));
        memset(record_scales(panel, row, kind), 0, 4 * record_groups(kind));
        if (kind.minima)
            memset(record_minima(panel, row, kind), 0, 4 * record_groups(kind));
    }
}

INLINE vf load_weights(enum dtype t, const uint8_t *s)
{
    return t == DTYPE_F16 ? vf_load_f16(s) : t == DTYPE_BF16 ? vf_load_bf16(s) : vf_load(s);
}

INLINE void decode_units(enum dtype t, const uint8_t *s, uint8_t *out, bool bf16)
{
    size_t width = t == DTYPE_F32 ? 4 : 2;
    if (bf16 && t == DTYPE_BF16) {
        memcpy(out, s, 64);
    } else if (bf16) {
        UNROLL for (int j = 0; j < 32; j += LANES)
            vf_store_bf16(out + 2 * j, load_weights(t, s + (size_t)j * width));
    } else {
        UNROLL for (int j = 0; j < 16; j += LANES)
            vf_store(out + 4 * j, load_weights(t, s + (size_t)j * width));
    }
}

INLINE void decode_float_row(enum dtype t, const uint8_t *s, size_t k, uint8_t *panel, size_t row, bool bf16, size_t ahead)
{
    size_t width = t == DTYPE_F32 ? 4 : 2, values = bf16 ? 32 : 16;
    uint8_t *out = panel + row * FLOAT_UNITS * 4;
    size_t i = 0;
    for (; i + values <= k; i += values, out += FLOAT_RECORD) {
        prefetch_far(s + i * width + ahead);
        decode_units(t, s + i * width, out, bf16);
    }
    if (i < k) { /* the row's end, filled up with zeros */
        uint8_t rest[32 * 4] = {0};
        memcpy(rest, s + i * width, (k - i) * width);
        decode_units(t, rest, out, bf16);
    }
}

/* k values of one row become row `row` of a float panel. Any type: what has no words of its own is decoded by the
 * scalar decoder, 256 values (or the rest) at a time. */
static void decode_floats(enum dtype t, const uint8_t *s, size_t k, uint8_t *panel, size_t row, bool bf16, size_t ahead)
{
    if (t == DTYPE_F32 && bf16)
        decode_float_row(DTYPE_F32, s, k, panel, row, true, ahead);
    else if (t == DTYPE_F32)
        decode_float_row(DTYPE_F32, s, k, panel, row, false, ahead);
    else if (t == DTYPE_F16 && bf16)
        decode_float_row(DTYPE_F16, s, k, panel, row, true, ahead);
    else if (t == DTYPE_F16)
        decode_float_row(DTYPE_F16, s, k, panel, row, false, ahead);
    else if (t == DTYPE_BF16 && bf16)
        decode_float_row(DTYPE_BF16, s, k, panel, row, true, ahead);
    else if (t == DTYPE_BF16)
        decode_float_row(DTYPE_BF16, s, k, panel, row, false, ahead);
    else
        for (size_t i = 0; i < k; i += SUPER, panel += SUPER / FLOAT_UNITS * FLOAT_RECORD) {
            float values[SUPER];
            size_t n = k - i < SUPER ? k - i : SUPER;
            decode_row(t, s + i / dtype_block(t) * dtype_block_bytes(t), values, n);
            decode_float_row(DTYPE_F32, (const uint8_t *)values, n, panel, row, false, 0);
        }
}

static void clear_floats(size_t k, uint8_t *panel, size_t row, bool bf16)
{
    size_t values = bf16 ? 32 : 16;
    for (size_t i = 0; i < k; i += values, panel += FLOAT_RECORD)
        memset(panel + row * FLOAT_UNITS * 4, 0, FLOAT_UNITS * 4);
}

#endif
