/* product.c - see product.h. Rows beyond PRODUCT_ROWS are done in passes, which bounds scratch memory and keeps the
 * results of a chunk in the second cache. */
#include "kernels/product.h"

#include <string.h>

enum { PRODUCT_ROWS = 512, ALIGN = 64 };

static size_t align_up(size_t n)
{
    return (n + ALIGN - 1) / ALIGN * ALIGN;
}

struct job {
    const struct kernel_set *k;
    struct product p[PRODUCTS_MAX];
    struct product_plan plan[PRODUCTS_MAX];
    uint8_t *packed[PRODUCTS_MAX];      /* of product i; several may be one */
    size_t packs_before[PRODUCTS_MAX + 1]; /* pieces to pack in products 0 .. i-1, shared ones counted once */
    size_t chunks_before[PRODUCTS_MAX + 1];
    uint8_t *work;
    size_t work_bytes; /* of one thread */
    size_t n;
};

/* Lays out a pass over rows [first, first + PRODUCT_ROWS) and returns the scratch bytes it takes. */
static size_t lay_out(struct job *j, const struct product *p, size_t n, size_t first, int threads, uint8_t *scratch)
{
    size_t used = 0;
    j->n = n;
    j->work_bytes = 0;
    for (size_t i = 0; i < n; i++) {
        struct product *q = &j->p[i];
        struct product_plan *plan = &j->plan[i];
        *q = p[i];
        q->x += first * q->x_stride;
        q->y += first * q->y_stride;
        q->rows = q->rows <= first ? 0 : q->rows - first < PRODUCT_ROWS ? q->rows - first : PRODUCT_ROWS;
        memset(plan, 0, sizeof *plan);
        j->packed[i] = NULL;
        j->packs_before[i + 1] = j->packs_before[i];
        j->chunks_before[i + 1] = j->chunks_before[i];
        if (q->rows == 0 || q->w.n == 0)
            continue;
        j->k->product_plan(q, plan);
        j->chunks_before[i + 1] += (q->w.n + plan->chunk - 1) / plan->chunk;
        if (plan->work_bytes > j->work_bytes)
            j->work_bytes = plan->work_bytes;
        for (size_t same = 0; same < i && plan->tiles; same++)
            if (j->p[same].x == q->x && j->p[same].x_stride == q->x_stride && j->p[same].rows == q->rows &&
                j->p[same].w.k == q->w.k && j->plan[same].kind == plan->kind &&
                j->p[same].row_invariant == q->row_invariant && j->packed[same])
                j->packed[i] = j->packed[same];
        if (!j->packed[i] && plan->tiles) {
            j->packed[i] = scratch ? scratch + used : (uint8_t *)ALIGN + used; /* not NULL; not used without scratch */
            used += align_up(plan->packed_bytes);
            j->packs_before[i + 1] += plan->tiles * plan->stripes;
        }
    }
    j->work = scratch ? scratch + used : NULL;
    j->work_bytes = align_up(j->work_bytes);
    return used + j->work_bytes * (size_t)threads;
}

size_t product_scratch(const struct kernel_set *k, const struct product *p, size_t n, int threads)
{
    struct job j = {.k = k};
    return lay_out(&j, p, n, 0, threads, NULL);
}

static size_t index_of(const size_t *before, size_t n, size_t item)
{
    size_t i = 0;
    while (i + 1 < n && item >= before[i + 1])
        i++;
    return i;
}

static void pack_piece(void *arg, int rank, size_t piece)
{
    struct job *j = arg;
    (void)rank;
    size_t i = index_of(j->packs_before, j->n, piece);
    j->k->product_pack(&j->p[i], &j->plan[i], piece - j->packs_before[i], j->packed[i]);
}

static void multiply_piece(void *arg, int rank, size_t piece)
{
    struct job *j = arg;
    size_t i = index_of(j->chunks_before, j->n, piece);
    const struct product *p = &j->p[i];
    size_t chunk = j->plan[i].chunk, from = (piece - j->chunks_before[i]) * chunk;
    size_t to = p->w.n - from < chunk ? p->w.n : from + chunk;
    j->k->product_chunk(p, &j->plan[i], j->packed[i], j->work + (size_t)rank * j->work_bytes, from, to);
}

void product_run(const struct kernel_set *k, struct team *t, const struct product *p, size_t n, void *scratch)
{
    size_t rows = 0;
    for (size_t i = 0; i < n; i++)
        rows = p[i].rows > rows ? p[i].rows : rows;
    for (size_t first = 0; first < rows; first += PRODUCT_ROWS) {
        struct job j = {.k = k};
        lay_out(&j, p, n, first, team_size(t), scratch);
        team_each(t, j.packs_before[n], pack_piece, &j);
        team_each(t, j.chunks_before[n], multiply_piece, &j);
    }
}
