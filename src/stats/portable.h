/* portable.h - the few transcendental functions that statistics need, the same bits on every machine.
 *
 * The C library's exp, log, lgamma and erfc differ in the last bits between libcs and their versions. These are built
 * from +, -, *, /, sqrt, floor, frexp and ldexp only, which IEEE 754 fixes to the bit; with -ffp-contract=off a result
 * printed in a paper is the result that anybody gets. They are within a few units of the last place of the true value
 * (tests/stats/test_special.c) and 2-3 times slower than libm.
 */
#ifndef STATS_PORTABLE_H
#define STATS_PORTABLE_H

double stats_log(double x);    /* natural logarithm; -inf at 0, NaN below */
double stats_exp(double x);    /* inf above 709.78, 0 below -745.14 */
double stats_lgamma(double x); /* ln Gamma(x) for x > 0; NaN otherwise. Absolute error 1e-14 near its zeros 1 and 2 */

#endif
