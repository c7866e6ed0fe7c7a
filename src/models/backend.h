/* backend.h - the arithmetic of a forward, behind one table of operations.
 *
 * A variant of the native engine ("ref", "fast") is a row: `ref` is plain float32 with float64 sums and is what every
 * other row is compared with. The order of layers, what is cached and who sees whom is not here: session.c and the
 * architectures call these operations and never look at numbers.
 *
 * Conventions. Activations are float32, row-major, [rows][width], rows contiguous. Weights stay as they lie in the file.
 * No operation allocates or fails; scratch belongs to the state made by `open`. The result of a row does not depend on which
 * other rows are in the call: with `ref` to the bit, with `fast` to rounding, and to the bit where row_invariant is asked.
 */
#ifndef MODELS_BACKEND_H
#define MODELS_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/dtype.h"
#include "base/err.h"

/* n outputs of k inputs: output i is row i, at data + i*stride, as stored. Borrowed. `bias` is [n] or NULL. data NULL: the
 * model has no such weight. */
struct weight {
    enum dtype type;
    const void *data;
    size_t stride; /* bytes from row to row */
    size_t n, k;
    const float *bias;
    const struct weight *outliers; /* [n][their number], added for the inputs `columns`; NULL: none. Not the backend's work */
    const int32_t *columns;
};

enum activation { ACT_SILU, ACT_GELU, ACT_GELU_TANH, ACT_QUICK_GELU, ACT_RELU, ACT_COUNT };

/* Keys and values of one layer of one sequence: slot s is at k + s*stride and v + s*stride, [kv_heads * head_dim] numbers
 * of `type`. */
struct kv_span {
    enum dtype type;
    char *k, *v;
    size_t stride;
};

/* One query row. It sees the slots [from, to), then the slots of `more` in that order (empty for chains). */
struct attention_row {
    struct kv_span kv;
    int32_t from, to;
    const int32_t *more; /* borrowed */
    int32_t n_more;
};

struct attention {
    const struct attention_row *rows;
    size_t n_rows;
    const float *q; /* [n_rows][heads * head_dim] */
    float *out;     /* the same shape, another place */
    int heads, kv_heads, head_dim;
    float scale;
    float softcap; /* c > 0: scores become c*tanh(score/c); 0: they stay */
};

struct backend_needs {
    int threads;
    size_t rows;  /* the most in one call */
    size_t width; /* the most inputs or outputs of any weight */
    size_t slots; /* the most that a row can see */
    int heads, kv_heads, head_dim;
    bool bf16;          /* F16 and F32 weights may be rounded to bfloat16 */
    bool row_invariant; /* a row's bits must not depend on the other rows of the call */
};

struct backend {
    const char *name;
    const char *what; /* for tables and errors */

    /* MUST. The types of KV cache it has, and the one taken when none is asked for. */
    bool (*has_kv)(enum dtype t);
    enum dtype kv;
    /* MUST. Gives *state; NULL there is allowed. */
    int (*open)(void **state, const struct backend_needs *needs, struct err *err);
    void (*close)(void *state);

    /* All MUST. */
    /* y[r][i] = sum of x[r][j] w[i][j], plus bias. */
    void (*matmul)(void *state, float *y, const float *x, size_t rows, const struct weight *w);
    /* y[r] = row ids[r] of w, decoded. */
    void (*gather)(void *state, float *y, const struct weight *w, const int32_t *ids, size_t rows);
    /* y = x / sqrt(mean x^2 + epsilon) * weight, row by row; y may be x. */
    void (*rms_norm)(void *state, float *y, const float *x, const float *weight, size_t rows, size_t n, float epsilon);
    /* y = (x - mean) / sqrt(variance + epsilon) * weight + bias; weight and bias may be NULL; y may be x. */
    void (*layer_norm)(void *state, float *y, const float *x, const float *weight, const float *bias, size_t rows,
                       size_t n, float epsilon);
    /* Rotates the first 2*n_pairs numbers of each head of x [rows][heads * head_dim] in place: pairs (i, i + n_pairs), or
     * (2i, 2i + 1) if `adjacent`. cos_sin is [rows][n_pairs][2]. */
    void (*rope)(void *state, float *x, const float *cos_sin, size_t rows, int heads, int head_dim, int n_pairs,
                 bool adjacent);
    /* One row [width] of keys and values into slot `slot`. */
    void (*store)(void *state, const struct kv_span *kv, int32_t slot, const float *k, const float *v, size_t width);
    void (*attention)(void *state, const struct attention *a);
    /* y = f(gate) * up; up NULL means 1; y may be gate. */
    void (*activate)(void *state, enum activation f, float *y, const float *gate, const float *up, size_t n);
    /* y += x */
    void (*add)(void *state, float *y, const float *x, size_t n);
};

#define BACKEND(name) extern const struct backend backend_##name;
#include "models/backend_list.h"
#undef BACKEND

/* By name; NULL means the first of the list. An unknown one is an error that lists what there is. "fast" where it is not
 * built gives ref: session_variant() says what was taken. */
int backend_choose(const struct backend **out, const char *name, struct err *err);

#endif
