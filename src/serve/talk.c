/* What every dialect asks in its own words, and the engine's answer handed out step by step. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "serve/stand_in.h"

double body_number(const json_t *o, const char *key, double initial)
{
    const json_t *v = json_object_get(o, key);
    return json_is_number(v) ? json_number_value(v) : initial;
}

bool body_flag(const json_t *o, const char *key, bool initial)
{
    const json_t *v = json_object_get(o, key);
    return json_is_boolean(v) ? json_is_true(v) : initial;
}

struct talk *talk_new(struct stand_in *s, const struct http_call *call, struct http_answer *a)
{
    struct err err = ERR_INIT;
    struct talk *t = mem_zalloc(1, sizeof *t, &err);
    if (t)
        t->body = json_parse(call->body, call->body_len, "body", &err);
    if (!t || !json_is_object(t->body)) {
        answer_error(s, a, 400, "invalid_request_error", "%s", *err.text ? err.text : "not an object");
        talk_free(t);
        return NULL;
    }
    t->s = s;
    t->created = clock_real_ms() / 1000;
    t->want.request = (struct engine_request){.prompts = &t->want.prompt, .n_prompts = 1, .stops = t->want.stops};
    return t;
}

void talk_free(struct talk *t)
{
    if (!t)
        return;
    engine_reply_release(&t->reply);
    free(t->want.ids);
    json_decref(t->body);
    free(t);
}

static bool prompt_text(struct talk *t, const char *text, size_t len, struct http_answer *a)
{
    struct err err = ERR_INIT;
    free(t->want.ids);
    t->want.ids = NULL;
    if (engine_tokenize(stand_in_engine(t->s), text, len, &t->want.ids, &t->want.prompt.n_ids, &err) < 0) {
        answer_error(t->s, a, 400, "invalid_request_error", "%s", err.text);
        return false;
    }
    t->want.prompt.ids = t->want.ids;
    return true;
}

bool talk_prompt(struct talk *t, const json_t *prompt, struct http_answer *a)
{
    if (json_is_string(prompt))
        return prompt_text(t, json_string_value(prompt), json_string_length(prompt), a);
    size_t n = json_array_size(prompt);
    t->want.ids = n ? mem_alloc(n, sizeof *t->want.ids, NULL) : NULL;
    for (size_t i = 0; t->want.ids && i < n; i++) {
        const json_t *id = json_array_get(prompt, i);
        t->want.ids[i] = json_is_integer(id) ? (int32_t)json_integer_value(id) : -1;
    }
    if (!t->want.ids) {
        answer_error(t->s, a, 400, "invalid_request_error", "\"prompt\" must be a string or an array of token ids");
        return false;
    }
    t->want.prompt = (struct engine_prompt){.ids = t->want.ids, .n_ids = n};
    return true;
}

bool talk_messages(struct talk *t, const json_t *messages, struct http_answer *a)
{
    struct buf all = BUF_INIT(64u << 20);
    size_t i;
    json_t *m;
    json_array_foreach((json_t *)messages, i, m) {
        const char *text = json_string_value(json_object_get(m, "content"));
        buf_str(&all, text ? text : "");
    }
    bool ok = prompt_text(t, all.data ? all.data : "", all.len, a);
    buf_release(&all);
    return ok;
}

void talk_stops(struct talk *t, const json_t *stop)
{
    size_t n = json_is_string(stop) ? 1 : json_array_size(stop);
    for (size_t i = 0; i < n && i < sizeof t->want.stops / sizeof t->want.stops[0]; i++) {
        const char *text = json_string_value(json_is_string(stop) ? stop : json_array_get(stop, i));
        if (text && *text)
            t->want.stops[t->want.request.n_stops++] = text;
    }
}

bool talk_run(struct talk *t, struct http_answer *a)
{
    struct err err = ERR_INIT;
    struct engine *e = stand_in_engine(t->s);
    int v = engine_facts(e)->vocabulary;
    struct engine_request *r = &t->want.request;
    if (fault_answers(t->s, true, a))
        return false;
    r->n_top = r->n_top > v ? v : r->n_top;
    if (engine_generate(e, r, &t->reply, &err) == 0)
        return true;
    answer_error(t->s, a, 400, strstr(err.text, "context") ? "exceed_context_size_error" : "invalid_request_error", "%s",
                 err.text);
    return false;
}

static size_t text_end(const struct talk *t, size_t steps)
{
    return steps == 0 ? 0 : t->reply.steps[steps - 1].text_at + t->reply.steps[steps - 1].text_len;
}

size_t talk_group(const struct talk *t)
{
    for (size_t n = 1; t->at + n <= t->reply.n_steps; n++) {
        size_t end = text_end(t, t->at + n), len = end - t->text_at;
        if (utf8_whole(t->reply.text.data + t->text_at, len) == len)
            return n;
    }
    return 0;
}

void talk_text(struct talk *t, size_t n, bool last, const char **text, size_t *len)
{
    size_t end = text_end(t, t->at + n);
    *text = t->reply.text.data + t->text_at;
    *len = last ? end - t->text_at : utf8_whole(*text, end - t->text_at);
    t->text_at += *len;
}

const struct engine_top *talk_tops(const struct talk *t, size_t step)
{
    return &t->reply.tops[step * (size_t)t->reply.n_top];
}

void talk_piece(const struct talk *t, int32_t id, struct buf *out)
{
    engine_detokenize(stand_in_engine(t->s), &id, 1, out, NULL);
}

void answer_tokenize(struct stand_in *s, const struct http_call *call, struct http_answer *a, const char *key, bool counts)
{
    struct talk *t = talk_new(s, call, a);
    if (t && talk_prompt(t, json_object_get(t->body, key), a)) {
        struct json_out j = answer_json(a);
        json_out_open(&j, '{');
        if (counts) {
            json_out_key(&j, "count");
            json_out_int(&j, (int64_t)t->want.prompt.n_ids);
            json_out_key(&j, "max_model_len");
            json_out_int(&j, engine_facts(stand_in_engine(s))->context);
        }
        json_out_key(&j, "tokens");
        json_out_open(&j, '[');
        for (size_t i = 0; i < t->want.prompt.n_ids; i++)
            json_out_int(&j, t->want.ids[i]);
        json_out_close(&j);
        json_out_close(&j);
    }
    talk_free(t);
}

void answer_detokenize(struct stand_in *s, const struct http_call *call, struct http_answer *a, const char *key)
{
    struct talk *t = talk_new(s, call, a);
    struct buf text = BUF_INIT(64u << 20);
    if (t && talk_prompt(t, json_object_get(t->body, "tokens"), a)) {
        engine_detokenize(stand_in_engine(s), t->want.ids, t->want.prompt.n_ids, &text, NULL);
        struct json_out j = answer_json(a);
        json_out_open(&j, '{');
        json_out_key(&j, key);
        json_out_text_len(&j, text.data ? text.data : "", text.len);
        json_out_close(&j);
    }
    buf_release(&text);
    talk_free(t);
}
