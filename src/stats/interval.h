/* interval.h - a range that covers the truth with a stated probability, and how it was made.
 *
 * A bound that does not exist (too few samples for it) is NaN, never a guess: reports print null. `level` is what was
 * asked for (0.95); `coverage` is what the method gives: exact for order statistics and exact rank tests (usually a
 * little more than `level`), equal to `level` where the method only approaches it.
 */
#ifndef STATS_INTERVAL_H
#define STATS_INTERVAL_H

#include <stdbool.h>

/* INTERVAL(constant, what reports print, assumption a reader should know) */
#define INTERVAL_LIST                                                                                              \
    INTERVAL(NONE, "none", "no interval: fewer than two samples")                                                  \
    INTERVAL(ORDER, "order statistics of the median", "independent samples of any distribution; exact")            \
    INTERVAL(T, "t of the mean", "independent samples, nearly normal or many")                                     \
    INTERVAL(PERCENTILE, "bootstrap percentile", "independent samples; too narrow below about 20")                 \
    INTERVAL(BASIC, "bootstrap basic", "independent samples; too narrow below about 20")                           \
    INTERVAL(BCA, "bootstrap BCa", "independent samples; too narrow below about 20")                               \
    INTERVAL(BLOCK, "circular block bootstrap percentile", "samples in order of time, stationary")                 \
    INTERVAL(WALSH, "Hodges-Lehmann, inverted Wilcoxon test", "independent differences, symmetric about their centre") \
    INTERVAL(SHIFT, "Hodges-Lehmann, inverted Mann-Whitney test", "two independent samples of one shape")          \
    INTERVAL(WELCH, "Welch t", "two independent samples, nearly normal or many")                                   \
    INTERVAL(WILSON, "Wilson", "independent trials")                                                               \
    INTERVAL(CLOPPER, "Clopper-Pearson", "independent trials; guaranteed coverage")                                \
    INTERVAL(LOGLOG, "Greenwood, log-log", "independent subjects, censoring independent of the event")

enum interval_how {
#define INTERVAL(id, name, assumes) INTERVAL_##id,
    INTERVAL_LIST
#undef INTERVAL
    INTERVAL_COUNT
};

struct interval {
    double lo, hi; /* NaN: this bound does not exist */
    double level;
    double coverage; /* NaN: no finite bound on one side */
    enum interval_how how;
};

const char *interval_how_name(enum interval_how how);    /* "order statistics of the median" */
const char *interval_how_assumes(enum interval_how how); /* what must hold for it to be right */

/* No interval: both bounds NaN. */
struct interval interval_none(double level);
bool interval_holds(const struct interval *v, double truth); /* lo <= truth <= hi; a missing bound does not exclude */

#endif
