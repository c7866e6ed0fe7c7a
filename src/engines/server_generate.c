/* A request to a server: all prompts at once, each a stream of events that are stamped as they come and read afterwards. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "engines/server.h"

enum { WHOLE_MAX = 8 << 20, EVENTS_A_TOKEN = 16, EVENTS_ASIDE = 4096 };
static const size_t TOLD_MAX = (size_t)1 << 30;

/* ---- one event ------------------------------------------------------------------------------------------------------ */

static int hear(struct server_talk *t, const char *data, size_t len, int64_t stamp, struct err *err)
{
    t->stamp = stamp;
    if (t->over || t->refused)
        return 0;
    if (len == 6 && memcmp(data, "[DONE]", 6) == 0) {
        t->over = true;
        return 0;
    }
    json_t *event = json_loadb(data, len, JSON_ALLOW_NUL, NULL);
    if (!event)
        return err_set(err, ERR_ENGINE, "an event of the stream is no JSON: '%.*s'", (int)(len < 60 ? len : 60), data);
    const char *text = server_error_text(event);
    int rc = text ? err_set(err, ERR_ENGINE, "an error in the middle of the stream: %.300s", text)
                  : t->server->row->hear(t, event, err);
    json_decref(event);
    return rc;
}

/* Keeps an event for later, or reads it at once for a caller that watches. 1: nobody wants the rest. */
static int see_event(void *arg, const char *data, size_t len, int64_t stamp, struct err *err)
{
    struct server_talk *t = arg;
    size_t most = EVENTS_ASIDE + EVENTS_A_TOKEN * t->request->max_tokens;
    if (++t->n_seen > most)
        return err_set(err, ERR_ENGINE, "the stream has more than %zu events for %zu tokens", most, t->request->max_tokens);
    if (t->request->on_token && t->index == 0) {
        TRY(hear(t, data, len, stamp, err));
        return t->refused;
    }
    TRY(mem_grow(&t->events, &t->cap_events, t->n_events, sizeof *t->events, err));
    t->events[t->n_events++] = (struct server_event){.at = t->told.len, .len = len, .stamp = stamp};
    buf_add(&t->told, data, len);
    buf_char(&t->told, '\0');
    return buf_check(&t->told, err);
}

static int see_bytes(void *arg, const char *data, size_t len, int64_t stamp, struct err *err)
{
    struct server_talk *t = arg;
    const struct http_reply *r = &t->exchange.reply;
    if (!t->began) {
        t->began = true;
        t->is_stream = strcmp(r->content_type, t->server->row->stream_type) == 0;
        if (!t->is_stream && strcmp(r->content_type, "application/json") != 0) {
            err_set(err, ERR_ENGINE, "'%s' answers with '%s', expected %s", t->exchange.request.url, r->content_type,
                    t->server->row->stream_type);
            return err_hint(err, "is this the server that the engine's name says?");
        }
    }
    if (t->is_stream)
        return event_stream_feed(&t->stream, data, len, stamp, err);
    buf_add(&t->whole, data, len);
    return buf_check(&t->whole, err);
}

/* ---- what rows call ------------------------------------------------------------------------------------------------- */

static int by_rank(const void *x, const void *y)
{
    const struct engine_top *a = x, *b = y;
    if (a->logprob != b->logprob)
        return a->logprob > b->logprob ? -1 : 1;
    return (a->id > b->id) - (a->id < b->id);
}

int server_top(struct server_talk *t, size_t *n_tops, int32_t id, double logprob, struct err *err)
{
    if (*n_tops > (size_t)t->request->n_top) /* one more than asked for is usual: the token itself */
        return err_set(err, ERR_ENGINE, "more than the %d likeliest tokens that were asked for", t->request->n_top);
    t->tops[(*n_tops)++] = (struct engine_top){.id = id, .logprob = logprob};
    return 0;
}

int32_t server_map(struct server_talk *t, const char *text, size_t len, const json_t *bytes)
{
    char raw[512];
    int32_t id = -1;
    size_t n = json_array_size(bytes);
    enum token_match match = TOKEN_UNKNOWN;
    if (!t->server->map)
        return -1;
    for (size_t i = 0; i < n && i < sizeof raw; i++)
        raw[i] = (char)json_integer_value(json_array_get(bytes, i));
    if (n > 0 && n <= sizeof raw)
        match = token_map_bytes(t->server->map, raw, n, &id);
    if (match == TOKEN_UNKNOWN)
        match = token_map_text(t->server->map, text, len, &id);
    t->reply->n_ambiguous += match == TOKEN_AMBIGUOUS;
    return id;
}

int server_add(struct server_talk *t, const struct server_token *token, struct err *err)
{
    struct engine_reply *r = t->reply;
    const struct engine_request *q = t->request;
    int64_t handed = r->n_steps ? r->steps[r->n_steps - 1].done : r->submitted;
    struct engine_step step = {.id = token->id, .logprob = token->logprob, .handed = handed, .began = ENGINE_NEVER,
                               .done = t->stamp > handed ? t->stamp : handed};
    if (t->refused)
        return 0;
    if (q->n_top > 0 && token->n_tops < (size_t)q->n_top && token->id >= 0)
        return err_set(err, ERR_ENGINE, "token %zu came with %zu of the %d likeliest", r->n_steps, token->n_tops, q->n_top);
    qsort(t->tops, token->n_tops, sizeof *t->tops, by_rank);
    t->n_lost += token->id < 0;
    TRY(engine_reply_add(r, &step, token->text, token->len, token->n_tops ? t->tops : NULL, err));
    if (t->index == 0 && q->on_token &&
        !q->on_token(q->on_token_arg, &r->steps[r->n_steps - 1], token->text, token->len)) {
        t->refused = true;
        r->finish = FINISH_CALLER;
    }
    return 0;
}

int server_add_group(struct server_talk *t, size_t n, const struct server_token *token, struct err *err)
{
    struct server_token unnamed = {.id = -1, .logprob = NAN, .text = ""};
    for (size_t i = 1; i < n && t->reply->n_steps + 1 < t->request->max_tokens; i++)
        TRY(server_add(t, &unnamed, err));
    return server_add(t, token, err);
}

void server_finish(struct server_talk *t, const char *reason)
{
    if (t->refused)
        return;
    if (strcmp(reason, "length") == 0 || strcmp(reason, "limit") == 0)
        t->reply->finish = FINISH_LENGTH;
    else if (strcmp(reason, "eos") == 0)
        t->reply->finish = FINISH_EOS;
    else if (strcmp(reason, "word") == 0)
        t->reply->finish = FINISH_STOP;
    else /* "stop": by a text if one was asked for and the last token does not end texts */
        t->reply->finish = t->request->n_stops > 0 && (t->reply->n_steps == 0 || t->server->facts.eos < 0 ||
                           t->reply->steps[t->reply->n_steps - 1].id != t->server->facts.eos) ? FINISH_STOP : FINISH_EOS;
}

/* ---- one prompt ------------------------------------------------------------------------------------------------------ */

/* A server without ids gets the text of the ids, if it is sure to read the same ids in it. */
static int text_of(struct server *s, const struct engine_prompt *p, struct buf *text, struct err *err)
{
    struct ids back = {0};
    size_t skip = p->ids[0] == tokenizer_bos(s->tokenizer) && p->n_ids > 1; /* it puts that one there itself */
    TRY(tokenizer_decode(s->tokenizer, p->ids + skip, p->n_ids - skip, true, text, err));
    int rc = tokenizer_encode(s->tokenizer, text->data ? text->data : "", text->len, TOKENIZE_SPECIAL, &back, err);
    if (rc == 0 && (back.n != p->n_ids - skip || memcmp(back.data, p->ids + skip, back.n * sizeof *back.data) != 0)) {
        err_set(err, ERR_UNSUPPORTED, "this engine takes texts, and the text of these ids is split otherwise");
        rc = err_hint(err, "prompts that are texts can be asked of every engine");
    }
    ids_release(&back);
    return rc;
}

static int write_request(struct server_talk *t, struct err *err)
{
    struct server *s = t->server;
    struct buf text = BUF_INIT((size_t)64 << 20);
    struct engine_prompt as_text = *t->prompt;
    int rc = 0;
    if (s->row->takes_text && t->prompt->n_ids > 0) {
        rc = text_of(s, t->prompt, &text, err);
        as_text = (struct engine_prompt){.text = text.data ? text.data : ""};
    }
    json_t *body = rc == 0 ? s->row->ask(s, t->request, &as_text, t->index) : NULL;
    if (rc == 0 && !body)
        rc = err_set(err, ERR_USAGE, "the request cannot be written as JSON: its texts must be UTF-8");
    if (rc == 0)
        rc = json_write(&t->body, body, err);
    json_decref(body);
    buf_release(&text);
    return rc;
}

static int begin(struct server_talk *t, struct err *err)
{
    struct server *s = t->server;
    buf_init(&t->body, (size_t)256 << 20);
    buf_init(&t->whole, WHOLE_MAX);
    buf_init(&t->told, TOLD_MAX);
    event_stream_init(&t->stream, s->row->framing, SERVER_EVENT_MAX, see_event, t);
    t->tops = mem_alloc((size_t)t->request->n_top + 1, sizeof *t->tops, err);
    t->path = mem_printf(err, "%s%s", s->url, s->row->path(s));
    if (!t->tops || !t->path || write_request(t, err) < 0)
        return -1;
    t->exchange.request = (struct http_request){
        .url = t->path, .unix_socket = *s->unix_socket ? s->unix_socket : NULL, .key = &s->key, .body = t->body.data,
        .body_len = t->body.len, .limits = s->limits, .events = true, .on_data = see_bytes, .arg = t};
    return 0;
}

/* All bytes are here: reads what was kept. */
static int read_all(struct server_talk *t, struct err *err)
{
    const struct http_exchange *x = &t->exchange;
    const char *url = x->request.url;
    if (x->failure.code != ERR_NONE) {
        err_set(err, x->failure.code, "%s", x->failure.text);
        return *x->failure.hint ? err_hint(err, "%s", x->failure.hint) : -1;
    }
    if (x->reply.status < 200 || x->reply.status > 299)
        return server_error(x->reply.status, x->reply.location, x->reply.body.data, x->reply.body.len, url, err);
    if (!t->began)
        return err_set(err, ERR_ENGINE, "'%s' answers %d with nothing", url, x->reply.status);
    if (!t->is_stream)
        return server_error(x->reply.status, "", t->whole.data, t->whole.len, url, err);
    if (!t->refused)
        TRY(event_stream_end(&t->stream, err) < 0 ? -1 : 0);
    for (size_t i = 0; i < t->n_events; i++)
        TRY(hear(t, t->told.data + t->events[i].at, t->events[i].len, t->events[i].stamp, err));
    if (!t->over && !t->finished && !t->refused)
        return err_set(err, ERR_ENGINE, "'%s': the stream ended before the reply did, after %zu tokens", url, t->reply->n_steps);
    return 0;
}

static void forget_ids(struct engine_reply *r)
{
    for (size_t i = 0; i < r->n_steps; i++)
        r->steps[i].id = -1;
}

/* Steps and the server's own count must agree. Where events name no ids, one may end several tokens, and several may tell
 * one: then the count is right, and where in between a token ended is not known. Where they name only the last id of
 * several, no id can be trusted to stand in its place. A count that is wrong for no such reason is the caller's to refuse. */
static int reconcile(struct server_talk *t, struct err *err)
{
    struct engine_reply *r = t->reply;
    const struct server *s = t->server;
    struct server_token unnamed = {.id = -1, .logprob = NAN, .text = ""};
    bool nameless = s->row->maps_ids || s->row->holds_text || !s->can.token_ids;
    if (t->refused || r->n_reported < 0) {
        r->n_reported = -1; /* the server counts what it was about to say, too */
        return 0;
    }
    if (!nameless || (size_t)r->n_reported == r->n_steps || r->n_reported == 0)
        return 0;
    forget_ids(r);
    while (r->n_steps > (size_t)r->n_reported) {
        struct engine_step *last = &r->steps[r->n_steps - 1], *kept = last - 1;
        kept->text_len += last->text_len;
        kept->done = last->done;
        r->n_steps--;
    }
    while (r->n_steps < (size_t)r->n_reported && r->n_steps < t->request->max_tokens)
        TRY(server_add(t, &unnamed, err));
    return 0;
}

static bool has_unknown_top(const struct engine_reply *r, size_t step)
{
    for (int k = 0; k < r->n_top; k++)
        if (r->tops[step * (size_t)r->n_top + (size_t)k].id < 0)
            return true;
    return false;
}

static int end(struct server_talk *t, struct err *err)
{
    struct engine_reply *r = t->reply;
    if (read_all(t, err) < 0)
        return err_context(err, "'%s'", t->server->url);
    TRY(reconcile(t, err));
    if (t->n_lost > 0 && !t->refused && t->server->row->settle)
        TRY(t->server->row->settle(t, err));
    r->n_unknown = 0;
    for (size_t i = 0; i < r->n_steps; i++)
        r->n_unknown += r->steps[i].id < 0 || has_unknown_top(r, i);
    if (r->n_prompt == 0) /* the server told no count */
        r->n_prompt = t->prompt->n_ids;
    return 0;
}

static void release(struct server_talk *t)
{
    http_cancel(&t->exchange);
    http_exchange_release(&t->exchange);
    event_stream_release(&t->stream);
    buf_release(&t->body);
    buf_release(&t->whole);
    buf_release(&t->told);
    free(t->events);
    free(t->tops);
    free(t->path);
}

int server_generate(void *self, const struct engine_request *request, struct engine_reply *replies, struct err *err)
{
    struct server *s = self;
    size_t n = request->n_prompts;
    struct server_talk *talks = mem_zalloc(n, sizeof *talks, err);
    int rc = talks ? 0 : -1;
    for (size_t i = 0; i < n && rc == 0; i++) {
        talks[i] = (struct server_talk){.server = s, .request = request, .prompt = &request->prompts[i],
                                        .reply = &replies[i], .index = i};
        rc = begin(&talks[i], err);
    }
    for (size_t i = 0; i < n && rc == 0; i++) { /* nothing but sending from here on */
        rc = http_start(s->http, &talks[i].exchange, err);
        replies[i].submitted = talks[i].exchange.reply.sent;
    }
    if (rc == 0)
        rc = http_wait(s->http, HTTP_ALL, err);
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = end(&talks[i], err);
    for (size_t i = 0; talks && i < n; i++)
        release(&talks[i]);
    free(talks);
    return rc;
}
