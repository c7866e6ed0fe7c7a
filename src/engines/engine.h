/* engine.h - something that turns a prompt into tokens.
 *
 *     struct engine_name name;
 *     TRY(engine_name_parse(&name, "fake", err));                        // NAME[:VARIANT][@URL]
 *     struct engine *e;
 *     TRY(engine_open(&e, &(struct engine_spec){.name = &name, .model = "m.gguf", .context = 256}, err));
 *
 *     struct engine_prompt prompt = {.ids = ids, .n_ids = 12};
 *     struct engine_request request = {.prompts = &prompt, .n_prompts = 1, .max_tokens = 64, .ignore_eos = true};
 *     struct engine_reply reply = {0};
 *     if (engine_generate(e, &request, &reply, err) == 0)
 *         for (size_t i = 0; i < reply.n_steps; i++)
 *             printf("%d %g ms\n", reply.steps[i].id, ns_to_ms(reply.steps[i].done - reply.submitted));
 *     engine_reply_release(&reply);
 *     engine_close(e);
 *
 * Invariants.
 * - An engine is one open model in one configuration, used by one thread. Opening and closing are slow; a request
 *   keeps no trace in the next one (no prefix is kept between them, or the reply says how much was: `cached_tokens`).
 * - Prompts are token ids wherever the engine takes them: then every engine is asked exactly the same.
 * - Logits and log-probabilities are the model's own: natural logarithms, before temperature, top-k or top-p.
 * - Stamps are nanoseconds of engine_now, which is CLOCK_MONOTONIC unless the engine has a clock of its own (fake).
 *   They are taken where the event is seen first (the socket is read, the logits are there), before any parsing.
 *   Token steps stay in memory while a request runs: nothing is printed, written or converted inside its clock.
 * - The wrappers below check both sides. A request that makes no sense is ERR_USAGE before the engine sees it; a reply
 *   that makes none (wrong counts, an id outside the vocabulary, NaN, time that runs backwards) is ERR_ENGINE. Callers
 *   never look at a reply that was not checked.
 *
 * An engine is one file NAME.c with `const struct engine_class engine_NAME`, and the line ENGINE(NAME) in list.h.
 */
#ifndef ENGINES_ENGINE_H
#define ENGINES_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"

enum { ENGINE_VARIANT_MAX = 32, ENGINE_URL_MAX = 512 };

struct engine_class;

/* ---- names ------------------------------------------------------------------------------------------------------ */

struct engine_name {
    const struct engine_class *class;
    char variant[ENGINE_VARIANT_MAX]; /* "": the engine's default, the first of its variants */
    char url[ENGINE_URL_MAX];         /* "": none given */
};

/* "fake", "pytorch:opt", "llamacpp@http://127.0.0.1:8003"; the names of other tools (base/alias.h) count too. A name
 * nobody knows is ERR_USAGE with the nearest; a name that prony will know but that is not in list.h is
 * ERR_UNSUPPORTED, which a run turns into a row with that reason. */
int engine_name_parse(struct engine_name *out, const char *text, struct err *err);
/* "pytorch:opt" (without the URL), in `text`; returns it. */
enum { ENGINE_LABEL_MAX = 64 };
const char *engine_name_label(const struct engine_name *name, char text[ENGINE_LABEL_MAX]);

/* The classes of list.h in its order; NULL after the last. */
const struct engine_class *engine_class_at(size_t i);

/* ---- what is asked ---------------------------------------------------------------------------------------------- */

/* All strings and JSON are borrowed for the duration of engine_open. */
struct engine_spec {
    const struct engine_name *name;
    const char *model;     /* file, folder or key; NULL for an engine that needs none */
    const json_t *options; /* an object of the engine's own options (docs/ENGINES.md), or NULL */
    const char *device;    /* "cpu", "cuda", ...; NULL: cpu */
    const char *kv;        /* type of the KV cache ("f16", "q8_0"); NULL: the engine's own */
    int threads;           /* 0: as many as this process may use */
    int context;           /* positions a sequence must hold; 0: the model's own */
    int batch;             /* prompts of the largest request; 0: 1 */
    uint64_t seed;         /* of this launch: for what is random in the engine beside sampling */
    uint64_t launch;       /* which launch of the run this is, counted from 0 in the order they are run */
};

struct engine_prompt {
    const int32_t *ids;
    size_t n_ids;
    size_t n_before;  /* of them, those that are worked off before the request's clock starts (needs `depth`) */
    const char *text; /* instead of ids (n_ids 0), for engines that take text only */
};

struct engine_sampling {
    double temperature; /* 0: greedy, the largest logit; ties to the lowest id */
    int top_k;          /* 0: all */
    double top_p;       /* 0 or 1: all */
    uint64_t seed;      /* the same seed gives the same tokens where the engine claims `seed` */
};

struct engine_step; /* below */

struct engine_request {
    const struct engine_prompt *prompts; /* run together, as one batch */
    size_t n_prompts;
    size_t max_tokens;   /* new tokens for each prompt, at least 1 */
    bool ignore_eos;     /* go on to max_tokens whatever comes (needs `fixed_length`) */
    int n_top;           /* log-probabilities of that many likeliest tokens at each step */
    struct engine_sampling sampling;
    const char *const *stops; /* texts that end a reply, not part of it; NULL: none */
    size_t n_stops;
    uint64_t ordinal;    /* which request of its launch this is, warm-ups included, counted from 0 */
    /* Called after each step of prompt 0 was stamped, with what can be shown so far of its text; false ends the reply
     * there. NULL: nobody watches. */
    bool (*on_token)(void *arg, const struct engine_step *step, const char *piece, size_t len);
    void *on_token_arg;
};

/* ---- what comes back -------------------------------------------------------------------------------------------- */

#define ENGINE_NEVER INT64_MIN /* a stamp that the engine cannot see */

struct engine_top {
    int32_t id;
    double logprob;
};

/* One new token. The first step's `handed` is when the request was handed over, so that the prefill is its work; a
 * later step is handed over when the one before it was done. */
struct engine_step {
    int32_t id;            /* -1 where the engine gives no ids, or none for this token (reply.n_unknown) */
    double logprob;        /* NaN where the engine gives none */
    int64_t handed;        /* the work could begin */
    int64_t began;         /* first work on it, or ENGINE_NEVER */
    int64_t done;          /* the token is in the caller's hands */
    size_t text_at, text_len; /* its bytes in reply.text: a text may break inside a character */
};

enum engine_finish { FINISH_LENGTH, FINISH_EOS, FINISH_STOP, FINISH_CALLER };
const char *engine_finish_name(enum engine_finish f); /* "length", "eos", "stop", "caller" */

/* One prompt's reply. Zero it before the first use; it may be used again for the next request (its memory is kept),
 * and engine_reply_release ends it. */
struct engine_reply {
    struct engine_step *steps; /* the end-of-sequence token included when it was produced */
    size_t n_steps;
    struct engine_top *tops; /* [n_steps][n_top], likeliest first, ties to the lowest id; NULL when not asked for */
    int n_top;
    struct buf text;
    size_t n_prompt;        /* tokens of the prompt by the engine's own count */
    int64_t n_reported;     /* new tokens by the engine's own count; -1: it keeps none */
    int64_t n_ambiguous, n_unknown; /* tokens whose id was looked up by their text and is one of several, or not known */
    int64_t cached_tokens;  /* of the prompt that were not computed again; -1: unknown */
    int64_t submitted;      /* the request was handed over */
    int64_t prefilled;      /* the prompt was through, or ENGINE_NEVER */
    double server_prefill_ms, server_decode_ms; /* as the engine says of itself; NaN: it says nothing */
    enum engine_finish finish;
    size_t cap_steps, cap_tops; /* private to engine_reply.c */
};

void engine_reply_release(struct engine_reply *r); /* frees all; zeroed and usable again */

/* ---- an open engine --------------------------------------------------------------------------------------------- */

struct engine_facts {
    char version[96];       /* of what was really opened */
    char clock[16];         /* what its stamps are read from: "monotonic" unless it says otherwise */
    char quantize[32];      /* "f32", "q4_k", "mixed q4_k/q6_k" */
    char precision[16];     /* what the numbers are multiplied in: "f32", "bf16", "int8"; "": unknown */
    char kv[16];            /* type of the KV cache; "": unknown */
    int threads;            /* that compute; 0: unknown */
    char size[16];          /* "8B", "15M": the parameters, rounded as people name models */
    char model_sha256[65];  /* "": unknown */
    int vocabulary;         /* 0: unknown */
    int context;
    int32_t eos;            /* one that ends a text, or -1 */
    uint64_t parameters;
    uint64_t step_parameters;  /* used for one token (fewer than `parameters` for experts); 0: unknown */
    uint64_t step_bytes;       /* of weights that one step must read; 0: unknown */
    uint64_t position_bytes;   /* of KV cache that one step must read for each position before it */
    uint64_t row_ops;          /* multiplications and additions of one token through all layers; 0: unknown */
    uint64_t logits_ops;       /* the same of one row of logits */
    uint64_t position_ops;     /* the same of attention, for each position that a token sees */
    int64_t load_ns;           /* what opening took, by the engine's clock */
};

/* Bytes; -1: the engine does not know. The peak of the process is measured from outside. */
struct engine_memory {
    int64_t weights, kv, scratch;
};

struct engine_score {
    const int32_t *ids; /* at least 2 */
    size_t n_ids;
    /* out: [n_ids]; the log-probability of ids[i] after ids[0..i-1]; NaN for the first */
    double *logprobs;
    /* With `full_logits`: called for each position i with the logits that follow ids[0..i], borrowed for the call.
     * A return of -1 ends the scoring with that error. NULL: not wanted. */
    int (*on_logits)(void *arg, size_t i, const float *logits, size_t n, struct err *err);
    void *on_logits_arg;
};

struct engine;

/* Gives *out to the caller, who ends it with engine_close. */
int engine_open(struct engine **out, const struct engine_spec *spec, struct err *err);
void engine_close(struct engine *e); /* NULL is fine */

const struct engine_class *engine_class_of(const struct engine *e);
const struct engine_facts *engine_facts(const struct engine *e); /* borrowed until close */
const struct engine_capabilities *engine_can(const struct engine *e); /* of this one, as opened; borrowed */
int64_t engine_now(struct engine *e);

/* Fills replies[n_prompts]. On failure what they hold is undefined, but still to be released. */
int engine_generate(struct engine *e, const struct engine_request *request, struct engine_reply *replies,
                    struct err *err);
/* ERR_UNSUPPORTED where the engine cannot. */
int engine_score(struct engine *e, const struct engine_score *score, struct err *err);
/* Appends the ids of a text, in new memory to free(); without a beginning-of-sequence token. */
int engine_tokenize(struct engine *e, const char *text, size_t len, int32_t **ids, size_t *n_ids, struct err *err);
int engine_detokenize(struct engine *e, const int32_t *ids, size_t n_ids, struct buf *text, struct err *err);
void engine_memory(struct engine *e, struct engine_memory *out);

/* ---- for the engines themselves --------------------------------------------------------------------------------- */

/* What an engine can do in principle; engine_open may take away what this model or version lacks. */
struct engine_capabilities {
    bool token_ids;      /* takes and gives token ids */
    int top_k;           /* the largest n_top; 0: no log-probabilities; ENGINE_TOP_ALL: the whole vocabulary */
    bool prompt_logprobs; /* score */
    bool full_logits;    /* score with on_logits */
    bool streaming;      /* each step has its own stamp; without it all steps of a reply share the last one */
    bool server_timings;
    bool tokenization;
    bool fixed_length;   /* ignore_eos */
    bool seed;           /* the same sampling seed gives the same tokens */
    bool stops;
    bool depth;          /* prompts may begin with tokens that no clock counts (n_before) */
    bool logprobs_cost;  /* a token's own log-probability comes only with n_top > 0: having it takes the engine time */
    int batch;           /* the largest n_prompts; 0: any */
    double score_error;  /* a text may score so far (nats a token) from what was said when it was written, because many
                          * rows at once round otherwise than one by one; 0: not more than 1e-4 */
};
#define ENGINE_TOP_ALL (1 << 30)

enum engine_status { ENGINE_INSTALLED, ENGINE_REACHABLE, ENGINE_MISSING, ENGINE_UNSUPPORTED };
const char *engine_status_name(enum engine_status s); /* "installed", "reachable", "missing", "unsupported" */

struct engine_probe {
    enum engine_status status;
    char version[96]; /* "": unknown */
    char why[256];    /* what is missing and how to get it; "" when it is there */
};

struct engine_class {
    const char *name;
    const char *what;                  /* one line for lists: "prony's own, in this process" */
    const char *const *variants;       /* ended by NULL; the first is the default. NULL: none have names */
    const char *checked_against;       /* "real 0.13.0", or "double only": follows its numbers into every report */
    struct engine_capabilities can;
    bool needs_model, takes_url;
    const void *row;                   /* what the shared core of a family of engines needs to know of this one */

    /* MUST. Is it here? Looks, but launches nothing and takes no longer than a second. */
    void (*probe)(const struct engine_name *name, struct engine_probe *out);
    /* MUST. On success *self is given to the wrapper and every field of `facts` that is known is filled (they come
     * zeroed, eos -1). `can` holds the class's row and may be narrowed. */
    int (*open)(void **self, const struct engine_spec *spec, struct engine_facts *facts,
                struct engine_capabilities *can, struct err *err);
    /* MUST. Each reply was cleared and has room for max_tokens steps, so that the hot path need not allocate. It sets
     * `submitted`, adds steps (engine_reply_add), sets `finish` and what else it knows. */
    int (*generate)(void *self, const struct engine_request *request, struct engine_reply *replies, struct err *err);
    /* MAY, with prompt_logprobs. */
    int (*score)(void *self, const struct engine_score *score, struct err *err);
    /* MAY, both or none, with tokenization. */
    int (*tokenize)(void *self, const char *text, size_t len, int32_t **ids, size_t *n_ids, struct err *err);
    int (*detokenize)(void *self, const int32_t *ids, size_t n_ids, struct buf *text, struct err *err);
    /* MAY. The fields come as -1. */
    void (*memory)(void *self, struct engine_memory *out);
    /* MAY. NULL: CLOCK_MONOTONIC. */
    int64_t (*now)(void *self);
    /* MAY. What a launch of so many requests will take by the options alone, without opening anything: for plans. */
    double (*guess_ms)(const json_t *options, uint64_t requests, size_t prompt, size_t new_tokens, size_t batch);
    /* MUST. After it nothing that open started is left. */
    void (*close)(void *self);
};

/* Adds a step with its text and, when the reply has room for them, its n_top likeliest (sorted by the caller).
 * Allocates only when the text outgrows what earlier requests needed. */
int engine_reply_add(struct engine_reply *r, const struct engine_step *step, const char *piece, size_t len,
                     const struct engine_top *tops, struct err *err);

#endif
