/* gemv_avx512.h - the product with one row of activations, for the types where the general way falls behind memory. */
#ifndef KERNELS_GEMV_AVX512_H
#define KERNELS_GEMV_AVX512_H

#include "kernels/kernels.h"

bool gemv_has(enum dtype t);
/* Types of one kind share packed activations. Small numbers above 0. */
uint32_t gemv_kind(enum dtype t);
/* Rows of w that are read at once: calls of gemv_rows should take multiples of it. */
size_t gemv_side_by_side(enum dtype t);
size_t gemv_packed_bytes(enum dtype t, size_t k);
void gemv_pack(enum dtype t, const float *x, size_t k, void *packed);
/* y[from .. to) of all rows of w. */
void gemv_rows(const struct matrix *w, const void *packed, float *y, size_t from, size_t to);

#endif
