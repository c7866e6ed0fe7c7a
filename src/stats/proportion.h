/* proportion.h - k of n: accuracy, exact match, pass rates; and two engines on the same questions.
 *
 * Wilson's interval is the default of reports (close to its level on average); Clopper-Pearson's covers at least its
 * level for every true share, for guarantees. Both stay within [0, 1] and are not [1, 1] for 20 of 20.
 */
#ifndef STATS_PROPORTION_H
#define STATS_PROPORTION_H

#include <stdint.h>

#include "base/err.h"
#include "stats/interval.h"

int wilson_interval(struct interval *out, int64_t k, int64_t n, double level, struct err *err);
int clopper_pearson_interval(struct interval *out, int64_t k, int64_t n, double level, struct err *err);

/* McNemar on paired outcomes: only the pairs that differ count. b: first right, second wrong; c: the reverse. */
struct mcnemar {
    double p;                 /* exact below 25 differing pairs, else chi-square with continuity correction */
    double exact_p, mid_p;    /* 2 P(X <= min(b, c)), X ~ Bin(b + c, 1/2); mid: half of P(X = min) taken off each side */
    double chi2_cc, p_cc;     /* (|b - c| - 1)^2 / (b + c) */
};
int mcnemar(struct mcnemar *out, int64_t b, int64_t c, struct err *err);

#endif
