/* correlation.h - do two quantities rise together? Over n pairs (x_i, y_i), n >= 2.
 *
 * All give -1..1. Where one side does not vary there is no correlation: that is an error, not 0.
 */
#ifndef STATS_CORRELATION_H
#define STATS_CORRELATION_H

#include <stddef.h>

#include "base/err.h"

int pearson(double *out, const double *x, const double *y, size_t n, struct err *err);
/* Pearson's of the mid-ranks. */
int spearman(double *out, const double *x, const double *y, size_t n, struct err *err);
/* (concordant - discordant) / sqrt((pairs - ties in x)(pairs - ties in y)), in n log n steps (Knight 1966). */
int kendall_tau_b(double *out, const double *x, const double *y, size_t n, struct err *err);

#endif
