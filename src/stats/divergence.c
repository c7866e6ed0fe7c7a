#include "stats/divergence.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "stats/portable.h"
#include "stats/sample.h"

#define SUM_SLACK 1e-4 /* engines print probabilities with few digits */

static int check_probabilities(const char *what, const double *p, size_t n, double *sum, struct err *err)
{
    if (n == 0)
        return err_set(err, ERR_USAGE, "%s: no probabilities", what);
    *sum = 0;
    for (size_t i = 0; i < n; i++) {
        if (!(p[i] >= 0 && p[i] <= 1 + SUM_SLACK))
            return err_set(err, ERR_USAGE, "%s: probability %zu of %zu is %g, expected 0 to 1", what, i + 1, n, p[i]);
        *sum += p[i];
    }
    if (*sum > 1 + SUM_SLACK)
        return err_set(err, ERR_USAGE, "%s: the probabilities sum to %.9g, expected at most 1", what, *sum);
    return 0;
}

static double kl_term(double p, double q)
{
    return p > 0 ? (q > 0 ? p * stats_log(p / q) : INFINITY) : 0;
}

static int not_negative(double *kl, struct err *err)
{
    if (*kl < -1e-9)
        return err_set(err, ERR_USAGE, "divergence of %g: the probabilities are not of one total", *kl);
    if (*kl < 0)
        *kl = 0;
    return 0;
}

int divergence_of(struct divergence *out, const double *p, const double *q, size_t n, struct err *err)
{
    double sum_p, sum_q;
    TRY(check_probabilities("divergence, side p", p, n, &sum_p, err));
    TRY(check_probabilities("divergence, side q", q, n, &sum_q, err));
    if (sum_p < 1 - SUM_SLACK || sum_q < 1 - SUM_SLACK) {
        err_set(err, ERR_USAGE, "divergence: the probabilities sum to %.9g and %.9g, expected 1", sum_p, sum_q);
        return err_hint(err, "for truncated lists use a rest cell");
    }
    struct divergence d = {0};
    for (size_t i = 0; i < n; i++) {
        double m = 0.5 * (p[i] + q[i]);
        d.kl += kl_term(p[i], q[i]);
        d.js += 0.5 * (kl_term(p[i], m) + kl_term(q[i], m));
        d.tvd += 0.5 * fabs(p[i] - q[i]);
    }
    if (d.kl < 0 && d.kl > -2 * SUM_SLACK && fabs(sum_p - sum_q) > 1e-9)
        d.kl = 0; /* sums that differ by printing */
    TRY(not_negative(&d.kl, err));
    d.js = d.js < 0 ? 0 : d.js;
    *out = d;
    return 0;
}

int log_softmax(double *out, const float *logits, size_t n, struct err *err)
{
    if (n == 0)
        return err_set(err, ERR_USAGE, "softmax of no logits");
    float most = -INFINITY;
    for (size_t i = 0; i < n; i++) {
        if (isnan(logits[i]) || logits[i] == INFINITY)
            return err_set(err, ERR_USAGE, "logit of token %zu is %g", i, (double)logits[i]);
        most = logits[i] > most ? logits[i] : most;
    }
    if (isinf(most))
        return err_set(err, ERR_USAGE, "all %zu logits are -inf", n);
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        out[i] = (double)logits[i] - (double)most;
        sum += stats_exp(out[i]);
    }
    double log_sum = stats_log(sum);
    for (size_t i = 0; i < n; i++)
        out[i] -= log_sum;
    return 0;
}

int logit_difference(struct logit_difference *out, const float *a, const float *b, size_t n, double *scratch,
                     struct err *err)
{
    double *la = scratch, *lb = scratch + n;
    TRY(log_softmax(la, a, n, err));
    TRY(log_softmax(lb, b, n, err));
    struct logit_difference r = {0};
    double mean = 0, finite = 0;
    size_t top_a = 0, top_b = 0;
    double first = -INFINITY, second = -INFINITY;
    for (size_t i = 0; i < n; i++) {
        if (la[i] > first) {
            second = first;
            first = la[i];
        } else if (la[i] > second) {
            second = la[i];
        }
        top_a = la[i] > la[top_a] ? i : top_a;
        top_b = lb[i] > lb[top_b] ? i : top_b;
        double p = stats_exp(la[i]), q = stats_exp(lb[i]);
        if (p > 0)
            r.d.kl += p * (la[i] - lb[i]); /* from the logarithms: no quotient of tiny numbers */
        double m = 0.5 * (p + q);
        if (m > 0) {
            double lm = stats_log(m);
            r.d.js += 0.5 * ((p > 0 ? p * (la[i] - lm) : 0) + (q > 0 ? q * (lb[i] - lm) : 0));
        }
        r.d.tvd += 0.5 * fabs(p - q);
        if (!isinf(a[i]) && !isinf(b[i])) {
            mean += (double)a[i] - (double)b[i];
            finite++;
        }
    }
    mean = finite > 0 ? mean / finite : 0;
    for (size_t i = 0; i < n; i++) {
        if (isinf(a[i]) && isinf(b[i]))
            continue; /* masked on both sides */
        double d = isinf(a[i]) || isinf(b[i]) ? INFINITY : (double)a[i] - (double)b[i] - mean;
        r.rmse += d * d;
        r.max = fabs(d) > r.max ? fabs(d) : r.max;
    }
    r.rmse = finite > 0 ? sqrt(r.rmse / finite) : INFINITY;
    r.same_top = top_a == top_b;
    r.margin = n > 1 ? first - second : INFINITY;
    TRY(not_negative(&r.d.kl, err));
    r.d.js = r.d.js < 0 ? 0 : r.d.js;
    *out = r;
    return 0;
}

static double rest_of(double sum)
{
    return sum < 1 ? 1 - sum : 0;
}

int kl_with_rest(double *out, const double *p, const double *q, size_t k, struct err *err)
{
    double sum_p, sum_q, kl = 0;
    TRY(check_probabilities("divergence with rest, side p", p, k, &sum_p, err));
    TRY(check_probabilities("divergence with rest, side q", q, k, &sum_q, err));
    for (size_t i = 0; i < k; i++)
        kl += kl_term(p[i], q[i]);
    double rest = rest_of(sum_p), other = rest_of(sum_q);
    /* a rest of rounding dust against none is no evidence */
    kl += other == 0 && rest < SUM_SLACK ? 0 : kl_term(rest, other);
    if (kl < 0 && kl > -2 * SUM_SLACK && (sum_p > 1 || sum_q > 1))
        kl = 0;
    TRY(not_negative(&kl, err));
    *out = kl;
    return 0;
}

static int by_id(const void *pa, const void *pb)
{
    const struct listed *a = pa, *b = pb;
    return (a->id > b->id) - (a->id < b->id);
}

static struct listed *checked_list(const char *what, const struct listed *x, size_t n, double *sum, double *least,
                                   struct err *err)
{
    if (n == 0) {
        err_set(err, ERR_USAGE, "%s: an empty list", what);
        return NULL;
    }
    struct listed *s = mem_alloc(n, sizeof *s, err);
    if (!s)
        return NULL;
    *sum = 0;
    *least = INFINITY;
    for (size_t i = 0; i < n; i++) {
        s[i] = x[i];
        if (!(x[i].p > 0 && x[i].p <= 1 + SUM_SLACK)) {
            err_set(err, ERR_USAGE, "%s: token %" PRId64 " has probability %g, expected above 0, at most 1", what,
                    x[i].id, x[i].p);
            goto fail;
        }
        *sum += x[i].p;
        *least = x[i].p < *least ? x[i].p : *least;
    }
    if (*sum > 1 + SUM_SLACK) {
        err_set(err, ERR_USAGE, "%s: the probabilities sum to %.9g, expected at most 1", what, *sum);
        goto fail;
    }
    qsort(s, n, sizeof *s, by_id);
    for (size_t i = 1; i < n; i++)
        if (s[i].id == s[i - 1].id) {
            err_set(err, ERR_USAGE, "%s: token %" PRId64 " is listed twice", what, s[i].id);
            goto fail;
        }
    return s;
fail:
    free(s);
    return NULL;
}

/* The most that a token outside the list can have. A list that holds everything leaves nothing: then the smallest
 * positive double stands in, so that a logarithm exists. */
static double floor_of(double sum, double least)
{
    double rest = rest_of(sum), floor = rest < least ? rest : least;
    return floor > 0 ? floor : 0x1p-1022;
}

int list_difference(struct list_difference *out, const struct listed *a, size_t na, const struct listed *b, size_t nb,
                    struct err *err)
{
    double sum_a, sum_b, least_a, least_b;
    struct listed *sa = checked_list("list a", a, na, &sum_a, &least_a, err);
    struct listed *sb = sa ? checked_list("list b", b, nb, &sum_b, &least_b, err) : NULL;
    if (!sb) {
        free(sa);
        return -1;
    }
    struct list_difference r = {.floor_a = floor_of(sum_a, least_a), .floor_b = floor_of(sum_b, least_b)};
    double common_a = 0, common_b = 0, square = 0, square_all = 0;
    for (size_t i = 0, j = 0; i < na || j < nb; r.all++) {
        bool in_a = i < na && (j >= nb || sa[i].id <= sb[j].id), in_b = j < nb && (i >= na || sb[j].id <= sa[i].id);
        double pa = in_a ? sa[i].p : r.floor_a, pb = in_b ? sb[j].p : r.floor_b;
        double d = stats_log(pa) - stats_log(pb);
        square_all += d * d;
        if (in_a && in_b) {
            r.common++;
            square += d * d;
            r.kl_lower += kl_term(pa, pb);
            common_a += pa;
            common_b += pb;
        }
        i += in_a;
        j += in_b;
    }
    free(sa);
    free(sb);
    double rest_a = rest_of(common_a), rest_b = rest_of(common_b);
    r.kl_lower += rest_b == 0 && rest_a < SUM_SLACK ? 0 : kl_term(rest_a, rest_b);
    r.kl_lower = r.kl_lower < 0 ? 0 : r.kl_lower; /* the bound 0 always holds */
    r.jaccard = (double)r.common / (double)r.all;
    r.overlap = (double)r.common / (double)(na > nb ? na : nb);
    r.rmse_common = r.common ? sqrt(square / (double)r.common) : NAN;
    r.rmse_floor = sqrt(square_all / (double)r.all);
    *out = r;
    return 0;
}

/* A min-heap of the k best so far keeps this at n log k. `worse`: what leaves first. */
static bool worse(const float *v, int32_t a, int32_t b)
{
    return v[a] < v[b] || (v[a] == v[b] && a > b);
}

static void sift_down(int32_t *heap, size_t k, size_t at, const float *v)
{
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= k)
            return;
        if (child + 1 < k && worse(v, heap[child + 1], heap[child]))
            child++;
        if (!worse(v, heap[child], heap[at]))
            return;
        int32_t t = heap[at];
        heap[at] = heap[child];
        heap[child] = t;
        at = child;
    }
}

int top_ids(int32_t *out, const float *logits, size_t n, size_t k, struct err *err)
{
    if (k == 0 || k > n || n > INT32_MAX)
        return err_set(err, ERR_USAGE, "top %zu of %zu logits", k, n);
    for (size_t i = 0; i < n; i++)
        if (isnan(logits[i]))
            return err_set(err, ERR_USAGE, "logit of token %zu is not a number (nan)", i);
    for (size_t i = 0; i < k; i++)
        out[i] = (int32_t)i;
    for (size_t i = k / 2; i-- > 0;)
        sift_down(out, k, i, logits);
    for (size_t i = k; i < n; i++)
        if (worse(logits, out[0], (int32_t)i)) {
            out[0] = (int32_t)i;
            sift_down(out, k, 0, logits);
        }
    for (size_t left = k; left > 1; left--) { /* the worst goes last */
        int32_t t = out[0];
        out[0] = out[left - 1];
        out[left - 1] = t;
        sift_down(out, left - 1, 0, logits);
    }
    return 0;
}

static int by_number(const void *pa, const void *pb)
{
    int32_t a = *(const int32_t *)pa, b = *(const int32_t *)pb;
    return (a > b) - (a < b);
}

/* depth[i] = the smallest k at which a[i] is in the top k of both, or 0 for never. Rankings without repeats. */
static int common_depths(size_t *depth, const int32_t *a, const int32_t *b, size_t n, struct err *err)
{
    int32_t *ids = mem_alloc(n, sizeof *ids, err);
    struct listed *s = mem_alloc(n, sizeof *s, err); /* b's ids with their ranks, sorted by id */
    int rc = -1;
    if (!ids || !s)
        goto out;
    for (size_t i = 0; i < n; i++) {
        s[i] = (struct listed){b[i], (double)i};
        ids[i] = a[i];
    }
    qsort(s, n, sizeof *s, by_id);
    qsort(ids, n, sizeof *ids, by_number);
    for (size_t i = 1; i < n; i++)
        if (ids[i] == ids[i - 1] || s[i].id == s[i - 1].id) {
            err_set(err, ERR_USAGE, "ranking: id %" PRId64 " stands twice",
                    ids[i] == ids[i - 1] ? (int64_t)ids[i] : s[i].id);
            goto out;
        }
    for (size_t i = 0; i < n; i++) {
        struct listed key = {a[i], 0}, *hit = bsearch(&key, s, n, sizeof *s, by_id);
        size_t other = hit ? (size_t)hit->p : 0;
        depth[i] = hit ? (other > i ? other : i) + 1 : 0;
    }
    rc = 0;
out:
    free(s);
    free(ids);
    return rc;
}

/* shared[k-1] = ids in common among the first k of both. */
static int shared_prefixes(size_t *shared, const int32_t *a, const int32_t *b, size_t n, struct err *err)
{
    size_t *depth = mem_alloc(n, sizeof *depth, err);
    if (!depth)
        return -1;
    int rc = common_depths(depth, a, b, n, err);
    if (rc == 0) {
        for (size_t k = 0; k < n; k++)
            shared[k] = 0;
        for (size_t i = 0; i < n; i++)
            if (depth[i])
                shared[depth[i] - 1]++;
        for (size_t k = 1; k < n; k++)
            shared[k] += shared[k - 1];
    }
    free(depth);
    return rc;
}

int topk_agreement(double *out, const float *a, const float *b, size_t n, size_t most, struct err *err)
{
    int32_t *ta = mem_alloc(most, sizeof *ta, err), *tb = mem_alloc(most, sizeof *tb, err);
    size_t *shared = mem_alloc(most, sizeof *shared, err);
    int rc = -1;
    if (ta && tb && shared && top_ids(ta, a, n, most, err) == 0 && top_ids(tb, b, n, most, err) == 0 &&
        shared_prefixes(shared, ta, tb, most, err) == 0) {
        for (size_t k = 0; k < most; k++)
            out[k] = (double)shared[k] / (double)(k + 1);
        rc = 0;
    }
    free(ta);
    free(tb);
    free(shared);
    return rc;
}

int rank_biased_overlap(double *out, const int32_t *a, const int32_t *b, size_t n, double persistence,
                        struct err *err)
{
    TRY(share_check("persistence", persistence, err));
    if (n == 0)
        return err_set(err, ERR_USAGE, "rank-biased overlap of empty rankings");
    size_t *shared = mem_alloc(n, sizeof *shared, err);
    if (!shared)
        return -1;
    int rc = shared_prefixes(shared, a, b, n, err);
    if (rc == 0) {
        double sum = 0, weight = 1; /* persistence^(d-1) */
        for (size_t d = 1; d <= n; d++, weight *= persistence)
            sum += weight * (double)shared[d - 1] / (double)d;
        /* beyond the lists the agreement is taken to stay as at their end */
        *out = (1 - persistence) * sum + weight * (double)shared[n - 1] / (double)n;
    }
    free(shared);
    return rc;
}
