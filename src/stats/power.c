#include "stats/power.h"

#include <math.h>

#include "stats/portable.h"
#include "stats/sample.h"
#include "stats/special.h"

/* z_{1-alpha/2} + z_{power} */
static int both_z(double *out, const struct power_opts *opts, struct err *err)
{
    double alpha = opts && opts->alpha != 0 ? opts->alpha : 0.05, power = opts && opts->power != 0 ? opts->power : 0.8;
    TRY(share_check("alpha", alpha, err));
    TRY(share_check("power", power, err));
    *out = norm_quantile(1 - alpha / 2) + norm_quantile(power);
    return 0;
}

static int check_above(const char *what, double v, struct err *err)
{
    if (v > 0 && isfinite(v))
        return 0;
    return err_set(err, ERR_USAGE, "%s is %g, expected above 0", what, v);
}

int power_n_two(double *out, double cov, double effect, const struct power_opts *opts, struct err *err)
{
    double z;
    TRY(both_z(&z, opts, err));
    TRY(check_above("coefficient of variation", cov, err));
    TRY(check_above("effect", effect, err));
    *out = 2 * (z * cov / effect) * (z * cov / effect);
    return 0;
}

int power_mde_two(double *out, double cov, double n_per_arm, const struct power_opts *opts, struct err *err)
{
    double z;
    TRY(both_z(&z, opts, err));
    TRY(check_above("coefficient of variation", cov, err));
    TRY(check_above("number of samples", n_per_arm, err));
    *out = z * cov * sqrt(2 / n_per_arm);
    return 0;
}

int power_n_paired(double *out, double sd_log_ratio, double effect, const struct power_opts *opts, struct err *err)
{
    double z;
    TRY(both_z(&z, opts, err));
    TRY(check_above("sd of the log ratios", sd_log_ratio, err));
    TRY(check_above("effect", effect, err));
    double root = z * sd_log_ratio / stats_log(1 + effect);
    *out = root * root;
    return 0;
}

int power_mde_paired(double *out, double sd_log_ratio, double n_pairs, const struct power_opts *opts,
                     struct err *err)
{
    double z;
    TRY(both_z(&z, opts, err));
    TRY(check_above("sd of the log ratios", sd_log_ratio, err));
    TRY(check_above("number of pairs", n_pairs, err));
    *out = stats_exp(z * sd_log_ratio / sqrt(n_pairs)) - 1;
    return 0;
}

int fixed_width_stop(struct width_stop *out, const double *x, size_t n, double rel, size_t n_min, double level,
                     struct err *err)
{
    TRY(share_check("confidence level", level, err));
    TRY(check_above("relative half width", rel, err));
    TRY(sample_check("fixed-width stopping", x, n, 1, err));
    struct width_stop r = {.n = n, .rel_half = NAN};
    double mean = 0, squares = 0, z = norm_quantile((1 + level) / 2);
    for (size_t i = 0; i < n; i++) { /* Welford: one pass */
        double d = x[i] - mean, count = (double)(i + 1);
        mean += d / count;
        squares += d * (x[i] - mean);
        if (i < 1 || (i + 1 < n_min && i + 1 < n))
            continue;
        double se = sqrt(squares / (count - 1) / count);
        /* t is never below z: the costly quantile only where it can matter */
        if (z * se > rel * fabs(mean) && i + 1 < n)
            continue;
        double half = se > 0 ? t_quantile((1 + level) / 2, count - 1) * se : 0;
        r.rel_half = half / fabs(mean);
        if (i + 1 >= n_min && half <= rel * fabs(mean)) {
            r.reached = true;
            r.n = i + 1;
            break;
        }
    }
    *out = r;
    return 0;
}
