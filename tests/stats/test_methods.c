/* Tests, estimates and distances against other implementations (methods.json: scipy, numpy, brute force), their
 * properties over seeded sample sets, and what they refuse. */
#include "support/testing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stats/chisq.h"
#include "stats/correlation.h"
#include "stats/counter.h"
#include "stats/design.h"
#include "stats/divergence.h"
#include "stats/earlystop.h"
#include "stats/load.h"
#include "stats/multiplicity.h"
#include "stats/outlier.h"
#include "stats/power.h"
#include "stats/ppl.h"
#include "stats/proportion.h"
#include "stats/quantile.h"
#include "stats/rank_test.h"
#include "stats/sample.h"
#include "stats/series.h"
#include "stats/student.h"
#include "stats/survival.h"
#include "support/golden.h"
#include "support/property.h"

static struct err err;
static json_t *row; /* the case that runs */

static void want(double got, const char *path, double tol)
{
    char full[128];
    snprintf(full, sizeof full, "want.%s", path);
    double expected = golden_number(row, full);
    /* relative below 1 too: a p-value of 1e-6 must be right */
    if (!(fabs(got - expected) <= tol * (fabs(expected) > 1e-12 ? fabs(expected) : 1)))
        fail_msg("%s %s: got %.17g, expected %.17g", golden_text(row, "f"), full, got, expected);
}

static void want_at(double got, const char *array, size_t i, double tol)
{
    char path[64];
    snprintf(path, sizeof path, "%s.%zu", array, i);
    want(got, path, tol);
}

static void case_mann_whitney(void)
{
    size_t na, nb;
    const double *a = golden_numbers(&na, row, "a"), *b = golden_numbers(&nb, row, "b");
    struct mann_whitney t;
    struct hodges_lehmann h;
    assert_ok(mann_whitney(&t, a, na, b, nb, &err));
    assert_int_equal(t.exact, (int)golden_number(row, "exact"));
    want(t.u_a, "u_a", 0);
    want(t.p, "p", 1e-10);
    want(t.p_less, "p_less", 1e-10);
    want(t.p_more, "p_more", 1e-10);
    assert_ok(hodges_lehmann_two(&h, a, na, b, nb, 0.95, &err));
    want(h.estimate, "shift", 1e-12);
}

static void case_wilcoxon(void)
{
    size_t n;
    const double *d = golden_numbers(&n, row, "d");
    struct wilcoxon t;
    struct hodges_lehmann h;
    assert_ok(wilcoxon(&t, d, n, &err));
    assert_int_equal(t.exact, (int)golden_number(row, "exact"));
    want(t.p, "p", 1e-10);
    want(t.p_less, "p_less", 1e-10);
    want(t.p_more, "p_more", 1e-10);
    assert_ok(hodges_lehmann_one(&h, d, n, 0.95, &err));
    want(h.estimate, "centre", 1e-12);
}

static void case_correlation(void)
{
    size_t n;
    double r;
    const double *x = golden_numbers(&n, row, "x"), *y = golden_numbers(&n, row, "y");
    assert_ok(pearson(&r, x, y, n, &err));
    want(r, "pearson", 1e-12);
    assert_ok(spearman(&r, x, y, n, &err));
    want(r, "spearman", 1e-12);
    assert_ok(kendall_tau_b(&r, x, y, n, &err));
    want(r, "kendall", 1e-12);
}

static bool *flags(size_t *n, const char *path)
{
    static bool to[4][64];
    static int turn;
    const double *e = golden_numbers(n, row, path);
    bool *f = to[turn++ % 4];
    assert_true(*n <= 64);
    for (size_t i = 0; i < *n; i++)
        f[i] = e[i] != 0;
    return f;
}

static void case_survival(void)
{
    size_t n1, n2, at_count;
    const double *t1 = golden_numbers(&n1, row, "t1"), *t2 = golden_numbers(&n2, row, "t2");
    const double *at = golden_numbers(&at_count, row, "at");
    const bool *e1 = flags(&n1, "e1"), *e2 = flags(&n2, "e2");
    struct logrank r;
    struct kaplan_meier km;
    assert_ok(logrank(&r, t1, e1, n1, t2, e2, n2, &err));
    want(fabs(r.z), "z_abs", 1e-10);
    want(r.p, "p", 1e-9);
    assert_ok(kaplan_meier(&km, t1, e1, n1, 0.95, &err));
    for (size_t i = 0; i < at_count; i++)
        want_at(kaplan_meier_share(&km, at[i]), "share", i, 1e-12);
    kaplan_meier_release(&km);
}

static void case_t(void)
{
    size_t nx, ny;
    const double *x = golden_numbers(&nx, row, "x"), *y = golden_numbers(&ny, row, "y");
    struct t_test t;
    assert_ok(t_test_welch(&t, x, nx, y, ny, 0, 0.9, &err));
    want(t.t, "t", 1e-11);
    want(t.df, "df", 1e-11);
    want(t.p, "p", 1e-10);
    want(t.ci.lo, "lo", 1e-9);
    want(t.ci.hi, "hi", 1e-9);
    assert_ok(t_test_one(&t, x, nx, 9.5, 0.95, &err));
    want(t.t, "one_t", 1e-11);
    want(t.p, "one_p", 1e-10);
    want(tost_p(t.estimate, t.se, t.df, 9, 11), "tost", 1e-10);
}

static void case_divergence(void)
{
    size_t n;
    const double *p = golden_numbers(&n, row, "p"), *q = golden_numbers(&n, row, "q");
    const double *la = golden_numbers(&n, row, "la"), *lb = golden_numbers(&n, row, "lb");
    struct divergence d;
    assert_ok(divergence_of(&d, p, q, n, &err));
    want(d.kl, "kl", 1e-12);
    want(d.js, "js", 1e-12);
    want(d.tvd, "tvd", 1e-12);
    float *fa = malloc(2 * n * sizeof *fa), *fb = fa + n;
    double *scratch = malloc(2 * n * sizeof *scratch);
    for (size_t i = 0; i < n; i++) {
        fa[i] = (float)la[i];
        fb[i] = (float)lb[i];
    }
    struct logit_difference l;
    assert_ok(logit_difference(&l, fa, fb, n, scratch, &err));
    want(l.d.kl, "logit_kl", 1e-11);
    want(l.d.js, "logit_js", 1e-11);
    want(l.d.tvd, "logit_tvd", 1e-11);
    want(l.rmse, "logit_rmse", 1e-11);
    want(l.max, "logit_max", 1e-11);
    want(l.same_top, "same_top", 0);
    free(fa);
    free(scratch);
}

static void case_multiplicity(void)
{
    size_t n;
    const double *p = golden_numbers(&n, row, "p");
    double out[64];
    assert_true(n <= 64);
    assert_ok(adjust_bh(out, p, n, &err));
    for (size_t i = 0; i < n; i++)
        want_at(out[i], "bh", i, 1e-12);
    assert_ok(adjust_by(out, p, n, &err));
    for (size_t i = 0; i < n; i++)
        want_at(out[i], "by", i, 1e-12);
}

static void case_chi2(void)
{
    size_t k;
    const double *a = golden_numbers(&k, row, "a"), *b = golden_numbers(&k, row, "b");
    struct chi2_test t;
    assert_ok(chi2_two_sample(&t, a, b, k, &err));
    assert_int_equal(t.merged, 0);
    want(t.chi2, "chi2", 1e-11);
    want(t.p_chi2, "p", 1e-10);
    want(t.g, "g", 1e-10);
    want(t.p_g, "p_g", 1e-10);
}

static void case_series(void)
{
    size_t n, count, at[64];
    const double *x = golden_numbers(&n, row, "x");
    double rho[5];
    struct autocorrelation a;
    assert_ok(autocorrelation(&a, rho, x, n, 5, &err));
    for (size_t i = 0; i < 5; i++)
        want_at(rho[i], "rho", i, 1e-10);
    want(a.ljung_box_q, "q", 1e-10);
    want(a.p, "p", 1e-9);
    assert_ok(change_points(&count, at, 64, x, n, 0, &err));
    assert_int_equal(count, golden_count(row, "want.changes"));
    for (size_t i = 0; i < count; i++)
        want_at((double)at[i], "changes", i, 0);
}

static void case_quantile(void)
{
    size_t n;
    const double *x = golden_numbers(&n, row, "x");
    double v;
    assert_ok(quantile_of(&v, x, n, golden_number(row, "q"), &err));
    want(v, "value", 1e-13);
}

static void case_rbo(void)
{
    size_t n;
    const double *a = golden_numbers(&n, row, "a"), *b = golden_numbers(&n, row, "b");
    int32_t ia[64], ib[64];
    double v;
    for (size_t i = 0; i < n; i++) {
        ia[i] = (int32_t)a[i];
        ib[i] = (int32_t)b[i];
    }
    assert_ok(rank_biased_overlap(&v, ia, ib, n, golden_number(row, "persistence"), &err));
    want(v, "value", 1e-12);
}

static void case_perplexity(void)
{
    size_t n;
    const double *nll = golden_numbers(&n, row, "nll"), *tokens = golden_numbers(&n, row, "tokens");
    struct perplexity p;
    assert_ok(perplexity_of(&p, nll, tokens, n, 0.95, &err));
    want(p.nll, "nll", 1e-12);
    want(p.ppl, "ppl", 1e-12);
    want(p.se_nll, "se", 1e-12);
}

static void case_pocock(void)
{
    double level;
    assert_ok(pocock_level(&level, (int)golden_number(row, "looks"), &err));
    want(level, "level", 1e-4); /* the table has six digits */
}

static void other_implementations_agree(void **state)
{
    (void)state;
    static const struct {
        const char *f;
        void (*run)(void);
        int seen;
    } kinds[] = {
        {"mann_whitney", case_mann_whitney, 0}, {"wilcoxon", case_wilcoxon, 0},     {"correlation", case_correlation, 0},
        {"survival", case_survival, 0},         {"t", case_t, 0},                   {"divergence", case_divergence, 0},
        {"multiplicity", case_multiplicity, 0}, {"chi2", case_chi2, 0},             {"series", case_series, 0},
        {"quantile", case_quantile, 0},         {"rbo", case_rbo, 0},               {"perplexity", case_perplexity, 0},
        {"pocock", case_pocock, 0},
    };
    enum { KINDS = sizeof kinds / sizeof kinds[0] };
    int seen[KINDS] = {0};
    json_t *file = golden_load("tests/stats/methods.json");
    for (size_t i = 0; i < golden_count(file, "cases"); i++) {
        row = json_array_get(json_object_get(file, "cases"), i);
        int known = 0;
        for (int k = 0; k < KINDS; k++)
            if (strcmp(kinds[k].f, golden_text(row, "f")) == 0) {
                kinds[k].run();
                seen[k]++;
                known = 1;
            }
        if (!known)
            fail_msg("case %zu is of unknown kind '%s'", i, golden_text(row, "f"));
    }
    for (int k = 0; k < KINDS; k++)
        if (!seen[k])
            fail_msg("no case of '%s'", kinds[k].f);
    json_decref(file);
}

/* --- properties --- */

static void rank_tests_mirror_and_follow(struct property *p)
{
    size_t na = property_size(p, 2, 40), nb = property_size(p, 2, 40);
    double *a = property_samples(p, na), *b = property_samples(p, nb);
    struct mann_whitney ab, ba;
    struct hodges_lehmann h, back, moved;
    assert_ok(mann_whitney(&ab, a, na, b, nb, &err));
    assert_ok(mann_whitney(&ba, b, nb, a, na, &err));
    property_true(p, ab.u_a == ba.u_b && ab.p == ba.p && ab.p_less == ba.p_more, "labels swap the sides");
    property_true(p, ab.p > 0 && ab.p <= 1, "p in (0, 1]");
    property_close(p, ab.u_a + ab.u_b, (double)(na * nb), 1e-12);
    assert_ok(hodges_lehmann_two(&h, a, na, b, nb, 0.95, &err));
    assert_ok(hodges_lehmann_two(&back, b, nb, a, na, 0.95, &err));
    property_close(p, back.estimate, -h.estimate, 1e-12);
    property_close(p, back.ci.lo, -h.ci.hi, 1e-12);
    property_true(p, !(h.estimate < h.ci.lo) && !(h.estimate > h.ci.hi), "the estimate lies in its interval");
    double *more = malloc(nb * sizeof *more);
    for (size_t i = 0; i < nb; i++)
        more[i] = b[i] + 7;
    assert_ok(hodges_lehmann_two(&moved, a, na, more, nb, 0.95, &err));
    property_close(p, moved.estimate, h.estimate + 7, 1e-9);
    struct mann_whitney up;
    assert_ok(mann_whitney(&up, a, na, more, nb, &err));
    property_true(p, up.u_a <= ab.u_a, "raising b never raises u of a");
    if (!isnan(h.ci.lo) && ab.exact) /* the interval is the test turned inside out */
        property_true(p, (ab.p <= 0.05) == (h.ci.lo > 0 || h.ci.hi < 0), "p and interval agree");
    free(more);
}

static void wilcoxon_mirrors_and_follows(struct property *p)
{
    size_t n = property_size(p, 1, 60);
    double *d = property_samples(p, n), *minus = malloc(n * sizeof *minus);
    struct wilcoxon t, u;
    struct hodges_lehmann h, g;
    for (size_t i = 0; i < n; i++)
        minus[i] = -d[i];
    assert_ok(wilcoxon(&t, d, n, &err));
    assert_ok(wilcoxon(&u, minus, n, &err));
    property_true(p, t.w_plus == u.w_minus && t.p == u.p && t.p_less == u.p_more && t.z == -u.z, "signs swap the sums");
    property_close(p, t.w_plus + t.w_minus, 0.5 * (double)t.n * (double)(t.n + 1), 1e-12);
    property_true(p, t.n + t.zeros == n, "zeros are counted");
    assert_ok(hodges_lehmann_one(&h, d, n, 0.95, &err));
    assert_ok(hodges_lehmann_one(&g, minus, n, 0.95, &err));
    property_close(p, g.estimate, -h.estimate, 1e-12);
    property_close(p, g.ci.lo, -h.ci.hi, 1e-12);
    property_true(p, isnan(h.ci.lo) == (n < 6), "95 % needs six differences");
    if (t.exact && t.zeros == 0 && !isnan(h.ci.lo))
        property_true(p, (t.p <= 0.05) == (h.ci.lo > 0 || h.ci.hi < 0), "p and interval agree");
    free(minus);
}

static void distributions_keep_their_bounds(struct property *p)
{
    size_t n = property_size(p, 2, 60);
    double *a = property_positive(p, n), *b = property_positive(p, n), sum_a = sample_sum(a, n), sum_b = sample_sum(b, n);
    for (size_t i = 0; i < n; i++) {
        a[i] /= sum_a;
        b[i] /= sum_b;
    }
    struct divergence ab, ba, aa;
    assert_ok(divergence_of(&ab, a, b, n, &err));
    assert_ok(divergence_of(&ba, b, a, n, &err));
    assert_ok(divergence_of(&aa, a, a, n, &err));
    property_true(p, ab.kl >= 0 && ab.js <= 0.6931471805599454 && ab.tvd <= 1 + 1e-12, "bounds");
    property_true(p, ab.tvd <= sqrt(ab.kl / 2) + 1e-12, "Pinsker");
    property_close(p, ab.js, ba.js, 1e-13);
    property_true(p, aa.kl < 1e-12 && aa.js < 1e-12 && aa.tvd == 0, "equal distributions are at distance 0");
    double last = 0;
    for (size_t k = 1; k <= n; k++) { /* more cells never tell less, and never more than all */
        double lower;
        assert_ok(kl_with_rest(&lower, a, b, k, &err));
        property_true(p, lower >= last - 1e-10 && lower <= ab.kl + 1e-10, "lower bound rises with the list");
        last = lower;
    }
    property_close(p, last, ab.kl, 1e-9);

    /* logits: a shift of either row changes nothing */
    float fa[64], fb[64], ga[64];
    double scratch[128], agreement[64];
    for (size_t i = 0; i < n; i++) {
        fa[i] = (float)(4 * rng_normal(&p->rng));
        fb[i] = fa[i] + (float)(0.1 * rng_normal(&p->rng));
        ga[i] = fa[i] + 64;
    }
    struct logit_difference d, shifted;
    assert_ok(logit_difference(&d, fa, fb, n, scratch, &err));
    assert_ok(logit_difference(&shifted, ga, fb, n, scratch, &err));
    property_close(p, shifted.d.kl, d.d.kl, 1e-5);
    property_close(p, shifted.rmse, d.rmse, 1e-4);
    property_true(p, d.d.kl <= 2 * d.max + 1e-9, "KL is at most twice the largest difference of logits");
    assert_ok(topk_agreement(agreement, fa, fb, n, n, &err));
    property_true(p, agreement[n - 1] == 1 && agreement[0] == d.same_top, "all of all, and the first");
    int32_t top[64];
    assert_ok(top_ids(top, fa, n, n, &err));
    for (size_t i = 1; i < n; i++)
        property_true(p, fa[top[i - 1]] >= fa[top[i]], "largest first");
}

static void correlations_ignore_scale_and_ranks_any_rise(struct property *p)
{
    size_t n = property_size(p, 3, 60);
    double *x = property_positive(p, n), *y = property_positive(p, n), *z = malloc(n * sizeof *z);
    double r, s;
    for (size_t i = 0; i < n; i++)
        z[i] = x[i] * x[i] * x[i]; /* rises with x */
    assert_ok(spearman(&r, x, y, n, &err));
    assert_ok(spearman(&s, z, y, n, &err));
    property_close(p, s, r, 1e-12);
    assert_ok(kendall_tau_b(&r, x, y, n, &err));
    assert_ok(kendall_tau_b(&s, y, z, n, &err));
    property_close(p, s, r, 1e-12);
    assert_ok(kendall_tau_b(&s, x, z, n, &err));
    property_close(p, s, 1, 1e-12);
    for (size_t i = 0; i < n; i++)
        z[i] = 5 - 3 * x[i];
    assert_ok(pearson(&r, x, y, n, &err));
    assert_ok(pearson(&s, z, y, n, &err));
    property_close(p, s, -r, 1e-9);
    free(z);
}

static void adjusted_p_values_never_fall(struct property *p)
{
    size_t n = property_size(p, 1, 40);
    double q[40], holm[40], bh[40], by[40];
    for (size_t i = 0; i < n; i++)
        q[i] = rng_unit(&p->rng);
    assert_ok(adjust_holm(holm, q, n, &err));
    assert_ok(adjust_bh(bh, q, n, &err));
    assert_ok(adjust_by(by, q, n, &err));
    for (size_t i = 0; i < n; i++) {
        property_true(p, q[i] <= bh[i] + 1e-15 && bh[i] <= holm[i] + 1e-15 && bh[i] <= by[i] && holm[i] <= 1,
                      "p <= BH <= Holm");
        for (size_t j = 0; j < n; j++)
            if (q[i] < q[j])
                property_true(p, holm[i] <= holm[j] && bh[i] <= bh[j], "order is kept");
    }
    double in_place[40];
    memcpy(in_place, q, n * sizeof *q);
    assert_ok(adjust_holm(in_place, in_place, n, &err));
    property_true(p, memcmp(in_place, holm, n * sizeof *q) == 0, "in place is the same");
}

static void survival_falls_and_shares_hold(struct property *p)
{
    size_t n = property_size(p, 1, 60);
    double t[64];
    bool e[64], all[64];
    for (size_t i = 0; i < n; i++) {
        t[i] = (double)rng_below(&p->rng, 20);
        e[i] = rng_unit(&p->rng) < 0.6;
        all[i] = true;
    }
    struct kaplan_meier km, plain;
    assert_ok(kaplan_meier(&km, t, e, n, 0.95, &err));
    assert_ok(kaplan_meier(&plain, t, all, n, 0.95, &err));
    double last = 1;
    for (size_t i = 0; i < km.count; i++) {
        const struct survival_step *s = &km.steps[i];
        property_true(p, s->share < last && s->share >= 0, "S falls");
        property_true(p, isnan(s->ci.lo) || (s->ci.lo <= s->share && s->share <= s->ci.hi && s->ci.hi <= 1),
                      "S lies in its interval");
        last = s->share;
    }
    for (int at = 0; at < 20; at++) { /* without censoring S is the share that is larger */
        size_t larger = 0;
        for (size_t i = 0; i < n; i++)
            larger += t[i] > at;
        property_close(p, kaplan_meier_share(&plain, at), (double)larger / (double)n, 1e-12);
        property_true(p, kaplan_meier_share(&km, at) >= kaplan_meier_share(&plain, at) - 1e-12,
                      "censoring never lowers S");
    }
    property_close(p, kaplan_meier_mean_to(&plain, 20), sample_mean(t, n), 1e-12);
    struct logrank r;
    assert_ok(logrank(&r, t, e, n, t, e, n, &err));
    property_true(p, fabs(r.z) < 1e-9 && r.p > 0.999, "a group does not differ from itself");
    kaplan_meier_release(&km);
    kaplan_meier_release(&plain);
}

static void proportions_hold_their_share(struct property *p)
{
    int64_t n = 1 + (int64_t)rng_below(&p->rng, 300), k = (int64_t)rng_below(&p->rng, (uint64_t)n + 1);
    struct interval w, c, mirror;
    double share = (double)k / (double)n;
    assert_ok(wilson_interval(&w, k, n, 0.95, &err));
    assert_ok(clopper_pearson_interval(&c, k, n, 0.95, &err));
    assert_ok(wilson_interval(&mirror, n - k, n, 0.95, &err));
    property_true(p, w.lo >= 0 && w.lo <= share && share <= w.hi && w.hi <= 1, "Wilson");
    property_true(p, c.lo >= 0 && c.lo <= share && share <= c.hi && c.hi <= 1, "Clopper-Pearson");
    property_close(p, mirror.lo, 1 - w.hi, 1e-12);
    struct mcnemar a, b;
    assert_ok(mcnemar(&a, k, n - k, &err));
    assert_ok(mcnemar(&b, n - k, k, &err));
    property_true(p, a.p == b.p && a.mid_p <= a.exact_p && a.exact_p <= 1, "McNemar is symmetric");
}

static void outliers_follow_shift_and_scale(struct property *p)
{
    size_t n = property_size(p, 1, 60);
    double *x = property_samples(p, n), *y = malloc(n * sizeof *y);
    enum outlier lx[64], ly[64];
    struct outliers a, b;
    for (size_t i = 0; i < n; i++)
        y[i] = 4 * x[i]; /* a power of two: no rounding moves a value across a fence */
    assert_ok(outliers_label(&a, lx, x, n, &err));
    assert_ok(outliers_label(&b, ly, y, n, &err));
    property_true(p, memcmp(lx, ly, n * sizeof *lx) == 0 && a.beyond_mad == b.beyond_mad, "labels follow the scale");
    size_t sum = 0;
    for (int k = 0; k < OUTLIER_COUNT; k++)
        sum += a.count[k];
    property_true(p, sum == n, "every sample is labelled and none is gone");
    free(y);
}

static void properties(void **state)
{
    (void)state;
    property_run("Mann-Whitney", rank_tests_mirror_and_follow, 300);
    property_run("Wilcoxon", wilcoxon_mirrors_and_follows, 300);
    property_run("divergence", distributions_keep_their_bounds, 300);
    property_run("correlation", correlations_ignore_scale_and_ranks_any_rise, 200);
    property_run("multiplicity", adjusted_p_values_never_fall, 300);
    property_run("survival", survival_falls_and_shares_hold, 200);
    property_run("proportion", proportions_hold_their_share, 300);
    property_run("outliers", outliers_follow_shift_and_scale, 200);
}

/* --- limits and refusals --- */

static void senseless_questions_are_refused_by_name(void **state)
{
    (void)state;
    double x[] = {1, 2, NAN}, same[] = {4, 4, 4}, out, p2[] = {0.5, 1.5}, q2[] = {0.5, 0.5}, half[] = {0.2, 0.2};
    bool e[] = {1, 0, 1};
    float logits[] = {1, NAN}, masked[] = {-INFINITY, -INFINITY};
    struct mann_whitney mw;
    struct wilcoxon w;
    struct hodges_lehmann h;
    struct kaplan_meier km;
    struct logrank lr;
    struct divergence d;
    struct autocorrelation a;
    struct chi2_test c;
    struct interval ci;
    struct mcnemar mc;
    struct width_stop ws;
    struct steadiness ss;
    struct perplexity pp;
    struct early_stop es;
    struct cov_window cw;
    size_t count, at[4];
    uint64_t delta;
    double scratch[8], *filled;
    int32_t ids[4], twice[] = {3, 3};
    assert_err(mann_whitney(&mw, x, 2, x, 3, &err), ERR_USAGE, "side b: sample 3 of 3 is not a number (nan)");
    assert_err(mann_whitney(&mw, x, 0, x, 2, &err), ERR_USAGE, "Mann-Whitney, side a of no samples");
    assert_err(wilcoxon(&w, x, 3, &err), ERR_USAGE, "Wilcoxon: sample 3");
    assert_err(hodges_lehmann_one(&h, x, 2, 1.5, &err), ERR_USAGE, "confidence level is 1.5");
    assert_err(pearson(&out, same, same, 3, &err), ERR_USAGE, "all 3 values are 4, so there is no correlation");
    assert_err(spearman(&out, x, x, 1, &err), ERR_USAGE, "at least 2");
    assert_err(kaplan_meier(&km, x, e, 3, 0.95, &err), ERR_USAGE, "Kaplan-Meier: sample 3");
    x[2] = -1;
    assert_err(logrank(&lr, x, e, 3, x, e, 2, &err), ERR_USAGE, "group 1: time 3 of 3 is -1, expected 0 or more");
    assert_err(divergence_of(&d, p2, q2, 2, &err), ERR_USAGE, "side p: probability 2 of 2 is 1.5");
    assert_err(divergence_of(&d, half, q2, 2, &err), ERR_USAGE, "sum to 0.4 and 1");
    assert_err(log_softmax(scratch, logits, 2, &err), ERR_USAGE, "logit of token 1 is nan");
    assert_err(log_softmax(scratch, masked, 2, &err), ERR_USAGE, "all 2 logits are -inf");
    assert_err(top_ids(ids, masked, 2, 3, &err), ERR_USAGE, "top 3 of 2 logits");
    assert_err(rank_biased_overlap(&out, twice, twice, 2, 0.9, &err), ERR_USAGE, "id 3 stands twice");
    struct listed list[] = {{1, 0.5}, {1, 0.2}}, none[] = {{1, 0}};
    struct list_difference ld;
    assert_err(list_difference(&ld, list, 2, list, 1, &err), ERR_USAGE, "list a: token 1 is listed twice");
    assert_err(list_difference(&ld, list, 1, none, 1, &err), ERR_USAGE, "list b: token 1 has probability 0");
    assert_err(autocorrelation(&a, NULL, same, 3, 3, &err), ERR_USAGE, "3 lags, expected 1 to 2");
    assert_err(change_points(&count, at, 4, same, 1, 0, &err), ERR_USAGE, "at least 2");
    assert_err(cov_window(&cw, same, 3, 1, 0.1, &err), ERR_USAGE, "window of 1");
    assert_err(steady_state(&ss, same, 3, NULL, &err), ERR_USAGE, "at least 4");
    assert_err(chi2_goodness(&c, same, half, 2, &err), ERR_USAGE, "sum to 0.4, expected 1");
    assert_err(chi2_two_sample(&c, x, same, 3, &err), ERR_USAGE, "side a: count 3 of 3 is -1");
    assert_err(wilson_interval(&ci, 5, 3, 0.95, &err), ERR_USAGE, "5 successes in 3 trials");
    assert_err(clopper_pearson_interval(&ci, 0, 0, 0.95, &err), ERR_USAGE, "share of 0 trials");
    assert_err(mcnemar(&mc, -1, 3, &err), ERR_USAGE, "-1 and 3");
    assert_err(adjust_bh(&out, p2 + 1, 1, &err), ERR_USAGE, "p-value 1 of 1 is 1.5");
    assert_err(pocock_level(&out, 11, &err), ERR_USAGE, "11 looks");
    assert_err(power_n_two(&out, 0.05, 0, NULL, &err), ERR_USAGE, "effect is 0");
    assert_err(fixed_width_stop(&ws, same, 3, -1, 2, 0.95, &err), ERR_USAGE, "relative half width is -1");
    assert_err(early_stop_estimate(&es, same, 3, 0.9, 0.99, &err), ERR_USAGE, "at least 44 are needed");
    assert_err(perplexity_of(&pp, same, x, 3, 0.95, &err), ERR_USAGE, "tokens: sample 3 of 3 is -1");
    assert_err(omission_backfill(&filled, &count, same, 3, 0, &err), ERR_USAGE, "interval of 0");
    assert_err(omission_backfill(&filled, &count, same, 3, 1e-9, &err), ERR_USAGE, "expected at most 100000000");
    assert_err(counter_delta(&delta, 5, 11, 10, &err), ERR_INPUT, "reads 11, expected at most 10");
    assert_err(power_watts(&out, 5, 0, &err), ERR_USAGE, "0 seconds");
    assert_err(design_difference(&out, same, "AAC", 3, &err), ERR_USAGE, "letter 3 is 'C'");
    assert_err(design_difference(&out, same, "AAA", 3, &err), ERR_USAGE, "only one side");
}

static void limits(void **state)
{
    (void)state;
    double same[] = {4, 4, 4, 4, 4, 4}, zeros[] = {0, 0, 0};
    struct mann_whitney mw;
    assert_ok(mann_whitney(&mw, same, 6, same, 6, &err));
    assert_true(mw.p == 1 && mw.prob_a_gt_b == 0.5 && mw.cliffs_delta == 0);
    struct wilcoxon w;
    assert_ok(wilcoxon(&w, zeros, 3, &err));
    assert_true(w.p == 1 && w.n == 0 && w.zeros == 3);
    struct hodges_lehmann h;
    assert_ok(hodges_lehmann_one(&h, same, 6, 0.95, &err));
    assert_true(h.estimate == 4 && h.ci.lo == 4 && h.ci.hi == 4);
    assert_ok(hodges_lehmann_two(&h, same, 1, zeros, 1, 0.95, &err));
    assert_true(h.estimate == -4 && isnan(h.ci.lo) && isnan(h.ci.hi));
    struct autocorrelation a;
    assert_ok(autocorrelation(&a, NULL, same, 6, 2, &err));
    assert_true(a.first == 0 && a.p == 1 && a.n_eff == 6);
    size_t count, at[1];
    assert_ok(change_points(&count, at, 1, same, 6, 0, &err));
    assert_int_equal(count, 0);
    struct steadiness s;
    assert_ok(steady_state(&s, same, 6, NULL, &err));
    assert_true(s.steady && s.start == 0 && s.kind == STEADY_FLAT);
    struct outliers o;
    assert_ok(outliers_label(&o, NULL, same, 1, &err));
    assert_true(o.count[OUTLIER_NONE] == 1 && outlier_z(&o, 5) == INFINITY && outlier_z(&o, 4) == 0);
    struct width_stop ws;
    assert_ok(fixed_width_stop(&ws, same, 1, 0.1, 5, 0.95, &err));
    assert_true(!ws.reached && ws.n == 1 && isnan(ws.rel_half));
    assert_ok(fixed_width_stop(&ws, same, 6, 0.1, 2, 0.95, &err));
    assert_true(ws.reached && ws.n == 2 && ws.rel_half == 0);
    struct divergence d;
    double p[] = {1, 0}, q[] = {0, 1};
    assert_ok(divergence_of(&d, p, q, 2, &err));
    assert_true(d.kl == INFINITY && fabs(d.js - 0.69314718055994531) < 1e-15 && d.tvd == 1);
    struct perplexity pp;
    assert_ok(perplexity_of(&pp, same, NULL, 1, 0.95, &err));
    assert_true(fabs(pp.ppl - 54.598150033144236) < 1e-12 && isnan(pp.lo) && isnan(pp.se_nll));
    double counts[] = {1, 2, 1, 40}, probs[] = {0.02, 0.02, 0.02, 0.94};
    struct chi2_test c;
    assert_ok(chi2_goodness(&c, counts, probs, 4, &err)); /* all four end in one cell: nothing can be told */
    assert_true(c.df == 0 && c.p_chi2 == 1);
    double many[] = {3, 4, 40, 53}, expected[] = {0.03, 0.04, 0.43, 0.5};
    assert_ok(chi2_goodness(&c, many, expected, 4, &err)); /* 3 and 4 expected are merged into 7 */
    assert_true(c.merged == 2 && c.cells == 3 && c.df == 2);
    bool none[] = {false, false, false};
    struct kaplan_meier km;
    assert_ok(kaplan_meier(&km, same, none, 3, 0.95, &err));
    assert_true(km.count == 0 && isnan(km.median) && kaplan_meier_share(&km, 9) == 1);
    kaplan_meier_release(&km);
    struct mcnemar mc;
    assert_ok(mcnemar(&mc, 0, 0, &err));
    assert_true(mc.p == 1);
}

static void a_series_says_whether_it_settled(void **state)
{
    (void)state;
    struct rng r;
    rng_init(&r, 7);
    double x[200];
    struct {
        double level[3];
        enum steadiness_kind kind;
        int steady;
        size_t start;
    } cases[] = {
        {{1.5, 1, 1}, STEADY_WARMUP, 1, 50},       {{1, 1, 1}, STEADY_FLAT, 1, 0},
        {{1, 1.3, 1.3}, STEADY_SLOWDOWN, 1, 50},   {{1, 1, 0.7}, STEADY_WARMUP, 0, 150},
        {{1.5, 1, 1.2}, STEADY_INCONSISTENT, 0, 150},
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        for (int i = 0; i < 200; i++)
            x[i] = cases[k].level[i < 50 ? 0 : i < 150 ? 1 : 2] * (1 + 0.01 * rng_normal(&r));
        struct steadiness s;
        assert_ok(steady_state(&s, x, 200, NULL, &err));
        assert_string_equal(steadiness_name(s.kind), steadiness_name(cases[k].kind));
        assert_int_equal(s.steady, cases[k].steady);
        assert_true(s.start + 2 >= cases[k].start && s.start <= cases[k].start + 2);
        assert_close(s.before, cases[k].level[0], 0.01, "before");
        assert_close(s.after, cases[k].level[2], 0.01, "after");
    }
    struct cov_window none;
    assert_ok(cov_window(&none, x, 200, 5, 1e-9, &err));
    assert_true(!none.found && isnan(none.cov));
}

static void early_stopping_discards_what_it_may(void **state)
{
    (void)state;
    double x[300];
    for (int i = 0; i < 300; i++)
        x[i] = (i * 7919) % 300;
    struct early_stop e;
    assert_ok(early_stop_estimate(&e, x, 44, 0.9, 0.99, &err)); /* h_min(0) = 44: the maximum */
    assert_int_equal(e.discarded, 0);
    assert_ok(early_stop_estimate(&e, x, 300, 0.9, 0.99, &err));
    bool at, beyond;
    assert_ok(early_stop_passes(&at, 300 - (int64_t)e.discarded, (int64_t)e.discarded, 0.9, 0.99, &err));
    assert_ok(early_stop_passes(&beyond, 299 - (int64_t)e.discarded, (int64_t)e.discarded + 1, 0.9, 0.99, &err));
    assert_true(at && !beyond && e.estimate == 299.0 - (double)e.discarded);
}

static void effects_and_counts_invert(void **state)
{
    (void)state;
    double n, effect; /* scipy: ((norm.ppf(.975) + norm.ppf(.8)) * .05 / log(1.02)) ** 2, and its inverse at 30 */
    assert_ok(power_n_paired(&n, 0.05, 0.02, NULL, &err));
    assert_close(n, 50.0382434576925, 1e-10, "pairs");
    assert_ok(power_mde_paired(&effect, 0.05, 30, NULL, &err));
    assert_close(effect, 0.0259046995567871, 1e-12, "effect of 30 pairs");
    assert_ok(power_mde_paired(&effect, 0.05, n, NULL, &err));
    assert_close(effect, 0.02, 1e-12, "inverse");
}

static void a_cold_first_sample_is_said(void **state)
{
    (void)state;
    double x[] = {100, 1.0, 1.1, 0.9, 1.05, 0.95, 1.0, 1.02};
    struct outliers o;
    assert_ok(outliers_label(&o, NULL, x, 8, &err));
    assert_true(o.first && o.beyond_mad == 1 && o.count[OUTLIER_HIGH_SEVERE] == 1);
    x[0] = 1;
    x[1] = 100;
    assert_ok(outliers_label(&o, NULL, x, 8, &err));
    assert_true(!o.first && o.beyond_mad == 1);
}

static void orders_are_blocks_and_repeat_by_seed(void **state)
{
    (void)state;
    char a[400], b[400];
    design_order(a, 100, 5);
    design_order(b, 100, 5);
    assert_memory_equal(a, b, 400);
    int abba = 0;
    for (int i = 0; i < 100; i++) {
        int is = memcmp(a + 4 * i, "ABBA", 4) == 0;
        assert_true(is || memcmp(a + 4 * i, "BAAB", 4) == 0);
        abba += is;
    }
    assert_true(abba > 30 && abba < 70);
    design_order(b, 100, 6);
    assert_memory_not_equal(a, b, 400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(other_implementations_agree),
        cmocka_unit_test(properties),
        cmocka_unit_test(senseless_questions_are_refused_by_name),
        cmocka_unit_test(limits),
        cmocka_unit_test(a_series_says_whether_it_settled),
        cmocka_unit_test(early_stopping_discards_what_it_may),
        cmocka_unit_test(effects_and_counts_invert),
        cmocka_unit_test(a_cold_first_sample_is_said),
        cmocka_unit_test(orders_are_blocks_and_repeat_by_seed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
