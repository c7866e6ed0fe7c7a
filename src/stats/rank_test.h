/* rank_test.h - comparisons that rest on order alone: Mann-Whitney, Wilcoxon, Hodges-Lehmann.
 *
 *     struct mann_whitney t;
 *     TRY(mann_whitney(&t, a, na, b, nb, err));              // do a and b differ?
 *     struct hodges_lehmann h;
 *     TRY(hodges_lehmann_two(&h, a, na, b, nb, 0.95, err));  // by how much: b - a
 *
 * Right for any distribution; a giant counts as one large value. What they assume: independent samples (launches), for
 * Wilcoxon and the one-sample estimate differences that are symmetric about their centre. Mann-Whitney asks whether
 * P(a > b) is one half, which is not a question about medians when the spreads differ.
 *
 * Null distributions are exact where there are no ties and na nb <= 2500 (Mann-Whitney) or n <= 50 (Wilcoxon); else
 * normal with tie correction and continuity 1/2. Sources: Mann & Whitney 1947 for the recurrence; Hollander & Wolfe for
 * the estimates, whose intervals invert the tests (as R's wilcox.test).
 */
#ifndef STATS_RANK_TEST_H
#define STATS_RANK_TEST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "stats/interval.h"

struct mann_whitney {
    double u_a, u_b;       /* u_a = #{(i, j): a_i > b_j} + ties / 2; u_a + u_b = na nb */
    double sigma, z;       /* z > 0: a tends to be larger; with continuity correction; 0 when exact is irrelevant */
    double tie_sum;        /* sum of t^3 - t over groups of equal values */
    double p;              /* two-sided */
    double p_less, p_more; /* one-sided: evidence that a is smaller / larger than b */
    double prob_a_gt_b;    /* u_a / (na nb): ties count half */
    double cliffs_delta;   /* 2 prob_a_gt_b - 1 */
    bool exact;
};

int mann_whitney(struct mann_whitney *out, const double *a, size_t na, const double *b, size_t nb, struct err *err);

struct wilcoxon {
    size_t n, zeros;        /* differences used; zeros are dropped and counted */
    double w_plus, w_minus; /* sums of mid-ranks */
    double var, z;          /* z > 0: differences tend to be positive; with continuity correction */
    double p;
    double p_less, p_more; /* evidence that the centre is below / above 0 */
    bool exact;
};

/* Signed ranks of the differences d. All zero: p = 1. */
int wilcoxon(struct wilcoxon *out, const double *d, size_t n, struct err *err);

struct hodges_lehmann {
    double estimate;
    struct interval ci; /* bounds NaN where so few samples cannot give the level */
    double critical;    /* the largest value of the test's statistic in the lower tail; -1 if none */
    double pairs;       /* how many differences or averages there are */
};

/* The median of all b_j - a_i: how far b lies above a. No memory beyond a sorted copy, whatever the product. */
int hodges_lehmann_two(struct hodges_lehmann *out, const double *a, size_t na, const double *b, size_t nb,
                       double level, struct err *err);
/* The median of the Walsh averages (d_i + d_j) / 2, i <= j. */
int hodges_lehmann_one(struct hodges_lehmann *out, const double *d, size_t n, double level, struct err *err);

/* Mid-ranks from 1: equal values share the mean of their ranks. Returns the sum of t^3 - t over ties; -1 and err if
 * memory is short. */
double sample_ranks(double *ranks, const double *x, size_t n, struct err *err);

#endif
