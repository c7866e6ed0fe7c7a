/* attention.c - attention on a team: pieces are (some rows, one key head), handed out one by one. */
#include "kernels/attention.h"

#include "kernels/kernels.h"

size_t attend_scratch(const struct kernel_set *k, size_t heads, size_t heads_kv, size_t dim, int threads)
{
    return (k->attend_bytes(heads, heads_kv, dim) + 63) / 64 * 64 * (size_t)threads;
}

struct job {
    const struct kernel_set *k;
    const struct attend *a;
    char *work;
    size_t work_bytes;
};

static void attend_piece(void *arg, int rank, size_t piece)
{
    struct job *j = arg;
    const struct attend *a = j->a;
    size_t head = piece % a->heads_kv, from = 0, n = j->k->attend_rows(a, 0);
    for (size_t i = piece / a->heads_kv; i > 0; i--) {
        from += n;
        n = j->k->attend_rows(a, from);
    }
    j->k->attend(a, head, from, from + n, j->work + (size_t)rank * j->work_bytes);
}

void attend_run(const struct kernel_set *k, struct team *t, const struct attend *a, void *scratch)
{
    struct job j = {.k = k, .a = a, .work = scratch};
    j.work_bytes = (k->attend_bytes(a->heads, a->heads_kv, a->dim) + 63) / 64 * 64;
    size_t pieces = 0;
    for (size_t from = 0; from < a->rows; from += k->attend_rows(a, from))
        pieces += a->heads_kv;
    team_each(t, pieces, attend_piece, &j);
}
