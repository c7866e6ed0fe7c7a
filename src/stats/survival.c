#include "stats/survival.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "stats/portable.h"
#include "stats/sample.h"
#include "stats/special.h"

struct subject {
    double t;
    bool event, second; /* second: of the other group */
};

static int by_time(const void *pa, const void *pb)
{
    const struct subject *a = pa, *b = pb;
    return (a->t > b->t) - (a->t < b->t);
}

static int check_times(const char *what, const double *t, size_t n, struct err *err)
{
    TRY(sample_check(what, t, n, 1, err));
    for (size_t i = 0; i < n; i++)
        if (t[i] < 0)
            return err_set(err, ERR_USAGE, "%s: time %zu of %zu is %g, expected 0 or more", what, i + 1, n, t[i]);
    return 0;
}

int kaplan_meier(struct kaplan_meier *out, const double *t, const bool *event, size_t n, double level,
                 struct err *err)
{
    TRY(share_check("confidence level", level, err));
    TRY(check_times("Kaplan-Meier", t, n, err));
    struct subject *s = mem_alloc(n, sizeof *s, err);
    struct kaplan_meier km = {.median = NAN, .n = n};
    km.steps = mem_alloc(n, sizeof *km.steps, err);
    if (!s || !km.steps) {
        free(s);
        free(km.steps);
        return -1;
    }
    for (size_t i = 0; i < n; i++)
        s[i] = (struct subject){t[i], event[i], false};
    qsort(s, n, sizeof *s, by_time);
    double share = 1, greenwood = 0, z = norm_quantile((1 + level) / 2);
    for (size_t i = 0, j; i < n; i = j) {
        size_t events = 0;
        for (j = i; j < n && s[j].t == s[i].t; j++)
            events += s[j].event;
        if (!events)
            continue;
        double at_risk = (double)(n - i), d = (double)events;
        share *= 1 - d / at_risk;
        greenwood += d / (at_risk * (at_risk - d)); /* infinite when all end here: S is 0 */
        struct survival_step *step = &km.steps[km.count++];
        *step = (struct survival_step){.t = s[i].t, .at_risk = n - i, .events = events, .share = share, .se = NAN};
        step->ci = interval_none(level);
        step->ci.how = INTERVAL_LOGLOG;
        if (d < at_risk) {
            double root = sqrt(greenwood), log_share = stats_log(share), w = z * root / log_share; /* w < 0 */
            step->se = share * root;
            step->ci.lo = stats_exp(log_share * stats_exp(-w));
            step->ci.hi = stats_exp(log_share * stats_exp(w));
            step->ci.coverage = level;
        } else {
            step->share = share = 0;
        }
        if (isnan(km.median) && share <= 0.5 + 1e-12)
            km.median = s[i].t;
        km.events += events;
    }
    free(s);
    *out = km;
    return 0;
}

void kaplan_meier_release(struct kaplan_meier *km)
{
    free(km->steps);
    *km = (struct kaplan_meier){0};
}

double kaplan_meier_share(const struct kaplan_meier *km, double t)
{
    double share = 1;
    for (size_t i = 0; i < km->count && km->steps[i].t <= t; i++)
        share = km->steps[i].share;
    return share;
}

double kaplan_meier_mean_to(const struct kaplan_meier *km, double tau)
{
    double area = 0, share = 1, since = 0;
    for (size_t i = 0; i < km->count && km->steps[i].t < tau; i++) {
        area += share * (km->steps[i].t - since);
        since = km->steps[i].t;
        share = km->steps[i].share;
    }
    return area + share * (tau - since);
}

int logrank(struct logrank *out, const double *t1, const bool *event1, size_t n1, const double *t2,
            const bool *event2, size_t n2, struct err *err)
{
    TRY(check_times("log-rank, group 1", t1, n1, err));
    TRY(check_times("log-rank, group 2", t2, n2, err));
    size_t n = n1 + n2;
    struct subject *s = mem_alloc(n, sizeof *s, err);
    if (!s)
        return -1;
    for (size_t i = 0; i < n; i++)
        s[i] = i < n1 ? (struct subject){t1[i], event1[i], false}
                      : (struct subject){t2[i - n1], event2[i - n1], true};
    qsort(s, n, sizeof *s, by_time);
    double observed = 0, expected = 0, variance = 0, risk1 = (double)n1;
    for (size_t i = 0, j; i < n; i = j) {
        double risk = (double)(n - i), d = 0, d1 = 0, gone1 = 0;
        for (j = i; j < n && s[j].t == s[i].t; j++) {
            d += s[j].event;
            d1 += s[j].event && !s[j].second;
            gone1 += !s[j].second;
        }
        observed += d1;
        expected += d * risk1 / risk;
        if (risk > 1)
            variance += d * (risk1 / risk) * (1 - risk1 / risk) * (risk - d) / (risk - 1);
        risk1 -= gone1;
    }
    free(s);
    struct logrank r = {.z = 0, .p = 1};
    if (variance > 0) {
        r.z = (observed - expected) / sqrt(variance);
        r.p = chi2_sf(r.z * r.z, 1);
    }
    *out = r;
    return 0;
}
