/* Lemonade: a router in front of a child llama-server. OpenAI's routes under /api/v1, entries with ids, a ping while
 * nothing comes, and a last chunk with usage and the child's timings. It always says that it is healthy: a model is ready
 * only when health lists it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "serve/oai_words.h"

enum { ENTRY = ENTRY_ID | ENTRY_BYTES | ENTRY_TOPS };

static void error(struct buf *out, int status, const char *type, const char *text)
{
    struct json_out j = JSON_OUT_INIT(out);
    json_out_open(&j, '{');
    json_out_key(&j, "error");
    json_out_open(&j, '{');
    json_out_key(&j, "message");
    json_out_text(&j, text);
    json_out_key(&j, "type");
    json_out_text(&j, type);
    json_out_key(&j, "status_code");
    json_out_int(&j, status);
    json_out_close(&j);
    json_out_close(&j);
}

static void child_timings(const struct talk *t, struct json_out *j)
{
    json_out_key(j, "timings");
    json_out_open(j, '{');
    json_out_key(j, "prompt_n");
    json_out_int(j, (int64_t)t->reply.n_prompt);
    json_out_key(j, "prompt_ms");
    json_out_number(j, 2.25);
    json_out_key(j, "predicted_n");
    json_out_int(j, (int64_t)t->reply.n_steps);
    json_out_key(j, "predicted_ms");
    json_out_number(j, 0.5 * (double)t->reply.n_steps);
    json_out_close(j);
}

static enum http_next tell(struct talk *t, struct buf *out)
{
    struct json_out j;
    const char *text;
    size_t len, n = talk_group(t);
    bool ended = t->at == t->reply.n_steps || n == 0;
    if (t->phase == 0) {
        t->phase = 1;
        buf_str(out, ": ping\n\n");
        return HTTP_NEXT_MORE;
    }
    if (ended && t->phase > 2) {
        sse_done(out);
        return HTTP_NEXT_END;
    }
    sse_open(out, &j);
    oai_choices(t, &j, "text_completion");
    oai_choice(&j);
    len = 0;
    text = "";
    if (!ended)
        talk_text(t, n, false, &text, &len);
    json_out_key(&j, "text");
    json_out_text_len(&j, text, len);
    if (ended) {
        json_out_key(&j, "logprobs");
        json_out_null(&j);
    } else {
        oai_content(t, &j, t->at + n - 1, 1, ENTRY);
    }
    oai_finish(t, &j, ended);
    json_out_close(&j);
    json_out_close(&j);
    if (ended) {
        t->phase = 3;
        oai_usage(t, &j);
        child_timings(t, &j);
    } else {
        t->at += n;
    }
    talk_stamp(t, &j);
    json_out_close(&j);
    sse_close(out);
    return HTTP_NEXT_MORE;
}

static void completions(struct stand_in *s, const struct http_call *call, struct http_answer *a)
{
    struct talk *t = oai_ask(s, call, a, false);
    if (!t)
        return;
    const char *model = json_string_value(json_object_get(t->body, "model"));
    t->want.request.sampling.top_k = (int)body_number(t->body, "top_k", 40);
    if (!model || !str_eq(model, stand_in_model(s))) {
        answer_error(s, a, 404, "model_not_found", "Model '%s' was not found", model ? model : "");
    } else if (talk_run(t, a)) {
        t->tell = tell;
        if (t->want.stream) {
            talk_stream(t, a);
            return;
        }
        struct json_out j = answer_json(a);
        oai_choices(t, &j, "text_completion");
        json_out_open(&j, '{');
        json_out_key(&j, "text");
        json_out_text_len(&j, t->reply.text.data, t->reply.text.len);
        json_out_key(&j, "index");
        json_out_int(&j, 0);
        oai_content(t, &j, 0, t->reply.n_steps, ENTRY);
        oai_finish(t, &j, true);
        json_out_close(&j);
        json_out_close(&j);
        oai_usage(t, &j);
        child_timings(t, &j);
        json_out_close(&j);
    }
    talk_free(t);
}

static void health(struct stand_in *s, struct http_answer *a)
{
    struct json_out j = answer_json(a);
    json_out_open(&j, '{');
    json_out_key(&j, "status");
    json_out_text(&j, "ok");
    json_out_key(&j, "version");
    json_out_text(&j, "0.0-double");
    json_out_key(&j, "model_loaded");
    json_out_text(&j, stand_in_model(s));
    json_out_key(&j, "all_models_loaded");
    json_out_open(&j, '[');
    json_out_open(&j, '{');
    json_out_key(&j, "model_name");
    json_out_text(&j, stand_in_model(s));
    json_out_key(&j, "recipe_options");
    json_out_open(&j, '{');
    json_out_key(&j, "ctx_size");
    json_out_int(&j, engine_facts(stand_in_engine(s))->context);
    json_out_close(&j);
    json_out_close(&j);
    json_out_close(&j);
    json_out_close(&j);
}

static bool handle(struct stand_in *s, const struct http_call *call, struct http_answer *a)
{
    if (call_is(call, "GET", "/live"))
        buf_str(&a->body, "{\"status\":\"ok\"}");
    else if (call_is(call, "GET", "/api/v1/health"))
        health(s, a);
    else if (call_is(call, "GET", "/api/v1/models"))
        oai_models(s, a, 0, 0);
    else if (call_is(call, "POST", "/api/v1/load"))
        buf_str(&a->body, "{\"status\":\"success\"}");
    else if (call_is(call, "POST", "/api/v1/completions"))
        completions(s, call, a);
    else if (call_is(call, "POST", "/api/v1/tokenize"))
        answer_tokenize(s, call, a, "content", false);
    else
        return false;
    return true;
}

const struct dialect dialect_lemonade = {
    .name = "lemonade", .handle = handle, .error = error, .stream_type = "text/event-stream", .health_path = "/live"};
