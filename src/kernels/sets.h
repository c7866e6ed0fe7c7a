/* sets.h - the functions that the tables in set_NAME.c collect, one declaration for all instruction sets. */
#ifndef KERNELS_SETS_H
#define KERNELS_SETS_H

#include "kernels/attention.h"
#include "kernels/kernels.h"

#define DECLARE(isa)                                                                                              \
    void product_plan_##isa(const struct product *p, struct product_plan *plan);                                  \
    void product_pack_##isa(const struct product *p, const struct product_plan *plan, size_t piece, void *packed); \
    void product_chunk_##isa(const struct product *p, const struct product_plan *plan, const void *packed,        \
                             void *work, size_t from, size_t to);                                                 \
    void rms_norm_##isa(float *y, const float *x, const float *weight, size_t n, float epsilon);                  \
    void layer_norm_##isa(float *y, const float *x, const float *weight, const float *bias, size_t n,             \
                          float epsilon);                                                                         \
    void add_##isa(float *y, const float *x, size_t n);                                                           \
    void silu_mul_##isa(float *y, const float *gate, const float *up, size_t n);                                  \
    void gelu_tanh_mul_##isa(float *y, const float *gate, const float *up, size_t n);                             \
    void gelu_erf_mul_##isa(float *y, const float *gate, const float *up, size_t n);                              \
    void gelu_quick_mul_##isa(float *y, const float *gate, const float *up, size_t n);                            \
    void relu_mul_##isa(float *y, const float *gate, const float *up, size_t n);                                  \
    void softmax_##isa(float *y, const float *x, size_t n);                                                       \
    void rope_halves_##isa(float *x, const float *cos_sin, size_t n);                                             \
    void rope_pairs_##isa(float *x, const float *cos_sin, size_t n);                                              \
    void store_row_##isa(enum dtype type, void *dst, const float *src, size_t n);                                 \
    size_t attend_bytes_##isa(size_t heads, size_t heads_kv, size_t dim);                                          \
    size_t attend_rows_##isa(const struct attend *a, size_t from);                                               \
    void attend_##isa(const struct attend *a, size_t head_kv, size_t from, size_t to, void *work);
DECLARE(scalar)
DECLARE(avx2)
DECLARE(avx512)
DECLARE(neon)
#undef DECLARE

#endif
