/* stand_in.h - a double: a server that speaks as a rival's does, in front of an engine of ours.
 *
 *     struct stand_in *s;
 *     TRY(stand_in_open(&s, &(struct stand_in_options){.dialect = "vllm", .engine = e}, err));
 *     ... asks at stand_in_url(s) while another thread is in stand_in_run(s, err) ...
 *     stand_in_stop(s);                              // from any thread; stand_in_run returns
 *     stand_in_close(s);
 *
 * Between open and close the engine belongs to the thread of stand_in_run. Strings are borrowed until close.
 */
#ifndef SERVE_STAND_IN_H
#define SERVE_STAND_IN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/json_out.h"
#include "engines/engine.h"
#include "serve/http_server.h"

struct stand_in_options {
    const char *dialect;   /* of list.h */
    struct engine *engine; /* borrowed */
    int port;              /* 0: any free one */
    const char *model;     /* the name it goes by; NULL: "double" */
    const char *key;       /* without this bearer key nothing is answered; NULL: no key */
    double token_ms;       /* between two tokens of a stream; 0: as fast as they are read */
    int loading_ms;        /* so long after opening it is still loading its model */
    const char *fault;     /* of faults.c; NULL: none */
    bool stamps;           /* each event bears "sent_ns", CLOCK_MONOTONIC just before it was written */
};

struct stand_in;
int stand_in_open(struct stand_in **out, const struct stand_in_options *options, struct err *err);
const char *stand_in_url(const struct stand_in *s); /* "http://127.0.0.1:PORT" */
int stand_in_run(struct stand_in *s, struct err *err);
void stand_in_stop(struct stand_in *s);
void stand_in_close(struct stand_in *s);

/* Names for lists; NULL after the last. */
const char *stand_in_dialect_at(size_t i);
const char *stand_in_fault_at(size_t i);

/* ---- for the dialects ------------------------------------------------------------------------------------------- */

/* What a request asked for, whatever its words were. */
struct want {
    struct engine_request request; /* its pointers are into this struct and the talk */
    struct engine_prompt prompt;
    const char *stops[16];
    int32_t *ids;          /* owned */
    bool stream, logprobs; /* logprobs: of the tokens themselves; request.n_top is how many others */
    bool usage;            /* stream_options.include_usage */
};

/* One generation that is being told: all of it is known, `at` steps are told. */
struct talk {
    struct stand_in *s;
    json_t *body;              /* what was asked, owned */
    struct want want;
    struct engine_reply reply;
    size_t at;                 /* steps that were told */
    size_t text_at;            /* bytes of the reply's text that were told */
    int phase;                 /* what of the end was told: the dialect's own count */
    int64_t created;           /* seconds since 1970 */
    enum http_next (*tell)(struct talk *t, struct buf *out); /* the next event */
    int fault_phase;
};

struct dialect {
    const char *name;
    /* Answers one call, or returns false for a path it does not have. */
    bool (*handle)(struct stand_in *s, const struct http_call *call, struct http_answer *a);
    /* How it says what went wrong: a body for that status. */
    void (*error)(struct buf *out, int status, const char *type, const char *text);
    const char *stream_type;   /* content type of a stream */
    const char *health_path;   /* answers 503 while loading; NULL: nothing does, all routes do */
};

const char *stand_in_model(const struct stand_in *s);
struct engine *stand_in_engine(const struct stand_in *s);
const struct dialect *stand_in_dialect(const struct stand_in *s);

bool call_is(const struct http_call *call, const char *method, const char *path);
void answer_error(struct stand_in *s, struct http_answer *a, int status, const char *type, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
/* Writes one JSON value into the answer's body. */
struct json_out answer_json(struct http_answer *a);

/* Parses the body; NULL: the answer is the error. */
struct talk *talk_new(struct stand_in *s, const struct http_call *call, struct http_answer *a);
/* Puts the prompt, a text or an array of ids, into t->want. False: the answer is the error. */
bool talk_prompt(struct talk *t, const json_t *prompt, struct http_answer *a);
/* All `content` of a chat, one after the other, is the prompt. */
bool talk_messages(struct talk *t, const json_t *messages, struct http_answer *a);
void talk_stops(struct talk *t, const json_t *stop);
/* Runs the engine. False: the answer is the error. */
bool talk_run(struct talk *t, struct http_answer *a);
/* Tells it in pieces by t->tell, at the double's pace; the answer owns the talk from then on. */
void talk_stream(struct talk *t, struct http_answer *a);
void talk_free(struct talk *t);

/* A text at `key` becomes {"tokens":[...]}, with "count" and "max_model_len" where the dialect has them; and back. */
void answer_tokenize(struct stand_in *s, const struct http_call *call, struct http_answer *a, const char *key, bool counts);
void answer_detokenize(struct stand_in *s, const struct http_call *call, struct http_answer *a, const char *key);

double body_number(const json_t *o, const char *key, double initial);
bool body_flag(const json_t *o, const char *key, bool initial);

/* How many steps from t->at on make one event: 1, or as many as it takes to end a character; 0: the text never ends it. */
size_t talk_group(const struct talk *t);
/* The text of the next n steps as far as its characters are whole (all of it with `last`): advances text_at. */
void talk_text(struct talk *t, size_t n, bool last, const char **text, size_t *len);
const struct engine_top *talk_tops(const struct talk *t, size_t step);
/* The bytes of one token as the engine's vocabulary has them. */
void talk_piece(const struct talk *t, int32_t id, struct buf *out);
void talk_stamp(const struct talk *t, struct json_out *j); /* "sent_ns", if asked for */

/* A fault may take the place of the next event: then *rc is what `next` returns. */
bool fault_tells(struct talk *t, struct buf *out, enum http_next *rc);
/* A fault may take the place of any answer to a generation (`generates`) or to anything. */
bool fault_answers(struct stand_in *s, bool generates, struct http_answer *a);
bool fault_is(const struct stand_in *s, const char *name);

#endif
