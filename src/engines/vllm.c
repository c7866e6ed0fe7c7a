/* vLLM's OpenAI server: completions with ids beside the text, log-probabilities under keys that are ids, those of the
 * prompt too, and a last chunk with its own times. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "engines/server.h"

enum { TOP_MAX = 50 }; /* what it is launched with: its own default is 20 */

static int meet(struct server *s, struct err *err)
{
    json_t *models = server_models(s, "/v1/models", err);
    s->facts.context = (int)json_int_or(json_array_get(json_object_get(models, "data"), 0), "max_model_len", 0);
    json_decref(models);
    return models ? 0 : -1;
}

static json_t *ask(const struct server *s, const struct engine_request *r, const struct engine_prompt *p, size_t index)
{
    json_t *body = openai_ask(s, r, p, index);
    if (!body)
        return NULL;
    json_object_set_new(body, "return_token_ids", json_true());
    json_object_set_new(body, "ignore_eos", json_boolean(r->ignore_eos));
    if (r->sampling.top_k > 0)
        json_object_set_new(body, "top_k", json_integer(r->sampling.top_k));
    if (r->n_top > 0) {
        json_object_set_new(body, "logprobs", json_integer(r->n_top));
        json_object_set_new(body, "return_tokens_as_token_ids", json_true());
    }
    return body;
}

static int score(struct server *s, const struct engine_score *score, struct err *err)
{
    struct engine_prompt prompt = {.ids = score->ids, .n_ids = score->n_ids};
    json_t *body = json_pack("{ss so si sf si sb}", "model", s->model, "prompt", server_prompt(&prompt), "max_tokens", 1,
                             "temperature", 0.0, "prompt_logprobs", 0, "return_token_ids", 1);
    json_t *v = server_json(s, "/v1/completions", body, err);
    json_decref(body);
    if (!v)
        return -1;
    const json_t *rows = json_object_get(json_array_get(json_object_get(v, "choices"), 0), "prompt_logprobs");
    int rc = 0;
    if (json_array_size(rows) != score->n_ids)
        rc = err_set(err, ERR_ENGINE, "%zu log-probabilities came for a prompt of %zu tokens", json_array_size(rows), score->n_ids);
    for (size_t i = 1; i < score->n_ids && rc == 0; i++) {
        char key[16];
        snprintf(key, sizeof key, "%d", score->ids[i]);
        score->logprobs[i] = json_number_or(json_object_get(json_array_get(rows, i), key), "logprob", NAN);
        if (isnan(score->logprobs[i]))
            rc = err_set(err, ERR_ENGINE, "position %zu: no log-probability of token %d", i, score->ids[i]);
    }
    json_decref(v);
    return rc;
}

static const struct server_row row = {
    .default_url = "http://127.0.0.1:8001", .suffix = "/v1", .ready_path = "/health", .version_path = "/version",
    .version_key = "version", .stream_type = "text/event-stream", .framing = EVENTS_SSE, .tokenize_path = "/tokenize",
    .tokenize_key = "prompt", .detokenize_path = "/detokenize", .detokenize_key = "prompt", .meet = meet,
    .path = openai_path, .ask = ask, .hear = openai_hear, .score = score};

const struct engine_class engine_vllm = {
    .name = "vllm",
    .what = "vLLM's OpenAI server",
    .checked_against = "double only",
    .can = {.token_ids = true, .top_k = TOP_MAX, .prompt_logprobs = true, .streaming = true, .server_timings = true,
            .tokenization = true, .fixed_length = true, .seed = true, .stops = true, .logprobs_cost = true,
            .score_error = 1e-2},
    .row = &row,
    SERVER_SLOTS,
};
