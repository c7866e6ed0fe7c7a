#include "tokenizers/export.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

enum { NO_RANK = UINT32_MAX, PAIRS_MAX = 1 << 26 };

struct ranked_pair {
    uint32_t rank;
    struct token_pair pair;
};

struct pairs {
    struct ranked_pair *items;
    size_t n, cap;
};

static int add_pair(struct pairs *p, uint32_t rank, int32_t left, int32_t right, struct err *err)
{
    if (p->n == PAIRS_MAX)
        return err_set(err, ERR_UNSUPPORTED, "the vocabulary has more than %d pairs that merge", PAIRS_MAX);
    TRY(mem_grow(&p->items, &p->cap, p->n, sizeof *p->items, err));
    p->items[p->n++] = (struct ranked_pair){rank, {left, right}};
    return 0;
}

static int by_rank(const void *a, const void *b)
{
    const struct ranked_pair *x = a, *y = b;
    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    if (x->pair.left != y->pair.left)
        return x->pair.left < y->pair.left ? -1 : 1;
    return (x->pair.right > y->pair.right) - (x->pair.right < y->pair.right);
}

/* Where the character at `at` ends. */
static size_t after(const struct piece *p, size_t at)
{
    size_t n = utf8_decode(p->text + at, p->len - at, NULL);
    return at + (n ? n : 1);
}

/* A scored vocabulary merges any two neighbours whose joined text is a piece: each way to cut a piece in two is a merge. */
static int pairs_of_scores(struct pairs *p, const struct bpe *b, struct err *err)
{
    for (size_t i = 0; i < b->vocab->n; i++) {
        const struct piece *piece = &b->vocab->pieces[i];
        if (!piece->text || b->ranks[i] == NO_RANK)
            continue;
        for (size_t cut = after(piece, 0); cut < piece->len; cut = after(piece, cut)) {
            int32_t left = vocab_find(b->vocab, piece->text, cut);
            int32_t right = left < 0 ? -1 : vocab_find(b->vocab, piece->text + cut, piece->len - cut);
            if (right >= 0)
                TRY(add_pair(p, b->ranks[i], left, right, err));
        }
    }
    return 0;
}

static int pairs_of_merges(struct pairs *p, const struct bpe *b, struct err *err)
{
    for (size_t i = 0; i < b->n_slots; i++) {
        const struct merge *m = &b->merges[i];
        if (m->left != NO_RANK)
            TRY(add_pair(p, m->rank, (int32_t)m->left, (int32_t)m->right, err));
    }
    return 0;
}

static int list_merges(struct vocabulary_table *v, const struct bpe *b, struct err *err)
{
    struct pairs p = {0};
    int rc = b->scored ? pairs_of_scores(&p, b, err) : pairs_of_merges(&p, b, err);
    if (rc == 0)
        rc = (v->merges = mem_alloc(p.n, sizeof *v->merges, err)) ? 0 : -1;
    if (rc == 0) {
        if (p.n > 0)
            qsort(p.items, p.n, sizeof *p.items, by_rank);
        for (size_t i = 0; i < p.n; i++)
            v->merges[i] = p.items[i].pair;
        v->n_merges = p.n;
    }
    free(p.items);
    return rc;
}

static void list_types(struct vocabulary_table *v, const struct tokenizer *t)
{
    const struct added_set *sets[] = {&t->raw, &t->normalized};
    for (size_t i = 0; i < v->n; i++) {
        const struct piece *p = &v->pieces[i];
        v->types[i] = !p->text ? PIECE_UNUSED
                      : v->scored && byte_token(p->text, p->len) >= 0 ? PIECE_BYTE
                      : i < t->n_special && t->special[i] ? PIECE_CONTROL
                                                          : PIECE_NORMAL;
    }
    for (size_t s = 0; s < 2; s++)
        for (size_t i = 0; i < sets[s]->n; i++)
            if (v->types[sets[s]->tokens[i].id] == PIECE_NORMAL)
                v->types[sets[s]->tokens[i].id] = PIECE_USER_DEFINED;
    if (v->scored && v->unk >= 0)
        v->types[v->unk] = PIECE_UNKNOWN;
}

static int list_scores(struct vocabulary_table *v, const struct bpe *b, struct err *err)
{
    if (!(v->scores = mem_zalloc(v->n, sizeof *v->scores, err)))
        return -1;
    if (b->scored) {
        for (size_t i = 0; i < v->n; i++)
            v->scores[i] = b->ranks[i] == NO_RANK ? 0 : -(float)b->ranks[i];
        return 0;
    }
    for (size_t i = 0; i < v->n; i++)
        v->scores[i] = v->types[i] == PIECE_NORMAL ? -1e6f : 0; /* what nothing merges to is not merged to */
    for (size_t i = 0; i < b->n_slots; i++) {
        const struct merge *m = &b->merges[i];
        if (m->left != NO_RANK && -(float)m->rank > v->scores[m->id])
            v->scores[m->id] = -(float)m->rank;
    }
    return 0;
}

/* The steps of SentencePiece that both GGUF and tokenizer.json have words for: a space in front, spaces as ▁. */
static bool plain_steps(const struct tokenizer *t, bool *literal)
{
    *literal = t->bpe.scored;
    for (size_t i = 0; i < t->n_norms; i++) {
        const struct norm_step *s = &t->norms[i];
        bool spaces = s->kind == NORM_REPLACE && s->what.len == 1 && s->what.data[0] == ' ';
        if (s->kind != NORM_PREPEND && !spaces)
            return false;
        *literal = *literal && !spaces;
    }
    for (size_t i = 0; i < t->n_pres; i++) {
        const struct pre_step *s = &t->pres[i];
        bool split = s->kind == PRE_SPLIT && !s->scanner && s->what.len == 1 && s->what.data[0] == ' ';
        if (s->kind != PRE_PREFIX && s->kind != PRE_REPLACE && !split)
            return false;
    }
    return true;
}

static int mark_spaces(struct vocabulary_table *v, struct err *err)
{
    if (!(v->own = mem_alloc(v->n, sizeof *v->own, err)))
        return -1;
    for (size_t i = 0; i < v->n; i++) {
        struct buf text = BUF_INIT(1 << 20);
        const struct piece *p = &v->pieces[i];
        v->own[i] = *p;
        for (size_t at = 0; at < p->len; at++)
            buf_add(&text, p->text[at] == ' ' ? "\xE2\x96\x81" : p->text + at, p->text[at] == ' ' ? 3 : 1);
        int rc = buf_check(&text, err);
        if (rc == 0 && p->text && !(v->own[i].text = arena_strndup(&v->strings, text.data ? text.data : "", text.len, err)))
            rc = -1;
        v->own[i].len = (uint32_t)text.len;
        buf_release(&text);
        TRY(rc);
    }
    v->pieces = v->own;
    return 0;
}

static bool adds(const struct ids *outside, int32_t id)
{
    for (size_t i = 0; i < outside->n; i++)
        if (outside->data[i] == id)
            return true;
    return false;
}

static bool adds_space(const struct tokenizer *t)
{
    for (size_t i = 0; i < t->n_norms; i++)
        if (t->norms[i].kind == NORM_PREPEND)
            return true;
    for (size_t i = 0; i < t->n_pres; i++)
        if (t->pres[i].kind == PRE_PREFIX)
            return true;
    return false;
}

static int fill(struct vocabulary_table *v, const struct tokenizer *t, struct err *err)
{
    const struct bpe *b = &t->bpe;
    if (t->is_unigram || !(b->bytes || b->byte_fallback)) {
        err_set(err, ERR_UNSUPPORTED, "a tokenizer of kind '%s' has no counterpart to convert to", t->kind);
        return err_hint(err, "byte-level BPE and SentencePiece's BPE with byte fallback are converted");
    }
    bool literal = false;
    v->scored = !b->bytes;
    if (v->scored && !plain_steps(t, &literal))
        return err_set(err, ERR_UNSUPPORTED, "this tokenizer changes text in a way that SentencePiece's BPE does not have in GGUF");
    if (!v->scored && !gguf_pre_name(v->pre, t)) {
        err_set(err, ERR_UNSUPPORTED, "the way this tokenizer cuts text has no name in GGUF");
        return err_hint(err, "docs/TOKENIZERS.md lists those that have one");
    }
    if (!(v->types = mem_alloc(v->n, 1, err)))
        return -1;
    list_types(v, t);
    TRY(list_merges(v, b, err));
    if (v->scored)
        TRY(list_scores(v, b, err));
    return v->scored && literal ? mark_spaces(v, err) : 0;
}

int vocabulary_table(struct vocabulary_table *v, const struct tokenizer *t, struct err *err)
{
    *v = (struct vocabulary_table){
        .n = t->vocab.n, .pieces = t->vocab.pieces, .bos = t->bos, .eos = t->eos, .unk = t->bpe.unk,
        .add_bos = t->bos >= 0 && adds(&t->before, t->bos), .add_eos = t->eos >= 0 && adds(&t->behind, t->eos),
        .space_prefix = adds_space(t), .chat_template = t->chat_template, .strings = ARENA_INIT((size_t)1 << 28),
    };
    if (fill(v, t, err) == 0)
        return 0;
    vocabulary_table_release(v);
    return -1;
}

void vocabulary_table_release(struct vocabulary_table *v)
{
    free(v->types);
    free(v->scores);
    free(v->merges);
    free(v->own);
    arena_release(&v->strings);
    *v = (struct vocabulary_table){0};
}
