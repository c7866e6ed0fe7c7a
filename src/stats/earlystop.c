#include "stats/earlystop.h"

#include <inttypes.h>
#include <stdlib.h>

#include "stats/sample.h"
#include "stats/special.h"

static bool passes(int64_t under, int64_t over, double p, double c)
{
    return binom_cdf(over, under + over, 1 - p) <= 1 - c;
}

static int check(int64_t under, int64_t over, double p, double c, struct err *err)
{
    TRY(share_check("quantile", p, err));
    TRY(share_check("confidence", c, err));
    if (under < 0 || over < 0 || under > INT64_MAX / 4 - over)
        return err_set(err, ERR_USAGE, "early stopping with %" PRId64 " requests under and %" PRId64 " over", under,
                       over);
    return 0;
}

int early_stop_passes(bool *out, int64_t under, int64_t over, double p, double c, struct err *err)
{
    TRY(check(under, over, p, c, err));
    *out = passes(under, over, p, c);
    return 0;
}

int early_stop_least_under(int64_t *out, int64_t over, double p, double c, struct err *err)
{
    TRY(check(0, over, p, c, err));
    int64_t hi = 1, lo = 0; /* more under is never worse */
    while (!passes(hi, over, p, c)) {
        lo = hi + 1;
        if (hi > INT64_MAX / 8)
            return err_set(err, ERR_USAGE, "early stopping at quantile %g needs more requests than can be counted", p);
        hi *= 2;
    }
    while (lo < hi) {
        int64_t mid = lo + (hi - lo) / 2;
        if (passes(mid, over, p, c))
            hi = mid;
        else
            lo = mid + 1;
    }
    *out = lo;
    return 0;
}

int early_stop_estimate(struct early_stop *out, const double *x, size_t n, double p, double c, struct err *err)
{
    int64_t least;
    TRY(early_stop_least_under(&least, 0, p, c, err));
    TRY(sample_check("early stopping", x, n, 1, err));
    if ((int64_t)n < least)
        return err_set(err, ERR_USAGE, "quantile %g with confidence %g of %zu requests, at least %" PRId64 " are needed",
                       p, c, n, least);
    int64_t lo = 0, hi = (int64_t)n - 1; /* the largest t that passes with n - t under */
    while (lo < hi) {
        int64_t mid = lo + (hi - lo + 1) / 2;
        if (passes((int64_t)n - mid, mid, p, c))
            lo = mid;
        else
            hi = mid - 1;
    }
    double *sorted = sample_sorted(x, n, err);
    if (!sorted)
        return -1;
    *out = (struct early_stop){.estimate = sorted[n - 1 - (size_t)lo], .discarded = (size_t)lo};
    free(sorted);
    return 0;
}
