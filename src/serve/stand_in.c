#include "serve/stand_in.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"

#define DIALECT(name) extern const struct dialect dialect_##name;
#include "serve/list.h"
#undef DIALECT

static const struct dialect *const dialects[] = {
#define DIALECT(name) &dialect_##name,
#include "serve/list.h"
#undef DIALECT
};
enum { N_DIALECTS = sizeof dialects / sizeof dialects[0], URL_MAX = 48 };

struct stand_in {
    struct stand_in_options o;
    const struct dialect *dialect;
    struct http_server *server;
    char url[URL_MAX];
    int64_t opened;
};

const char *stand_in_dialect_at(size_t i)
{
    return i < N_DIALECTS ? dialects[i]->name : NULL;
}

const char *stand_in_model(const struct stand_in *s)
{
    return s->o.model ? s->o.model : "double";
}

struct engine *stand_in_engine(const struct stand_in *s)
{
    return s->o.engine;
}

const struct dialect *stand_in_dialect(const struct stand_in *s)
{
    return s->dialect;
}

bool fault_is(const struct stand_in *s, const char *name)
{
    return s->o.fault && strcmp(s->o.fault, name) == 0;
}

bool call_is(const struct http_call *call, const char *method, const char *path)
{
    return strcmp(call->method, method) == 0 && strcmp(call->path, path) == 0;
}

struct json_out answer_json(struct http_answer *a)
{
    return (struct json_out)JSON_OUT_INIT(&a->body);
}

void answer_error(struct stand_in *s, struct http_answer *a, int status, const char *type, const char *fmt, ...)
{
    char text[600];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    a->status = status;
    buf_clear(&a->body);
    s->dialect->error(&a->body, status, type, text);
}

static bool is_loading(const struct stand_in *s)
{
    return clock_ns() - s->opened < (int64_t)s->o.loading_ms * 1000000;
}

static void answer(void *arg, const struct http_call *call, struct http_answer *a)
{
    struct stand_in *s = arg;
    char expected[1024];
    snprintf(expected, sizeof expected, "Bearer %s", s->o.key ? s->o.key : "");
    bool is_health = s->dialect->health_path && strcmp(call->path, s->dialect->health_path) == 0;
    if (is_loading(s) && (is_health || !s->dialect->health_path))
        answer_error(s, a, 503, "unavailable_error", "Loading model");
    else if (s->o.key && !is_health && strcmp(call->authorization, expected) != 0)
        answer_error(s, a, 401, "authentication_error", "Invalid API Key");
    else if (!fault_answers(s, false, a) && !s->dialect->handle(s, call, a))
        answer_error(s, a, 404, "not_found_error", "File Not Found");
}

int stand_in_open(struct stand_in **out, const struct stand_in_options *options, struct err *err)
{
    struct stand_in *s = mem_zalloc(1, sizeof *s, err);
    if (!s)
        return -1;
    s->o = *options;
    s->opened = clock_ns();
    for (size_t i = 0; i < N_DIALECTS; i++)
        if (str_eq(dialects[i]->name, options->dialect))
            s->dialect = dialects[i];
    bool known = options->fault == NULL;
    for (size_t i = 0; stand_in_fault_at(i) && !known; i++)
        known = strcmp(stand_in_fault_at(i), options->fault) == 0;
    int rc = !s->dialect ? err_set(err, ERR_USAGE, "'%s' is not a dialect", options->dialect)
             : !known    ? err_set(err, ERR_USAGE, "'%s' is not a fault of a double", options->fault)
                         : http_server_open(&s->server, options->port, answer, s, err);
    if (rc < 0) {
        free(s);
        return -1;
    }
    snprintf(s->url, sizeof s->url, "http://127.0.0.1:%d", http_server_port(s->server));
    *out = s;
    return 0;
}

const char *stand_in_url(const struct stand_in *s)
{
    return s->url;
}

int stand_in_run(struct stand_in *s, struct err *err)
{
    return http_server_run(s->server, err);
}

void stand_in_stop(struct stand_in *s)
{
    http_server_stop(s->server);
}

void stand_in_close(struct stand_in *s)
{
    if (!s)
        return;
    http_server_close(s->server);
    free(s);
}

/* ---- telling a generation in pieces ------------------------------------------------------------------------------ */

static enum http_next next_event(void *arg, struct buf *out, int64_t *due)
{
    struct talk *t = arg;
    size_t before = t->at;
    enum http_next rc;
    if (!fault_tells(t, out, &rc))
        rc = t->tell(t, out);
    if (t->at > before && t->s->o.token_ms > 0) /* the pace is kept from event to event, however late one went out */
        *due += (int64_t)(t->s->o.token_ms * 1e6 * (double)(t->at - before));
    if (t->fault_phase < 0)
        *due = INT64_MAX;
    return rc;
}

static void free_talk(void *arg)
{
    talk_free(arg);
}

void talk_stream(struct talk *t, struct http_answer *a)
{
    a->content_type = t->s->dialect->stream_type;
    if (fault_is(t->s, "content_type"))
        a->content_type = "text/html";
    a->due = clock_ns(); /* the pace counts from here */
    a->next = next_event;
    a->release = free_talk;
    a->talk = t;
}

void talk_stamp(const struct talk *t, struct json_out *j)
{
    if (!t->s->o.stamps)
        return;
    json_out_key(j, "sent_ns");
    json_out_int(j, clock_ns());
}
