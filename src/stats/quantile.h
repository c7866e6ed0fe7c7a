/* quantile.h - medians, percentiles, and how sure one can be of them.
 *
 *     double p95;
 *     TRY(quantile_of(&p95, ms, n, 0.95, err));       // refuses p99 of 50 samples
 *     struct interval ci;
 *     TRY(quantile_interval(&ci, ms, n, 0.95, 0.95, err));
 *
 * Quantiles are of type 7 (Hyndman & Fan 1996; the default of R and numpy): h = (n-1)q, linear between neighbours.
 *
 * Two limits keep a percentile honest. A percentile is refused where the sample cannot hold one observation beyond it,
 * n min(q, 1-q) < 1: p99 of 50 samples would be the maximum in disguise. And the upper bound of its interval exists
 * only when q^n <= (1-level)/2, that is from 368 samples for p99 and 3688 for p99.9 at 95 %; below that it is NaN.
 *
 * Intervals are order statistics: x_(lo) and x_(hi) bracket the true quantile with a probability that is a binomial sum
 * and holds for every distribution.
 */
#ifndef STATS_QUANTILE_H
#define STATS_QUANTILE_H

#include <stddef.h>

#include "base/err.h"
#include "stats/interval.h"

/* Type 7 of a sorted, finite, non-empty array; 0 <= q <= 1. Checks nothing. */
double quantile_sorted(const double *sorted, size_t n, double q);
double median_sorted(const double *sorted, size_t n);

int median_of(double *out, const double *x, size_t n, struct err *err);
/* Any q in [0, 1]; refused where n min(q, 1-q) < 1, except the minimum, the median and the maximum. */
int quantile_of(double *out, const double *x, size_t n, double q, struct err *err);

struct quantile_ranks {
    size_t lo, hi;   /* 1-based ranks of the bounds; 0: that bound does not exist */
    double coverage; /* P(x_(lo) <= true quantile < x_(hi)); NaN if a bound is missing */
};

/* Equal-tailed: lo = max{l: F(l-1) <= a/2}, hi = min{u: F(u-1) >= 1-a/2}, F = Bin(n, q), a = 1 - level. */
int quantile_ranks(struct quantile_ranks *out, size_t n, double q, double level, struct err *err);
/* The values at those ranks. */
int quantile_interval(struct interval *out, const double *x, size_t n, double q, double level, struct err *err);
int quantile_interval_sorted(struct interval *out, const double *sorted, size_t n, double q, double level,
                             struct err *err);
/* The fewest samples for which the upper bound exists: q^n <= (1-level)/2. */
int quantile_least_n(size_t *out, double q, double level, struct err *err);

#endif
