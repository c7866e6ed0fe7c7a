/* The plain endpoint of OpenAI's words: no ids, legacy arrays or chat entries with texts, usage only when asked for, and
 * a first chunk of a chat that has a role and no text. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "serve/oai_words.h"

static enum http_next tell(struct talk *t, struct buf *out)
{
    struct json_out j;
    const char *text;
    size_t len;
    bool chat = json_object_get(t->body, "messages") != NULL, ended = t->at == t->reply.n_steps;
    if (ended && (t->phase > 2 || (t->phase > 1 && !t->want.usage))) {
        if (!fault_is(t->s, "no_done"))
            sse_done(out);
        return HTTP_NEXT_END;
    }
    sse_open(out, &j);
    oai_choices(t, &j, chat ? "chat.completion.chunk" : "text_completion");
    if (!ended || t->phase < 2) {
        bool opening = chat && t->phase == 0;
        oai_choice(&j);
        if (chat) {
            json_out_key(&j, "delta");
            json_out_open(&j, '{');
        }
        if (opening) {
            json_out_key(&j, "role");
            json_out_text(&j, "assistant");
        }
        if (!ended || opening) {
            len = 0;
            text = "";
            if (!opening)
                talk_text(t, 1, t->at + 1 == t->reply.n_steps, &text, &len);
            json_out_key(&j, chat ? "content" : "text");
            json_out_text_len(&j, text, len);
        } else if (!chat) {
            json_out_key(&j, "text");
            json_out_text(&j, "");
        }
        if (chat)
            json_out_close(&j);
        size_t n = opening || ended ? 0 : 1;
        if (n == 0) {
            json_out_key(&j, "logprobs");
            json_out_null(&j);
        } else if (chat) {
            oai_content(t, &j, t->at, n, ENTRY_BYTES | ENTRY_TOPS);
        } else {
            oai_arrays(t, &j, t->at, n, false);
        }
        oai_finish(t, &j, ended && !opening);
        json_out_close(&j);
        t->at += n;
        t->phase = ended && !opening ? 2 : 1;
        json_out_close(&j);
        if (t->want.usage) {
            json_out_key(&j, "usage");
            json_out_null(&j);
        }
    } else {
        json_out_close(&j);
        oai_usage(t, &j);
        t->phase = 3;
    }
    talk_stamp(t, &j);
    json_out_close(&j);
    sse_close(out);
    return HTTP_NEXT_MORE;
}

static void completions(struct stand_in *s, const struct http_call *call, struct http_answer *a, bool chat)
{
    struct talk *t = oai_ask(s, call, a, chat);
    if (!t)
        return;
    if (t->want.request.ignore_eos || json_object_get(t->body, "ignore_eos")) {
        answer_error(s, a, 400, "invalid_request_error", "Unrecognized request argument supplied: ignore_eos");
    } else if (talk_run(t, a)) {
        if (t->want.stream) {
            t->tell = tell;
            talk_stream(t, a);
            return;
        }
        struct json_out j = answer_json(a);
        oai_choices(t, &j, chat ? "chat.completion" : "text_completion");
        json_out_open(&j, '{');
        json_out_key(&j, chat ? "message" : "text");
        if (chat) {
            json_out_open(&j, '{');
            json_out_key(&j, "content");
        }
        json_out_text_len(&j, t->reply.text.data, t->reply.text.len);
        if (chat)
            json_out_close(&j);
        oai_finish(t, &j, true);
        json_out_close(&j);
        json_out_close(&j);
        oai_usage(t, &j);
        json_out_close(&j);
    }
    talk_free(t);
}

static bool handle(struct stand_in *s, const struct http_call *call, struct http_answer *a)
{
    if (call_is(call, "GET", "/v1/models"))
        oai_models(s, a, 0, 0);
    else if (call_is(call, "POST", "/v1/completions"))
        completions(s, call, a, false);
    else if (call_is(call, "POST", "/v1/chat/completions"))
        completions(s, call, a, true);
    else
        return false;
    return true;
}

const struct dialect dialect_openai = {
    .name = "openai", .handle = handle, .error = oai_error, .stream_type = "text/event-stream"};
