/* vLLM's OpenAI server: completions with token ids, legacy log-probability arrays whose keys may be ids, prompt
 * log-probabilities, and a last chunk with usage and metrics. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "serve/oai_words.h"

static void ids_array(struct json_out *j, const char *key, const int32_t *ids, size_t n)
{
    json_out_key(j, key);
    json_out_open(j, '[');
    for (size_t i = 0; i < n; i++)
        json_out_int(j, ids[i]);
    json_out_close(j);
}

static void step_ids(const struct talk *t, struct json_out *j, size_t from, size_t n)
{
    if (!body_flag(t->body, "return_token_ids", false))
        return;
    json_out_key(j, "token_ids");
    json_out_open(j, '[');
    for (size_t i = from; i < from + n; i++)
        json_out_int(j, t->reply.steps[i].id);
    json_out_close(j);
}

/* [null, {"ID": {"logprob", "rank", "decoded_token"}}, ...] of the prompt itself. */
static bool prompt_logprobs(struct talk *t, struct json_out *j, struct http_answer *a)
{
    struct err err = ERR_INIT;
    size_t n = t->want.prompt.n_ids;
    double *logprobs = mem_alloc(n ? n : 1, sizeof *logprobs, &err);
    bool ok = logprobs != NULL;
    if (ok && n > 1) {
        struct engine_score score = {.ids = t->want.ids, .n_ids = n, .logprobs = logprobs};
        ok = engine_score(stand_in_engine(t->s), &score, &err) == 0;
    }
    if (!ok) {
        free(logprobs);
        answer_error(t->s, a, 400, "BadRequestError", "%s", err.text);
        return false;
    }
    json_out_key(j, "prompt_logprobs");
    json_out_open(j, '[');
    json_out_null(j);
    for (size_t i = 1; i < n; i++) {
        char key[16];
        snprintf(key, sizeof key, "%d", t->want.ids[i]);
        json_out_open(j, '{');
        json_out_key(j, key);
        json_out_open(j, '{');
        json_out_key(j, "logprob");
        json_out_number(j, logprobs[i]);
        json_out_key(j, "rank");
        json_out_int(j, 1);
        json_out_key(j, "decoded_token");
        json_out_text(j, "?");
        json_out_close(j);
        json_out_close(j);
    }
    json_out_close(j);
    free(logprobs);
    return true;
}

static void metrics(struct json_out *j)
{
    json_out_key(j, "metrics");
    json_out_open(j, '{');
    json_out_key(j, "time_to_first_token_ms");
    json_out_number(j, 3.5);
    json_out_key(j, "generation_time_ms");
    json_out_number(j, 12.25);
    json_out_key(j, "queue_time_ms");
    json_out_number(j, 0.5);
    json_out_close(j);
}

static enum http_next tell(struct talk *t, struct buf *out)
{
    struct json_out j;
    const char *text;
    size_t len;
    if (t->at == t->reply.n_steps && (t->phase > 0 || !t->want.usage)) {
        sse_done(out);
        return HTTP_NEXT_END;
    }
    sse_open(out, &j);
    oai_choices(t, &j, "text_completion");
    if (t->at < t->reply.n_steps) {
        bool last = t->at + 1 == t->reply.n_steps;
        talk_text(t, 1, last, &text, &len);
        oai_choice(&j);
        json_out_key(&j, "text");
        json_out_text_len(&j, text, len);
        oai_arrays(t, &j, t->at, 1, body_flag(t->body, "return_tokens_as_token_ids", false));
        oai_finish(t, &j, last);
        step_ids(t, &j, t->at, 1);
        json_out_close(&j);
        t->at++;
        json_out_close(&j);
        if (body_flag(json_object_get(t->body, "stream_options"), "continuous_usage_stats", false)) {
            json_out_key(&j, "usage");
            json_out_null(&j);
        }
    } else {
        t->phase = 1;
        json_out_close(&j);
        oai_usage(t, &j);
        metrics(&j);
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
    const json_t *b = t->body;
    t->want.request.sampling.top_k = (int)body_number(b, "top_k", 0);
    if (t->want.request.n_top > 50) {
        answer_error(s, a, 400, "BadRequestError", "Requested sample logprobs of %d, which is greater than max allowed: 50",
                     t->want.request.n_top);
    } else if (json_object_get(b, "stream_options") && !t->want.stream) {
        answer_error(s, a, 400, "BadRequestError", "Stream options can only be defined when `stream=True`.");
    } else if (talk_run(t, a)) {
        if (t->want.stream) {
            t->tell = tell;
            talk_stream(t, a);
            return;
        }
        struct json_out j = answer_json(a);
        oai_choices(t, &j, "text_completion");
        oai_choice(&j);
        json_out_key(&j, "text");
        json_out_text_len(&j, t->reply.text.data, t->reply.text.len);
        oai_arrays(t, &j, 0, t->reply.n_steps, body_flag(b, "return_tokens_as_token_ids", false));
        oai_finish(t, &j, true);
        step_ids(t, &j, 0, t->reply.n_steps);
        if (body_flag(b, "return_token_ids", false))
            ids_array(&j, "prompt_token_ids", t->want.ids, t->want.prompt.n_ids);
        if (!json_is_integer(json_object_get(b, "prompt_logprobs")) || prompt_logprobs(t, &j, a)) {
            json_out_close(&j);
            json_out_close(&j);
            oai_usage(t, &j);
            metrics(&j);
            json_out_close(&j);
        }
    }
    talk_free(t);
}

static bool handle(struct stand_in *s, const struct http_call *call, struct http_answer *a)
{
    if (call_is(call, "GET", "/health"))
        a->content_type = "text/plain";
    else if (call_is(call, "GET", "/version"))
        buf_str(&a->body, "{\"version\":\"0.0-double\"}");
    else if (call_is(call, "GET", "/v1/models"))
        oai_models(s, a, engine_facts(stand_in_engine(s))->context, 0);
    else if (call_is(call, "POST", "/v1/completions"))
        completions(s, call, a);
    else if (call_is(call, "POST", "/tokenize"))
        answer_tokenize(s, call, a, "prompt", true);
    else if (call_is(call, "POST", "/detokenize"))
        answer_detokenize(s, call, a, "prompt");
    else
        return false;
    return true;
}

const struct dialect dialect_vllm = {
    .name = "vllm", .handle = handle, .error = oai_error, .stream_type = "text/event-stream", .health_path = "/health"};
