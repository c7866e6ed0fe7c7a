/* SGLang's native /generate: chunks hold everything from the start on (unless it was started to send increments), and
 * log-probabilities are lists of [value, id, text]. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "serve/oai_words.h"

static void triple(struct json_out *j, double logprob, int32_t id)
{
    json_out_open(j, '[');
    json_out_number(j, logprob); /* one that is not finite is null */
    json_out_int(j, id);
    json_out_null(j);
    json_out_close(j);
}

static void output_logprobs(const struct talk *t, struct json_out *j, size_t n)
{
    json_out_key(j, "output_token_logprobs");
    json_out_open(j, '[');
    for (size_t i = 0; i < n; i++)
        triple(j, t->reply.steps[i].logprob, t->reply.steps[i].id);
    json_out_close(j);
    if (t->reply.n_top == 0)
        return;
    json_out_key(j, "output_top_logprobs");
    json_out_open(j, '[');
    for (size_t i = 0; i < n; i++) {
        json_out_open(j, '[');
        for (int k = 0; k < t->reply.n_top; k++)
            triple(j, talk_tops(t, i)[k].logprob, talk_tops(t, i)[k].id);
        json_out_close(j);
    }
    json_out_close(j);
}

static void input_logprobs(const struct talk *t, struct json_out *j)
{
    size_t n = t->want.prompt.n_ids;
    double *logprobs = mem_alloc(n ? n : 1, sizeof *logprobs, NULL);
    struct engine_score score = {.ids = t->want.ids, .n_ids = n, .logprobs = logprobs};
    if (logprobs && n > 1 && engine_score(stand_in_engine(t->s), &score, NULL) == 0) {
        json_out_key(j, "input_token_logprobs");
        json_out_open(j, '[');
        for (size_t i = 0; i < n; i++)
            triple(j, logprobs[i], t->want.ids[i]); /* the first is NaN: null */
        json_out_close(j);
    }
    free(logprobs);
}

/* "finish_reason": null until the last. */
static void finish(const struct talk *t, struct json_out *j, bool ended)
{
    const struct engine_reply *r = &t->reply;
    json_out_key(j, "finish_reason");
    if (!ended) {
        json_out_null(j);
        return;
    }
    json_out_open(j, '{');
    json_out_key(j, "type");
    json_out_text(j, r->finish == FINISH_LENGTH ? "length" : "stop");
    json_out_key(j, r->finish == FINISH_LENGTH ? "length" : "matched");
    if (r->finish == FINISH_LENGTH)
        json_out_int(j, (int64_t)r->n_steps);
    else if (r->finish == FINISH_EOS)
        json_out_int(j, r->steps[r->n_steps - 1].id);
    else
        json_out_text(j, t->want.stops[0]);
    json_out_close(j);
}

/* {"text","output_ids","meta_info"} of all steps before `upto`. */
static void state(struct talk *t, struct json_out *j, size_t upto)
{
    bool last = upto == t->reply.n_steps;
    json_out_open(j, '{');
    json_out_key(j, "text");
    json_out_text_len(j, t->reply.text.data, t->text_at);
    json_out_key(j, "output_ids");
    json_out_open(j, '[');
    for (size_t i = 0; i < upto; i++)
        json_out_int(j, t->reply.steps[i].id);
    json_out_close(j);
    json_out_key(j, "meta_info");
    json_out_open(j, '{');
    json_out_key(j, "id");
    json_out_text(j, "1");
    finish(t, j, last);
    json_out_key(j, "prompt_tokens");
    json_out_int(j, (int64_t)t->reply.n_prompt);
    json_out_key(j, "completion_tokens");
    json_out_int(j, (int64_t)upto);
    json_out_key(j, "cached_tokens");
    json_out_int(j, 0);
    if (last) {
        json_out_key(j, "e2e_latency");
        json_out_number(j, 0.0625);
        json_out_key(j, "first_token_latency");
        json_out_number(j, 0.015625);
    }
    if (t->want.logprobs)
        output_logprobs(t, j, upto);
    if (t->want.logprobs && body_number(t->body, "logprob_start_len", -1) == 0)
        input_logprobs(t, j);
    json_out_close(j);
    talk_stamp(t, j);
    json_out_close(j);
}

static enum http_next tell(struct talk *t, struct buf *out)
{
    struct json_out j;
    const char *text;
    size_t len;
    if (t->at == t->reply.n_steps) {
        sse_done(out);
        return HTTP_NEXT_END;
    }
    talk_text(t, 1, t->at + 1 == t->reply.n_steps, &text, &len);
    sse_open(out, &j);
    state(t, &j, ++t->at);
    sse_close(out);
    return HTTP_NEXT_MORE;
}

static void generate(struct stand_in *s, const struct http_call *call, struct http_answer *a)
{
    struct talk *t = talk_new(s, call, a);
    if (!t)
        return;
    const json_t *b = t->body, *p = json_object_get(b, "sampling_params"), *ids = json_object_get(b, "input_ids");
    if (!talk_prompt(t, ids ? ids : json_object_get(b, "text"), a)) {
        talk_free(t);
        return;
    }
    struct engine_request *r = &t->want.request;
    double new_tokens = body_number(p, "max_new_tokens", 128), top_k = body_number(p, "top_k", -1);
    r->max_tokens = new_tokens > 0 ? (size_t)new_tokens : 1;
    r->ignore_eos = body_flag(p, "ignore_eos", false);
    r->sampling = (struct engine_sampling){.temperature = body_number(p, "temperature", 1), .top_k = top_k > 0 ? (int)top_k : 0,
                                           .top_p = body_number(p, "top_p", 1), .seed = (uint64_t)body_number(p, "sampling_seed", 0)};
    talk_stops(t, json_object_get(p, "stop"));
    t->want.logprobs = body_flag(b, "return_logprob", false);
    r->n_top = t->want.logprobs ? (int)body_number(b, "top_logprobs_num", 0) : 0;
    if (!talk_run(t, a)) {
        talk_free(t);
        return;
    }
    if (body_flag(b, "stream", false)) {
        t->tell = tell;
        talk_stream(t, a);
        return;
    }
    struct json_out j = answer_json(a);
    t->text_at = t->reply.text.len;
    state(t, &j, t->reply.n_steps);
    talk_free(t);
}

static bool handle(struct stand_in *s, const struct http_call *call, struct http_answer *a)
{
    const struct engine_facts *f = engine_facts(stand_in_engine(s));
    if (call_is(call, "GET", "/ready"))
        a->content_type = "text/plain";
    else if (call_is(call, "GET", "/server_info"))
        buf_printf(&a->body, "{\"version\":\"0.0-double\",\"context_length\":%d,\"disable_radix_cache\":true,\"internal_states\":[{}]}",
                   f->context);
    else if (call_is(call, "GET", "/model_info"))
        buf_printf(&a->body, "{\"model_path\":\"%s\",\"is_generation\":true}", stand_in_model(s));
    else if (call_is(call, "POST", "/generate"))
        generate(s, call, a);
    else if (call_is(call, "POST", "/tokenize"))
        answer_tokenize(s, call, a, "prompt", true);
    else if (call_is(call, "POST", "/detokenize"))
        answer_detokenize(s, call, a, "text");
    else
        return false;
    return true;
}

const struct dialect dialect_sglang = {
    .name = "sglang", .handle = handle, .error = oai_error, .stream_type = "text/event-stream", .health_path = "/model_info"};
