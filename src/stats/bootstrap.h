/* bootstrap.h - intervals by resampling (Efron & Tibshirani 1993; Davison & Hinkley 1997).
 *
 *     struct bootstrap b;
 *     TRY(bootstrap_one(&b, ms, n, statistic_mean, NULL, &(struct bootstrap_opts){.how = INTERVAL_BCA}, err));
 *     printf("%g [%g, %g]\n", b.theta, b.ci.lo, b.ci.hi);
 *
 * Seeded: splitmix64, index floor(u n) with u of 53 bits, replicates in order. The same seed gives the same bits on
 * every machine, as long as the statistic itself uses only arithmetic and portable.h.
 *
 * Methods. PERCENTILE (the default): quantiles of the replicates. BASIC: 2 theta - those. BCA: bias-corrected and
 * accelerated; better for skewed means, wrong for medians and other quantiles (its jackknife is inconsistent there), so
 * it is refused for statistic_median. BLOCK: circular blocks (Politis & Romano 1992), for samples in order of time that
 * depend on their neighbours. Where all replicates equal theta the interval is [theta, theta]; where BCa's correction is
 * infinite the percentile interval is given, and `how` says so.
 *
 * No bootstrap knows what a small sample never showed: at n = 10 a nominal 95 % interval of a skewed mean covers about
 * 85 % (docs/STATISTICS.md). Below 20 samples prefer order statistics or rank-based intervals.
 */
#ifndef STATS_BOOTSTRAP_H
#define STATS_BOOTSTRAP_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "stats/interval.h"

/* One number from samples. It may reorder x (its own copy); it must not fail for finite samples. */
typedef double statistic_one(double *x, size_t n, void *ctx);
typedef double statistic_two(double *x, size_t nx, double *y, size_t ny, void *ctx);

statistic_one statistic_mean, statistic_median, statistic_geomean_of_logs; /* the last: exp(mean) */
statistic_two statistic_ratio_of_medians, statistic_ratio_of_means, statistic_difference_of_means;

struct bootstrap_opts {
    size_t resamples;      /* 0: 2000, 10000 for BCA */
    uint64_t seed;         /* 0: 42 */
    double level;          /* 0: 0.95 */
    enum interval_how how; /* 0: PERCENTILE. Also BASIC, BCA, BLOCK */
    size_t block;          /* BLOCK: length of a block. 0: the cube root of n, rounded up */
};

struct bootstrap {
    double theta;              /* the statistic of the samples themselves */
    double se;                 /* sd of the replicates */
    struct interval ci;
    double z0, accel;          /* BCA: bias correction, acceleration; else 0 */
    double share_lo, share_hi; /* the quantiles of the replicates that the interval ends at */
};

#define BOOTSTRAP_MAX_RESAMPLES 10000000

int bootstrap_one(struct bootstrap *out, const double *x, size_t n, statistic_one *statistic, void *ctx,
                  const struct bootstrap_opts *opts, struct err *err);
/* Two independent sets: x is resampled, then y, for each replicate. PERCENTILE or BASIC. */
int bootstrap_two(struct bootstrap *out, const double *x, size_t nx, const double *y, size_t ny,
                  statistic_two *statistic, void *ctx, const struct bootstrap_opts *opts, struct err *err);
/* The geometric mean of x[i] / y[i], pairs resampled together. All values above zero. */
int bootstrap_paired_ratio(struct bootstrap *out, const double *x, const double *y, size_t n,
                           const struct bootstrap_opts *opts, struct err *err);
/* A quantile; refused where n min(q, 1-q) < 10, below which the replicates hold only a handful of values. */
int bootstrap_quantile(struct bootstrap *out, const double *x, size_t n, double q, const struct bootstrap_opts *opts,
                       struct err *err);

#endif
