/* uuid.h - version 7 UUIDs (RFC 9562): sorted by the time they were made. */
#ifndef BASE_UUID_H
#define BASE_UUID_H

#include <stdint.h>

#include "base/err.h"

enum { UUID_TEXT = 37 };

/* A new one, in lower case with its NUL. */
int uuid_make(char out[UUID_TEXT], struct err *err);

/* The one of these milliseconds since 1970 and these random bytes (six of their bits are not used). */
void uuid_from(char out[UUID_TEXT], uint64_t real_ms, const uint8_t random[10]);

#endif
