#include "stats/bootstrap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "stats/portable.h"
#include "stats/quantile.h"
#include "stats/sample.h"
#include "stats/special.h"

double statistic_mean(double *x, size_t n, void *ctx)
{
    (void)ctx;
    return sample_mean(x, n);
}

double statistic_median(double *x, size_t n, void *ctx)
{
    (void)ctx;
    double upper = sample_select(x, n, n / 2);
    if (n % 2)
        return upper;
    double lower = sample_select(x, n, n / 2 - 1);
    return lower + 0.5 * (upper - lower);
}

double statistic_geomean_of_logs(double *x, size_t n, void *ctx)
{
    (void)ctx;
    return stats_exp(sample_mean(x, n));
}

double statistic_ratio_of_medians(double *x, size_t nx, double *y, size_t ny, void *ctx)
{
    return statistic_median(x, nx, ctx) / statistic_median(y, ny, ctx);
}

double statistic_ratio_of_means(double *x, size_t nx, double *y, size_t ny, void *ctx)
{
    (void)ctx;
    return sample_mean(x, nx) / sample_mean(y, ny);
}

double statistic_difference_of_means(double *x, size_t nx, double *y, size_t ny, void *ctx)
{
    (void)ctx;
    return sample_mean(x, nx) - sample_mean(y, ny);
}

static double statistic_quantile(double *x, size_t n, void *ctx)
{
    double h = (double)(n - 1) * *(const double *)ctx;
    size_t i = (size_t)h;
    double lower = sample_select(x, n, i), part = h - (double)i;
    if (part == 0 || i + 1 >= n)
        return lower;
    return lower + part * (sample_select(x, n, i + 1) - lower);
}

static int settle(struct bootstrap_opts *o, const struct bootstrap_opts *given, struct err *err)
{
    *o = given ? *given : (struct bootstrap_opts){0};
    if (o->how == INTERVAL_NONE)
        o->how = INTERVAL_PERCENTILE;
    if (o->how != INTERVAL_PERCENTILE && o->how != INTERVAL_BASIC && o->how != INTERVAL_BCA && o->how != INTERVAL_BLOCK)
        return err_set(err, ERR_USAGE, "bootstrap cannot make an interval by '%s'", interval_how_name(o->how));
    if (!o->resamples)
        o->resamples = o->how == INTERVAL_BCA ? 10000 : 2000;
    if (o->resamples < 100 || o->resamples > BOOTSTRAP_MAX_RESAMPLES)
        return err_set(err, ERR_USAGE, "bootstrap with %zu resamples, expected 100 to %d", o->resamples,
                       BOOTSTRAP_MAX_RESAMPLES);
    if (!o->seed)
        o->seed = 42;
    if (o->level == 0)
        o->level = 0.95;
    return share_check("confidence level", o->level, err);
}

static size_t draw(uint64_t *state, size_t n)
{
    return (size_t)((double)(splitmix64(state) >> 11) * 0x1p-53 * (double)n);
}

static void resample(double *to, const double *x, size_t n, uint64_t *state)
{
    for (size_t i = 0; i < n; i++)
        to[i] = x[draw(state, n)];
}

static void resample_blocks(double *to, const double *x, size_t n, size_t block, uint64_t *state)
{
    for (size_t i = 0; i < n;) {
        size_t at = draw(state, n);
        for (size_t k = 0; k < block && i < n; k++, i++) {
            to[i] = x[at];
            at = at + 1 == n ? 0 : at + 1;
        }
    }
}

/* BCa's z0 from the replicates, a from the jackknife (Efron 1987). False where the correction is not finite. */
static bool bca_shares(struct bootstrap *b, const double *replicates, size_t count, const double *jack, size_t n,
                       double level)
{
    double below = 0, tie = 1e-12 * (fabs(b->theta) > 1 ? fabs(b->theta) : 1);
    for (size_t i = 0; i < count; i++) {
        double d = replicates[i] - b->theta;
        below += fabs(d) <= tie ? 0.5 : d < 0 ? 1 : 0; /* equal sums in another order are ties, not bias */
    }
    b->z0 = norm_quantile(below / (double)count);
    double mean = sample_mean(jack, n), cubes = 0, squares = 0;
    for (size_t i = 0; i < n; i++) {
        double d = mean - jack[i];
        cubes += d * d * d;
        squares += d * d;
    }
    b->accel = squares > 0 ? cubes / (6 * squares * sqrt(squares)) : 0;
    double z = norm_quantile((1 + level) / 2);
    double lo = b->z0 - z, hi = b->z0 + z;
    if (!isfinite(b->z0) || !(1 - b->accel * lo > 0) || !(1 - b->accel * hi > 0))
        return false;
    b->share_lo = norm_cdf(b->z0 + lo / (1 - b->accel * lo));
    b->share_hi = norm_cdf(b->z0 + hi / (1 - b->accel * hi));
    return true;
}

/* Replicates (sorted here) to interval; theta is set. jack is needed for BCA. */
static int finish(struct bootstrap *b, double *replicates, const double *jack, size_t n,
                  const struct bootstrap_opts *o, struct err *err)
{
    for (size_t i = 0; i < o->resamples; i++)
        if (!isfinite(replicates[i]))
            return err_set(err, ERR_USAGE, "bootstrap: the statistic of resample %zu is %g", i + 1, replicates[i]);
    if (!isfinite(b->theta))
        return err_set(err, ERR_USAGE, "bootstrap: the statistic of the samples is %g", b->theta);
    b->se = sample_sd(replicates, o->resamples);
    enum interval_how how = o->how;
    b->share_lo = (1 - o->level) / 2;
    b->share_hi = 1 - b->share_lo;
    if (how == INTERVAL_BCA && !bca_shares(b, replicates, o->resamples, jack, n, o->level))
        how = INTERVAL_PERCENTILE;
    sample_sort(replicates, o->resamples);
    double lo = quantile_sorted(replicates, o->resamples, b->share_lo);
    double hi = quantile_sorted(replicates, o->resamples, b->share_hi);
    if (how == INTERVAL_BASIC) {
        double low = 2 * b->theta - hi;
        hi = 2 * b->theta - lo;
        lo = low;
    }
    b->ci = (struct interval){.lo = lo, .hi = hi, .level = o->level, .coverage = o->level, .how = how};
    return 0;
}

int bootstrap_one(struct bootstrap *out, const double *x, size_t n, statistic_one *statistic, void *ctx,
                  const struct bootstrap_opts *opts, struct err *err)
{
    struct bootstrap_opts o;
    TRY(settle(&o, opts, err));
    TRY(sample_check("bootstrap", x, n, 2, err));
    if (o.how == INTERVAL_BCA && statistic == statistic_median) {
        err_set(err, ERR_USAGE, "BCa interval of a median: its jackknife is inconsistent");
        return err_hint(err, "use the percentile bootstrap or order statistics");
    }
    if (o.how == INTERVAL_BLOCK && !o.block)
        o.block = (size_t)ceil(stats_exp(stats_log((double)n) / 3) - 1e-9);
    if (o.block > n)
        return err_set(err, ERR_USAGE, "block bootstrap: a block of %zu in %zu samples", o.block, n);

    struct bootstrap b = {0};
    int rc = -1;
    double *replicates = mem_alloc(o.resamples, sizeof *replicates, err);
    double *work = mem_alloc(n, sizeof *work, err);
    double *jack = mem_alloc(n, sizeof *jack, err);
    if (!replicates || !work || !jack)
        goto out;
    memcpy(work, x, n * sizeof *work);
    b.theta = statistic(work, n, ctx);
    uint64_t state = o.seed;
    for (size_t i = 0; i < o.resamples; i++) {
        if (o.how == INTERVAL_BLOCK)
            resample_blocks(work, x, n, o.block, &state);
        else
            resample(work, x, n, &state);
        replicates[i] = statistic(work, n, ctx);
    }
    if (o.how == INTERVAL_BCA)
        for (size_t i = 0; i < n; i++) {
            memcpy(work, x, i * sizeof *work);
            memcpy(work + i, x + i + 1, (n - 1 - i) * sizeof *work);
            jack[i] = statistic(work, n - 1, ctx);
        }
    if (finish(&b, replicates, jack, n, &o, err) < 0)
        goto out;
    *out = b;
    rc = 0;
out:
    free(replicates);
    free(work);
    free(jack);
    return rc;
}

int bootstrap_two(struct bootstrap *out, const double *x, size_t nx, const double *y, size_t ny,
                  statistic_two *statistic, void *ctx, const struct bootstrap_opts *opts, struct err *err)
{
    struct bootstrap_opts o;
    TRY(settle(&o, opts, err));
    TRY(sample_check("bootstrap, side x", x, nx, 2, err));
    TRY(sample_check("bootstrap, side y", y, ny, 2, err));
    if (o.how != INTERVAL_PERCENTILE && o.how != INTERVAL_BASIC)
        return err_set(err, ERR_USAGE, "bootstrap of two sample sets by '%s', expected percentile or basic",
                       interval_how_name(o.how));
    struct bootstrap b = {0};
    int rc = -1;
    double *replicates = mem_alloc(o.resamples, sizeof *replicates, err);
    double *wx = mem_alloc(nx, sizeof *wx, err);
    double *wy = mem_alloc(ny, sizeof *wy, err);
    if (!replicates || !wx || !wy)
        goto out;
    memcpy(wx, x, nx * sizeof *wx);
    memcpy(wy, y, ny * sizeof *wy);
    b.theta = statistic(wx, nx, wy, ny, ctx);
    uint64_t state = o.seed;
    for (size_t i = 0; i < o.resamples; i++) {
        resample(wx, x, nx, &state);
        resample(wy, y, ny, &state);
        replicates[i] = statistic(wx, nx, wy, ny, ctx);
    }
    if (finish(&b, replicates, NULL, 0, &o, err) < 0)
        goto out;
    *out = b;
    rc = 0;
out:
    free(replicates);
    free(wx);
    free(wy);
    return rc;
}

int bootstrap_paired_ratio(struct bootstrap *out, const double *x, const double *y, size_t n,
                           const struct bootstrap_opts *opts, struct err *err)
{
    TRY(sample_check_positive("paired ratio, side x", x, n, 2, err));
    TRY(sample_check_positive("paired ratio, side y", y, n, 2, err));
    double *logs = mem_alloc(n, sizeof *logs, err);
    if (!logs)
        return -1;
    for (size_t i = 0; i < n; i++)
        logs[i] = stats_log(x[i] / y[i]);
    int rc = bootstrap_one(out, logs, n, statistic_geomean_of_logs, NULL, opts, err);
    free(logs);
    return rc;
}

int bootstrap_quantile(struct bootstrap *out, const double *x, size_t n, double q, const struct bootstrap_opts *opts,
                       struct err *err)
{
    TRY(share_check("quantile", q, err));
    if (opts && opts->how == INTERVAL_BCA)
        return err_set(err, ERR_USAGE, "BCa interval of a quantile: its jackknife is inconsistent");
    double tail = q < 0.5 ? q : 1 - q;
    if ((double)n * tail < 10 - 1e-9) {
        err_set(err, ERR_USAGE, "bootstrap of quantile %g from %zu samples: fewer than 10 lie beyond it", q, n);
        return err_hint(err, "take at least %.0f samples, or use order statistics", ceil(10 / tail - 1e-9));
    }
    return bootstrap_one(out, x, n, statistic_quantile, &q, opts, err);
}
