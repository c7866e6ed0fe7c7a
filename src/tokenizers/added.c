#include "tokenizers/added.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tokenizers/unicode.h"

int added_set_add(struct added_set *s, const struct added_token *t, struct err *err)
{
    TRY(mem_grow(&s->tokens, &s->cap, s->n, sizeof *s->tokens, err));
    s->tokens[s->n++] = *t;
    return 0;
}

static const struct added_token *lookup(const struct added_set *s, const char *text, size_t len)
{
    for (size_t at = hash_bytes(text, len) & (s->n_slots - 1); s->slots[at]; at = (at + 1) & (s->n_slots - 1)) {
        const struct added_token *t = &s->tokens[s->slots[at] - 1];
        if (t->len == len && memcmp(t->text, text, len) == 0)
            return t;
    }
    return NULL;
}

static int by_first_and_length(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

int added_set_build(struct added_set *s, struct err *err)
{
    if (s->n == 0)
        return 0;
    s->n_slots = 16;
    while (s->n_slots < s->n * 2)
        s->n_slots *= 2;
    uint64_t *keys = mem_alloc(s->n, sizeof *keys, err);
    s->slots = mem_zalloc(s->n_slots, sizeof *s->slots, err);
    s->lengths = mem_alloc(s->n, sizeof *s->lengths, err);
    if (!keys || !s->slots || !s->lengths) {
        free(keys);
        return -1;
    }
    for (size_t i = 0; i < s->n; i++) {
        const struct added_token *t = &s->tokens[i];
        keys[i] = (uint64_t)(unsigned char)t->text[0] << 32 | (UINT32_MAX - t->len);
        if (lookup(s, t->text, t->len))
            continue;
        size_t at = hash_bytes(t->text, t->len) & (s->n_slots - 1);
        while (s->slots[at])
            at = (at + 1) & (s->n_slots - 1);
        s->slots[at] = (int32_t)i + 1;
    }
    qsort(keys, s->n, sizeof *keys, by_first_and_length);
    uint32_t n = 0;
    size_t byte = 0;
    for (size_t i = 0; i < s->n; i++) {
        if (i > 0 && keys[i] == keys[i - 1])
            continue;
        while (byte <= keys[i] >> 32)
            s->first[byte++] = n;
        s->lengths[n++] = UINT32_MAX - (uint32_t)keys[i];
    }
    while (byte < 257)
        s->first[byte++] = n;
    free(keys);
    return 0;
}

static bool word_before(const char *text, size_t at)
{
    if (at == 0)
        return false;
    do
        at--;
    while (at > 0 && ((unsigned char)text[at] & 0xC0) == 0x80);
    uint32_t cp;
    utf8_next(text + at, &cp);
    return unicode_bits(cp) & UC_WORD;
}

static bool word_at(const char *text, size_t len, size_t at)
{
    uint32_t cp;
    if (at >= len)
        return false;
    utf8_next(text + at, &cp);
    return unicode_bits(cp) & UC_WORD;
}

static size_t space_before(const char *text, size_t at, size_t edge)
{
    while (at > edge) {
        size_t back = at - 1;
        while (back > edge && ((unsigned char)text[back] & 0xC0) == 0x80)
            back--;
        uint32_t cp;
        utf8_next(text + back, &cp);
        if (!(unicode_bits(cp) & UC_SPACE))
            break;
        at = back;
    }
    return at;
}

static size_t space_behind(const char *text, size_t len, size_t at)
{
    uint32_t cp;
    while (at < len) {
        size_t n = utf8_next(text + at, &cp);
        if (!(unicode_bits(cp) & UC_SPACE))
            break;
        at += n;
    }
    return at;
}

bool added_set_find(const struct added_set *s, const char *text, size_t len, size_t at, size_t edge, bool with_special,
                    struct added_match *m, size_t *resume)
{
    if (s->n == 0)
        return false;
    while (at < len) {
        unsigned char b = (unsigned char)text[at];
        const struct added_token *t = NULL;
        for (uint32_t k = s->first[b]; k < s->first[b + 1] && !t; k++)
            if (s->lengths[k] <= len - at)
                t = lookup(s, text + at, s->lengths[k]);
        if (!t) {
            at++;
            continue;
        }
        size_t from = at, to = at + t->len;
        at = to;
        if (from < edge || (t->special && !with_special) ||
            (t->single_word && (word_before(text, from) || word_at(text, len, to))))
            continue;
        *resume = to;
        if (t->lstrip)
            from = space_before(text, from, edge);
        if (t->rstrip)
            to = space_behind(text, len, to);
        *m = (struct added_match){from, to, t};
        return true;
    }
    return false;
}

void added_set_release(struct added_set *s)
{
    free(s->tokens);
    free(s->slots);
    free(s->lengths);
    *s = (struct added_set){0};
}
