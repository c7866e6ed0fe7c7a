#include "kernels/peak.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/clock.h"

enum { BLOCK_BYTES = 256 << 20, PIECE = 256 };

/* ---- plain C: what any processor has -------------------------------------------------------------------------------- */

static unsigned scalar_read(const void *data, size_t bytes)
{
    const unsigned char *p = data;
    unsigned long long sums[4] = {0};
    for (size_t i = 0; i < bytes; i += 32) {
        unsigned long long v[4];
        memcpy(v, p + i, sizeof v);
        for (int k = 0; k < 4; k++)
            sums[k] += v[k];
    }
    return (unsigned)(sums[0] ^ sums[1] ^ sums[2] ^ sums[3]);
}

static double scalar_f32(size_t turns, float *sink)
{
    float a = sink[0], b = sink[1];
    PEAK_CHAIN(float, turns, sink, , x * a + b, );
    return 2 * PEAK_CHAINS;
}

const struct peak_row peak_scalar = {.set = "scalar", .read = scalar_read, .f32 = scalar_f32};

/* ---- measuring ------------------------------------------------------------------------------------------------------ */

static const struct peak_row *row_of(const struct kernel_set *set)
{
    static const struct peak_row *const rows[] = {
#if defined(__x86_64__)
        &peak_avx512, &peak_avx2,
#elif defined(__aarch64__)
        &peak_neon,
#endif
        &peak_scalar};
    size_t i = 0;
    while (rows[i] != &peak_scalar && strcmp(rows[i]->set, set->name) != 0)
        i++;
    return rows[i];
}

struct reading {
    const struct peak_row *row;
    const char *data;
    size_t bytes;
    unsigned sums[TEAM_MAX];
};

static void read_part(void *arg, int rank, int size)
{
    struct reading *r = arg;
    size_t from, to;
    team_share(r->bytes / PIECE * PIECE, PIECE, rank, size, &from, &to);
    r->sums[rank] = r->row->read(r->data + from, (to - from) / PIECE * PIECE);
}

double peak_read_seconds(const struct kernel_set *set, struct team *team, const void *data, size_t bytes)
{
    struct reading r = {.row = row_of(set), .data = data, .bytes = bytes};
    int64_t start = clock_ns();
    team_run(team, read_part, &r);
    int64_t end = clock_ns();
    /* a sum that nobody looks at may be left out by the compiler */
    for (int i = 0; i < team_size(team); i++)
        __asm__ volatile("" : : "r"(r.sums[i]));
    return (double)(end - start) * 1e-9;
}

struct counting {
    double (*run)(size_t turns, float *sink);
    size_t turns;
    float sinks[TEAM_MAX][64];
    double operations[TEAM_MAX];
};

static void count_part(void *arg, int rank, int size)
{
    struct counting *c = arg;
    (void)size;
    c->operations[rank] = c->run(c->turns, c->sinks[rank]);
}

/* Best of several runs, each long enough (2 ms and more) for the clock not to matter. */
static double operations_per_second(struct counting *c, double (*run)(size_t, float *), struct team *team, double seconds)
{
    double best = 0;
    int runs = 0; /* a run that was interrupted seems long enough too early: several, however little time there is */
    if (!run)
        return 0;
    c->run = run;
    c->turns = 1 << 10;
    int64_t until = clock_ns() + (int64_t)(seconds * 1e9);
    do {
        for (int t = 0; t < TEAM_MAX; t++)
            for (int i = 0; i < 64; i++)
                c->sinks[t][i] = 0.5f + 0.001f * (float)i; /* |a| < 1: the chains converge and stay normal numbers */
        int64_t start = clock_ns();
        team_run(team, count_part, c);
        double took = (double)(clock_ns() - start) * 1e-9, done = 0;
        for (int t = 0; t < team_size(team); t++)
            done += c->operations[t] * (double)c->turns;
        if (took < 0.002) {
            c->turns *= 2;
            continue;
        }
        best = done / took > best ? done / took : best;
        runs++;
    } while (clock_ns() < until || runs < 8);
    return best;
}

int peaks_measure(struct peaks *out, const struct kernel_set *set, struct team *team, double seconds, struct err *err)
{
    const struct peak_row *row = row_of(set);
    *out = (struct peaks){.threads = team_size(team)};
    void *block = mmap(NULL, BLOCK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct counting *c = malloc(sizeof *c);
    if (block == MAP_FAILED || !c) {
        if (block != MAP_FAILED)
            munmap(block, BLOCK_BYTES);
        free(c);
        return err_set(err, ERR_MEMORY, "no memory (%d MB) to measure bandwidth with", BLOCK_BYTES >> 20);
    }
    madvise(block, BLOCK_BYTES, MADV_HUGEPAGE);
    memset(block, 1, BLOCK_BYTES); /* its own pages, not the one page of zeros */
    int64_t until = clock_ns() + (int64_t)(seconds * 0.4e9);
    do {
        double took = peak_read_seconds(set, team, block, BLOCK_BYTES);
        out->read_bytes = BLOCK_BYTES / took > out->read_bytes ? BLOCK_BYTES / took : out->read_bytes;
    } while (clock_ns() < until);
    munmap(block, BLOCK_BYTES);
    out->f32 = operations_per_second(c, row->f32, team, seconds * 0.2);
    out->bf16 = operations_per_second(c, row->bf16, team, seconds * 0.2);
    out->int8 = operations_per_second(c, row->int8, team, seconds * 0.2);
    free(c);
    return 0;
}
