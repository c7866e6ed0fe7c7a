/* compare.h - is B slower than A, by how much, and could it have been seen?
 *
 *     struct compare_metric m = {.name = "decode_ms", .a = {ms_a, launch_a, block_a, n_a}, .b = {...}};
 *     struct comparison c;
 *     TRY(compare(&c, &m, 1, NULL, err));
 *     printf("%s %.3f [%.3f, %.3f] p %.3g: %s\n", m.name, c.ratio, c.ci.lo, c.ci.hi, c.p, compare_verdict_name(c.verdict));
 *
 * ratio is the cost of B over the cost of A: above 1, B is slower; the verdict is about B. For a rate (tokens a second)
 * say higher_is_better and it is inverted.
 *
 * The unit is what was repeated independently. Each launch is reduced to the median of its values, because requests
 * inside one launch share its memory layout, placement and thermal state; counting them singly finds differences between
 * an engine and itself (docs/STATISTICS.md). Then, in this order:
 *   BLOCKS    both sides say in which block (ABBA, BAAB: design.h) a launch ran and at least two blocks have both: the
 *             difference of mean log medians within each block; drift of the machine cancels;
 *   LAUNCHES  at least two launches a side: independent samples;
 *   REQUESTS  fewer: single values, and the result says so. It does not hold for another launch.
 *
 * With enough units for ranks to decide at the corrected level (2^(1-n) or 2 / C(na+nb, na), times the number of metrics,
 * at most alpha): Wilcoxon or Mann-Whitney, the Hodges-Lehmann estimate and the interval that inverts the test. With
 * fewer: t on the logarithms. The choice depends on counts alone, never on values.
 *
 * All metrics of one call are one family: p is corrected by Holm. The interval is of this one metric, not corrected.
 * Verdicts: `equivalent` when two one-sided tests put the ratio within the margin (corrected too), be it different or
 * not; else `slower` or `faster` when p <= alpha; else `no difference shown`, which `detectable` puts in its place: the
 * smallest slow-down that would have been shown with the given power.
 */
#ifndef STATS_COMPARE_H
#define STATS_COMPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "stats/interval.h"

/* Borrowed for the call. launch: NULL when each value is a launch of its own. block: NULL when not run in blocks; all
 * values of a launch are of one block. */
struct compare_side {
    const double *value; /* above zero */
    const uint32_t *launch;
    const uint32_t *block;
    size_t n;
};

struct compare_metric {
    const char *name; /* for messages */
    bool higher_is_better;
    struct compare_side a, b;
};

struct compare_opts {
    double alpha;  /* 0: 0.05 */
    double level;  /* of the interval. 0: 0.95 */
    double margin; /* equivalent within this relative difference. 0: 0.01 */
    double power;  /* for `detectable`. 0: 0.8 */
};

enum compare_verdict { COMPARE_NO_DIFFERENCE, COMPARE_FASTER, COMPARE_SLOWER, COMPARE_EQUIVALENT };
enum compare_unit { COMPARE_BLOCKS, COMPARE_LAUNCHES, COMPARE_REQUESTS };

struct comparison {
    double ratio;
    struct interval ci;
    double p;              /* corrected for the number of metrics */
    double p_alone;        /* not corrected */
    double p_equivalent;   /* of the two one-sided tests, corrected */
    double detectable;     /* 0.03: a slow-down of 3 % */
    enum compare_verdict verdict;
    enum compare_unit unit;
    size_t n_a, n_b;       /* units a side; equal for blocks */
    size_t left_out;       /* blocks that only one side has */
};

int compare(struct comparison *out, const struct compare_metric *metrics, size_t count,
            const struct compare_opts *opts, struct err *err);

const char *compare_verdict_name(enum compare_verdict v); /* "no difference shown", "faster", "slower", "equivalent" */
const char *compare_unit_name(enum compare_unit u);       /* "blocks", "launches", "requests of one launch" */

#endif
