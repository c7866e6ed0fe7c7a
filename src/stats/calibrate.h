/* calibrate.h - is the harness itself right? What A/A runs and simulations are held against.
 *
 * A/A: one engine under two labels through the whole comparison, many times. At the 5 % level about 5 % must come out as
 * a difference; the band says how far a count may be from that by chance alone. Too many is a defect of the analysis;
 * too few means that it is conservative (exact rank tests are).
 */
#ifndef STATS_CALIBRATE_H
#define STATS_CALIBRATE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct band {
    int64_t lo, hi;
};
/* The counts of n trials that a true share allows: the 0.05 % and 99.95 % quantiles of the binomial. */
int calibration_band(struct band *out, int64_t n, double share, struct err *err);

/* Kolmogorov-Smirnov against the uniform distribution on [0, 1]: p-values of a continuous test under no difference. */
struct uniformity {
    double d;     /* largest distance of the distribution functions */
    double limit; /* 1.95 / sqrt n: beyond it at level 0.001 */
};
int uniformity_of(struct uniformity *out, const double *p, size_t n, struct err *err);

#endif
