/* timed.h - requests of exact lengths, warmed up and timed: what the questions about speed share.
 *
 * Their cells have the parameters prompt_len, gen_len, batch_size, warmup_runs, timed_runs and maybe depth. A request has
 * `depth` tokens that no clock counts, takes prompt_len tokens and asks for gen_len + 1 new ones: the first comes out of the
 * prefill, then gen_len decode steps are timed. Every prompt begins with a token of its own, so that no prefix cache can
 * answer for the engine; all engines of a vocabulary get the same ids. Greedy; the end of a text is ignored.
 */
#ifndef EXPERIMENTS_TIMED_H
#define EXPERIMENTS_TIMED_H

#include "experiments/experiment.h"

struct timed {
    struct engine_prompt *prompts;
    struct engine_reply *replies; /* [batch] of the last request */
    size_t batch, depth, prompt_len, gen_len;
    uint64_t warmup, requests;    /* requests: those made so far in this process */
    int32_t *ids;
};

/* For struct experiment. */
uint64_t timed_samples(const json_t *params);
void timed_load(const json_t *params, uint64_t *requests, size_t *prompt, size_t *new_tokens, size_t *batch);
int timed_needs(const struct engine_capabilities *can, const json_t *params, struct err *err);

/* Makes the requests of a cell that are not stored yet. `after` sees each, number i from 0 with the warm-ups first, and has
 * the timed ones stored. */
int timed_run(struct cell *c, int (*after)(struct cell *c, struct timed *t, uint64_t i, struct err *err), struct err *err);

#endif
