/* encode_fit.h - the searches behind encode.c: integers and scales that lie near given values.
 *
 * All errors are weighted sums of squares. Scales that are stored as float16 are rounded here, before the integers are
 * chosen for the last time, so that what is minimised is what will be decoded. n is a multiple of 8.
 */
#ifndef KERNELS_ENCODE_FIT_H
#define KERNELS_ENCODE_FIT_H

#include <stdbool.h>
#include <stdint.h>

enum { SUPER = 256, SUBS_MAX = 16 };

/* x ~ scale * q, lo <= q <= hi. */
float fit_symmetric(int n, const float *x, const float *w, int lo, int hi);
/* x ~ scale * q + offset, 0 <= q <= hi, scale >= 0; with `negative_offset` the offset is never above 0. */
void fit_affine(int n, const float *x, const float *w, int hi, bool negative_offset, float *scale, float *offset);

/* q = the nearest integers to (x - offset) / scale within lo..hi. */
void fit_round(int n, const float *x, float scale, float offset, int lo, int hi, int8_t *q);

/* A super-block of 256 values in sub-blocks of `len`. */
struct super_fit {
    float d, dmin;       /* exactly representable as float16 */
    int scale[SUBS_MAX]; /* of each sub-block */
    int min[SUBS_MAX];   /* affine only */
    int8_t q[SUPER];
};
/* x ~ d * scale[s] * q, q in q_lo..q_hi, scale in s_lo..s_hi (s_lo < 0). */
void fit_super_symmetric(const float *x, const float *w, int len, int q_lo, int q_hi, int s_lo, int s_hi,
                         struct super_fit *f);
/* x ~ d * scale[s] * q - dmin * min[s], q in 0..q_hi, scale and min in 0..s_hi. */
void fit_super_affine(const float *x, const float *w, int len, int q_hi, int s_hi, struct super_fit *f);

#endif
