#include "serve/oai_words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

void oai_error(struct buf *out, int status, const char *type, const char *text)
{
    struct json_out j = JSON_OUT_INIT(out);
    json_out_open(&j, '{');
    json_out_key(&j, "error");
    json_out_open(&j, '{');
    json_out_key(&j, "code");
    json_out_int(&j, status);
    json_out_key(&j, "message");
    json_out_text(&j, text);
    json_out_key(&j, "type");
    json_out_text(&j, type);
    json_out_close(&j);
    json_out_close(&j);
}

static void key_text(struct json_out *j, const char *key, const char *text)
{
    json_out_key(j, key);
    json_out_text(j, text);
}

static void key_int(struct json_out *j, const char *key, int64_t n)
{
    json_out_key(j, key);
    json_out_int(j, n);
}

void oai_models(struct stand_in *s, struct http_answer *a, int context, int vocabulary)
{
    struct json_out j = answer_json(a);
    json_out_open(&j, '{');
    key_text(&j, "object", "list");
    json_out_key(&j, "data");
    json_out_open(&j, '[');
    json_out_open(&j, '{');
    key_text(&j, "id", stand_in_model(s));
    key_text(&j, "object", "model");
    key_int(&j, "created", clock_real_ms() / 1000);
    if (context > 0)
        key_int(&j, "max_model_len", context);
    if (vocabulary > 0) {
        json_out_key(&j, "meta");
        json_out_open(&j, '{');
        key_int(&j, "n_vocab", vocabulary);
        json_out_close(&j);
    }
    json_out_close(&j);
    json_out_close(&j);
    json_out_close(&j);
}

void oai_usage(const struct talk *t, struct json_out *j)
{
    json_out_key(j, "usage");
    json_out_open(j, '{');
    key_int(j, "prompt_tokens", (int64_t)t->reply.n_prompt);
    key_int(j, "total_tokens", (int64_t)(t->reply.n_prompt + t->reply.n_steps));
    key_int(j, "completion_tokens", (int64_t)t->reply.n_steps);
    json_out_key(j, "prompt_tokens_details");
    json_out_open(j, '{');
    key_int(j, "cached_tokens", 0);
    json_out_close(j);
    json_out_close(j);
}

void oai_head(const struct talk *t, struct json_out *j, const char *object)
{
    json_out_open(j, '{');
    key_text(j, "id", "cmpl-1");
    key_text(j, "object", object);
    key_int(j, "created", t->created);
    key_text(j, "model", stand_in_model(t->s));
}

void oai_choices(const struct talk *t, struct json_out *j, const char *object)
{
    oai_head(t, j, object);
    json_out_key(j, "choices");
    json_out_open(j, '[');
}

void oai_choice(struct json_out *j)
{
    json_out_open(j, '{');
    key_int(j, "index", 0);
}

void oai_finish(const struct talk *t, struct json_out *j, bool ended)
{
    json_out_key(j, "finish_reason");
    if (!ended)
        json_out_null(j);
    else
        json_out_text(j, t->reply.finish == FINISH_LENGTH ? "length" : "stop");
}

static void token_words(const struct talk *t, struct json_out *j, int32_t id, double logprob, unsigned form)
{
    struct buf piece = BUF_INIT(4096);
    talk_piece(t, id, &piece);
    if (form & ENTRY_ID)
        key_int(j, "id", id);
    json_out_key(j, "token");
    json_out_text_len(j, piece.data ? piece.data : "", piece.len);
    if (form & ENTRY_BYTES) {
        json_out_key(j, "bytes");
        json_out_open(j, '[');
        for (size_t i = 0; i < piece.len; i++)
            json_out_int(j, (unsigned char)piece.data[i]);
        json_out_close(j);
    }
    json_out_key(j, "logprob");
    json_out_number(j, logprob);
    buf_release(&piece);
}

void oai_entry(const struct talk *t, struct json_out *j, size_t step, unsigned form)
{
    const struct engine_step *s = &t->reply.steps[step];
    const struct engine_top *tops = talk_tops(t, step);
    json_out_open(j, '{');
    token_words(t, j, s->id, s->logprob, form);
    if (form & ENTRY_TOPS) {
        json_out_key(j, "top_logprobs");
        json_out_open(j, '[');
        for (int k = 0; k < t->reply.n_top; k++) {
            json_out_open(j, '{');
            token_words(t, j, tops[k].id, tops[k].logprob, form);
            json_out_close(j);
        }
        json_out_close(j);
    }
    json_out_close(j);
}

void oai_content(const struct talk *t, struct json_out *j, size_t from, size_t n, unsigned form)
{
    json_out_key(j, "logprobs");
    if (!t->want.logprobs) {
        json_out_null(j);
        return;
    }
    json_out_open(j, '{');
    json_out_key(j, "content");
    json_out_open(j, '[');
    for (size_t i = from; i < from + n; i++)
        oai_entry(t, j, i, form);
    json_out_close(j);
    json_out_close(j);
}

static void name_of(const struct talk *t, int32_t id, bool as_ids, struct buf *out)
{
    if (as_ids)
        buf_printf(out, "token_id:%d", id);
    else
        talk_piece(t, id, out);
    if (!out->data)
        buf_str(out, "");
}

/* Texts of different tokens may be the same; the later one then takes the place of the earlier one. */
static bool comes_again(const struct talk *t, const struct engine_top *tops, int k, const struct buf *name)
{
    bool again = false;
    for (int later = k + 1; later < t->reply.n_top && !again; later++) {
        struct buf other = BUF_INIT(4096);
        name_of(t, tops[later].id, false, &other);
        again = strcmp(other.data ? other.data : "", name->data ? name->data : "") == 0;
        buf_release(&other);
    }
    return again;
}

static void array_tops(const struct talk *t, struct json_out *j, size_t step, bool as_ids)
{
    const struct engine_step *s = &t->reply.steps[step];
    const struct engine_top *tops = talk_tops(t, step);
    bool sampled = false;
    json_out_open(j, '{');
    for (int k = 0; k <= t->reply.n_top; k++) { /* the sampled token too, so that there may be one more than asked */
        struct buf name = BUF_INIT(4096);
        if (k == t->reply.n_top && sampled)
            break;
        struct engine_top top = k < t->reply.n_top ? tops[k] : (struct engine_top){s->id, s->logprob};
        sampled |= top.id == s->id;
        name_of(t, top.id, as_ids, &name);
        if (as_ids || !comes_again(t, tops, k, &name)) {
            json_out_key(j, name.data ? name.data : "");
            json_out_number(j, top.logprob);
        }
        buf_release(&name);
    }
    json_out_close(j);
}

void oai_arrays(const struct talk *t, struct json_out *j, size_t from, size_t n, bool as_ids)
{
    json_out_key(j, "logprobs");
    if (!t->want.logprobs) {
        json_out_null(j);
        return;
    }
    json_out_open(j, '{');
    json_out_key(j, "text_offset");
    json_out_open(j, '[');
    for (size_t i = from; i < from + n; i++)
        json_out_int(j, (int64_t)t->reply.steps[i].text_at);
    json_out_close(j);
    json_out_key(j, "token_logprobs");
    json_out_open(j, '[');
    for (size_t i = from; i < from + n; i++)
        json_out_number(j, t->reply.steps[i].logprob);
    json_out_close(j);
    json_out_key(j, "tokens");
    json_out_open(j, '[');
    for (size_t i = from; i < from + n; i++) {
        struct buf name = BUF_INIT(4096);
        name_of(t, t->reply.steps[i].id, as_ids, &name);
        json_out_text_len(j, name.data ? name.data : "", name.len);
        buf_release(&name);
    }
    json_out_close(j);
    json_out_key(j, "top_logprobs");
    json_out_open(j, '[');
    for (size_t i = from; i < from + n; i++)
        array_tops(t, j, i, as_ids);
    json_out_close(j);
    json_out_close(j);
}

void sse_open(struct buf *out, struct json_out *j)
{
    buf_str(out, "data: ");
    *j = (struct json_out)JSON_OUT_INIT(out);
}

void sse_close(struct buf *out)
{
    buf_str(out, "\n\n");
}

void sse_done(struct buf *out)
{
    buf_str(out, "data: [DONE]\n\n");
}

struct talk *oai_ask(struct stand_in *s, const struct http_call *call, struct http_answer *a, bool chat)
{
    struct talk *t = talk_new(s, call, a);
    if (!t)
        return NULL;
    const json_t *b = t->body, *logprobs = json_object_get(b, "logprobs");
    struct engine_request *r = &t->want.request;
    bool ok = chat ? talk_messages(t, json_object_get(b, "messages"), a) : talk_prompt(t, json_object_get(b, "prompt"), a);
    if (!ok) {
        talk_free(t);
        return NULL;
    }
    r->max_tokens = (size_t)body_number(b, "max_tokens", body_number(b, "max_completion_tokens", 16));
    r->sampling = (struct engine_sampling){.temperature = body_number(b, "temperature", 1), .top_p = body_number(b, "top_p", 1),
                                           .seed = (uint64_t)body_number(b, "seed", 0)};
    r->ignore_eos = body_flag(b, "ignore_eos", false);
    talk_stops(t, json_object_get(b, "stop"));
    t->want.logprobs = json_is_true(logprobs) || json_is_integer(logprobs);
    r->n_top = (int)(chat ? body_number(b, "top_logprobs", 0) : body_number(b, "logprobs", 0));
    t->want.stream = body_flag(b, "stream", false);
    t->want.usage = body_flag(json_object_get(b, "stream_options"), "include_usage", false);
    return t;
}
