#include "base/json_out.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

static void new_line(struct json_out *j)
{
    if (j->indent > 0)
        buf_printf(j->out, "\n%*s", j->indent * j->depth, "");
}

/* What stands before a value or a key: nothing behind a key or at the top, else a comma and a new line. */
static void separate(struct json_out *j)
{
    if (j->keyed) {
        j->keyed = false;
        return;
    }
    if (j->depth == 0)
        return;
    if (j->started)
        buf_char(j->out, ',');
    new_line(j);
    j->started = true;
}

void json_out_open(struct json_out *j, char kind)
{
    separate(j);
    if ((size_t)j->depth >= sizeof j->closers) {
        j->out->failed = true; /* our own documents are not that deep */
        return;
    }
    buf_char(j->out, kind);
    j->closers[j->depth++] = kind == '{' ? '}' : ']';
    j->started = false;
}

void json_out_close(struct json_out *j)
{
    if (j->depth == 0)
        return;
    char closer = j->closers[--j->depth];
    if (j->started)
        new_line(j);
    buf_char(j->out, closer);
    j->started = true;
}

static void quoted(struct buf *out, const char *s, size_t len)
{
    buf_char(out, '"');
    for (size_t i = 0; i < len;) {
        unsigned char c = (unsigned char)s[i];
        size_t n = utf8_decode(s + i, len - i, NULL);
        if (c == '"' || c == '\\')
            buf_printf(out, "\\%c", c);
        else if (c == '\n')
            buf_str(out, "\\n");
        else if (c == '\t')
            buf_str(out, "\\t");
        else if (c < 0x20 || c == 0x7f)
            buf_printf(out, "\\u%04x", c);
        else if (n == 0)
            buf_str(out, "\xEF\xBF\xBD");
        else
            buf_add(out, s + i, n);
        i += n ? n : 1;
    }
    buf_char(out, '"');
}

void json_out_key_len(struct json_out *j, const char *key, size_t len)
{
    separate(j);
    quoted(j->out, key, len);
    buf_str(j->out, j->indent > 0 ? ": " : ":");
    j->keyed = true;
}

void json_out_key(struct json_out *j, const char *key)
{
    json_out_key_len(j, key, strlen(key));
}

void json_out_text_len(struct json_out *j, const char *s, size_t len)
{
    separate(j);
    quoted(j->out, s, len);
}

void json_out_text(struct json_out *j, const char *s)
{
    if (s)
        json_out_text_len(j, s, strlen(s));
    else
        json_out_null(j);
}

char *number_shortest(double x, char text[32])
{
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, 32, "%.*g", digits, x);
        if (strtod(text, NULL) == x)
            break;
    }
    return text;
}

void json_out_number(struct json_out *j, double x)
{
    char text[32];
    if (!isfinite(x)) {
        json_out_null(j);
        return;
    }
    separate(j);
    buf_str(j->out, number_shortest(x, text));
}

void json_out_float(struct json_out *j, double x)
{
    char text[32];
    json_out_number(j, x);
    if (isfinite(x) && !strpbrk(number_shortest(x, text), ".e"))
        buf_str(j->out, ".0");
}

void json_out_int(struct json_out *j, int64_t x)
{
    separate(j);
    buf_printf(j->out, "%" PRId64, x);
}

void json_out_bool(struct json_out *j, bool x)
{
    separate(j);
    buf_str(j->out, x ? "true" : "false");
}

void json_out_null(struct json_out *j)
{
    separate(j);
    buf_str(j->out, "null");
}
