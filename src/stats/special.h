/* special.h - distribution functions: normal, Student's t, chi-square, beta, binomial.
 *
 *     double z = norm_quantile(0.975);                // 1.959963984540054
 *     double p = 2 * t_sf(fabs(t), df);
 *
 * Invariants: pure; the same bits everywhere (portable.h). Arguments outside a function's domain give NaN; callers of
 * this folder's higher functions never see it, since those check first and say what is wrong. Precision: 1e-12
 * relative for shapes up to 1e6, tails included.
 *
 * Methods: incomplete gamma by series and Lentz continued fraction; incomplete beta by Lentz continued fraction with
 * the symmetry at x > (a+1)/(a+b+2) (DLMF 8.17.22); their leading factors by Loader's saddle-point form (C. Loader,
 * Fast and Accurate Computation of Binomial Probabilities, 2000), which does not cancel for large shapes; the normal
 * quantile by Acklam's rational approximation and Halley steps; the other quantiles by bisection.
 */
#ifndef STATS_SPECIAL_H
#define STATS_SPECIAL_H

#include <stdint.h>

double norm_cdf(double z);
double norm_sf(double z); /* 1 - cdf, exact in the upper tail */
double norm_quantile(double p); /* -inf at 0, inf at 1 */

double t_cdf(double t, double df);
double t_sf(double t, double df);
double t_quantile(double p, double df);

double chi2_sf(double x, double df);

/* The regularised incomplete beta I_x(a, b), and x where it is p. */
double beta_cdf(double x, double a, double b);
double beta_quantile(double p, double a, double b);

/* P(X = k), P(X <= k) and the smallest k with P(X <= k) >= p, for X ~ Bin(n, share). k below 0 gives 0. */
double binom_pmf(int64_t k, int64_t n, double share);
double binom_cdf(int64_t k, int64_t n, double share);
int64_t binom_quantile(double p, int64_t n, double share); /* -1 outside its domain */

#endif
