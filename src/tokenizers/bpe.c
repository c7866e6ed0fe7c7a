#include "tokenizers/bpe.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "tokenizers/unicode.h"

enum {
    SCAN_SYMBOLS = 32,     /* above this a heap is faster than looking at all pairs */
    CACHED_WORD = 64,      /* bytes of the longest word that is remembered */
    CACHE_WORDS = 1 << 16, /* words remembered at most */
    WORD_MAX = 1 << 30
};
#define NO_RANK UINT32_MAX
#define NONE UINT32_MAX

struct symbol {
    uint32_t id; /* NONE: merged away */
    uint32_t prev, next;
    uint32_t start, len; /* bytes of the word: what a scored vocabulary looks up */
};

struct heap_entry {
    uint32_t rank, at;
    int32_t id;
    uint32_t right; /* the token that stood on the right: stale if it does not any more */
    uint32_t left;
};

struct cached {
    uint32_t hash, word, n_ids, ids;
    uint8_t len, used;
};

/* ---- bytes and their stand-ins ---------------------------------------------------------------------------------- */

uint32_t byte_char(unsigned char b)
{
    if ((b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE)
        return b;
    return b <= ' ' ? 0x100u + b : b == 0xAD ? 0x143 : 0x100u + 33 + (b - 0x7Fu);
}

int char_byte(uint32_t cp)
{
    if ((cp >= '!' && cp <= '~') || (cp >= 0xA1 && cp <= 0xAC) || (cp >= 0xAE && cp <= 0xFF))
        return (int)cp;
    if (cp < 0x100 || cp > 0x143)
        return -1;
    return cp <= 0x120 ? (int)(cp - 0x100) : cp == 0x143 ? 0xAD : (int)(cp - 0x121 + 0x7F);
}

void bpe_find_bytes(struct bpe *b)
{
    for (int byte = 0; byte < 256; byte++) {
        char text[8];
        size_t n;
        if (b->bytes) {
            n = utf8_encode(byte_char((unsigned char)byte), text);
        } else {
            static const char hex[] = "0123456789ABCDEF";
            memcpy(text, "<0x00>", 6);
            text[3] = hex[byte >> 4];
            text[4] = hex[byte & 15];
            n = 6;
        }
        b->byte_ids[byte] = vocab_find(b->vocab, text, n);
    }
}

/* ---- the table of merges ---------------------------------------------------------------------------------------- */

static inline size_t merge_slot(uint32_t left, uint32_t right, size_t n_slots)
{
    uint64_t key = ((uint64_t)left << 32 | right) * 0x9E3779B97F4A7C15u;
    return (size_t)(key >> 32) & (n_slots - 1);
}

int bpe_reserve_merges(struct bpe *b, size_t n, struct err *err)
{
    size_t n_slots = 64;
    while (n_slots < n * 2)
        n_slots *= 2;
    if (n_slots <= b->n_slots)
        return 0;
    struct merge *slots = mem_alloc(n_slots, sizeof *slots, err);
    if (!slots)
        return -1;
    memset(slots, 0xFF, n_slots * sizeof *slots);
    for (size_t i = 0; i < b->n_slots; i++) {
        if (b->merges[i].left == NONE)
            continue;
        size_t at = merge_slot(b->merges[i].left, b->merges[i].right, n_slots);
        while (slots[at].left != NONE)
            at = (at + 1) & (n_slots - 1);
        slots[at] = b->merges[i];
    }
    free(b->merges);
    b->merges = slots;
    b->n_slots = n_slots;
    return 0;
}

int bpe_add_merge(struct bpe *b, int32_t left, int32_t right, int32_t id, uint32_t rank, struct err *err)
{
    if ((b->n_merges + 1) * 2 > b->n_slots)
        TRY(bpe_reserve_merges(b, b->n_slots ? b->n_slots : 64, err));
    size_t at = merge_slot((uint32_t)left, (uint32_t)right, b->n_slots);
    while (b->merges[at].left != NONE && (b->merges[at].left != (uint32_t)left || b->merges[at].right != (uint32_t)right))
        at = (at + 1) & (b->n_slots - 1);
    b->n_merges += b->merges[at].left == NONE;
    b->merges[at] = (struct merge){(uint32_t)left, (uint32_t)right, rank, id};
    return 0;
}

int bpe_add_merge_texts(struct bpe *b, const char *left, size_t left_len, const char *right, size_t right_len,
                        uint32_t rank, struct err *err)
{
    int32_t l = vocab_find(b->vocab, left, left_len), r = vocab_find(b->vocab, right, right_len);
    if (l < 0 || r < 0) {
        size_t missing = l < 0 ? left_len : right_len;
        return err_set(err, ERR_INPUT, "merge %u names '%.*s', which is not in the vocabulary", rank,
                       (int)(missing < 200 ? missing : 200), l < 0 ? left : right);
    }
    size_t skip = b->prefix && right_len >= strlen(b->prefix) ? strlen(b->prefix) : 0, n = left_len + right_len - skip;
    char small[256], *joined = n <= sizeof small ? small : mem_alloc(n, 1, err);
    if (!joined)
        return -1;
    memcpy(joined, left, left_len);
    memcpy(joined + left_len, right + skip, right_len - skip);
    int32_t id = vocab_find(b->vocab, joined, n);
    int rc = id < 0 ? err_set(err, ERR_INPUT, "merge %u makes '%.*s', which is not in the vocabulary", rank,
                              (int)(n < 200 ? n : 200), joined)
                    : bpe_add_merge(b, l, r, id, rank, err);
    if (joined != small)
        free(joined);
    return rc;
}

struct scored {
    float score;
    uint32_t id;
};

static int higher_first(const void *a, const void *b)
{
    float x = ((const struct scored *)a)->score, y = ((const struct scored *)b)->score;
    return (x < y) - (x > y);
}

int bpe_rank_scores(struct bpe *b, const float *scores, const bool *mergeable, struct err *err)
{
    size_t n = b->vocab->n;
    struct scored *order = mem_alloc(n, sizeof *order, err);
    b->ranks = mem_alloc(n, sizeof *b->ranks, err);
    if (!order || !b->ranks) {
        free(order);
        return -1;
    }
    for (size_t i = 0; i < n; i++)
        order[i] = (struct scored){scores[i], (uint32_t)i};
    qsort(order, n, sizeof *order, higher_first);
    uint32_t rank = 0;
    for (size_t i = 0; i < n; i++) {
        rank += i > 0 && order[i].score < order[i - 1].score;
        b->ranks[order[i].id] = mergeable[order[i].id] ? rank : NO_RANK;
    }
    free(order);
    return 0;
}

/* The first place behind `at` where the word may be cut, or its end: marks in a row stay together. */
static size_t next_cut(const char *cut, const char *word, size_t len, size_t at)
{
    size_t n = strlen(cut);
    while (len - at >= n && memcmp(word + at, cut, n) == 0)
        at += n;
    const char *next = memmem(word + at, len - at, cut, n);
    return next ? (size_t)(next - word) : len;
}

/* Every symbol's text is what it stands for, but the unknown token's: it must not pass for a mark. */
static bool may_cut(const struct bpe *b, const char *cut)
{
    const struct piece *pieces = b->vocab->pieces;
    size_t n = strlen(cut);
    if (vocab_find(b->vocab, cut, n) < 0) /* unknown itself, it would join a run of unknown characters */
        return false;
    if (b->unk >= 0) {
        const struct piece *unk = &pieces[b->unk];
        if (unk->len == 0 || (unk->len >= n && memcmp(unk->text + unk->len - n, cut, n) == 0))
            return false;
    }
    for (size_t i = 0; i < b->vocab->n; i++)
        if (((b->scored && b->ranks[i] != NO_RANK) || (b->frozen && b->frozen[i])) && pieces[i].len &&
            next_cut(cut, pieces[i].text, pieces[i].len, 0) < pieces[i].len)
            return false;
    for (size_t i = 0; i < b->n_slots; i++)
        if (b->merges[i].left != NONE &&
            next_cut(cut, pieces[b->merges[i].id].text, pieces[b->merges[i].id].len, 0) < pieces[b->merges[i].id].len)
            return false;
    return true;
}

void bpe_find_cut(struct bpe *b)
{
    if (b->bytes || b->ignore_merges || b->prefix || b->suffix)
        return;
    b->cut = may_cut(b, "\xE2\x96\x81") ? "\xE2\x96\x81" : may_cut(b, " ") ? " " : NULL;
}

void bpe_release(struct bpe *b)
{
    free(b->merges);
    free(b->ranks);
    free(b->frozen);
    *b = (struct bpe){0};
}

/* The rank of merging two neighbours and what they become; NO_RANK if they do not merge. */
static inline uint32_t pair_rank(const struct bpe *b, const char *word, const struct symbol *l, const struct symbol *r,
                                 int32_t *id)
{
    if (b->scored) {
        if (b->frozen && ((l->id < b->vocab->n && b->frozen[l->id]) || (r->id < b->vocab->n && b->frozen[r->id])))
            return NO_RANK;
        *id = vocab_find(b->vocab, word + l->start, (size_t)l->len + r->len);
        return *id < 0 ? NO_RANK : b->ranks[*id];
    }
    if (!b->n_slots)
        return NO_RANK;
    for (size_t at = merge_slot(l->id, r->id, b->n_slots);; at = (at + 1) & (b->n_slots - 1)) {
        const struct merge *m = &b->merges[at];
        if (m->left == l->id && m->right == r->id) {
            *id = m->id;
            return m->rank;
        }
        if (m->left == NONE)
            return NO_RANK;
    }
}

/* ---- from a word to its first symbols --------------------------------------------------------------------------- */

static int add_symbol(struct bpe_scratch *s, size_t *n, uint32_t id, size_t start, size_t len, struct err *err)
{
    TRY(mem_grow(&s->symbols, &s->symbols_cap, *n, sizeof *s->symbols, err));
    s->symbols[*n] = (struct symbol){id, (uint32_t)*n - 1, (uint32_t)*n + 1, (uint32_t)start, (uint32_t)len};
    ++*n;
    return 0;
}

/* The token of one character, its affixes added, or -1. */
static int32_t char_id(const struct bpe *b, struct bpe_scratch *s, const char *text, size_t len, bool first, bool last)
{
    bool before = b->prefix && !first, behind = b->suffix && last;
    if (!before && !behind)
        return vocab_find(b->vocab, text, len);
    buf_clear(&s->mapped);
    if (before)
        buf_str(&s->mapped, b->prefix);
    buf_add(&s->mapped, text, len);
    if (behind)
        buf_str(&s->mapped, b->suffix);
    return s->mapped.failed ? -1 : vocab_find(b->vocab, s->mapped.data, s->mapped.len);
}

/* The longest user-defined piece that begins here: its bytes, or 0. */
static size_t frozen_here(const struct bpe *b, const char *text, size_t len, int32_t *id)
{
    for (size_t n = len < b->vocab->longest ? len : b->vocab->longest; n > 0; n--)
        if ((*id = vocab_find(b->vocab, text, n)) >= 0 && b->frozen[*id])
            return n;
    return 0;
}

static int split_symbols(const struct bpe *b, struct bpe_scratch *s, const char *word, size_t len, size_t *n,
                         struct err *err)
{
    bool in_unk = false;
    *n = 0;
    for (size_t i = 0; i < len;) {
        uint32_t cp;
        int32_t id;
        size_t bytes;
        if (b->bytes) {
            id = b->byte_ids[(unsigned char)word[i]];
            bytes = 1;
        } else if (b->frozen && (bytes = frozen_here(b, word + i, len - i, &id)) > 0) {
            TRY(add_symbol(s, n, (uint32_t)id, i, bytes, err));
            i += bytes;
            continue;
        } else {
            bytes = utf8_next(word + i, &cp);
            id = char_id(b, s, word + i, bytes, i == 0, i + bytes == len);
        }
        if (b->scored) { /* what is unknown alone may be known together: resolved at the end */
            TRY(add_symbol(s, n, id < 0 ? NONE - 1 : (uint32_t)id, i, bytes, err));
            i += bytes;
            continue;
        }
        bool fell_back = false;
        if (id < 0 && b->byte_fallback && !b->bytes) {
            fell_back = true;
            for (size_t k = 0; k < bytes; k++)
                fell_back = fell_back && b->byte_ids[(unsigned char)word[i + k]] >= 0;
            for (size_t k = 0; k < bytes && fell_back; k++)
                TRY(add_symbol(s, n, (uint32_t)b->byte_ids[(unsigned char)word[i + k]], i + k, 1, err));
        }
        if (id >= 0)
            TRY(add_symbol(s, n, (uint32_t)id, i, bytes, err));
        else if (!fell_back && b->unk >= 0 && !(in_unk && b->fuse_unk))
            TRY(add_symbol(s, n, (uint32_t)b->unk, i, bytes, err));
        if (!fell_back) /* bytes in between do not part two runs of unknown characters for the reference either */
            in_unk = id < 0;
        i += bytes;
    }
    return 0;
}

/* ---- merging ---------------------------------------------------------------------------------------------------- */

/* Looks at every pair, merges the best, repeats. */
static size_t merge_few(const struct bpe *b, const char *word, struct symbol *sym, size_t n)
{
    uint32_t ranks[SCAN_SYMBOLS];
    int32_t ids[SCAN_SYMBOLS];
    for (size_t i = 0; i + 1 < n; i++)
        ranks[i] = pair_rank(b, word, &sym[i], &sym[i + 1], &ids[i]);
    while (n > 1) {
        size_t best = 0;
        for (size_t i = 1; i + 1 < n; i++)
            if (ranks[i] < ranks[best])
                best = i;
        if (ranks[best] == NO_RANK)
            break;
        sym[best].id = (uint32_t)ids[best];
        sym[best].len += sym[best + 1].len;
        memmove(sym + best + 1, sym + best + 2, (n - best - 2) * sizeof *sym);
        if (best + 2 < n) {
            memmove(ranks + best + 1, ranks + best + 2, (n - best - 3) * sizeof *ranks);
            memmove(ids + best + 1, ids + best + 2, (n - best - 3) * sizeof *ids);
        }
        n--;
        if (best + 1 < n)
            ranks[best] = pair_rank(b, word, &sym[best], &sym[best + 1], &ids[best]);
        if (best > 0)
            ranks[best - 1] = pair_rank(b, word, &sym[best - 1], &sym[best], &ids[best - 1]);
    }
    return n;
}

static inline bool before(const struct heap_entry *a, const struct heap_entry *b)
{
    return a->rank < b->rank || (a->rank == b->rank && a->at < b->at);
}

static int heap_push(struct bpe_scratch *s, struct heap_entry e, struct err *err)
{
    TRY(mem_grow(&s->heap, &s->heap_cap, s->heap_n, sizeof *s->heap, err));
    size_t i = s->heap_n++;
    while (i > 0 && before(&e, &s->heap[(i - 1) / 2])) {
        s->heap[i] = s->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    s->heap[i] = e;
    return 0;
}

static struct heap_entry heap_pop(struct bpe_scratch *s)
{
    struct heap_entry top = s->heap[0], last = s->heap[--s->heap_n];
    size_t i = 0, n = s->heap_n;
    while (2 * i + 1 < n) {
        size_t child = 2 * i + 1;
        if (child + 1 < n && before(&s->heap[child + 1], &s->heap[child]))
            child++;
        if (!before(&s->heap[child], &last))
            break;
        s->heap[i] = s->heap[child];
        i = child;
    }
    if (n)
        s->heap[i] = last;
    return top;
}

static int push_pair(const struct bpe *b, struct bpe_scratch *s, const char *word, uint32_t left, uint32_t right,
                     struct err *err)
{
    const struct symbol *l = &s->symbols[left], *r = &s->symbols[right];
    int32_t id = -1;
    uint32_t rank = pair_rank(b, word, l, r, &id);
    if (rank == NO_RANK)
        return 0;
    return heap_push(s, (struct heap_entry){rank, left, id, r->len, l->len}, err);
}

static int merge_many(const struct bpe *b, struct bpe_scratch *s, const char *word, size_t *n, struct err *err)
{
    struct symbol *sym = s->symbols;
    size_t count = *n;
    s->heap_n = 0;
    for (size_t i = 0; i + 1 < count; i++)
        TRY(push_pair(b, s, word, (uint32_t)i, (uint32_t)i + 1, err));
    while (s->heap_n > 0) {
        struct heap_entry e = heap_pop(s);
        struct symbol *l = &sym[e.at];
        if (l->id == NONE || l->len != e.left || l->next >= count || sym[l->next].len != e.right)
            continue;
        struct symbol *r = &sym[l->next];
        l->id = (uint32_t)e.id;
        l->len += r->len;
        r->id = NONE;
        l->next = r->next;
        if (r->next < count)
            sym[r->next].prev = e.at;
        if (l->prev < count)
            TRY(push_pair(b, s, word, l->prev, e.at, err));
        if (l->next < count)
            TRY(push_pair(b, s, word, e.at, l->next, err));
    }
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (sym[i].id != NONE)
            sym[kept++] = sym[i];
    *n = kept;
    return 0;
}

/* What a scored vocabulary has no piece for: its bytes, or the unknown token once for a run. */
static int add_unknown(const struct bpe *b, const char *text, size_t len, bool *in_unk, struct ids *out, struct err *err)
{
    bool all = b->byte_fallback;
    for (size_t k = 0; k < len; k++)
        all = all && b->byte_ids[(unsigned char)text[k]] >= 0;
    for (size_t k = 0; k < len && all; k++)
        TRY(ids_add(out, b->byte_ids[(unsigned char)text[k]], err));
    if (!all && b->unk >= 0 && !(*in_unk && b->fuse_unk))
        TRY(ids_add(out, b->unk, err));
    *in_unk = !all;
    return 0;
}

static int encode_fresh(const struct bpe *b, struct bpe_scratch *s, const char *word, size_t len, struct ids *out,
                        struct err *err)
{
    size_t n;
    bool in_unk = false;
    TRY(split_symbols(b, s, word, len, &n, err));
    if (n <= SCAN_SYMBOLS)
        n = merge_few(b, word, s->symbols, n);
    else
        TRY(merge_many(b, s, word, &n, err));
    for (size_t i = 0; i < n; i++) {
        const struct symbol *sym = &s->symbols[i];
        if (sym->id == NONE - 1) {
            TRY(add_unknown(b, word + sym->start, sym->len, &in_unk, out, err));
            continue;
        }
        in_unk = false;
        TRY(ids_add(out, (int32_t)sym->id, err));
    }
    return 0;
}

/* ---- the cache of words ----------------------------------------------------------------------------------------- */

static int grow_cache(struct bpe_scratch *s, struct err *err)
{
    size_t n_slots = s->n_slots ? s->n_slots * 4 : 256;
    struct cached *slots = mem_zalloc(n_slots, sizeof *slots, err);
    if (!slots)
        return -1;
    for (size_t i = 0; i < s->n_slots; i++) {
        if (!s->slots[i].used)
            continue;
        size_t at = s->slots[i].hash & (n_slots - 1);
        while (slots[at].used)
            at = (at + 1) & (n_slots - 1);
        slots[at] = s->slots[i];
    }
    free(s->slots);
    s->slots = slots;
    s->n_slots = n_slots;
    if (!s->words.max)
        buf_init(&s->words, (size_t)CACHE_WORDS * CACHED_WORD);
    return 0;
}

/* The token of a whole word, for ignore_merges. */
static int32_t whole_word(const struct bpe *b, struct bpe_scratch *s, const char *word, size_t len)
{
    if (!b->bytes)
        return vocab_find(b->vocab, word, len);
    if (len > b->vocab->longest)
        return -1;
    buf_clear(&s->mapped);
    for (size_t i = 0; i < len; i++) {
        char text[4];
        buf_add(&s->mapped, text, utf8_encode(byte_char((unsigned char)word[i]), text));
    }
    return s->mapped.failed ? -1 : vocab_find(b->vocab, s->mapped.data, s->mapped.len);
}

static int encode_word(const struct bpe *b, struct bpe_scratch *s, const char *word, size_t len, struct ids *out,
                       struct err *err)
{
    if (len > WORD_MAX)
        return err_set(err, ERR_LIMIT, "a word of %zu bytes is longer than %d", len, WORD_MAX);
    if (!s->mapped.max)
        buf_init(&s->mapped, (size_t)1 << 31);
    uint32_t hash = 0;
    struct cached *slot = NULL;
    if (len <= CACHED_WORD) {
        if (s->n_used * 2 >= s->n_slots && s->n_used < CACHE_WORDS)
            TRY(grow_cache(s, err));
        hash = hash_bytes(word, len);
        for (size_t at = hash & (s->n_slots - 1);; at = (at + 1) & (s->n_slots - 1)) {
            slot = &s->slots[at];
            if (!slot->used)
                break;
            if (slot->hash == hash && slot->len == len && memcmp(s->words.data + slot->word, word, len) == 0) {
                for (uint32_t i = 0; i < slot->n_ids; i++)
                    TRY(ids_add(out, s->ids.data[slot->ids + i], err));
                return 0;
            }
        }
    }
    size_t from = out->n;
    int32_t whole = b->ignore_merges ? whole_word(b, s, word, len) : -1;
    if (whole >= 0)
        TRY(ids_add(out, whole, err));
    else
        TRY(encode_fresh(b, s, word, len, out, err));
    if (s->mapped.failed)
        return buf_check(&s->mapped, err);
    if (!slot || s->n_used >= CACHE_WORDS)
        return 0;
    *slot = (struct cached){hash, (uint32_t)s->words.len, (uint32_t)(out->n - from), (uint32_t)s->ids.n, (uint8_t)len, 1};
    s->n_used++;
    buf_add(&s->words, word, len);
    for (size_t i = from; i < out->n; i++)
        TRY(ids_add(&s->ids, out->data[i], err));
    return buf_check(&s->words, err);
}

int bpe_encode(const struct bpe *b, struct bpe_scratch *s, const char *word, size_t len, struct ids *out, struct err *err)
{
    for (size_t at = 0, to; at < len; at = to) {
        to = b->cut ? next_cut(b->cut, word, len, at) : len;
        TRY(encode_word(b, s, word + at, to - at, out, err));
    }
    return 0;
}

void bpe_scratch_release(struct bpe_scratch *s)
{
    free(s->symbols);
    free(s->heap);
    free(s->slots);
    buf_release(&s->words);
    buf_release(&s->mapped);
    ids_release(&s->ids);
    *s = (struct bpe_scratch){0};
}
