/* The statistics vectors (stat_vectors.json: computed with Python 3.11, numpy and scipy 1.17.1; each carries its
 * tolerance). Every vector of the file is either run here or named in `elsewhere`, with the folder that it belongs to:
 * one that is neither fails this program. */
#include "support/testing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "stats/bootstrap.h"
#include "stats/quantile.h"
#include "stats/special.h"
#include "stats/student.h"
#include "support/golden.h"

static json_t *file;
static struct err err;

/* The vector of the test that runs: its parts as the functions below name them. */
static json_t *vector;
static double tol;

static void check(double got, const char *path)
{
    char full[400];
    snprintf(full, sizeof full, "expected.%s", path);
    golden_check(got, vector, full, tol);
}

static void check_row(double got, const char *array, size_t i, const char *field)
{
    char path[320];
    snprintf(path, sizeof path, "%s%s%zu%s%s", array, *array ? "." : "", i, *field ? "." : "", field);
    check(got, path);
}

static double input(const char *path)
{
    char full[400];
    snprintf(full, sizeof full, "input.%s", path);
    return golden_number(vector, full);
}

static double input_row(const char *array, size_t i, const char *field)
{
    char path[320];
    snprintf(path, sizeof path, "%s.%zu%s%s", array, i, *field ? "." : "", field);
    return input(path);
}

static const double *inputs(size_t *n, const char *path)
{
    char full[400];
    snprintf(full, sizeof full, "input.%s", path);
    return golden_numbers(n, vector, full);
}

static size_t input_count(const char *path)
{
    char full[400];
    snprintf(full, sizeof full, "input.%s", path);
    return golden_count(vector, full);
}

/* --- special functions, quantiles --- */

static void special_functions(void)
{
    size_t n;
    const double *x = inputs(&n, "norm_ppf");
    for (size_t i = 0; i < n; i++)
        check_row(norm_quantile(x[i]), "norm_ppf", i, "");
    x = inputs(&n, "norm_cdf");
    for (size_t i = 0; i < n; i++)
        check_row(norm_cdf(x[i]), "norm_cdf", i, "");
    for (size_t i = 0; i < input_count("t_ppf"); i++)
        check_row(t_quantile(input_row("t_ppf", i, "0"), input_row("t_ppf", i, "1")), "t_ppf", i, "");
    for (size_t i = 0; i < input_count("chi2_sf"); i++)
        check_row(chi2_sf(input_row("chi2_sf", i, "0"), input_row("chi2_sf", i, "1")), "chi2_sf", i, "");
    for (size_t i = 0; i < input_count("beta_ppf"); i++)
        check_row(beta_quantile(input_row("beta_ppf", i, "0"), input_row("beta_ppf", i, "1"),
                                input_row("beta_ppf", i, "2")),
                  "beta_ppf", i, "");
    for (size_t i = 0; i < input_count("betainc"); i++)
        check_row(beta_cdf(input_row("betainc", i, "2"), input_row("betainc", i, "0"), input_row("betainc", i, "1")),
                  "betainc", i, "");
    for (size_t i = 0; i < input_count("binom_cdf"); i++)
        check_row(binom_cdf((int64_t)input_row("binom_cdf", i, "0"), (int64_t)input_row("binom_cdf", i, "1"),
                            input_row("binom_cdf", i, "2")),
                  "binom_cdf", i, "");
}

static void quantile_order_stat_ci(void)
{
    for (size_t i = 0; i < input_count("rows"); i++) {
        struct quantile_ranks r;
        assert_ok(quantile_ranks(&r, (size_t)input_row("rows", i, "n"), input_row("rows", i, "q"), input("conf"),
                                 &err));
        check_row(r.lo ? (double)r.lo : NAN, "", i, "lo_rank");
        check_row(r.hi ? (double)r.hi : NAN, "", i, "hi_rank");
        check_row(r.coverage, "", i, "coverage");
        check_row(r.lo != 0, "", i, "lo_defined");
    }
}

static void min_n_for_quantile_upper_bound(void)
{
    size_t n, least;
    const double *q = inputs(&n, "q");
    for (size_t i = 0; i < n; i++) {
        assert_ok(quantile_least_n(&least, q[i], 2 * input("side") - 1, &err));
        check_row((double)least, "", i, "");
    }
}

/* --- resampling --- */

static void vector_splitmix64(void)
{
    uint64_t state = (uint64_t)input("seed");
    for (size_t i = 0; i < golden_count(vector, "expected.u64_hex"); i++) {
        char path[64], got[32];
        snprintf(path, sizeof path, "expected.u64_hex.%zu", i);
        uint64_t v = splitmix64(&state);
        snprintf(got, sizeof got, "%016llx", (unsigned long long)v);
        assert_string_equal(got, golden_text(vector, path));
        if (i == 0) {
            double u = (double)(v >> 11) * 0x1p-53;
            check(u, "u.0");
            check(floor(u * input("n")), "idx10.0");
        }
    }
}

static struct bootstrap_opts resampling(enum interval_how how)
{
    return (struct bootstrap_opts){
        .resamples = (size_t)input("B"), .seed = (uint64_t)input("seed"), .how = how};
}

static void bootstrap_mean(void)
{
    size_t n;
    const double *x = inputs(&n, "x");
    struct bootstrap b;
    struct bootstrap_opts o = resampling(INTERVAL_PERCENTILE);
    assert_ok(bootstrap_one(&b, x, n, statistic_mean, NULL, &o, &err));
    check(b.theta, "theta");
    check(b.se, "boot_se");
    check(b.ci.lo, "percentile.0");
    check(b.ci.hi, "percentile.1");
    o.how = INTERVAL_BASIC;
    assert_ok(bootstrap_one(&b, x, n, statistic_mean, NULL, &o, &err));
    check(b.ci.lo, "basic.0");
    check(b.ci.hi, "basic.1");
    o.how = INTERVAL_BCA;
    assert_ok(bootstrap_one(&b, x, n, statistic_mean, NULL, &o, &err));
    check(b.z0, "z0");
    check(b.accel, "accel");
    check(b.share_lo, "alpha1");
    check(b.share_hi, "alpha2");
    check(b.ci.lo, "bca.0");
    check(b.ci.hi, "bca.1");
}

static void bootstrap_ratio_of_medians(void)
{
    size_t nx, ny;
    const double *x = inputs(&nx, "x"), *y = inputs(&ny, "y");
    struct bootstrap b;
    struct bootstrap_opts o = resampling(INTERVAL_PERCENTILE);
    assert_ok(bootstrap_two(&b, x, nx, y, ny, statistic_ratio_of_medians, NULL, &o, &err));
    check(b.theta, "ratio");
    check(b.ci.lo, "percentile.0");
    check(b.ci.hi, "percentile.1");
}

static void bootstrap_paired_geomean_ratio(void)
{
    size_t nx, ny;
    const double *x = inputs(&nx, "x"), *y = inputs(&ny, "y");
    assert_int_equal(nx, ny);
    struct bootstrap b;
    struct bootstrap_opts o = resampling(INTERVAL_PERCENTILE);
    assert_ok(bootstrap_paired_ratio(&b, x, y, nx, &o, &err));
    check(b.theta, "ratio");
    check(b.ci.lo, "percentile.0");
    check(b.ci.hi, "percentile.1");
}

static void circular_block_bootstrap(void)
{
    size_t n;
    const double *x = inputs(&n, "x");
    struct bootstrap b;
    struct bootstrap_opts o = resampling(INTERVAL_BLOCK);
    o.block = (size_t)input("block");
    assert_ok(bootstrap_one(&b, x, n, statistic_mean, NULL, &o, &err));
    check(b.se, "se_block");
    check(b.ci.lo, "percentile.0");
    check(b.ci.hi, "percentile.1");
    o.how = INTERVAL_PERCENTILE;
    o.block = 0;
    assert_ok(bootstrap_one(&b, x, n, statistic_mean, NULL, &o, &err));
    check(b.se, "se_iid");
}

/* --- t --- */

static void welch_and_ratio_sd(void)
{
    size_t nx, ny;
    const double *x = inputs(&nx, "x"), *y = inputs(&ny, "y");
    struct t_test t;
    assert_ok(t_test_welch(&t, x, nx, y, ny, 0, 0.95, &err));
    check(t.t, "t");
    check(t.df, "df");
    check(t.p, "p");
    struct ratio_of_means r;
    assert_ok(ratio_of_means(&r, x, nx, y, ny, &err));
    check(r.ratio, "ratio");
    check(r.spread, "hyperfine_ratio_sd");
    check(r.se, "delta_se_of_ratio");
}

static const struct {
    const char *id;
    void (*run)(void);
} here[] = {
    {"special_functions", special_functions},
    {"quantile_order_stat_ci", quantile_order_stat_ci},
    {"min_n_for_quantile_upper_bound", min_n_for_quantile_upper_bound},
    {"splitmix64", vector_splitmix64},
    {"bootstrap_mean", bootstrap_mean},
    {"bootstrap_ratio_of_medians", bootstrap_ratio_of_medians},
    {"bootstrap_paired_geomean_ratio", bootstrap_paired_geomean_ratio},
    {"circular_block_bootstrap", circular_block_bootstrap},
    {"welch_and_ratio_sd", welch_and_ratio_sd},
};
#define HERE (sizeof here / sizeof here[0])

static json_t *find(const char *id)
{
    json_t *all = golden_at(file, "vectors"), *v;
    size_t i;
    json_array_foreach(all, i, v)
        if (strcmp(golden_text(v, "id"), id) == 0)
            return v;
    return NULL;
}

static void one_vector(void **state)
{
    size_t i = *(const size_t *)*state;
    vector = find(here[i].id);
    if (!vector)
        fail_msg("'%s' is not in the file", here[i].id);
    tol = golden_number(vector, "tol");
    here[i].run();
}

int main(void)
{
    file = golden_load("tests/stats/stat_vectors.json");
    struct CMUnitTest tests[HERE];
    static size_t index[HERE];
    for (size_t i = 0; i < HERE; i++) {
        index[i] = i;
        tests[i] = (struct CMUnitTest){.name = here[i].id, .test_func = one_vector, .initial_state = &index[i]};
    }
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    json_decref(file);
    return rc;
}
