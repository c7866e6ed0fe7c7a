/* vec_avx2.h - the words of vec_avx512.h for AVX2, FMA and F16C. Integers are multiplied as signed pairs of 16 bits
 * (vpmaddwd), which is exact for every type of weights; bytes (vpmaddubsw) would saturate with 8-bit weights. There is
 * no bfloat16 product: those weights go through float32. Included only by files named *_avx2.c. */
#ifndef KERNELS_VEC_AVX2_H
#define KERNELS_VEC_AVX2_H

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#define ISA(name) name##_avx2
#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 32")

enum { LANES = 8, UNSIGNED_WEIGHTS = 0, HAS_BF16 = 0, QUADS = 2, INT_ROWS = 3, FLOAT_ROWS = 6 };
typedef int16_t quant_w;
typedef int16_t quant_a;
typedef __m256 vf;
typedef __m256i vi;

INLINE vf vf_zero(void) { return _mm256_setzero_ps(); }
INLINE vf vf_set1(float x) { return _mm256_set1_ps(x); }
INLINE vf vf_load(const void *p) { return _mm256_loadu_ps(p); }
INLINE void vf_store(void *p, vf x) { _mm256_storeu_ps(p, x); }
INLINE vf vf_add(vf a, vf b) { return _mm256_add_ps(a, b); }
INLINE vf vf_sub(vf a, vf b) { return _mm256_sub_ps(a, b); }
INLINE vf vf_mul(vf a, vf b) { return _mm256_mul_ps(a, b); }
INLINE vf vf_div(vf a, vf b) { return _mm256_div_ps(a, b); }
INLINE vf vf_fma(vf a, vf b, vf c) { return _mm256_fmadd_ps(a, b, c); }
INLINE vf vf_max(vf a, vf b) { return _mm256_max_ps(a, b); }
INLINE vf vf_min(vf a, vf b) { return _mm256_min_ps(a, b); }
INLINE vf vf_abs(vf a) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a); }
INLINE vf vf_round(vf a) { return _mm256_round_ps(a, 8); }
INLINE float vf_hsum(vf a)
{
    __m128 x = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    x = _mm_add_ps(x, _mm_movehl_ps(x, x));
    return _mm_cvtss_f32(_mm_add_ss(x, _mm_movehdup_ps(x)));
}
INLINE float vf_hmax(vf a)
{
    __m128 x = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    x = _mm_max_ps(x, _mm_movehl_ps(x, x));
    return _mm_cvtss_f32(_mm_max_ss(x, _mm_movehdup_ps(x)));
}
INLINE vf vf_from_vi(vi a) { return _mm256_cvtepi32_ps(a); }
INLINE vi lanes_below(size_t n)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
INLINE vf vf_keep(vf a, size_t n, vf b) { return _mm256_blendv_ps(b, a, _mm256_castsi256_ps(lanes_below(n))); }
INLINE vf vf_load_part(const float *p, size_t n) { return _mm256_maskload_ps(p, lanes_below(n)); }
INLINE void vf_store_part(float *p, size_t n, vf x) { _mm256_maskstore_ps(p, lanes_below(n), x); }
INLINE vf vf_scale2(vf x, vf n)
{
    vi e = _mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)), 23);
    return _mm256_mul_ps(x, _mm256_castsi256_ps(e));
}

INLINE vi vi_zero(void) { return _mm256_setzero_si256(); }
INLINE vi vi_add(vi a, vi b) { return _mm256_add_epi32(a, b); }
INLINE vi vi_of_vf(vf a) { return _mm256_castps_si256(a); }
INLINE vi vi_load(const void *p) { return _mm256_loadu_si256(p); }
INLINE void vi_store(void *p, vi x) { _mm256_storeu_si256(p, x); }
INLINE vi vi_round(vf a) { return _mm256_cvtps_epi32(a); }
INLINE int vi_hsum(vi a)
{
    __m128i x = _mm_add_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
    x = _mm_add_epi32(x, _mm_shuffle_epi32(x, 0x4e));
    return _mm_cvtsi128_si32(_mm_add_epi32(x, _mm_shuffle_epi32(x, 0xb1)));
}
INLINE vi vi_bcast(const void *p, int S)
{
    if (S == 1) {
        int32_t x;
        memcpy(&x, p, 4);
        return _mm256_set1_epi32(x);
    }
    if (S == 2) {
        int64_t x;
        memcpy(&x, p, 8);
        return _mm256_set1_epi64x(x);
    }
    if (S == 4)
        return _mm256_broadcastsi128_si256(_mm_loadu_si128(p));
    return _mm256_loadu_si256(p);
}
INLINE vf vf_bcast(const void *p, int S) { return _mm256_castsi256_ps(vi_bcast(p, S)); }
INLINE vi vi_dot(vi acc, vi w, vi a) { return _mm256_add_epi32(acc, _mm256_madd_epi16(w, a)); }
INLINE vf vf_dot_bf16(vf acc, vi w, vi a) /* never called: HAS_BF16 is 0 */
{
    (void)w, (void)a;
    return acc;
}
INLINE void quant_store(quant_a *p, vi x)
{
    _mm_storeu_si128((void *)p, _mm_packs_epi32(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1)));
}

INLINE vf vf_load_f16(const void *p) { return _mm256_cvtph_ps(_mm_loadu_si128(p)); }
INLINE vf vf_load_bf16(const void *p)
{
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128(p)), 16));
}
INLINE vf vf_load_i8(const void *p) { return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(p))); }
INLINE vf vf_within(vf x, vf low, vf high, vf a, vf b)
{
    return _mm256_blendv_ps(b, a, _mm256_and_ps(_mm256_cmp_ps(x, low, _CMP_GE_OQ), _mm256_cmp_ps(x, high, _CMP_LT_OQ)));
}
INLINE void vf_store_bf16(void *p, vf x)
{
    vi u = _mm256_castps_si256(x);
    vi odd = _mm256_and_si256(_mm256_srli_epi32(u, 16), _mm256_set1_epi32(1));
    vi r = _mm256_srli_epi32(_mm256_add_epi32(u, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff))), 16);
    vi quiet = _mm256_or_si256(_mm256_srli_epi32(u, 16), _mm256_set1_epi32(0x40));
    r = _mm256_blendv_epi8(r, quiet, _mm256_castps_si256(_mm256_cmp_ps(x, x, _CMP_UNORD_Q)));
    _mm_storeu_si128(p, _mm_packus_epi32(_mm256_castsi256_si128(r), _mm256_extracti128_si256(r, 1)));
}
INLINE void vf_store_f16(void *p, vf x) { _mm_storeu_si128(p, _mm256_cvtps_ph(x, 0)); }
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
    const bytes which = _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303);
    bytes x = _mm256_shuffle_epi8(_mm256_set1_epi32((int)bits), which);
    const bytes bit = _mm256_set1_epi64x((long long)0x8040201008040201);
    return bytes_and(_mm256_cmpeq_epi8(_mm256_and_si256(x, bit), bit), c);
}
INLINE bytes bytes_lookup(const int8_t table[16], bytes at)
{
    return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(_mm_loadu_si128((const void *)table)), at);
}
INLINE void quant_put(quant_w *q, bytes x, int offset)
{
    const __m256i zero = _mm256_set1_epi16((short)offset);
    _mm256_storeu_si256((void *)q, _mm256_sub_epi16(_mm256_cvtepu8_epi16(_mm256_castsi256_si128(x)), zero));
    _mm256_storeu_si256((void *)(q + 16), _mm256_sub_epi16(_mm256_cvtepu8_epi16(_mm256_extracti128_si256(x, 1)), zero));
}
INLINE void bytes_store(void *p, bytes x) { _mm256_storeu_si256(p, x); }
INLINE void put_scales_u8(float *out, const uint8_t *s, float d)
{
    _mm256_storeu_ps(out, _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const void *)s))), _mm256_set1_ps(d)));
}
INLINE void put_scales_s8(float *out, const int8_t *s, float d)
{
    _mm256_storeu_ps(out, _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const void *)s))), _mm256_set1_ps(d)));
}
INLINE void prefetch_far(const void *p) { _mm_prefetch(p, _MM_HINT_T1); }

INLINE void vf_transpose(vf r[8])
{
    vf t[8];
    UNROLL for (int i = 0; i < 8; i += 2) {
        t[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
        t[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
    }
    UNROLL for (int i = 0; i < 8; i += 4) {
        UNROLL for (int j = 0; j < 2; j++) {
            r[i + 2 * j] = _mm256_shuffle_ps(t[i + j], t[i + j + 2], 0x44);
            r[i + 2 * j + 1] = _mm256_shuffle_ps(t[i + j], t[i + j + 2], 0xee);
        }
    }
    UNROLL for (int c = 0; c < 4; c++) {
        t[c] = _mm256_permute2f128_ps(r[c], r[4 + c], 0x20);
        t[4 + c] = _mm256_permute2f128_ps(r[c], r[4 + c], 0x31);
    }
    UNROLL for (int i = 0; i < 8; i++)
        r[i] = t[i];
}

#endif
