/* Opening a server that already runs: is it there, is it ready, what does it serve. Nothing is launched here. */
#include "engines/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "engines/server_options.h"
#include "formats/facts.h"

enum { PROBE_MS = 900, ASIDE_MS = 60000, POLL_NS = 200000000, ASIDE_BODY = 256 << 20 };

/* ---- where it is -------------------------------------------------------------------------------------------------- */

static int set_url(struct server *s, const struct engine_name *name, struct err *err)
{
    const char *url = *name->url ? name->url : s->row->default_url;
    if (!url) {
        err_set(err, ERR_MISSING, "no URL is given");
        return err_hint(err, "name it: %s@http://HOST:PORT", name->class->name);
    }
    snprintf(s->url, sizeof s->url, "%s", url);
    size_t n = strlen(s->url);
    while (n > 0 && s->url[n - 1] == '/')
        s->url[--n] = '\0';
    if (s->row->suffix && str_ends(s->url, s->row->suffix))
        s->url[n - strlen(s->row->suffix)] = '\0';
    return 0;
}

static int fetch(struct server *s, const char *path, const struct buf *body, struct http_reply *reply, char url[ENGINE_URL_MAX + 64],
                 struct http_limits limits, struct err *err)
{
    snprintf(url, ENGINE_URL_MAX + 64, "%s%s", s->url, path);
    int rc = http_fetch(s->http, &(struct http_request){.url = url, .unix_socket = *s->unix_socket ? s->unix_socket : NULL,
                                                      .key = &s->key, .events = true, .body = body ? body->data : NULL,
                                                      .body_len = body ? body->len : 0, .limits = limits}, reply, err);
    s->kernel_stamps |= rc == 0 && reply->stamped; /* and so its streams will be */
    return rc;
}

json_t *server_json(struct server *s, const char *path, json_t *body, struct err *err)
{
    struct http_reply reply = {0};
    struct http_limits limits = {.first_byte = ASIDE_MS, .idle = ASIDE_MS, .total = s->limits.total, .body = ASIDE_BODY};
    struct buf text = BUF_INIT((size_t)64 << 20);
    char url[ENGINE_URL_MAX + 64];
    json_t *v = NULL;
    if ((!body || json_write(&text, body, err) == 0) && fetch(s, path, body ? &text : NULL, &reply, url, limits, err) == 0) {
        const char *got = reply.body.data ? reply.body.data : "";
        if (reply.status < 200 || reply.status > 299)
            server_error(reply.status, reply.location, got, reply.body.len, url, err);
        else if (!(v = json_parse(got, reply.body.len, url, err)) && err)
            err->code = ERR_ENGINE;
        if (v && server_error_text(v)) {
            server_error(reply.status, "", got, reply.body.len, url, err);
            json_decref(v);
            v = NULL;
        }
    }
    buf_release(&text);
    http_reply_release(&reply);
    return v;
}

/* "version" of {"version": "..."}, or of an object in it that the key names as "OBJECT.KEY". */
static void read_version(char out[96], const json_t *v, const char *key)
{
    const char *text = json_string_value(json_object_get(v, key));
    snprintf(out, 96, "%s", text ? text : "unknown");
}

void server_probe(const struct engine_name *name, struct engine_probe *out)
{
    struct server s = {.row = name->class->row};
    struct http_reply reply = {0};
    struct err err = ERR_INIT;
    char url[ENGINE_URL_MAX + 64];
    struct http_limits limits = {.connect = 400, .first_byte = PROBE_MS, .idle = PROBE_MS, .total = PROBE_MS};
    out->status = ENGINE_MISSING;
    int rc = set_url(&s, name, &err);
    if (rc == 0)
        rc = http_open(&s.http, &err);
    if (rc == 0)
        rc = fetch(&s, s.row->ready_path, NULL, &reply, url, limits, &err);
    /* another program may have this port; a server that wants a key or is loading is there */
    if (rc == 0 && reply.status != 200 && reply.status != 401 && reply.status != 403 && reply.status != 503)
        rc = server_error(reply.status, reply.location, "", 0, url, &err);
    if (rc == 0) {
        out->status = ENGINE_REACHABLE;
        snprintf(out->version, sizeof out->version, "unknown");
        if (reply.status == 503)
            snprintf(out->why, sizeof out->why, "still loading at %.200s", s.url);
        json_t *v = s.row->version_path ? server_json(&s, s.row->version_path, NULL, NULL) : NULL;
        if (v)
            read_version(out->version, v, s.row->version_key);
        json_decref(v);
    } else {
        snprintf(out->why, sizeof out->why, "%.160s%s%.80s", err.text, *err.hint ? "; " : "", err.hint);
    }
    http_reply_release(&reply);
    http_close(s.http);
}

/* 503 is an answer of one that loads; one that does not answer is not waited for. */
static int wait_until_ready(struct server *s, int64_t ready_s, struct err *err)
{
    int64_t deadline = clock_ns() + ready_s * INT64_C(1000000000);
    struct http_limits limits = {.first_byte = ASIDE_MS, .idle = ASIDE_MS, .total = ASIDE_MS};
    struct http_reply reply = {0};
    char url[ENGINE_URL_MAX + 64];
    int rc;
    for (;;) {
        rc = fetch(s, s->row->ready_path, NULL, &reply, url, limits, err);
        if (rc < 0 || reply.status != 503 || clock_ns() >= deadline)
            break;
        clock_sleep_ns(POLL_NS);
    }
    if (rc < 0 && err && err->code == ERR_MISSING)
        err_hint(err, "start it, or name where it is: NAME@http://HOST:PORT");
    else if (rc == 0 && reply.status == 503)
        rc = err_set(err, ERR_TIMEOUT, "'%s' was still loading after %lld s", url, (long long)ready_s);
    else if (rc == 0 && (reply.status < 200 || reply.status > 299))
        rc = server_error(reply.status, reply.location, reply.body.data, reply.body.len, url, err);
    http_reply_release(&reply);
    return rc;
}

/* ---- what it serves ------------------------------------------------------------------------------------------------ */

/* What the model given says of itself, if it lies on this machine; the server may serve what only it has. */
static int read_model(struct server *s, const char *path, struct err *err)
{
    struct err ignored = ERR_INIT;
    struct model_file *f = NULL;
    struct file_facts facts = {0};
    if (!path || model_file_open(&f, path, &ignored) < 0)
        return 0;
    if (file_facts(&facts, f, &ignored) == 0) {
        s->facts.vocabulary = facts.vocabulary > 0 ? (int)facts.vocabulary : 0;
        s->facts.parameters = s->facts.step_parameters = facts.parameters > 0 ? (uint64_t)facts.parameters : 0;
        snprintf(s->facts.quantize, sizeof s->facts.quantize, "%.*s", (int)sizeof s->facts.quantize - 1, facts.quantization);
        double n = (double)facts.parameters;
        if (facts.parameters > 0)
            snprintf(s->facts.size, sizeof s->facts.size, n >= 1e9 ? "%.3gB" : "%.3gM", n >= 1e9 ? n / 1e9 : n / 1e6);
    }
    file_facts_release(&facts);
    int rc = 0;
    if (tokenizer_open_from(&s->tokenizer, f, &ignored) == 0) {
        s->facts.eos = tokenizer_eos(s->tokenizer);
        if (s->facts.vocabulary == 0)
            s->facts.vocabulary = (int)tokenizer_vocabulary(s->tokenizer);
        if (s->row->maps_ids)
            rc = token_map_open(&s->map, s->tokenizer, err);
    }
    model_file_close(f);
    return rc;
}

json_t *server_models(struct server *s, const char *path, struct err *err)
{
    json_t *v = server_json(s, path, NULL, err);
    const json_t *data = json_object_get(v, "data");
    const char *id = json_string_value(json_object_get(json_array_get(data, 0), "id"));
    int rc = v ? 0 : -1;
    if (v && !*s->model && !id)
        rc = err_set(err, ERR_ENGINE, "'%s%s' lists no model", s->url, path);
    else if (v && !*s->model && json_array_size(data) > 1) {
        err_set(err, ERR_USAGE, "'%s%s' lists %zu models, '%s' first", s->url, path, json_array_size(data), id);
        rc = err_hint(err, "option 'model: NAME' says which one is meant");
    } else if (v && !*s->model) {
        snprintf(s->model, sizeof s->model, "%s", id);
    }
    if (rc == 0)
        return v;
    json_decref(v);
    return NULL;
}

static int read_options(struct server *s, const json_t *options, int64_t *ready_s, struct err *err)
{
    struct server_options o;
    TRY(server_options_read(&o, options, err));
    if (o.unix_socket && strlen(o.unix_socket) >= sizeof s->unix_socket)
        return err_set(err, ERR_USAGE, "options: unix_socket is a path of at most %zu bytes", sizeof s->unix_socket - 1);
    snprintf(s->model, sizeof s->model, "%s", o.model ? o.model : "");
    snprintf(s->unix_socket, sizeof s->unix_socket, "%s", o.unix_socket ? o.unix_socket : "");
    s->chat = o.chat;
    s->limits = (struct http_limits){.first_byte = (int)o.first_byte_s * 1000, .idle = (int)o.idle_s * 1000,
                                     .total = o.total_s * 1000, .body = UINT64_C(512) << 20};
    *ready_s = o.ready_s;
    return o.key ? http_key_read(&s->key, o.key, err) : 0;
}

static int connect_to(struct server *s, const struct engine_spec *spec, struct err *err)
{
    int64_t ready_s = 0;
    struct engine_probe probe = {0};
    TRY(read_options(s, spec->options, &ready_s, err));
    TRY(set_url(s, spec->name, err));
    TRY(http_open(&s->http, err));
    TRY(wait_until_ready(s, ready_s, err));
    TRY(read_model(s, spec->model, err));
    if (s->row->version_path) {
        json_t *v = server_json(s, s->row->version_path, NULL, err);
        if (!v)
            return -1;
        read_version(probe.version, v, s->row->version_key);
        json_decref(v);
    }
    snprintf(s->facts.version, sizeof s->facts.version, "%.60s", *probe.version ? probe.version : "unknown");
    return s->row->meet ? s->row->meet(s, err) : 0;
}

static void narrow(struct server *s, const struct engine_spec *spec)
{
    if (spec->context > 0 && (s->facts.context == 0 || spec->context < s->facts.context))
        s->facts.context = spec->context;
    /* ids from texts, and texts from ids, need the tokenizer that both sides agree on */
    if ((s->row->maps_ids || s->row->takes_text) && !s->map) {
        s->can.token_ids = false;
        s->can.top_k = 0;
    }
    if (s->facts.vocabulary > 0 && s->can.top_k > s->facts.vocabulary && s->can.top_k != ENGINE_TOP_ALL)
        s->can.top_k = s->facts.vocabulary;
}

int server_open(void **self, const struct engine_spec *spec, struct engine_facts *facts, struct engine_capabilities *can,
                struct err *err)
{
    int64_t began = clock_ns();
    struct server *s = mem_zalloc(1, sizeof *s, err);
    if (!s)
        return -1;
    s->row = spec->name->class->row;
    s->facts = *facts;
    s->can = *can;
    if (connect_to(s, spec, err) < 0) {
        server_close(s);
        return -1;
    }
    narrow(s, spec);
    size_t told = strlen(s->facts.version); /* both are of one time line; which of the two dated the steps is told here */
    snprintf(s->facts.version + told, sizeof s->facts.version - told, ", stamped by %s", s->kernel_stamps ? "the kernel" : "prony");
    s->facts.load_ns = clock_ns() - began;
    *facts = s->facts;
    *can = s->can;
    *self = s;
    return 0;
}

void server_close(void *self)
{
    struct server *s = self;
    http_close(s->http);
    http_key_release(&s->key);
    token_map_close(s->map);
    tokenizer_close(s->tokenizer);
    free(s);
}

/* ---- texts and ids -------------------------------------------------------------------------------------------------- */

int server_tokenize(void *self, const char *text, size_t len, int32_t **ids, size_t *n_ids, struct err *err)
{
    struct server *s = self;
    json_t *body = json_pack("{ss sb}", "model", s->model, "add_special_tokens", 0);
    json_t *value = json_stringn(text, len);
    if (!value) {
        json_decref(body);
        return err_set(err, ERR_INPUT, "the text is not UTF-8");
    }
    json_object_set_new(body, s->row->tokenize_key, value);
    json_t *v = server_json(s, s->row->tokenize_path, body, err);
    json_decref(body);
    const json_t *tokens = json_object_get(v, "tokens");
    size_t n = json_array_size(tokens);
    int rc = v ? 0 : -1;
    if (v && !json_is_array(tokens))
        rc = err_set(err, ERR_ENGINE, "'%s%s' gives no tokens", s->url, s->row->tokenize_path);
    int32_t *out = rc == 0 ? mem_alloc(n ? n : 1, sizeof *out, err) : NULL;
    for (size_t i = 0; out && i < n; i++) {
        const json_t *id = json_array_get(tokens, i);
        out[i] = json_is_integer(id) ? (int32_t)json_integer_value(id) : -1;
    }
    json_decref(v);
    if (!out)
        return -1;
    *ids = out;
    *n_ids = n;
    return 0;
}

int server_detokenize(void *self, const int32_t *ids, size_t n_ids, struct buf *text, struct err *err)
{
    struct server *s = self;
    json_t *list = json_array();
    for (size_t i = 0; i < n_ids; i++)
        json_array_append_new(list, json_integer(ids[i]));
    json_t *body = json_pack("{ss so}", "model", s->model, "tokens", list);
    json_t *v = server_json(s, s->row->detokenize_path, body, err);
    json_decref(body);
    const json_t *got = json_object_get(v, s->row->detokenize_key);
    int rc = !v ? -1 : !json_is_string(got) ? err_set(err, ERR_ENGINE, "'%s%s' gives no text", s->url, s->row->detokenize_path) : 0;
    if (rc == 0)
        buf_add(text, json_string_value(got), json_string_length(got));
    json_decref(v);
    return rc < 0 ? -1 : buf_check(text, err);
}

int server_score(void *self, const struct engine_score *score, struct err *err)
{
    struct server *s = self;
    return s->row->score(s, score, err);
}
