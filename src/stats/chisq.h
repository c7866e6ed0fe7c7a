/* chisq.h - counts against expectations: Pearson's chi-square and the likelihood ratio G.
 *
 * Both are approximations that need about 5 expected in every cell. Cells that expect fewer are merged (into one, which
 * takes the smallest of the others until it expects enough); the result says how many cells were left.
 */
#ifndef STATS_CHISQ_H
#define STATS_CHISQ_H

#include <stddef.h>

#include "base/err.h"

struct chi2_test {
    double chi2, g;       /* the statistics */
    double df;            /* cells - 1 after merging; 0 when only one cell is left: p = 1 */
    double p_chi2, p_g;
    double tvd;           /* half the sum of |share - expected share|, before merging */
    size_t cells, merged; /* cells tested; how many of the given went into the merged one */
};

/* counts of k kinds against probabilities that sum to 1 (within 1e-6). */
int chi2_goodness(struct chi2_test *out, const double *counts, const double *probs, size_t k, struct err *err);
/* Do two sets of counts come from one distribution? Kinds that neither has are left out. No Yates correction. */
int chi2_two_sample(struct chi2_test *out, const double *a, const double *b, size_t k, struct err *err);

#endif
