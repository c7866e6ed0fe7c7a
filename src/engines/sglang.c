/* SGLang by its own route /generate: ids in and out, log-probabilities as [value, id, text]. Its chunks hold all from the
 * start on, or only what is new when it was started with --incremental-streaming-output: which, the ids themselves tell. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "engines/server.h"

static int meet(struct server *s, struct err *err)
{
    json_t *info = server_json(s, "/server_info", NULL, err);
    if (!info)
        return -1;
    s->facts.context = (int)json_int_or(info, "context_length", json_int_or(info, "max_total_num_tokens", 0));
    json_decref(info);
    return 0;
}

static const char *path(const struct server *s)
{
    (void)s;
    return "/generate";
}

static json_t *ask(const struct server *s, const struct engine_request *r, const struct engine_prompt *p, size_t index)
{
    const struct engine_sampling *how = &r->sampling;
    (void)s;
    json_t *params = json_pack("{sI sf si sf sb sI}", "max_new_tokens", (json_int_t)r->max_tokens, "temperature",
                               how->temperature, "top_k", how->top_k > 0 ? how->top_k : -1, "top_p",
                               how->top_p > 0 ? how->top_p : 1.0, "ignore_eos", r->ignore_eos, "sampling_seed",
                               (json_int_t)((how->seed + index) & 0x7fffffff));
    if (params && r->n_stops > 0)
        json_object_set_new(params, "stop", server_stops(r));
    return json_pack("{so so sb sb si}", p->text ? "text" : "input_ids", server_prompt(p), "sampling_params", params, "stream",
                     1, "return_logprob", r->n_top > 0, "top_logprobs_num", r->n_top);
}

/* [logprob, id, text] */
static int32_t triple(const json_t *v, double *logprob)
{
    const json_t *value = json_array_get(v, 0), *id = json_array_get(v, 1);
    *logprob = json_is_number(value) ? json_number_value(value) : NAN;
    return json_is_integer(id) ? (int32_t)json_integer_value(id) : -1;
}

/* Does this chunk begin with what was told before? Then it is cumulative. One that is as long as the count of all tokens
 * is; a delta is shorter, but for the first, where both are the same. */
static size_t told_before(const struct server_talk *t, const json_t *ids, int64_t completed)
{
    return (int64_t)json_array_size(ids) == completed ? t->reply->n_steps : 0;
}

static int hear(struct server_talk *t, const json_t *event, struct err *err)
{
    struct engine_reply *r = t->reply;
    const json_t *meta = json_object_get(event, "meta_info"), *ids = json_object_get(event, "output_ids");
    const json_t *text = json_object_get(event, "text"), *why = json_object_get(meta, "finish_reason");
    const json_t *values = json_object_get(meta, "output_token_logprobs"), *tops = json_object_get(meta, "output_top_logprobs");
    int64_t completed = json_int_or(meta, "completion_tokens", 0);
    size_t n = json_array_size(ids), from = told_before(t, ids, completed);
    bool cumulative = from > 0;
    const char *fresh = json_is_string(text) ? json_string_value(text) : "";
    size_t len = json_string_length(text), told = cumulative ? r->text.len : 0;
    if (strcmp(json_text_or(why, "type", ""), "abort") == 0)
        return err_set(err, ERR_ENGINE, "it gave up: %.300s", json_text_or(why, "message", "no reason given"));
    fresh += told < len ? told : len; /* a cumulative text never takes back what it showed */
    len -= told < len ? told : len;
    for (size_t i = from; i < n; i++) {
        size_t at = json_array_size(values) == n ? i : json_array_size(values) - (n - i);
        struct server_token token = {.logprob = NAN, .text = i + 1 == n ? fresh : "", .len = i + 1 == n ? len : 0};
        token.id = (int32_t)json_integer_value(json_array_get(ids, i));
        if (t->request->n_top > 0) {
            size_t k;
            json_t *top;
            double logprob;
            triple(json_array_get(values, at), &token.logprob);
            json_array_foreach(json_array_get(tops, at), k, top) {
                int32_t id = triple(top, &logprob);
                TRY(server_top(t, &token.n_tops, id, logprob, err));
            }
        }
        TRY(server_add(t, &token, err));
    }
    r->n_prompt = (size_t)json_int_or(meta, "prompt_tokens", (int64_t)r->n_prompt);
    r->cached_tokens = json_int_or(meta, "cached_tokens", r->cached_tokens);
    if (!json_is_object(why))
        return 0;
    const json_t *matched = json_object_get(why, "matched");
    t->finished = true;
    r->n_reported = completed;
    server_finish(t, strcmp(json_text_or(why, "type", ""), "length") == 0 ? "length" : json_is_string(matched) ? "word" : "eos");
    double first = json_number_or(meta, "first_token_latency", NAN), all = json_number_or(meta, "e2e_latency", NAN);
    r->server_prefill_ms = first * 1e3;
    r->server_decode_ms = (all - first) * 1e3;
    return 0;
}

static int score(struct server *s, const struct engine_score *score, struct err *err)
{
    struct engine_prompt prompt = {.ids = score->ids, .n_ids = score->n_ids};
    json_t *body = json_pack("{so s{si sf} sb si}", "input_ids", server_prompt(&prompt), "sampling_params", "max_new_tokens", 1,
                             "temperature", 0.0, "return_logprob", 1, "logprob_start_len", 0);
    json_t *v = server_json(s, "/generate", body, err);
    json_decref(body);
    if (!v)
        return -1;
    const json_t *rows = json_object_get(json_object_get(v, "meta_info"), "input_token_logprobs");
    int rc = 0;
    if (json_array_size(rows) != score->n_ids)
        rc = err_set(err, ERR_ENGINE, "%zu log-probabilities came for a prompt of %zu tokens", json_array_size(rows), score->n_ids);
    for (size_t i = 1; i < score->n_ids && rc == 0; i++)
        triple(json_array_get(rows, i), &score->logprobs[i]); /* by position: it misnames some ids here */
    json_decref(v);
    return rc;
}

static const struct server_row row = {
    .default_url = "http://127.0.0.1:8002", .suffix = "/v1", .ready_path = "/model_info", .version_path = "/server_info",
    .version_key = "version", .stream_type = "text/event-stream", .framing = EVENTS_SSE, .tokenize_path = "/tokenize",
    .tokenize_key = "prompt", .detokenize_path = "/detokenize", .detokenize_key = "text", .meet = meet, .path = path,
    .ask = ask, .hear = hear, .score = score};

const struct engine_class engine_sglang = {
    .name = "sglang",
    .what = "SGLang's own server",
    .checked_against = "double only",
    .can = {.token_ids = true, .top_k = ENGINE_TOP_ALL, .prompt_logprobs = true, .streaming = true, .server_timings = true,
            .tokenization = true, .fixed_length = true, .seed = true, .stops = true, .logprobs_cost = true,
            .score_error = 1e-2},
    .row = &row,
    SERVER_SLOTS,
};
