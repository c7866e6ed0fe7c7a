/* The block layouts are ggml's (ggml-common.h); the order of operations is that of its dequantize_row_* reference
 * functions: scale times integer first, then the minimum subtracted. This file is compiled without fused multiply-add
 * (-ffp-contract=off), so results are the same on every machine.
 *
 * In the drawings of blocks `d` and `m` are f16; "low nibbles first" means value i of the first half in the low, value
 * i + half in the high four bits of byte i.
 */
#include "kernels/decode.h"

#include <string.h>

#include "kernels/halffloat.h"

static uint16_t le16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t le32(const uint8_t *p)
{
    return (uint32_t)le16(p) | (uint32_t)le16(p + 2) << 16;
}

static float half_at(const uint8_t *p)
{
    return f16_to_f32(le16(p));
}

/* ---- 32 values a block ------------------------------------------------------------------------------------------- */

/* d, 16 bytes of nibbles low first: d * (q - 8) */
static void block_q4_0(const uint8_t *b, float *y)
{
    float d = half_at(b);
    for (int i = 0; i < 16; i++) {
        y[i] = (float)((b[2 + i] & 15) - 8) * d;
        y[i + 16] = (float)((b[2 + i] >> 4) - 8) * d;
    }
}

/* d, m, 16 bytes of nibbles low first: d * q + m */
static void block_q4_1(const uint8_t *b, float *y)
{
    float d = half_at(b), m = half_at(b + 2);
    for (int i = 0; i < 16; i++) {
        y[i] = (float)(b[4 + i] & 15) * d + m;
        y[i + 16] = (float)(b[4 + i] >> 4) * d + m;
    }
}

/* d, 32 fifth bits, 16 bytes of nibbles low first: d * (q - 16) */
static void block_q5_0(const uint8_t *b, float *y)
{
    float d = half_at(b);
    uint32_t high = le32(b + 2);
    for (int i = 0; i < 16; i++) {
        y[i] = (float)((int)((b[6 + i] & 15) | (high >> i & 1) << 4) - 16) * d;
        y[i + 16] = (float)((int)((b[6 + i] >> 4) | (high >> (i + 16) & 1) << 4) - 16) * d;
    }
}

/* d, m, 32 fifth bits, 16 bytes of nibbles low first: d * q + m */
static void block_q5_1(const uint8_t *b, float *y)
{
    float d = half_at(b), m = half_at(b + 2);
    uint32_t high = le32(b + 4);
    for (int i = 0; i < 16; i++) {
        y[i] = (float)((b[8 + i] & 15) | (high >> i & 1) << 4) * d + m;
        y[i + 16] = (float)((b[8 + i] >> 4) | (high >> (i + 16) & 1) << 4) * d + m;
    }
}

/* d, 32 signed bytes */
static void block_q8_0(const uint8_t *b, float *y)
{
    float d = half_at(b);
    for (int i = 0; i < 32; i++)
        y[i] = (float)(int8_t)b[2 + i] * d;
}

static const int8_t iq4_values[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

/* d, 16 bytes of nibbles low first, each an index into iq4_values */
static void block_iq4_nl(const uint8_t *b, float *y)
{
    float d = half_at(b);
    for (int i = 0; i < 16; i++) {
        y[i] = d * (float)iq4_values[b[2 + i] & 15];
        y[i + 16] = d * (float)iq4_values[b[2 + i] >> 4];
    }
}

/* 32-bit float scale, 32 signed bytes */
static void block_int8(const uint8_t *b, float *y)
{
    float d = f32_from_bits(le32(b));
    for (int i = 0; i < 32; i++)
        y[i] = (float)(int8_t)b[4 + i] * d;
}

/* ---- 64 values a block ------------------------------------------------------------------------------------------- */

/* The quantiles of the normal distribution that QLoRA calls NormalFloat (Dettmers et al. 2023, appendix E). */
const float nf4_values[16] = {
    -1.0f, -0.6961928009986877f, -0.5250730514526367f, -0.39491748809814453f, -0.28444138169288635f, -0.18477343022823334f,
    -0.09105003625154495f, 0.0f, 0.07958029955625534f, 0.16093020141124725f, 0.24611230194568634f, 0.33791524171829224f,
    0.44070982933044434f, 0.5626170039176941f, 0.7229568362236023f, 1.0f,
};

/* 32-bit float largest magnitude, 32 bytes of nibbles, each an index into nf4_values, the earlier value in the high one */
static void block_nf4(const uint8_t *b, float *y)
{
    float d = f32_from_bits(le32(b));
    for (int i = 0; i < 32; i++) {
        y[2 * i] = d * nf4_values[b[4 + i] >> 4];
        y[2 * i + 1] = d * nf4_values[b[4 + i] & 15];
    }
}

/* ---- 256 values a block ------------------------------------------------------------------------------------------ */

/* 16 bytes (scale low nibble, minimum high), 64 bytes of 2-bit values, d, m. Each half of 128 values takes 32 bytes, whose
 * bit pairs 0..3 are four runs of 32; each run has two scales of 16 values. */
static void block_q2_k(const uint8_t *b, float *y)
{
    const uint8_t *scale = b, *q = b + 16;
    float d = half_at(b + 80), m = half_at(b + 82);
    for (int half = 0; half < 2; half++, q += 32) {
        for (int shift = 0; shift < 8; shift += 2) {
            for (int part = 0; part < 2; part++, scale++, y += 16) {
                float dl = d * (float)(*scale & 15), ml = m * (float)(*scale >> 4);
                for (int i = 0; i < 16; i++)
                    y[i] = dl * (float)(q[16 * part + i] >> shift & 3) - ml;
            }
        }
    }
}

/* 32 bytes of third bits (set: no 4 subtracted), 64 bytes of 2-bit values as in Q2_K, 12 bytes of sixteen 6-bit scales
 * (offset 32; low nibbles in bytes 0..7, high bit pairs in 8..11), d */
static void block_q3_k(const uint8_t *b, float *y)
{
    const uint8_t *high = b, *q = b + 32, *packed = b + 96;
    float d = half_at(b + 108);
    int run = 0, s = 0;
    for (int half = 0; half < 2; half++, q += 32) {
        for (int shift = 0; shift < 8; shift += 2, run++) {
            for (int part = 0; part < 2; part++, s++, y += 16) {
                int low = s < 8 ? packed[s] & 15 : packed[s - 8] >> 4;
                float dl = d * (float)((low | (packed[8 + s % 4] >> (2 * (s / 4)) & 3) << 4) - 32);
                for (int i = 0; i < 16; i++) {
                    int at = 16 * part + i;
                    y[i] = dl * (float)((q[at] >> shift & 3) - (high[at] >> run & 1 ? 0 : 4));
                }
            }
        }
    }
}

/* Scale and minimum j of eight, 6 bits each, in 12 bytes: the first four whole in bytes 0..3 and 4..7, of the last four
 * the low nibbles in bytes 8..11 and the high bits on top of the first eight bytes. */
static void scale_and_min(const uint8_t *packed, int j, int *scale, int *min)
{
    if (j < 4) {
        *scale = packed[j] & 63;
        *min = packed[j + 4] & 63;
    } else {
        *scale = (packed[j + 4] & 15) | packed[j - 4] >> 6 << 4;
        *min = packed[j + 4] >> 4 | packed[j] >> 6 << 4;
    }
}

/* d, m, 12 bytes of scales and minima, 128 bytes: 32 bytes hold two runs of 32 values, low nibbles and high nibbles */
static void block_q4_k(const uint8_t *b, float *y)
{
    const uint8_t *q = b + 16;
    float d = half_at(b), m = half_at(b + 2);
    for (int run = 0; run < 8; run++, y += 32) {
        int scale, min;
        scale_and_min(b + 4, run, &scale, &min);
        float dl = d * (float)scale, ml = m * (float)min;
        for (int i = 0; i < 32; i++)
            y[i] = dl * (float)(q[32 * (run / 2) + i] >> (4 * (run % 2)) & 15) - ml;
    }
}

/* d, m, 12 bytes of scales and minima, 32 bytes of fifth bits (bit `run` of byte i), 128 bytes as in Q4_K */
static void block_q5_k(const uint8_t *b, float *y)
{
    const uint8_t *high = b + 16, *q = b + 48;
    float d = half_at(b), m = half_at(b + 2);
    for (int run = 0; run < 8; run++, y += 32) {
        int scale, min;
        scale_and_min(b + 4, run, &scale, &min);
        float dl = d * (float)scale, ml = m * (float)min;
        for (int i = 0; i < 32; i++)
            y[i] = dl * (float)((q[32 * (run / 2) + i] >> (4 * (run % 2)) & 15) | (high[i] >> run & 1) << 4) - ml;
    }
}

/* 128 bytes of low nibbles, 64 bytes of high bit pairs, 16 signed scales of 16 values, d. Each half of 128 values: run r
 * of 32 has its nibbles in bytes 32 * (r % 2) .., low for r < 2, its bit pair r in the half's 32 high bytes. */
static void block_q6_k(const uint8_t *b, float *y)
{
    float d = half_at(b + 208);
    for (int half = 0; half < 2; half++) {
        const uint8_t *low = b + 64 * half, *high = b + 128 + 32 * half;
        for (int run = 0; run < 4; run++, y += 32) {
            for (int i = 0; i < 32; i++) {
                int q = (low[32 * (run % 2) + i] >> (4 * (run / 2)) & 15) | (high[i] >> (2 * run) & 3) << 4;
                float scale = d * (float)(int8_t)b[192 + 8 * half + 2 * run + i / 16];
                y[i] = scale * (float)(q - 32);
            }
        }
    }
}

/* d, 16 bits of high scale bits, 4 bytes of low ones (eight 6-bit scales, offset 32), 128 bytes: run r of 32 values as a
 * block of IQ4_NL */
static void block_iq4_xs(const uint8_t *b, float *y)
{
    float d = half_at(b);
    uint16_t high = le16(b + 2);
    for (int run = 0; run < 8; run++, y += 32) {
        int scale = (b[4 + run / 2] >> (4 * (run % 2)) & 15) | (high >> (2 * run) & 3) << 4;
        float dl = d * (float)(scale - 32);
        const uint8_t *q = b + 8 + 16 * run;
        for (int i = 0; i < 16; i++) {
            y[i] = dl * (float)iq4_values[q[i] & 15];
            y[i + 16] = dl * (float)iq4_values[q[i] >> 4];
        }
    }
}

/* ---- plain numbers ----------------------------------------------------------------------------------------------- */

#define PLAIN(id, type, value)                                  \
    static void block_##id(const uint8_t *b, float *y)          \
    {                                                           \
        type v;                                                 \
        memcpy(&v, b, sizeof v);                                \
        *y = value;                                             \
    }
PLAIN(f32, float, v)
PLAIN(f16, uint16_t, f16_to_f32(v))
PLAIN(bf16, uint16_t, bf16_to_f32(v))
PLAIN(f64, double, (float)v)
PLAIN(i8, int8_t, (float)v)
PLAIN(i16, int16_t, (float)v)
PLAIN(i32, int32_t, (float)v)
PLAIN(i64, int64_t, (float)v)
PLAIN(u8, uint8_t, (float)v)
PLAIN(bool, uint8_t, v ? 1.0f : 0.0f)
PLAIN(f8_e4m3, uint8_t, f8_e4m3_to_f32(v))
#undef PLAIN

static inline void each(void (*block)(const uint8_t *, float *), const uint8_t *p, size_t bytes, float *y, size_t values,
                        size_t n)
{
    for (size_t i = 0; i < n; i++)
        block(p + i * bytes, y + i * values);
}

int decode_row(enum dtype t, const void *src, float *dst, size_t n)
{
    static void (*const blocks[DTYPE_COUNT])(const uint8_t *, float *) = {
        [DTYPE_F32] = block_f32,       [DTYPE_F16] = block_f16,   [DTYPE_BF16] = block_bf16, [DTYPE_F64] = block_f64,
        [DTYPE_I8] = block_i8,         [DTYPE_I16] = block_i16,   [DTYPE_I32] = block_i32,   [DTYPE_I64] = block_i64,
        [DTYPE_U8] = block_u8,         [DTYPE_BOOL] = block_bool, [DTYPE_F8_E4M3] = block_f8_e4m3,
        [DTYPE_Q4_0] = block_q4_0,     [DTYPE_Q4_1] = block_q4_1, [DTYPE_Q5_0] = block_q5_0, [DTYPE_Q5_1] = block_q5_1,
        [DTYPE_Q8_0] = block_q8_0,     [DTYPE_Q2_K] = block_q2_k, [DTYPE_Q3_K] = block_q3_k, [DTYPE_Q4_K] = block_q4_k,
        [DTYPE_Q5_K] = block_q5_k,     [DTYPE_Q6_K] = block_q6_k, [DTYPE_IQ4_NL] = block_iq4_nl,
        [DTYPE_IQ4_XS] = block_iq4_xs, [DTYPE_NF4] = block_nf4,   [DTYPE_INT8] = block_int8,
    };
    size_t values = dtype_block(t);
    if (n % values != 0)
        return -1;
    switch (t) { /* where whole models are decoded row by row: calls that the compiler sees through */
    case DTYPE_F32:
        memcpy(dst, src, n * sizeof *dst);
        break;
    case DTYPE_F16:
        each(block_f16, src, 2, dst, 1, n);
        break;
    case DTYPE_BF16:
        each(block_bf16, src, 2, dst, 1, n);
        break;
    default:
        each(blocks[t], src, dtype_block_bytes(t), dst, values, n / values);
    }
    return 0;
}
