/* Ollama by its own route /api/generate, raw: lines of JSON, texts in and out, so that ids go both ways through the
 * reference tokenizer; at most 20 log-probabilities, the model's own. A prompt cannot be kept out of its cache: every
 * timed one begins with a token of its own. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "engines/server.h"

enum { TOP_MAX = 20 };

static int find_model(struct server *s, struct err *err)
{
    json_t *tags = server_json(s, "/api/tags", NULL, err);
    const json_t *models = json_object_get(tags, "models");
    const char *name = json_text_or(json_array_get(models, 0), "name", NULL);
    int rc = tags ? 0 : -1;
    if (tags && !name) {
        err_set(err, ERR_MISSING, "'%s' has no model", s->url);
        rc = err_hint(err, "'prony engines register' imports a GGUF file");
    } else if (tags && json_array_size(models) > 1) {
        err_set(err, ERR_USAGE, "'%s' has %zu models, '%s' first", s->url, json_array_size(models), name);
        rc = err_hint(err, "option 'model: NAME' says which one is meant");
    } else if (tags) {
        snprintf(s->model, sizeof s->model, "%s", name);
    }
    json_decref(tags);
    return rc;
}

static int meet(struct server *s, struct err *err)
{
    if (!*s->model)
        TRY(find_model(s, err));
    json_t *body = json_pack("{ss si sb}", "model", s->model, "keep_alive", -1, "stream", 0);
    json_t *v = server_json(s, "/api/generate", body, err); /* no prompt: it only loads */
    json_decref(body);
    json_decref(v);
    if (!v)
        return -1;
    json_t *ps = server_json(s, "/api/ps", NULL, err);
    size_t i;
    json_t *m;
    json_array_foreach(json_object_get(ps, "models"), i, m)
        if (strncmp(json_text_or(m, "name", ""), s->model, strlen(s->model)) == 0)
            s->facts.context = (int)json_int_or(m, "context_length", 0);
    json_decref(ps);
    return ps ? 0 : -1;
}

static const char *path(const struct server *s)
{
    (void)s;
    return "/api/generate";
}

static json_t *ask(const struct server *s, const struct engine_request *r, const struct engine_prompt *p, size_t index)
{
    const struct engine_sampling *how = &r->sampling;
    json_t *options = json_pack("{sI sf si sf sf sf sI}", "num_predict", (json_int_t)r->max_tokens, "temperature",
                                how->temperature, "top_k", how->top_k, "top_p", how->top_p > 0 ? how->top_p : 1.0, "min_p",
                                0.0, "repeat_penalty", 1.0, "seed", (json_int_t)((how->seed + index) & 0x7fffffff));
    if (options && r->n_stops > 0)
        json_object_set_new(options, "stop", server_stops(r));
    json_t *body = json_pack("{ss so sb sb sb sb so}", "model", s->model, "prompt", server_prompt(p), "raw", 1, "stream", 1,
                             "think", 0, "truncate", 0, "options", options);
    if (body && r->n_top > 0) {
        json_object_set_new(body, "logprobs", json_true());
        json_object_set_new(body, "top_logprobs", json_integer(r->n_top));
    }
    return body;
}

static int hear(struct server_talk *t, const json_t *event, struct err *err)
{
    struct engine_reply *r = t->reply;
    const json_t *text = json_object_get(event, "response"), *entries = json_object_get(event, "logprobs");
    size_t n = json_array_size(entries);
    bool shows = json_is_string(text) && json_string_length(text) > 0;
    for (size_t i = 0; i < n || (i == 0 && shows); i++) {
        struct server_token token = {.id = -1, .logprob = NAN, .text = ""};
        if (i + 1 >= n && shows) {
            token.text = json_string_value(text);
            token.len = json_string_length(text);
        }
        if (i < n)
            TRY(openai_entry(t, json_array_get(entries, i), &token, err));
        else
            token.id = server_map(t, token.text, token.len, NULL);
        TRY(server_add(t, &token, err));
    }
    if (!json_is_true(json_object_get(event, "done")))
        return 0;
    t->over = true;
    r->n_prompt = (size_t)json_int_or(event, "prompt_eval_count", 0);
    r->n_reported = json_int_or(event, "eval_count", -1);
    r->cached_tokens = json_int_or(event, "prompt_eval_cached_count", -1);
    r->server_prefill_ms = json_number_or(event, "prompt_eval_duration", NAN) / 1e6;
    r->server_decode_ms = json_number_or(event, "eval_duration", NAN) / 1e6;
    server_finish(t, json_text_or(event, "done_reason", "stop"));
    return 0;
}

static const struct server_row row = {
    .default_url = "http://127.0.0.1:11434", .ready_path = "/api/version", .version_path = "/api/version",
    .version_key = "version", .stream_type = "application/x-ndjson", .framing = EVENTS_LINES, .maps_ids = true,
    .takes_text = true, .holds_text = true, .meet = meet, .path = path, .ask = ask, .hear = hear};

const struct engine_class engine_ollama = {
    .name = "ollama",
    .what = "Ollama",
    .checked_against = "double only",
    .can = {.token_ids = true, .top_k = TOP_MAX, .streaming = true, .server_timings = true, .seed = true, .stops = true,
            .logprobs_cost = true},
    .row = &row,
    SERVER_SLOTS,
};
