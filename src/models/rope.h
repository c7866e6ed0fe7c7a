/* rope.h - rotary positions: which angles a position has.
 *
 * As transformers computes them: frequencies and angles are float32 (at position 8000 a float32 angle is wrong by up to
 * 2^-11, and so are everyone's; being more exact would mean being different).
 */
#ifndef MODELS_ROPE_H
#define MODELS_ROPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rope_scaling;

struct rope_config {
    const struct rope_scaling *scaling; /* NULL: none */
    int dims;                           /* numbers of a head that are rotated; even; 0: no rotary positions */
    bool adjacent;                      /* pairs (2i, 2i+1) instead of (i, i + dims/2) */
    double theta, factor;
    int original_context;
    double low_factor, high_factor;             /* llama3 */
    double beta_fast, beta_slow;                /* yarn */
    double attention_factor;                    /* yarn: 0 = from factor */
    double mscale, mscale_all;                  /* yarn: 0 = not given */
    bool truncate;                              /* yarn */
    const float *long_divisors, *short_divisors; /* longrope: [dims / 2], beyond the original context and within; borrowed */
};

/* By the name config.json gives it ("linear"); NULL for one that is not known. "default" is not among them. */
const struct rope_scaling *rope_scaling_find(const char *name);
const char *rope_scaling_names(void); /* "linear, dynamic, ..." */
const char *rope_scaling_name(const struct rope_scaling *s);

/* The frequencies [dims/2] for a sequence of `length` positions (only "dynamic" and "longrope" ask) into out, and the factor on cosines
 * and sines. `divisors` [dims/2] divides each, or NULL. */
float rope_frequencies(float *out, const struct rope_config *c, int length, const float *divisors);
/* Does the length of the sequence matter? */
bool rope_depends_on_length(const struct rope_config *c);

/* cos and sin of one position into out [dims/2][2]. */
void rope_angles(float *out, const float *frequencies, int n_pairs, int32_t pos, float factor);

#endif
