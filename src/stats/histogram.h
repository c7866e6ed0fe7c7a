/* histogram.h - a distribution that fits in little memory and can be merged without loss.
 *
 *     struct histogram h;
 *     TRY(histogram_init(&h, 0, err));                  // quantiles within 1 % of the value
 *     TRY(histogram_add(&h, ms, 1, err)); ...
 *     TRY(histogram_merge(&h, &other_process, err));
 *     TRY(histogram_quantile(&h, &p99, 0.99, err));
 *     histogram_release(&h);
 *
 * DDSketch (Masson, Rim & Lee 2019): bucket i holds (g^(i-1), g^i], g = (1 + alpha) / (1 - alpha), and stands for
 * 2 g^i / (g + 1), at most alpha off relatively. Merging adds counts, so that the merge of two is the histogram of the
 * union, in any order; percentiles themselves must never be averaged. Count, minimum and maximum are exact, the
 * sum is so up to rounding. Negative values and zeros have stores of their own.
 *
 * The samples themselves stay the truth: this is for live views, for millions of events, and for plots.
 */
#ifndef STATS_HISTOGRAM_H
#define STATS_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct histogram_store {
    int32_t first; /* bucket of counts[0] */
    size_t size;
    uint64_t *counts;
};

struct histogram {
    double alpha, gamma, log_gamma;
    struct histogram_store above, below; /* below: of -x */
    uint64_t zeros, count;
    double sum, min, max; /* min and max are NaN while empty */
};

struct histogram_bucket {
    double lo, hi; /* values in (lo, hi]; [lo, hi) for negative ones; {0} for zeros */
    uint64_t count;
};

int histogram_init(struct histogram *h, double alpha, struct err *err); /* 0: 0.01; else 0.0001 to 0.5 */
void histogram_release(struct histogram *h);
int histogram_add(struct histogram *h, double x, uint64_t times, struct err *err);
int histogram_add_all(struct histogram *h, const double *x, size_t n, struct err *err);
int histogram_merge(struct histogram *h, const struct histogram *other, struct err *err);
/* The value at rank floor(q (count - 1)), within alpha of it, never outside [min, max]. */
int histogram_quantile(const struct histogram *h, double *out, double q, struct err *err);

/* How many buckets hold something, and the i-th of them in ascending order of value (i below that number). */
size_t histogram_buckets(const struct histogram *h);
struct histogram_bucket histogram_bucket(const struct histogram *h, size_t i);

int32_t histogram_index(const struct histogram *h, double x); /* ceil(ln x / ln g); x > 0 */
double histogram_value(const struct histogram *h, int32_t index);

#endif
