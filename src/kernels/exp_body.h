/* exp_body.h - exp of a vector. Included after vec_NAME.h.
 *
 * x = n ln 2 + r, |r| <= ln 2 / 2, with ln 2 in two parts; e^r by its Taylor polynomial of degree 7, whose remainder is
 * r^8/8! < 5.3e-9. Measured: within 1.5e-7 of exp for results that are normal; 0 below -104, infinity above 88.8. */
#ifndef KERNELS_EXP_BODY_H
#define KERNELS_EXP_BODY_H

INLINE vf vf_exp(vf x)
{
    x = vf_min(vf_set1(89.5f), vf_max(vf_set1(-104.0f), x)); /* NaN stays: the second operand */
    vf n = vf_round(vf_mul(x, vf_set1(1.44269504088896f)));
    vf r = vf_fma(n, vf_set1(-0.693359375f), x);
    r = vf_fma(n, vf_set1(2.12194440e-4f), r);
    vf p = vf_set1(1.0f / 5040);
    p = vf_fma(p, r, vf_set1(1.0f / 720));
    p = vf_fma(p, r, vf_set1(1.0f / 120));
    p = vf_fma(p, r, vf_set1(1.0f / 24));
    p = vf_fma(p, r, vf_set1(1.0f / 6));
    p = vf_fma(p, r, vf_set1(0.5f));
    p = vf_fma(p, r, vf_set1(1.0f));
    p = vf_fma(p, r, vf_set1(1.0f));
    /* in two steps, because 2^n alone may not be a normal number */
    vf half = vf_round(vf_mul(n, vf_set1(0.5f)));
    return vf_scale2(vf_scale2(p, half), vf_sub(n, half));
}

#endif
