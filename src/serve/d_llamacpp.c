/* llama.cpp's llama-server: its own /completion and the routes of OpenAI. A text is held back until its characters are
 * whole, and of the tokens of such a group a stream tells the last id only. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "serve/oai_words.h"

enum { ENTRY = ENTRY_ID | ENTRY_BYTES | ENTRY_TOPS };

static void timings(const struct talk *t, struct json_out *j)
{
    double predicted = (double)t->reply.n_steps;
    json_out_key(j, "timings");
    json_out_open(j, '{');
    json_out_key(j, "cache_n");
    json_out_int(j, 0);
    json_out_key(j, "prompt_n");
    json_out_int(j, (int64_t)t->reply.n_prompt);
    json_out_key(j, "prompt_ms");
    json_out_number(j, 2.5);
    json_out_key(j, "predicted_n");
    json_out_number(j, predicted);
    json_out_key(j, "predicted_ms");
    json_out_number(j, predicted * 0.5);
    json_out_close(j);
}

static void ids_array(const struct talk *t, struct json_out *j, size_t from, size_t n)
{
    json_out_key(j, "tokens");
    json_out_open(j, '[');
    for (size_t i = from; i < from + n; i++)
        json_out_int(j, t->reply.steps[i].id);
    json_out_close(j);
}

static void text_key(struct json_out *j, const char *key, const char *text, size_t len)
{
    json_out_key(j, key);
    json_out_text_len(j, text, len);
}

static void probabilities(const struct talk *t, struct json_out *j, size_t step, size_t n)
{
    if (!t->want.logprobs)
        return;
    json_out_key(j, "completion_probabilities");
    json_out_open(j, '[');
    for (size_t i = step; i < step + n; i++)
        oai_entry(t, j, i, ENTRY);
    json_out_close(j);
}

/* The last object: of a stream it has neither text nor ids. */
static void final(const struct talk *t, struct json_out *j, bool streamed)
{
    static const char *const stops[] = {[FINISH_LENGTH] = "limit", [FINISH_EOS] = "eos", [FINISH_STOP] = "word", [FINISH_CALLER] = "none"};
    bool with_ids = !streamed && body_flag(t->body, "return_tokens", false);
    json_out_open(j, '{');
    json_out_key(j, "index");
    json_out_int(j, 0);
    text_key(j, "content", t->reply.text.data, streamed ? 0 : t->reply.text.len);
    ids_array(t, j, 0, with_ids ? t->reply.n_steps : 0);
    json_out_key(j, "stop");
    json_out_bool(j, true);
    json_out_key(j, "model");
    json_out_text(j, stand_in_model(t->s));
    json_out_key(j, "tokens_predicted");
    json_out_int(j, (int64_t)t->reply.n_steps);
    json_out_key(j, "tokens_evaluated");
    json_out_int(j, (int64_t)t->reply.n_prompt);
    json_out_key(j, "truncated");
    json_out_bool(j, false);
    json_out_key(j, "stop_type");
    json_out_text(j, stops[t->reply.finish]);
    json_out_key(j, "tokens_cached");
    json_out_int(j, (int64_t)(t->reply.n_prompt + t->reply.n_steps - 1));
    timings(t, j);
    if (!streamed)
        probabilities(t, j, 0, t->reply.n_steps);
    json_out_close(j);
}

static enum http_next tell(struct talk *t, struct buf *out)
{
    struct json_out j;
    size_t n = talk_group(t), len;
    const char *text;
    if (t->phase == 0) { /* a comment, as after a long silence */
        t->phase = 1;
        buf_str(out, ":\n\n");
        return HTTP_NEXT_MORE;
    }
    sse_open(out, &j);
    if (t->at == t->reply.n_steps || n == 0) {
        final(t, &j, true);
        sse_close(out);
        return HTTP_NEXT_END; /* this route has no [DONE] */
    }
    talk_text(t, n, false, &text, &len);
    json_out_open(&j, '{');
    json_out_key(&j, "index");
    json_out_int(&j, 0);
    text_key(&j, "content", text, len);
    ids_array(t, &j, t->at + n - 1, 1);
    json_out_key(&j, "stop");
    json_out_bool(&j, false);
    json_out_key(&j, "id_slot");
    json_out_int(&j, 0);
    json_out_key(&j, "tokens_predicted");
    json_out_int(&j, (int64_t)(t->at + n));
    json_out_key(&j, "tokens_evaluated");
    json_out_int(&j, (int64_t)t->reply.n_prompt);
    probabilities(t, &j, t->at + n - 1, 1);
    talk_stamp(t, &j);
    json_out_close(&j);
    sse_close(out);
    t->at += n;
    return HTTP_NEXT_MORE;
}

static void completion(struct stand_in *s, const struct http_call *call, struct http_answer *a)
{
    struct talk *t = talk_new(s, call, a);
    if (!t)
        return;
    const json_t *b = t->body;
    struct engine_request *r = &t->want.request;
    double n_probs = body_number(b, "n_probs", 0), predict = body_number(b, "n_predict", 128);
    if (!talk_prompt(t, json_object_get(b, "prompt"), a)) {
        talk_free(t);
        return;
    }
    r->max_tokens = predict > 0 ? (size_t)predict : 128;
    r->n_top = (int)n_probs;
    t->want.logprobs = n_probs > 0;
    r->ignore_eos = body_flag(b, "ignore_eos", false);
    r->sampling = (struct engine_sampling){.temperature = body_number(b, "temperature", 0.8), .top_k = (int)body_number(b, "top_k", 40),
                                           .top_p = body_number(b, "top_p", 0.95), .seed = (uint64_t)body_number(b, "seed", 0)};
    talk_stops(t, json_object_get(b, "stop"));
    if (!talk_run(t, a)) {
        talk_free(t);
        return;
    }
    if (body_flag(b, "stream", false)) {
        t->tell = tell;
        talk_stream(t, a);
        return;
    }
    struct json_out j = answer_json(a);
    final(t, &j, false);
    talk_free(t);
}

static void props(struct stand_in *s, struct http_answer *a)
{
    struct json_out j = answer_json(a);
    json_out_open(&j, '{');
    json_out_key(&j, "default_generation_settings");
    json_out_open(&j, '{');
    json_out_key(&j, "n_ctx");
    json_out_int(&j, engine_facts(stand_in_engine(s))->context);
    json_out_close(&j);
    json_out_key(&j, "total_slots");
    json_out_int(&j, 1);
    json_out_key(&j, "model_path");
    json_out_text(&j, stand_in_model(s));
    json_out_key(&j, "build_info");
    json_out_text(&j, "b1-double");
    json_out_close(&j);
}

static bool handle(struct stand_in *s, const struct http_call *call, struct http_answer *a)
{
    const struct engine_facts *f = engine_facts(stand_in_engine(s));
    if (call_is(call, "GET", "/health") || call_is(call, "GET", "/v1/health"))
        buf_str(&a->body, "{\"status\":\"ok\"}");
    else if (call_is(call, "GET", "/props"))
        props(s, a);
    else if (call_is(call, "GET", "/v1/models"))
        oai_models(s, a, 0, f->vocabulary);
    else if (call_is(call, "POST", "/completion") || call_is(call, "POST", "/completions"))
        completion(s, call, a);
    else if (call_is(call, "POST", "/tokenize"))
        answer_tokenize(s, call, a, "content", false);
    else if (call_is(call, "POST", "/detokenize"))
        answer_detokenize(s, call, a, "content");
    else
        return false;
    return true;
}

const struct dialect dialect_llamacpp = {
    .name = "llamacpp", .handle = handle, .error = oai_error, .stream_type = "text/event-stream", .health_path = "/health"};
