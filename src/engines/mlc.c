/* MLC-LLM's server: completions that take ids and give texts. Its log-probabilities are those after the temperature, five
 * at most, under texts that lost their spaces: none of them can be believed to be a token's, so none is claimed. A fixed
 * length needs a server started with --enable-debug; one that was not drops the wish, and the count then tells. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "engines/server.h"

static int meet(struct server *s, struct err *err)
{
    json_t *models = server_models(s, "/v1/models", err);
    json_decref(models);
    return models ? 0 : -1;
}

static json_t *ask(const struct server *s, const struct engine_request *r, const struct engine_prompt *p, size_t index)
{
    json_t *body = openai_ask(s, r, p, index);
    if (body && r->ignore_eos)
        json_object_set_new(body, "debug_config", json_pack("{sb}", "ignore_eos", 1));
    return body;
}

static const struct server_row row = {
    .default_url = "http://127.0.0.1:8004", .suffix = "/v1", .ready_path = "/v1/models", .stream_type = "text/event-stream",
    .framing = EVENTS_SSE, .maps_ids = true, .holds_text = true, .meet = meet, .path = openai_path, .ask = ask,
    .hear = openai_hear};

const struct engine_class engine_mlc = {
    .name = "mlc",
    .what = "MLC-LLM's server",
    .checked_against = "double only",
    .can = {.token_ids = true, .streaming = true, .server_timings = true, .fixed_length = true, .seed = true, .stops = true},
    .row = &row,
    SERVER_SLOTS,
};
