/* tick.h - how long work says how far it has come, and is told to stop.
 *
 * `done` of `total` (0: unknown), in whatever the work counts. A return below 0, with err set, stops the work, which
 * forwards it. Where a tick is taken NULL is none. */
#ifndef BASE_TICK_H
#define BASE_TICK_H

#include <stdint.h>

#include "base/err.h"

typedef int (*tick_fn)(void *arg, uint64_t done, uint64_t total, struct err *err);

#endif
