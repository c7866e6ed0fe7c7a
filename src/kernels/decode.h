/* decode.h - stored numbers to float32, plainly: the definition that every faster path is compared with. */
#ifndef KERNELS_DECODE_H
#define KERNELS_DECODE_H

#include <stddef.h>

#include "base/dtype.h"

/* dst[0 .. n) from n values of type t at `src`, which need not be aligned and must not overlap dst. n must be a whole
 * number of blocks: otherwise -1, and nothing is written. Widening floats and quantized blocks are exact to the bit
 * where ggml's reference defines the order of its float operations (each product and each difference rounded singly, never
 * fused); F64 and integers above 2^24 are rounded to nearest. */
extern const float nf4_values[16]; /* what an index of NF4 stands for, rising */

int decode_row(enum dtype t, const void *src, float *dst, size_t n);

#endif
