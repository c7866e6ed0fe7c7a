/* backend_fast.c - the native engine at the speed of the machine: kernels/ on a team of threads.
 *
 * The arithmetic is that of the chosen kernel set (kernels.h says which for each type of weights). Operations on few numbers
 * stay on the calling thread, because a meeting of the team costs a microsecond; what is split is split so that results
 * do not depend on the number of threads. A row's bits depend on how many rows are in the call, unless the session asked for
 * row_invariant. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "kernels/attention.h"
#include "kernels/decode.h"
#include "kernels/product.h"
#include "models/backend.h"

enum {
    ALONE = 16384, /* numbers that one thread does by itself */
    PIECES = 64,   /* in which more are handed out */
};

struct fast {
    const struct kernel_set *k;
    struct team *team;
    enum math math;
    bool row_invariant;
    struct sight *sight; /* [rows] */
    char *scratch;       /* of products and attention */
};

static bool fast_has_kv(enum dtype t)
{
    return t == DTYPE_F32 || t == DTYPE_F16 || t == DTYPE_BF16 || t == DTYPE_Q8_0 || t == DTYPE_Q4_0;
}

static void fast_close(void *state)
{
    struct fast *f = state;
    if (!f)
        return;
    team_close(f->team);
    free(f->sight);
    free(f->scratch);
    free(f);
}

/* The most that any product of these sizes takes: one row goes another way than many, and whole tiles are the largest. */
static size_t scratch_bytes(const struct fast *f, const struct backend_needs *needs)
{
    const size_t threads = (size_t)team_size(f->team), many = (needs->rows + 31) / 32 * 32;
    size_t most = attend_scratch(f->k, (size_t)needs->heads, (size_t)needs->kv_heads, (size_t)needs->head_dim, (int)threads);
    for (int t = 0; t < DTYPE_COUNT; t++) {
        size_t block = dtype_block((enum dtype)t), k = (needs->width + block - 1) / block * block;
        for (int one = 0; one < 2; one++) {
            struct product p = {.w = {.type = (enum dtype)t, .n = 1, .k = k, .stride = 1}, .rows = one ? 1 : many,
                                .row_invariant = f->row_invariant};
            size_t bytes = product_scratch(f->k, &p, 1, (int)threads);
            most = bytes > most ? bytes : most;
        }
    }
    return most;
}

static int fast_open(void **state, const struct backend_needs *needs, struct err *err)
{
    struct fast *f = mem_zalloc(1, sizeof *f, err);
    if (!f)
        return -1;
    f->math = needs->bf16 ? MATH_BF16 : MATH_NATIVE;
    f->row_invariant = needs->row_invariant;
    if (kernels_choose(&f->k, NULL, err) < 0 || team_open(&f->team, needs->threads, err) < 0)
        goto failed;
    f->sight = mem_alloc(needs->rows, sizeof *f->sight, err);
    f->scratch = mem_alloc_aligned(scratch_bytes(f, needs), 1, 64, err);
    if (!f->sight || !f->scratch)
        goto failed;
    *state = f;
    return 0;
failed:
    fast_close(f);
    return -1;
}

/* ---- one operation, split over rows or numbers --------------------------------------------------------------------- */

struct job {
    struct fast *f;
    void (*part)(struct job *j, size_t from, size_t to);
    size_t n, grain;
    float *y;
    const float *x, *a, *b;
    size_t width;
    float epsilon;
    int heads, head_dim, n_pairs;
    void (*function)(float *, const float *, const float *, size_t);
    void (*rope)(float *, const float *, size_t);
    const struct weight *w;
    const int32_t *ids;
};

static void job_piece(void *arg, int rank, size_t piece)
{
    struct job *j = arg;
    size_t from, to;
    (void)rank;
    team_share(j->n, j->grain, (int)piece, PIECES, &from, &to);
    j->part(j, from, to);
}

/* Items 0 .. n of `numbers` numbers in all. */
static void run_job(struct job *j, size_t numbers)
{
    if (numbers < ALONE)
        j->part(j, 0, j->n);
    else
        team_each(j->f->team, PIECES, job_piece, j);
}

static void bias_part(struct job *j, size_t from, size_t to)
{
    for (size_t r = from; r < to; r++)
        j->f->k->add(j->y + r * j->width, j->a, j->width);
}

static void fast_matmul(void *state, float *y, const float *x, size_t rows, const struct weight *w)
{
    struct fast *f = state;
    struct product p = {.w = {w->type, w->data, w->stride, w->n, w->k}, .x = x, .x_stride = w->k, .y = y, .y_stride = w->n,
                        .rows = rows, .math = f->math, .row_invariant = f->row_invariant};
    product_run(f->k, f->team, &p, 1, f->scratch);
    if (w->bias) {
        struct job j = {.f = f, .part = bias_part, .n = rows, .grain = 1, .y = y, .a = w->bias, .width = w->n};
        run_job(&j, rows * w->n);
    }
}

static void gather_part(struct job *j, size_t from, size_t to)
{
    const struct weight *w = j->w;
    for (size_t r = from; r < to; r++)
        decode_row(w->type, (const char *)w->data + (size_t)j->ids[r] * w->stride, j->y + r * w->k, w->k);
}

static void fast_gather(void *state, float *y, const struct weight *w, const int32_t *ids, size_t rows)
{
    struct job j = {.f = state, .part = gather_part, .n = rows, .grain = 1, .y = y, .w = w, .ids = ids};
    run_job(&j, rows * w->k);
}

static void rms_part(struct job *j, size_t from, size_t to)
{
    for (size_t r = from; r < to; r++)
        j->f->k->rms_norm(j->y + r * j->width, j->x + r * j->width, j->a, j->width, j->epsilon);
}

static void fast_rms_norm(void *state, float *y, const float *x, const float *weight, size_t rows, size_t n, float epsilon)
{
    struct job j = {.f = state, .part = rms_part, .n = rows, .grain = 1, .y = y, .x = x, .a = weight, .width = n,
                    .epsilon = epsilon};
    run_job(&j, rows * n);
}

static void layer_part(struct job *j, size_t from, size_t to)
{
    for (size_t r = from; r < to; r++)
        j->f->k->layer_norm(j->y + r * j->width, j->x + r * j->width, j->a, j->b, j->width, j->epsilon);
}

static void fast_layer_norm(void *state, float *y, const float *x, const float *weight, const float *bias, size_t rows,
                            size_t n, float epsilon)
{
    struct job j = {.f = state, .part = layer_part, .n = rows, .grain = 1, .y = y, .x = x, .a = weight, .b = bias,
                    .width = n, .epsilon = epsilon};
    run_job(&j, rows * n);
}

static void rope_part(struct job *j, size_t from, size_t to)
{
    for (size_t r = from; r < to; r++)
        for (size_t h = 0; h < (size_t)j->heads; h++)
            j->rope(j->y + (r * (size_t)j->heads + h) * (size_t)j->head_dim, j->a + r * 2 * (size_t)j->n_pairs,
                    (size_t)j->n_pairs);
}

static void fast_rope(void *state, float *x, const float *cos_sin, size_t rows, int heads, int head_dim, int n_pairs,
                      bool adjacent)
{
    struct fast *f = state;
    struct job j = {.f = f, .part = rope_part, .n = rows, .grain = 1, .y = x, .a = cos_sin, .heads = heads,
                    .head_dim = head_dim, .n_pairs = n_pairs, .rope = adjacent ? f->k->rope_pairs : f->k->rope_halves};
    run_job(&j, rows * (size_t)heads * (size_t)head_dim);
}

static void fast_store(void *state, const struct kv_span *kv, int32_t slot, const float *k, const float *v, size_t width)
{
    struct fast *f = state;
    f->k->store_row(kv->type, kv->k + (size_t)slot * kv->stride, k, width);
    f->k->store_row(kv->type, kv->v + (size_t)slot * kv->stride, v, width);
}

static void fast_attention(void *state, const struct attention *a)
{
    struct fast *f = state;
    if (a->n_rows == 0)
        return;
    for (size_t i = 0; i < a->n_rows; i++) {
        const struct attention_row *r = &a->rows[i];
        f->sight[i] = (struct sight){.k = r->kv.k, .v = r->kv.v, .stride_k = r->kv.stride, .stride_v = r->kv.stride,
                                     .from = r->from, .to = r->to, .more = r->more, .n_more = r->n_more};
    }
    struct attend t = {.sight = f->sight, .rows = a->n_rows, .heads = (size_t)a->heads, .heads_kv = (size_t)a->kv_heads,
                       .dim = (size_t)a->head_dim, .q = a->q, .out = a->out, .type = a->rows[0].kv.type, .scale = a->scale, .softcap = a->softcap,
                       .row_invariant = f->row_invariant};
    attend_run(f->k, f->team, &t, f->scratch);
}

static void activate_part(struct job *j, size_t from, size_t to)
{
    j->function(j->y + from, j->x + from, j->a ? j->a + from : NULL, to - from);
}

static void fast_activate(void *state, enum activation function, float *y, const float *gate, const float *up, size_t n)
{
    struct fast *f = state;
    struct job j = {.f = f, .part = activate_part, .n = n, .grain = 64, .y = y, .x = gate, .a = up};
    switch (function) {
    case ACT_SILU: j.function = f->k->silu_mul; break;
    case ACT_GELU: j.function = f->k->gelu_erf_mul; break;
    case ACT_GELU_TANH: j.function = f->k->gelu_tanh_mul; break;
    case ACT_QUICK_GELU: j.function = f->k->gelu_quick_mul; break;
    case ACT_RELU: j.function = f->k->relu_mul; break;
    case ACT_COUNT: return;
    }
    run_job(&j, n);
}

static void add_part(struct job *j, size_t from, size_t to)
{
    j->f->k->add(j->y + from, j->x + from, to - from);
}

static void fast_add(void *state, float *y, const float *x, size_t n)
{
    struct job j = {.f = state, .part = add_part, .n = n, .grain = 64, .y = y, .x = x};
    run_job(&j, n);
}

const struct backend backend_fast = {
    .name = "fast",
    .what = "8-bit or bfloat16 activations by the type of the weights, float32 sums, vectors and threads",
    .has_kv = fast_has_kv,
    .kv = DTYPE_F16,
    .open = fast_open,
    .close = fast_close,
    .matmul = fast_matmul,
    .gather = fast_gather,
    .rms_norm = fast_rms_norm,
    .layer_norm = fast_layer_norm,
    .rope = fast_rope,
    .store = fast_store,
    .attention = fast_attention,
    .activate = fast_activate,
    .add = fast_add,
};
