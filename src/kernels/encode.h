/* encode.h - float32 values into storage types: the other direction of decode.h.
 *
 *     encode_row(DTYPE_Q4_K, weights, importance, out, n);     // n: whole blocks; out: dtype_row_bytes
 *
 * Each block is fitted so that sum of importance[i] * (x[i] - decoded[i])^2 is small: candidates for the scale (and the
 * minimum) are tried on a grid, the best is improved by alternating least squares and rounding, and the scales of
 * super-blocks are searched again after they were themselves rounded to 4, 6 or 8 bits. The result depends on the block
 * alone: any split of the work over threads gives the same bytes.
 *
 * The layouts are ggml's (decode.h reads them); the search is our own.
 */
#ifndef KERNELS_ENCODE_H
#define KERNELS_ENCODE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/dtype.h"

/* Can values be written as this type? (F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2_K to Q6_K.) */
bool encode_supported(enum dtype t);

/* x [n] finite; importance [n] >= 0 (mean squared activation of each column) or NULL: then values near and far from zero
 * count almost alike. n is a multiple of dtype_block(t); the caller has asked encode_supported. */
void encode_row(enum dtype t, const float *x, const float *importance, void *dst, size_t n);

#endif
