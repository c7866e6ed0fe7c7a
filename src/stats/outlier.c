#include "stats/outlier.h"

#include <math.h>
#include <stdlib.h>

#include "stats/quantile.h"
#include "stats/sample.h"

static enum outlier classify(const struct outliers *o, double x)
{
    if (x < o->low_severe)
        return OUTLIER_LOW_SEVERE;
    if (x < o->low_mild)
        return OUTLIER_LOW_MILD;
    if (x > o->high_severe)
        return OUTLIER_HIGH_SEVERE;
    if (x > o->high_mild)
        return OUTLIER_HIGH_MILD;
    return OUTLIER_NONE;
}

int outliers_label(struct outliers *out, enum outlier *labels, const double *x, size_t n, struct err *err)
{
    TRY(sample_check("outliers", x, n, 1, err));
    double *sorted = sample_sorted(x, n, err);
    if (!sorted)
        return -1;
    struct outliers o = {.q1 = quantile_sorted(sorted, n, 0.25),
                         .median = median_sorted(sorted, n),
                         .q3 = quantile_sorted(sorted, n, 0.75)};
    o.iqr = o.q3 - o.q1;
    o.low_severe = o.q1 - 3 * o.iqr;
    o.low_mild = o.q1 - 1.5 * o.iqr;
    o.high_mild = o.q3 + 1.5 * o.iqr;
    o.high_severe = o.q3 + 3 * o.iqr;
    for (size_t i = 0; i < n; i++)
        sorted[i] = fabs(sorted[i] - o.median);
    sample_sort(sorted, n);
    o.mad = median_sorted(sorted, n);
    free(sorted);
    for (size_t i = 0; i < n; i++) {
        enum outlier label = classify(&o, x[i]);
        o.count[label]++;
        if (labels)
            labels[i] = label;
        if (fabs(outlier_z(&o, x[i])) > OUTLIER_MAD_LIMIT) {
            o.beyond_mad++;
            o.first |= i == 0;
        }
    }
    *out = o;
    return 0;
}

const char *outlier_name(enum outlier label)
{
    static const char *const names[] = {"none", "low_mild", "low_severe", "high_mild", "high_severe"};
    return (unsigned)label < OUTLIER_COUNT ? names[label] : "unknown";
}

double outlier_z(const struct outliers *o, double x)
{
    double d = x - o->median;
    if (d == 0)
        return 0;
    return o->mad > 0 ? d / o->mad : copysign(INFINITY, d);
}
