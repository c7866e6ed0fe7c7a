#include "base/str.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

bool str_eq(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

bool str_starts(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *s, const char *suffix)
{
    size_t n = strlen(s), m = strlen(suffix);
    return n >= m && memcmp(s + n - m, suffix, m) == 0;
}

int str_to_int(int64_t *out, const char *s, int64_t lo, int64_t hi, const char *what, struct err *err)
{
    char *end;
    errno = 0;
    long long v = strtoll(s, &end, 10);
    if (end == s || *end || isspace((unsigned char)*s))
        return err_set(err, ERR_USAGE, "%s: expected a whole number, found '%s'", what, s);
    if (errno == ERANGE || v < lo || v > hi)
        return err_set(err, ERR_USAGE, "%s: %s is outside %lld to %lld", what, s, (long long)lo, (long long)hi);
    *out = v;
    return 0;
}

int str_to_double(double *out, const char *s, double lo, double hi, const char *what, struct err *err)
{
    char *end;
    double v = strtod(s, &end);
    if (end == s || *end || isspace((unsigned char)*s) || isnan(v))
        return err_set(err, ERR_USAGE, "%s: expected a number, found '%s'", what, s);
    if (!(v >= lo && v <= hi))
        return err_set(err, ERR_USAGE, "%s: %s is outside %g to %g", what, s, lo, hi);
    *out = v;
    return 0;
}

/* Damerau-Levenshtein (adjacent transpositions), case-blind; words longer than the table never match. */
enum { WORD_MAX = 63 };
static size_t distance(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);
    if (n > WORD_MAX || m > WORD_MAX)
        return WORD_MAX;
    size_t row[3][WORD_MAX + 1];
    size_t *before = row[0], *last = row[1], *now = row[2];
    for (size_t j = 0; j <= m; j++)
        last[j] = j;
    for (size_t i = 1; i <= n; i++) {
        now[0] = i;
        for (size_t j = 1; j <= m; j++) {
            int ca = tolower((unsigned char)a[i - 1]), cb = tolower((unsigned char)b[j - 1]);
            size_t best = last[j - 1] + (ca != cb);
            if (last[j] + 1 < best)
                best = last[j] + 1;
            if (now[j - 1] + 1 < best)
                best = now[j - 1] + 1;
            if (i > 1 && j > 1 && ca == tolower((unsigned char)b[j - 2]) && cb == tolower((unsigned char)a[i - 2]) &&
                before[j - 2] + 1 < best)
                best = before[j - 2] + 1;
            now[j] = best;
        }
        size_t *spare = before;
        before = last;
        last = now;
        now = spare;
    }
    return last[m];
}

const char *str_nearest(const char *word, const void *candidates, size_t n,
                        const char *(*name_of)(const void *candidates, size_t i))
{
    const char *best = NULL;
    size_t best_distance = strlen(word) / 3 + 2; /* "lat" must not become "greedy" */
    for (size_t i = 0; i < n; i++) {
        const char *name = name_of(candidates, i);
        size_t d = distance(word, name);
        if (strlen(word) >= 3 && str_starts(name, word))
            d = 1; /* an abbreviation is meant more often than a slip */
        if (d < best_distance) {
            best_distance = d;
            best = name;
        }
    }
    return best;
}

static const char *plain_name(const void *candidates, size_t i)
{
    return ((const char *const *)candidates)[i];
}

const char *str_nearest_of(const char *word, const char *const *candidates, size_t n)
{
    return str_nearest(word, candidates, n, plain_name);
}

size_t utf8_decode(const char *s, size_t len, uint32_t *cp)
{
    const unsigned char *p = (const unsigned char *)s;
    if (len == 0)
        return 0;
    uint32_t c = p[0], least;
    size_t n;
    if (c < 0x80) {
        if (cp)
            *cp = c;
        return 1;
    } else if (c >= 0xC2 && c <= 0xDF) {
        n = 2, c &= 0x1F, least = 0x80;
    } else if ((c & 0xF0) == 0xE0) {
        n = 3, c &= 0x0F, least = 0x800;
    } else if (c >= 0xF0 && c <= 0xF4) {
        n = 4, c &= 0x07, least = 0x10000;
    } else {
        return 0;
    }
    if (len < n)
        return 0;
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xC0) != 0x80)
            return 0;
        c = c << 6 | (p[i] & 0x3F);
    }
    if (c < least || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
        return 0;
    if (cp)
        *cp = c;
    return n;
}

size_t utf8_encode(uint32_t cp, char out[4])
{
    if (cp < 0x80) {
        out[0] = (char)cp;
        return 1;
    }
    if (cp < 0x800) {
        out[0] = (char)(0xC0 | cp >> 6);
        out[1] = (char)(0x80 | (cp & 0x3F));
        return 2;
    }
    if (cp >= 0xD800 && cp <= 0xDFFF)
        return 0;
    if (cp < 0x10000) {
        out[0] = (char)(0xE0 | cp >> 12);
        out[1] = (char)(0x80 | (cp >> 6 & 0x3F));
        out[2] = (char)(0x80 | (cp & 0x3F));
        return 3;
    }
    if (cp > 0x10FFFF)
        return 0;
    out[0] = (char)(0xF0 | cp >> 18);
    out[1] = (char)(0x80 | (cp >> 12 & 0x3F));
    out[2] = (char)(0x80 | (cp >> 6 & 0x3F));
    out[3] = (char)(0x80 | (cp & 0x3F));
    return 4;
}

size_t utf8_whole(const char *s, size_t len)
{
    size_t back = 0;
    while (back < 3 && back < len && ((unsigned char)s[len - 1 - back] & 0xC0) == 0x80)
        back++;
    if (back == len)
        return len; /* continuation bytes alone: nothing later can complete them */
    unsigned char lead = (unsigned char)s[len - 1 - back];
    size_t wants = lead >= 0xF0 && lead <= 0xF4 ? 4 : lead >= 0xE0 && lead < 0xF0 ? 3 : lead >= 0xC2 && lead < 0xE0 ? 2 : 1;
    return wants > back + 1 ? len - 1 - back : len;
}

bool utf8_valid(const char *s, size_t len)
{
    while (len > 0) {
        size_t n = utf8_decode(s, len, NULL);
        if (n == 0)
            return false;
        s += n;
        len -= n;
    }
    return true;
}

bool utf8_locale(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *value = getenv(names[i]);
        if (value && *value) /* the first that is set decides */
            return strcasestr(value, "utf-8") || strcasestr(value, "utf8");
    }
    return false;
}
