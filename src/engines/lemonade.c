/* Lemonade: a router that runs a llama-server of its own and passes OpenAI's routes through. Ids come only with
 * log-probabilities, so that at least one is always asked for; tokens held back for a whole character have none. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "engines/server.h"

/* What it has loaded: the entry of the model wanted, or the first; NULL: none such. */
static const json_t *loaded(const struct server *s, const json_t *health)
{
    size_t i;
    json_t *m;
    json_array_foreach(json_object_get(health, "all_models_loaded"), i, m)
        if (!*s->model || strcmp(json_text_or(m, "model_name", ""), s->model) == 0)
            return m;
    return NULL;
}

static int load_model(struct server *s, struct err *err)
{
    json_t *body = json_pack("{ss ss}", "model_name", s->model, "llamacpp_args", "-np 1 --no-cache-prompt");
    if (s->facts.context > 0)
        json_object_set_new(body, "ctx_size", json_integer(s->facts.context));
    json_t *v = server_json(s, "/api/v1/load", body, err);
    json_decref(body);
    json_decref(v);
    return v ? 0 : -1;
}

static int meet(struct server *s, struct err *err)
{
    for (int again = 0; again < 2; again++) {
        json_t *health = server_json(s, "/api/v1/health", NULL, err);
        if (!health)
            return -1;
        const json_t *m = loaded(s, health);
        if (m) {
            snprintf(s->model, sizeof s->model, "%s", json_text_or(m, "model_name", ""));
            s->facts.context = (int)json_int_or(json_object_get(m, "recipe_options"), "ctx_size", 0);
            s->facts.context = s->facts.context > 0 ? s->facts.context : 0;
        }
        json_decref(health);
        if (m)
            return 0;
        if (!*s->model) {
            err_set(err, ERR_MISSING, "'%s' has no model loaded", s->url);
            return err_hint(err, "option 'model: NAME' says which; 'prony engines register' makes one known");
        }
        TRY(again ? err_set(err, ERR_ENGINE, "'%s' loaded '%s' and does not list it", s->url, s->model) : load_model(s, err));
    }
    return 0;
}

static const char *path(const struct server *s)
{
    (void)s;
    return "/api/v1/completions";
}

static json_t *ask(const struct server *s, const struct engine_request *r, const struct engine_prompt *p, size_t index)
{
    json_t *body = openai_ask(s, r, p, index);
    if (!body)
        return NULL;
    json_object_set_new(body, "logprobs", json_integer(r->n_top > 0 ? r->n_top : 1));
    json_object_set_new(body, "ignore_eos", json_boolean(r->ignore_eos));
    json_object_set_new(body, "cache_prompt", json_false());
    json_object_set_new(body, "top_k", json_integer(r->sampling.top_k));
    json_object_set_new(body, "min_p", json_real(0));
    if (r->sampling.top_p == 0)
        json_object_set_new(body, "top_p", json_real(1));
    return body;
}

static const struct server_row row = {
    .default_url = "http://127.0.0.1:8000", .ready_path = "/live", .version_path = "/api/v1/health", .version_key = "version",
    .stream_type = "text/event-stream", .framing = EVENTS_SSE, .holds_text = true, .meet = meet, .path = path, .ask = ask,
    .hear = openai_hear};

const struct engine_class engine_lemonade = {
    .name = "lemonade",
    .what = "Lemonade Server (llama.cpp behind a router)",
    .checked_against = "double only",
    .can = {.token_ids = true, .top_k = ENGINE_TOP_ALL, .streaming = true, .server_timings = true, .fixed_length = true,
            .seed = true, .stops = true, .logprobs_cost = true},
    .row = &row,
    SERVER_SLOTS,
};
