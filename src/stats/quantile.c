#include "stats/quantile.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "stats/portable.h"
#include "stats/sample.h"
#include "stats/special.h"

double quantile_sorted(const double *sorted, size_t n, double q)
{
    double h = (double)(n - 1) * q;
    size_t i = (size_t)h;
    if (i + 1 >= n)
        return sorted[n - 1];
    double part = h - (double)i;
    return part == 0 ? sorted[i] : sorted[i] + part * (sorted[i + 1] - sorted[i]);
}

double median_sorted(const double *sorted, size_t n)
{
    return quantile_sorted(sorted, n, 0.5);
}

int median_of(double *out, const double *x, size_t n, struct err *err)
{
    TRY(sample_check("median", x, n, 1, err));
    double *sorted = sample_sorted(x, n, err);
    if (!sorted)
        return -1;
    *out = median_sorted(sorted, n);
    free(sorted);
    return 0;
}

int quantile_of(double *out, const double *x, size_t n, double q, struct err *err)
{
    if (!(q >= 0 && q <= 1))
        return err_set(err, ERR_USAGE, "quantile %g, expected 0 to 1", q);
    TRY(sample_check("quantile", x, n, 1, err));
    double tail = q < 0.5 ? q : 1 - q;
    if (tail > 0 && tail < 0.5 && (double)n * tail < 1 - 1e-9) {
        err_set(err, ERR_USAGE, "quantile %g of %zu samples: no sample is expected beyond it", q, n);
        return err_hint(err, "take at least %.0f samples, or ask for a quantile nearer to the median",
                        ceil(1 / tail - 1e-9));
    }
    double *sorted = sample_sorted(x, n, err);
    if (!sorted)
        return -1;
    *out = quantile_sorted(sorted, n, q);
    free(sorted);
    return 0;
}

int quantile_ranks(struct quantile_ranks *out, size_t n, double q, double level, struct err *err)
{
    TRY(share_check("quantile", q, err));
    TRY(share_check("confidence level", level, err));
    if (n == 0 || n > (size_t)1 << 40)
        return err_set(err, ERR_USAGE, "interval of a quantile of %zu samples", n);
    double half = (1 - level) / 2;
    int64_t count = (int64_t)n;
    int64_t l = binom_quantile(half, count, q);      /* smallest k with F(k) >= a/2 */
    int64_t lo = binom_cdf(l, count, q) <= half ? l + 1 : l; /* F(lo-1) <= a/2 */
    int64_t hi = binom_quantile(1 - half, count, q) + 1;
    out->lo = lo < 1 ? 0 : (size_t)lo;
    out->hi = hi > count ? 0 : (size_t)hi;
    out->coverage = out->lo && out->hi ? binom_cdf(hi - 1, count, q) - binom_cdf(lo - 1, count, q) : NAN;
    return 0;
}

int quantile_interval_sorted(struct interval *out, const double *sorted, size_t n, double q, double level,
                             struct err *err)
{
    struct quantile_ranks r;
    TRY(quantile_ranks(&r, n, q, level, err));
    *out = (struct interval){.lo = r.lo ? sorted[r.lo - 1] : NAN,
                             .hi = r.hi ? sorted[r.hi - 1] : NAN,
                             .level = level,
                             .coverage = r.coverage,
                             .how = INTERVAL_ORDER};
    return 0;
}

int quantile_interval(struct interval *out, const double *x, size_t n, double q, double level, struct err *err)
{
    TRY(sample_check("interval of a quantile", x, n, 1, err));
    double *sorted = sample_sorted(x, n, err);
    if (!sorted)
        return -1;
    int rc = quantile_interval_sorted(out, sorted, n, q, level, err);
    free(sorted);
    return rc;
}

int quantile_least_n(size_t *out, double q, double level, struct err *err)
{
    TRY(share_check("quantile", q, err));
    TRY(share_check("confidence level", level, err));
    double half = (1 - level) / 2;
    double n = ceil(stats_log(half) / stats_log(q) - 1e-9);
    if (n > 9e15)
        return err_set(err, ERR_USAGE, "quantile %g needs more samples than can be counted", q);
    *out = n < 1 ? 1 : (size_t)n;
    return 0;
}
