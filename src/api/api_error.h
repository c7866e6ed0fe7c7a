/* api_error.h - errors and options between prony.h and the inside. Private to api/. */
#ifndef API_API_ERROR_H
#define API_API_ERROR_H

#include "base/err.h"
#include "prony.h"

/* Copies err into the caller's error, if he wants it. Returns -1. */
int api_fail(struct prony_error *error, const struct err *err);

/* Copies the caller's structure of options, whose first field is the size he was built with, over `own` (of own_size
 * bytes, holding the defaults). What an older header lacks stays as it is. A structure larger than ours is taken when
 * what we do not know in it is zero, and refused otherwise. `given` may be NULL. */
int api_options(void *own, size_t own_size, const void *given, const char *what, struct err *err);

#endif
