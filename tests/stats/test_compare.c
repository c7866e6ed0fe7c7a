/* compare and histogram: the verdict between two engines, and the mergeable distribution. */
#include "support/testing.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats/compare.h"
#include "stats/histogram.h"
#include "stats/quantile.h"
#include "stats/sample.h"
#include "support/property.h"

static struct err err;

enum { BLOCKS = 10, LAUNCHES = 2 * BLOCKS, REQUESTS = 5, N = LAUNCHES * REQUESTS };

struct data {
    double a[N], b[N];
    uint32_t launch[N], block[N];
};

/* B costs `effect` times A; launches differ by 2 %, requests by `within`. Blocks add a disturbance both sides share. */
static void draw(struct data *d, struct rng *r, double effect, double within, double drift)
{
    for (int l = 0; l < LAUNCHES; l++) {
        double shared = 1 + drift * (l / 2), la = 1 + 0.02 * rng_normal(r), lb = 1 + 0.02 * rng_normal(r);
        for (int k = 0; k < REQUESTS; k++) {
            int i = l * REQUESTS + k;
            d->a[i] = shared * la * exp(within * rng_normal(r));
            d->b[i] = effect * shared * lb * exp(within * rng_normal(r));
            d->launch[i] = (uint32_t)l;
            d->block[i] = (uint32_t)(l / 2);
        }
    }
}

static struct compare_metric metric(const struct data *d)
{
    return (struct compare_metric){
        .name = "decode_ms", .a = {d->a, d->launch, d->block, N}, .b = {d->b, d->launch, d->block, N}};
}

static void a_comparison_mirrors(struct property *p)
{
    struct data d;
    draw(&d, &p->rng, exp(0.05 * rng_normal(&p->rng)), 0.01, 0.01);
    struct compare_metric m = metric(&d), back = m, fast = m;
    back.a = m.b;
    back.b = m.a;
    struct comparison c, r, f;
    for (int blocks = 1; blocks >= 0; blocks--) {
        if (!blocks)
            m.a.block = back.a.block = fast.a.block = NULL;
        assert_ok(compare(&c, &m, 1, NULL, &err));
        assert_ok(compare(&r, &back, 1, NULL, &err));
        property_close(p, r.ratio, 1 / c.ratio, 1e-12);
        property_close(p, r.ci.lo, 1 / c.ci.hi, 1e-12);
        property_close(p, r.p, c.p, 1e-12);
        property_close(p, r.detectable, c.detectable, 1e-12);
        property_true(p, (c.verdict == COMPARE_SLOWER) == (r.verdict == COMPARE_FASTER), "swapped labels swap verdicts");
        property_true(p, (c.verdict == COMPARE_EQUIVALENT) == (r.verdict == COMPARE_EQUIVALENT), "equivalence mirrors");
        property_true(p, c.ci.lo <= c.ratio && c.ratio <= c.ci.hi, "the ratio lies in its interval");

        double rate_a[N], rate_b[N]; /* as rates, and in another unit: nothing changes */
        for (int i = 0; i < N; i++) {
            rate_a[i] = 128000 / d.a[i];
            rate_b[i] = 128000 / d.b[i];
        }
        fast.a.value = rate_a;
        fast.b.value = rate_b;
        fast.higher_is_better = true;
        assert_ok(compare(&f, &fast, 1, NULL, &err));
        property_close(p, f.ratio, c.ratio, 1e-9);
        property_close(p, f.p, c.p, 1e-9);
        property_true(p, f.verdict == c.verdict, "a rate and its time get one verdict");
    }
}

static void differences_are_found_and_named(void **state)
{
    (void)state;
    struct rng r;
    rng_init(&r, 3);
    struct data d;
    struct comparison c;
    draw(&d, &r, 1.10, 0.01, 0);
    struct compare_metric m = metric(&d);
    assert_ok(compare(&c, &m, 1, NULL, &err));
    assert_string_equal(compare_verdict_name(c.verdict), "slower");
    assert_string_equal(compare_unit_name(c.unit), "blocks");
    assert_true(c.n_a == BLOCKS && c.n_b == BLOCKS && c.left_out == 0 && interval_holds(&c.ci, 1.1) && c.p < 0.01);
    assert_true(c.detectable > 0.005 && c.detectable < 0.05);
    assert_int_equal(c.ci.how, INTERVAL_WALSH);

    draw(&d, &r, 1 / 1.10, 0.01, 0);
    assert_ok(compare(&c, &m, 1, NULL, &err));
    assert_string_equal(compare_verdict_name(c.verdict), "faster");

    draw(&d, &r, 1, 0.01, 0);
    assert_ok(compare(&c, &m, 1, &(struct compare_opts){.margin = 0.05}, &err));
    assert_string_equal(compare_verdict_name(c.verdict), "equivalent");
    assert_ok(compare(&c, &m, 1, &(struct compare_opts){.margin = 0.001}, &err));
    assert_string_equal(compare_verdict_name(c.verdict), "no difference shown");

    /* a machine that slows down by half over the session: pairs see through it, and no pairs do not */
    draw(&d, &r, 1.05, 0.01, 0.05);
    assert_ok(compare(&c, &m, 1, NULL, &err));
    assert_string_equal(compare_verdict_name(c.verdict), "slower");
    double paired = c.ci.hi - c.ci.lo;
    m.a.block = NULL;
    assert_ok(compare(&c, &m, 1, NULL, &err));
    assert_string_equal(compare_unit_name(c.unit), "launches");
    assert_true(c.ci.hi - c.ci.lo > 3 * paired && c.verdict == COMPARE_NO_DIFFERENCE && c.detectable > 0.05);
}

static void requests_of_a_launch_are_one_unit(void **state)
{
    (void)state;
    struct rng r;
    rng_init(&r, 11);
    struct data d;
    draw(&d, &r, 1, 0.001, 0); /* requests agree, launches differ by 2 % */
    struct comparison launches, requests;
    struct compare_metric m = metric(&d);
    m.a.block = m.b.block = NULL;
    assert_ok(compare(&launches, &m, 1, NULL, &err));
    assert_true(launches.n_a == LAUNCHES);
    m.a.launch = m.b.launch = NULL; /* the mistake: 100 requests as if they were launches */
    assert_ok(compare(&requests, &m, 1, NULL, &err));
    assert_true(requests.n_a == N && requests.ci.hi - requests.ci.lo < 0.6 * (launches.ci.hi - launches.ci.lo));

    /* repeating every request changes nothing about a launch */
    double twice[2 * N];
    uint32_t launch[2 * N];
    for (int i = 0; i < N; i++) {
        twice[2 * i] = twice[2 * i + 1] = d.a[i];
        launch[2 * i] = launch[2 * i + 1] = d.launch[i];
    }
    struct comparison again;
    struct compare_metric w = {.name = "x", .a = {twice, launch, NULL, 2 * N}, .b = {d.b, d.launch, NULL, N}};
    assert_ok(compare(&again, &w, 1, NULL, &err));
    assert_true(again.ratio == launches.ratio && again.p == launches.p);
}

static void few_units_fall_back_by_count_alone(void **state)
{
    (void)state;
    double a[] = {1.00, 1.01, 0.99, 1.02, 0.98}, b[] = {1.50, 1.52, 1.49, 1.51, 1.48};
    uint32_t block[] = {1, 2, 3, 4, 5}, other[] = {3, 4, 5, 6, 7}, one[] = {0, 0, 0, 0, 0};
    struct comparison c;
    struct compare_metric m = {.name = "m", .a = {a, NULL, block, 5}, .b = {b, NULL, block, 5}};
    assert_ok(compare(&c, &m, 1, NULL, &err)); /* 2^-4 = 0.0625: ranks of 5 pairs cannot decide, t can */
    assert_true(c.unit == COMPARE_BLOCKS && c.ci.how == INTERVAL_T && c.verdict == COMPARE_SLOWER);
    m.b.block = other;
    assert_ok(compare(&c, &m, 1, NULL, &err));
    assert_true(c.unit == COMPARE_BLOCKS && c.n_a == 3 && c.left_out == 4);
    m.a.block = NULL;
    assert_ok(compare(&c, &m, 1, NULL, &err)); /* 2 / C(10, 5) = 0.0079: ranks decide */
    assert_true(c.unit == COMPARE_LAUNCHES && c.ci.how == INTERVAL_SHIFT && c.verdict == COMPARE_SLOWER);
    struct compare_metric many[10];
    struct comparison cs[10];
    for (int i = 0; i < 10; i++)
        many[i] = m;
    assert_ok(compare(cs, many, 10, NULL, &err)); /* ten metrics: 0.079, they no longer do */
    assert_true(cs[0].ci.how == INTERVAL_WELCH && cs[9].p >= 10 * cs[9].p_alone * 0.999 && cs[0].detectable > 0);
    m.a.launch = m.b.launch = one;
    m.b.block = NULL;
    assert_ok(compare(&c, &m, 1, NULL, &err));
    assert_string_equal(compare_unit_name(c.unit), "requests of one launch");

    /* all equal: nothing differs, whatever the method */
    double same[8];
    for (int i = 0; i < 8; i++)
        same[i] = 2.5;
    struct compare_metric s = {.name = "s", .a = {same, NULL, NULL, 8}, .b = {same, NULL, NULL, 8}};
    assert_ok(compare(&c, &s, 1, NULL, &err));
    assert_true(c.ratio == 1 && c.p == 1 && c.verdict == COMPARE_EQUIVALENT && c.detectable == 0);
}

static void senseless_comparisons_are_refused(void **state)
{
    (void)state;
    double a[] = {1, 2, NAN}, b[] = {1, 0};
    uint32_t launch[] = {7, 7}, block[] = {1, 2};
    struct comparison c;
    struct compare_metric m = {.name = "ttft_ms", .a = {a, NULL, NULL, 3}, .b = {b, NULL, NULL, 2}};
    assert_err(compare(&c, &m, 1, NULL, &err), ERR_USAGE, "compare 'ttft_ms', side A: sample 3 of 3 is not a number");
    m.a.n = 2;
    assert_err(compare(&c, &m, 1, NULL, &err), ERR_USAGE, "side B: sample 2 of 2 is 0, expected above 0");
    m.b.n = 1;
    assert_err(compare(&c, &m, 1, NULL, &err), ERR_USAGE, "2 samples of A and 1 of B, at least 2");
    m.b.n = 0;
    assert_err(compare(&c, &m, 1, NULL, &err), ERR_USAGE, "side B of no samples");
    m.a.launch = launch;
    m.a.block = block;
    assert_err(compare(&c, &m, 1, NULL, &err), ERR_USAGE, "launch 7 lies in blocks 1 and 2");
    assert_err(compare(&c, &m, 0, NULL, &err), ERR_USAGE, "no metrics");
    assert_err(compare(&c, &m, 1, &(struct compare_opts){.margin = -1}, &err), ERR_USAGE, "margin is -1");
}

/* --- histogram --- */

static void histograms_merge_without_loss(struct property *p)
{
    size_t n = property_size(p, 1, 300);
    double *x = property_samples(p, n);
    struct histogram all, left, right, other;
    double alpha = 0.001 + 0.05 * rng_unit(&p->rng);
    assert_ok(histogram_init(&all, alpha, &err));
    assert_ok(histogram_init(&left, alpha, &err));
    assert_ok(histogram_init(&right, alpha, &err));
    assert_ok(histogram_init(&other, alpha, &err));
    assert_ok(histogram_add_all(&all, x, n, &err));
    for (size_t i = n; i-- > 0;)
        assert_ok(histogram_add(rng_unit(&p->rng) < 0.5 ? &left : &right, x[i], 1, &err));
    assert_ok(histogram_merge(&other, &right, &err));
    assert_ok(histogram_merge(&other, &left, &err));
    assert_ok(histogram_merge(&left, &right, &err));
    double *sorted = sample_sorted(x, n, NULL);
    uint64_t counted = 0;
    property_true(p, histogram_buckets(&left) == histogram_buckets(&all), "as many buckets");
    double last = -INFINITY;
    for (size_t i = 0; i < histogram_buckets(&all); i++) {
        struct histogram_bucket a = histogram_bucket(&all, i), b = histogram_bucket(&left, i);
        property_true(p, a.lo == b.lo && a.hi == b.hi && a.count == b.count, "the merge is the union");
        property_true(p, a.lo <= a.hi && a.hi > last, "buckets ascend");
        last = a.hi;
        counted += a.count;
    }
    property_true(p, counted == n && left.count == n && left.min == sorted[0] && left.max == sorted[n - 1],
                  "count and extremes are exact");
    for (int k = 0; k <= 20; k++) {
        double q = k / 20.0, v, w, u, exact = sorted[(size_t)(q * (double)(n - 1))];
        assert_ok(histogram_quantile(&all, &v, q, &err));
        assert_ok(histogram_quantile(&left, &w, q, &err));
        assert_ok(histogram_quantile(&other, &u, q, &err));
        property_true(p, v == w && v == u, "quantiles do not depend on the order of merging");
        property_true(p, fabs(v - exact) <= alpha * fabs(exact) * (1 + 1e-9), "within the promised error");
    }
    free(sorted);
    histogram_release(&all);
    histogram_release(&left);
    histogram_release(&right);
    histogram_release(&other);
}

static void histograms_refuse_and_hold_extremes(void **state)
{
    (void)state;
    struct histogram h, g;
    double v;
    assert_err(histogram_init(&h, 0.9, &err), ERR_USAGE, "relative error 0.9");
    assert_ok(histogram_init(&h, 0, &err));
    assert_err(histogram_quantile(&h, &v, 0.5, &err), ERR_USAGE, "empty histogram");
    assert_true(isnan(h.min) && histogram_buckets(&h) == 0 && isnan(histogram_bucket(&h, 0).lo));
    double bad[] = {1, NAN};
    assert_err(histogram_add_all(&h, bad, 2, &err), ERR_USAGE, "sample 2 of 2: histogram: a value of nan");
    assert_ok(histogram_add(&h, 1e300, 2, &err));
    assert_ok(histogram_add(&h, 5e-324, 1, &err));
    assert_ok(histogram_add(&h, -1e300, 1, &err));
    assert_ok(histogram_add(&h, 0, UINT64_MAX - 10, &err));
    assert_err(histogram_add(&h, 1, 100, &err), ERR_USAGE, "more than 2^64");
    assert_ok(histogram_quantile(&h, &v, 0.5, &err));
    assert_true(v == 0 && h.min == -1e300 && h.max == 1e300 && histogram_buckets(&h) == 5);
    assert_ok(histogram_quantile(&h, &v, 1, &err)); /* the last of nearly 2^64 ranks */
    assert_true(v == 1e300);
    assert_ok(histogram_init(&g, 0.02, &err));
    assert_err(histogram_merge(&h, &g, &err), ERR_USAGE, "0.01 and 0.02");
    histogram_release(&h);
    histogram_release(&g);
}

static void merging_in_turns_does_not_grow(void **state)
{
    (void)state;
    struct histogram h[2];
    assert_ok(histogram_init(&h[0], 0, &err));
    assert_ok(histogram_init(&h[1], 0, &err));
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < 10; i++)
            assert_ok(histogram_add(&h[k], k + 1 + 0.1 * i, 1, &err));
    for (int i = 0; i < 40; i++) {
        assert_ok(histogram_merge(&h[i % 2], &h[1 - i % 2], &err));
        assert_true(h[i % 2].above.size < 300); /* 1 to 2.9 is some 55 buckets of 2 % */
    }
    assert_true(h[0].count > 1000000 && h[0].min == 1 && h[1].max == 2.9);
    histogram_release(&h[0]);
    histogram_release(&h[1]);
}

static void properties(void **state)
{
    (void)state;
    property_run("compare", a_comparison_mirrors, 100);
    property_run("histogram", histograms_merge_without_loss, 150);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(differences_are_found_and_named),
        cmocka_unit_test(requests_of_a_launch_are_one_unit),
        cmocka_unit_test(few_units_fall_back_by_count_alone),
        cmocka_unit_test(senseless_comparisons_are_refused),
        cmocka_unit_test(histograms_refuse_and_hold_extremes),
        cmocka_unit_test(merging_in_turns_does_not_grow),
        cmocka_unit_test(properties),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
