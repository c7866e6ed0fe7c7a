/* engine_reply.h - the memory of a reply. Private to engines/. */
#ifndef ENGINES_ENGINE_REPLY_H
#define ENGINES_ENGINE_REPLY_H

#include "engines/engine.h"

/* Empties the reply and makes room for max_tokens steps with n_top entries each and their likely text. */
int engine_reply_prepare(struct engine_reply *r, size_t max_tokens, int n_top, struct err *err);

#endif
