/* scalar_small.c - norms, activations, softmax, rotation and storing of one row, plainly, sums in float64. */
#include <math.h>
#include <string.h>

#include "kernels/halffloat.h"
#include "kernels/sets.h"

void rms_norm_scalar(float *y, const float *x, const float *weight, size_t n, float epsilon)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)x[i] * (double)x[i];
    double r = 1 / sqrt(sum / (double)n + (double)epsilon);
    for (size_t i = 0; i < n; i++)
        y[i] = (float)((double)x[i] * r) * (weight ? weight[i] : 1);
}

void layer_norm_scalar(float *y, const float *x, const float *weight, const float *bias, size_t n, float epsilon)
{
    double sum = 0, square = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)x[i];
    double mean = sum / (double)n;
    for (size_t i = 0; i < n; i++)
        square += ((double)x[i] - mean) * ((double)x[i] - mean);
    double r = 1 / sqrt(square / (double)n + (double)epsilon);
    for (size_t i = 0; i < n; i++)
        y[i] = (float)(((double)x[i] - mean) * r) * (weight ? weight[i] : 1) + (bias ? bias[i] : 0);
}

void add_scalar(float *y, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] += x[i];
}

#define GATED(name, value)                                                              \
    void name##_mul_scalar(float *y, const float *gate, const float *up, size_t n)     \
    {                                                                                   \
        for (size_t i = 0; i < n; i++) {                                                \
            double g = (double)gate[i];                                                 \
            y[i] = (float)(value) * (up ? up[i] : 1);                                   \
        }                                                                               \
    }
GATED(silu, g / (1 + exp(-g)))
GATED(gelu_tanh, g / 2 * (1 + tanh(0.79788456080286535588 * (g + 0.044715 * g * g * g))))
GATED(gelu_erf, g / 2 * erfc(-g * 0.70710678118654752440))
GATED(gelu_quick, g / (1 + exp(-1.702 * g)))
GATED(relu, g > 0 ? g : g <= 0 ? 0 : g)
#undef GATED

void softmax_scalar(float *y, const float *x, size_t n)
{
    double top = -INFINITY, sum = 0;
    for (size_t i = 0; i < n; i++)
        top = fmax(top, (double)x[i]);
    for (size_t i = 0; i < n; i++)
        sum += exp((double)x[i] - top);
    for (size_t i = 0; i < n; i++)
        y[i] = (float)(exp((double)x[i] - top) / sum);
}

static void rotate(float *a, float *b, const float *cos_sin)
{
    double x = (double)*a, y = (double)*b, c = (double)cos_sin[0], s = (double)cos_sin[1];
    *a = (float)(x * c - y * s);
    *b = (float)(x * s + y * c);
}

void rope_halves_scalar(float *x, const float *cos_sin, size_t n)
{
    for (size_t i = 0; i < n; i++)
        rotate(&x[i], &x[n + i], cos_sin + 2 * i);
}

void rope_pairs_scalar(float *x, const float *cos_sin, size_t n)
{
    for (size_t i = 0; i < n; i++)
        rotate(&x[2 * i], &x[2 * i + 1], cos_sin + 2 * i);
}

/* ---- keys and values into a cache ---------------------------------------------------------------------------------- */

static void put_half(char *dst, float x)
{
    uint16_t h = f16_from_f32(x);
    memcpy(dst, &h, 2);
}

/* A block of 32 with one scale, the value of the largest magnitude at the end of the range: what ggml writes too. */
static void store_q8(char *dst, const float *x)
{
    float most = 0;
    for (int i = 0; i < 32; i++)
        most = fmaxf(most, fabsf(x[i]));
    float d = most / 127, inverse = d > 0 ? 1 / d : 0;
    put_half(dst, d);
    for (int i = 0; i < 32; i++)
        dst[2 + i] = (char)(int)rintf(x[i] * inverse);
}

static void store_q4(char *dst, const float *x)
{
    float most = 0;
    for (int i = 0; i < 32; i++)
        most = fabsf(x[i]) > fabsf(most) ? x[i] : most;
    float d = most / -8, inverse = d != 0 ? 1 / d : 0;
    put_half(dst, d);
    for (int i = 0; i < 16; i++) {
        int low = (int)(x[i] * inverse + 8.5f), high = (int)(x[i + 16] * inverse + 8.5f);
        dst[2 + i] = (char)((low < 15 ? low : 15) | (high < 15 ? high : 15) << 4);
    }
}

void store_row_scalar(enum dtype type, void *dst, const float *src, size_t n)
{
    char *out = dst;
    switch (type) {
    case DTYPE_F32:
        memcpy(out, src, n * 4);
        break;
    case DTYPE_F16:
        for (size_t i = 0; i < n; i++)
            put_half(out + 2 * i, src[i]);
        break;
    case DTYPE_BF16:
        for (size_t i = 0; i < n; i++) {
            uint16_t b = bf16_from_f32(src[i]);
            memcpy(out + 2 * i, &b, 2);
        }
        break;
    case DTYPE_Q8_0:
        for (size_t i = 0; i < n; i += 32, out += 34)
            store_q8(out, src + i);
        break;
    case DTYPE_Q4_0:
        for (size_t i = 0; i < n; i += 32, out += 18)
            store_q4(out, src + i);
        break;
    default:
        break; /* not a KV type: kernels.h lists them */
    }
}
