#include "stats/series.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "stats/portable.h"
#include "stats/quantile.h"
#include "stats/sample.h"
#include "stats/special.h"

int autocorrelation(struct autocorrelation *out, double *rho, const double *x, size_t n, size_t lags,
                    struct err *err)
{
    TRY(sample_check("autocorrelation", x, n, 2, err));
    if (lags < 1 || lags >= n)
        return err_set(err, ERR_USAGE, "autocorrelation of %zu samples at %zu lags, expected 1 to %zu", n, lags, n - 1);
    double mean = sample_mean(x, n), squares = 0, m = (double)n;
    for (size_t i = 0; i < n; i++)
        squares += (x[i] - mean) * (x[i] - mean);
    struct autocorrelation r = {.band = 1.96 / sqrt(m), .p = 1};
    for (size_t k = 1; k <= lags; k++) {
        double sum = 0;
        for (size_t i = 0; i + k < n; i++)
            sum += (x[i] - mean) * (x[i + k] - mean);
        double v = squares > 0 ? sum / squares : 0;
        if (rho)
            rho[k - 1] = v;
        if (k == 1)
            r.first = v;
        r.beyond_band += fabs(v) > r.band;
        r.ljung_box_q += m * (m + 2) * v * v / (double)(n - k);
    }
    r.n_eff = m * (1 - r.first) / (1 + r.first);
    r.n_eff = r.n_eff > m ? m : r.n_eff < 1 ? 1 : r.n_eff;
    r.p = chi2_sf(r.ljung_box_q, (double)lags);
    *out = r;
    return 0;
}

/* Noise without the level: differences of neighbours are blind to a shift of the mean except where it happens. */
static int noise_of(double *sigma, const double *x, size_t n, struct err *err)
{
    *sigma = 0;
    double *d = mem_alloc(n, sizeof *d, err);
    if (!d)
        return -1;
    for (size_t i = 1; i < n; i++)
        d[i - 1] = x[i] - x[i - 1];
    double spread = sample_sd(d, n - 1);
    sample_sort(d, n - 1);
    double middle = median_sorted(d, n - 1);
    for (size_t i = 0; i + 1 < n; i++)
        d[i] = fabs(d[i] - middle);
    sample_sort(d, n - 1);
    *sigma = median_sorted(d, n - 1) / (sqrt(2) * 0.67448975019608171);
    if (*sigma == 0) /* more than half of the neighbours are equal (a coarse clock) */
        *sigma = spread / sqrt(2);
    free(d);
    return 0;
}

int change_points(size_t *count, size_t *at, size_t most, const double *x, size_t n, double penalty, struct err *err)
{
    TRY(sample_check("change points", x, n, 2, err));
    if (penalty < 0 || isnan(penalty))
        return err_set(err, ERR_USAGE, "change points with a penalty of %g, expected 0 or more", penalty);
    double sigma;
    TRY(noise_of(&sigma, x, n, err));
    *count = 0;
    if (sigma == 0)
        return 0;
    if (penalty == 0)
        penalty = 3 * stats_log((double)n);
    int rc = -1;
    double *sum = mem_zalloc(n + 1, sizeof *sum, err), *square = mem_zalloc(n + 1, sizeof *square, err);
    double *best = mem_alloc(n + 1, sizeof *best, err);
    size_t *from = mem_zalloc(n + 1, sizeof *from, err), *open = mem_alloc(n + 1, sizeof *open, err);
    if (!sum || !square || !best || !from || !open)
        goto out;
    double origin = sample_mean(x, n); /* keeps the squares small */
    for (size_t i = 0; i < n; i++) {
        double v = (x[i] - origin) / sigma;
        sum[i + 1] = sum[i] + v;
        square[i + 1] = square[i] + v * v;
    }
    best[0] = -penalty;
    size_t live = 1;
    open[0] = 0;
    for (size_t t = 1; t <= n; t++) {
        best[t] = INFINITY;
        for (size_t k = 0; k < live; k++) {
            size_t s = open[k];
            double total = sum[t] - sum[s], sse = square[t] - square[s] - total * total / (double)(t - s);
            double cost = best[s] + (sse > 0 ? sse : 0) + penalty;
            if (cost < best[t]) {
                best[t] = cost;
                from[t] = s;
            }
        }
        size_t kept = 0; /* a start that is worse even without its penalty never wins again */
        for (size_t k = 0; k < live; k++) {
            size_t s = open[k];
            double total = sum[t] - sum[s], sse = square[t] - square[s] - total * total / (double)(t - s);
            if (best[s] + (sse > 0 ? sse : 0) <= best[t])
                open[kept++] = s;
        }
        open[kept++] = t;
        live = kept;
    }
    size_t found = 0;
    for (size_t t = from[n]; t > 0; t = from[t])
        found++;
    *count = found;
    for (size_t t = from[n]; t > 0; t = from[t])
        if (--found < most)
            at[found] = t;
    rc = 0;
out:
    free(sum);
    free(square);
    free(best);
    free(from);
    free(open);
    return rc;
}

int cov_window(struct cov_window *out, const double *x, size_t n, size_t width, double limit, struct err *err)
{
    TRY(sample_check("steady window", x, n, 1, err));
    if (width < 2)
        return err_set(err, ERR_USAGE, "steady window of %zu samples, expected 2 or more", width);
    if (!(limit > 0))
        return err_set(err, ERR_USAGE, "steady window: the limit is %g, expected above 0", limit);
    *out = (struct cov_window){.cov = NAN};
    for (size_t i = 0; i + width <= n; i++) {
        double mean = sample_mean(x + i, width), cov = sample_sd(x + i, width) / fabs(mean);
        if (cov <= limit) {
            *out = (struct cov_window){true, i, i + width, cov};
            return 0;
        }
    }
    return 0;
}

int steady_state(struct steadiness *out, const double *x, size_t n, const struct steadiness_opts *opts,
                 struct err *err)
{
    TRY(sample_check("steady state", x, n, 4, err));
    double tolerance = opts && opts->tolerance > 0 ? opts->tolerance : 0.01;
    size_t *at = mem_alloc(n + 1, sizeof *at, err);
    if (!at)
        return -1;
    size_t count;
    if (change_points(&count, at, n, x, n, opts ? opts->penalty : 0, err) < 0) {
        free(at);
        return -1;
    }
    /* changes too small to matter are joined to what came before */
    struct steadiness s = {.steady = true, .kind = STEADY_FLAT};
    size_t up = 0, down = 0, begin = 0, segment = 0;
    double level = 0;
    for (size_t k = 0; k <= count; k++) {
        size_t end = k < count ? at[k] : n;
        double mean = sample_mean(x + begin, end - begin);
        if (k == 0) {
            s.before = level = mean;
        } else if (fabs(mean - level) > tolerance * fabs(level)) {
            *(mean > level ? &up : &down) += 1;
            level = mean;
            segment = begin;
            s.changes++;
        }
        begin = end;
    }
    free(at);
    s.start = segment;
    s.after = sample_mean(x + segment, n - segment);
    s.steady = segment < (n + 1) / 2;
    if (up && down)
        s.kind = STEADY_INCONSISTENT;
    else if (up)
        s.kind = STEADY_SLOWDOWN;
    else if (down)
        s.kind = STEADY_WARMUP;
    *out = s;
    return 0;
}

const char *steadiness_name(enum steadiness_kind kind)
{
    static const char *const names[] = {"flat", "warms up", "slows down", "inconsistent"};
    return (unsigned)kind < 4 ? names[kind] : "unknown";
}
