/* bench_stats - what the statistics cost.
 *
 *     ninja -C build bench_stats && build/bench_stats
 *
 * Inside the clock: the one call named in the row, its allocations included. Outside: making the samples (lognormal,
 * seeded). Each row is the median of five calls. Processor time, so that a busy machine does not count.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/rng.h"
#include "stats/bootstrap.h"
#include "stats/compare.h"
#include "stats/correlation.h"
#include "stats/divergence.h"
#include "stats/figure.h"
#include "stats/histogram.h"
#include "stats/quantile.h"
#include "stats/rank_test.h"
#include "stats/sample.h"
#include "stats/series.h"
#include "stats/summary.h"

#define MANY 1000000
#define VOCABULARY 128256

static double *x, *y;
static float *logits_a, *logits_b;
static double *scratch;
static struct err err;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void must(int rc)
{
    if (rc < 0) {
        fprintf(stderr, "bench_stats: %s\n", err.text);
        exit(1);
    }
}

static void measure(const char *what, void (*call)(void))
{
    double s[5];
    for (int i = 0; i < 5; i++) {
        double start = now();
        call();
        s[i] = now() - start;
    }
    sample_sort(s, 5);
    printf("| %-66s | %10.3f |\n", what, 1e3 * s[2]);
    fflush(stdout);
}

static void summary_quantiles_histogram(void)
{
    struct summary s;
    struct interval ci;
    struct histogram h;
    must(summary_of(&s, x, MANY, &err));
    must(quantile_interval(&ci, x, MANY, 0.99, 0.95, &err));
    must(histogram_init(&h, 0, &err));
    must(histogram_add_all(&h, x, MANY, &err));
    histogram_release(&h);
}

static void summary_only(void)
{
    struct summary s;
    must(summary_of(&s, x, MANY, &err));
}

static void histogram_only(void)
{
    struct histogram h;
    must(histogram_init(&h, 0, &err));
    must(histogram_add_all(&h, x, MANY, &err));
    histogram_release(&h);
}

static void figure_30(void)
{
    struct figure f;
    must(figure_of(&f, x, 30, NULL, &err));
}

static void resample(size_t n, enum interval_how how, size_t resamples, statistic_one *statistic)
{
    struct bootstrap b;
    must(bootstrap_one(&b, x, n, statistic, NULL, &(struct bootstrap_opts){.how = how, .resamples = resamples}, &err));
}

static void percentile_mean(void)
{
    resample(30, INTERVAL_PERCENTILE, 2000, statistic_mean);
}

static void percentile_median(void)
{
    resample(30, INTERVAL_PERCENTILE, 2000, statistic_median);
}

static void bca_mean(void)
{
    resample(1000, INTERVAL_BCA, 10000, statistic_mean);
}

static void mann_whitney_exact(void)
{
    struct mann_whitney t;
    must(mann_whitney(&t, x, 50, y, 50, &err));
}

static void shift_large(void)
{
    struct hodges_lehmann h;
    must(hodges_lehmann_two(&h, x, 100000, y, 100000, 0.95, &err));
}

static void walsh_small(void)
{
    struct hodges_lehmann h;
    must(hodges_lehmann_one(&h, x, 20, 0.95, &err));
}

static void compare_blocks(void)
{
    enum { N = 20 * 30 };
    uint32_t launch[N], block[N];
    for (uint32_t i = 0; i < N; i++) {
        launch[i] = i / 30;
        block[i] = i / 60;
    }
    struct comparison c;
    struct compare_metric m = {.name = "m", .a = {x, launch, block, N}, .b = {y, launch, block, N}};
    must(compare(&c, &m, 1, NULL, &err));
}

static void kendall_large(void)
{
    double r;
    must(kendall_tau_b(&r, x, y, 100000, &err));
}

static void changes_2000(void)
{
    size_t count, at[16];
    must(change_points(&count, at, 16, x, 2000, 0, &err));
}

static void logits_row(void)
{
    struct logit_difference d;
    must(logit_difference(&d, logits_a, logits_b, VOCABULARY, scratch, &err));
}

static void top_row(void)
{
    int32_t ids[10];
    must(top_ids(ids, logits_a, VOCABULARY, 10, &err));
}

int main(void)
{
    struct rng r;
    rng_init(&r, 1);
    x = malloc(MANY * sizeof *x);
    y = malloc(MANY * sizeof *y);
    logits_a = malloc(VOCABULARY * sizeof *logits_a);
    logits_b = malloc(VOCABULARY * sizeof *logits_b);
    scratch = malloc(2 * VOCABULARY * sizeof *scratch);
    if (!x || !y || !logits_a || !logits_b || !scratch)
        return 1;
    for (int i = 0; i < MANY; i++) {
        x[i] = exp(0.5 * rng_normal(&r));
        y[i] = exp(0.5 * rng_normal(&r));
    }
    for (int i = 0; i < VOCABULARY; i++) {
        logits_a[i] = (float)(3 * rng_normal(&r));
        logits_b[i] = logits_a[i] + (float)(0.01 * rng_normal(&r));
    }
    printf("| %-66s | %10s |\n|---|---|\n", "what", "ms");
    measure("summary, interval of p99 and histogram of 1 000 000 samples", summary_quantiles_histogram);
    measure("summary of 1 000 000 samples", summary_only);
    measure("histogram of 1 000 000 samples", histogram_only);
    measure("figure of 30 samples", figure_30);
    measure("bootstrap percentile, mean of 30, 2000 resamples", percentile_mean);
    measure("bootstrap percentile, median of 30, 2000 resamples", percentile_median);
    measure("bootstrap BCa, mean of 1000, 10 000 resamples", bca_mean);
    measure("Mann-Whitney, 50 and 50, exact", mann_whitney_exact);
    measure("Hodges-Lehmann, 100 000 and 100 000 (10^10 differences)", shift_large);
    measure("Hodges-Lehmann, one sample of 20, exact interval", walsh_small);
    measure("compare, 10 blocks, 20 launches a side, 30 requests each", compare_blocks);
    measure("Kendall's tau-b of 100 000 pairs", kendall_large);
    measure("change points in 2000 samples", changes_2000);
    measure("logit_difference of two rows of 128 256", logits_row);
    measure("top 10 of 128 256", top_row);
    free(x);
    free(y);
    free(logits_a);
    free(logits_b);
    free(scratch);
    return 0;
}
