/* simulate.h - timings whose truth is known: what a harness must not be fooled by.
 *
 * A machine yields one time after the other; samplers differ in how the times depend on each other and on when they are
 * taken. Whole sessions are then measured on it in one order (all of A, then all of B) or another (blocks ABBA/BAAB).
 */
#ifndef SUPPORT_SIMULATE_H
#define SUPPORT_SIMULATE_H

#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"

enum sampler { SAMPLE_NORMAL, SAMPLE_LOGNORMAL, SAMPLE_BIMODAL, SAMPLE_AR1, SAMPLE_DRIFT, SAMPLER_COUNT };
const char *sampler_name(enum sampler s);

struct machine {
    enum sampler kind;
    double rho; /* of AR1 */
    struct rng rng;
    double state; /* AR1: the noise of the last time */
    size_t taken;
};

/* NORMAL: cov 5 %. LOGNORMAL: sigma 0.5. BIMODAL: 90 % at 1, 10 % at 1.2, cov 2 % around each. AR1: stationary, cov 5 %,
 * rho given (0: 0.5). DRIFT: normal, and 0.05 % slower with every time taken. */
void machine_start(struct machine *m, enum sampler kind, double rho, uint64_t seed);
double machine_time(struct machine *m);

/* A session of `blocks` blocks of four launches with `requests` each: values in the order measured, with side (0 is A, 1
 * is B), launch and block. ABBA/BAAB by coin, or, with naive, all of A before all of B. Times of B are multiplied by
 * `effect`. Arrays of 4 * blocks * requests. */
struct session {
    double *value;
    uint32_t *launch, *block;
    unsigned char *side;
    size_t n;
};
void session_run(struct session *s, struct machine *m, size_t blocks, size_t requests, double effect, int naive,
                 uint64_t seed);
void session_release(struct session *s);

#endif
