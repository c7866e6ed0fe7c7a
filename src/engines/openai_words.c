/* The words that servers share with OpenAI's, in every shape that they take them: ids beside the text (vLLM), entries
 * with or without ids and bytes (llama.cpp, chat), the four arrays of old completions, texts only. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "engines/server.h"

const char *openai_path(const struct server *s)
{
    return s->chat ? "/v1/chat/completions" : "/v1/completions";
}

json_t *server_prompt(const struct engine_prompt *p)
{
    if (p->text)
        return json_string(p->text);
    json_t *ids = json_array();
    for (size_t i = 0; ids && i < p->n_ids; i++)
        json_array_append_new(ids, json_integer(p->ids[i]));
    return ids;
}

json_t *server_stops(const struct engine_request *r)
{
    json_t *stops = json_array();
    for (size_t i = 0; stops && i < r->n_stops; i++)
        json_array_append_new(stops, json_string(r->stops[i]));
    return stops;
}

json_t *openai_ask(const struct server *s, const struct engine_request *r, const struct engine_prompt *p, size_t index)
{
    json_t *prompt = server_prompt(p);
    json_t *body = json_pack("{ss so sI sf sI sb s{sb}}", "model", s->model, s->chat ? "messages" : "prompt",
                             s->chat ? json_pack("[{ss so}]", "role", "user", "content", prompt) : prompt, "max_tokens",
                             (json_int_t)r->max_tokens, "temperature", r->sampling.temperature, "seed",
                             (json_int_t)((r->sampling.seed + index) & 0x7fffffff), "stream", 1, "stream_options",
                             "include_usage", 1);
    if (body && r->sampling.top_p > 0 && r->sampling.top_p < 1)
        json_object_set_new(body, "top_p", json_real(r->sampling.top_p));
    if (body && r->n_stops > 0)
        json_object_set_new(body, "stop", server_stops(r));
    return body;
}

static bool text_is(const json_t *v)
{
    return json_is_string(v) && json_string_length(v) > 0;
}

/* What a choice shows: `text`, or in a chat the content, or what it thinks. */
static const json_t *shown(const json_t *choice)
{
    const json_t *delta = json_object_get(choice, "delta");
    const json_t *places[] = {json_object_get(choice, "text"), json_object_get(delta, "content"),
                              json_object_get(delta, "reasoning_content"), json_object_get(delta, "reasoning")};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        if (text_is(places[i]))
            return places[i];
    return NULL;
}

/* An entry of `logprobs.content` or of its top_logprobs. */
static int32_t entry_id(struct server_talk *t, const json_t *entry)
{
    const json_t *id = json_object_get(entry, "id"), *token = json_object_get(entry, "token");
    if (json_is_integer(id))
        return (int32_t)json_integer_value(id);
    return json_is_string(token)
               ? server_map(t, json_string_value(token), json_string_length(token), json_object_get(entry, "bytes"))
               : -1;
}

static int entry_tops(struct server_talk *t, const json_t *entry, struct server_token *token, struct err *err)
{
    size_t i;
    json_t *top;
    token->n_tops = 0;
    if (t->request->n_top > 0)
        json_array_foreach(json_object_get(entry, "top_logprobs"), i, top)
            TRY(server_top(t, &token->n_tops, entry_id(t, top), json_number_or(top, "logprob", NAN), err));
    return 0;
}

int openai_entry(struct server_talk *t, const json_t *entry, struct server_token *token, struct err *err)
{
    token->id = entry_id(t, entry);
    token->logprob = json_number_or(entry, "logprob", NAN);
    return entry_tops(t, entry, token, err);
}

/* {"text": logprob} of one step, keys "token_id:N" where they were asked for. */
static int dict_tops(struct server_talk *t, const json_t *dict, struct server_token *token, struct err *err)
{
    const char *key;
    json_t *value;
    token->n_tops = 0;
    if (t->request->n_top > 0 && json_is_object(dict))
        json_object_foreach((json_t *)dict, key, value) {
            int32_t id = -1;
            char *end;
            if (strncmp(key, "token_id:", 9) == 0)
                id = (int32_t)strtol(key + 9, &end, 10);
            else
                id = server_map(t, key, strlen(key), NULL);
            TRY(server_top(t, &token->n_tops, id, json_number_value(value), err));
        }
    return 0;
}

/* All tokens of one choice; its text belongs to the last of them. */
static int hear_choice(struct server_talk *t, const json_t *choice, struct err *err)
{
    const json_t *text = shown(choice), *ids = json_object_get(choice, "token_ids");
    const json_t *logprobs = json_object_get(choice, "logprobs"), *entries = json_object_get(logprobs, "content");
    const json_t *tokens = json_object_get(logprobs, "tokens"), *values = json_object_get(logprobs, "token_logprobs");
    const json_t *dicts = json_object_get(logprobs, "top_logprobs");
    size_t n = json_array_size(ids);
    if (n == 0)
        n = json_array_size(entries) ? json_array_size(entries) : json_array_size(tokens);
    if (n == 0 && text)
        n = 1;
    for (size_t i = 0; i < n; i++) {
        struct server_token token = {.id = -1, .logprob = NAN, .text = ""};
        const json_t *name = json_array_get(tokens, i), *id = json_array_get(ids, i);
        if (i + 1 == n && text) {
            token.text = json_string_value(text);
            token.len = json_string_length(text);
        }
        if (json_array_get(entries, i)) {
            TRY(openai_entry(t, json_array_get(entries, i), &token, err));
        } else if (name) {
            token.logprob = json_is_number(json_array_get(values, i)) ? json_number_value(json_array_get(values, i)) : NAN;
            TRY(dict_tops(t, json_array_get(dicts, i), &token, err));
        }
        if (json_is_integer(id))
            token.id = (int32_t)json_integer_value(id);
        else if (name && !json_array_get(entries, i))
            token.id = server_map(t, json_string_value(name), json_string_length(name), NULL);
        else if (token.id < 0 && n == 1)
            token.id = server_map(t, token.text, token.len, NULL);
        TRY(server_add(t, &token, err));
    }
    return 0;
}

/* Counts, where they are more than a place that will be filled later. */
static void hear_usage(struct server_talk *t, const json_t *usage)
{
    struct engine_reply *r = t->reply;
    int64_t prompt = json_int_or(usage, "prompt_tokens", 0), fresh = json_int_or(usage, "completion_tokens", 0);
    if (prompt > 0)
        r->n_prompt = (size_t)prompt;
    if (fresh > 0)
        r->n_reported = fresh;
    r->cached_tokens = json_int_or(json_object_get(usage, "prompt_tokens_details"), "cached_tokens", r->cached_tokens);
    const json_t *extra = json_object_get(usage, "extra"); /* MLC */
    double first = json_number_or(extra, "ttft_s", NAN) * 1e3, all = json_number_or(extra, "end_to_end_latency_s", NAN) * 1e3;
    if (!isnan(first)) {
        r->server_prefill_ms = first;
        r->server_decode_ms = all - first;
    }
}

int openai_hear(struct server_talk *t, const json_t *event, struct err *err)
{
    const json_t *choice = json_array_get(json_object_get(event, "choices"), 0);
    const char *reason = json_text_or(choice, "finish_reason", NULL);
    const json_t *timings = json_object_get(event, "timings"), *metrics = json_object_get(event, "metrics");
    if (!t->finished)
        TRY(hear_choice(t, choice, err));
    if (reason && !t->finished) {
        t->finished = true;
        server_finish(t, reason);
    }
    hear_usage(t, json_object_get(event, "usage"));
    if (timings) { /* llama.cpp behind a router */
        t->reply->server_prefill_ms = json_number_or(timings, "prompt_ms", NAN);
        t->reply->server_decode_ms = json_number_or(timings, "predicted_ms", NAN);
        t->reply->cached_tokens = json_int_or(timings, "cache_n", t->reply->cached_tokens);
    }
    if (metrics) { /* vLLM; counted from scheduling on */
        t->reply->server_prefill_ms = json_number_or(metrics, "time_to_first_token_ms", NAN);
        t->reply->server_decode_ms = json_number_or(metrics, "generation_time_ms", NAN);
    }
    return 0;
}
