#include "stats/compare.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "stats/multiplicity.h"
#include "stats/portable.h"
#include "stats/rank_test.h"
#include "stats/sample.h"
#include "stats/special.h"
#include "stats/student.h"

/* Logarithms of costs, one for each unit, with the block of each. */
struct units {
    double *x;
    uint32_t *block;
    size_t n;
};

static void units_release(struct units *u)
{
    free(u->x);
    free(u->block);
    *u = (struct units){0};
}

struct row {
    uint32_t launch, block;
    double x;
};

static int by_launch(const void *pa, const void *pb)
{
    const struct row *a = pa, *b = pb;
    if (a->launch != b->launch)
        return a->launch < b->launch ? -1 : 1;
    return (a->x > b->x) - (a->x < b->x);
}

static int by_block(const void *pa, const void *pb)
{
    const struct row *a = pa, *b = pb;
    if (a->block != b->block)
        return a->block < b->block ? -1 : 1;
    return a->launch < b->launch ? -1 : a->launch > b->launch;
}

/* Each launch becomes the median of its logarithms; `singly` keeps every value. */
static int reduce(struct units *out, const struct compare_metric *m, const struct compare_side *side, bool singly,
                  char letter, struct err *err)
{
    char what[160];
    snprintf(what, sizeof what, "compare '%.100s', side %c", m->name ? m->name : "", letter);
    TRY(sample_check_positive(what, side->value, side->n, 1, err));
    struct row *rows = mem_alloc(side->n, sizeof *rows, err);
    struct units u = {.x = mem_alloc(side->n, sizeof *u.x, err), .block = mem_alloc(side->n, sizeof *u.block, err)};
    int rc = -1;
    if (!rows || !u.x || !u.block)
        goto out;
    for (size_t i = 0; i < side->n; i++) {
        double x = stats_log(side->value[i]);
        rows[i] = (struct row){.launch = side->launch && !singly ? side->launch[i] : (uint32_t)i,
                               .block = side->block ? side->block[i] : 0,
                               .x = m->higher_is_better ? -x : x};
    }
    qsort(rows, side->n, sizeof *rows, by_launch);
    size_t count = 0;
    for (size_t i = 0, j; i < side->n; i = j) {
        for (j = i; j < side->n && rows[j].launch == rows[i].launch; j++)
            if (rows[j].block != rows[i].block) {
                err_set(err, ERR_USAGE, "%s: launch %u lies in blocks %u and %u", what, rows[i].launch, rows[i].block,
                        rows[j].block);
                goto out;
            }
        size_t middle = i + (j - i - 1) / 2, upper = i + (j - i) / 2; /* sorted by value within the launch */
        rows[count++] = (struct row){rows[i].launch, rows[i].block, 0.5 * (rows[middle].x + rows[upper].x)};
    }
    qsort(rows, count, sizeof *rows, by_block);
    for (size_t i = 0; i < count; i++) {
        u.x[i] = rows[i].x;
        u.block[i] = rows[i].block;
    }
    u.n = count;
    rc = 0;
out:
    free(rows);
    if (rc < 0)
        units_release(&u);
    *out = u;
    return rc;
}

/* Both sorted by block: d[k] = mean(b) - mean(a) for each block that both have. d has room for min(na, nb). */
static size_t pair_blocks(double *d, const struct units *a, const struct units *b, size_t *left_out)
{
    size_t pairs = 0;
    *left_out = 0;
    for (size_t i = 0, j = 0; i < a->n || j < b->n;) {
        uint32_t block = j >= b->n || (i < a->n && a->block[i] <= b->block[j]) ? a->block[i] : b->block[j];
        size_t i0 = i, j0 = j;
        while (i < a->n && a->block[i] == block)
            i++;
        while (j < b->n && b->block[j] == block)
            j++;
        if (i > i0 && j > j0)
            d[pairs++] = sample_mean(b->x + j0, j - j0) - sample_mean(a->x + i0, i - i0);
        else
            ++*left_out;
    }
    return pairs;
}

struct settings {
    double alpha, level, margin, power;
    double metrics;
};

/* What a slow-down must be to be shown, from the error of a log ratio. */
static double detectable(double se, double df, const struct settings *s)
{
    if (!(se > 0))
        return 0;
    return stats_exp((t_quantile(1 - s->alpha / (2 * s->metrics), df) + t_quantile(s->power, df)) * se) - 1;
}

static void set_ratio(struct comparison *c, double estimate, struct interval ci)
{
    c->ratio = stats_exp(estimate);
    c->ci = ci;
    c->ci.lo = isnan(ci.lo) ? NAN : stats_exp(ci.lo);
    c->ci.hi = isnan(ci.hi) ? NAN : stats_exp(ci.hi);
}

static int compare_pairs(struct comparison *c, double *d, size_t n, const struct settings *s, struct err *err)
{
    double half = stats_log(1 + s->margin), se = sample_sd(d, n) / sqrt((double)n), df = (double)n - 1;
    c->detectable = detectable(se, df, s);
    bool ranks = ldexp(1, 1 - (int)(n < 1000 ? n : 1000)) * s->metrics <= s->alpha;
    if (!ranks) {
        struct t_test t;
        TRY(t_test_one(&t, d, n, 0, s->level, err));
        set_ratio(c, t.estimate, t.ci);
        c->p_alone = t.p;
        c->p_equivalent = tost_p(t.estimate, t.se, t.df, -half, half);
        return 0;
    }
    struct hodges_lehmann h;
    struct wilcoxon w, low, high;
    TRY(hodges_lehmann_one(&h, d, n, s->level, err));
    TRY(wilcoxon(&w, d, n, err));
    for (size_t i = 0; i < n; i++)
        d[i] -= half;
    TRY(wilcoxon(&high, d, n, err));
    for (size_t i = 0; i < n; i++)
        d[i] += 2 * half;
    TRY(wilcoxon(&low, d, n, err));
    set_ratio(c, h.estimate, h.ci);
    c->p_alone = w.p;
    c->p_equivalent = high.p_less > low.p_more ? high.p_less : low.p_more;
    return 0;
}

static int compare_independent(struct comparison *c, const struct units *a, const struct units *b,
                               const struct settings *s, struct err *err)
{
    double half = stats_log(1 + s->margin), ways = 1;
    for (size_t i = 1; i <= a->n && ways < 1e300; i++)
        ways *= (double)(b->n + i) / (double)i;
    struct t_test t;
    TRY(t_test_welch(&t, b->x, b->n, a->x, a->n, 0, s->level, err));
    c->detectable = detectable(t.se, t.df, s);
    if (2 / ways * s->metrics > s->alpha) {
        set_ratio(c, t.estimate, t.ci);
        c->p_alone = t.p;
        c->p_equivalent = tost_p(t.estimate, t.se, t.df, -half, half);
        return 0;
    }
    struct hodges_lehmann h;
    struct mann_whitney w, low, high;
    TRY(hodges_lehmann_two(&h, a->x, a->n, b->x, b->n, s->level, err));
    TRY(mann_whitney(&w, a->x, a->n, b->x, b->n, err));
    double *shifted = mem_alloc(b->n, sizeof *shifted, err);
    if (!shifted)
        return -1;
    for (size_t i = 0; i < b->n; i++)
        shifted[i] = b->x[i] - half;
    int rc = mann_whitney(&high, a->x, a->n, shifted, b->n, err);
    for (size_t i = 0; i < b->n; i++)
        shifted[i] = b->x[i] + half;
    if (rc == 0)
        rc = mann_whitney(&low, a->x, a->n, shifted, b->n, err);
    free(shifted);
    if (rc < 0)
        return -1;
    set_ratio(c, h.estimate, h.ci);
    c->p_alone = w.p;
    /* below the margin: b - half is smaller than a, that is a is larger */
    c->p_equivalent = high.p_more > low.p_less ? high.p_more : low.p_less;
    return 0;
}

static int compare_one(struct comparison *c, const struct compare_metric *m, const struct settings *s,
                       struct err *err)
{
    struct units a = {0}, b = {0};
    double *d = NULL;
    int rc = -1;
    *c = (struct comparison){0};
    if (reduce(&a, m, &m->a, false, 'A', err) < 0 || reduce(&b, m, &m->b, false, 'B', err) < 0)
        goto out;
    if (m->a.block && m->b.block) {
        d = mem_alloc(a.n < b.n ? a.n : b.n, sizeof *d, err);
        if (!d)
            goto out;
        size_t pairs = pair_blocks(d, &a, &b, &c->left_out);
        if (pairs >= 2) {
            c->unit = COMPARE_BLOCKS;
            c->n_a = c->n_b = pairs;
            rc = compare_pairs(c, d, pairs, s, err);
            goto out;
        }
        c->left_out = 0; /* all launches are used below */
    }
    c->unit = COMPARE_LAUNCHES;
    if (a.n < 2 || b.n < 2) {
        c->unit = COMPARE_REQUESTS;
        units_release(&a);
        units_release(&b);
        if (reduce(&a, m, &m->a, true, 'A', err) < 0 || reduce(&b, m, &m->b, true, 'B', err) < 0)
            goto out;
    }
    if (a.n < 2 || b.n < 2) {
        err_set(err, ERR_USAGE, "compare '%.100s': %zu sample%s of A and %zu of B, at least 2 of each are needed",
                m->name ? m->name : "", a.n, a.n == 1 ? "" : "s", b.n);
        goto out;
    }
    c->n_a = a.n;
    c->n_b = b.n;
    rc = compare_independent(c, &a, &b, s, err);
out:
    units_release(&a);
    units_release(&b);
    free(d);
    return rc;
}

static int check_opts(struct settings *s, const struct compare_opts *o, size_t count, struct err *err)
{
    *s = (struct settings){.alpha = o && o->alpha != 0 ? o->alpha : 0.05,
                           .level = o && o->level != 0 ? o->level : 0.95,
                           .margin = o && o->margin != 0 ? o->margin : 0.01,
                           .power = o && o->power != 0 ? o->power : 0.8,
                           .metrics = (double)count};
    TRY(share_check("alpha", s->alpha, err));
    TRY(share_check("confidence level", s->level, err));
    TRY(share_check("power", s->power, err));
    if (!(s->margin > 0) || isinf(s->margin))
        return err_set(err, ERR_USAGE, "equivalence margin is %g, expected above 0", s->margin);
    return 0;
}

int compare(struct comparison *out, const struct compare_metric *metrics, size_t count,
            const struct compare_opts *opts, struct err *err)
{
    struct settings s;
    if (count == 0)
        return err_set(err, ERR_USAGE, "comparison of no metrics");
    TRY(check_opts(&s, opts, count, err));
    struct comparison *all = mem_alloc(count, sizeof *all, err);
    double *p = mem_alloc(count, sizeof *p, err), *p_equivalent = mem_alloc(count, sizeof *p_equivalent, err);
    int rc = -1;
    if (!all || !p || !p_equivalent)
        goto out;
    for (size_t i = 0; i < count; i++) {
        if (compare_one(&all[i], &metrics[i], &s, err) < 0)
            goto out;
        p[i] = all[i].p_alone;
        p_equivalent[i] = all[i].p_equivalent;
    }
    if (adjust_holm(p, p, count, err) < 0 || adjust_holm(p_equivalent, p_equivalent, count, err) < 0)
        goto out;
    for (size_t i = 0; i < count; i++) {
        struct comparison *c = &all[i];
        c->p = p[i];
        c->p_equivalent = p_equivalent[i];
        if (c->p_equivalent <= s.alpha)
            c->verdict = COMPARE_EQUIVALENT;
        else if (c->p <= s.alpha && c->ratio != 1)
            c->verdict = c->ratio > 1 ? COMPARE_SLOWER : COMPARE_FASTER;
    }
    memcpy(out, all, count * sizeof *all);
    rc = 0;
out:
    free(all);
    free(p);
    free(p_equivalent);
    return rc;
}

const char *compare_verdict_name(enum compare_verdict v)
{
    static const char *const names[] = {"no difference shown", "faster", "slower", "equivalent"};
    return (unsigned)v < 4 ? names[v] : "unknown";
}

const char *compare_unit_name(enum compare_unit u)
{
    static const char *const names[] = {"blocks", "launches", "requests of one launch"};
    return (unsigned)u < 3 ? names[u] : "unknown";
}
