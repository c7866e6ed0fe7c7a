#include "stats/chisq.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "stats/portable.h"
#include "stats/special.h"

#define ENOUGH 5.0

/* One cell: what each row of the table counted and what decides whether it is large enough. */
struct cell {
    double a, b, expected; /* goodness: a observed, b expected; two samples: both observed */
};

static int by_expected(const void *pa, const void *pb)
{
    const struct cell *x = pa, *y = pb;
    return (x->expected > y->expected) - (x->expected < y->expected);
}

/* Merges the cells that expect less than 5; returns how many cells are left. The small ones come first when sorted. */
static size_t merge(struct cell *c, size_t k, size_t *merged)
{
    *merged = 0;
    size_t small = 0;
    for (size_t i = 0; i < k; i++)
        small += c[i].expected < ENOUGH;
    if (small == 0)
        return k;
    qsort(c, k, sizeof *c, by_expected);
    struct cell sum = {0};
    size_t used = 0;
    while (used < k && (used < small || sum.expected < ENOUGH)) {
        sum.a += c[used].a;
        sum.b += c[used].b;
        sum.expected += c[used++].expected;
    }
    if (used < 2)
        return k;
    *merged = used;
    c[0] = sum;
    for (size_t i = used; i < k; i++)
        c[i - used + 1] = c[i];
    return k - used + 1;
}

static double g_term(double observed, double expected)
{
    return observed > 0 ? observed * stats_log(observed / expected) : 0;
}

static int check_counts(const char *what, const double *x, size_t k, double *total, struct err *err)
{
    *total = 0;
    for (size_t i = 0; i < k; i++) {
        if (!(x[i] >= 0) || isinf(x[i]))
            return err_set(err, ERR_USAGE, "%s: count %zu of %zu is %g, expected 0 or more", what, i + 1, k, x[i]);
        *total += x[i];
    }
    if (!(*total > 0))
        return err_set(err, ERR_USAGE, "%s: nothing was counted", what);
    return 0;
}

int chi2_goodness(struct chi2_test *out, const double *counts, const double *probs, size_t k, struct err *err)
{
    double n, sum;
    TRY(check_counts("chi-square", counts, k, &n, err));
    TRY(check_counts("chi-square, probabilities", probs, k, &sum, err));
    if (fabs(sum - 1) > 1e-6)
        return err_set(err, ERR_USAGE, "chi-square: the probabilities sum to %.9g, expected 1", sum);
    struct cell *c = mem_alloc(k, sizeof *c, err);
    if (!c)
        return -1;
    struct chi2_test r = {0};
    for (size_t i = 0; i < k; i++) {
        c[i] = (struct cell){counts[i], n * probs[i], n * probs[i]};
        r.tvd += 0.5 * fabs(counts[i] / n - probs[i]);
    }
    r.cells = merge(c, k, &r.merged);
    for (size_t i = 0; i < r.cells; i++) {
        if (c[i].b > 0)
            r.chi2 += (c[i].a - c[i].b) * (c[i].a - c[i].b) / c[i].b;
        r.g += 2 * g_term(c[i].a, c[i].b);
    }
    free(c);
    r.df = (double)r.cells - 1;
    r.p_chi2 = r.df > 0 ? chi2_sf(r.chi2, r.df) : 1;
    r.p_g = r.df > 0 ? chi2_sf(r.g, r.df) : 1;
    *out = r;
    return 0;
}

int chi2_two_sample(struct chi2_test *out, const double *a, const double *b, size_t k, struct err *err)
{
    double na, nb;
    TRY(check_counts("chi-square, side a", a, k, &na, err));
    TRY(check_counts("chi-square, side b", b, k, &nb, err));
    struct cell *c = mem_alloc(k, sizeof *c, err);
    if (!c)
        return -1;
    struct chi2_test r = {0};
    double share_a = na / (na + nb), share_b = nb / (na + nb), rare = share_a < share_b ? share_a : share_b;
    size_t used = 0;
    for (size_t i = 0; i < k; i++)
        if (a[i] + b[i] > 0) {
            c[used++] = (struct cell){a[i], b[i], (a[i] + b[i]) * rare};
            r.tvd += 0.5 * fabs(a[i] / na - b[i] / nb);
        }
    r.cells = merge(c, used, &r.merged);
    for (size_t i = 0; i < r.cells; i++) {
        double ea = (c[i].a + c[i].b) * share_a, eb = (c[i].a + c[i].b) * share_b;
        r.chi2 += (c[i].a - ea) * (c[i].a - ea) / ea + (c[i].b - eb) * (c[i].b - eb) / eb;
        r.g += 2 * (g_term(c[i].a, ea) + g_term(c[i].b, eb));
    }
    free(c);
    r.df = (double)r.cells - 1;
    r.p_chi2 = r.df > 0 ? chi2_sf(r.chi2, r.df) : 1;
    r.p_g = r.df > 0 ? chi2_sf(r.g, r.df) : 1;
    *out = r;
    return 0;
}
