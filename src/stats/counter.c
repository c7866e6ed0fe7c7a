#include "stats/counter.h"

#include <inttypes.h>
#include <math.h>

int counter_delta(uint64_t *out, uint64_t earlier, uint64_t later, uint64_t range, struct err *err)
{
    uint64_t most = earlier > later ? earlier : later;
    if (most > range)
        return err_set(err, ERR_INPUT, "a counter reads %" PRIu64 ", expected at most %" PRIu64, most, range);
    *out = later >= earlier ? later - earlier : later + (range - earlier);
    return 0;
}

int power_watts(double *out, uint64_t microjoules, double seconds, struct err *err)
{
    if (!(seconds > 0) || isinf(seconds))
        return err_set(err, ERR_USAGE, "power over %g seconds", seconds);
    *out = (double)microjoules / 1e6 / seconds;
    return 0;
}
