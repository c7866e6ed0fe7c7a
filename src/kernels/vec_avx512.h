/* vec_avx512.h - the vector words that the shared kernel bodies are written in, for AVX-512 (F, BW, VL, DQ, VNNI, BF16).
 * The other instruction sets define the same words in vec_NAME.h. Included only by files named *_avx512.c.
 *
 * A vector has LANES lanes of 32 bits. A *unit* is what one 32-bit lane takes of a packed operand: one float, two
 * bfloat16, or QUADS small integers (`quant`). UNSIGNED_WEIGHTS: weights are stored plus an offset that makes them
 * unsigned, because dpbusd multiplies unsigned by signed; the accumulator then starts at -offset x sum of activations.
 */
#ifndef KERNELS_VEC_AVX512_H
#define KERNELS_VEC_AVX512_H

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#define ISA(name) name##_avx512
#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 32")

enum { LANES = 16, UNSIGNED_WEIGHTS = 1, HAS_BF16 = 1, QUADS = 4, INT_ROWS = 6, FLOAT_ROWS = 12 };
typedef uint8_t quant_w; /* a weight and an activation in the integer product */
typedef int8_t quant_a;
typedef __m512 vf;
typedef __m512i vi;

INLINE vf vf_zero(void) { return _mm512_setzero_ps(); }
INLINE vf vf_set1(float x) { return _mm512_set1_ps(x); }
INLINE vf vf_load(const void *p) { return _mm512_loadu_ps(p); }
INLINE void vf_store(void *p, vf x) { _mm512_storeu_ps(p, x); }
INLINE vf vf_add(vf a, vf b) { return _mm512_add_ps(a, b); }
INLINE vf vf_sub(vf a, vf b) { return _mm512_sub_ps(a, b); }
INLINE vf vf_mul(vf a, vf b) { return _mm512_mul_ps(a, b); }
INLINE vf vf_div(vf a, vf b) { return _mm512_div_ps(a, b); }
INLINE vf vf_fma(vf a, vf b, vf c) { return _mm512_fmadd_ps(a, b, c); } /* a*b + c, rounded once */
INLINE vf vf_max(vf a, vf b) { return _mm512_max_ps(a, b); } /* b where a is NaN */
INLINE vf vf_min(vf a, vf b) { return _mm512_min_ps(a, b); }
INLINE vf vf_abs(vf a) { return _mm512_abs_ps(a); }
INLINE vf vf_round(vf a) { return _mm512_roundscale_ps(a, 8); } /* to nearest, ties to even */
INLINE float vf_hsum(vf a) { return _mm512_reduce_add_ps(a); }
INLINE float vf_hmax(vf a) { return _mm512_reduce_max_ps(a); }
INLINE vf vf_from_vi(vi a) { return _mm512_cvtepi32_ps(a); }
/* a in the lanes below n (n <= LANES), b in the others */
INLINE vf vf_keep(vf a, size_t n, vf b) { return _mm512_mask_mov_ps(b, (__mmask16)((1u << n) - 1), a); }
INLINE vf vf_load_part(const float *p, size_t n) { return _mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p); }
INLINE void vf_store_part(float *p, size_t n, vf x) { _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), x); }
/* x * 2^n for integral n in [-126, 127] */
INLINE vf vf_scale2(vf x, vf n) { return _mm512_scalef_ps(x, n); }

INLINE vi vi_zero(void) { return _mm512_setzero_si512(); }
INLINE vi vi_add(vi a, vi b) { return _mm512_add_epi32(a, b); }
INLINE vi vi_of_vf(vf a) { return _mm512_castps_si512(a); } /* the bits */
INLINE vi vi_load(const void *p) { return _mm512_loadu_si512(p); }
INLINE void vi_store(void *p, vi x) { _mm512_storeu_si512(p, x); }
INLINE vi vi_round(vf a) { return _mm512_cvtps_epi32(a); }
INLINE int vi_hsum(vi a) { return _mm512_reduce_add_epi32(a); }
/* S consecutive units, repeated over the vector */
INLINE vi vi_bcast(const void *p, int S)
{
    if (S == 1) {
        int32_t x;
        memcpy(&x, p, 4);
        return _mm512_set1_epi32(x);
    }
    if (S == 2) {
        int64_t x;
        memcpy(&x, p, 8);
        return _mm512_set1_epi64(x);
    }
    if (S == 4)
        return _mm512_broadcast_i32x4(_mm_loadu_si128(p));
    if (S == 8)
        return _mm512_broadcast_i64x4(_mm256_loadu_si256(p));
    return _mm512_loadu_si512(p);
}
INLINE vf vf_bcast(const void *p, int S) { return _mm512_castsi512_ps(vi_bcast(p, S)); }
/* acc + the products of the integers in each unit */
INLINE vi vi_dot(vi acc, vi w, vi a) { return _mm512_dpbusd_epi32(acc, w, a); }
/* acc + the products of the two bfloat16 in each unit */
INLINE vf vf_dot_bf16(vf acc, vi w, vi a) { return _mm512_dpbf16_ps(acc, (__m512bh)w, (__m512bh)a); }
/* Stores LANES integers as activations. */
INLINE void quant_store(quant_a *p, vi x) { _mm_storeu_si128((void *)p, _mm512_cvtepi32_epi8(x)); }

INLINE vf vf_load_f16(const void *p) { return _mm512_cvtph_ps(_mm256_loadu_si256(p)); }
INLINE vf vf_load_bf16(const void *p)
{
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256(p)), 16));
}
INLINE vf vf_load_i8(const void *p) { return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(p))); }
/* a where x >= low and x < high, lane by lane, else b */
INLINE vf vf_within(vf x, vf low, vf high, vf a, vf b)
{
    return _mm512_mask_mov_ps(b, _mm512_cmp_ps_mask(x, low, _CMP_GE_OQ) & _mm512_cmp_ps_mask(x, high, _CMP_LT_OQ), a);
}
INLINE void vf_store_bf16(void *p, vf x) { _mm256_storeu_si256(p, (__m256i)_mm512_cvtneps_pbh(x)); }
INLINE void vf_store_f16(void *p, vf x) { _mm256_storeu_si256(p, _mm512_cvtps_ph(x, 0)); }
INLINE float half_float(const void *p)
{
    uint16_t h;
    memcpy(&h, p, 2);
    return _cvtsh_ss(h);
}
/* Thirty-two bytes at a time, for taking blocks of weights apart. */
typedef __m256i bytes;
INLINE bytes bytes_load(const void *p) { return _mm256_loadu_si256(p); }
INLINE bytes bytes_and(bytes a, int c) { return _mm256_and_si256(a, _mm256_set1_epi8((char)c)); }
INLINE bytes bytes_or(bytes a, bytes b) { return _mm256_or_si256(a, b); }
INLINE bytes bytes_flip(bytes a, int c) { return _mm256_xor_si256(a, _mm256_set1_epi8((char)c)); }
/* each byte shifted left (n > 0) or right (n < 0), zeros coming in */
INLINE bytes bytes_shift(bytes a, int n)
{
    return n >= 0 ? bytes_and(_mm256_slli_epi16(a, n), 0xff << n & 0xff) : bytes_and(_mm256_srli_epi16(a, -n), 0xff >> -n);
}
/* low nibbles of 16 bytes, then their high nibbles */
INLINE bytes bytes_nibbles(const void *p)
{
    __m128i x = _mm_loadu_si128(p);
    return bytes_and(_mm256_inserti128_si256(_mm256_castsi128_si256(x), _mm_srli_epi16(x, 4), 1), 15);
}
/* c where a bit is set, else 0 */
INLINE bytes bytes_bits(uint32_t bits, int c)
{
    return _mm256_maskz_set1_epi8(bits, (char)c);
}
INLINE bytes bytes_lookup(const int8_t table[16], bytes at)
{
    return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(_mm_loadu_si128((const void *)table)), at);
}
/* Stores them as weights of which `offset` counts as zero. */
INLINE void quant_put(quant_w *q, bytes x, int offset)
{
    (void)offset; /* weights are unsigned here */
    _mm256_storeu_si256((void *)q, x);
}
INLINE void bytes_store(void *p, bytes x) { _mm256_storeu_si256(p, x); }
/* eight unsigned or signed bytes as floats, times d */
INLINE void put_scales_u8(float *out, const uint8_t *s, float d)
{
    _mm256_storeu_ps(out, _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const void *)s))), _mm256_set1_ps(d)));
}
INLINE void put_scales_s8(float *out, const int8_t *s, float d)
{
    _mm256_storeu_ps(out, _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const void *)s))), _mm256_set1_ps(d)));
}
INLINE void prefetch_far(const void *p) { _mm_prefetch(p, _MM_HINT_T1); }

/* Transposes a LANES x LANES square in place. */
INLINE void vf_transpose(vf r[16])
{
    vf t[16];
    UNROLL for (int i = 0; i < 16; i += 2) {
        t[i] = _mm512_unpacklo_ps(r[i], r[i + 1]);
        t[i + 1] = _mm512_unpackhi_ps(r[i], r[i + 1]);
    }
    UNROLL for (int i = 0; i < 16; i += 4) {
        UNROLL for (int j = 0; j < 2; j++) {
            __m512d a = _mm512_castps_pd(t[i + j]), b = _mm512_castps_pd(t[i + j + 2]);
            r[i + 2 * j] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, b));
            r[i + 2 * j + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, b));
        }
    }
    /* r[4g+c] holds column c of each 128-bit part for rows 4g .. 4g+3 */
    UNROLL for (int c = 0; c < 4; c++) {
        vf a = _mm512_shuffle_f32x4(r[c], r[4 + c], 0x44), b = _mm512_shuffle_f32x4(r[c], r[4 + c], 0xee);
        vf d = _mm512_shuffle_f32x4(r[8 + c], r[12 + c], 0x44), e = _mm512_shuffle_f32x4(r[8 + c], r[12 + c], 0xee);
        t[c] = _mm512_shuffle_f32x4(a, d, 0x88);
        t[4 + c] = _mm512_shuffle_f32x4(a, d, 0xdd);
        t[8 + c] = _mm512_shuffle_f32x4(b, e, 0x88);
        t[12 + c] = _mm512_shuffle_f32x4(b, e, 0xdd);
    }
    UNROLL for (int i = 0; i < 16; i++)
        r[i] = t[i];
}

#endif
