/* low_bit.h - the two ways of storing weights that people load models with in Python: LLM.int8() and NF4.
 *
 * INT8 (Dettmers et al. 2022, "LLM.int8()"): a row of a matrix has one scale, its largest magnitude / 127, and 8-bit
 * integers; columns of outliers are left out and kept in float16. The paper finds outliers among the activations (magnitude
 * 6 and more), which are unknown when a model is loaded: here a column is one when it holds a weight of 6 standard deviations
 * of its matrix. Products are of float32 activations.
 *
 * NF4 (Dettmers et al. 2023, "QLoRA"; as bitsandbytes does it): blocks of 64 values, each the nearest of sixteen quantiles
 * of a normal distribution times the block's largest magnitude. With double quantization these magnitudes, less their mean,
 * are stored in 8 bits of a dynamic exponent, with one float32 for 256 of them. Here the magnitude that comes out of that lies
 * beside its block as float32: what is computed is the same, a weight takes 4.5 bits instead of 4.13.
 */
#ifndef TRANSFORM_LOW_BIT_H
#define TRANSFORM_LOW_BIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NF4_BLOCK = 64, NF4_BYTES = 36, INT8_BLOCK = 32, INT8_BYTES = 36 };

/* One row of n values (whole blocks of 32) becomes blocks of DTYPE_INT8; columns where `left_out` is true (NULL: none) do not
 * count for the scale and are 0. */
void int8_encode_row(const float *x, size_t n, const bool *left_out, uint8_t *out);

float nf4_magnitude(const float x[NF4_BLOCK]);
/* What n magnitudes are after they were quantized themselves, in place. */
void nf4_double_quantize(float *magnitudes, size_t n);
/* A block of DTYPE_NF4: indices by its own magnitude, beside it the one that was stored. */
void nf4_encode_block(const float x[NF4_BLOCK], float stored, uint8_t out[NF4_BYTES]);

#endif
