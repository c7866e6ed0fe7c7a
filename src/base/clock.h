/* clock.h - the clocks: one that only runs forward, and one that says what day it is.
 *
 * Durations are differences of clock_ns, never of the time of day, which can be set back.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

int64_t clock_ns(void);            /* CLOCK_MONOTONIC */
int64_t clock_resolution_ns(void); /* of CLOCK_MONOTONIC, as the kernel states it */
int64_t clock_overhead_ns(void);   /* what one call of clock_ns costs: the median of a thousand */
int64_t clock_real_ms(void);       /* since 1970, UTC */

/* "2026-01-31T12:34:56.789Z" of that many milliseconds since 1970; returns `text`. */
const char *clock_iso(int64_t real_ms, char text[32]);

void clock_sleep_ns(int64_t ns); /* at least that long, signals notwithstanding */

#endif
