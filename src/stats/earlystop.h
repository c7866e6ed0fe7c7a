/* earlystop.h - is the p-quantile of the latency below a bound, with confidence c? MLPerf's early stopping.
 *
 * Of n requests, t were over the bound and h under. The bound is passed when so few over would be improbable were the
 * true share under only p: P(Bin(h + t, 1 - p) <= t) <= 1 - c. Fixed in advance, it costs nothing to stop there.
 * (MLPerf inference, LoadGen early stopping with tolerance 0; c is 0.99 there.)
 */
#ifndef STATS_EARLYSTOP_H
#define STATS_EARLYSTOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

int early_stop_passes(bool *out, int64_t under, int64_t over, double p, double c, struct err *err);
/* The fewest requests under the bound that pass with `over` above it. */
int early_stop_least_under(int64_t *out, int64_t over, double p, double c, struct err *err);

/* The smallest bound that these latencies pass: the largest `discarded` of them are over it, the next is the estimate.
 * -1 and err, naming how many are needed, when there are too few to pass at all. */
struct early_stop {
    double estimate;
    size_t discarded;
};
int early_stop_estimate(struct early_stop *out, const double *x, size_t n, double p, double c, struct err *err);

#endif
