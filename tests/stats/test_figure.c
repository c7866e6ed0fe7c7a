/* sample, quantile, summary, bootstrap, figure, student: what must hold for every sample set, and at the limits. */
#include "support/testing.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats/bootstrap.h"
#include "stats/figure.h"
#include "stats/quantile.h"
#include "stats/sample.h"
#include "stats/student.h"
#include "stats/summary.h"
#include "support/property.h"

static struct err err;

static const double ten[] = {12.1, 11.8, 12.5, 12.0, 11.9, 12.3, 13.9, 12.2, 12.0, 12.4};

static void senseless_questions_are_refused_by_name(void **state)
{
    (void)state;
    double out = -7, bad[] = {1, 2, NAN, 4}, endless[] = {1, -INFINITY};
    struct figure f;
    struct summary s;
    struct bootstrap b;
    struct t_test t;
    struct interval ci;
    assert_err(median_of(&out, ten, 0, &err), ERR_USAGE, "median of no samples");
    assert_err(median_of(&out, bad, 4, &err), ERR_USAGE, "sample 3 of 4 is not a number (nan)");
    assert_err(median_of(&out, endless, 2, &err), ERR_USAGE, "sample 2 of 2 is infinite (-inf)");
    assert_true(out == -7); /* untouched on failure */
    assert_err(figure_of(&f, bad, 4, NULL, &err), ERR_USAGE, "figure: sample 3 of 4 is not a number");
    assert_err(figure_of(&f, ten, 0, NULL, &err), ERR_USAGE, "figure of no samples");
    assert_err(figure_of(&f, ten, 10, &(struct figure_opts){.level = 95}, &err), ERR_USAGE,
               "confidence level is 95, expected above 0 and below 1");
    assert_err(figure_of(&f, ten, 10, &(struct figure_opts){.interval = INTERVAL_WILSON}, &err), ERR_USAGE, "Wilson");
    assert_err(figure_of(&f, ten, 10, &(struct figure_opts){.interval = INTERVAL_BCA}, &err), ERR_USAGE,
               "jackknife is inconsistent");
    assert_err(summary_of(&s, bad, 4, &err), ERR_USAGE, "summary: sample 3");
    assert_err(t_interval(&ci, ten, 1, 0.95, &err), ERR_USAGE, "t interval: 1 sample, at least 2 are needed");
    assert_err(t_test_welch(&t, ten, 10, bad, 4, 0, 0.95, &err), ERR_USAGE, "side b: sample 3");
    assert_err(bootstrap_one(&b, ten, 1, statistic_mean, NULL, NULL, &err), ERR_USAGE, "at least 2");
    assert_err(bootstrap_one(&b, ten, 10, statistic_mean, NULL, &(struct bootstrap_opts){.resamples = 5}, &err),
               ERR_USAGE, "5 resamples");
    assert_err(bootstrap_one(&b, ten, 10, statistic_mean, NULL,
                             &(struct bootstrap_opts){.how = INTERVAL_BLOCK, .block = 11}, &err),
               ERR_USAGE, "a block of 11 in 10 samples");
    assert_err(bootstrap_quantile(&b, ten, 10, 0.9, NULL, &err), ERR_USAGE, "fewer than 10");
    double zeros[] = {1, 0};
    assert_err(bootstrap_paired_ratio(&b, ten, zeros, 2, NULL, &err), ERR_USAGE, "side y: sample 2 of 2 is 0");
}

static void a_percentile_beyond_the_sample_is_refused(void **state)
{
    (void)state;
    double x[1000], out;
    for (int i = 0; i < 1000; i++)
        x[i] = i;
    assert_err(quantile_of(&out, x, 50, 0.99, &err), ERR_USAGE, "quantile 0.99 of 50 samples");
    assert_non_null(strstr(err.hint, "at least 100 samples"));
    assert_ok(quantile_of(&out, x, 100, 0.99, &err));
    assert_close(out, 98.01, 1e-12, "p99 of 0..99");
    assert_err(quantile_of(&out, x, 999, 0.999, &err), ERR_USAGE, "quantile 0.999");
    assert_ok(quantile_of(&out, x, 1000, 0.999, &err));
    assert_ok(quantile_of(&out, x, 1, 1, &err)); /* the maximum is always there */
    assert_ok(quantile_of(&out, x, 1, 0.5, &err));
    assert_err(quantile_of(&out, x, 10, 1.5, &err), ERR_USAGE, "quantile 1.5");

    /* 367 samples carry no upper bound of p99, 368 do: q^n <= 0.025 */
    struct interval ci;
    assert_ok(quantile_interval(&ci, x, 367, 0.99, 0.95, &err));
    assert_true(isnan(ci.hi) && !isnan(ci.lo) && isnan(ci.coverage));
    assert_true(interval_holds(&ci, 1e9) && !interval_holds(&ci, -1));
    assert_ok(quantile_interval(&ci, x, 368, 0.99, 0.95, &err));
    assert_true(ci.hi == 367 && ci.coverage >= 0.95);

    /* a level that the binomial meets exactly: the ranks of a median lie alike from both ends */
    static const double levels[] = {0.5, 0.75, 0.875, 0.9375, 0.95};
    for (size_t n = 1; n < 60; n++)
        for (int i = 0; i < 5; i++) {
            struct quantile_ranks r;
            size_t least;
            assert_ok(quantile_ranks(&r, n, 0.5, levels[i], &err));
            assert_ok(quantile_least_n(&least, 0.5, levels[i], &err));
            assert_true(n < least ? r.lo == 0 && r.hi == 0 : r.lo + r.hi == n + 1 && r.coverage > levels[i] - 1e-12);
        }

    struct summary s;
    assert_ok(summary_of(&s, x, 50, &err));
    assert_true(isnan(s.p99) && isnan(s.p999) && !isnan(s.p95));
}

static void one_sample_is_a_figure_without_interval(void **state)
{
    (void)state;
    struct figure f;
    char how[FIGURE_HOW_MAX];
    assert_ok(figure_of(&f, ten, 1, NULL, &err));
    assert_true(f.n == 1 && f.median == 12.1 && f.mean == 12.1 && f.min == 12.1 && f.max == 12.1);
    assert_true(isnan(f.sd) && isnan(f.lo) && isnan(f.hi) && f.interval == INTERVAL_NONE);
    assert_string_equal(figure_how(&f, how), "none");
    struct summary s;
    assert_ok(summary_of(&s, ten, 1, &err));
    assert_true(s.median == 12.1 && isnan(s.sd) && isnan(s.se) && isnan(s.cov) && s.mad == 0);
}

static void all_equal_samples_have_a_point_interval(void **state)
{
    (void)state;
    double same[12];
    for (int i = 0; i < 12; i++)
        same[i] = 0.1;
    struct bootstrap b;
    enum interval_how hows[] = {INTERVAL_PERCENTILE, INTERVAL_BASIC, INTERVAL_BCA, INTERVAL_BLOCK};
    for (int i = 0; i < 4; i++) {
        assert_ok(bootstrap_one(&b, same, 12, statistic_mean, NULL, &(struct bootstrap_opts){.how = hows[i]}, &err));
        assert_close(b.ci.lo, b.theta, 1e-15, "lo");
        assert_close(b.ci.hi, b.theta, 1e-15, "hi");
    }
    struct figure f;
    assert_ok(figure_of(&f, same, 12, NULL, &err));
    assert_true(f.lo == 0.1 && f.hi == 0.1 && f.sd == 0 && f.mean == 0.1);
    struct t_test t;
    assert_ok(t_test_welch(&t, same, 12, same, 12, 0, 0.95, &err));
    assert_true(t.t == 0 && t.p == 1 && t.ci.lo == 0 && t.ci.hi == 0);
    double huge[] = {1.5e308, 1.5e308, -1.5e308}; /* the sum overflows, the mean does not */
    assert_close(sample_mean(huge, 3) / 1e308, 0.5, 1e-12, "mean of huge samples");
    double other[] = {3, 3};
    double fives[] = {5, 5};
    assert_ok(t_test_welch(&t, other, 2, fives, 2, 0, 0.95, &err));
    assert_true(t.t == -INFINITY && t.p == 0);
}

static void the_interval_is_named_after_its_method(void **state)
{
    (void)state;
    struct figure f;
    char how[FIGURE_HOW_MAX];
    assert_ok(figure_of(&f, ten, 10, NULL, &err));
    assert_string_equal(figure_how(&f, how), "order statistics of the median");
    assert_true(f.lo == 11.9 && f.hi == 12.5); /* ranks 2 and 9 */
    assert_close(f.coverage, 0.978515625, 1e-12, "coverage");
    assert_ok(figure_of(&f, ten, 5, NULL, &err)); /* no distribution-free interval below 6 */
    assert_string_equal(figure_how(&f, how), "t of the mean");
    assert_true(f.about == FIGURE_MEAN && f.lo < f.median && f.median < f.hi);
    assert_ok(figure_of(&f, ten, 10, &(struct figure_opts){.interval = INTERVAL_BCA, .about = FIGURE_MEAN}, &err));
    assert_string_equal(figure_how(&f, how), "bootstrap BCa of the mean");
    assert_ok(figure_of(&f, ten, 10, &(struct figure_opts){.interval = INTERVAL_PERCENTILE}, &err));
    assert_string_equal(figure_how(&f, how), "bootstrap percentile of the median");
    for (int i = 0; i < INTERVAL_COUNT; i++)
        assert_true(strlen(interval_how_name(i)) + 16 < FIGURE_HOW_MAX && *interval_how_assumes(i));
}

/* --- what must hold for every sample set --- */

static void order_does_not_matter(struct property *p)
{
    size_t n = property_size(p, 1, 120);
    double *x = property_samples(p, n), *y = malloc(n * sizeof *y);
    memcpy(y, x, n * sizeof *y);
    rng_shuffle(&p->rng, y, n, sizeof *y);
    struct summary a, b;
    assert_ok(summary_of(&a, x, n, &err));
    assert_ok(summary_of(&b, y, n, &err));
    property_true(p, a.median == b.median && a.mad == b.mad && a.q1 == b.q1 && a.min == b.min && a.max == b.max,
                  "order statistics are the same bits in any order");
    property_close(p, b.mean, a.mean, 1e-12);
    property_close(p, b.sd, a.sd, 1e-9);
    size_t k = rng_below(&p->rng, n);
    double *sorted = sample_sorted(x, n, NULL);
    property_true(p, sample_select(y, n, k) == sorted[k], "selection finds what sorting finds");
    for (size_t i = 1; i < n; i++)
        property_true(p, sorted[i - 1] <= sorted[i], "sorted ascending");
    free(sorted);
    free(y);
}

static void figures_follow_shift_and_scale(struct property *p)
{
    size_t n = property_size(p, 2, 60);
    double *x = property_samples(p, n), shift = 10 * rng_normal(&p->rng), scale = 0.1 + 5 * rng_unit(&p->rng);
    double *y = malloc(n * sizeof *y), *minus = malloc(n * sizeof *minus);
    for (size_t i = 0; i < n; i++) {
        y[i] = scale * x[i] + shift;
        minus[i] = -x[i];
    }
    struct figure_opts all[] = {{0},
                                {.about = FIGURE_MEAN},
                                {.interval = INTERVAL_PERCENTILE, .resamples = 200},
                                {.about = FIGURE_MEAN, .interval = INTERVAL_BASIC, .resamples = 200}};
    for (size_t k = 0; k < sizeof all / sizeof all[0]; k++) {
        struct figure a, b, c;
        assert_ok(figure_of(&a, x, n, &all[k], &err));
        assert_ok(figure_of(&b, y, n, &all[k], &err));
        assert_ok(figure_of(&c, minus, n, &all[k], &err));
        property_close(p, b.median, scale * a.median + shift, 1e-9);
        property_close(p, b.mean, scale * a.mean + shift, 1e-9);
        property_close(p, b.sd, scale * a.sd, 1e-8);
        property_close(p, b.lo, scale * a.lo + shift, 1e-8);
        property_close(p, b.hi, scale * a.hi + shift, 1e-8);
        property_close(p, c.lo, -a.hi, 1e-9);
        property_close(p, c.hi, -a.lo, 1e-9);
        property_true(p, a.lo <= a.hi, "bounds in order");
        if (k == 0) /* order statistics and, below 6 samples, the t interval hold the median too */
            property_true(p, a.lo <= a.median && a.median <= a.hi, "the median lies in its interval");
        if (k < 2) {
            struct figure wider;
            all[k].level = 0.99;
            assert_ok(figure_of(&wider, x, n, &all[k], &err));
            all[k].level = 0;
            if (wider.interval == a.interval)
                property_true(p, wider.lo <= a.lo && wider.hi >= a.hi, "more confidence is never narrower");
        }
    }
    free(y);
    free(minus);
}

static void quantiles_rise(struct property *p)
{
    size_t n = property_size(p, 1, 200);
    double *x = property_samples(p, n);
    double *sorted = sample_sorted(x, n, NULL);
    double last = sorted[0];
    for (int i = 0; i <= 40; i++) {
        double q = quantile_sorted(sorted, n, i / 40.0);
        property_true(p, q >= last - 1e-9 * fabs(last) && q >= sorted[0] && q <= sorted[n - 1], "quantiles rise");
        last = q;
    }
    property_true(p, quantile_sorted(sorted, n, 0) == sorted[0] && quantile_sorted(sorted, n, 1) == sorted[n - 1],
                  "the ends are the extremes");
    free(sorted);
}

static void a_bootstrap_repeats_by_its_seed(struct property *p)
{
    size_t n = property_size(p, 2, 40);
    double *x = property_positive(p, n);
    struct bootstrap a, b, c;
    struct bootstrap_opts o = {.resamples = 200, .seed = 1 + rng_below(&p->rng, 1000)};
    assert_ok(bootstrap_one(&a, x, n, statistic_mean, NULL, &o, &err));
    assert_ok(bootstrap_one(&b, x, n, statistic_mean, NULL, &o, &err));
    property_true(p, memcmp(&a, &b, sizeof a) == 0, "the same seed gives the same bits");
    o.seed += 1000;
    assert_ok(bootstrap_one(&c, x, n, statistic_mean, NULL, &o, &err));
    property_true(p, a.se != c.se, "another seed gives other replicates");
    property_true(p, a.ci.lo <= a.theta * 1.5 && a.ci.hi * 1.5 >= a.theta, "the interval is near the estimate");
}

static void labels_swap_the_sign(struct property *p)
{
    size_t na = property_size(p, 2, 30), nb = property_size(p, 2, 30);
    double *a = property_samples(p, na), *b = property_samples(p, nb);
    struct t_test ab, ba;
    assert_ok(t_test_welch(&ab, a, na, b, nb, 0, 0.95, &err));
    assert_ok(t_test_welch(&ba, b, nb, a, na, 0, 0.95, &err));
    property_close(p, ba.estimate, -ab.estimate, 1e-12);
    property_close(p, ba.p, ab.p, 1e-12);
    property_close(p, ba.p_more, ab.p_less, 1e-12);
    property_close(p, ba.ci.lo, -ab.ci.hi, 1e-9);
    property_true(p, (ab.p < 0.05) == (ab.ci.lo > 0 || ab.ci.hi < 0), "the interval excludes 0 when p is below 0.05");
}

static void moments_merge_like_one_set(struct property *p)
{
    size_t n = property_size(p, 1, 80), cut = rng_below(&p->rng, n + 1);
    double *x = property_samples(p, n);
    struct moments all = {0}, left = {0}, right = {0};
    for (size_t i = 0; i < n; i++) {
        moments_add(&all, x[i]);
        moments_add(i < cut ? &left : &right, x[i]);
    }
    moments_merge(&left, &right);
    property_true(p, left.n == n && left.min == all.min && left.max == all.max, "count and extremes");
    property_close(p, left.mean, all.mean, 1e-9);
    property_close(p, moments_sd(&left), moments_sd(&all), 1e-7);
    property_close(p, moments_sd(&all), n > 1 ? sample_sd(x, n) : NAN, 1e-7);
}

static void properties(void **state)
{
    (void)state;
    property_run("order", order_does_not_matter, 300);
    property_run("shift and scale", figures_follow_shift_and_scale, 200);
    property_run("quantiles", quantiles_rise, 200);
    property_run("seed", a_bootstrap_repeats_by_its_seed, 60);
    property_run("labels", labels_swap_the_sign, 200);
    property_run("moments", moments_merge_like_one_set, 200);
}

static void samples_sort_in_one_total_order(void **state)
{
    (void)state;
    double x[] = {0.0, -0.0, 3, -1, 0.0, -0.0};
    sample_sort(x, 6);
    assert_true(x[0] == -1 && x[5] == 3 && signbit(x[1]) && signbit(x[2]) && !signbit(x[3]) && !signbit(x[4]));
    enum { N = 5000 }; /* patterns that defeat a naive pivot */
    double *up = malloc(N * sizeof *up);
    for (int kind = 0; kind < 3; kind++) {
        for (int i = 0; i < N; i++)
            up[i] = kind == 0 ? i : kind == 1 ? N - i : (i * 7919) % 13;
        double want = kind == 0 ? 2500 : kind == 1 ? 2501 : 6;
        assert_true(sample_select(up, N, 2500) == want);
    }
    free(up);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(senseless_questions_are_refused_by_name),
        cmocka_unit_test(a_percentile_beyond_the_sample_is_refused),
        cmocka_unit_test(one_sample_is_a_figure_without_interval),
        cmocka_unit_test(all_equal_samples_have_a_point_interval),
        cmocka_unit_test(the_interval_is_named_after_its_method),
        cmocka_unit_test(samples_sort_in_one_total_order),
        cmocka_unit_test(properties),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
