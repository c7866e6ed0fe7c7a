#include "engines/token_map.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct entry {
    size_t at, len;
    int32_t id;
};

/* All tokens sorted by their bytes, then by id. */
struct token_map {
    const struct tokenizer *tokenizer;
    struct buf bytes;
    struct entry *entries;
    size_t n;
};

static int compare(const char *a, size_t n_a, const char *b, size_t n_b)
{
    size_t n = n_a < n_b ? n_a : n_b;
    int c = n ? memcmp(a, b, n) : 0;
    return c ? c : (n_a > n_b) - (n_a < n_b);
}

static int by_bytes(const void *x, const void *y, void *arg)
{
    const struct entry *a = x, *b = y;
    const struct buf *bytes = arg;
    int c = compare(bytes->data + a->at, a->len, bytes->data + b->at, b->len);
    return c ? c : (a->id > b->id) - (a->id < b->id);
}

int token_map_open(struct token_map **out, const struct tokenizer *t, struct err *err)
{
    size_t n = tokenizer_vocabulary(t);
    struct token_map *m = mem_zalloc(1, sizeof *m, err);
    if (!m)
        return -1;
    m->tokenizer = t;
    m->n = n;
    buf_init(&m->bytes, (size_t)1 << 30);
    buf_str(&m->bytes, "");
    m->entries = mem_alloc(n, sizeof *m->entries, err);
    for (size_t i = 0; m->entries && i < n; i++) {
        m->entries[i] = (struct entry){.at = m->bytes.len, .id = (int32_t)i};
        if (tokenizer_piece(t, (int32_t)i, &m->bytes, err) < 0) {
            token_map_close(m);
            return -1;
        }
        m->entries[i].len = m->bytes.len - m->entries[i].at;
    }
    if (!m->entries || buf_check(&m->bytes, err) < 0) {
        token_map_close(m);
        return -1;
    }
    qsort_r(m->entries, n, sizeof *m->entries, by_bytes, &m->bytes);
    *out = m;
    return 0;
}

void token_map_close(struct token_map *m)
{
    if (!m)
        return;
    free(m->entries);
    buf_release(&m->bytes);
    free(m);
}

enum token_match token_map_bytes(const struct token_map *m, const char *bytes, size_t len, int32_t *id)
{
    size_t lo = 0, hi = m->n;
    while (lo < hi) { /* the first that is not before these bytes */
        size_t mid = lo + (hi - lo) / 2;
        const struct entry *e = &m->entries[mid];
        if (compare(m->bytes.data + e->at, e->len, bytes, len) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    *id = -1;
    size_t same = 0;
    for (size_t i = lo; i < m->n && compare(m->bytes.data + m->entries[i].at, m->entries[i].len, bytes, len) == 0; i++)
        same++;
    if (same == 0 || len == 0) /* tokens without text are many and alike */
        return TOKEN_UNKNOWN;
    *id = m->entries[lo].id;
    return same == 1 ? TOKEN_SURE : TOKEN_AMBIGUOUS;
}

static enum token_match by_number(const struct token_map *m, const char *text, size_t len, int32_t *id)
{
    static const char prefix[] = "token_id:";
    size_t at = sizeof prefix - 1;
    int64_t n = 0;
    *id = -1;
    if (len <= at || memcmp(text, prefix, at) != 0)
        return TOKEN_UNKNOWN;
    for (; at < len; at++) {
        if (text[at] < '0' || text[at] > '9' || n > INT32_MAX / 10)
            return TOKEN_UNKNOWN;
        n = n * 10 + (text[at] - '0');
    }
    if (n >= (int64_t)m->n)
        return TOKEN_UNKNOWN;
    *id = (int32_t)n;
    return TOKEN_SURE;
}

/* The vocabulary's own spelling. */
static int32_t by_entry(const struct token_map *m, const char *text, size_t len)
{
    char entry[256];
    if (len == 0 || len >= sizeof entry || memchr(text, '\0', len))
        return -1;
    memcpy(entry, text, len);
    entry[len] = '\0';
    return tokenizer_lookup(m->tokenizer, entry);
}

enum token_match token_map_text(const struct token_map *m, const char *text, size_t len, int32_t *id)
{
    if (by_number(m, text, len, id) == TOKEN_SURE)
        return TOKEN_SURE;
    enum token_match match = token_map_bytes(m, text, len, id);
    int32_t entry = by_entry(m, text, len);
    if (entry >= 0 && *id >= 0 && entry != *id) { /* "Ġthe" may be a word of its own as well */
        *id = entry < *id ? entry : *id;
        return TOKEN_AMBIGUOUS;
    }
    if (entry >= 0 && *id < 0)
        *id = entry, match = TOKEN_SURE;
    if (*id < 0 && len > 0 && len < 255) { /* the first word of a text, its space cut off */
        char spaced[256] = " ";
        memcpy(spaced + 1, text, len);
        match = token_map_bytes(m, spaced, len + 1, id);
        match = match == TOKEN_SURE ? TOKEN_AMBIGUOUS : match;
    }
    return match;
}
