/* small_body.h - norms, activations, softmax, rotation and storing of one row. Included once by small_NAME.c after
 * vec_NAME.h. Sums are float32 in four chains of LANES each; exp is a polynomial. */
#include <math.h>

#include "kernels/halffloat.h"
#include "kernels/exp_body.h"
#include "kernels/sets.h"

/* Calls WHOLE for each vector and PART for the rest, with i its first index and n how many lanes count. */
#define EACH_VECTOR(count, WHOLE, PART)                     \
    size_t i = 0;                                           \
    for (; i + LANES <= (count); i += LANES) {              \
        WHOLE;                                              \
    }                                                       \
    if (i < (count)) {                                      \
        const size_t n_part = (count) - i;                  \
        PART;                                               \
    }

INLINE float sum_squares(const float *x, size_t n, vf shift)
{
    vf sum[4] = {vf_zero(), vf_zero(), vf_zero(), vf_zero()};
    size_t i = 0;
    for (; i + 4 * LANES <= n; i += 4 * LANES)
        UNROLL for (int j = 0; j < 4; j++) {
            vf v = vf_sub(vf_load(x + i + j * LANES), shift);
            sum[j] = vf_fma(v, v, sum[j]);
        }
    for (; i < n; i += LANES) {
        size_t rest = n - i < LANES ? n - i : LANES;
        vf v = vf_keep(vf_sub(vf_load_part(x + i, rest), shift), rest, vf_zero());
        sum[0] = vf_fma(v, v, sum[0]);
    }
    return vf_hsum(vf_add(vf_add(sum[0], sum[1]), vf_add(sum[2], sum[3])));
}

void ISA(rms_norm)(float *y, const float *x, const float *weight, size_t n, float epsilon)
{
    vf r = vf_set1(1.0f / sqrtf(sum_squares(x, n, vf_zero()) / (float)n + epsilon));
    EACH_VECTOR(n, vf v = vf_mul(vf_load(x + i), r); vf_store(y + i, weight ? vf_mul(v, vf_load(weight + i)) : v),
                vf v = vf_mul(vf_load_part(x + i, n_part), r);
                vf_store_part(y + i, n_part, weight ? vf_mul(v, vf_load_part(weight + i, n_part)) : v))
}

void ISA(layer_norm)(float *y, const float *x, const float *weight, const float *bias, size_t n, float epsilon)
{
    vf sum = vf_zero();
    {
        EACH_VECTOR(n, sum = vf_add(sum, vf_load(x + i)), sum = vf_add(sum, vf_load_part(x + i, n_part)))
    }
    vf mean = vf_set1(vf_hsum(sum) / (float)n);
    vf r = vf_set1(1.0f / sqrtf(sum_squares(x, n, mean) / (float)n + epsilon));
    for (size_t i = 0; i < n; i += LANES) {
        size_t rest = n - i < LANES ? n - i : LANES;
        vf v = vf_mul(vf_sub(vf_load_part(x + i, rest), mean), r);
        if (weight)
            v = vf_mul(v, vf_load_part(weight + i, rest));
        if (bias)
            v = vf_add(v, vf_load_part(bias + i, rest));
        vf_store_part(y + i, rest, v);
    }
}

void ISA(add)(float *y, const float *x, size_t n)
{
    EACH_VECTOR(n, vf_store(y + i, vf_add(vf_load(y + i), vf_load(x + i))),
                vf_store_part(y + i, n_part, vf_add(vf_load_part(y + i, n_part), vf_load_part(x + i, n_part))))
}

INLINE vf sigmoid_times(vf g, vf slope) /* g / (1 + exp(-slope g)) */
{
    vf e = vf_exp(vf_mul(vf_sub(vf_zero(), slope), g));
    return vf_div(g, vf_add(vf_set1(1), e));
}

INLINE vf silu(vf g)
{
    return sigmoid_times(g, vf_set1(1));
}

INLINE vf gelu_quick(vf g)
{
    return sigmoid_times(g, vf_set1(1.702f));
}

/* g/2 (1 + tanh u) = g / (1 + exp(-2u)) */
INLINE vf gelu_tanh(vf g)
{
    vf u = vf_mul(g, vf_fma(vf_mul(g, g), vf_set1(0.0713548162726f), vf_set1(1.59576912160573f)));
    return vf_div(g, vf_add(vf_set1(1), vf_exp(vf_sub(vf_zero(), u))));
}

INLINE vf relu(vf g)
{
    return vf_max(vf_zero(), g); /* NaN stays: max returns its second operand then */
}

#define GATED(name)                                                                                             \
    void ISA(name##_mul)(float *y, const float *gate, const float *up, size_t n)                                \
    {                                                                                                           \
        EACH_VECTOR(n, vf v = name(vf_load(gate + i)); vf_store(y + i, up ? vf_mul(v, vf_load(up + i)) : v),    \
                    vf v = name(vf_load_part(gate + i, n_part));                                                \
                    vf_store_part(y + i, n_part, up ? vf_mul(v, vf_load_part(up + i, n_part)) : v))             \
    }
GATED(silu)
GATED(gelu_tanh)
GATED(gelu_quick)
GATED(relu)

void ISA(softmax)(float *y, const float *x, size_t n)
{
    const vf low = vf_set1(-INFINITY);
    vf top = low, sum = vf_zero();
    {
        EACH_VECTOR(n, top = vf_max(vf_load(x + i), top),
                    top = vf_max(vf_keep(vf_load_part(x + i, n_part), n_part, low), top))
    }
    const vf most = vf_set1(vf_hmax(top));
    {
        EACH_VECTOR(n, vf e = vf_exp(vf_sub(vf_load(x + i), most)); sum = vf_add(sum, e); vf_store(y + i, e),
                    vf e = vf_keep(vf_exp(vf_sub(vf_load_part(x + i, n_part), most)), n_part, vf_zero());
                    sum = vf_add(sum, e); vf_store_part(y + i, n_part, e))
    }
    const vf scale = vf_set1(1.0f / vf_hsum(sum));
    EACH_VECTOR(n, vf_store(y + i, vf_mul(vf_load(y + i), scale)),
                vf_store_part(y + i, n_part, vf_mul(vf_load_part(y + i, n_part), scale)))
}

/* Float products are rounded singly, as in the plain form: the compiler vectorizes these for the set. */
void ISA(rope_halves)(float *x, const float *cos_sin, size_t n)
{
    float *a = x, *b = x + n;
    for (size_t i = 0; i < n; i++) {
        float c = cos_sin[2 * i], s = cos_sin[2 * i + 1], u = a[i], v = b[i];
        a[i] = u * c - v * s;
        b[i] = u * s + v * c;
    }
}

void ISA(rope_pairs)(float *x, const float *cos_sin, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float c = cos_sin[2 * i], s = cos_sin[2 * i + 1], u = x[2 * i], v = x[2 * i + 1];
        x[2 * i] = u * c - v * s;
        x[2 * i + 1] = u * s + v * c;
    }
}

void ISA(store_row)(enum dtype type, void *dst, const float *src, size_t n)
{
    uint8_t *out = dst;
    size_t i = 0;
    if (type == DTYPE_F16) {
        for (; i + LANES <= n; i += LANES)
            vf_store_f16(out + 2 * i, vf_load(src + i));
    } else if (type == DTYPE_BF16) {
        for (; i < n; i++) { /* not the set's conversion: that of AVX-512 flushes denormals */
            uint16_t b = bf16_from_f32(src[i]);
            memcpy(out + 2 * i, &b, 2);
        }
    }
    if (i < n)
        store_row_scalar(type, out + i * dtype_block_bytes(type) / dtype_block(type), src + i, n - i);
}
