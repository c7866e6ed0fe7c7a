/* property.h - a statement that must hold for every input, tried on many seeded ones.
 *
 *     static void shifts_with_the_data(struct property *p)
 *     {
 *         double *x = property_samples(p, 1, 40);
 *         ...
 *         property_close(p, median(x + 5), median(x) + 5, 1e-9);
 *     }
 *     property_run("median", shifts_with_the_data, 300);
 *
 * Sizes grow with the round, so that the first failure is nearly the smallest; it prints the seed, the round and the
 * samples. PRONY_PROPERTY_SEED repeats or varies a run.
 */
#ifndef SUPPORT_PROPERTY_H
#define SUPPORT_PROPERTY_H

#include <stddef.h>

#include "base/rng.h"

struct property {
    struct rng rng;
    const char *name;
    int round, rounds;
    double *x[4]; /* the sets drawn in this round, to print and to free */
    size_t n[4];
    int sets;
};

void property_run(const char *name, void (*holds)(struct property *p), int rounds);

size_t property_size(struct property *p, size_t least, size_t most);
/* A set of `n` samples, of a kind drawn by chance: normal, lognormal, few distinct values (ties), two humps, one giant,
 * all equal. The property owns it until the round ends. At most 4 a round. */
double *property_samples(struct property *p, size_t n);
/* The same without ties and all above zero. */
double *property_positive(struct property *p, size_t n);

void property_close(struct property *p, double got, double want, double tol); /* as assert_close */
void property_true(struct property *p, int holds, const char *what);

#endif
