/* load.h - latencies under load, and what a waiting client never saw.
 *
 * A client that waits for each answer before it sends the next request (closed loop) stops asking exactly while the
 * server is slow: coordinated omission. The right cure is an open loop, latency counted from the intended arrival. What
 * is left for logs of a closed loop with a known interval T is HdrHistogram's correction: an answer of v means that
 * requests T, 2T, ... later would have waited v - T, v - 2T, ... It is a correction of its own column, never in place of
 * what was measured.
 */
#ifndef STATS_LOAD_H
#define STATS_LOAD_H

#include <stddef.h>

#include "base/err.h"

/* Each value, followed by v - T, v - 2T, ... while that is at least T. *out is the caller's to free(). */
int omission_backfill(double **out, size_t *count, const double *x, size_t n, double interval, struct err *err);

#endif
