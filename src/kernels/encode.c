#include "kernels/encode.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "kernels/encode_fit.h"
#include "kernels/halffloat.h"

enum { BLOCK = 32 };

static void put_half(uint8_t *to, float x)
{
    uint16_t h = f16_from_f32(x < -65504.0f ? -65504.0f : x > 65504.0f ? 65504.0f : x);
    memcpy(to, &h, sizeof h);
}

static float half_at(const uint8_t *at)
{
    uint16_t h;
    memcpy(&h, at, sizeof h);
    return f16_to_f32(h);
}

/* ---- plain types -------------------------------------------------------------------------------------------------- */

static void encode_f32(const float *x, const float *w, uint8_t *to)
{
    (void)w;
    memcpy(to, x, sizeof *x);
}

static void encode_f16(const float *x, const float *w, uint8_t *to)
{
    (void)w;
    put_half(to, *x);
}

static void encode_bf16(const float *x, const float *w, uint8_t *to)
{
    (void)w;
    uint16_t h = bf16_from_f32(*x);
    memcpy(to, &h, sizeof h);
}

/* ---- blocks of 32 ------------------------------------------------------------------------------------------------- */

static void encode_q8_0(const float *x, const float *w, uint8_t *to)
{
    (void)w;
    float most = 0;
    for (int i = 0; i < BLOCK; i++)
        most = fabsf(x[i]) > most ? fabsf(x[i]) : most;
    int8_t q[BLOCK];
    put_half(to, most / 127);
    fit_round(BLOCK, x, half_at(to), 0, -127, 127, q);
    memcpy(to + 2, q, sizeof q);
}

/* Low four bits of value i and of value i + 16 share a byte. */
static void put_nibbles(uint8_t *to, const int8_t *q)
{
    for (int i = 0; i < BLOCK / 2; i++)
        to[i] = (uint8_t)((q[i] & 15) | (q[i + BLOCK / 2] & 15) << 4);
}

/* The fifth bits of 32 values, value i in bit i. */
static void put_fifth_bits(uint8_t *to, const int8_t *q)
{
    uint32_t bits = 0;
    for (int i = 0; i < BLOCK; i++)
        bits |= (uint32_t)(q[i] >> 4 & 1) << i;
    memcpy(to, &bits, sizeof bits);
}

static void symmetric_block(const float *x, const float *w, int half_range, uint8_t *scale, int8_t *q)
{
    put_half(scale, fit_symmetric(BLOCK, x, w, -half_range, half_range - 1));
    fit_round(BLOCK, x, half_at(scale), 0, -half_range, half_range - 1, q);
    for (int i = 0; i < BLOCK; i++)
        q[i] = (int8_t)(q[i] + half_range);
}

static void affine_block(const float *x, const float *w, int hi, uint8_t *scale_and_min, int8_t *q)
{
    float scale, min;
    fit_affine(BLOCK, x, w, hi, false, &scale, &min);
    put_half(scale_and_min, scale);
    put_half(scale_and_min + 2, min);
    fit_round(BLOCK, x, half_at(scale_and_min), half_at(scale_and_min + 2), 0, hi, q);
}

static void encode_q4_0(const float *x, const float *w, uint8_t *to)
{
    int8_t q[BLOCK];
    symmetric_block(x, w, 8, to, q);
    put_nibbles(to + 2, q);
}

static void encode_q4_1(const float *x, const float *w, uint8_t *to)
{
    int8_t q[BLOCK];
    affine_block(x, w, 15, to, q);
    put_nibbles(to + 4, q);
}

static void encode_q5_0(const float *x, const float *w, uint8_t *to)
{
    int8_t q[BLOCK];
    symmetric_block(x, w, 16, to, q);
    put_fifth_bits(to + 2, q);
    put_nibbles(to + 6, q);
}

static void encode_q5_1(const float *x, const float *w, uint8_t *to)
{
    int8_t q[BLOCK];
    affine_block(x, w, 31, to, q);
    put_fifth_bits(to + 4, q);
    put_nibbles(to + 8, q);
}

/* ---- super-blocks of 256 ------------------------------------------------------------------------------------------ */

/* Two bits of value 128 h + 32 j + l go to byte 32 h + l at bit 2 j. */
static void put_pairs(uint8_t *to, const int8_t *q)
{
    memset(to, 0, 64);
    for (int i = 0; i < SUPER; i++)
        to[i / 128 * 32 + i % 32] |= (uint8_t)((q[i] & 3) << (i % 128 / 32 * 2));
}

static void encode_q2_k(const float *x, const float *w, uint8_t *to)
{
    struct super_fit f;
    fit_super_affine(x, w, 16, 3, 15, &f);
    for (int s = 0; s < 16; s++)
        to[s] = (uint8_t)(f.scale[s] | f.min[s] << 4);
    put_pairs(to + 16, f.q);
    put_half(to + 80, f.d);
    put_half(to + 82, f.dmin);
}

static void encode_q3_k(const float *x, const float *w, uint8_t *to)
{
    struct super_fit f;
    fit_super_symmetric(x, w, 16, -4, 3, -32, 31, &f);
    memset(to, 0, 110);
    for (int i = 0; i < SUPER; i++) {
        f.q[i] = (int8_t)(f.q[i] + 4);
        to[i % 32] |= (uint8_t)((f.q[i] >> 2 & 1) << (i / 32)); /* third bits: one bit plane each 32 values */
    }
    put_pairs(to + 32, f.q);
    uint8_t *scales = to + 96; /* low nibbles of 0-7 and 8-15 share a byte, then the top two bits */
    for (int s = 0; s < 16; s++) {
        int v = f.scale[s] + 32;
        scales[s % 8] |= (uint8_t)((v & 15) << (s / 8 * 4));
        scales[8 + s % 4] |= (uint8_t)((v >> 4) << (s / 4 * 2));
    }
    put_half(to + 108, f.d);
}

/* Eight scales and eight minima of six bits in twelve bytes: 0-3 whole, the rest split. */
static void put_six_bits(uint8_t *to, const int *scale, const int *min)
{
    for (int s = 0; s < 4; s++) {
        to[s] = (uint8_t)(scale[s] | scale[s + 4] >> 4 << 6);
        to[s + 4] = (uint8_t)(min[s] | min[s + 4] >> 4 << 6);
        to[s + 8] = (uint8_t)((scale[s + 4] & 15) | (min[s + 4] & 15) << 4);
    }
}

/* Low nibbles: of each 64 values the first 32 lie in the low halves of 32 bytes, the others in the high halves. */
static void put_super_nibbles(uint8_t *to, const int8_t *q)
{
    for (int i = 0; i < SUPER / 2; i++)
        to[i] = (uint8_t)((q[i / 32 * 64 + i % 32] & 15) | (q[i / 32 * 64 + 32 + i % 32] & 15) << 4);
}

static void encode_q4_k(const float *x, const float *w, uint8_t *to)
{
    struct super_fit f;
    fit_super_affine(x, w, 32, 15, 63, &f);
    put_half(to, f.d);
    put_half(to + 2, f.dmin);
    put_six_bits(to + 4, f.scale, f.min);
    put_super_nibbles(to + 16, f.q);
}

static void encode_q5_k(const float *x, const float *w, uint8_t *to)
{
    struct super_fit f;
    fit_super_affine(x, w, 32, 31, 63, &f);
    put_half(to, f.d);
    put_half(to + 2, f.dmin);
    put_six_bits(to + 4, f.scale, f.min);
    memset(to + 16, 0, 32);
    for (int i = 0; i < SUPER; i++)
        to[16 + i % 32] |= (uint8_t)((f.q[i] >> 4 & 1) << (i / 32));
    put_super_nibbles(to + 48, f.q);
}

static void encode_q6_k(const float *x, const float *w, uint8_t *to)
{
    struct super_fit f;
    fit_super_symmetric(x, w, 16, -32, 31, -128, 127, &f);
    memset(to, 0, 192);
    for (int i = 0; i < SUPER; i++) {
        int v = f.q[i] + 32, half = i / 128, j = i % 128; /* 128 values: 64 bytes of nibbles, 32 of top pairs */
        to[half * 64 + j % 64] |= (uint8_t)((v & 15) << (j / 64 * 4));
        to[128 + half * 32 + j % 32] |= (uint8_t)((v >> 4) << (j / 32 * 2));
    }
    for (int s = 0; s < 16; s++)
        to[192 + s] = (uint8_t)(int8_t)f.scale[s];
    put_half(to + 208, f.d);
}

/* ---- the table ---------------------------------------------------------------------------------------------------- */

typedef void encode_block(const float *x, const float *w, uint8_t *to);

static encode_block *const encoders[DTYPE_COUNT] = {
    [DTYPE_F32] = encode_f32,   [DTYPE_F16] = encode_f16,   [DTYPE_BF16] = encode_bf16, [DTYPE_Q8_0] = encode_q8_0,
    [DTYPE_Q4_0] = encode_q4_0, [DTYPE_Q4_1] = encode_q4_1, [DTYPE_Q5_0] = encode_q5_0, [DTYPE_Q5_1] = encode_q5_1,
    [DTYPE_Q2_K] = encode_q2_k, [DTYPE_Q3_K] = encode_q3_k, [DTYPE_Q4_K] = encode_q4_k, [DTYPE_Q5_K] = encode_q5_k,
    [DTYPE_Q6_K] = encode_q6_k,
};

bool encode_supported(enum dtype t)
{
    return (unsigned)t < DTYPE_COUNT && encoders[t];
}

/* What each value of a block counts. Large weights meet large activations more often than not, so without an
 * importance the root mean square of the block is added to the value's size; with one, it is only tilted that way. */
static void weigh(size_t n, const float *x, const float *importance, float *w)
{
    float squares = 0;
    for (size_t i = 0; i < n; i++)
        squares += x[i] * x[i];
    float mean = squares / (float)n;
    float rms = sqrtf(mean);
    for (size_t i = 0; i < n; i++)
        w[i] = importance ? importance[i] * sqrtf(mean + x[i] * x[i]) : rms + fabsf(x[i]);
}

void encode_row(enum dtype t, const float *x, const float *importance, void *dst, size_t n)
{
    size_t block = dtype_block(t), bytes = dtype_block_bytes(t);
    uint8_t *to = dst;
    float w[SUPER];
    for (size_t i = 0; i < n; i += block, to += bytes) {
        if (block > 1)
            weigh(block, x + i, importance ? importance + i : NULL, w);
        encoders[t](x + i, w, to);
    }
}
