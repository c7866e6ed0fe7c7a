/* attention.c - attention on a team: pieces are (some rows, one key head), handed out one by one. */
#include "kernels/attention.h"

#include "kernels/kernels.h"

size_t attend_scratch(const struct kernel_set *k, size_t heads, size_t heads_kv, size_t dim, int threads)
{
    return (k->attend_bytes(heads, heads_kv, dim) + 63) / 64 * 64 * (size_t)threads;
}

struct job {
    const struct kernel_set *k;
    struct team *team;
    const struct attend *a;
    char *work;
    size_t work_bytes;
};

static void run_member(void *arg, int rank, int size)
{
    (void)size;
    struct job *j = arg;
    const struct attend *a = j->a;
    size_t piece = team_next(j->team), at = 0;
    for (size_t from = 0, n; from < a->rows; from += n) { /* every member walks the same list of pieces */
        n = j->k->attend_rows(a, from);
        for (size_t h = 0; h < a->heads_kv; h++, at++) {
            if (at != piece)
                continue;
            j->k->attend(a, h, from, from + n, j->work + (size_t)rank * j->work_bytes);
            piece = team_next(j->team);
        }
    }
}

void attend_run(const struct kernel_set *k, struct team *t, const struct attend *a, void *scratch)
{
    struct job j = {.k = k, .team = t, .a = a, .work = scratch};
    j.work_bytes = (k->attend_bytes(a->heads, a->heads_kv, a->dim) + 63) / 64 * 64;
    team_run(t, run_member, &j);
}
