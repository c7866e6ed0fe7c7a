/* multiplicity.h - many questions asked at once: p-values corrected for how many there were.
 *
 * The family is everything in one report, fixed before looking. Holm bounds the chance of any false claim; Benjamini-
 * Hochberg bounds the share of false ones among the claims (independent or positively dependent tests); Benjamini-
 * Yekutieli the same under any dependence. Results are in the order given; `out` may be `p` itself.
 */
#ifndef STATS_MULTIPLICITY_H
#define STATS_MULTIPLICITY_H

#include <stddef.h>

#include "base/err.h"

int adjust_holm(double *out, const double *p, size_t n, struct err *err);
int adjust_bh(double *out, const double *p, size_t n, struct err *err);
int adjust_by(double *out, const double *p, size_t n, struct err *err);
double by_factor(size_t n); /* sum of 1/i, i = 1..n */

/* Looking `looks` times (2..10) while samples come in, stopping at the first p below the returned level: the chance of a
 * false claim stays 0.05 over all looks (Pocock 1977). Peeking at 0.05 instead gives 14 % at 5 looks, 19 % at 10. */
int pocock_level(double *out, int looks, struct err *err);

#endif
