#include "stats/load.h"

#include <stdlib.h>

#include "base/mem.h"
#include "stats/sample.h"

#define MAX_VALUES 100000000.0

int omission_backfill(double **out, size_t *count, const double *x, size_t n, double interval, struct err *err)
{
    TRY(sample_check("backfill", x, n, 1, err));
    if (!(interval > 0))
        return err_set(err, ERR_USAGE, "backfill with an interval of %g, expected above 0", interval);
    double total = 0;
    for (size_t i = 0; i < n; i++)
        total += 1 + (x[i] > interval ? x[i] / interval : 0);
    if (total > MAX_VALUES)
        return err_set(err, ERR_USAGE, "backfill of %zu values at interval %g would give %.0f, expected at most %.0f",
                       n, interval, total, MAX_VALUES);
    double *all = mem_alloc((size_t)total + n + 1, sizeof *all, err);
    if (!all)
        return -1;
    size_t k = 0;
    for (size_t i = 0; i < n; i++) {
        all[k++] = x[i];
        for (double back = 1; x[i] - back * interval >= interval; back++)
            all[k++] = x[i] - back * interval;
    }
    *out = all;
    *count = k;
    return 0;
}
