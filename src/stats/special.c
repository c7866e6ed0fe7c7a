#include "stats/special.h"

#include <math.h>

#include "stats/portable.h"

#define TINY 1e-300
#define EPS 1e-16
#define MAX_STEPS 100000 /* a continued fraction needs about sqrt(shape) steps */

/* ln(n!) less Stirling's formula for it. */
static double stirling_error(double n)
{
    if (n < 15)
        return stats_lgamma(n + 1) - (n + 0.5) * stats_log(n) + n - 0.91893853320467274178;
    double r2 = 1 / (n * n);
    return (1.0 / 12 - (1.0 / 360 - (1.0 / 1260 - (1.0 / 1680 - r2 / 1188) * r2) * r2) * r2) / n;
}

/* x ln(x/m) + m - x without the cancellation near x = m. */
static double deviance(double x, double m)
{
    if (fabs(x - m) >= 0.1 * (x + m))
        return x * stats_log(x / m) + m - x;
    double v = (x - m) / (x + m), v2 = v * v;
    double sum = (x - m) * v, term = 2 * x * v;
    for (int k = 3; k < 2000; k += 2) {
        term *= v2;
        double next = sum + term / k;
        if (next == sum)
            break;
        sum = next;
    }
    return sum;
}

/* Gamma(n+1) / (Gamma(k+1) Gamma(n-k+1)) p^k q^(n-k) for real k in [0, n]. */
static double binom_factor(double k, double n, double p, double q)
{
    if (p <= 0)
        return k <= 0 ? 1 : 0;
    if (q <= 0)
        return k >= n ? 1 : 0;
    if (k <= 0)
        return stats_exp(p < 0.1 ? -deviance(n, n * q) - n * p : n * stats_log(q));
    if (k >= n)
        return stats_exp(q < 0.1 ? -deviance(n, n * p) - n * q : n * stats_log(p));
    double e = stirling_error(n) - stirling_error(k) - stirling_error(n - k) - deviance(k, n * p) -
               deviance(n - k, n * q);
    return stats_exp(e) * sqrt(n / (6.283185307179586477 * k * (n - k)));
}

/* P and Q of the incomplete gamma function, whichever is the small one computed directly. */
static void gamma_pq(double a, double x, double *p, double *q)
{
    if (x <= 0) {
        *p = 0, *q = 1;
        return;
    }
    /* x^a e^-x / Gamma(a+1) */
    double front = stats_exp(-stirling_error(a) - deviance(a, x)) / sqrt(6.283185307179586477 * a);
    if (x < a + 1) {
        double sum = 1, term = 1;
        for (int k = 1; k < MAX_STEPS && term > EPS * sum; k++) {
            term *= x / (a + k);
            sum += term;
        }
        *p = front * sum;
        *q = 1 - *p;
        return;
    }
    double b = x + 1 - a, c = 1 / TINY, d = 1 / b, h = d;
    for (int i = 1; i < MAX_STEPS; i++) {
        double an = -i * (i - a);
        b += 2;
        d = an * d + b;
        d = 1 / (fabs(d) < TINY ? TINY : d);
        c = b + an / c;
        c = fabs(c) < TINY ? TINY : c;
        double step = d * c;
        h *= step;
        if (fabs(step - 1) < 2 * EPS)
            break;
    }
    *q = front * a * h;
    *p = 1 - *q;
}

double norm_sf(double z)
{
    if (isnan(z))
        return z;
    if (isinf(z))
        return z > 0 ? 0 : 1;
    double p, q;
    gamma_pq(0.5, z * z / 2, &p, &q);
    return z > 0 ? q / 2 : 0.5 + p / 2;
}

double norm_cdf(double z)
{
    return norm_sf(-z);
}

double norm_quantile(double p)
{
    if (!(p >= 0 && p <= 1))
        return NAN;
    if (p == 0 || p == 1)
        return p == 0 ? -INFINITY : INFINITY;
    static const double a[] = {-3.969683028665376e+01, 2.209460984245205e+02, -2.759285104469687e+02,
                               1.383577518672690e+02,  -3.066479806614716e+01, 2.506628277459239e+00};
    static const double b[] = {-5.447609879822406e+01, 1.615858368580409e+02, -1.556989798598866e+02,
                               6.680131188771972e+01, -1.328068155288572e+01};
    static const double c[] = {-7.784894002430293e-03, -3.223964580411365e-01, -2.400758277161838e+00,
                               -2.549732539343734e+00, 4.374664141464968e+00,  2.938163982698783e+00};
    static const double d[] = {7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e+00,
                               3.754408661907416e+00};
    double z, tail = p < 0.5 ? p : 1 - p;
    if (tail < 0.02425) {
        double q = sqrt(-2 * stats_log(tail));
        z = (((((c[0] * q + c[1]) * q + c[2]) * q + c[3]) * q + c[4]) * q + c[5]) /
            ((((d[0] * q + d[1]) * q + d[2]) * q + d[3]) * q + 1);
        if (p > 0.5)
            z = -z;
    } else {
        double q = p - 0.5, r = q * q;
        z = (((((a[0] * r + a[1]) * r + a[2]) * r + a[3]) * r + a[4]) * r + a[5]) * q /
            (((((b[0] * r + b[1]) * r + b[2]) * r + b[3]) * r + b[4]) * r + 1);
    }
    for (int i = 0; i < 2; i++) { /* Halley: 1e-9 becomes the last bits */
        double miss = p < 0.5 ? norm_cdf(z) - p : (1 - p) - norm_sf(z);
        double u = miss * 2.50662827463100050242 * stats_exp(z * z / 2);
        z -= u / (1 + z * u / 2);
    }
    return z;
}

double chi2_sf(double x, double df)
{
    if (isnan(x) || !(df > 0))
        return NAN;
    if (isinf(x))
        return x > 0 ? 0 : 1;
    double p, q;
    gamma_pq(df / 2, x / 2, &p, &q);
    return q;
}

/* I_x(a, b) and its complement, given both x and 1 - x. */
static void beta_pq(double x, double y, double a, double b, double *p, double *q)
{
    if (x <= 0 || y <= 0) {
        *p = x <= 0 ? 0 : 1;
        *q = 1 - *p;
        return;
    }
    if (x > (a + 1) / (a + b + 2)) {
        beta_pq(y, x, b, a, q, p);
        return;
    }
    double front = binom_factor(a, a + b, x, y) * (b / (a + b)); /* x^a y^b / (a B(a, b)) */
    double c = 1, d = 1 - (a + b) * x / (a + 1);
    d = 1 / (fabs(d) < TINY ? TINY : d);
    double h = d;
    for (int m = 1; m < MAX_STEPS; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        d = 1 + even * d;
        d = 1 / (fabs(d) < TINY ? TINY : d);
        c = 1 + even / c;
        c = fabs(c) < TINY ? TINY : c;
        h *= d * c;
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        d = 1 + odd * d;
        d = 1 / (fabs(d) < TINY ? TINY : d);
        c = 1 + odd / c;
        c = fabs(c) < TINY ? TINY : c;
        double step = d * c;
        h *= step;
        if (fabs(step - 1) < 2 * EPS)
            break;
    }
    *p = front * h;
    *p = *p > 1 ? 1 : *p;
    *q = 1 - *p;
}

double beta_cdf(double x, double a, double b)
{
    if (isnan(x) || !(a > 0) || !(b > 0) || isinf(a) || isinf(b))
        return NAN;
    double p, q;
    beta_pq(x, 1 - x, a, b, &p, &q);
    return p;
}

double beta_quantile(double p, double a, double b)
{
    if (!(p >= 0 && p <= 1) || !(a > 0) || !(b > 0) || isinf(a) || isinf(b))
        return NAN;
    if (p == 0 || p == 1)
        return p;
    double lo = 0, hi = 1;
    for (int i = 0; i < 200; i++) {
        double mid = lo + (hi - lo) / 2;
        if (mid <= lo || mid >= hi)
            break;
        if (beta_cdf(mid, a, b) < p)
            lo = mid;
        else
            hi = mid;
    }
    return hi;
}

double t_sf(double t, double df)
{
    if (isnan(t) || !(df > 0))
        return NAN;
    if (isinf(df))
        return norm_sf(t);
    if (isinf(t))
        return t > 0 ? 0 : 1;
    double p, q, t2 = t * t;
    beta_pq(df / (df + t2), t2 / (df + t2), df / 2, 0.5, &p, &q);
    return t > 0 ? p / 2 : 0.5 + q / 2;
}

double t_cdf(double t, double df)
{
    return t_sf(-t, df);
}

double t_quantile(double p, double df)
{
    if (!(p >= 0 && p <= 1) || !(df > 0))
        return NAN;
    if (isinf(df))
        return norm_quantile(p);
    if (p == 0 || p == 1)
        return p == 0 ? -INFINITY : INFINITY;
    double tail = p < 0.5 ? p : 1 - p, lo = 0, hi = 1;
    while (t_sf(hi, df) > tail && hi < 1e300)
        hi *= 2;
    for (int i = 0; i < 200; i++) {
        double mid = lo + (hi - lo) / 2;
        if (mid <= lo || mid >= hi)
            break;
        if (t_sf(mid, df) > tail)
            lo = mid;
        else
            hi = mid;
    }
    return p < 0.5 ? -hi : tail == 0.5 ? 0 : hi;
}

double binom_pmf(int64_t k, int64_t n, double share)
{
    if (n < 0 || !(share >= 0 && share <= 1))
        return NAN;
    if (k < 0 || k > n)
        return 0;
    return binom_factor((double)k, (double)n, share, 1 - share);
}

double binom_cdf(int64_t k, int64_t n, double share)
{
    if (n < 0 || !(share >= 0 && share <= 1))
        return NAN;
    if (k < 0)
        return 0;
    if (k >= n)
        return 1;
    double p, q;
    beta_pq(share, 1 - share, (double)k + 1, (double)(n - k), &p, &q);
    return q;
}

int64_t binom_quantile(double p, int64_t n, double share)
{
    if (n < 0 || !(share >= 0 && share <= 1) || !(p >= 0 && p <= 1))
        return -1;
    int64_t lo = 0, hi = n; /* the answer is in [lo, hi] */
    while (lo < hi) {
        int64_t mid = lo + (hi - lo) / 2;
        if (binom_cdf(mid, n, share) >= p)
            hi = mid;
        else
            lo = mid + 1;
    }
    return lo;
}
