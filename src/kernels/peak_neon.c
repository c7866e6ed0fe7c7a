#include <arm_neon.h>

#include "kernels/peak.h"

static float sum(float32x4_t v)
{
    return vaddvq_f32(v);
}

static unsigned read_bytes(const void *data, size_t bytes)
{
    const uint8_t *p = data;
    uint32x4_t a = vdupq_n_u32(0), b = a, c = a, d = a;
    for (size_t i = 0; i < bytes; i += 64) {
        __builtin_prefetch(p + i + 1024, 0, 2); /* past the end is harmless: a prefetch never faults */
        a = vaddq_u32(a, vreinterpretq_u32_u8(vld1q_u8(p + i)));
        b = vaddq_u32(b, vreinterpretq_u32_u8(vld1q_u8(p + i + 16)));
        c = vaddq_u32(c, vreinterpretq_u32_u8(vld1q_u8(p + i + 32)));
        d = vaddq_u32(d, vreinterpretq_u32_u8(vld1q_u8(p + i + 48)));
    }
    return vaddvq_u32(vaddq_u32(vaddq_u32(a, b), vaddq_u32(c, d)));
}

static double f32(size_t turns, float *sink)
{
    float32x4_t a = vdupq_n_f32(sink[0]), b = vdupq_n_f32(sink[1]);
    PEAK_CHAIN(float32x4_t, turns, sink, vdupq_n_f32, vfmaq_f32(b, x, a), sum);
    return 2.0 * 4 * PEAK_CHAINS;
}

static int32x4_t thousandfold(float v)
{
    return vdupq_n_s32((int)(v * 1000));
}

static int fourth(int32x4_t v)
{
    return vgetq_lane_s32(v, 3);
}

/* Pairs of 16 bits, as vec_neon.h multiplies integers. */
static double int8(size_t turns, float *sink)
{
    int16x4_t a = vdup_n_s16((short)(sink[0] * 8));
    PEAK_CHAIN(int32x4_t, turns, sink, thousandfold, vmlal_s16(x, vget_low_s16(vreinterpretq_s16_s32(x)), a), fourth);
    return 2.0 * 4 * PEAK_CHAINS;
}

const struct peak_row peak_neon = {.set = "neon", .read = read_bytes, .f32 = f32, .int8 = int8};
