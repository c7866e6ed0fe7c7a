/* design.h - in what order two things are measured, so that drift of the machine falls on both alike.
 *
 *     char order[4 * 10];
 *     design_order(order, 10, seed);       // "ABBABAABABBA...": a coin decides each block
 *
 * In a block ABBA (or BAAB) whatever changes linearly with time adds the same to both sides and cancels in the
 * difference; in ABAB it does not. The coin for each block keeps a periodic disturbance from always meeting the same
 * side and makes the comparison within blocks a randomised experiment.
 */
#ifndef STATS_DESIGN_H
#define STATS_DESIGN_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define DESIGN_BLOCK 4

/* Fills 4 * blocks letters, 'A' and 'B', no terminator. Seeded, the same everywhere. */
void design_order(char *order, size_t blocks, uint64_t seed);

/* mean(A) - mean(B) of values measured in this order of n letters. */
int design_difference(double *out, const double *x, const char *order, size_t n, struct err *err);

#endif
