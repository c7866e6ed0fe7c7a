/* fake.h - the engine with which everything above the engine interface is tested exactly.
 *
 * Deterministic and scripted: its distributions are known in closed form, its clock is virtual, its delays and faults
 * are options (`engines: [{name: fake, options: {token_ms: 10}}]` in a manifest).
 *
 * The vocabulary. Of the V ids, 0..255 are the bytes of text and V-1 ends a text; ids between have the text "<ID>".
 * A V below 257 has bytes 0..V-2 only.
 *
 * The distribution. A context c of ids has a state, S(c):
 *     S() = mix(model_seed),    S(c, id) = mix(S(c) + id + 1),    mix = the output of one step of splitmix64
 * and a head, the likeliest next id:
 *     h(c) = V-1                          if eos_every > 0 and S(c) mod eos_every = 0
 *            97 + S(c) mod 26             else if V >= 257 (so that greedy text is lower-case letters)
 *            S(c) mod (V-1)               else
 * From there the probabilities fall geometrically by q = `decay`, around the vocabulary:
 *     p(id | c) = (1-q) q^r / (1-q^V),    r = (id - h(c)) mod V
 * so that greedy takes h, the k likeliest are h, h+1, ... mod V, temperature T turns q into q^(1/T), and top-k and top-p
 * cut r from above. model_seed is the option of that name, or the FNV-1a hash of the model's name when it is absent.
 *
 * Time. A launch, a request and a token step each have a factor, about 1; a step's time is its nominal time times all
 * three. Nominal: load_ms to open; enqueue_ms between handing a step over and its first work; the first step
 * prompt_token_ms for each id of the longest prompt; every later step token_ms + position_ms for each position before it.
 * All of it times 1 + batch_share (n-1) for a batch of n. A factor is max(0.01, 1 + noise): noise of mean about 0 and
 * standard deviation launch_cv, request_cv, token_cv, of the shape asked for: "normal"; "lognormal" (median 1); or
 * "bimodal": +mode_shift with probability mode_share, else 0, and normal noise around both. Requests of a launch follow
 * each other with correlation `rho` (AR(1), stationary). `drift` adds that share a launch, in the order in which
 * launches are run. Every draw depends on nothing but (seed of the launch, number of the request, number of the step):
 * a launch that is taken up again in the middle gives the samples that it would have given.
 */
#ifndef ENGINES_FAKE_H
#define ENGINES_FAKE_H

#include <stdint.h>

/* The state of a context, as above; fold from fake_state_init over its ids. */
uint64_t fake_state_init(uint64_t model_seed);
uint64_t fake_state_push(uint64_t state, int32_t id);
uint64_t fake_model_seed(const char *model);
/* h(c) of a context with that state. */
int32_t fake_head(uint64_t state, int vocabulary, uint64_t eos_every);

#endif
