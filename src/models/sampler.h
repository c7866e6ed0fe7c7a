/* sampler.h - from logits to the next token.
 *
 *     struct sampler s;
 *     TRY(sampler_init(&s, &(struct sampling){.temperature = 0.85, .top_p = 0.9, .seed = 42}, vocabulary, err));
 *     sampler_see(&s, prompt, n);                  // repetition_penalty looks at the prompt too
 *     int32_t id = sampler_pick(&s, logits);       // and counts it as generated
 *     sampler_release(&s);
 *
 * Invariants. What is zero is off. The steps are those of transformers, in its order: logit bias; repetition penalty over
 * prompt and text; presence and frequency penalties over the generated text (as OpenAI and vLLM define them); temperature;
 * top-k; top-p; min-p; typical. Temperature 0 takes the greatest logit after bias and penalties, the lowest id of equals.
 * The same seed and logits give the same ids on every machine: one draw of the generator a token.
 */
#ifndef MODELS_SAMPLER_H
#define MODELS_SAMPLER_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/rng.h"

struct logit_bias {
    int32_t id;
    double bias; /* -INFINITY forbids */
};

struct sampling {
    double temperature;        /* 0: greedy */
    int top_k;                 /* keeps the k greatest logits (and what equals the last) */
    double top_p;              /* keeps the likeliest tokens whose probabilities reach p */
    double min_p;              /* keeps tokens at least min_p times as likely as the likeliest */
    double typical;            /* keeps the tokens of mass `typical` whose surprise is nearest the entropy */
    double repetition_penalty; /* divides positive and multiplies negative logits of tokens seen; 1 and 0: off */
    double presence_penalty;   /* subtracted from tokens generated */
    double frequency_penalty;  /* subtracted for each time generated */
    const struct logit_bias *bias; /* borrowed */
    size_t n_bias;
    uint64_t seed;
};

struct candidate {
    double logit, p, order;
    int32_t id;
};

struct sampler {
    struct sampling how;
    struct rng rng;
    int vocabulary;
    int32_t *generated;      /* [vocabulary] times */
    uint8_t *seen;           /* [vocabulary] in prompt or text */
    struct candidate *pool;  /* [vocabulary] */
};

int sampling_check(const struct sampling *how, int vocabulary, struct err *err);
int sampler_init(struct sampler *s, const struct sampling *how, int vocabulary, struct err *err);
void sampler_release(struct sampler *s);

/* Tells of tokens that stand before what is generated. Ids outside the vocabulary are passed over. */
void sampler_see(struct sampler *s, const int32_t *ids, size_t n);
/* Counts a token as generated that something else chose (a verified draft). */
void sampler_accept(struct sampler *s, int32_t id);

int32_t sampler_pick(struct sampler *s, const float *logits);
/* The probabilities [vocabulary] that pick draws from; greedy: 1 for one token. Draws and counts nothing. */
void sampler_distribution(struct sampler *s, const float *logits, double *p);

/* Of plain logits: the greatest (lowest id of equals), and the natural logarithm of one token's probability. */
int32_t logits_best(const float *logits, int n);
double logits_logprob(const float *logits, int n, int32_t id);

#endif
