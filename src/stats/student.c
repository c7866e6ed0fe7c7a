#include "stats/student.h"

#include <math.h>

#include "stats/sample.h"
#include "stats/special.h"

static struct interval t_bounds(double estimate, double se, double df, double level)
{
    double half = se > 0 ? t_quantile((1 + level) / 2, df) * se : 0;
    return (struct interval){
        .lo = estimate - half, .hi = estimate + half, .level = level, .coverage = level, .how = INTERVAL_T};
}

int t_interval(struct interval *out, const double *x, size_t n, double level, struct err *err)
{
    TRY(share_check("confidence level", level, err));
    TRY(sample_check("t interval", x, n, 2, err));
    *out = t_bounds(sample_mean(x, n), sample_sd(x, n) / sqrt((double)n), (double)n - 1, level);
    return 0;
}

/* P(T > (estimate - null) / se), with the limits of se = 0. */
static double upper_tail(double estimate, double se, double df, double null, double *t)
{
    double d = estimate - null;
    *t = se > 0 ? d / se : d == 0 ? 0 : copysign(INFINITY, d);
    return t_sf(*t, df);
}

static void finish(struct t_test *r, double null, double level)
{
    r->p_more = upper_tail(r->estimate, r->se, r->df, null, &r->t);
    r->p_less = t_cdf(r->t, r->df);
    double tail = r->p_more < r->p_less ? r->p_more : r->p_less;
    r->p = tail >= 0.5 ? 1 : 2 * tail;
    r->ci = t_bounds(r->estimate, r->se, r->df, level);
}

int t_test_one(struct t_test *out, const double *x, size_t n, double null, double level, struct err *err)
{
    TRY(share_check("confidence level", level, err));
    TRY(sample_check("t test", x, n, 2, err));
    struct t_test r = {
        .estimate = sample_mean(x, n), .se = sample_sd(x, n) / sqrt((double)n), .df = (double)n - 1};
    finish(&r, null, level);
    *out = r;
    return 0;
}

int t_test_welch(struct t_test *out, const double *a, size_t na, const double *b, size_t nb, double null,
                 double level, struct err *err)
{
    TRY(share_check("confidence level", level, err));
    TRY(sample_check("welch test, side a", a, na, 2, err));
    TRY(sample_check("welch test, side b", b, nb, 2, err));
    double va = sample_variance(a, na) / (double)na, vb = sample_variance(b, nb) / (double)nb;
    struct t_test r = {.estimate = sample_mean(a, na) - sample_mean(b, nb), .se = sqrt(va + vb)};
    if (va + vb > 0) {
        double sa = va / (va + vb), sb = vb / (va + vb); /* shares: the squares cannot overflow or vanish */
        r.df = 1 / (sa * sa / (double)(na - 1) + sb * sb / (double)(nb - 1));
    } else {
        r.df = (double)(na + nb - 2);
    }
    finish(&r, null, level);
    r.ci.how = INTERVAL_WELCH;
    *out = r;
    return 0;
}

double tost_p(double estimate, double se, double df, double lo, double hi)
{
    double t;
    double above_lo = upper_tail(estimate, se, df, lo, &t);
    double below_hi = 1 - upper_tail(estimate, se, df, hi, &t);
    if (se > 0)
        below_hi = t_cdf((estimate - hi) / se, df);
    return above_lo > below_hi ? above_lo : below_hi;
}

int ratio_of_means(struct ratio_of_means *out, const double *a, size_t na, const double *b, size_t nb,
                   struct err *err)
{
    TRY(sample_check_positive("ratio of means, side a", a, na, 2, err));
    TRY(sample_check_positive("ratio of means, side b", b, nb, 2, err));
    double ca = sample_sd(a, na) / sample_mean(a, na), cb = sample_sd(b, nb) / sample_mean(b, nb);
    double ratio = sample_mean(a, na) / sample_mean(b, nb);
    out->ratio = ratio;
    out->spread = ratio * sqrt(ca * ca + cb * cb);
    out->se = ratio * sqrt(ca * ca / (double)na + cb * cb / (double)nb);
    return 0;
}
