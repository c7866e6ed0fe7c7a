/* series.h - samples in order of time: do they depend on each other, and have they settled?
 *
 *     struct steadiness s;
 *     TRY(steady_state(&s, ms, n, NULL, err));
 *     if (s.steady) ... use ms[s.start .. n)
 *     else ... report s.kind ("slows down") with the numbers, do not pick a tail
 *
 * Formulas: autocorrelation with the biased denominator; Ljung-Box Q = n(n+2) sum rho_k^2 / (n-k), chi-square with
 * `lags` degrees; mean-shift changepoints that minimise sum SSE / sigma^2 + 3 ln n for each change, by optimal
 * partitioning with PELT's pruning (Killick, Fearnhead & Eckley 2012), sigma from the MAD of first differences; the
 * window of Georges, Buytaert & Eeckhout 2007.
 */
#ifndef STATS_SERIES_H
#define STATS_SERIES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct autocorrelation {
    double first;       /* rho_1 */
    double n_eff;       /* n (1 - rho_1) / (1 + rho_1), within 1..n: how many independent samples these are worth */
    double ljung_box_q, p;
    double band;        /* 1.96 / sqrt n: a rho beyond it is not white noise */
    size_t beyond_band; /* how many of the lags are */
};

/* rho: room for `lags` numbers, or NULL. Samples that do not vary have no autocorrelation: rho is 0 and p is 1. */
int autocorrelation(struct autocorrelation *out, double *rho, const double *x, size_t n, size_t lags,
                    struct err *err);

/* Where the mean changes: `at` receives the first index of each new segment, ascending, at most `most` of them (the
 * count is the true one). penalty 0: 3 ln n. */
int change_points(size_t *count, size_t *at, size_t most, const double *x, size_t n, double penalty, struct err *err);

/* The first window of `width` samples whose sd / |mean| is at most `limit`; found is false if there is none. */
struct cov_window {
    bool found;
    size_t start, end; /* [start, end) */
    double cov;
};
int cov_window(struct cov_window *out, const double *x, size_t n, size_t width, double limit, struct err *err);

enum steadiness_kind { STEADY_FLAT, STEADY_WARMUP, STEADY_SLOWDOWN, STEADY_INCONSISTENT };

struct steadiness_opts {
    double penalty;   /* 0: 3 ln n */
    double tolerance; /* relative change of a segment's mean that counts as a change. 0: 0.01 */
};

struct steadiness {
    bool steady;        /* the last change lies before the middle */
    size_t start;       /* first sample of the last segment */
    size_t changes;
    double before, after; /* mean of the first and of the last segment */
    enum steadiness_kind kind;
};

/* For costs (times): levels that only fall are a warm-up, that only rise a slow-down, both inconsistent. At least 4
 * samples. */
int steady_state(struct steadiness *out, const double *x, size_t n, const struct steadiness_opts *opts,
                 struct err *err);
const char *steadiness_name(enum steadiness_kind kind); /* "flat", "warms up", "slows down", "inconsistent" */

#endif
