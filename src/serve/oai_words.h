/* oai_words.h - the words that most dialects share with OpenAI's: lists of models, errors, usage, log-probabilities. */
#ifndef SERVE_OAI_WORDS_H
#define SERVE_OAI_WORDS_H

#include "serve/stand_in.h"

/* {"error":{"message","type","code"}}: with llama.cpp's order of keys or without, a reader must not care. */
void oai_error(struct buf *out, int status, const char *type, const char *text);
void oai_models(struct stand_in *s, struct http_answer *a, int context, int vocabulary);
/* "usage":{...} of an open object. */
void oai_usage(const struct talk *t, struct json_out *j);
/* Opens an object as oai_head and its list of choices; oai_choice opens one in it. */
void oai_choices(const struct talk *t, struct json_out *j, const char *object);
void oai_choice(struct json_out *j);
/* Opens an object with id, object, created, model. */
void oai_head(const struct talk *t, struct json_out *j, const char *object);
/* "finish_reason" of an open object; `ended` false: null. */
void oai_finish(const struct talk *t, struct json_out *j, bool ended);

/* An entry {"id"?,"token","bytes"?,"logprob","top_logprobs"?:[...]} for a step. */
enum entry_form { ENTRY_ID = 1, ENTRY_BYTES = 2, ENTRY_TOPS = 4 };
void oai_entry(const struct talk *t, struct json_out *j, size_t step, unsigned form);
/* "logprobs":{"content":[...]} for n steps from `from`. */
void oai_content(const struct talk *t, struct json_out *j, size_t from, size_t n, unsigned form);
/* "logprobs":{"tokens","token_logprobs","top_logprobs","text_offset"}: keys are texts, or "token_id:N". */
void oai_arrays(const struct talk *t, struct json_out *j, size_t from, size_t n, bool as_ids);

void sse_open(struct buf *out, struct json_out *j);  /* "data: " and a writer behind it */
void sse_close(struct buf *out);
void sse_done(struct buf *out);                      /* data: [DONE] */

/* What /v1/completions and /v1/chat/completions ask in the words of OpenAI: prompt or messages, max_tokens, sampling,
 * stop, stream, include_usage, ignore_eos, logprobs. */
struct talk *oai_ask(struct stand_in *s, const struct http_call *call, struct http_answer *a, bool chat);

#endif
