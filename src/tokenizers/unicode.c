#include "tokenizers/unicode.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "tokenizers/unicode_data.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

uint32_t unicode_bits(uint32_t cp)
{
    if (cp > 0x10FFFF)
        return UC_CN;
    uint8_t c = unicode_class_blocks[unicode_class_index[cp >> 7] * 128u + (cp & 127)];
    return 1u << (c & 0x1F) | (uint32_t)(c & 0x20) << 25 | (uint32_t)(c & 0x40) << 25 | (uint32_t)(c & 0x80) >> 3;
}

static uint8_t combining_class(uint32_t cp)
{
    return unicode_ccc_blocks[unicode_ccc_index[cp >> 7] * 128u + (cp & 127)];
}

/* The row of `width` numbers that begins with `key` in a table sorted by its first column, or NULL. */
static const uint32_t *row_of(const uint32_t *table, size_t n, size_t width, uint32_t key)
{
    size_t lo = 0, hi = n / width;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (table[mid * width] < key)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < n / width && table[lo * width] == key ? table + lo * width : NULL;
}

static uint32_t compose(uint32_t a, uint32_t b)
{
    enum { S = 0xAC00, L = 0x1100, V = 0x1161, T = 0x11A7, N_L = 19, N_V = 21, N_T = 28 };
    if (a >= L && a < L + N_L && b >= V && b < V + N_V)
        return S + ((a - L) * N_V + (b - V)) * N_T;
    if (a >= S && a < S + N_L * N_V * N_T && (a - S) % N_T == 0 && b > T && b < T + N_T)
        return a + (b - T);
    for (const uint32_t *row = row_of(unicode_compositions, COUNT(unicode_compositions), 3, a);
         row && row < unicode_compositions + COUNT(unicode_compositions) && row[0] == a; row += 3)
        if (row[1] == b)
            return row[2];
    return 0;
}

/* A run of decomposed code points, its classes, and how far it is in canonical order. */
struct points {
    uint32_t *cp;
    size_t n, cap;
};

static int push(struct points *p, uint32_t cp, struct err *err)
{
    TRY(mem_grow(&p->cp, &p->cap, p->n, sizeof *p->cp, err));
    p->cp[p->n++] = cp;
    return 0;
}

static int decompose(struct points *p, uint32_t cp, bool compatible, struct err *err)
{
    if (cp >= 0xAC00 && cp < 0xAC00 + 11172) {
        uint32_t s = cp - 0xAC00;
        TRY(push(p, 0x1100 + s / 588, err));
        TRY(push(p, 0x1161 + s % 588 / 28, err));
        return s % 28 ? push(p, 0x11A7 + s % 28, err) : 0;
    }
    const uint32_t *row =
        cp < 0xA0 ? NULL : row_of(unicode_decompositions, COUNT(unicode_decompositions), 3, cp);
    uint32_t place = row ? row[compatible ? 2 : 1] : 0;
    if (!place)
        return push(p, cp, err);
    for (uint32_t i = 0; i < (place & 31); i++)
        TRY(push(p, unicode_decomposed[(place >> 5) + i], err));
    return 0;
}

/* Sorts each run of marks by class, stably. Counting by class keeps a megabyte of marks from being quadratic. */
static int reorder(struct points *p, struct err *err)
{
    uint32_t *sorted = NULL;
    for (size_t i = 0; i < p->n;) {
        size_t end = i;
        bool ordered = true;
        uint8_t last = 0;
        while (end < p->n) {
            uint8_t c = combining_class(p->cp[end]);
            if (c == 0)
                break;
            ordered = ordered && c >= last;
            last = c;
            end++;
        }
        if (!ordered) {
            size_t at[257] = {0};
            if (!sorted && !(sorted = mem_alloc(p->n, sizeof *sorted, err)))
                return -1;
            for (size_t k = i; k < end; k++)
                at[combining_class(p->cp[k]) + 1]++;
            for (size_t c = 0; c < 256; c++)
                at[c + 1] += at[c];
            for (size_t k = i; k < end; k++)
                sorted[at[combining_class(p->cp[k])]++] = p->cp[k];
            memcpy(p->cp + i, sorted, (end - i) * sizeof *sorted);
        }
        i = end == i ? i + 1 : end;
    }
    free(sorted);
    return 0;
}

static void recompose(struct points *p)
{
    size_t n = 0, starter = SIZE_MAX;
    uint8_t last = 0; /* the class of what stands before, 0 just behind the starter */
    bool adjacent = true;
    for (size_t i = 0; i < p->n; i++) {
        uint32_t cp = p->cp[i];
        uint8_t c = combining_class(cp);
        uint32_t whole = starter != SIZE_MAX && (adjacent || (last != 0 && last < c)) ? compose(p->cp[starter], cp) : 0;
        if (whole) {
            p->cp[starter] = whole;
            continue;
        }
        if (c == 0) {
            starter = n;
            adjacent = true;
            last = 0;
        } else {
            adjacent = false;
            last = c;
        }
        p->cp[n++] = cp;
    }
    p->n = n;
}

/* One run of text that may change; `p` is scratch. */
static int normalize_run(enum normal_form form, const char *s, size_t len, struct points *p, struct buf *out, struct err *err)
{
    p->n = 0;
    for (size_t i = 0; i < len;) {
        uint32_t cp;
        i += utf8_next(s + i, &cp);
        TRY(decompose(p, cp, form == NORMAL_NFKC || form == NORMAL_NFKD, err));
    }
    TRY(reorder(p, err));
    if (form == NORMAL_NFC || form == NORMAL_NFKC)
        recompose(p);
    for (size_t i = 0; i < p->n; i++) {
        char bytes[4];
        buf_add(out, bytes, utf8_encode(p->cp[i], bytes));
    }
    return 0;
}

/* Most text stays as it is: only runs of characters that may change, with the one before them, which the first may join,
 * are looked at. In NFC nothing below U+0300 (whose first byte is 0xCC) changes or joins what is before it, else ASCII. */
int unicode_normalize(enum normal_form form, const char *s, size_t len, struct buf *out, struct err *err)
{
    const unsigned char inert = form == NORMAL_NFC ? 0xCC : 0x80;
    struct points p = {0};
    size_t done = 0, i = 0;
    int rc = 0;
    while (i < len && rc == 0) {
        if ((unsigned char)s[i] < inert) {
            i++;
            continue;
        }
        size_t from = i;
        if (from > done)
            do
                from--;
            while (from > done && ((unsigned char)s[from] & 0xC0) == 0x80);
        while (i < len && ((unsigned char)s[i] >= inert || ((unsigned char)s[i] & 0xC0) == 0x80))
            i++;
        buf_add(out, s + done, from - done);
        rc = normalize_run(form, s + from, i - from, &p, out, err);
        done = i;
    }
    buf_add(out, s + done, len - done);
    free(p.cp);
    return rc < 0 ? -1 : buf_check(out, err);
}

void unicode_lowercase(const char *s, size_t len, struct buf *out)
{
    for (size_t i = 0; i < len;) {
        uint32_t cp;
        char bytes[4];
        i += utf8_next(s + i, &cp);
        const uint32_t *row = row_of(unicode_lower, COUNT(unicode_lower), 2, cp);
        buf_add(out, bytes, utf8_encode(row ? row[1] : cp, bytes));
        if (cp == 0x130) /* the one whose lower case is two code points */
            buf_str(out, "\xCC\x87");
    }
}

bool unicode_is_accent(uint32_t cp)
{
    bool mark = unicode_bits(cp) & UC_M;
    for (size_t i = 0; i < COUNT(unicode_odd_marks); i += 2)
        if (cp >= unicode_odd_marks[i] && cp <= unicode_odd_marks[i + 1])
            return !mark;
    return mark;
}

/* How many bytes at `s`, where no character begins, could have begun one: at least 1. */
static size_t broken(const unsigned char *s, size_t len)
{
    unsigned lo = 0x80, hi = 0xBF;
    size_t want;
    if (s[0] >= 0xE0 && s[0] <= 0xEF)
        want = 3, lo = s[0] == 0xE0 ? 0xA0 : 0x80, hi = s[0] == 0xED ? 0x9F : 0xBF;
    else if (s[0] >= 0xF0 && s[0] <= 0xF4)
        want = 4, lo = s[0] == 0xF0 ? 0x90 : 0x80, hi = s[0] == 0xF4 ? 0x8F : 0xBF;
    else
        return 1;
    size_t n = 1;
    while (n < want && n < len && s[n] >= lo && s[n] <= hi)
        n++, lo = 0x80, hi = 0xBF;
    return n;
}

void utf8_lossy(const char *s, size_t len, struct buf *out)
{
    size_t from = 0, i = 0;
    while (i < len) {
        size_t n = utf8_decode(s + i, len - i, NULL);
        if (n) {
            i += n;
            continue;
        }
        buf_add(out, s + from, i - from);
        buf_str(out, "\xEF\xBF\xBD");
        i += broken((const unsigned char *)s + i, len - i);
        from = i;
    }
    buf_add(out, s + from, len - from);
}
