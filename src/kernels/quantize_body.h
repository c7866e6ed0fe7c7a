/* quantize_body.h - activations become small integers. Included after vec_NAME.h. */
#ifndef KERNELS_QUANTIZE_BODY_H
#define KERNELS_QUANTIZE_BODY_H

/* One row of up to 256 values: quants, scales and sums as the kind wants them. `scaled` values share a scale. Values
 * smaller than 1e-30 throughout count as zero; an infinity or NaN makes the scale NaN, so that it is not hidden. */
INLINE void quantize(const float *x, size_t n, int scaled, quant_a *q, float scale[8], int32_t sum[16])
{
    for (size_t i = 0; i < n; i += (size_t)scaled) {
        vf top = vf_zero(), poison = vf_zero();
        for (size_t j = i; j < i + (size_t)scaled; j += LANES) {
            vf v = vf_load(x + j);
            top = vf_max(vf_abs(v), top);
            poison = vf_fma(v, vf_zero(), poison);
        }
        float most = vf_hmax(top);
        float inverse = most > 1e-30f ? 127.0f / most : 0.0f;
        scale[i / 32] = (most > 1e-30f ? most / 127.0f : 0.0f) + vf_hsum(poison);
        vf inv = vf_set1(inverse);
        for (size_t j = i; j < i + (size_t)scaled; j += 16) {
            vi total = vi_zero();
            UNROLL for (size_t l = 0; l < 16; l += LANES) {
                /* what is not finite has no integer: its scale is NaN already */
                vf real = vf_max(vf_mul(vf_load(x + j + l), inv), vf_set1(-127));
                vi v = vi_round(vf_min(real, vf_set1(127)));
                quant_store(q + j + l, v);
                total = vi_add(total, v);
            }
            sum[j / 16] = vi_hsum(total);
        }
    }
}

#endif
