/* gemv_avx512.c - one row of activations: lanes are k, weights go straight from the file into registers.
 *
 * Memory decides here. Some rows of w are read side by side, so that the packed row of activations is read once for them,
 * and the same lines of as many next rows are asked for into the second cache: every line of memory once, in order, a
 * few rows ahead. What stays in the first cache is the packed row of activations: a byte a value, and for each block a
 * scale and what the offset of unsigned weights has to be corrected by. Weights are made unsigned and dpbusd multiplies them
 * exactly; the integers of a 256-block are weighted with its 6-bit scales as integers, too. What is done to a row does not
 * depend on how many are read beside it.
 */
#include "kernels/gemv_avx512.h"

#include "kernels/vec_avx512.h"

#include "kernels/quantize_body.h"

enum { ROWS = 8 /* the most that are read side by side */ };

/* Packed activations of one row. 32 values share a scale: */
struct act_32 {
    float scale;
    int32_t start; /* what each of the block's lanes (Q8_0 eight, Q4_0 four) starts from: its part of -offset*sum */
};
/* 128 do: */
struct act_256 {
    int16_t sum_16[16], sum_32[8];
    float scale[2];
    int32_t unused[2];
};

static bool is_super(enum dtype t)
{
    return t == DTYPE_Q4_K || t == DTYPE_Q5_K || t == DTYPE_Q6_K;
}

bool gemv_has(enum dtype t)
{
    return is_super(t) || t == DTYPE_Q8_0 || t == DTYPE_Q4_0 || t == DTYPE_F32 || t == DTYPE_F16 || t == DTYPE_BF16;
}

uint32_t gemv_kind(enum dtype t)
{
    return t == DTYPE_Q6_K ? 5 : is_super(t) ? 1 : t == DTYPE_Q8_0 ? 2 : t == DTYPE_Q4_0 ? 3 : t == DTYPE_BF16 ? 6 : 4;
}

size_t gemv_side_by_side(enum dtype t)
{
    return is_super(t) ? 4 : ROWS;
}

static size_t values_bytes(size_t k)
{
    return (k + 127) / 128 * 128;
}

size_t gemv_packed_bytes(enum dtype t, size_t k)
{
    if (dtype_block(t) == 1)
        return (k + 63) / 64 * 64 * (t == DTYPE_BF16 ? 2 : 4);
    return values_bytes(k) + (is_super(t) ? k / 256 * sizeof(struct act_256) : values_bytes(k) / 32 * sizeof(struct act_32));
}

/* Which block of 32 has place g in the packed activations of Q4_K and Q5_K. */
INLINE int k4_block(int g)
{
    return (g & 4) + (g & 1) * 2 + (g >> 1 & 1); /* 0 2 1 3 4 6 5 7 */
}

void gemv_pack(enum dtype t, const float *x, size_t k, void *packed)
{
    if (dtype_block(t) == 1) {
        memset(packed, 0, gemv_packed_bytes(t, k));
        for (size_t i = 0; i < k; i += 16) {
            const vf some = vf_load_part(x + i, k - i < 16 ? k - i : 16);
            if (t == DTYPE_BF16)
                vf_store_bf16((uint8_t *)packed + 2 * i, some);
            else
                vf_store((uint8_t *)packed + 4 * i, some);
        }
        return;
    }
    int8_t *q = packed;
    void *rest = q + values_bytes(k);
    memset(q + k, 0, values_bytes(k) - k);
    for (size_t i = 0; i < k; i += 256) {
        size_t n = k - i < 256 ? k - i : 256;
        float scale[8] = {0};
        int32_t sum[16] = {0};
        _Alignas(64) int8_t order[256] = {0};
        if (is_super(t)) {
            struct act_256 *a = (struct act_256 *)rest + i / 256;
            quantize(x + i, n, 128, order, scale, sum);
            *a = (struct act_256){.scale = {scale[0], scale[4]}};
            for (int g = 0; g < 16; g++)
                a->sum_16[g] = (int16_t)sum[g];
            for (int g = 0; g < 8; g++)
                a->sum_32[g] = (int16_t)(sum[2 * g] + sum[2 * g + 1]);
            if (t == DTYPE_Q6_K)
                memcpy(q + i, order, 256);
            else /* as the nibbles of 64 bytes lie: low of two blocks, high of two blocks */
                for (int g = 0; g < 8; g++)
                    memcpy(q + i + 32 * g, order + 32 * k4_block(g), 32);
            continue;
        }
        quantize(x + i, n, 32, order, scale, sum);
        struct act_32 *a = (struct act_32 *)rest + i / 32;
        for (size_t g = 0; g < (n + 127) / 128 * 4; g++) {
            int32_t all = sum[2 * g] + sum[2 * g + 1];
            a[g] = (struct act_32){scale[g], all * (t == DTYPE_Q8_0 ? -16 : -2)};
        }
        if (t == DTYPE_Q8_0)
            memcpy(q + i, order, (n + 127) / 128 * 128);
        else /* for each four blocks their first halves, then their second halves */
            for (size_t g = 0; g < (n + 127) / 128 * 8; g++)
                memcpy(q + i + 16 * g, order + g / 8 * 128 + 32 * (g % 4) + 16 * (g / 4 % 2), 16);
    }
}

/* Asks for the lines of [p, p + width) that are `distance` bytes further. */
INLINE void ahead(const uint8_t *p, size_t distance, size_t width)
{
    for (size_t i = 0; i < width; i += 64)
        prefetch_far(p + distance + i);
}

/* Each dot_* below does n rows of w, which lie `stride` bytes apart. */

/* ---- floats -------------------------------------------------------------------------------------------------------- */

/* One line of a row, 64 bytes, against the packed activations at x. */
INLINE void add_floats(enum dtype t, const uint8_t *w, const uint8_t *x, vf sum[2])
{
    if (t == DTYPE_F16) {
        sum[0] = vf_fma(vf_load_f16(w), vf_load(x), sum[0]);
        sum[1] = vf_fma(vf_load_f16(w + 32), vf_load(x + 64), sum[1]);
    } else if (t == DTYPE_BF16) {
        sum[0] = vf_dot_bf16(sum[0], vi_load(w), vi_load(x));
    } else {
        sum[0] = vf_fma(vf_load(w), vf_load(x), sum[0]);
    }
}

INLINE void dot_floats(enum dtype t, const uint8_t *w, size_t stride, const uint8_t *x, size_t k, const int n, float *y)
{
    const size_t width = t == DTYPE_F32 ? 4 : 2, step = 64 / width, step_x = t == DTYPE_F16 ? 128 : 64;
    vf sum[ROWS][2];
    UNROLL for (int r = 0; r < n; r++)
        sum[r][0] = sum[r][1] = vf_zero();
    size_t i = 0;
    for (; i + step <= k; i += step, w += 64, x += step_x) {
        UNROLL for (int r = 0; r < n; r++) {
            const uint8_t *row = w + (size_t)r * stride;
            prefetch_far(row + (size_t)n * stride);
            add_floats(t, row, x, sum[r]);
        }
    }
    if (i < k) { /* the end, filled up with zeros, as the activations are */
        UNROLL for (int r = 0; r < n; r++) {
            uint8_t rest[64] = {0};
            memcpy(rest, w + (size_t)r * stride, (k - i) * width);
            add_floats(t, rest, x, sum[r]);
        }
    }
    UNROLL for (int r = 0; r < n; r++)
        y[r] = vf_hsum(vf_add(sum[r][0], sum[r][1]));
}

/* ---- blocks of 32 -------------------------------------------------------------------------------------------------- */

/* The float16 scales of the blocks at w and w + width, eight lanes each. */
INLINE vf two_scales(const uint8_t *w, size_t width)
{
    int16_t a, b;
    memcpy(&a, w, 2);
    memcpy(&b, w + width, 2);
    return _mm512_cvtph_ps(_mm256_mask_set1_epi16(_mm256_set1_epi16(a), 0xff00, b));
}

INLINE vi two_blocks(const uint8_t *w)
{
    vi q = _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_loadu_si256((const void *)(w + 2))),
                              _mm256_loadu_si256((const void *)(w + 36)), 1);
    return _mm512_xor_si512(q, _mm512_set1_epi8((char)0x80));
}

/* Two blocks of activations as the products need them: values, scales and starts in the lanes of their block. */
struct two {
    vi q, start;
    vf scale;
};

INLINE struct two two_activations(const int8_t *q, const struct act_32 *a)
{
    const vi pair = _mm512_castsi128_si512(_mm_loadu_si128((const void *)a)); /* scale, start, scale, start */
    const vi at_scale = _mm512_setr_epi32(0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 2, 2, 2, 2, 2, 2);
    const vi at_start = _mm512_setr_epi32(1, 1, 1, 1, 1, 1, 1, 1, 3, 3, 3, 3, 3, 3, 3, 3);
    return (struct two){vi_load(q), _mm512_permutexvar_epi32(at_start, pair),
                        _mm512_castsi512_ps(_mm512_permutexvar_epi32(at_scale, pair))};
}

INLINE vf add_two_blocks(vf sum, vi w, vf scale, struct two x)
{
    return vf_fma(vf_from_vi(vi_dot(x.start, w, x.q)), vf_mul(scale, x.scale), sum);
}

INLINE void dot_q8(const uint8_t *w, size_t stride, const int8_t *q, size_t k, const int n, float *y)
{
    const struct act_32 *a = (const void *)(q + values_bytes(k));
    vf sum[ROWS][2];
    UNROLL for (int r = 0; r < n; r++)
        sum[r][0] = sum[r][1] = vf_zero();
    size_t b = k / 32;
    for (; b >= 4; b -= 4, w += 4 * 34, q += 128, a += 4) {
        UNROLL for (int j = 0; j < 2; j++) {
            const struct two x = two_activations(q + 64 * j, a + 2 * j);
            UNROLL for (int r = 0; r < n; r++) {
                const uint8_t *row = w + (size_t)r * stride + j * 68;
                ahead(row, (size_t)n * stride, 68);
                sum[r][j] = add_two_blocks(sum[r][j], two_blocks(row), two_scales(row, 34), x);
            }
        }
    }
    for (; b > 0; b -= b < 2 ? b : 2, w += 68, q += 64, a += 2) {
        const struct two x = two_activations(q, a);
        UNROLL for (int r = 0; r < n; r++) {
            uint8_t rest[68] = {0}; /* a partner of zeros for an odd block */
            memcpy(rest, w + (size_t)r * stride, b < 2 ? 34 : 68);
            sum[r][0] = add_two_blocks(sum[r][0], two_blocks(rest), two_scales(rest, 34), x);
        }
    }
    UNROLL for (int r = 0; r < n; r++)
        y[r] = vf_hsum(vf_add(sum[r][0], sum[r][1]));
}

struct four {
    vi low, high, start;
    vf scale;
};

INLINE struct four four_activations(const int8_t *q, const struct act_32 *a)
{
    const vi at_scale = _mm512_setr_epi32(0, 0, 0, 0, 2, 2, 2, 2, 4, 4, 4, 4, 6, 6, 6, 6);
    const vi at_start = _mm512_setr_epi32(1, 1, 1, 1, 3, 3, 3, 3, 5, 5, 5, 5, 7, 7, 7, 7);
    const vi act = _mm512_castsi256_si512(_mm256_loadu_si256((const void *)a));
    return (struct four){vi_load(q), vi_load(q + 64), _mm512_permutexvar_epi32(at_start, act),
                         _mm512_castsi512_ps(_mm512_permutexvar_epi32(at_scale, act))};
}

/* Four blocks are 72 bytes: two overlapping vectors, of which one permutation takes the nibbles, another the scales. Both
 * halves of a block share its scale, so that 128 weights need one conversion. */
INLINE vf add_four_q4(vf sum, const uint8_t *w, struct four a)
{
    const vi first = vi_load(w), second = vi_load(w + 8), four = _mm512_set1_epi8(15);
    const __m128i count = _mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const vi base = _mm512_setr_epi32(0x02020202, 0x02020202, 0x02020202, 0x02020202, 0x14141414, 0x14141414, 0x14141414,
                                      0x14141414, 0x26262626, 0x26262626, 0x26262626, 0x26262626, 0x70707070, 0x70707070,
                                      0x70707070, 0x70707070); /* 2, 20, 38 of the first, 56 - 8 of the second */
    const vi at = _mm512_add_epi8(base, _mm512_broadcast_i32x4(count));
    const vi at_half = _mm512_castsi256_si512(_mm256_setr_epi16(0, 0, 0, 0, 9, 9, 9, 9, 18, 18, 18, 18, 27, 27, 27, 27));
    const vi x = _mm512_permutex2var_epi8(first, at, second);
    vi dot = vi_dot(a.start, _mm512_and_si512(x, four), a.low);
    dot = vi_dot(dot, _mm512_and_si512(_mm512_srli_epi16(x, 4), four), a.high);
    const vf scale = _mm512_cvtph_ps(_mm512_castsi512_si256(_mm512_permutexvar_epi16(at_half, first)));
    return vf_fma(vf_from_vi(dot), vf_mul(scale, a.scale), sum);
}

INLINE void dot_q4(const uint8_t *w, size_t stride, const int8_t *q, size_t k, const int n, float *y)
{
    const struct act_32 *a = (const void *)(q + values_bytes(k));
    vf sum[ROWS];
    UNROLL for (int r = 0; r < n; r++)
        sum[r] = vf_zero();
    size_t b = k / 32;
    for (; b >= 4; b -= 4, w += 72, q += 128, a += 4) {
        const struct four x = four_activations(q, a);
        UNROLL for (int r = 0; r < n; r++) {
            const uint8_t *row = w + (size_t)r * stride;
            ahead(row, (size_t)n * stride, 72);
            sum[r] = add_four_q4(sum[r], row, x);
        }
    }
    if (b > 0) {
        const struct four x = four_activations(q, a);
        UNROLL for (int r = 0; r < n; r++) {
            uint8_t rest[72] = {0};
            memcpy(rest, w + (size_t)r * stride, b * 18);
            sum[r] = add_four_q4(sum[r], rest, x);
        }
    }
    UNROLL for (int r = 0; r < n; r++)
        y[r] = vf_hsum(sum[r]);
}

/* ---- blocks of 256 ------------------------------------------------------------------------------------------------- */

/* What one block of Q4_K or Q5_K at w adds: to the sum, and to what is below (the minima). */
INLINE void add_k4(enum dtype t, const uint8_t *w, const int8_t *q, const struct act_256 *a, vf *sum, __m128 *below)
{
    const vi low_four = _mm512_set1_epi8(15);
    uint32_t u[3];
    memcpy(u, w + 4, 12);
    uint32_t s0 = u[0] & 0x3f3f3f3f, s1 = (u[2] & 0x0f0f0f0f) | (u[0] >> 6 & 0x03030303) << 4;
    uint32_t m0 = u[1] & 0x3f3f3f3f, m1 = (u[2] >> 4 & 0x0f0f0f0f) | (u[1] >> 6 & 0x03030303) << 4;
    const vi scales = _mm512_castsi128_si512(_mm_cvtepu8_epi16(_mm_cvtsi64_si128((long long)((uint64_t)s1 << 32 | s0))));
    const __m128i minima = _mm_cvtepu8_epi16(_mm_cvtsi64_si128((long long)((uint64_t)m1 << 32 | m0)));
    const uint8_t *low = w + (t == DTYPE_Q5_K ? 48 : 16);
    vi total[2] = {vi_zero(), vi_zero()}, high = vi_zero();
    if (t == DTYPE_Q5_K)
        high = _mm512_broadcast_i64x4(_mm256_loadu_si256((const void *)(w + 16)));
    /* Pairs of products fit 16 bits (2*31*127), and so do pairs of those, weighted by 6 bits, in 32. */
    UNROLL for (int j = 0; j < 4; j++) {
        const int one = k4_block(2 * j), two = k4_block(2 * j + 1); /* the blocks in the halves of this vector */
        vi x = vi_load(low + 64 * (j / 2));
        x = _mm512_and_si512(j % 2 ? _mm512_srli_epi16(x, 4) : x, low_four);
        if (t == DTYPE_Q5_K) { /* bit `one` of the first half, `two` of the second, becomes bit 4 */
            const vi turn = _mm512_setr_epi64(60 + one, 60 + one, 60 + one, 60 + one, 60 + two, 60 + two, 60 + two, 60 + two);
            x = _mm512_or_si512(x, _mm512_and_si512(_mm512_rorv_epi64(high, turn), _mm512_set1_epi8(16)));
        }
        const vi at = _mm512_inserti64x4(_mm512_set1_epi16((short)one), _mm256_set1_epi16((short)two), 1);
        total[j / 2] = _mm512_dpwssd_epi32(total[j / 2], _mm512_maddubs_epi16(x, vi_load(q + 64 * j)),
                                           _mm512_permutexvar_epi16(at, scales));
    }
    UNROLL for (int h = 0; h < 2; h++)
        *sum = vf_fma(vf_from_vi(total[h]), vf_set1(half_float(w) * a->scale[h]), *sum);
    const __m128i offset = _mm_madd_epi16(minima, _mm_loadu_si128((const void *)a->sum_32));
    const __m128 both = _mm_castpd_ps(_mm_load_sd((const void *)a->scale));
    *below = _mm_fmadd_ps(_mm_cvtepi32_ps(offset), _mm_mul_ps(_mm_unpacklo_ps(both, both), _mm_set1_ps(half_float(w + 2))),
                          *below);
}

INLINE void dot_k4(enum dtype t, const uint8_t *w, size_t stride, const int8_t *q, size_t k, const int n, float *y)
{
    const struct act_256 *a = (const void *)(q + values_bytes(k));
    const size_t width = t == DTYPE_Q5_K ? 176 : 144;
    vf sum[ROWS];
    __m128 below[ROWS];
    UNROLL for (int r = 0; r < n; r++) {
        sum[r] = vf_zero();
        below[r] = _mm_setzero_ps();
    }
    for (size_t i = 0; i < k; i += 256, w += width, q += 256, a++) {
        UNROLL for (int r = 0; r < n; r++) {
            const uint8_t *row = w + (size_t)r * stride;
            ahead(row, (size_t)n * stride, width);
            add_k4(t, row, q, a, &sum[r], &below[r]);
        }
    }
    UNROLL for (int r = 0; r < n; r++) {
        below[r] = _mm_add_ps(below[r], _mm_movehl_ps(below[r], below[r]));
        below[r] = _mm_add_ss(below[r], _mm_movehdup_ps(below[r]));
        y[r] = vf_hsum(sum[r]) - _mm_cvtss_f32(below[r]);
    }
}

INLINE vf add_k6(vf sum, const uint8_t *w, const int8_t *q, const struct act_256 *a)
{
    const vi four = _mm512_set1_epi8(15), two = _mm512_set1_epi8(0x30);
    const vi up = _mm512_setr_epi64(4, 4, 4, 4, 2, 2, 2, 2), down = _mm512_setr_epi64(0, 0, 0, 0, 2, 2, 2, 2);
    const __m128i first = _mm_setr_epi8(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
    const __m128i scales = _mm_loadu_si128((const void *)(w + 192));
    /* 32 times the sums of activations, by group: what the offset of the weights adds too much */
    const __m256i offset = _mm256_slli_epi32(_mm256_madd_epi16(_mm256_cvtepi8_epi16(scales),
                                                               _mm256_loadu_si256((const void *)a->sum_16)), 5);
    const __m128i parts[2] = {_mm256_castsi256_si128(offset), _mm256_extracti128_si256(offset, 1)};
    UNROLL for (int h = 0; h < 2; h++) {
        vi low = vi_load(w + 64 * h);
        vi high = _mm512_broadcast_i64x4(_mm256_loadu_si256((const void *)(w + 128 + 32 * h)));
        vi x = _mm512_or_si512(_mm512_and_si512(low, four), _mm512_and_si512(_mm512_sllv_epi64(high, up), two));
        vi y = _mm512_or_si512(_mm512_and_si512(_mm512_srli_epi64(low, 4), four),
                               _mm512_and_si512(_mm512_srlv_epi64(high, down), two));
        vi s = _mm512_cvtepi8_epi32(_mm_shuffle_epi8(scales, _mm_add_epi8(first, _mm_set1_epi8((char)(8 * h)))));
        vi z = _mm512_cvtepi8_epi32(_mm_shuffle_epi8(scales, _mm_add_epi8(first, _mm_set1_epi8((char)(8 * h + 4)))));
        vi total = _mm512_sub_epi32(_mm512_mullo_epi32(vi_dot(vi_zero(), x, vi_load(q + 128 * h)), s),
                                    _mm512_zextsi128_si512(parts[h]));
        total = vi_add(total, _mm512_mullo_epi32(vi_dot(vi_zero(), y, vi_load(q + 128 * h + 64)), z));
        sum = vf_fma(vf_from_vi(total), vf_set1(half_float(w + 208) * a->scale[h]), sum);
    }
    return sum;
}

INLINE void dot_k6(const uint8_t *w, size_t stride, const int8_t *q, size_t k, const int n, float *y)
{
    const struct act_256 *a = (const void *)(q + values_bytes(k));
    vf sum[ROWS];
    UNROLL for (int r = 0; r < n; r++)
        sum[r] = vf_zero();
    for (size_t i = 0; i < k; i += 256, w += 210, q += 256, a++) {
        UNROLL for (int r = 0; r < n; r++) {
            const uint8_t *row = w + (size_t)r * stride;
            ahead(row, (size_t)n * stride, 210);
            sum[r] = add_k6(sum[r], row, q, a);
        }
    }
    UNROLL for (int r = 0; r < n; r++)
        y[r] = vf_hsum(sum[r]);
}

/* ---- rows ---------------------------------------------------------------------------------------------------------- */

/* n is a constant where it is called. */
INLINE void dot_rows(enum dtype t, const uint8_t *w, size_t stride, const void *packed, size_t k, const int n, float *y)
{
    switch (t) {
    case DTYPE_Q8_0: dot_q8(w, stride, packed, k, n, y); break;
    case DTYPE_Q4_0: dot_q4(w, stride, packed, k, n, y); break;
    case DTYPE_Q4_K: case DTYPE_Q5_K: dot_k4(t, w, stride, packed, k, n, y); break;
    case DTYPE_Q6_K: dot_k6(w, stride, packed, k, n, y); break;
    default: dot_floats(t, w, stride, packed, k, n, y); break;
    }
}

INLINE void all_rows(enum dtype t, const struct matrix *w, const void *packed, float *y, size_t from, size_t to)
{
    const uint8_t *row = (const uint8_t *)w->data + from * w->stride;
    size_t j = from;
    const int side = is_super(t) ? 4 : ROWS;
    for (; j + (size_t)side <= to; j += (size_t)side, row += (size_t)side * w->stride)
        dot_rows(t, row, w->stride, packed, w->k, side, y + j);
    for (; j < to; j++, row += w->stride)
        dot_rows(t, row, w->stride, packed, w->k, 1, y + j);
}

void gemv_rows(const struct matrix *w, const void *packed, float *y, size_t from, size_t to)
{
    switch (w->type) { /* each call is compiled for its type */
#define CASE(type) case DTYPE_##type: all_rows(DTYPE_##type, w, packed, y, from, to); break;
        CASE(F32) CASE(F16) CASE(BF16) CASE(Q8_0) CASE(Q4_0) CASE(Q4_K) CASE(Q5_K) CASE(Q6_K)
#undef CASE
    default: break;
    }
}
