/* Ollama: lines of JSON, times in nanoseconds, no token ids, at most 20 log-probabilities, and errors that are a text.
 * A chunk without text loses its log-probabilities, as the real one does. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "serve/oai_words.h"

enum { ENTRY = ENTRY_BYTES | ENTRY_TOPS, TOP_MAX = 20 };

static void error(struct buf *out, int status, const char *type, const char *text)
{
    struct json_out j = JSON_OUT_INIT(out);
    (void)status;
    (void)type;
    json_out_open(&j, '{');
    json_out_key(&j, "error");
    json_out_text(&j, text);
    json_out_close(&j);
}

static void head(const struct talk *t, struct json_out *j, const char *text, size_t len, bool done)
{
    json_out_open(j, '{');
    json_out_key(j, "model");
    json_out_text(j, stand_in_model(t->s));
    json_out_key(j, "created_at");
    json_out_text(j, "2026-01-01T00:00:00Z");
    json_out_key(j, "response");
    json_out_text_len(j, text, len);
    json_out_key(j, "done");
    json_out_bool(j, done);
}

static void entries(const struct talk *t, struct json_out *j, size_t from, size_t n)
{
    if (!t->want.logprobs || n == 0)
        return;
    json_out_key(j, "logprobs");
    json_out_open(j, '[');
    for (size_t i = from; i < from + n; i++)
        oai_entry(t, j, i, ENTRY);
    json_out_close(j);
}

static void durations(const struct talk *t, struct json_out *j)
{
    static const char *const keys[] = {"total_duration", "load_duration", "prompt_eval_count", "prompt_eval_duration", "eval_count", "eval_duration"};
    int64_t n = (int64_t)t->reply.n_steps, values[] = {9000000 + n * 500000, 1000, (int64_t)t->reply.n_prompt, 2500000, n, n * 500000};
    json_out_key(j, "done_reason");
    json_out_text(j, t->reply.finish == FINISH_LENGTH ? "length" : "stop");
    for (size_t i = 0; i < 6; i++) {
        json_out_key(j, keys[i]);
        json_out_int(j, values[i]);
    }
}

static enum http_next tell(struct talk *t, struct buf *out)
{
    struct json_out j = JSON_OUT_INIT(out);
    const char *text;
    size_t len, n = talk_group(t);
    if (t->at == t->reply.n_steps || n == 0) {
        head(t, &j, "", 0, true);
        durations(t, &j);
        json_out_close(&j);
        buf_char(out, '\n');
        return HTTP_NEXT_END;
    }
    talk_text(t, n, false, &text, &len);
    size_t at = t->at;
    t->at += n;
    if (len == 0)
        return HTTP_NEXT_MORE;
    head(t, &j, text, len, false);
    entries(t, &j, at, n);
    talk_stamp(t, &j);
    json_out_close(&j);
    buf_char(out, '\n');
    return HTTP_NEXT_MORE;
}

static void load_only(struct stand_in *s, struct talk *t, struct http_answer *a)
{
    bool unloads = body_number(t->body, "keep_alive", -1) == 0;
    buf_printf(&a->body, "{\"model\":\"%s\",\"created_at\":\"2026-01-01T00:00:00Z\",\"response\":\"\",\"done\":true,\"done_reason\":\"%s\"}",
               stand_in_model(s), unloads ? "unload" : "load");
}

static void generate(struct stand_in *s, const struct http_call *call, struct http_answer *a)
{
    struct talk *t = talk_new(s, call, a);
    if (!t)
        return;
    const json_t *b = t->body, *o = json_object_get(b, "options"), *prompt = json_object_get(b, "prompt");
    const char *model = json_string_value(json_object_get(b, "model"));
    struct engine_request *r = &t->want.request;
    double predict = body_number(o, "num_predict", -1);
    if (!model || !str_eq(model, stand_in_model(s))) {
        answer_error(s, a, 404, "", "model '%s' not found", model ? model : "");
    } else if (!prompt) {
        load_only(s, t, a);
    } else if (body_number(b, "top_logprobs", 0) > TOP_MAX) {
        answer_error(s, a, 400, "", "top_logprobs must be between 0 and 20");
    } else if (!json_is_string(prompt)) {
        answer_error(s, a, 400, "", "json: cannot unmarshal array into Go struct field GenerateRequest.prompt of type string");
    } else if (talk_prompt(t, prompt, a)) {
        r->max_tokens = predict > 0 ? (size_t)predict : 128;
        r->sampling = (struct engine_sampling){.temperature = body_number(o, "temperature", 0.8), .top_k = (int)body_number(o, "top_k", 40),
                                               .top_p = body_number(o, "top_p", 0.9), .seed = (uint64_t)body_number(o, "seed", 0)};
        talk_stops(t, json_object_get(o, "stop"));
        t->want.logprobs = body_flag(b, "logprobs", false);
        r->n_top = t->want.logprobs ? (int)body_number(b, "top_logprobs", 0) : 0;
        if (talk_run(t, a)) {
            if (body_flag(b, "stream", true)) {
                t->tell = tell;
                talk_stream(t, a);
                return;
            }
            struct json_out j = answer_json(a);
            head(t, &j, t->reply.text.data, t->reply.text.len, true);
            entries(t, &j, 0, t->reply.n_steps);
            durations(t, &j);
            json_out_close(&j);
        }
    }
    talk_free(t);
}

/* The import: blobs are taken by their digest, `create` says that it worked. */
static bool import(struct stand_in *s, const struct http_call *call, struct http_answer *a)
{
    (void)s;
    if (strncmp(call->path, "/api/blobs/sha256:", 18) == 0) {
        a->status = strcmp(call->method, "HEAD") == 0 ? 404 : 201;
        return true;
    }
    if (!call_is(call, "POST", "/api/create"))
        return false;
    a->content_type = "application/x-ndjson";
    buf_str(&a->body, "{\"status\":\"parsing GGUF\"}\n{\"status\":\"success\"}\n");
    return true;
}

static bool handle(struct stand_in *s, const struct http_call *call, struct http_answer *a)
{
    if (call_is(call, "GET", "/") || call_is(call, "HEAD", "/")) {
        a->content_type = "text/plain";
        buf_str(&a->body, "Ollama is running");
    } else if (call_is(call, "GET", "/api/version")) {
        buf_str(&a->body, "{\"version\":\"0.0-double\"}");
    } else if (call_is(call, "GET", "/api/tags")) {
        buf_printf(&a->body, "{\"models\":[{\"name\":\"%s\",\"model\":\"%s\",\"size\":1,\"digest\":\"00\",\"details\":{\"format\":\"gguf\"}}]}",
                   stand_in_model(s), stand_in_model(s));
    } else if (call_is(call, "GET", "/api/ps")) {
        buf_printf(&a->body, "{\"models\":[{\"name\":\"%s\",\"size\":1,\"size_vram\":0,\"context_length\":%d}]}", stand_in_model(s),
                   engine_facts(stand_in_engine(s))->context);
    } else if (call_is(call, "POST", "/api/generate")) {
        generate(s, call, a);
    } else {
        return import(s, call, a);
    }
    return true;
}

const struct dialect dialect_ollama = {
    .name = "ollama", .handle = handle, .error = error, .stream_type = "application/x-ndjson", .health_path = "/api/version"};
