/* outlier.h - labels on samples that stand out. Labels only: nothing here or above drops a sample.
 *
 * Two rules, both reported: Tukey's fences (mild beyond 1.5, severe beyond 3 interquartile ranges outside the type 7
 * quartiles) and the distance from the median in units of the raw MAD, where beyond 14.826 (10 estimated standard
 * deviations) is hyperfine's threshold. A run is invalidated only by a cause that was declared before and recorded
 * independently (a throttle counter moved, steal above 1 %), never by its value.
 */
#ifndef STATS_OUTLIER_H
#define STATS_OUTLIER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum outlier { OUTLIER_NONE, OUTLIER_LOW_MILD, OUTLIER_LOW_SEVERE, OUTLIER_HIGH_MILD, OUTLIER_HIGH_SEVERE, OUTLIER_COUNT };

#define OUTLIER_MAD_LIMIT 14.826

struct outliers {
    double q1, median, q3, iqr;
    double low_severe, low_mild, high_mild, high_severe; /* fences */
    double mad;                                          /* unscaled; 1.4826 mad estimates a normal's sd */
    size_t count[OUTLIER_COUNT];
    size_t beyond_mad; /* |x - median| / mad > 14.826 */
    bool first;        /* the first sample is one of those: a cold start, warm up longer */
};

/* labels: n items to fill, or NULL. */
int outliers_label(struct outliers *out, enum outlier *labels, const double *x, size_t n, struct err *err);
const char *outlier_name(enum outlier label); /* "none", "low_mild", "low_severe", "high_mild", "high_severe" */
/* (x - median) / mad; 0 at the median, infinite off it where mad is 0. */
double outlier_z(const struct outliers *o, double x);

#endif
