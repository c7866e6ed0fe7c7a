/* sample.h - what every statistic begins with: are these samples, in what order, and their plain moments.
 *
 * A sample set is `const double *x, size_t n`: borrowed, never changed. sample_check is the gate: every public function
 * of this folder that takes samples calls it first, so that none returns a number made of NaN, and the message names
 * the sample. What comes after the gate (the second group) checks nothing: n >= 1, all finite.
 *
 * Sums run from left to right, so that a result depends on the order given and on nothing else.
 */
#ifndef STATS_SAMPLE_H
#define STATS_SAMPLE_H

#include <stddef.h>

#include "base/err.h"

/* -1 unless there are at least `least` samples, all finite. `what` begins the message: "median", "welch test, side b".
 *     median of no samples
 *     welch test, side b: 1 sample, at least 2 are needed
 *     median: sample 3 of 10 is not a number (nan)        (counted from 1) */
int sample_check(const char *what, const double *x, size_t n, size_t least, struct err *err);
/* The same, and all above zero: for ratios and logarithms. */
int sample_check_positive(const char *what, const double *x, size_t n, size_t least, struct err *err);
/* -1 unless 0 < share < 1: for confidence levels, alphas, quantiles. */
int share_check(const char *what, double share, struct err *err);

double sample_sum(const double *x, size_t n);
double sample_mean(const double *x, size_t n); /* sum / n, never outside the samples by rounding */
double sample_variance(const double *x, size_t n); /* n - 1 below; two passes; 0 for one sample */
double sample_sd(const double *x, size_t n);

/* Sorts in place, ascending, -0 before 0: the bits of the result depend on the values only. */
void sample_sort(double *x, size_t n);
/* A sorted copy to free(); NULL and err if memory is short. */
double *sample_sorted(const double *x, size_t n, struct err *err);
/* The k-th smallest (from 0), found by partial sorting: reorders x. */
double sample_select(double *x, size_t n, size_t k);

#endif
