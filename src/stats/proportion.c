#include "stats/proportion.h"

#include <inttypes.h>
#include <math.h>

#include "stats/sample.h"
#include "stats/special.h"

static int check(int64_t k, int64_t n, double level, struct err *err)
{
    TRY(share_check("confidence level", level, err));
    if (n < 1)
        return err_set(err, ERR_USAGE, "share of %" PRId64 " trials", n);
    if (k < 0 || k > n)
        return err_set(err, ERR_USAGE, "%" PRId64 " successes in %" PRId64 " trials", k, n);
    return 0;
}

int wilson_interval(struct interval *out, int64_t k, int64_t n, double level, struct err *err)
{
    TRY(check(k, n, level, err));
    double z = norm_quantile((1 + level) / 2), m = (double)n, p = (double)k / m, z2 = z * z / m;
    double centre = (p + z2 / 2) / (1 + z2), half = z / (1 + z2) * sqrt(p * (1 - p) / m + z2 / (4 * m));
    *out = (struct interval){.lo = k == 0 ? 0 : centre - half,
                             .hi = k == n ? 1 : centre + half,
                             .level = level,
                             .coverage = level,
                             .how = INTERVAL_WILSON};
    return 0;
}

int clopper_pearson_interval(struct interval *out, int64_t k, int64_t n, double level, struct err *err)
{
    TRY(check(k, n, level, err));
    double half = (1 - level) / 2, hit = (double)k, miss = (double)(n - k);
    *out = (struct interval){.lo = k == 0 ? 0 : beta_quantile(half, hit, miss + 1),
                             .hi = k == n ? 1 : beta_quantile(1 - half, hit + 1, miss),
                             .level = level,
                             .coverage = level,
                             .how = INTERVAL_CLOPPER};
    return 0;
}

int mcnemar(struct mcnemar *out, int64_t b, int64_t c, struct err *err)
{
    if (b < 0 || c < 0 || b > INT64_MAX - c)
        return err_set(err, ERR_USAGE, "McNemar with %" PRId64 " and %" PRId64 " differing pairs", b, c);
    int64_t least = b < c ? b : c, n = b + c;
    struct mcnemar r = {.p = 1, .exact_p = 1, .mid_p = 1, .chi2_cc = 0, .p_cc = 1};
    if (n > 0) {
        double below = binom_cdf(least, n, 0.5);
        r.exact_p = 2 * below > 1 ? 1 : 2 * below;
        r.mid_p = 2 * below - binom_pmf(least, n, 0.5);
        r.mid_p = b == c ? 1 : r.mid_p > 1 ? 1 : r.mid_p;
        double d = fabs((double)b - (double)c);
        d = d > 1 ? d - 1 : 0;
        r.chi2_cc = d * d / (double)n;
        r.p_cc = chi2_sf(r.chi2_cc, 1);
        r.p = n < 25 ? r.exact_p : r.p_cc;
    }
    *out = r;
    return 0;
}
