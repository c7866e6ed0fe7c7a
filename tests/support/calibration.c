#include "support/calibration.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stats/bootstrap.h"
#include "stats/calibrate.h"
#include "stats/compare.h"
#include "stats/multiplicity.h"
#include "stats/power.h"
#include "stats/quantile.h"
#include "stats/rank_test.h"
#include "stats/student.h"
#include "support/simulate.h"
#include "support/testing.h"

static struct err err;

/* The table being filled. */
struct table {
    struct calibration_row *rows;
    size_t n, trials;
    uint64_t seed;
};

static struct calibration_row *add(struct table *t, const char *group, double nominal, double hits, const char *what)
{
    assert_true(t->n < CALIBRATION_MAX_ROWS);
    struct calibration_row *r = &t->rows[t->n++];
    *r = (struct calibration_row){.group = group, .nominal = nominal, .measured = hits / (double)t->trials};
    snprintf(r->what, sizeof r->what, "%s", what);
    return r;
}

/* The count is binomial around this share; below: being under it is no defect (a conservative test). */
static void within(struct calibration_row *r, const struct table *t, double share, bool below)
{
    struct band b;
    assert_ok(calibration_band(&b, (int64_t)t->trials, share, &err));
    r->lo = below ? 0 : (double)b.lo / (double)t->trials;
    r->hi = (double)b.hi / (double)t->trials;
}

/* Around a share that somebody else measured with `others` trials. */
static void near(struct calibration_row *r, const struct table *t, double share, double others)
{
    double off = 3 * sqrt(share * (1 - share) * (1 / (double)t->trials + 1 / others));
    r->lo = share - off;
    r->hi = share + off;
}

/* More than chance allows at the nominal level. */
static void caught(struct calibration_row *r, const struct table *t)
{
    within(r, t, r->nominal, false);
    r->lo = r->hi;
    r->hi = 1;
}

static uint64_t next_seed(struct table *t)
{
    return splitmix64(&t->seed);
}

/* --- A/A: one machine under two labels --- */

struct sides {
    double *v[2];
    uint32_t *launch[2], *block[2];
    size_t n[2];
};

static void split(struct sides *s, const struct session *x)
{
    *s = (struct sides){0};
    for (int k = 0; k < 2; k++) {
        s->v[k] = malloc(x->n * sizeof(double));
        s->launch[k] = malloc(x->n * sizeof(uint32_t));
        s->block[k] = malloc(x->n * sizeof(uint32_t));
        if (!s->v[k] || !s->launch[k] || !s->block[k])
            abort();
    }
    for (size_t i = 0; i < x->n; i++) {
        int k = x->side[i];
        s->v[k][s->n[k]] = x->value[i];
        s->launch[k][s->n[k]] = x->launch[i];
        s->block[k][s->n[k]++] = x->block[i];
    }
}

static void sides_release(struct sides *s)
{
    for (int k = 0; k < 2; k++) {
        free(s->v[k]);
        free(s->launch[k]);
        free(s->block[k]);
    }
}

static struct comparison judge(const struct sides *s, bool blocks, const struct compare_opts *o)
{
    struct compare_metric m = {.name = "simulated",
                               .a = {s->v[0], s->launch[0], blocks ? s->block[0] : NULL, s->n[0]},
                               .b = {s->v[1], s->launch[1], blocks ? s->block[1] : NULL, s->n[1]}};
    struct comparison c;
    assert_ok(compare(&c, &m, 1, o, &err));
    return c;
}

static void same_engine_twice(struct table *t)
{
    static const char group[] = "A/A: one engine under two labels, share of p <= 0.05";
    enum { REQUESTS = 10 };
    for (int kind = 0; kind < SAMPLER_COUNT; kind++) {
        double naive = 0, block10 = 0, block5 = 0, launches = 0;
        for (size_t i = 0; i < t->trials; i++) {
            struct machine m;
            struct session x;
            struct sides s;
            machine_start(&m, kind, 0, next_seed(t));
            session_run(&x, &m, 10, REQUESTS, 1, 1, 0);
            split(&s, &x);
            struct t_test w;
            assert_ok(t_test_welch(&w, s.v[0], s.n[0], s.v[1], s.n[1], 0, 0.95, &err));
            naive += w.p <= 0.05;
            launches += judge(&s, false, NULL).p_alone <= 0.05;
            sides_release(&s);
            session_release(&x);
            for (int k = 0; k < 2; k++) {
                machine_start(&m, kind, 0, next_seed(t));
                session_run(&x, &m, k == 0 ? 10 : 5, REQUESTS, 1, 0, next_seed(t));
                split(&s, &x);
                *(k == 0 ? &block10 : &block5) += judge(&s, true, NULL).p_alone <= 0.05;
                sides_release(&s);
                session_release(&x);
            }
        }
        char what[120];
        bool fooled = kind == SAMPLE_AR1 || kind == SAMPLE_DRIFT;
        snprintf(what, sizeof what, "%s: all requests of A, then of B, Welch t (naive)", sampler_name(kind));
        struct calibration_row *r = add(t, group, 0.05, naive, what);
        if (fooled)
            caught(r, t);
        else
            within(r, t, 0.05, false);
        if (!fooled) { /* launches of A, then of B: right as long as nothing drifts */
            snprintf(what, sizeof what, "%s: 20 launches of A, then of B, Mann-Whitney", sampler_name(kind));
            within(add(t, group, 0.05, launches, what), t, 0.05, false);
        }
        snprintf(what, sizeof what, "%s: 10 blocks ABBA/BAAB (Wilcoxon)", sampler_name(kind));
        within(add(t, group, 0.05, block10, what), t, 0.05, true);
        snprintf(what, sizeof what, "%s: 5 blocks ABBA/BAAB (t)", sampler_name(kind));
        within(add(t, group, 0.05, block5, what), t, 0.05, true);
    }
}

static void correlated_requests(struct table *t)
{
    static const double rhos[] = {0, 0.3, 0.5, 0.8}, known[] = {0.051, 0.150, 0.255, 0.544};
    for (int k = 0; k < 4; k++) {
        double hits = 0;
        for (size_t i = 0; i < t->trials; i++) {
            double x[30], y[30];
            struct machine a, b;
            enum sampler kind = rhos[k] > 0 ? SAMPLE_AR1 : SAMPLE_NORMAL;
            machine_start(&a, kind, rhos[k], next_seed(t));
            machine_start(&b, kind, rhos[k], next_seed(t));
            for (int j = 0; j < 30; j++) {
                x[j] = machine_time(&a);
                y[j] = machine_time(&b);
            }
            struct t_test w;
            assert_ok(t_test_welch(&w, x, 30, y, 30, 0, 0.95, &err));
            hits += w.p <= 0.05;
        }
        char what[120];
        snprintf(what, sizeof what, "AR(1) rho %.1f: 30 requests of each, Welch t", rhos[k]);
        near(add(t, "Correlation ignored: share of p <= 0.05", 0.05, hits, what), t, known[k], 1500);
    }
}

/* --- tests and stopping --- */

static void exact_tests_and_looks(struct table *t)
{
    static const char group[] = "Tests and stopping: share of false claims";
    double mw6 = 0, peek = 0, pocock = 0, level;
    double *p_welch = malloc(t->trials * sizeof *p_welch), *p_one = malloc(t->trials * sizeof *p_one);
    if (!p_welch || !p_one)
        abort();
    assert_ok(pocock_level(&level, 5, &err));
    for (size_t i = 0; i < t->trials; i++) {
        struct rng r;
        rng_init(&r, next_seed(t));
        double a[100], b[100];
        for (int j = 0; j < 100; j++) {
            a[j] = rng_normal(&r);
            b[j] = rng_normal(&r);
        }
        struct mann_whitney w;
        assert_ok(mann_whitney(&w, a, 6, b, 6, &err));
        mw6 += w.p <= 0.05;
        struct t_test u;
        assert_ok(t_test_welch(&u, a, 10, b, 10, 0, 0.95, &err));
        p_welch[i] = u.p;
        assert_ok(t_test_one(&u, a, 12, 0, 0.95, &err));
        p_one[i] = u.p;
        bool ten = false, five = false;
        for (size_t n = 10; n <= 100; n += 10) {
            assert_ok(t_test_one(&u, a, n, 0, 0.95, &err));
            ten |= u.p <= 0.05;
            five |= n % 20 == 0 && u.p <= level;
        }
        peek += ten;
        pocock += five;
    }
    within(add(t, group, 0.05, mw6, "Mann-Whitney, 6 and 6 (exact level 0.0411)"), t, 0.041125541, false);
    near(add(t, group, 0.05, peek, "t, looking at every 10th of 100 at p <= 0.05"), t, 0.19, 1500);
    struct calibration_row *r = add(t, group, 0.05, pocock, "t, 5 looks at Pocock's 0.0158");
    within(r, t, 0.05, false);
    struct uniformity u;
    assert_ok(uniformity_of(&u, p_welch, t->trials, &err));
    r = add(t, "p-values of continuous tests: distance from uniform (Kolmogorov-Smirnov D)", 0,
                                    u.d * (double)t->trials, "Welch t, 10 and 10 normal");
    r->hi = u.limit;
    assert_ok(uniformity_of(&u, p_one, t->trials, &err));
    r = add(t, r->group, 0, u.d * (double)t->trials, "t, 12 normal");
    r->hi = u.limit;
    free(p_welch);
    free(p_one);
}

/* --- coverage --- */

static double exponential(struct rng *r)
{
    return -log(1 - rng_unit(r));
}

static void exact_coverage(struct table *t)
{
    static const char group[] = "Coverage of 95 % intervals that are exact";
    static const size_t sizes[] = {10, 15, 30};
    for (int k = 0; k < 3; k++) {
        double t_hits = 0, order = 0, shift = 0, walsh = 0, exact_order = 0, exact_shift = 0, exact_walsh = 0;
        size_t n = sizes[k];
        for (size_t i = 0; i < t->trials; i++) {
            struct rng r;
            rng_init(&r, next_seed(t));
            double normal[30], skewed[30], other[30];
            for (size_t j = 0; j < n; j++) {
                normal[j] = 3 + rng_normal(&r);
                skewed[j] = exp(0.5 * rng_normal(&r));
            }
            for (size_t j = 0; j < n; j++)
                other[j] = exp(0.5 * rng_normal(&r)) + 0.7;
            struct interval ci;
            struct hodges_lehmann h;
            assert_ok(t_interval(&ci, normal, n, 0.95, &err));
            t_hits += interval_holds(&ci, 3);
            assert_ok(quantile_interval(&ci, skewed, n, 0.5, 0.95, &err));
            order += interval_holds(&ci, 1);
            exact_order = ci.coverage;
            assert_ok(hodges_lehmann_two(&h, skewed, n, other, n, 0.95, &err));
            shift += interval_holds(&h.ci, 0.7);
            exact_shift = h.ci.coverage;
            assert_ok(hodges_lehmann_one(&h, normal, n, 0.95, &err));
            walsh += interval_holds(&h.ci, 3);
            exact_walsh = h.ci.coverage;
        }
        char what[120];
        snprintf(what, sizeof what, "t of the mean, normal, n = %zu", n);
        within(add(t, group, 0.95, t_hits, what), t, 0.95, false);
        snprintf(what, sizeof what, "order statistics of the median, lognormal, n = %zu", n);
        within(add(t, group, exact_order, order, what), t, exact_order, false);
        snprintf(what, sizeof what, "Hodges-Lehmann shift, lognormal, n = %zu and %zu", n, n);
        within(add(t, group, exact_shift, shift, what), t, exact_shift, false);
        snprintf(what, sizeof what, "Hodges-Lehmann centre (Walsh), normal, n = %zu", n);
        within(add(t, group, exact_walsh, walsh, what), t, exact_walsh, false);
    }
}

static void bootstrap_coverage(struct table *t)
{
    static const char group[] = "Coverage of nominal 95 % intervals from small samples of Exp(1)";
    static const size_t sizes[] = {10, 20, 50};
    static const double known[3][4] = {
        {0.847, 0.865, 0.889, 0.937}, {0.890, 0.905, 0.907, 0.940}, {0.922, 0.921, 0.929, 0.946}};
    static const char *const names[] = {"bootstrap percentile of the mean", "bootstrap BCa of the mean",
                                        "t of the mean", "bootstrap percentile of the median"};
    for (int k = 0; k < 3; k++) {
        size_t n = sizes[k];
        double hits[4] = {0};
        for (size_t i = 0; i < t->trials; i++) {
            struct rng r;
            rng_init(&r, next_seed(t));
            double x[50];
            for (size_t j = 0; j < n; j++)
                x[j] = exponential(&r);
            struct bootstrap b;
            struct interval ci;
            struct bootstrap_opts o = {.resamples = 599, .seed = next_seed(t)};
            assert_ok(bootstrap_one(&b, x, n, statistic_mean, NULL, &o, &err));
            hits[0] += interval_holds(&b.ci, 1);
            o.how = INTERVAL_BCA;
            assert_ok(bootstrap_one(&b, x, n, statistic_mean, NULL, &o, &err));
            hits[1] += interval_holds(&b.ci, 1);
            assert_ok(t_interval(&ci, x, n, 0.95, &err));
            hits[2] += interval_holds(&ci, 1);
            o.how = INTERVAL_PERCENTILE;
            assert_ok(bootstrap_one(&b, x, n, statistic_median, NULL, &o, &err));
            hits[3] += interval_holds(&b.ci, 0.69314718055994531);
        }
        for (int j = 0; j < 4; j++) {
            char what[120];
            snprintf(what, sizeof what, "%s, n = %zu", names[j], n);
            near(add(t, group, 0.95, hits[j], what), t, known[k][j], 1500);
        }
    }
}

static void block_bootstrap_and_stopping(struct table *t)
{
    static const char group[] = "Coverage where samples depend on each other, or on when one stops";
    double iid = 0, block = 0, ten = 0, twenty = 0;
    size_t fewer = t->trials / 4; /* the costly pair; its band is that of so many trials */
    for (size_t i = 0; i < t->trials; i++) {
        struct machine m;
        double x[200];
        machine_start(&m, SAMPLE_AR1, 0.5, next_seed(t));
        if (i < fewer) {
            for (int j = 0; j < 200; j++)
                x[j] = machine_time(&m);
            struct bootstrap b;
            struct bootstrap_opts o = {.resamples = 400, .seed = next_seed(t)};
            assert_ok(bootstrap_one(&b, x, 200, statistic_mean, NULL, &o, &err));
            iid += interval_holds(&b.ci, 1);
            o.how = INTERVAL_BLOCK;
            o.block = 14;
            assert_ok(bootstrap_one(&b, x, 200, statistic_mean, NULL, &o, &err));
            block += interval_holds(&b.ci, 1);
        }
        machine_start(&m, SAMPLE_NORMAL, 0, next_seed(t));
        for (int j = 0; j < 200; j++)
            x[j] = 1 + 4 * (machine_time(&m) - 1); /* cov 20 % */
        for (int k = 0; k < 2; k++) {
            struct width_stop s;
            struct interval ci;
            assert_ok(fixed_width_stop(&s, x, 200, 0.1, k == 0 ? 10 : 20, 0.95, &err));
            assert_ok(t_interval(&ci, x, s.n, 0.95, &err));
            *(k == 0 ? &ten : &twenty) += interval_holds(&ci, 1);
        }
    }
    double scale = (double)t->trials / (double)fewer;
    struct table few = {.trials = fewer};
    struct calibration_row *r = add(t, group, 0.95, iid * scale, "AR(1) rho 0.5, n = 200: plain bootstrap (naive)");
    within(r, &few, 0.95, false);
    r->hi = r->lo;
    r->lo = 0.5;
    /* no exact value is known; far better than the plain one, and not yet the nominal level, is what it must show */
    r = add(t, group, 0.95, block * scale, "AR(1) rho 0.5, n = 200: circular blocks of 14");
    r->lo = 0.87;
    r->hi = 0.95;
    near(add(t, group, 0.95, ten, "t after fixed-width stopping, at least 10"), t, 0.931, 1500);
    r = add(t, group, 0.95, twenty, "t after fixed-width stopping, at least 20");
    within(r, t, 0.95, false);
}

/* --- a true difference --- */

static void known_differences(struct table *t)
{
    static const char group[] = "A true difference: B costs more by the given factor";
    double holds = 0, slower = 0, faster = 0, equal = 0, wrongly_equal = 0;
    for (size_t i = 0; i < t->trials; i++) {
        struct machine m;
        struct session x;
        struct sides s;
        uint64_t order = next_seed(t);
        machine_start(&m, SAMPLE_NORMAL, 0, next_seed(t));
        session_run(&x, &m, 10, 10, 1.02, 0, order); /* 2 %: near the detectable effect of this design */
        split(&s, &x);
        struct comparison c = judge(&s, true, NULL);
        holds += interval_holds(&c.ci, 1.02);
        slower += c.verdict == COMPARE_SLOWER;
        faster += c.verdict == COMPARE_FASTER;
        sides_release(&s);
        session_release(&x);
        for (int k = 0; k < 2; k++) { /* truly equal; and truly at the margin, where `equivalent` is a false claim */
            machine_start(&m, SAMPLE_NORMAL, 0, next_seed(t));
            session_run(&x, &m, 10, 10, k == 0 ? 1 : 1.03, 0, next_seed(t));
            split(&s, &x);
            c = judge(&s, true, &(struct compare_opts){.margin = 0.03});
            *(k == 0 ? &equal : &wrongly_equal) += c.verdict == COMPARE_EQUIVALENT;
            sides_release(&s);
            session_release(&x);
        }
    }
    within(add(t, group, 0.951, holds, "1.02: the interval holds it (10 blocks)"), t, 0.951172, false);
    struct calibration_row *r = add(t, group, 0.8, slower, "1.02: verdict slower (detectable effect about 2 %)");
    within(r, t, 0.8, false); /* at least the power that was asked for */
    r->hi = 1;
    r = add(t, group, 0, faster, "1.02: verdict faster");
    r->hi = 0.001;
    r = add(t, group, 0.8, equal, "1.00: verdict equivalent within 3 %");
    r->lo = 0.8;
    r->hi = 1;
    within(add(t, group, 0.05, wrongly_equal, "1.03: verdict equivalent within 3 % (false)"), t, 0.05, true);
}

size_t calibration_run(struct calibration_row rows[CALIBRATION_MAX_ROWS], size_t trials)
{
    struct table t = {.rows = rows, .trials = trials, .seed = 20260101};
    same_engine_twice(&t);
    correlated_requests(&t);
    exact_tests_and_looks(&t);
    exact_coverage(&t);
    bootstrap_coverage(&t);
    block_bootstrap_and_stopping(&t);
    known_differences(&t);
    return t.n;
}
