/* llama.cpp's llama-server by its own route /completion: ids in and out, any number of log-probabilities, those of the
 * model itself. While a character is not whole it keeps its tokens back and streams only the last id of the group, so
 * that the ids in between are asked for afterwards, outside the clock. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "engines/server.h"

static int meet(struct server *s, struct err *err)
{
    json_t *props = server_json(s, "/props", NULL, err), *models = NULL;
    if (!props)
        return -1;
    s->facts.context = (int)json_int_or(json_object_get(props, "default_generation_settings"), "n_ctx", 0);
    json_decref(props);
    models = server_models(s, "/v1/models", err);
    const json_t *meta = json_object_get(json_array_get(json_object_get(models, "data"), 0), "meta");
    int64_t vocabulary = json_int_or(meta, "n_vocab", 0);
    if (vocabulary > 0 && vocabulary < INT32_MAX)
        s->facts.vocabulary = (int)vocabulary;
    s->facts.parameters = s->facts.parameters ? s->facts.parameters : (uint64_t)json_int_or(meta, "n_params", 0);
    json_decref(models);
    return models ? 0 : -1;
}

static const char *path(const struct server *s)
{
    (void)s;
    return "/completion";
}

static json_t *ask(const struct server *s, const struct engine_request *r, const struct engine_prompt *p, size_t index)
{
    const struct engine_sampling *how = &r->sampling;
    (void)s;
    json_t *body = json_pack(
        "{so sI sf si sf sf sf sI si sb sb sb sb sb}", "prompt", server_prompt(p), "n_predict", (json_int_t)r->max_tokens,
        "temperature", how->temperature, "top_k", how->top_k, "top_p", how->top_p > 0 ? how->top_p : 1.0, "min_p", 0.0,
        "repeat_penalty", 1.0, "seed", (json_int_t)((how->seed + index) % 0xffffffff), "n_probs", r->n_top, "return_tokens", 1,
        "cache_prompt", 0, "ignore_eos", r->ignore_eos, "stream", 1, "timings_per_token", 0);
    if (body && r->n_stops > 0)
        json_object_set_new(body, "stop", server_stops(r));
    return body;
}

static int hear(struct server_talk *t, const json_t *event, struct err *err)
{
    struct engine_reply *r = t->reply;
    const json_t *text = json_object_get(event, "content"), *ids = json_object_get(event, "tokens");
    int64_t predicted = json_int_or(event, "tokens_predicted", 0), evaluated = json_int_or(event, "tokens_evaluated", 0);
    size_t n = json_array_size(ids);
    if (evaluated > 0)
        r->n_prompt = (size_t)evaluated;
    if (n > 0) {
        struct server_token token = {.id = -1, .logprob = NAN, .text = json_is_string(text) ? json_string_value(text) : "",
                                     .len = json_string_length(text)};
        const json_t *entry = json_array_get(json_object_get(event, "completion_probabilities"), 0);
        if (entry)
            TRY(openai_entry(t, entry, &token, err));
        token.id = (int32_t)json_integer_value(json_array_get(ids, n - 1));
        size_t group = predicted > (int64_t)r->n_steps ? (size_t)predicted - r->n_steps : 1;
        TRY(server_add_group(t, group, &token, err));
    }
    if (!json_is_true(json_object_get(event, "stop")))
        return 0;
    const json_t *timings = json_object_get(event, "timings");
    t->over = true;
    r->n_reported = predicted;
    r->server_prefill_ms = json_number_or(timings, "prompt_ms", NAN);
    r->server_decode_ms = json_number_or(timings, "predicted_ms", NAN);
    r->cached_tokens = json_int_or(timings, "cache_n", -1);
    if (json_is_true(json_object_get(event, "truncated")))
        return err_set(err, ERR_ENGINE, "the server cut the prompt, or the reply, to fit its context");
    server_finish(t, json_text_or(event, "stop_type", "limit"));
    while (r->n_steps < (size_t)predicted && r->n_steps < t->request->max_tokens) { /* half a character at the end */
        struct server_token unnamed = {.id = -1, .logprob = NAN, .text = ""};
        TRY(server_add(t, &unnamed, err));
    }
    return 0;
}

/* The ids that the stream did not name: the same request again, whole. They count only if those that were named agree. */
static int settle(struct server_talk *t, struct err *err)
{
    struct engine_reply *r = t->reply;
    json_t *body = ask(t->server, t->request, t->prompt, t->index);
    json_object_set_new(body, "stream", json_false());
    json_object_set_new(body, "n_probs", json_integer(0));
    json_t *v = server_json(t->server, "/completion", body, err);
    json_decref(body);
    if (!v)
        return -1;
    const json_t *ids = json_object_get(v, "tokens");
    bool agree = json_array_size(ids) == r->n_steps;
    for (size_t i = 0; agree && i < r->n_steps; i++)
        agree = r->steps[i].id < 0 || r->steps[i].id == json_integer_value(json_array_get(ids, i));
    for (size_t i = 0; agree && i < r->n_steps; i++)
        r->steps[i].id = (int32_t)json_integer_value(json_array_get(ids, i));
    json_decref(v);
    return 0;
}

static const struct server_row row = {
    .default_url = "http://127.0.0.1:8003", .suffix = "/v1", .ready_path = "/health", .version_path = "/props",
    .version_key = "build_info", .stream_type = "text/event-stream", .framing = EVENTS_SSE, .tokenize_path = "/tokenize",
    .tokenize_key = "content", .detokenize_path = "/detokenize", .detokenize_key = "content", .meet = meet, .path = path,
    .ask = ask, .hear = hear, .settle = settle};

const struct engine_class engine_llamacpp = {
    .name = "llamacpp",
    .what = "llama.cpp's llama-server",
    .checked_against = "real b1-0c1e570",
    .can = {.token_ids = true, .top_k = ENGINE_TOP_ALL, .streaming = true, .server_timings = true, .tokenization = true,
            .fixed_length = true, .seed = true, .stops = true, .logprobs_cost = true},
    .row = &row,
    SERVER_SLOTS,
};
