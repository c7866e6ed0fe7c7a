/* divergence.h - how far apart two distributions over tokens are.
 *
 * Whole distributions: probabilities p and q over the same n outcomes, each summing to 1 (within 1e-4), in nats.
 * Logit rows: unnormalised; their log-softmax is taken in double.
 * Truncated lists: what an engine that reports only its top N can tell. From lists no divergence can be known, only a
 * lower bound, and that is what these return: cells are the common tokens and one rest cell a side (the data processing
 * inequality). The renormalised top-k divergence is neither an upper nor a lower bound and is not offered.
 *
 * Rounding can make a divergence of equal distributions negative by a hair: above -1e-9 it is 0, below it is an error.
 */
#ifndef STATS_DIVERGENCE_H
#define STATS_DIVERGENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct divergence {
    double kl;   /* KL(P || Q); infinite where q is 0 and p is not */
    double js;   /* Jensen-Shannon, at most ln 2 */
    double tvd;  /* half the sum of |p - q|; at most sqrt(kl / 2) (Pinsker) */
};

int divergence_of(struct divergence *out, const double *p, const double *q, size_t n, struct err *err);

/* P(token) = exp(logit - log of the sum): writes the logarithms. */
int log_softmax(double *out, const float *logits, size_t n, struct err *err);

struct logit_difference {
    struct divergence d;
    double rmse;   /* of the logits, each row's mean taken off: a shift of all logits changes nothing */
    double max;    /* largest |difference| after that */
    bool same_top; /* the largest is the same token (ties to the lowest id) */
    double margin; /* P's log-probability of its first token less that of its second: how near a tie it was */
};

/* Two rows of n logits at one context. scratch: 2 n doubles of the caller's, overwritten. */
int logit_difference(struct logit_difference *out, const float *a, const float *b, size_t n, double *scratch,
                     struct err *err);

/* A lower bound of KL(P || Q) from P's k listed tokens and Q's probabilities of the same tokens, plus the rest. */
int kl_with_rest(double *out, const double *p, const double *q, size_t k, struct err *err);

struct listed {
    int64_t id;
    double p;
};

struct list_difference {
    size_t common, all;   /* tokens in both lists, in either */
    double jaccard;       /* common / all */
    double overlap;       /* common / the longer list */
    double kl_lower;      /* lower bound of KL(A || B): common tokens and rest cells */
    double rmse_common;   /* of log-probabilities over the common tokens; NaN if there are none */
    double rmse_floor;    /* over all tokens, a missing one put at its side's floor */
    double floor_a, floor_b; /* the most a token not listed can have: min(smallest listed, what is left) */
};

/* Both RMSEs are published: the first looks away from disagreement, the second guesses it at its upper limit. */
int list_difference(struct list_difference *out, const struct listed *a, size_t na, const struct listed *b, size_t nb,
                    struct err *err);

/* out[k-1] = |top k of a, top k of b in common| / k for k = 1..most; ties to the lowest id. */
int topk_agreement(double *out, const float *a, const float *b, size_t n, size_t most, struct err *err);
/* The ids of the k largest, largest first, ties to the lowest id. */
int top_ids(int32_t *out, const float *logits, size_t n, size_t k, struct err *err);

/* Rank-biased overlap of two rankings without repeats (Webber, Moffat & Zobel 2010, the extrapolated form of equal
 * lengths): how much two top lists agree, the front weighing more; 0 < persistence < 1, say 0.9. */
int rank_biased_overlap(double *out, const int32_t *a, const int32_t *b, size_t n, double persistence,
                        struct err *err);

#endif
