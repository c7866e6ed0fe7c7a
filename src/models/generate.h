/* generate.h - one continuation of a session, token by token: sampling, stop strings, streaming text, times.
 *
 *     struct generation g;
 *     struct generation_request r = {.prompt = ids, .n_prompt = n, .max_tokens = 64, .sampling = {.temperature = 0.85}};
 *     TRY(generate(&g, session, tokenizer, &r, err));
 *     printf("%.*s\n", (int)g.text.len, g.text.data);
 *     generation_release(&g);
 *
 * `ids` are the new tokens, one that ended the text included. `text` shows them without special tokens, and ends before a
 * stop string. What is streamed is the same text in pieces of whole characters, never beyond a stop string that may be
 * beginning. Log-probabilities are the model's own, before any sampling step.
 */
#ifndef MODELS_GENERATE_H
#define MODELS_GENERATE_H

#include <signal.h>
#include <stdbool.h>

#include "base/buf.h"
#include "models/sampler.h"
#include "models/session.h"

enum finish { FINISH_LENGTH, FINISH_EOS, FINISH_STOP, FINISH_INTERRUPTED };
const char *finish_name(enum finish f); /* "length", "eos", "stop", "interrupted" */

struct generation_request {
    const int32_t *prompt; /* follows what the session's sequence holds already; at least one */
    size_t n_prompt;
    int32_t seq;
    int max_tokens;
    bool ignore_eos;
    const int32_t *ends; /* ids that end the text beside the model's own EOS */
    size_t n_ends;
    struct sampling sampling;
    const char *const *stops;
    size_t n_stops;
    /* MAY. A piece of text, when there is one to show. */
    void (*on_text)(void *user, const char *text, size_t len);
    /* MAY. Every token as it is chosen: seconds since the one before (the first: since the prompt was handed over). */
    void (*on_token)(void *user, size_t i, int32_t id, double logprob, double seconds);
    void *user;
    const volatile sig_atomic_t *interrupted; /* looked at between tokens; NULL: never */
};

struct generation {
    int32_t *ids;
    double *logprobs, *seconds; /* [n] */
    size_t n;
    struct buf text;
    enum finish finish;
    double prefill_seconds; /* of the prompt's forward; part of seconds[0] */
};

/* `t` may be NULL: no text then, and no stop strings. After it the session holds the prompt and every new token but the
 * last. Refused when prompt and max_tokens together exceed the session's context. */
int generate(struct generation *out, struct session *s, const struct model *m, const struct tokenizer *t,
             const struct generation_request *r, struct err *err);
void generation_release(struct generation *g);

#endif
