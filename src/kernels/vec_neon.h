/* vec_neon.h - the words of vec_avx512.h for AArch64's Advanced SIMD, which every such processor has. As with AVX2,
 * integers are multiplied as signed pairs of 16 bits and bfloat16 goes through float32. */
#ifndef KERNELS_VEC_NEON_H
#define KERNELS_VEC_NEON_H

#include <arm_neon.h>
#include <stdint.h>
#include <string.h>

#define ISA(name) name##_neon
#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 32")

enum { LANES = 4, UNSIGNED_WEIGHTS = 0, HAS_BF16 = 0, QUADS = 2, INT_ROWS = 6, FLOAT_ROWS = 12 };
typedef int16_t quant_w;
typedef int16_t quant_a;
typedef float32x4_t vf;
typedef int32x4_t vi;

INLINE vf vf_zero(void) { return vdupq_n_f32(0); }
INLINE vf vf_set1(float x) { return vdupq_n_f32(x); }
INLINE vf vf_load(const void *p) { return vreinterpretq_f32_u8(vld1q_u8(p)); }
INLINE void vf_store(void *p, vf x) { vst1q_u8(p, vreinterpretq_u8_f32(x)); }
INLINE vf vf_add(vf a, vf b) { return vaddq_f32(a, b); }
INLINE vf vf_sub(vf a, vf b) { return vsubq_f32(a, b); }
INLINE vf vf_mul(vf a, vf b) { return vmulq_f32(a, b); }
INLINE vf vf_div(vf a, vf b) { return vdivq_f32(a, b); }
INLINE vf vf_fma(vf a, vf b, vf c) { return vfmaq_f32(c, a, b); }
INLINE vf vf_max(vf a, vf b) { return vmaxq_f32(a, b); }
INLINE vf vf_min(vf a, vf b) { return vminq_f32(a, b); }
INLINE vf vf_abs(vf a) { return vabsq_f32(a); }
INLINE vf vf_round(vf a) { return vrndnq_f32(a); }
INLINE float vf_hsum(vf a) { return vaddvq_f32(a); }
INLINE float vf_hmax(vf a) { return vmaxvq_f32(a); }
INLINE vf vf_from_vi(vi a) { return vcvtq_f32_s32(a); }
INLINE uint32x4_t lanes_below(size_t n)
{
    static const uint32_t lane[4] = {0, 1, 2, 3};
    return vcltq_u32(vld1q_u32(lane), vdupq_n_u32((uint32_t)n));
}
INLINE vf vf_keep(vf a, size_t n, vf b) { return vbslq_f32(lanes_below(n), a, b); }
INLINE vf vf_load_part(const float *p, size_t n)
{
    float t[4] = {0};
    memcpy(t, p, n * 4);
    return vld1q_f32(t);
}
INLINE void vf_store_part(float *p, size_t n, vf x)
{
    float t[4];
    vst1q_f32(t, x);
    memcpy(p, t, n * 4);
}
INLINE vf vf_scale2(vf x, vf n)
{
    vi e = vshlq_n_s32(vaddq_s32(vcvtnq_s32_f32(n), vdupq_n_s32(127)), 23);
    return vmulq_f32(x, vreinterpretq_f32_s32(e));
}

INLINE vi vi_zero(void) { return vdupq_n_s32(0); }
INLINE vi vi_add(vi a, vi b) { return vaddq_s32(a, b); }
INLINE vi vi_of_vf(vf a) { return vreinterpretq_s32_f32(a); }
INLINE vi vi_load(const void *p) { return vreinterpretq_s32_u8(vld1q_u8(p)); }
INLINE void vi_store(void *p, vi x) { vst1q_u8(p, vreinterpretq_u8_s32(x)); }
INLINE vi vi_round(vf a) { return vcvtnq_s32_f32(a); }
INLINE int vi_hsum(vi a) { return vaddvq_s32(a); }
INLINE vi vi_bcast(const void *p, int S)
{
    if (S == 1) {
        int32_t x;
        memcpy(&x, p, 4);
        return vdupq_n_s32(x);
    }
    if (S == 2) {
        int64_t x;
        memcpy(&x, p, 8);
        return vreinterpretq_s32_s64(vdupq_n_s64(x));
    }
    return vi_load(p);
}
INLINE vf vf_bcast(const void *p, int S) { return vreinterpretq_f32_s32(vi_bcast(p, S)); }
INLINE vi vi_dot(vi acc, vi w, vi a)
{
    int16x8_t x = vreinterpretq_s16_s32(w), y = vreinterpretq_s16_s32(a);
    return vaddq_s32(acc, vpaddq_s32(vmull_s16(vget_low_s16(x), vget_low_s16(y)), vmull_high_s16(x, y)));
}
INLINE vf vf_dot_bf16(vf acc, vi w, vi a) /* never called: HAS_BF16 is 0 */
{
    (void)w, (void)a;
    return acc;
}
INLINE void quant_store(quant_a *p, vi x) { vst1_s16(p, vqmovn_s32(x)); }

INLINE vf vf_load_f16(const void *p) { return vcvt_f32_f16(vreinterpret_f16_u8(vld1_u8(p))); }
INLINE vf vf_load_bf16(const void *p)
{
    return vreinterpretq_f32_u32(vshll_n_u16(vreinterpret_u16_u8(vld1_u8(p)), 16));
}
INLINE vf vf_load_i8(const void *p)
{
    int8_t x[8] = {0};
    memcpy(x, p, 4);
    return vcvtq_f32_s32(vmovl_s16(vget_low_s16(vmovl_s8(vld1_s8(x)))));
}
INLINE vf vf_within(vf x, vf low, vf high, vf a, vf b)
{
    return vbslq_f32(vandq_u32(vcgeq_f32(x, low), vcltq_f32(x, high)), a, b);
}
INLINE void vf_store_bf16(void *p, vf x)
{
    uint32x4_t u = vreinterpretq_u32_f32(x), high = vshrq_n_u32(u, 16);
    uint32x4_t odd = vandq_u32(high, vdupq_n_u32(1));
    uint32x4_t r = vshrq_n_u32(vaddq_u32(u, vaddq_u32(odd, vdupq_n_u32(0x7fff))), 16);
    r = vbslq_u32(vceqq_f32(x, x), r, vorrq_u32(high, vdupq_n_u32(0x40)));
    vst1_u8(p, vreinterpret_u8_u16(vmovn_u32(r)));
}
INLINE void vf_store_f16(void *p, vf x) { vst1_u8(p, vreinterpret_u8_f16(vcvt_f16_f32(x))); }
INLINE float half_float(const void *p)
{
    __fp16 h;
    memcpy(&h, p, 2);
    return (float)h;
}
typedef uint8x16x2_t bytes;
INLINE bytes bytes_load(const void *p) { return vld1q_u8_x2(p); }
INLINE bytes bytes_and(bytes a, int c)
{
    a.val[0] = vandq_u8(a.val[0], vdupq_n_u8((uint8_t)c));
    a.val[1] = vandq_u8(a.val[1], vdupq_n_u8((uint8_t)c));
    return a;
}
INLINE bytes bytes_or(bytes a, bytes b)
{
    a.val[0] = vorrq_u8(a.val[0], b.val[0]);
    a.val[1] = vorrq_u8(a.val[1], b.val[1]);
    return a;
}
INLINE bytes bytes_flip(bytes a, int c)
{
    a.val[0] = veorq_u8(a.val[0], vdupq_n_u8((uint8_t)c));
    a.val[1] = veorq_u8(a.val[1], vdupq_n_u8((uint8_t)c));
    return a;
}
INLINE bytes bytes_shift(bytes a, int n)
{
    a.val[0] = vshlq_u8(a.val[0], vdupq_n_s8((int8_t)n));
    a.val[1] = vshlq_u8(a.val[1], vdupq_n_s8((int8_t)n));
    return a;
}
INLINE bytes bytes_nibbles(const void *p)
{
    uint8x16_t x = vld1q_u8(p);
    bytes r;
    r.val[0] = vandq_u8(x, vdupq_n_u8(15));
    r.val[1] = vshrq_n_u8(x, 4);
    return r;
}
INLINE bytes bytes_bits(uint32_t bits, int c)
{
    const uint8x16_t bit = vreinterpretq_u8_u64(vdupq_n_u64(0x8040201008040201));
    bytes r;
    r.val[0] = vcombine_u8(vdup_n_u8((uint8_t)bits), vdup_n_u8((uint8_t)(bits >> 8)));
    r.val[1] = vcombine_u8(vdup_n_u8((uint8_t)(bits >> 16)), vdup_n_u8((uint8_t)(bits >> 24)));
    r.val[0] = vtstq_u8(r.val[0], bit);
    r.val[1] = vtstq_u8(r.val[1], bit);
    return bytes_and(r, c);
}
INLINE bytes bytes_lookup(const int8_t table[16], bytes at)
{
    const uint8x16_t t = vreinterpretq_u8_s8(vld1q_s8(table));
    at.val[0] = vqtbl1q_u8(t, at.val[0]);
    at.val[1] = vqtbl1q_u8(t, at.val[1]);
    return at;
}
INLINE void quant_put(quant_w *q, bytes x, int offset)
{
    const int16x8_t zero = vdupq_n_s16((int16_t)offset);
    for (int i = 0; i < 2; i++) {
        vst1q_s16(q + 16 * i, vsubq_s16(vreinterpretq_s16_u16(vmovl_u8(vget_low_u8(x.val[i]))), zero));
        vst1q_s16(q + 16 * i + 8, vsubq_s16(vreinterpretq_s16_u16(vmovl_high_u8(x.val[i])), zero));
    }
}
INLINE void bytes_store(void *p, bytes x) { vst1q_u8_x2(p, x); }
INLINE void put_scales_u8(float *out, const uint8_t *s, float d)
{
    for (int i = 0; i < 8; i++)
        out[i] = d * (float)s[i];
}
INLINE void put_scales_s8(float *out, const int8_t *s, float d)
{
    for (int i = 0; i < 8; i++)
        out[i] = d * (float)s[i];
}
INLINE void prefetch_far(const void *p) { __builtin_prefetch(p, 0, 2); }

INLINE void vf_transpose(vf r[4])
{
    float32x4_t a = vtrn1q_f32(r[0], r[1]), b = vtrn2q_f32(r[0], r[1]);
    float32x4_t c = vtrn1q_f32(r[2], r[3]), d = vtrn2q_f32(r[2], r[3]);
    r[0] = vcombine_f32(vget_low_f32(a), vget_low_f32(c));
    r[1] = vcombine_f32(vget_low_f32(b), vget_low_f32(d));
    r[2] = vcombine_f32(vget_high_f32(a), vget_high_f32(c));
    r[3] = vcombine_f32(vget_high_f32(b), vget_high_f32(d));
}

#endif
