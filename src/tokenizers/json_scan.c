#include "tokenizers/json_scan.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

enum { DEPTH_MAX = 256 };

bool json_text_is(struct json_text t, const char *s)
{
    return t.len == strlen(s) && memcmp(t.data, s, t.len) == 0;
}

int json_scan_error(const struct json_scan *j, struct err *err, const char *fmt, ...)
{
    size_t line = j->lines_before + 1;
    const char *start = j->text;
    for (const char *p = j->text; p < j->at; p++)
        if (*p == '\n') {
            line++;
            start = p + 1;
        }
    char what[256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    return err_set(err, ERR_INPUT, "'%s':%zu:%zu: %s", j->name, line, (size_t)(j->at - start) + 1, what);
}

static void skip_space(struct json_scan *j)
{
    while (j->at < j->end && (*j->at == ' ' || *j->at == '\n' || *j->at == '\t' || *j->at == '\r'))
        j->at++;
}

char json_scan_peek(struct json_scan *j)
{
    skip_space(j);
    return j->at < j->end ? *j->at : '\0';
}

int json_scan_char(struct json_scan *j, char c, struct err *err)
{
    if (json_scan_peek(j) != c || j->at >= j->end)
        return j->at < j->end ? json_scan_error(j, err, "expected '%c', found '%c'", c, *j->at)
                              : json_scan_error(j, err, "expected '%c', found the end of the file", c);
    j->at++;
    return 0;
}

static int hex4(const char *s, const char *end, uint32_t *out)
{
    *out = 0;
    if (end - s < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        char c = s[i];
        int v = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
        if (v < 0)
            return -1;
        *out = *out << 4 | (uint32_t)v;
    }
    return 0;
}

/* Decodes a string whose bytes are [s, end), its escapes known to need no more room than they take. */
static int unescape(struct json_scan *j, const char *s, const char *end, struct json_text *out, struct err *err)
{
    char *to = arena_alloc(j->arena, (size_t)(end - s) + 1, 1, err);
    if (!to)
        return -1;
    out->data = to;
    while (s < end) {
        if (*s != '\\') {
            *to++ = *s++;
            continue;
        }
        static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
        const char *which = s + 1 < end ? memchr(names, s[1], 8) : NULL;
        uint32_t cp, low;
        if (which) {
            *to++ = values[which - names];
            s += 2;
            continue;
        }
        j->at = s;
        if (s + 1 >= end || s[1] != 'u' || hex4(s + 2, end, &cp) < 0)
            return json_scan_error(j, err, "a wrong escape in a string");
        s += 6;
        if (cp >= 0xD800 && cp < 0xDC00 && end - s >= 6 && s[0] == '\\' && s[1] == 'u' && hex4(s + 2, end, &low) == 0 &&
            low >= 0xDC00 && low < 0xE000) {
            cp = 0x10000 + ((cp - 0xD800) << 10) + (low - 0xDC00);
            s += 6;
        } else if (cp >= 0xD800 && cp < 0xE000) {
            cp = 0xFFFD;
            if (!j->lossy)
                return json_scan_error(j, err, "half a surrogate pair in a string");
        }
        to += utf8_encode(cp, to);
    }
    out->len = (size_t)(to - out->data);
    return 0;
}

/* Moves behind the closing quote. */
static int string_end(struct json_scan *j, const char **start, bool *escapes, bool *plain, struct err *err)
{
    TRY(json_scan_char(j, '"', err));
    *start = j->at;
    *escapes = false;
    *plain = true;
    while (j->at < j->end && *j->at != '"') {
        unsigned char c = (unsigned char)*j->at;
        if (c < 0x20)
            return json_scan_error(j, err, "a control character in a string");
        *plain = *plain && c < 0x80;
        if (c == '\\') {
            *escapes = true;
            j->at++;
        }
        j->at++;
    }
    if (j->at >= j->end) {
        j->at = j->end;
        return json_scan_error(j, err, "a string without an end");
    }
    j->at++;
    return 0;
}

int json_scan_string(struct json_scan *j, struct json_text *out, struct err *err)
{
    const char *start;
    bool escapes, plain;
    TRY(string_end(j, &start, &escapes, &plain, err));
    const char *behind = j->at;
    size_t len = (size_t)(behind - 1 - start);
    if (!plain && !utf8_valid(start, len)) {
        j->at = start;
        return json_scan_error(j, err, "a string is not UTF-8");
    }
    if (escapes)
        TRY(unescape(j, start, behind - 1, out, err));
    else
        *out = (struct json_text){start, len};
    j->at = behind;
    return 0;
}

int json_scan_double(struct json_scan *j, double *out, struct err *err)
{
    char number[64];
    size_t n = 0;
    skip_space(j);
    const char *p = j->at;
    while (p < j->end && *p && strchr("+-.eE0123456789", *p) && n + 1 < sizeof number)
        number[n++] = *p++;
    number[n] = '\0';
    char *end;
    *out = strtod(number, &end);
    if (n == 0 || *end)
        return json_scan_error(j, err, "expected a number");
    j->at = p;
    return 0;
}

int json_scan_int(struct json_scan *j, int64_t *out, struct err *err)
{
    skip_space(j);
    const char *p = j->at;
    bool negative = p < j->end && *p == '-';
    p += negative;
    const char *digits = p;
    int64_t v = 0;
    while (p < j->end && *p >= '0' && *p <= '9' && p - digits < 18)
        v = v * 10 + (*p++ - '0');
    if (p == digits || (p < j->end && *p && strchr(".eE0123456789", *p)))
        return json_scan_error(j, err, "expected a whole number");
    *out = negative ? -v : v;
    j->at = p;
    return 0;
}

int json_scan_member(struct json_scan *j, bool first, char open, struct err *err)
{
    char close = open == '{' ? '}' : ']';
    if (first)
        TRY(json_scan_char(j, open, err));
    if (json_scan_peek(j) == close) {
        j->at++;
        return 0;
    }
    if (!first)
        TRY(json_scan_char(j, ',', err));
    return 1;
}

int json_scan_key(struct json_scan *j, struct json_text *key, struct err *err)
{
    TRY(json_scan_string(j, key, err));
    return json_scan_char(j, ':', err);
}

int json_scan_skip(struct json_scan *j, struct json_text *whole, struct err *err)
{
    skip_space(j);
    const char *start = j->at;
    char open[DEPTH_MAX];
    size_t depth = 0;
    do {
        char c = json_scan_peek(j);
        bool escapes, plain;
        const char *from;
        if (c == '"') {
            TRY(string_end(j, &from, &escapes, &plain, err));
        } else if (c == '{' || c == '[') {
            if (depth == DEPTH_MAX)
                return json_scan_error(j, err, "nested deeper than %d", DEPTH_MAX);
            open[depth++] = c;
            j->at++;
        } else if (c == '}' || c == ']') {
            if (depth == 0 || open[depth - 1] != (c == '}' ? '{' : '['))
                return json_scan_error(j, err, "'%c' closes nothing", c);
            depth--;
            j->at++;
        } else if (c == ',' || c == ':') {
            if (depth == 0)
                return json_scan_error(j, err, "expected a value, found '%c'", c);
            j->at++;
        } else {
            from = j->at;
            while (j->at < j->end && *j->at && strchr("+-.0123456789abcdefghijklmnopqrstuvwxyzE", *j->at))
                j->at++;
            if (j->at == from)
                return json_scan_error(j, err, "expected a value");
        }
    } while (depth > 0);
    if (whole)
        *whole = (struct json_text){start, (size_t)(j->at - start)};
    return 0;
}
