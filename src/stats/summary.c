#include "stats/summary.h"

#include <math.h>
#include <stdlib.h>

#include "stats/quantile.h"
#include "stats/sample.h"

static double percentile(const double *sorted, size_t n, double q)
{
    double tail = q < 0.5 ? q : 1 - q;
    return (double)n * tail < 1 - 1e-9 ? NAN : quantile_sorted(sorted, n, q);
}

int summary_of(struct summary *out, const double *x, size_t n, struct err *err)
{
    TRY(sample_check("summary", x, n, 1, err));
    double *sorted = sample_sorted(x, n, err);
    if (!sorted)
        return -1;
    struct summary s = {.n = n, .sum = sample_sum(x, n), .mean = sample_mean(x, n), .sd = NAN, .se = NAN, .cov = NAN};
    if (n > 1) {
        s.sd = sample_sd(x, n);
        s.se = s.sd / sqrt((double)n);
        if (s.mean != 0)
            s.cov = s.sd / fabs(s.mean);
    }
    s.min = sorted[0];
    s.max = sorted[n - 1];
    s.q1 = quantile_sorted(sorted, n, 0.25);
    s.median = median_sorted(sorted, n);
    s.q3 = quantile_sorted(sorted, n, 0.75);
    s.p5 = percentile(sorted, n, 0.05);
    s.p90 = percentile(sorted, n, 0.90);
    s.p95 = percentile(sorted, n, 0.95);
    s.p99 = percentile(sorted, n, 0.99);
    s.p999 = percentile(sorted, n, 0.999);
    for (size_t i = 0; i < n; i++)
        sorted[i] = fabs(sorted[i] - s.median);
    double upper = sample_select(sorted, n, n / 2), lower = n % 2 ? upper : sample_select(sorted, n, n / 2 - 1);
    s.mad = lower + 0.5 * (upper - lower);
    free(sorted);
    *out = s;
    return 0;
}

void moments_add(struct moments *m, double x)
{
    if (m->n == 0)
        m->min = m->max = x;
    m->min = x < m->min ? x : m->min;
    m->max = x > m->max ? x : m->max;
    m->n++;
    double d = x - m->mean;
    m->mean += d / (double)m->n;
    m->m2 += d * (x - m->mean);
}

void moments_merge(struct moments *m, const struct moments *other)
{
    if (other->n == 0)
        return;
    if (m->n == 0) {
        *m = *other;
        return;
    }
    double a = (double)m->n, b = (double)other->n, d = other->mean - m->mean;
    m->mean += d * b / (a + b);
    m->m2 += other->m2 + d * d * a * b / (a + b);
    m->n += other->n;
    m->min = other->min < m->min ? other->min : m->min;
    m->max = other->max > m->max ? other->max : m->max;
}

double moments_sd(const struct moments *m)
{
    return m->n < 2 ? NAN : sqrt(m->m2 / (double)(m->n - 1));
}
