#include "stats/design.h"

#include <string.h>

#include "base/rng.h"
#include "stats/sample.h"

void design_order(char *order, size_t blocks, uint64_t seed)
{
    for (size_t i = 0; i < blocks; i++)
        memcpy(order + DESIGN_BLOCK * i, splitmix64(&seed) >> 63 ? "BAAB" : "ABBA", DESIGN_BLOCK);
}

int design_difference(double *out, const double *x, const char *order, size_t n, struct err *err)
{
    TRY(sample_check("difference", x, n, 2, err));
    double sum[2] = {0, 0}, count[2] = {0, 0};
    for (size_t i = 0; i < n; i++) {
        if (order[i] != 'A' && order[i] != 'B')
            return err_set(err, ERR_USAGE, "order: letter %zu is '%c', expected A or B", i + 1, order[i]);
        sum[order[i] == 'B'] += x[i];
        count[order[i] == 'B']++;
    }
    if (count[0] == 0 || count[1] == 0)
        return err_set(err, ERR_USAGE, "order: only one side was measured");
    *out = sum[0] / count[0] - sum[1] / count[1];
    return 0;
}
