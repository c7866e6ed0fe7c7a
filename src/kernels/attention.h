/* attention.h - softmax(q k^T * scale) v over a cache of keys and values, blockwise, without a table of scores.
 *
 * Each query row says which slots of its cache it sees: a run [from, to), which is all that a causal or sliding-window mask
 * needs, then single slots `more`, for branches of a tree. Other slots are never read. A row that sees nothing gives
 * zeros.
 *
 * The fast sets sum in float32 with an online softmax over blocks of ATTENTION_BLOCK slots, counted from `from`. Many rows of
 * one cache whose `from` is equal, without `more`, are done together in tiles (a prompt); with row_invariant, or a few rows,
 * each row is done by itself and its bits do not depend on its neighbours.
 */
#ifndef KERNELS_ATTENTION_H
#define KERNELS_ATTENTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/dtype.h"
#include "base/team.h"

enum { ATTENTION_BLOCK = 64 };

/* What a query row sees. Head h of slot s has its keys at k + s*stride_k + h*(bytes of dim numbers); v alike. Borrowed. */
struct sight {
    const char *k, *v;
    size_t stride_k, stride_v;
    int32_t from, to;
    const int32_t *more;
    int32_t n_more;
};

/* Query heads h*G .. h*G + G-1 use key and value head h, G = heads / heads_kv. */
struct attend {
    const struct sight *sight; /* [rows] */
    size_t rows, heads, heads_kv, dim;
    const float *q;      /* [rows][heads][dim] */
    float *out;          /* [rows][heads][dim], another place */
    enum dtype type;     /* of keys and values: F32, F16, BF16, Q8_0 or Q4_0; dim is whole blocks */
    float scale;         /* usually 1/sqrt(dim) */
    float softcap;       /* c > 0: scores become c*tanh(score/c); 0: they stay */
    bool row_invariant;
};

struct kernel_set;

/* Scratch bytes (aligned to 64) that attend_run needs for such heads and a team of this size. */
size_t attend_scratch(const struct kernel_set *k, size_t heads, size_t heads_kv, size_t dim, int threads);

/* All rows and heads. The same bits for any size of the team. */
void attend_run(const struct kernel_set *k, struct team *t, const struct attend *a, void *scratch);

#endif
