/* counter.h - differences of counters that wrap: RAPL energy, network and interrupt counts.
 *
 * A counter runs from 0 to `range` and starts again; at most one wrap may lie between two readings, so poll well within
 * the shortest time it can take (262 kJ at 200 W: 22 minutes).
 */
#ifndef STATS_COUNTER_H
#define STATS_COUNTER_H

#include <stdint.h>

#include "base/err.h"

/* later >= earlier: later - earlier, else later + (range - earlier). A reading above `range` is an error. */
int counter_delta(uint64_t *out, uint64_t earlier, uint64_t later, uint64_t range, struct err *err);
/* Microjoules over seconds, in watts. */
int power_watts(double *out, uint64_t microjoules, double seconds, struct err *err);

#endif
