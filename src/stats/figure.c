#include "stats/figure.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "stats/bootstrap.h"
#include "stats/quantile.h"
#include "stats/sample.h"
#include "stats/student.h"

static int by_bootstrap(struct interval *out, const double *x, size_t n, enum figure_about about,
                        const struct figure_opts *o, struct err *err)
{
    struct bootstrap b;
    struct bootstrap_opts bo = {.resamples = o->resamples, .seed = o->seed, .level = o->level, .how = o->interval};
    TRY(bootstrap_one(&b, x, n, about == FIGURE_MEDIAN ? statistic_median : statistic_mean, NULL, &bo, err));
    *out = b.ci;
    return 0;
}

int figure_of(struct figure *out, const double *x, size_t n, const struct figure_opts *opts, struct err *err)
{
    struct figure_opts o = opts ? *opts : (struct figure_opts){0};
    if (o.level == 0)
        o.level = 0.95;
    TRY(share_check("confidence level", o.level, err));
    TRY(sample_check("figure", x, n, 1, err));
    double *sorted = sample_sorted(x, n, err);
    if (!sorted)
        return -1;

    struct figure f = {.median = median_sorted(sorted, n), .mean = sample_mean(x, n),
                       .sd = n > 1 ? sample_sd(x, n) : NAN, .min = sorted[0], .max = sorted[n - 1],
                       .level = o.level, .n = n, .about = o.about};
    struct interval ci = interval_none(o.level);
    int rc = 0;
    if (n > 1)
        switch (o.interval) {
        case INTERVAL_NONE: /* the default */
            if (o.about == FIGURE_MEDIAN)
                rc = quantile_interval_sorted(&ci, sorted, n, 0.5, o.level, err);
            if (rc == 0 && (isnan(ci.lo) || isnan(ci.hi))) {
                rc = t_interval(&ci, x, n, o.level, err);
                f.about = FIGURE_MEAN;
            }
            break;
        case INTERVAL_ORDER:
            if (o.about == FIGURE_MEDIAN)
                rc = quantile_interval_sorted(&ci, sorted, n, 0.5, o.level, err);
            else
                rc = err_set(err, ERR_USAGE, "figure: order statistics give no interval of a mean");
            break;
        case INTERVAL_T:
            rc = t_interval(&ci, x, n, o.level, err);
            f.about = FIGURE_MEAN;
            break;
        case INTERVAL_PERCENTILE:
        case INTERVAL_BASIC:
        case INTERVAL_BCA:
            rc = by_bootstrap(&ci, x, n, o.about, &o, err);
            break;
        default:
            rc = err_set(err, ERR_USAGE, "figure: no interval of one sample set by '%s'", interval_how_name(o.interval));
        }
    free(sorted);
    if (rc < 0)
        return -1;
    f.lo = ci.lo;
    f.hi = ci.hi;
    f.coverage = ci.coverage;
    f.interval = ci.how;
    *out = f;
    return 0;
}

const char *figure_how(const struct figure *f, char text[FIGURE_HOW_MAX])
{
    const char *of = "";
    if (f->interval == INTERVAL_PERCENTILE || f->interval == INTERVAL_BASIC || f->interval == INTERVAL_BCA)
        of = f->about == FIGURE_MEDIAN ? " of the median" : " of the mean";
    snprintf(text, FIGURE_HOW_MAX, "%s%s", interval_how_name(f->interval), of);
    return text;
}
