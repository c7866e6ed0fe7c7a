/* portable and special: against scipy (special.json) and against their own identities. */
#include "support/testing.h"

#include <math.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "stats/bootstrap.h"
#include "stats/portable.h"
#include "stats/special.h"
#include "support/golden.h"

static double apply(const char *name, const double *a)
{
    if (strcmp(name, "norm_cdf") == 0)
        return norm_cdf(a[0]);
    if (strcmp(name, "norm_sf") == 0)
        return norm_sf(a[0]);
    if (strcmp(name, "norm_quantile") == 0)
        return norm_quantile(a[0]);
    if (strcmp(name, "t_cdf") == 0)
        return t_cdf(a[0], a[1]);
    if (strcmp(name, "t_sf") == 0)
        return t_sf(a[0], a[1]);
    if (strcmp(name, "t_quantile") == 0)
        return t_quantile(a[0], a[1]);
    if (strcmp(name, "chi2_sf") == 0)
        return chi2_sf(a[0], a[1]);
    if (strcmp(name, "beta_cdf") == 0)
        return beta_cdf(a[0], a[1], a[2]);
    if (strcmp(name, "beta_quantile") == 0)
        return beta_quantile(a[0], a[1], a[2]);
    if (strcmp(name, "binom_pmf") == 0)
        return binom_pmf((int64_t)a[0], (int64_t)a[1], a[2]);
    if (strcmp(name, "binom_cdf") == 0)
        return binom_cdf((int64_t)a[0], (int64_t)a[1], a[2]);
    if (strcmp(name, "log") == 0)
        return stats_log(a[0]);
    if (strcmp(name, "exp") == 0)
        return stats_exp(a[0]);
    if (strcmp(name, "lgamma") == 0)
        return stats_lgamma(a[0]);
    fail_msg("special.json asks for '%s'", name);
    return 0;
}

/* Relative, because a p-value of 1e-20 must be right too. lgamma is absolute near its zeros. */
static void functions_agree_with_scipy(void **state)
{
    (void)state;
    json_t *file = golden_load("tests/stats/special.json");
    size_t rows = golden_count(file, "rows");
    assert_true(rows > 300);
    double worst = 0;
    for (size_t i = 0; i < rows; i++) {
        json_t *row = json_array_get(json_object_get(file, "rows"), i);
        size_t n;
        const char *name = golden_text(row, "f");
        const double *a = golden_numbers(&n, row, "x");
        double want = golden_number(row, "y"), got = apply(name, a);
        double scale = strcmp(name, "lgamma") == 0 && fabs(want) < 1 ? 1 : fabs(want);
        double off = want == got ? 0 : fabs(got - want) / scale;
        worst = off > worst ? off : worst;
        if (!(off <= golden_number(file, "tolerance")))
            fail_msg("%s(%.17g, %.17g, %.17g): got %.17g, scipy has %.17g (%.3g off)", name, a[0], n > 1 ? a[1] : 0,
                     n > 2 ? a[2] : 0, got, want, off);
    }
    print_message("largest relative difference from scipy: %.2g\n", worst);
    json_decref(file);
}

static void outside_the_domain_is_nan(void **state)
{
    (void)state;
    assert_true(isnan(norm_quantile(-0.1)) && isnan(norm_quantile(NAN)) && isnan(norm_cdf(NAN)));
    assert_true(norm_quantile(0) == -INFINITY && norm_quantile(1) == INFINITY && norm_quantile(0.5) == 0);
    assert_true(norm_cdf(INFINITY) == 1 && norm_cdf(-INFINITY) == 0 && norm_sf(40) == 0);
    assert_true(isnan(t_sf(1, 0)) && isnan(t_quantile(2, 3)) && t_quantile(0.5, 3) == 0);
    assert_true(isnan(chi2_sf(1, 0)) && chi2_sf(0, 3) == 1 && chi2_sf(INFINITY, 3) == 0);
    assert_true(isnan(beta_cdf(0.5, 0, 1)) && beta_cdf(-1, 2, 3) == 0 && beta_cdf(2, 2, 3) == 1);
    assert_true(isnan(binom_cdf(1, 2, 1.5)) && binom_cdf(-1, 5, 0.5) == 0 && binom_cdf(5, 5, 0.5) == 1);
    assert_true(binom_pmf(6, 5, 0.5) == 0 && binom_pmf(0, 5, 0) == 1 && binom_pmf(5, 5, 1) == 1);
    assert_true(binom_quantile(1.5, 5, 0.5) == -1 && binom_quantile(1, 5, 0.5) == 5 && binom_quantile(0, 5, 0.5) == 0);
    assert_true(stats_log(0) == -INFINITY && isnan(stats_log(-1)) && stats_log(INFINITY) == INFINITY);
    assert_true(stats_exp(1000) == INFINITY && stats_exp(-1000) == 0 && isnan(stats_exp(NAN)) && stats_exp(0) == 1);
    assert_true(stats_log(1) == 0 && isnan(stats_lgamma(0)) && isnan(stats_lgamma(-3.5)));
}

static void quantiles_invert_and_tails_mirror(void **state)
{
    (void)state;
    for (int i = 1; i < 200; i++) {
        double p = i / 200.0;
        assert_close(norm_cdf(norm_quantile(p)), p, 1e-14, "normal");
        assert_close(norm_quantile(1 - p), -norm_quantile(p), 1e-13, "normal, mirrored");
        for (int df = 1; df < 40; df += 6) {
            assert_close(t_cdf(t_quantile(p, df), df), p, 1e-13, "t");
            assert_close(t_quantile(1 - p, df), -t_quantile(p, df), 1e-10, "t, mirrored");
        }
        assert_close(beta_cdf(beta_quantile(p, 2.5, 4), 2.5, 4), p, 1e-13, "beta");
        assert_close(beta_cdf(p, 2.5, 4) + beta_cdf(1 - p, 4, 2.5), 1, 1e-14, "beta, mirrored");
        int64_t k = binom_quantile(p, 37, 0.3);
        assert_true(binom_cdf(k, 37, 0.3) >= p && binom_cdf(k - 1, 37, 0.3) < p);
    }
    double sum = 0;
    for (int k = 0; k <= 1000; k++) {
        sum += binom_pmf(k, 1000, 0.95);
        assert_close(binom_cdf(k, 1000, 0.95), sum, 1e-12, "sums of the mass");
    }
}

/* One end of a bootstrap interval by name, "bootstrap_mean_lo"; false for other names. Pairs: x, then y. */
static bool bootstrap_end(double *out, const char *name, const double *x, size_t n)
{
    struct bootstrap b;
    struct err err;
    struct bootstrap_opts o = {.resamples = 300, .seed = 7};
    if (strncmp(name, "bootstrap_", 10) != 0)
        return false;
    if (strstr(name, "_blocks_")) {
        o.how = INTERVAL_BLOCK;
        o.block = 4;
    }
    if (strstr(name, "_ratio_"))
        assert_ok(bootstrap_paired_ratio(&b, x, x + n / 2, n / 2, &o, &err));
    else
        assert_ok(bootstrap_one(&b, x, n, strstr(name, "_median_") ? statistic_median : statistic_mean, NULL, &o, &err));
    *out = strstr(name, "_lo") ? b.ci.lo : b.ci.hi;
    return true;
}

/* The same bits on every machine: Python's floats are IEEE doubles too, and tools/stats_special.py runs the same
 * operations in the same order there. */
static void bits_are_those_of_another_implementation(void **state)
{
    (void)state;
    json_t *file = golden_load("tests/stats/special.json");
    for (size_t i = 0; i < golden_count(file, "bits"); i++) {
        json_t *row = json_array_get(json_object_get(file, "bits"), i);
        size_t n;
        const double *a = golden_numbers(&n, row, "x");
        char got[64];
        double v;
        if (!bootstrap_end(&v, golden_text(row, "f"), a, n))
            v = apply(golden_text(row, "f"), a);
        snprintf(got, sizeof got, "%a", v);
        double same = strtod(golden_text(row, "hex"), NULL);
        char want[64];
        snprintf(want, sizeof want, "%a", same);
        if (strcmp(got, want) != 0)
            fail_msg("%s(%.17g): got %s, expected %s", golden_text(row, "f"), a[0], got, want);
    }
    json_decref(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(functions_agree_with_scipy),
        cmocka_unit_test(outside_the_domain_is_nan),
        cmocka_unit_test(quantiles_invert_and_tails_mirror),
        cmocka_unit_test(bits_are_those_of_another_implementation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
