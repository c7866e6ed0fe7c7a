/* MLC-LLM: OpenAI's completions, which take ids and give texts only, a fixed length only through debug_config, usage with
 * its own timings, errors that are JSON inside a JSON text. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "serve/oai_words.h"

static void error(struct buf *out, int status, const char *type, const char *text)
{
    struct buf inner = BUF_INIT(1 << 16);
    struct json_out in = JSON_OUT_INIT(&inner), j = JSON_OUT_INIT(out);
    (void)status;
    (void)type;
    json_out_open(&in, '{');
    json_out_key(&in, "object");
    json_out_text(&in, "error");
    json_out_key(&in, "message");
    json_out_text(&in, text);
    json_out_close(&in);
    json_out_text(&j, inner.data);
    buf_release(&inner);
}

static enum http_next tell(struct talk *t, struct buf *out)
{
    struct json_out j;
    const char *text;
    size_t len, n = talk_group(t);
    bool ended = t->at == t->reply.n_steps || n == 0;
    if (ended && (t->phase > 0 || !t->want.usage)) {
        sse_done(out);
        return HTTP_NEXT_END;
    }
    sse_open(out, &j);
    oai_choices(t, &j, "text_completion");
    if (!ended) {
        talk_text(t, n, false, &text, &len);
        json_out_open(&j, '{');
        oai_finish(t, &j, t->at + n == t->reply.n_steps);
        json_out_key(&j, "index");
        json_out_int(&j, 0);
        json_out_key(&j, "logprobs");
        json_out_null(&j);
        json_out_key(&j, "text");
        json_out_text_len(&j, text, len);
        json_out_close(&j);
        t->at += n;
        json_out_close(&j);
    } else {
        t->phase = 1;
        json_out_close(&j);
        json_out_key(&j, "usage");
        json_out_open(&j, '{');
        json_out_key(&j, "prompt_tokens");
        json_out_int(&j, (int64_t)t->reply.n_prompt);
        json_out_key(&j, "completion_tokens");
        json_out_int(&j, (int64_t)t->reply.n_steps);
        json_out_key(&j, "extra");
        json_out_open(&j, '{');
        json_out_key(&j, "ttft_s");
        json_out_number(&j, 0.0078125);
        json_out_key(&j, "end_to_end_latency_s");
        json_out_number(&j, 0.0234375);
        json_out_close(&j);
        json_out_close(&j);
    }
    talk_stamp(t, &j);
    json_out_close(&j);
    sse_close(out);
    return HTTP_NEXT_MORE;
}

static void completions(struct stand_in *s, const struct http_call *call, struct http_answer *a)
{
    struct talk *t = oai_ask(s, call, a, false);
    if (!t)
        return;
    t->want.request.ignore_eos = body_flag(json_object_get(t->body, "debug_config"), "ignore_eos", false);
    if (!t->want.stream) {
        answer_error(s, a, 400, "", "this double only streams");
    } else if (talk_run(t, a)) {
        t->tell = tell;
        talk_stream(t, a);
        return;
    }
    talk_free(t);
}

static bool handle(struct stand_in *s, const struct http_call *call, struct http_answer *a)
{
    if (call_is(call, "GET", "/v1/models"))
        oai_models(s, a, 0, 0);
    else if (call_is(call, "POST", "/v1/completions"))
        completions(s, call, a);
    else
        return false;
    return true;
}

const struct dialect dialect_mlc = {.name = "mlc", .handle = handle, .error = error, .stream_type = "text/event-stream"};
