/* rng.h - seeded random numbers, the same on every machine.
 *
 * xoshiro256** (Blackman and Vigna, https://prng.di.unimi.it), its state filled by splitmix64 from one 64-bit seed.
 * Not for secrets.
 */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

struct rng {
    uint64_t s[4];
};

/* One step of splitmix64: also the generator of the statistics vectors. */
uint64_t splitmix64(uint64_t *state);

void rng_init(struct rng *r, uint64_t seed);
uint64_t rng_next(struct rng *r);
double rng_unit(struct rng *r);                 /* [0, 1), 53 bits */
uint64_t rng_below(struct rng *r, uint64_t n);  /* [0, n), without bias; n > 0 */
double rng_normal(struct rng *r);               /* mean 0, sd 1 (Box-Muller, one value a call) */
void rng_shuffle(struct rng *r, void *items, size_t n, size_t size); /* Fisher-Yates */

#endif
