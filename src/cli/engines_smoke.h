/* engines_smoke.h - does an engine answer at all? */
#ifndef CLI_ENGINES_SMOKE_H
#define CLI_ENGINES_SMOKE_H

#include "base/err.h"

/* Opens it with the built-in teacher, lets it write a few tokens and prints them. `name` as of engine_name_parse. */
int engine_smoke(const char *name, struct err *err);

#endif
