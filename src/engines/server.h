/* server.h - what all engines that are servers share. Private to engines/.
 *
 * An adapter of a server is one file: an engine_class whose `row` is a struct server_row, in which it says how a request
 * is written in its words and how one event of its answer is read. Connecting, waiting until it is ready, streaming,
 * stamping, counting and every fault of the wire are here, once.
 *
 * What always holds. A request is streamed; the stamp of a step is that of the socket read that ended its event. Nothing
 * is parsed before the last byte came, unless the caller watches (on_token). Nothing is sent twice while a clock runs.
 * New tokens are counted by ids or by the server's own count, never by events.
 */
#ifndef ENGINES_SERVER_H
#define ENGINES_SERVER_H

#include <jansson.h>

#include "base/buf.h"
#include "engines/engine.h"
#include "engines/token_map.h"
#include "net/event_stream.h"
#include "net/http.h"

enum { SERVER_EVENT_MAX = 32 << 20 };

struct server {
    const struct server_row *row;
    struct engine_facts facts;  /* as told at opening */
    struct engine_capabilities can;
    struct http *http;
    struct http_key key;
    struct http_limits limits;
    char url[ENGINE_URL_MAX];   /* without a last slash, and without the row's suffix */
    char model[256];            /* the name that requests carry; "" until it is known */
    char unix_socket[108];
    bool chat;                  /* option of `openai` */
    bool kernel_stamps;         /* its socket tells when bytes came in */
    struct tokenizer *tokenizer; /* of the model given in the spec; NULL: not to be had */
    struct token_map *map;
};

/* One prompt that is being answered. */
struct server_talk {
    struct server *server;
    const struct engine_request *request;
    const struct engine_prompt *prompt;
    struct engine_reply *reply;
    size_t index;               /* of the prompt in the request */
    char *path;
    struct buf body;            /* of the request */
    struct buf whole;           /* a reply that is no stream */
    struct buf told;            /* events that wait to be read */
    struct server_event *events;
    size_t n_events, cap_events;
    size_t n_seen;              /* events that came, kept or not */
    struct event_stream stream;
    struct http_exchange exchange;
    struct engine_top *tops;    /* [n_top] of the step that is being read */
    int64_t stamp;              /* of the event that is being read */
    bool began, is_stream;      /* the first bytes told what it is */
    bool finished;              /* the server said why it ended: counts may still follow */
    bool over;                  /* and this was the last event */
    bool refused;               /* the caller had enough */
    int64_t n_lost;             /* tokens that came without an id */
};

struct server_event {
    size_t at, len;
    int64_t stamp;
};

struct server_row {
    const char *default_url;    /* NULL: it must be given */
    const char *suffix;         /* of the URL, that routes bring themselves: "/v1"; NULL */
    const char *ready_path;     /* answers 2xx to GET when the server is up, 503 while it loads */
    const char *version_path;   /* GET; NULL: it tells no version */
    const char *version_key;    /* of the JSON there; of an object */
    const char *stream_type;    /* content type of a stream */
    enum event_framing framing;
    const char *tokenize_path, *tokenize_key;     /* POST {key: text} -> {"tokens": [...]}; NULL: it does not tell */
    const char *detokenize_path, *detokenize_key; /* POST {"tokens": [...]} -> {key: text} */
    bool maps_ids;              /* gives texts only: ids are looked up in the reference tokenizer */
    bool takes_text;            /* takes no ids: they become text through the reference tokenizer */
    bool holds_text;            /* holds tokens back until a character is whole, and then names only the last one */
    /* MAY. What else is to be known: context, vocabulary, the name of the model. */
    int (*meet)(struct server *s, struct err *err);
    /* MUST. The route and the body of a streamed request for prompt number `index`; NULL: a text of it is not UTF-8. */
    const char *(*path)(const struct server *s);
    json_t *(*ask)(const struct server *s, const struct engine_request *r, const struct engine_prompt *p, size_t index);
    /* MUST. One event that is no error. -1 and err. */
    int (*hear)(struct server_talk *t, const json_t *event, struct err *err);
    /* MAY. After the stream: what it did not tell is asked for, outside every clock. */
    int (*settle)(struct server_talk *t, struct err *err);
    int (*score)(struct server *s, const struct engine_score *score, struct err *err);
};

/* The slots of a class. */
void server_probe(const struct engine_name *name, struct engine_probe *out);
int server_open(void **self, const struct engine_spec *spec, struct engine_facts *facts, struct engine_capabilities *can,
                struct err *err);
int server_generate(void *self, const struct engine_request *request, struct engine_reply *replies, struct err *err);
int server_score(void *self, const struct engine_score *score, struct err *err);
int server_tokenize(void *self, const char *text, size_t len, int32_t **ids, size_t *n_ids, struct err *err);
int server_detokenize(void *self, const int32_t *ids, size_t n_ids, struct buf *text, struct err *err);
void server_close(void *self);
#define SERVER_SLOTS                                                                                          \
    .takes_url = true, .probe = server_probe, .open = server_open, .generate = server_generate,               \
    .score = server_score, .tokenize = server_tokenize, .detokenize = server_detokenize, .close = server_close

/* One exchange outside every clock; a new reference, or NULL and err (also for an error in its body). body NULL: GET. */
json_t *server_json(struct server *s, const char *path, json_t *body, struct err *err);

/* ---- for `meet` and `ask` --------------------------------------------------------------------------------------- */

/* Takes the only model of a list like OpenAI's, unless the options named one. The list, or NULL and err. */
json_t *server_models(struct server *s, const char *path, struct err *err);
/* A prompt as an array of ids or a text; NULL: not UTF-8. */
json_t *server_prompt(const struct engine_prompt *p);
json_t *server_stops(const struct engine_request *r); /* an array of texts */
/* prompt, max_tokens, temperature, top_p, seed, stop, stream and usage in OpenAI's words. */
json_t *openai_ask(const struct server *s, const struct engine_request *r, const struct engine_prompt *p, size_t index);
int openai_hear(struct server_talk *t, const json_t *event, struct err *err);
/* {"id"?, "token", "bytes"?, "logprob", "top_logprobs"?}: all but the text. */
struct server_token;
int openai_entry(struct server_talk *t, const json_t *entry, struct server_token *token, struct err *err);
const char *openai_path(const struct server *s); /* "/v1/completions" */

/* ---- for `hear` ------------------------------------------------------------------------------------------------- */

/* What the event says of a token. A row fills what it knows. */
struct server_token {
    int32_t id;          /* -1: unknown */
    double logprob;      /* NaN */
    size_t n_tops;       /* in t->tops, any order; sorted and cut here */
    const char *text;
    size_t len;
};
/* Adds a step stamped with the event. */
int server_add(struct server_talk *t, const struct server_token *token, struct err *err);
/* Adds n - 1 tokens that the server did not name, then this one: a chunk that ended n tokens. */
int server_add_group(struct server_talk *t, size_t n, const struct server_token *token, struct err *err);
/* Remembers one of the likeliest; ids below 0 are counted as lost. */
int server_top(struct server_talk *t, size_t *n_tops, int32_t id, double logprob, struct err *err);
/* An id for a text or its bytes: through the map, counted where it is not sure. */
int32_t server_map(struct server_talk *t, const char *text, size_t len, const json_t *bytes);
void server_finish(struct server_talk *t, const char *reason); /* "length", "stop", ... of the usual words */

/* What a status or a body with an error means. -1. `what` is the URL. */
int server_error(int status, const char *location, const char *body, size_t len, const char *what, struct err *err);
/* The text of an error in this JSON, in any of the shapes that servers use; NULL: it is none. Borrowed. */
const char *server_error_text(const json_t *v);

int64_t json_int_or(const json_t *o, const char *key, int64_t initial);
double json_number_or(const json_t *o, const char *key, double initial);
const char *json_text_or(const json_t *o, const char *key, const char *initial);

#endif
