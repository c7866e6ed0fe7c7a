/* ppl.h - perplexity with an interval.
 *
 * The unit is the block (a document, or a window of fixed length): tokens inside one are not independent, so an interval
 * over tokens would be far too narrow. With blocks of different length give the tokens of each as weights: the mean is
 * then over tokens, its error that of a ratio estimate over blocks. Two engines on the same blocks are compared by the
 * paired difference, which is much tighter than two intervals.
 */
#ifndef STATS_PPL_H
#define STATS_PPL_H

#include <stddef.h>

#include "base/err.h"

struct perplexity {
    double ppl, nll;     /* exp(mean), mean negative log-likelihood a token, in nats */
    double se_nll;       /* NaN for one block */
    double lo, hi;       /* of ppl: exp(nll -+ t se); NaN for one block */
    double se_ppl;       /* ppl se_nll: the delta method, for comparing with papers that print it */
    size_t blocks;
};

/* nll: mean of each block. tokens: of each block, or NULL when all are equally long. */
int perplexity_of(struct perplexity *out, const double *nll, const double *tokens, size_t blocks, double level,
                  struct err *err);

struct perplexity_change {
    double ratio, lo, hi; /* ppl(b) / ppl(a) */
    double p;             /* that it is 1 */
};
/* The same blocks under two engines. */
int perplexity_change(struct perplexity_change *out, const double *nll_a, const double *nll_b, size_t blocks,
                      double level, struct err *err);

#endif
