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
#include "stats/calibrate.h"
#include "stats/chisq.h"
#include "stats/correlation.h"
#include "stats/counter.h"
#include "stats/design.h"
#include "stats/divergence.h"
#include "stats/earlystop.h"
#include "stats/histogram.h"
#include "stats/load.h"
#include "stats/multiplicity.h"
#include "stats/outlier.h"
#include "stats/power.h"
#include "stats/ppl.h"
#include "stats/proportion.h"
#include "stats/quantile.h"
#include "stats/rank_test.h"
#include "stats/series.h"
#include "stats/special.h"
#include "stats/student.h"
#include "stats/survival.h"
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

/* --- ranks --- */

static void mwu_exact(void)
{
    size_t na, nb;
    const double *a = inputs(&na, "a"), *b = inputs(&nb, "b");
    struct mann_whitney t;
    assert_ok(mann_whitney(&t, a, na, b, nb, &err));
    assert_true(t.exact);
    check(t.u_a, "U_a");
    check(t.u_b, "U_b");
    check(t.p, "p");
    check(t.prob_a_gt_b, "prob_a_gt_b");
    check(t.cliffs_delta, "cliffs_delta");
}

static void mwu_ties_asymptotic(void)
{
    size_t na, nb;
    const double *a = inputs(&na, "a"), *b = inputs(&nb, "b");
    struct mann_whitney t;
    assert_ok(mann_whitney(&t, a, na, b, nb, &err));
    assert_false(t.exact);
    check(t.u_a, "U_a");
    check(t.tie_sum, "tie_sum_t3_minus_t");
    check(t.sigma, "sigma");
    check(fabs(t.z), "z_abs");
    check(t.p, "p");
}

static void wilcoxon_exact(void)
{
    size_t n;
    const double *d = inputs(&n, "d");
    struct wilcoxon t;
    assert_ok(wilcoxon(&t, d, n, &err));
    assert_true(t.exact && t.zeros == 0);
    check(t.w_plus, "W_plus");
    check(t.w_minus, "W_minus");
    check(t.p, "p");
}

static void wilcoxon_ties_asymptotic(void)
{
    size_t n;
    const double *d = inputs(&n, "d");
    struct wilcoxon t;
    assert_ok(wilcoxon(&t, d, n, &err));
    assert_false(t.exact);
    check((double)t.n, "n_nonzero");
    check(t.w_plus, "W_plus");
    check(t.w_minus, "W_minus");
    check(t.var, "var");
    check(-fabs(t.z), "z"); /* scipy gives z of the smaller sum; ours follows the sign of the differences */
    assert_true(t.z > 0);
    check(t.p, "p");
}

static void hodges_lehmann_two_sample(void)
{
    size_t na, nb;
    const double *a = inputs(&na, "a"), *b = inputs(&nb, "b");
    struct hodges_lehmann h;
    assert_ok(hodges_lehmann_two(&h, a, na, b, nb, input("conf"), &err));
    check(h.estimate, "shift");
    check(h.critical, "u_crit");
    check(h.ci.lo, "ci_lo");
    check(h.ci.hi, "ci_hi");
    check(h.ci.coverage, "exact_conf");
}

static void hodges_lehmann_one_sample(void)
{
    size_t n;
    const double *d = inputs(&n, "d");
    struct hodges_lehmann h;
    assert_ok(hodges_lehmann_one(&h, d, n, 0.95, &err));
    check(h.pairs, "n_walsh");
    check(h.estimate, "estimate");
}

/* --- outliers, proportions, many tests --- */

static void tukey_fences(void)
{
    size_t n;
    const double *x = inputs(&n, "x");
    struct outliers o;
    enum outlier labels[64];
    assert_true(n <= 64);
    assert_ok(outliers_label(&o, labels, x, n, &err));
    check(o.q1, "q1");
    check(o.median, "median");
    check(o.q3, "q3");
    check(o.iqr, "iqr");
    check(o.low_mild, "low_mild");
    check(o.high_mild, "high_mild");
    check(o.low_severe, "low_severe");
    check(o.high_severe, "high_severe");
    size_t counted = 0;
    for (size_t i = 0; i < n; i++) {
        char path[64];
        snprintf(path, sizeof path, "expected.labels.%zu", i);
        assert_string_equal(outlier_name(labels[i]), golden_text(vector, path));
    }
    for (int k = 0; k < OUTLIER_COUNT; k++)
        counted += o.count[k];
    assert_int_equal(counted, n); /* every sample has a label, none is gone */
}

static void mad_modified_z(void)
{
    size_t n;
    const double *x = inputs(&n, "x");
    struct outliers o;
    assert_ok(outliers_label(&o, NULL, x, n, &err));
    check(o.mad, "mad");
    check(outlier_z(&o, x[n - 1]), "z_last");
    check(outlier_z(&o, x[8]), "z_idx8");
    size_t found = 0;
    for (size_t i = 0; i < n; i++)
        if (fabs(outlier_z(&o, x[i])) > OUTLIER_MAD_LIMIT)
            check_row((double)i, "outlier_idx", found++, "");
    assert_int_equal(found, golden_count(vector, "expected.outlier_idx"));
    assert_int_equal(found, o.beyond_mad);
    assert_false(o.first);
}

static void proportion_ci(void)
{
    for (size_t i = 0; i < input_count("kn"); i++) {
        int64_t k = (int64_t)input_row("kn", i, "0"), n = (int64_t)input_row("kn", i, "1");
        struct interval w, c;
        assert_ok(wilson_interval(&w, k, n, 0.95, &err));
        assert_ok(clopper_pearson_interval(&c, k, n, 0.95, &err));
        check_row(w.lo, "", i, "wilson.0");
        check_row(w.hi, "", i, "wilson.1");
        check_row(c.lo, "", i, "clopper_pearson.0");
        check_row(c.hi, "", i, "clopper_pearson.1");
    }
}

static void vector_mcnemar(void)
{
    struct mcnemar m;
    assert_ok(mcnemar(&m, (int64_t)input("b"), (int64_t)input("c"), &err));
    check(m.exact_p, "exact_p");
    check(m.mid_p, "midp");
    check(m.chi2_cc, "chi2_cc");
    check(m.p_cc, "p_cc");
    assert_true(m.p == m.exact_p); /* 19 differing pairs: below 25 */
}

static void bh_holm(void)
{
    size_t n;
    const double *p = inputs(&n, "p");
    double bh[64], holm[64], by[64];
    assert_true(n <= 64);
    assert_ok(adjust_bh(bh, p, n, &err));
    assert_ok(adjust_holm(holm, p, n, &err));
    assert_ok(adjust_by(by, p, n, &err));
    check(by_factor(n), "by_factor");
    for (size_t i = 0; i < n; i++) {
        check_row(bh[i], "bh", i, "");
        check_row(bh[i] <= input("alpha"), "bh_reject", i, "");
        check_row(holm[i], "holm", i, "");
        double want = p[i] * (double)n / (double)(i + 1) * by_factor(n); /* p is ascending: an upper bound */
        assert_true(by[i] <= want + 1e-12 && by[i] >= bh[i]);
    }
}

/* --- counts, divergences, lists, correlations --- */

static void chi2_gof(void)
{
    size_t k, kp;
    const double *counts = inputs(&k, "counts"), *probs = inputs(&kp, "probs");
    assert_int_equal(k, kp);
    struct chi2_test t;
    assert_ok(chi2_goodness(&t, counts, probs, k, &err));
    check(t.chi2, "chi2");
    check(t.g, "G");
    check(t.df, "df");
    check(t.p_chi2, "p_chi2");
    check(t.p_g, "p_G");
    check(t.tvd, "tvd");
}

static void vector_chi2_two_sample(void)
{
    size_t k, kb;
    const double *a = inputs(&k, "a"), *b = inputs(&kb, "b");
    assert_int_equal(k, kb);
    struct chi2_test t;
    assert_ok(chi2_two_sample(&t, a, b, k, &err));
    check(t.chi2, "chi2");
    check(t.df, "df");
    check(t.p_chi2, "p");
}

static void kl_js_full(void)
{
    size_t n, nq;
    const double *p = inputs(&n, "p"), *q = inputs(&nq, "q");
    assert_int_equal(n, nq);
    struct divergence pq, qp;
    assert_ok(divergence_of(&pq, p, q, n, &err));
    assert_ok(divergence_of(&qp, q, p, n, &err));
    check(pq.kl, "kl_pq");
    check(qp.kl, "kl_qp");
    check(pq.js, "js");
    check(pq.tvd, "tvd");
    check(sqrt(pq.kl / 2), "pinsker_tvd_bound");
    assert_close(qp.js, pq.js, 1e-15, "JS is symmetric");
}

static void kl_rest_bucket(void)
{
    size_t n, k = (size_t)input("k");
    const double *p = inputs(&n, "p"), *q = inputs(&n, "q");
    double lower, rest_p = 1, rest_q = 1;
    struct divergence full;
    assert_ok(kl_with_rest(&lower, p, q, k, &err));
    assert_ok(divergence_of(&full, p, q, n, &err));
    for (size_t i = 0; i < k; i++) {
        rest_p -= p[i];
        rest_q -= q[i];
    }
    check(rest_p, "rest_p");
    check(rest_q, "rest_q");
    check(lower, "kl_rest_bucket");
    check(full.kl, "kl_full");
    check(full.kl - lower, "gap");
    /* the renormalised divergence, which is not offered, is not this */
    assert_true(fabs(lower - golden_number(vector, "expected.kl_renormalised_topk")) > 0.005);
}

static size_t read_list(struct listed *to, const char *side)
{
    size_t n = input_count(side);
    assert_true(n <= 16);
    for (size_t i = 0; i < n; i++) {
        char path[64];
        snprintf(path, sizeof path, "input.%s.%zu.0", side, i);
        to[i].id = golden_text(vector, path)[0];
        to[i].p = input_row(side, i, "1");
    }
    return n;
}

static void topn_lists(void)
{
    struct listed a[16], b[16];
    size_t na = read_list(a, "a"), nb = read_list(b, "b");
    struct list_difference d;
    assert_ok(list_difference(&d, a, na, b, nb, &err));
    assert_int_equal(d.common, golden_count(vector, "expected.intersection"));
    assert_int_equal(d.all, golden_count(vector, "expected.union"));
    check(d.overlap, "overlap_at_3");
    check(d.jaccard, "jaccard");
    check(d.rmse_common, "rmse_intersection");
    check(d.floor_a, "floor_a");
    check(d.floor_b, "floor_b");
    check(d.rmse_floor, "rmse_union_upper_floor");
}

static void kl_disjoint_lists_lower(void)
{
    struct listed a[16], b[16];
    size_t na = read_list(a, "a"), nb = read_list(b, "b");
    struct list_difference d;
    assert_ok(list_difference(&d, a, na, b, nb, &err));
    check(d.kl_lower, "kl_lower");
}

static void vector_topk_agreement(void)
{
    size_t n;
    const double *a = inputs(&n, "a"), *b = inputs(&n, "b");
    float fa[64], fb[64];
    double overlap[64];
    assert_true(n <= 64);
    for (size_t i = 0; i < n; i++) {
        fa[i] = (float)a[i];
        fb[i] = (float)b[i];
    }
    assert_ok(topk_agreement(overlap, fa, fb, n, n, &err));
    for (size_t i = 0; i < n; i++)
        check_row(overlap[i], "overlap", i, "");
}

static void rank_correlation(void)
{
    size_t n;
    const double *x = inputs(&n, "x"), *y = inputs(&n, "y");
    double r;
    assert_ok(spearman(&r, x, y, n, &err));
    check(r, "spearman");
    assert_ok(kendall_tau_b(&r, x, y, n, &err));
    check(r, "kendall_tau_b");
}

/* --- survival --- */

static size_t read_events(bool *to, const char *path)
{
    size_t n;
    const double *e = inputs(&n, path);
    assert_true(n <= 64);
    for (size_t i = 0; i < n; i++)
        to[i] = e[i] != 0;
    return n;
}

static void vector_kaplan_meier(void)
{
    size_t n;
    bool event[64];
    const double *t = inputs(&n, "t");
    assert_int_equal(read_events(event, "event"), n);
    struct kaplan_meier km;
    assert_ok(kaplan_meier(&km, t, event, n, 0.95, &err));
    assert_int_equal(km.count, golden_count(vector, "expected.steps"));
    for (size_t i = 0; i < km.count; i++) {
        const struct survival_step *s = &km.steps[i];
        check_row(s->t, "steps", i, "t");
        check_row((double)s->at_risk, "steps", i, "at_risk");
        check_row((double)s->events, "steps", i, "events");
        check_row(s->share, "steps", i, "S");
        check_row(s->se, "steps", i, "greenwood_se");
        check_row(s->ci.lo, "steps", i, "loglog_lo");
        check_row(s->ci.hi, "steps", i, "loglog_hi");
    }
    check(km.median, "median");
    check(kaplan_meier_mean_to(&km, input("rmst_tau")), "rmst");
    kaplan_meier_release(&km);
}

static void vector_logrank(void)
{
    size_t n1, n2;
    bool e1[64], e2[64];
    const double *t1 = inputs(&n1, "t1"), *t2 = inputs(&n2, "t2");
    assert_int_equal(read_events(e1, "e1"), n1);
    assert_int_equal(read_events(e2, "e2"), n2);
    struct logrank r;
    assert_ok(logrank(&r, t1, e1, n1, t2, e2, n2, &err));
    check(fabs(r.z), "z_abs");
    check(r.p, "p");
    assert_true(r.z > 0); /* group 1 diverges earlier */
}

/* --- series, power, stopping --- */

static void vector_autocorrelation(void)
{
    size_t n, lags = (size_t)input("lags");
    const double *x = inputs(&n, "x");
    double rho[16];
    struct autocorrelation a;
    assert_true(lags <= 16);
    assert_ok(autocorrelation(&a, rho, x, n, lags, &err));
    for (size_t i = 0; i < lags; i++)
        check_row(rho[i], "rho", i, "");
    check(a.n_eff, "n_eff_ar1");
    check(a.ljung_box_q, "ljung_box_q");
    check(a.band, "white_noise_band");
}

static void cov_window_steady_state(void)
{
    size_t n;
    const double *x = inputs(&n, "x");
    struct cov_window w;
    assert_ok(cov_window(&w, x, n, (size_t)input("k"), input("theta"), &err));
    assert_true(w.found);
    check((double)w.start, "start");
    check((double)w.end, "end_index_exclusive");
    check(w.cov, "cov");
}

static void mde_two_sample(void)
{
    double v;
    struct power_opts o = {.alpha = input("alpha"), .power = input("power")};
    assert_ok(power_n_two(&v, input("cov"), input("delta"), &o, &err));
    check(v, "n_per_group");
    assert_ok(power_mde_two(&v, input("cov"), 30, &o, &err));
    check(v, "mde_n30");
}

static void vector_fixed_width_stop(void)
{
    size_t n;
    const double *x = inputs(&n, "x");
    struct width_stop s;
    assert_ok(fixed_width_stop(&s, x, n, input("rel"), (size_t)input("n_min"), 0.95, &err));
    assert_true(s.reached);
    check((double)s.n, "stop_n");
    check(s.rel_half, "rel_halfwidth");
}

static void mlperf_early_stopping(void)
{
    for (size_t i = 0; i < input_count("p_t"); i++) {
        int64_t h;
        assert_ok(early_stop_least_under(&h, (int64_t)input_row("p_t", i, "1"), input_row("p_t", i, "0"), input("c"),
                                         &err));
        check_row((double)h, "", i, "");
    }
}

static void calibration_bands(void)
{
    for (size_t i = 0; i < input_count("rows"); i++) {
        struct band b;
        assert_ok(calibration_band(&b, (int64_t)input_row("rows", i, "0"), input_row("rows", i, "1"), &err));
        check_row((double)b.lo, "", i, "lo");
        check_row((double)b.hi, "", i, "hi");
    }
}

static void abba_drift(void)
{
    for (int k = 0; k < 2; k++) {
        const char *order = golden_text(vector, k == 0 ? "input.order_abba" : "input.order_abab");
        double x[4], d;
        for (int i = 0; i < 4; i++)
            x[i] = (order[i] == 'A' ? input("a") : input("b")) + input("g") * i;
        assert_ok(design_difference(&d, x, order, 4, &err));
        check(d, k == 0 ? "abba_diff" : "abab_diff");
    }
}

/* --- perplexity, histogram, load, counters --- */

static void perplexity_ci(void)
{
    size_t n;
    const double *nll = inputs(&n, "nll_block_means");
    struct perplexity p;
    assert_ok(perplexity_of(&p, nll, NULL, n, 0.95, &err));
    check(p.ppl, "ppl");
    check(p.se_nll, "se_nll");
    check(p.lo, "ci_t.0");
    check(p.hi, "ci_t.1");
    check(p.se_ppl, "delta_se_ppl");
}

static void ddsketch(void)
{
    size_t n;
    const double *x = inputs(&n, "x");
    struct histogram h;
    assert_ok(histogram_init(&h, input("alpha"), &err));
    check(h.gamma, "gamma");
    for (size_t i = 0; i < n; i++) {
        int32_t k = histogram_index(&h, x[i]);
        check_row(k, "idx", i, "");
        check_row(histogram_value(&h, k), "value", i, "");
    }
    histogram_release(&h);
}

static void coordinated_omission_backfill(void)
{
    size_t n, count;
    const double *x = inputs(&n, "recorded_ms");
    double *all, median;
    assert_ok(omission_backfill(&all, &count, x, n, input("interval_ms"), &err));
    check((double)count, "count");
    assert_int_equal(count, golden_count(vector, "expected.values"));
    for (size_t i = 0; i < count; i++)
        check_row(all[i], "values", i, "");
    assert_ok(median_of(&median, all, count, &err));
    check(median, "p50_corrected");
    assert_ok(median_of(&median, x, n, &err));
    check(median, "p50_naive");
    check(1.0 / (double)n, "naive_max_share");
    free(all);
}

static void rapl_wrap(void)
{
    uint64_t delta;
    double watts;
    assert_ok(counter_delta(&delta, (uint64_t)input("e0"), (uint64_t)input("e1"), (uint64_t)input("max_range"), &err));
    check((double)delta, "delta_uj");
    assert_ok(power_watts(&watts, delta, input("dt_s"), &err));
    check(watts, "watts");
}

static const struct {
    const char *id;
    void (*run)(void);
} here[] = {
    {"special_functions", special_functions},
    {"tukey_fences", tukey_fences},
    {"mad_modified_z", mad_modified_z},
    {"mwu_exact", mwu_exact},
    {"mwu_ties_asymptotic", mwu_ties_asymptotic},
    {"wilcoxon_exact", wilcoxon_exact},
    {"wilcoxon_ties_asymptotic", wilcoxon_ties_asymptotic},
    {"hodges_lehmann_two_sample", hodges_lehmann_two_sample},
    {"hodges_lehmann_one_sample", hodges_lehmann_one_sample},
    {"quantile_order_stat_ci", quantile_order_stat_ci},
    {"min_n_for_quantile_upper_bound", min_n_for_quantile_upper_bound},
    {"proportion_ci", proportion_ci},
    {"mcnemar", vector_mcnemar},
    {"bh_holm", bh_holm},
    {"chi2_gof", chi2_gof},
    {"chi2_two_sample", vector_chi2_two_sample},
    {"kl_js_full", kl_js_full},
    {"kl_rest_bucket", kl_rest_bucket},
    {"topn_lists", topn_lists},
    {"kl_disjoint_lists_lower", kl_disjoint_lists_lower},
    {"rank_correlation", rank_correlation},
    {"kaplan_meier", vector_kaplan_meier},
    {"logrank", vector_logrank},
    {"splitmix64", vector_splitmix64},
    {"bootstrap_mean", bootstrap_mean},
    {"bootstrap_ratio_of_medians", bootstrap_ratio_of_medians},
    {"bootstrap_paired_geomean_ratio", bootstrap_paired_geomean_ratio},
    {"welch_and_ratio_sd", welch_and_ratio_sd},
    {"autocorrelation", vector_autocorrelation},
    {"mde_two_sample", mde_two_sample},
    {"perplexity_ci", perplexity_ci},
    {"ddsketch", ddsketch},
    {"coordinated_omission_backfill", coordinated_omission_backfill},
    {"mlperf_early_stopping", mlperf_early_stopping},
    {"calibration_bands", calibration_bands},
    {"abba_drift", abba_drift},
    {"fixed_width_stop", vector_fixed_width_stop},
    {"cov_window_steady_state", cov_window_steady_state},
    {"circular_block_bootstrap", circular_block_bootstrap},
    {"rapl_wrap", rapl_wrap},
    {"topk_agreement", vector_topk_agreement},
};
#define HERE (sizeof here / sizeof here[0])

/* Vectors of speculative decoding: their functions and their test belong to src/speculate. */
static const char *const elsewhere[] = {
    "spec_expected_tokens", "spec_residual", "spec_point_mass_draft", "spec_sibling_recursive", "spec_metrics",
    "spec_alpha_from_tau", "medusa_typical", "medusa_typical_flat", "medusa_buffers", "eagle2_rerank",
    "eagle2_tree_size", "hf_heuristic", "prompt_lookup",
};
#define ELSEWHERE (sizeof elsewhere / sizeof elsewhere[0])

static json_t *find(const char *id)
{
    json_t *all = golden_at(file, "vectors"), *v;
    size_t i;
    json_array_foreach(all, i, v)
        if (strcmp(golden_text(v, "id"), id) == 0)
            return v;
    return NULL;
}

/* Each vector of the file has exactly one place; each place has a vector. */
static void no_vector_is_forgotten(void **state)
{
    (void)state;
    json_t *all = golden_at(file, "vectors"), *v;
    size_t at;
    json_array_foreach(all, at, v) {
        const char *id = golden_text(v, "id");
        int places = 0;
        for (size_t i = 0; i < HERE; i++)
            places += strcmp(id, here[i].id) == 0;
        for (size_t i = 0; i < ELSEWHERE; i++)
            places += strcmp(id, elsewhere[i]) == 0;
        if (places != 1)
            fail_msg("vector '%s' has %d places, expected one", id, places);
    }
    for (size_t i = 0; i < ELSEWHERE; i++) {
        if (!find(elsewhere[i]))
            fail_msg("'%s' is listed as elsewhere but not in the file", elsewhere[i]);
        print_message("not run here (speculation): %s\n", elsewhere[i]);
    }
    assert_int_equal(json_array_size(all), HERE + ELSEWHERE);
    assert_int_equal(HERE, 41);
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
    struct CMUnitTest tests[HERE + 1];
    static size_t index[HERE];
    for (size_t i = 0; i < HERE; i++) {
        index[i] = i;
        tests[i] = (struct CMUnitTest){.name = here[i].id, .test_func = one_vector, .initial_state = &index[i]};
    }
    tests[HERE] = (struct CMUnitTest)cmocka_unit_test(no_vector_is_forgotten);
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    json_decref(file);
    return rc;
}
