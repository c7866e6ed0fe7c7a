/* bench_kernels - what the kernels reach, as a share of what the machine can do at all.
 *
 *     bench_kernels [--threads N] [--types q8_0,f16] [--rows 1,16,512] [--shapes 8192x2048] [--seconds S] [--pool MB] [--bf16]
 *
 * Inside the clock: everything product_run does, packing of activations included, all threads. Outside: making the weights.
 * Weights are as many distinct matrices as fill 256 MB (--pool: 1 shows what a cache would allow), taken in turn, so that one row of activations is measured against
 * memory and not against the last cache. Of all repetitions within S seconds the median is printed. GB/s counts bytes of
 * weights. Peaks are measured first, with chains of values that the compiler cannot prove equal. */
#include <getopt.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "base/dtype.h"
#include "base/mem.h"
#include "base/rng.h"
#include "kernels/halffloat.h"
#include "kernels/product.h"

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

struct reading {
    struct team *team;
    const char *data;
    size_t bytes;
    uint64_t sum[TEAM_MAX * 8];
};

static void read_all(void *arg, int rank, int size)
{
    struct reading *r = arg;
    size_t from, to;
    team_share(r->bytes, 1 << 16, rank, size, &from, &to);
    uint64_t s[8] = {0};
    for (size_t i = from; i + 64 <= to; i += 64) {
        uint64_t v[8];
        __builtin_prefetch(r->data + i + 4096, 0, 2);
        memcpy(v, r->data + i, 64);
        for (int j = 0; j < 8; j++)
            s[j] += v[j];
    }
    for (int j = 0; j < 8; j++)
        r->sum[rank * 8 + j] = s[j];
}

static double read_bandwidth(struct team *t, const char *data, size_t bytes)
{
    struct reading r = {.team = t, .data = data, .bytes = bytes};
    double best = 0;
    for (int i = 0; i < 5; i++) {
        double start = now();
        team_run(t, read_all, &r);
        double rate = (double)bytes / (now() - start);
        best = rate > best ? rate : best;
    }
    return best;
}

enum { POOL = 256 << 20 }; /* the most */

static void fill(char *data, size_t bytes, enum dtype t)
{
    struct rng r;
    rng_init(&r, 1);
    const size_t block = dtype_block_bytes(t);
    if (dtype_block(t) == 1) {
        for (size_t i = 0; i < bytes; i += block) {
            uint64_t u = rng_next(&r);
            float x = ((float)(u & 0xffffff) / 8388608.0f - 1) * 0.05f;
            uint16_t h = t == DTYPE_F16 ? f16_from_f32(x) : bf16_from_f32(x);
            memcpy(data + i, t == DTYPE_F32 ? (void *)&x : (void *)&h, block);
        }
        return;
    }
    for (size_t i = 0; i + 8 <= bytes; i += 8) {
        uint64_t u = rng_next(&r) & 0xbfbfbfbfbfbfbfbf; /* no float16 scale is infinite */
        memcpy(data + i, &u, 8);
    }
}

struct options {
    int threads;
    const char *types, *rows, *shapes;
    double seconds;
    size_t pool;
    bool bf16, invariant;
};

static void measure(const struct kernel_set *k, struct team *team, enum dtype t, size_t rows, size_t n, size_t kk,
                    const struct options *o, const char *pool, double bandwidth)
{
    size_t row_bytes;
    if (dtype_row_bytes(&row_bytes, t, kk, NULL) < 0)
        return;
    size_t matrices = o->pool / (row_bytes * n);
    matrices = matrices ? matrices : 1;
    float *x = mem_alloc_aligned(rows * kk, 4, 64, NULL), *y = mem_alloc_aligned(rows * n, 4, 64, NULL);
    struct rng r;
    rng_init(&r, 2);
    for (size_t i = 0; i < rows * kk; i++)
        x[i] = (float)rng_normal(&r);
    struct product p = {.w = {t, pool, row_bytes, n, kk}, .x = x, .x_stride = kk, .y = y, .y_stride = n, .rows = rows,
                        .math = o->bf16 ? MATH_BF16 : MATH_NATIVE, .row_invariant = o->invariant};
    void *scratch = mem_alloc_aligned(product_scratch(k, &p, 1, team_size(team)), 1, 64, NULL);
    static double times[4096];
    size_t done = 0;
    double end = 0;
    for (size_t i = 0; i < 4096 && (i < 4 || now() < end); i++) {
        p.w.data = pool + i % matrices * row_bytes * n;
        double start = now();
        product_run(k, team, &p, 1, scratch);
        double stop = now();
        if (i == 0)
            end = stop + o->seconds; /* the first touches pages */
        else
            times[done++] = stop - start;
    }
    qsort(times, done, sizeof times[0], by_size);
    double s = times[done / 2];
    printf("%-7s %4zu x %5zu x %5zu  %9.1f us  %7.1f GOP/s  %6.2f GB/s (%3.0f %% of read)  best %9.1f us\n", dtype_name(t), rows,
           n, kk, s * 1e6, 2.0 * (double)rows * (double)n * (double)kk / s * 1e-9, (double)(row_bytes * n) / s * 1e-9,
           (double)(row_bytes * n) / s / bandwidth * 100, times[0] * 1e6);
    fflush(stdout);
    free(scratch);
    free(x);
    free(y);
}

int main(int argc, char **argv)
{
    struct options o = {.threads = 0, .types = "f16,bf16,q8_0,q4_0,q4_k,q6_k", .rows = "1,4,8,16,512",
                        .shapes = "8192x2048,2048x8192", .seconds = 0.3, .pool = POOL};
    static const struct option longs[] = {
        {"threads", 1, NULL, 't'}, {"types", 1, NULL, 'y'}, {"rows", 1, NULL, 'r'}, {"shapes", 1, NULL, 's'},
        {"seconds", 1, NULL, 'S'}, {"pool", 1, NULL, 'p'}, {"bf16", 0, NULL, 'b'},  {"row-invariant", 0, NULL, 'i'}, {NULL, 0, NULL, 0}};
    for (int c; (c = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
        switch (c) {
        case 't': o.threads = atoi(optarg); break;
        case 'y': o.types = optarg; break;
        case 'r': o.rows = optarg; break;
        case 's': o.shapes = optarg; break;
        case 'S': o.seconds = atof(optarg); break;
        case 'p': o.pool = strtoul(optarg, NULL, 10) << 20; o.pool = o.pool < POOL ? o.pool : POOL; break;
        case 'b': o.bf16 = true; break;
        case 'i': o.invariant = true; break;
        default: return 2;
        }
    }
    struct err err = ERR_INIT;
    const struct kernel_set *k;
    struct team *team;
    if (kernels_choose(&k, NULL, &err) < 0 || team_open(&team, o.threads, &err) < 0) {
        fprintf(stderr, "bench_kernels: %s\n", err.text);
        return 1;
    }
    char *pool = mmap(NULL, POOL, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pool == MAP_FAILED)
        return 1;
    char types[256];
    snprintf(types, sizeof types, "%s", o.types);
    printf("%s, %d threads\n", k->name, team_size(team));
    char *save = NULL;
    for (char *name = strtok_r(types, ",", &save); name; name = strtok_r(NULL, ",", &save)) {
        enum dtype t;
        if (dtype_from_name(&t, name, &err) < 0) {
            fprintf(stderr, "bench_kernels: %s\n", err.text);
            return 2;
        }
        fill(pool, POOL, t);
        double bandwidth = read_bandwidth(team, pool, POOL);
        printf("read %.1f GB/s\n", bandwidth * 1e-9);
        for (const char *s = o.shapes; *s;) {
            char *at;
            size_t n = strtoul(s, &at, 10), kk = strtoul(at + 1, &at, 10);
            for (const char *r = o.rows; *r;) {
                char *next;
                measure(k, team, t, strtoul(r, &next, 10), n, kk, &o, pool, bandwidth);
                r = *next ? next + 1 : next;
            }
            s = *at ? at + 1 : at;
        }
    }
    team_close(team);
    munmap(pool, POOL);
    return 0;
}
