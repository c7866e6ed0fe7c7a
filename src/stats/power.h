/* power.h - how many samples, and what could have been seen with those there were.
 *
 * "No difference shown" means something only beside the smallest difference that would have been shown: the minimum
 * detectable effect (MDE), here at a two-sided level alpha with the given power (0: 0.05 and 0.8). And a claim of
 * equality needs an equivalence test (student.h tost_p, compare.h), not a large p.
 */
#ifndef STATS_POWER_H
#define STATS_POWER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct power_opts {
    double alpha; /* 0: 0.05 */
    double power; /* 0: 0.8 */
};

/* Two independent arms whose sd is `cov` of their mean; effects relative to the mean.
 * n per arm = 2 ((z_{1-alpha/2} + z_{power}) cov / effect)^2, not rounded; the second is its inverse. */
int power_n_two(double *out, double cov, double effect, const struct power_opts *opts, struct err *err);
int power_mde_two(double *out, double cov, double n_per_arm, const struct power_opts *opts, struct err *err);

/* Pairs: sd of the log ratios; n = ((z + z) sd / ln(1 + effect))^2. */
int power_n_paired(double *out, double sd_log_ratio, double effect, const struct power_opts *opts, struct err *err);
int power_mde_paired(double *out, double sd_log_ratio, double n_pairs, const struct power_opts *opts,
                     struct err *err);

/* Fixed-width stopping: the first n >= n_min at which t_{(1+level)/2, n-1} sd / sqrt n <= rel |mean|. It looks at
 * precision, never at significance, so that stopping does not favour a difference. Even so it stops where the spread
 * happens to look small: its 95 % intervals cover 93 % from n_min = 10; use 20 or more. */
struct width_stop {
    bool reached;
    size_t n;        /* where it stopped; all samples if it did not */
    double rel_half; /* half width over |mean| there; NaN below two samples */
};
int fixed_width_stop(struct width_stop *out, const double *x, size_t n, double rel, size_t n_min, double level,
                     struct err *err);

#endif
