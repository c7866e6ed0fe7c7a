#include "stats/portable.h"

#include <math.h>

/* ln 2 in two parts: the high one has its low bits zero, so that a small integer times it is exact (as in fdlibm). */
#define LN2_HI 6.93147180369123816490e-01
#define LN2_LO 1.90821492927058770002e-10

double stats_log(double x)
{
    if (!(x > 0))
        return x == 0 ? -INFINITY : NAN;
    if (isinf(x))
        return x;
    int e;
    double m = frexp(x, &e);
    if (m < 0.70710678118654752440) {
        m *= 2;
        e--;
    }
    /* ln m = 2 artanh s, |s| <= 0.1716: the term after s^23 is below 2^-60 of the sum */
    static const double c[] = {1.0 / 23, 1.0 / 21, 1.0 / 19, 1.0 / 17, 1.0 / 15, 1.0 / 13,
                               1.0 / 11, 1.0 / 9,  1.0 / 7,  1.0 / 5,  1.0 / 3};
    double s = (m - 1) / (m + 1), s2 = s * s, sum = 0;
    for (int i = 0; i < 11; i++)
        sum = (sum + c[i]) * s2;
    return e * LN2_HI + ((2 * s + 2 * s * sum) + e * LN2_LO);
}

double stats_exp(double x)
{
    if (isnan(x))
        return x;
    if (x > 709.782712893384)
        return INFINITY;
    if (x < -745.2)
        return 0;
    double k = floor(x * 1.44269504088896340736 + 0.5);
    double hi = x - k * LN2_HI, lo = k * LN2_LO;
    double r = hi - lo; /* |r| <= 0.347: the term after r^14 is below 2^-60 */
    static const double c[] = {1.0 / 87178291200, 1.0 / 6227020800, 1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800,
                               1.0 / 362880,      1.0 / 40320,      1.0 / 5040,      1.0 / 720,      1.0 / 120,
                               1.0 / 24,          1.0 / 6,          1.0 / 2};
    double sum = 0;
    for (int i = 0; i < 13; i++)
        sum = sum * r + c[i];
    /* sum = (exp(r) - 1 - r) / r^2 here; what the subtraction of `lo` rounded away is put back */
    double small = (hi - r) - lo;
    return ldexp(1 + (r + (r * r * sum + small)), (int)k);
}

double stats_lgamma(double x)
{
    if (!(x > 0))
        return NAN;
    if (isinf(x))
        return x;
    double shift = 1;
    while (x < 12) { /* Gamma(x) = Gamma(x + 1) / x, up to where Stirling's series is exact to double */
        shift *= x;
        x += 1;
    }
    static const double c[] = {1.0 / 12, -1.0 / 360, 1.0 / 1260, -1.0 / 1680, 1.0 / 1188, -691.0 / 360360, 1.0 / 156};
    double r2 = 1 / (x * x), sum = 0;
    for (int i = 6; i >= 0; i--)
        sum = sum * r2 + c[i];
    double stirling = (x - 0.5) * stats_log(x) - x + 0.91893853320467274178 + sum / x;
    return stirling - stats_log(shift);
}
