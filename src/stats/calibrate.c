#include "stats/calibrate.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "stats/sample.h"
#include "stats/special.h"

int calibration_band(struct band *out, int64_t n, double share, struct err *err)
{
    TRY(share_check("share", share, err));
    if (n < 1)
        return err_set(err, ERR_USAGE, "calibration by %" PRId64 " trials", n);
    *out = (struct band){binom_quantile(0.0005, n, share), binom_quantile(0.9995, n, share)};
    return 0;
}

int uniformity_of(struct uniformity *out, const double *p, size_t n, struct err *err)
{
    TRY(sample_check("uniformity", p, n, 1, err));
    double *sorted = sample_sorted(p, n, err);
    if (!sorted)
        return -1;
    struct uniformity u = {.limit = 1.95 / sqrt((double)n)};
    for (size_t i = 0; i < n; i++) {
        double above = (double)(i + 1) / (double)n - sorted[i], below = sorted[i] - (double)i / (double)n;
        u.d = above > u.d ? above : u.d;
        u.d = below > u.d ? below : u.d;
    }
    free(sorted);
    *out = u;
    return 0;
}
