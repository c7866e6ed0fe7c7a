/* halffloat.h - the narrow floats of storage, to and from float32, bit for bit the same on every machine.
 *
 * Widening is exact (every narrow value is a float32; a NaN stays one, its payload kept). Narrowing rounds to nearest,
 * ties to even, as IEEE 754 conversions and numpy and torch do; a NaN becomes a quiet one.
 */
#ifndef KERNELS_HALFFLOAT_H
#define KERNELS_HALFFLOAT_H

#include <stdint.h>
#include <string.h>

static inline float f32_from_bits(uint32_t u)
{
    float f;
    memcpy(&f, &u, sizeof f);
    return f;
}

static inline uint32_t f32_to_bits(float f)
{
    uint32_t u;
    memcpy(&u, &f, sizeof u);
    return u;
}

static inline float f16_to_f32(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, rest = h & 0x7FFF;
    if (rest >= 0x7C00) /* infinity and NaN */
        return f32_from_bits(sign | 0x7F800000 | (rest & 0x3FF) << 13);
    if (rest >= 0x0400)
        return f32_from_bits(sign | ((rest << 13) + ((127 - 15) << 23)));
    /* subnormal: rest * 2^-24, exact in float32 */
    return f32_from_bits(sign | f32_to_bits((float)rest * 0x1p-24f));
}

static inline uint16_t f16_from_f32(float f)
{
    uint32_t u = f32_to_bits(f), sign = u >> 16 & 0x8000, rest = u & 0x7FFFFFFF;
    if (rest > 0x7F800000)
        return (uint16_t)(sign | 0x7E00 | (rest >> 13 & 0x1FF));
    if (rest >= 0x477FF000) /* 65520 and above round to infinity */
        return (uint16_t)(sign | 0x7C00);
    if (rest >= 0x38800000) { /* normal: drop 13 bits, ties to even; a carry moves into the exponent as it should */
        rest += 0xFFF + (rest >> 13 & 1);
        return (uint16_t)(sign | ((rest >> 13) - ((127 - 15) << 10)));
    }
    /* subnormal: adding 2^-1 puts the unit of 2^-24 into the lowest bit of the significand, rounded by the addition */
    return (uint16_t)(sign | (f32_to_bits(f32_from_bits(rest) + 0.5f) - 0x3F000000));
}

static inline float bf16_to_f32(uint16_t h)
{
    return f32_from_bits((uint32_t)h << 16);
}

static inline uint16_t bf16_from_f32(float f)
{
    uint32_t u = f32_to_bits(f);
    if ((u & 0x7FFFFFFF) > 0x7F800000)
        return (uint16_t)(u >> 16 | 0x40);
    return (uint16_t)((u + 0x7FFF + (u >> 16 & 1)) >> 16);
}

/* F8 E4M3 as torch.float8_e4m3fn: bias 7, no infinities, largest 448, NaN is 0x7F and 0xFF. */
static inline float f8_e4m3_to_f32(uint8_t b)
{
    uint32_t sign = (uint32_t)(b & 0x80) << 24, rest = b & 0x7F;
    if (rest == 0x7F)
        return f32_from_bits(sign | 0x7FC00000);
    if (rest >= 0x08)
        return f32_from_bits(sign | ((rest << 20) + ((127 - 7) << 23)));
    return f32_from_bits(sign | f32_to_bits((float)rest * 0x1p-9f));
}

/* What rounds above 448 becomes NaN, as in torch. */
static inline uint8_t f8_e4m3_from_f32(float f)
{
    uint32_t u = f32_to_bits(f), sign = u >> 24 & 0x80, rest = u & 0x7FFFFFFF;
    if (rest > 0x43E80000) /* 464, the tie between 448 and 480, goes to the even 448 */
        return (uint8_t)(sign | 0x7F);
    if (rest >= 0x3C800000) { /* 2^-6 and above are normal */
        rest += 0x7FFFF + (rest >> 20 & 1);
        return (uint8_t)(sign | ((rest >> 20) - ((127 - 7) << 3)));
    }
    /* subnormal, unit 2^-9: adding 2^14 puts it into the lowest bit of the significand */
    return (uint8_t)(sign | (f32_to_bits(f32_from_bits(rest) + 0x1p14f) - 0x46800000));
}

#endif
