/* sample_json.h - a reply as the raw log keeps it. */
#ifndef EXPERIMENTS_SAMPLE_JSON_H
#define EXPERIMENTS_SAMPLE_JSON_H

#include <jansson.h>

#include "base/err.h"
#include "engines/engine.h"

/* Adds to `fields` what one reply was:
 *   prompt_tokens, cached_tokens, finish, server_prefill_ms, server_decode_ms (null: not said),
 *   steps: one object of equally long arrays, which is a third of an array of objects:
 *     id, logprob, enqueue_ms (null: the engine cannot see it), total_ms, text, bytes (weights and KV that the step must
 *     read; null: unknown), parameters (used). */
int sample_json_reply(json_t *fields, const struct engine_reply *r, const struct engine_facts *facts, struct err *err);

/* A string of any bytes: what is not UTF-8 becomes U+FFFD. */
json_t *sample_json_text(const char *bytes, size_t len);
/* NaN and infinities are null. */
json_t *sample_json_number(double x);

#endif
