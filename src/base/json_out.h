/* json_out.h - writes JSON into a buffer, the same bytes for the same values on every machine.
 *
 *     struct json_out j = JSON_OUT_INIT(&text);
 *     json_out_open(&j, '{');
 *     json_out_key(&j, "median");
 *     json_out_number(&j, 1.5);
 *     json_out_close(&j);
 *     TRY(buf_check(&text, err));
 *
 * Commas and colons are put where they belong. A number is the shortest decimal that reads back as the same double;
 * one that is not finite becomes null, because JSON has no word for it. Bytes that are not UTF-8 become U+FFFD.
 * Reading JSON is jansson's work.
 */
#ifndef BASE_JSON_OUT_H
#define BASE_JSON_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct json_out {
    struct buf *out; /* borrowed */
    int indent;      /* spaces a level; 0: all in one line */
    int depth;
    bool started;    /* the open container has a member */
    bool keyed;      /* a key waits for its value */
    char closers[64];
};

#define JSON_OUT_INIT(buffer) {.out = (buffer)}
#define JSON_OUT_PRETTY(buffer) {.out = (buffer), .indent = 2}

void json_out_open(struct json_out *j, char kind); /* '{' or '[' */
void json_out_close(struct json_out *j);
void json_out_key(struct json_out *j, const char *key);
void json_out_key_len(struct json_out *j, const char *key, size_t len);
void json_out_text(struct json_out *j, const char *s); /* NULL writes null */
void json_out_text_len(struct json_out *j, const char *s, size_t len);
void json_out_number(struct json_out *j, double x);
void json_out_float(struct json_out *j, double x); /* the same with a point or an exponent always: 10000.0 */
void json_out_int(struct json_out *j, int64_t x);
void json_out_bool(struct json_out *j, bool x);
void json_out_null(struct json_out *j);

/* The shortest decimal that strtod reads back as x, in `text`; x must be finite. Returns `text`. */
char *number_shortest(double x, char text[32]);

#endif
