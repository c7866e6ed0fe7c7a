/* student.h - t intervals and tests, for means.
 *
 * Right for independent samples that are nearly normal or many; timings are skewed and correlated, so the comparisons
 * of this program rest on ranks (rank_test.h, compare.h) and use t where there are too few launches for ranks.
 */
#ifndef STATS_STUDENT_H
#define STATS_STUDENT_H

#include <stddef.h>

#include "base/err.h"
#include "stats/interval.h"

/* mean +- t_{n-1} sd/sqrt(n); at least two samples. */
int t_interval(struct interval *out, const double *x, size_t n, double level, struct err *err);

struct t_test {
    double estimate;        /* mean(a) - mean(b), or the mean */
    double se, t, df;
    double p;               /* two-sided */
    double p_less, p_more;  /* one-sided: evidence that the truth lies below / above `null` */
    struct interval ci;     /* of the estimate */
};

/* The mean against `null`. All equal: t infinite and p = 0 if the mean is not `null`, else t = 0 and p = 1. */
int t_test_one(struct t_test *out, const double *x, size_t n, double null, double level, struct err *err);
/* Welch: two independent sets of unequal spread (Satterthwaite's df). */
int t_test_welch(struct t_test *out, const double *a, size_t na, const double *b, size_t nb, double null,
                 double level, struct err *err);

/* Two one-sided tests: is the quantity inside (lo, hi)? p is the larger of both; at most alpha means equivalent.
 * The same as asking whether the (1 - 2 alpha) interval lies inside. */
double tost_p(double estimate, double se, double df, double lo, double hi);

/* mean(a) / mean(b) and two errors of it by propagation, covariance 0: `spread` is what hyperfine prints behind +-, the
 * scatter of single runs; `se` is the error of the ratio itself (delta method). Only the second is a confidence. */
struct ratio_of_means {
    double ratio, spread, se;
};
int ratio_of_means(struct ratio_of_means *out, const double *a, size_t na, const double *b, size_t nb,
                   struct err *err);

#endif
