#include "tokenizers/unigram.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tokenizers/unicode.h"

struct unigram_node {
    double score; /* of the best way here */
    size_t from;  /* where its last piece begins; SIZE_MAX: no way yet */
    int32_t id;   /* -1: unknown */
};

struct order {
    const struct piece *piece;
    uint32_t id;
};

static int by_text(const void *a, const void *b)
{
    const struct order *x = a, *y = b;
    size_t n = x->piece->len < y->piece->len ? x->piece->len : y->piece->len;
    int c = n ? memcmp(x->piece->text, y->piece->text, n) : 0;
    if (c == 0)
        c = (x->piece->len > y->piece->len) - (x->piece->len < y->piece->len);
    return c ? c : (x->id > y->id) - (x->id < y->id);
}

int unigram_build(struct unigram *u, double *scores, struct err *err)
{
    const struct vocab *v = u->vocab;
    struct order *order = mem_alloc(v->n, sizeof *order, err);
    u->scores = scores;
    u->sorted = mem_alloc(v->n, sizeof *u->sorted, err);
    if (!order || !u->sorted) {
        free(order);
        return -1;
    }
    u->min_score = INFINITY;
    for (size_t i = 0; i < v->n; i++) {
        if (!v->pieces[i].text || v->pieces[i].len == 0 || isnan(scores[i]))
            continue;
        order[u->n_sorted++] = (struct order){&v->pieces[i], (uint32_t)i};
        if (scores[i] < u->min_score)
            u->min_score = scores[i];
    }
    qsort(order, u->n_sorted, sizeof *order, by_text);
    for (size_t i = 0; i < u->n_sorted; i++)
        u->sorted[i] = order[i].id;
    free(order);
    return 0;
}

void unigram_release(struct unigram *u)
{
    free(u->scores);
    free(u->sorted);
    *u = (struct unigram){0};
}

/* Narrows [*lo, *hi) of the sorted pieces to those whose byte at `depth` is c. */
static void narrow(const struct unigram *u, size_t *lo, size_t *hi, size_t depth, unsigned char c)
{
    size_t a = *lo, b = *hi;
    const struct piece *pieces = u->vocab->pieces;
#define BYTE(i) (pieces[u->sorted[i]].len > depth ? (unsigned char)pieces[u->sorted[i]].text[depth] : -1)
    while (a < b) {
        size_t mid = (a + b) / 2;
        if (BYTE(mid) < c)
            a = mid + 1;
        else
            b = mid;
    }
    *lo = a;
    b = *hi;
    while (a < b) {
        size_t mid = (a + b) / 2;
        if (BYTE(mid) <= c)
            a = mid + 1;
        else
            b = mid;
    }
    *hi = a;
#undef BYTE
}

static void offer(const struct unigram *u, struct unigram_node *nodes, size_t from, size_t to, double score, int32_t id)
{
    double whole = u->single ? (double)((float)nodes[from].score + (float)score) : nodes[from].score + score;
    if (nodes[to].from == SIZE_MAX || whole > nodes[to].score)
        nodes[to] = (struct unigram_node){whole, from, id};
}

int unigram_encode(const struct unigram *u, struct unigram_scratch *s, const char *text, size_t len, struct ids *out,
                   struct err *err)
{
    const double unknown = u->min_score - 10;
    if (len == 0)
        return 0;
    if (len + 1 > s->cap) {
        struct unigram_node *grown = mem_realloc(s->nodes, len + 1, sizeof *grown, err);
        if (!grown)
            return -1;
        s->nodes = grown;
        s->cap = len + 1;
    }
    struct unigram_node *nodes = s->nodes;
    for (size_t i = 0; i <= len; i++)
        nodes[i] = (struct unigram_node){0, SIZE_MAX, -1};
    for (size_t at = 0, step; at < len; at += step) {
        uint32_t cp;
        step = utf8_next(text + at, &cp);
        bool single = false;
        size_t lo = 0, hi = u->n_sorted;
        for (size_t depth = 0; at + depth < len; depth++) {
            narrow(u, &lo, &hi, depth, (unsigned char)text[at + depth]);
            if (lo >= hi)
                break;
            uint32_t id = u->sorted[lo];
            if (u->vocab->pieces[id].len != depth + 1)
                continue;
            for (size_t k = lo; k + 1 < hi && u->vocab->pieces[u->sorted[k + 1]].len == depth + 1; k++)
                id = u->sorted[k + 1]; /* of two ids with one text the last counts, as in vocab_find */
            offer(u, nodes, at, at + depth + 1, u->scores[id], (int32_t)id);
            single = single || depth + 1 == step;
        }
        if (!single)
            offer(u, nodes, at, at + step, unknown, -1);
    }
    s->ids.n = 0;
    for (size_t at = len, from; at > 0; at = from) {
        from = nodes[at].from;
        int32_t id = nodes[at].id;
        if (id < 0 || id == u->unk) { /* a run of unknown characters is one, the unknown token's own text being such */
            while (from > 0 && (nodes[from].id < 0 || nodes[from].id == u->unk))
                from = nodes[from].from;
            id = vocab_find(u->vocab, text + from, at - from);
        }
        if (id >= 0) {
            TRY(ids_add(&s->ids, id, err));
            continue;
        }
        bool bytes = u->byte_fallback;
        for (size_t i = from; i < at; i++)
            bytes = bytes && u->byte_ids[(unsigned char)text[i]] >= 0;
        for (size_t i = at; i > from && bytes; i--)
            TRY(ids_add(&s->ids, u->byte_ids[(unsigned char)text[i - 1]], err));
        if (!bytes && u->unk >= 0)
            TRY(ids_add(&s->ids, u->unk, err));
    }
    for (size_t i = s->ids.n; i-- > 0;)
        TRY(ids_add(out, s->ids.data[i], err));
    return 0;
}

void unigram_scratch_release(struct unigram_scratch *s)
{
    free(s->nodes);
    ids_release(&s->ids);
    *s = (struct unigram_scratch){0};
}
