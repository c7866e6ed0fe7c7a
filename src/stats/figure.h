/* figure.h - a measured quantity as every report shows it.
 *
 *     struct figure f;
 *     TRY(figure_of(&f, ms, n, NULL, err));
 *     char how[FIGURE_HOW_MAX];
 *     printf("%g ms [%g, %g] (%s, n = %zu)\n", f.median, f.lo, f.hi, figure_how(&f, how), f.n);
 *
 * This is the figure of the JSON contract: median, mean, sd, lo, hi, n, interval, samples. A field that is not defined
 * (sd, lo and hi of a single sample) is NaN, and a writer prints null for it.
 *
 * The interval is about the median unless asked otherwise:
 *   n >= 6   order statistics: exact for every distribution;
 *   n 2..5   no such interval exists at 95 %, so Student's t of the mean; wide, and named in `interval`.
 *            It always contains the median too;
 *   n = 1    none.
 * The samples are the units that were repeated: launches, not the requests inside one (docs/STATISTICS.md).
 */
#ifndef STATS_FIGURE_H
#define STATS_FIGURE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "stats/interval.h"

enum figure_about { FIGURE_MEDIAN, FIGURE_MEAN }; /* what lo and hi bracket */

struct figure_opts {
    double level;               /* 0: 0.95 */
    enum figure_about about;    /* 0: the median */
    enum interval_how interval; /* 0: as above (mean: t). Else PERCENTILE, BASIC, BCA (mean only), ORDER, T */
    size_t resamples;           /* bootstrap; 0: its default */
    uint64_t seed;              /* bootstrap; 0: 42 */
};

struct figure {
    double median, mean;
    double sd;       /* NaN below two samples */
    double min, max;
    double lo, hi;   /* NaN below two samples */
    double level;    /* asked for: 0.95 */
    double coverage; /* what the interval gives: exact for order statistics; NaN if there is none */
    size_t n;
    enum interval_how interval;
    enum figure_about about;
};

int figure_of(struct figure *out, const double *x, size_t n, const struct figure_opts *opts, struct err *err);

#define FIGURE_HOW_MAX 96
/* "order statistics of the median", "t of the mean", "bootstrap BCa of the mean", "none". Returns `text`. */
const char *figure_how(const struct figure *f, char text[FIGURE_HOW_MAX]);

#endif
