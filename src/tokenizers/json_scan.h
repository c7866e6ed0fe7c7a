/* json_scan.h - reading a large JSON file front to back without building a tree.
 *
 * For the vocabulary and the merges of tokenizer.json, which are megabytes of one shape; what is small and of many shapes
 * is skipped here and given to jansson. The scanner checks syntax as it goes and never reads outside the text.
 */
#ifndef TOKENIZERS_JSON_SCAN_H
#define TOKENIZERS_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

struct json_scan {
    const char *text, *at, *end;
    const char *name;   /* of the file, for messages */
    size_t lines_before; /* of the file before the text, likewise */
    bool lossy;         /* half a surrogate pair becomes U+FFFD instead of an error */
    struct arena *arena; /* strings with escapes are decoded into it; others point into the text */
};

struct json_text {
    const char *data;
    size_t len;
};

/* All of these skip white space first. -1 and err (line and column) when the text is not what is asked for. */
int json_scan_char(struct json_scan *j, char c, struct err *err);
/* The next byte that is not white space, not consumed; 0 at the end. */
char json_scan_peek(struct json_scan *j);
int json_scan_string(struct json_scan *j, struct json_text *out, struct err *err);
/* A whole number: anything else (1.5, 1e3) is ERR_INPUT. */
int json_scan_int(struct json_scan *j, int64_t *out, struct err *err);
int json_scan_double(struct json_scan *j, double *out, struct err *err);
/* Any value; `whole`, if given, receives its text. */
int json_scan_skip(struct json_scan *j, struct json_text *whole, struct err *err);
/* In an object or array: consumes '{' or '[' (first) or ','. 1: a member follows; 0: the closing bracket was consumed. */
int json_scan_member(struct json_scan *j, bool first, char open, struct err *err);
/* A member's name and its colon. */
int json_scan_key(struct json_scan *j, struct json_text *key, struct err *err);
/* Where it stands, and what is wrong there. Always -1. */
int json_scan_error(const struct json_scan *j, struct err *err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

bool json_text_is(struct json_text t, const char *s);

#endif
