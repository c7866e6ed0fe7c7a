/* summary.h - one sample set in numbers, without any claim about where it came from.
 *
 *     struct summary s;
 *     TRY(summary_of(&s, ms, n, err));
 *     printf("%g ms +- %g (p95 %g)\n", s.median, s.mad, s.p95);
 *
 * Percentiles that the sample cannot carry (see quantile.h) are NaN, not an error: a summary of 30 samples has a median
 * and no p99. Nothing is trimmed: outliers count like the rest (outlier.h labels them).
 */
#ifndef STATS_SUMMARY_H
#define STATS_SUMMARY_H

#include <stddef.h>

#include "base/err.h"

struct summary {
    size_t n;
    double sum, mean, sd;    /* sd with n - 1 below; NaN for one sample */
    double se;               /* sd / sqrt(n): how far the mean may be off, were the samples independent */
    double cov;              /* sd / |mean|; NaN where the mean is 0 */
    double min, max;
    double q1, median, q3;   /* type 7 */
    double mad;              /* median of |x - median|; times 1.4826 it estimates the sd of a normal */
    double p5, p90, p95, p99, p999; /* NaN where n min(q, 1-q) < 1 */
};

int summary_of(struct summary *out, const double *x, size_t n, struct err *err);

/* The mean and deviation of sets that were summed up elsewhere, merged as if the samples lay in one set (Chan, Golub &
 * LeVeque 1979). Percentiles cannot be merged: use histogram.h or keep the samples. */
struct moments {
    size_t n;
    double mean, m2; /* m2: sum of squared deviations from the mean */
    double min, max;
};
void moments_add(struct moments *m, double x); /* Welford; a zeroed struct is empty */
void moments_merge(struct moments *m, const struct moments *other);
double moments_sd(const struct moments *m); /* NaN below two samples */

#endif
