/* kernels.h - arithmetic on arrays, for every instruction set this program knows. Knows no model and no file.
 *
 *     const struct kernel_set *k;
 *     TRY(kernels_choose(&k, NULL, err));            // the best this processor has; PRONY_KERNELS overrides
 *     struct product p = {.w = {DTYPE_Q8_0, data, row_bytes, n, k}, .x = x, .x_stride = k, .y = y, .y_stride = n, .rows = m};
 *     void *scratch = mem_alloc_aligned(product_scratch(k, &p, 1, team_size(team)), 1, 64, err);
 *     product_run(k, team, &p, 1, scratch);          // product.h
 *
 * A set is a table of functions, one for each operation; set and instruction set have one name (list.h). A slot may be
 * NULL in a set: the chosen table then has the function of the next lower set. `scalar` has all, sums in float64 and is
 * the oracle of the others. Nothing here allocates, fails or keeps state: sizes are the caller's duty, scratch memory is
 * the caller's.
 *
 * Arithmetic of the fast sets, by the type of the weights:
 *   F32 F16              float32, each output one chain of fused multiply-adds a lane (bfloat16 with MATH_BF16)
 *   BF16                 products of bfloat16 (activations rounded to it), float32 sums
 *   8-bit activations    Q8_0 Q4_0 Q4_1 Q5_0 Q5_1 IQ4_NL: one scale for 32 activations, Q2_K-Q6_K IQ4_XS: one for 128;
 *                        products and sums within a block of weights are exact integers
 *   any other            decoded to float32
 * A set without bfloat16 or byte products uses something more exact; kernel_set.what says so.
 */
#ifndef KERNELS_KERNELS_H
#define KERNELS_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/dtype.h"
#include "base/err.h"

/* n rows of k values as they lie in a file: row i starts at data + i*stride bytes, unaligned. Borrowed. No byte after
 * the last row's last block is read. */
struct matrix {
    enum dtype type;
    const void *data;
    size_t stride;
    size_t n, k;
};

enum math {
    MATH_NATIVE, /* as listed above */
    MATH_BF16,   /* F16 and F32 weights rounded to bfloat16 on the fly: faster, relative error 2^-9 a factor */
};

/* y[r][j] = sum over i of x[r][i] * w[j][i], for r < rows, j < w.n, i < w.k. Strides of x and y in floats. */
struct product {
    struct matrix w;
    const float *x;
    size_t x_stride;
    float *y;
    size_t y_stride;
    size_t rows;
    enum math math;
    bool row_invariant; /* a row of y has the same bits however many rows there are */
};

/* How a set will compute a product: filled by kernel_set.product_plan, read by product.c and by the set itself. */
struct product_plan {
    uint32_t kind;        /* products of the same x whose kinds are equal share the packed activations */
    size_t tiles;         /* activations are packed in tiles of some rows; 0: not packed */
    size_t stripes;       /* each of which is packed in so many independent pieces */
    size_t packed_bytes;  /* of all tiles */
    size_t work_bytes;    /* scratch of each thread */
    size_t chunk;         /* rows of w that one call should take at most */
    size_t full_tile;     /* rows of x in every tile but the last */
    size_t full_bytes;    /* packed bytes of such a tile */
    int last_vectors, last_split; /* the last tile: vectors a step, lanes that share a row */
};

struct attend; /* attention.h */

struct kernel_set {
    const char *name;
    const char *what;  /* "AVX-512 F BW VL DQ VNNI BF16: ..." for a table */
    /* MUST. NULL if this processor can run the set, else what it lacks. */
    const char *(*missing)(void);

    /* Matrix product. All three MUST be there together or none. */
    void (*product_plan)(const struct product *p, struct product_plan *plan);
    void (*product_pack)(const struct product *p, const struct product_plan *plan, size_t piece, void *packed);
    /* Rows [from, to) of w, at most plan->chunk, for all rows of x. */
    void (*product_chunk)(const struct product *p, const struct product_plan *plan, const void *packed, void *work,
                          size_t from, size_t to);

    /* y = x / rms(x) * weight; weight may be NULL (1). */
    void (*rms_norm)(float *y, const float *x, const float *weight, size_t n, float epsilon);
    /* y = (x - mean) / sd * weight + bias; both may be NULL. */
    void (*layer_norm)(float *y, const float *x, const float *weight, const float *bias, size_t n, float epsilon);
    void (*add)(float *y, const float *x, size_t n);                      /* y += x */
    /* y = f(gate) * up; up NULL means 1; y may be gate. */
    void (*silu_mul)(float *y, const float *gate, const float *up, size_t n);
    void (*gelu_tanh_mul)(float *y, const float *gate, const float *up, size_t n);
    void (*gelu_erf_mul)(float *y, const float *gate, const float *up, size_t n);
    void (*gelu_quick_mul)(float *y, const float *gate, const float *up, size_t n); /* gate * sigmoid(1.702 gate) * up */
    void (*relu_mul)(float *y, const float *gate, const float *up, size_t n);
    void (*softmax)(float *y, const float *x, size_t n);                  /* -INFINITY is allowed, not everywhere */
    /* Turns n pairs of one head in place, pair i by cos_sin[2*i], cos_sin[2*i + 1]: pairs (i, i + n) ... */
    void (*rope_halves)(float *x, const float *cos_sin, size_t n);
    void (*rope_pairs)(float *x, const float *cos_sin, size_t n); /* ... or (2i, 2i + 1) */
    /* One row of n float32 into a KV type (F32, F16, BF16, Q8_0, Q4_0) and nothing else; n is whole blocks. */
    void (*store_row)(enum dtype type, void *dst, const float *src, size_t n);

    /* Attention (attention.h), all three or none: scratch of a thread; how many rows from row `from` on make one piece of
     * work; rows [from, to) of the query heads that share key head `head_kv`. */
    size_t (*attend_bytes)(size_t heads, size_t heads_kv, size_t dim);
    size_t (*attend_rows)(const struct attend *a, size_t from);
    void (*attend)(const struct attend *a, size_t head_kv, size_t from, size_t to, void *work);
};

#define KERNELS(name) extern const struct kernel_set kernels_##name;
#include "kernels/list.h"
#undef KERNELS

/* The table for this processor, or for the instruction set named `only` and those below it (NULL: the environment
 * variable PRONY_KERNELS, else the best). Borrowed, never freed, the same for all callers. An unknown name or a set that
 * this processor or build lacks is an error that lists what there is. */
int kernels_choose(const struct kernel_set **out, const char *only, struct err *err);

/* The sets this build has, best first; missing() tells why one is not used. */
size_t kernels_count(void);
const struct kernel_set *kernels_at(size_t i);
/* For each operation of a chosen table: its name and the set it came from. NULL past the end. */
const char *kernels_operation(const struct kernel_set *chosen, size_t i, const char **from);

#endif
