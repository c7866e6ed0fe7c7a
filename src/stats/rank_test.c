#include "stats/rank_test.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "stats/sample.h"
#include "stats/special.h"

#define MW_EXACT_MAX 2500
#define WILCOXON_EXACT_MAX 50

/* --- null distributions: arrays of P(statistic <= k) --- */

/* c(u; m, n) = c(u - n; m - 1, n) + c(u; m, n - 1), as probabilities so that nothing overflows: the largest of the m + n
 * values belongs to the first sample with probability m / (m + n). Row i holds m = 0..small for the current n. */
static double *mann_whitney_cdf(size_t m, size_t n, struct err *err)
{
    size_t small = m < n ? m : n, large = m < n ? n : m, width = m * n + 1;
    double *rows = mem_zalloc((small + 1) * width, sizeof *rows, err);
    if (!rows)
        return NULL;
    for (size_t i = 0; i <= small; i++)
        rows[i * width] = 1; /* n = 0: u is 0 */
    for (size_t j = 1; j <= large; j++)
        for (size_t i = 1; i <= small; i++) {
            /* row i still holds (i, j - 1); row i - 1 already holds (i - 1, j) */
            double *own = rows + i * width, *less = rows + (i - 1) * width;
            double first = (double)i / (double)(i + j), second = (double)j / (double)(i + j);
            for (size_t u = i * j + 1; u-- > 0;)
                own[u] = second * own[u] + (u >= j ? first * less[u - j] : 0);
        }
    double *cdf = mem_alloc(width, sizeof *cdf, err);
    if (cdf) {
        double sum = 0;
        for (size_t u = 0; u < width; u++)
            cdf[u] = sum += rows[small * width + u];
    }
    free(rows);
    return cdf;
}

/* Subset sums of 1..n, each taken or not with probability one half. */
static double *wilcoxon_cdf(size_t n, struct err *err)
{
    size_t top = n * (n + 1) / 2;
    double *cdf = mem_zalloc(top + 1, sizeof *cdf, err);
    if (!cdf)
        return NULL;
    cdf[0] = 1;
    for (size_t r = 1, reach = 0; r <= n; r++) {
        reach += r;
        for (size_t w = reach + 1; w-- > 0;)
            cdf[w] = 0.5 * (cdf[w] + (w >= r ? cdf[w - r] : 0));
    }
    for (size_t w = 1; w <= top; w++)
        cdf[w] += cdf[w - 1];
    return cdf;
}

static double at_most_one(double p)
{
    return p > 1 ? 1 : p;
}

/* The three p-values of a statistic with this mean and deviation, continuity 1/2; returns z. */
static double normal_p(double statistic, double mean, double sigma, double *p, double *p_less, double *p_more)
{
    double d = statistic - mean;
    if (!(sigma > 0)) { /* all values equal: the ranks say nothing */
        *p = *p_less = *p_more = 1;
        return 0;
    }
    double z = fabs(d) > 0.5 ? copysign(fabs(d) - 0.5, d) / sigma : 0;
    *p = at_most_one(2 * norm_sf(fabs(z)));
    *p_less = norm_cdf((d + 0.5) / sigma);
    *p_more = norm_sf((d - 0.5) / sigma);
    return z;
}

/* The largest k >= -1 with P(statistic <= k) <= tail. */
static double critical_value(const double *cdf, size_t top, double tail)
{
    double k = -1;
    for (size_t u = 0; u <= top && cdf[u] <= tail * (1 + 1e-12); u++)
        k = (double)u;
    return k;
}

static double critical_value_normal(double mean, double sigma, double tail)
{
    double k = floor(mean - 0.5 + norm_quantile(tail) * sigma);
    return k < 0 ? -1 : k;
}

/* --- tests --- */

int mann_whitney(struct mann_whitney *out, const double *a, size_t na, const double *b, size_t nb, struct err *err)
{
    TRY(sample_check("Mann-Whitney, side a", a, na, 1, err));
    TRY(sample_check("Mann-Whitney, side b", b, nb, 1, err));
    double *sa = sample_sorted(a, na, err), *sb = sample_sorted(b, nb, err), *cdf = NULL;
    struct mann_whitney r = {0};
    int rc = -1;
    if (!sa || !sb)
        goto out;
    for (size_t i = 0, j = 0; i < na || j < nb;) { /* one group of equal values at a time */
        double v = j >= nb || (i < na && sa[i] <= sb[j]) ? sa[i] : sb[j];
        size_t i0 = i, j0 = j;
        while (i < na && sa[i] == v)
            i++;
        while (j < nb && sb[j] == v)
            j++;
        double in_a = (double)(i - i0), in_b = (double)(j - j0), t = in_a + in_b;
        r.u_a += in_a * ((double)j0 + 0.5 * in_b);
        r.tie_sum += t * t * t - t;
    }
    double m = (double)na, n = (double)nb, total = m + n;
    r.u_b = m * n - r.u_a;
    r.prob_a_gt_b = r.u_a / (m * n);
    r.cliffs_delta = 2 * r.prob_a_gt_b - 1;
    r.sigma = sqrt(m * n / 12 * (total + 1 - (total > 1 ? r.tie_sum / (total * (total - 1)) : 0)));
    r.z = normal_p(r.u_a, m * n / 2, r.sigma, &r.p, &r.p_less, &r.p_more);
    if (r.tie_sum == 0 && m * n <= MW_EXACT_MAX) {
        cdf = mann_whitney_cdf(na, nb, err);
        if (!cdf)
            goto out;
        r.exact = true;
        r.p_less = at_most_one(cdf[(size_t)r.u_a]);
        r.p_more = at_most_one(cdf[(size_t)r.u_b]);
        r.p = at_most_one(2 * (r.p_less < r.p_more ? r.p_less : r.p_more));
    }
    *out = r;
    rc = 0;
out:
    free(sa);
    free(sb);
    free(cdf);
    return rc;
}

struct ranked {
    double value;
    size_t at;
};

static int by_rank(const void *pa, const void *pb)
{
    const struct ranked *a = pa, *b = pb;
    if (a->value != b->value)
        return a->value < b->value ? -1 : 1;
    return a->at < b->at ? -1 : a->at > b->at;
}

double sample_ranks(double *ranks, const double *x, size_t n, struct err *err)
{
    struct ranked *r = mem_alloc(n, sizeof *r, err);
    if (!r)
        return -1;
    for (size_t i = 0; i < n; i++)
        r[i] = (struct ranked){x[i], i};
    qsort(r, n, sizeof *r, by_rank);
    double ties = 0;
    for (size_t i = 0, j; i < n; i = j) {
        for (j = i; j < n && r[j].value == r[i].value; j++)
            ;
        double t = (double)(j - i);
        ties += t * t * t - t;
        for (size_t k = i; k < j; k++)
            ranks[r[k].at] = 0.5 * (double)(i + 1 + j);
    }
    free(r);
    return ties;
}

int wilcoxon(struct wilcoxon *out, const double *d, size_t n, struct err *err)
{
    TRY(sample_check("Wilcoxon", d, n, 1, err));
    struct wilcoxon r = {0};
    int rc = -1;
    double *size = mem_alloc(n, sizeof *size, err), *rank = mem_alloc(n, sizeof *rank, err), *cdf = NULL;
    if (!size || !rank)
        goto out;
    for (size_t i = 0; i < n; i++)
        if (d[i] != 0)
            size[r.n++] = fabs(d[i]);
    r.zeros = n - r.n;
    double ties = sample_ranks(rank, size, r.n, err);
    if (ties < 0)
        goto out;
    for (size_t i = 0, k = 0; i < n; i++)
        if (d[i] != 0)
            *(d[i] > 0 ? &r.w_plus : &r.w_minus) += rank[k++];
    double m = (double)r.n;
    r.var = m * (m + 1) * (2 * m + 1) / 24 - ties / 48;
    r.z = normal_p(r.w_plus, m * (m + 1) / 4, sqrt(r.var), &r.p, &r.p_less, &r.p_more);
    if (ties == 0 && r.n > 0 && r.n <= WILCOXON_EXACT_MAX) {
        cdf = wilcoxon_cdf(r.n, err);
        if (!cdf)
            goto out;
        r.exact = true;
        r.p_less = at_most_one(cdf[(size_t)r.w_plus]);
        r.p_more = at_most_one(cdf[(size_t)r.w_minus]);
        r.p = at_most_one(2 * (r.p_less < r.p_more ? r.p_less : r.p_more));
    }
    *out = r;
    rc = 0;
out:
    free(size);
    free(rank);
    free(cdf);
    return rc;
}

/* --- estimates: the k-th of all pairwise values, without writing them down --- */

/* Doubles as integers in the same order. */
static uint64_t to_key(double v)
{
    uint64_t bits;
    v += 0.0; /* -0 becomes 0 */
    memcpy(&bits, &v, sizeof bits);
    return bits >> 63 ? ~bits : bits | (uint64_t)1 << 63;
}

static double from_key(uint64_t key)
{
    uint64_t bits = key >> 63 ? key & ~((uint64_t)1 << 63) : ~key;
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

/* Two sorted samples; Walsh averages are the case with b NULL. */
struct pairs {
    const double *a, *b;
    size_t na, nb;
};

/* How many pairwise values are at most v. Both walks are monotone because rounding is. */
static double count_up_to(const struct pairs *p, double v)
{
    double count = 0;
    if (p->b) { /* b_j - a_i */
        size_t j = 0;
        for (size_t i = 0; i < p->na; i++) {
            while (j < p->nb && p->b[j] - p->a[i] <= v)
                j++;
            count += (double)j;
        }
        return count;
    }
    size_t j = p->na; /* (a_i + a_j) / 2, j >= i */
    for (size_t i = 0; i < p->na && j > i; i++) {
        while (j > i && 0.5 * p->a[i] + 0.5 * p->a[j - 1] > v)
            j--;
        count += (double)(j - i);
    }
    return count;
}

/* The k-th smallest, from 1: bisection over the doubles themselves, at most 64 steps. */
static double kth(const struct pairs *p, double k)
{
    double least, most;
    if (p->b) {
        least = p->b[0] - p->a[p->na - 1];
        most = p->b[p->nb - 1] - p->a[0];
    } else {
        least = p->a[0];
        most = p->a[p->na - 1];
    }
    uint64_t lo = to_key(least), hi = to_key(most);
    while (lo < hi) {
        uint64_t mid = lo + (hi - lo) / 2;
        if (count_up_to(p, from_key(mid)) >= k)
            hi = mid;
        else
            lo = mid + 1;
    }
    return from_key(lo);
}

static void estimate_and_bounds(struct hodges_lehmann *h, const struct pairs *p, double level, double tail,
                                enum interval_how how)
{
    double half = floor((h->pairs + 1) / 2);
    double lower = kth(p, half), upper = fmod(h->pairs, 2) == 1 ? lower : kth(p, half + 1);
    h->estimate = lower + 0.5 * (upper - lower);
    h->ci = interval_none(level);
    h->ci.how = how;
    if (h->critical >= 0) {
        h->ci.lo = kth(p, h->critical + 1);
        h->ci.hi = kth(p, h->pairs - h->critical);
        h->ci.coverage = 1 - 2 * tail;
    }
}

int hodges_lehmann_two(struct hodges_lehmann *out, const double *a, size_t na, const double *b, size_t nb,
                       double level, struct err *err)
{
    TRY(share_check("confidence level", level, err));
    struct mann_whitney t;
    TRY(mann_whitney(&t, a, na, b, nb, err)); /* for the tie-corrected deviation */
    double *sa = sample_sorted(a, na, err), *sb = sample_sorted(b, nb, err), *cdf = NULL;
    struct hodges_lehmann h = {.pairs = (double)na * (double)nb};
    double half = (1 - level) / 2, tail = half;
    int rc = -1;
    if (!sa || !sb)
        goto out;
    if (h.pairs <= MW_EXACT_MAX) {
        cdf = mann_whitney_cdf(na, nb, err);
        if (!cdf)
            goto out;
        h.critical = critical_value(cdf, na * nb, half);
        tail = h.critical >= 0 ? cdf[(size_t)h.critical] : 0;
    } else {
        h.critical = critical_value_normal(h.pairs / 2, t.sigma, half);
    }
    estimate_and_bounds(&h, &(struct pairs){sa, sb, na, nb}, level, tail, INTERVAL_SHIFT);
    *out = h;
    rc = 0;
out:
    free(sa);
    free(sb);
    free(cdf);
    return rc;
}

int hodges_lehmann_one(struct hodges_lehmann *out, const double *d, size_t n, double level, struct err *err)
{
    TRY(share_check("confidence level", level, err));
    TRY(sample_check("Hodges-Lehmann", d, n, 1, err));
    double m = (double)n, half = (1 - level) / 2, tail = half;
    struct hodges_lehmann h = {.pairs = m * (m + 1) / 2};
    int rc = -1;
    double *sorted = sample_sorted(d, n, err), *cdf = NULL;
    if (!sorted)
        goto out;
    if (n <= WILCOXON_EXACT_MAX) {
        cdf = wilcoxon_cdf(n, err);
        if (!cdf)
            goto out;
        h.critical = critical_value(cdf, n * (n + 1) / 2, half);
        tail = h.critical >= 0 ? cdf[(size_t)h.critical] : 0;
    } else {
        h.critical = critical_value_normal(m * (m + 1) / 4, sqrt(m * (m + 1) * (2 * m + 1) / 24), half);
    }
    estimate_and_bounds(&h, &(struct pairs){sorted, NULL, n, 0}, level, tail, INTERVAL_WALSH);
    *out = h;
    rc = 0;
out:
    free(sorted);
    free(cdf);
    return rc;
}
