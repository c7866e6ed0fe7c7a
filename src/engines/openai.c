/* Any endpoint that speaks OpenAI's words: completions, or with the option `chat` those of a chat. It tells texts; ids are
 * looked up in the reference tokenizer when the model is on this machine too. Only what every such endpoint takes is
 * asked for, so that none refuses a field it does not know. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "engines/server.h"

enum { TOP_MAX = 5 };

static int meet(struct server *s, struct err *err)
{
    if (!*s->model) {
        json_t *models = server_models(s, "/v1/models", err);
        if (!models)
            return -1;
        json_decref(models);
    }
    if (s->chat) { /* its template stands around the prompt: no ids can be asked for */
        s->can.token_ids = false;
        s->can.top_k = 0;
    }
    return 0;
}

static json_t *ask(const struct server *s, const struct engine_request *r, const struct engine_prompt *p, size_t index)
{
    json_t *body = openai_ask(s, r, p, index);
    if (body && r->n_top > 0)
        json_object_set_new(body, "logprobs", json_integer(r->n_top));
    return body;
}

static const struct server_row row = {
    .suffix = "/v1", .ready_path = "/v1/models", .stream_type = "text/event-stream", .framing = EVENTS_SSE,
    .maps_ids = true, .holds_text = true, .meet = meet, .path = openai_path, .ask = ask, .hear = openai_hear};

const struct engine_class engine_openai = {
    .name = "openai",
    .what = "any endpoint that speaks OpenAI's words, named by its URL",
    .checked_against = "double only",
    .can = {.token_ids = true, .top_k = TOP_MAX, .streaming = true, .seed = true, .stops = true, .logprobs_cost = true},
    .row = &row,
    SERVER_SLOTS,
};
