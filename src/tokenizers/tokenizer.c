#include "tokenizers/tokenizer.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "tokenizers/parts.h"

enum { TEXT_MAX = 1 << 30 };

int ids_add(struct ids *ids, int32_t id, struct err *err)
{
    TRY(mem_grow(&ids->data, &ids->cap, ids->n, sizeof *ids->data, err));
    ids->data[ids->n++] = id;
    return 0;
}

void ids_release(struct ids *ids)
{
    free(ids->data);
    *ids = (struct ids){0};
}

/* ---- encoding --------------------------------------------------------------------------------------------------- */

/* What one call needs; nothing of it outlives the call. */
struct run {
    const struct tokenizer *t;
    unsigned flags;
    struct bpe_scratch bpe;
    struct unigram_scratch unigram;
    struct spans spans;
    struct buf normal;
    struct ids *out;
    /* Parts of `whole` that special tokens are not looked for in. */
    const char *whole;
    const struct span *words;
    size_t n_words;
    bool hide_special; /* in the part at hand */
};

static int encode_word(struct run *r, const char *s, size_t len, struct err *err)
{
    return r->t->is_unigram ? unigram_encode(&r->t->unigram, &r->unigram, s, len, r->out, err)
                            : bpe_encode(&r->t->bpe, &r->bpe, s, len, r->out, err);
}

/* Text without added tokens: words, then the model. */
static int encode_plain(struct run *r, const char *s, size_t len, bool at_start, struct err *err)
{
    const struct tokenizer *t = r->t;
    if (len == 0)
        return 0;
    if (t->n_pres == 0)
        return encode_word(r, s, len, err);
    if (t->n_pres == 1 && t->pres[0].kind == PRE_SPLIT && t->pres[0].scanner && !t->pres[0].invert &&
        t->pres[0].behaviour == SPLIT_ISOLATED && scanner_covers(t->pres[0].scanner)) {
        for (size_t at = 0, to; at < len; at = to) {
            to = scanner_end(t->pres[0].scanner, s, len, at);
            TRY(encode_word(r, s + at, to - at, err));
        }
        return 0;
    }
    const char *text;
    TRY(pre_tokenize(t->pres, t->n_pres, s, len, at_start, &r->spans, &text, err));
    for (size_t i = 0; i < r->spans.n; i++)
        TRY(encode_word(r, text + r->spans.items[i].from, r->spans.items[i].to - r->spans.items[i].from, err));
    return 0;
}

static int encode_segment(struct run *r, const char *s, size_t len, bool at_start, struct err *err);

/* Whether some of these bytes of `whole` are words. */
static bool has_words(const struct run *r, const char *s, size_t len)
{
    size_t from = (size_t)(s - r->whole), a = 0, b = r->n_words;
    while (a < b) { /* the first that ends behind `from` */
        size_t mid = (a + b) / 2;
        if (r->words[mid].to <= from)
            a = mid + 1;
        else
            b = mid;
    }
    return a < r->n_words && r->words[a].from < from + len;
}

/* Text between the tokens of one set goes on to `next`. */
static int split_added(struct run *r, const struct added_set *set, const char *s, size_t len, bool at_start,
                       int (*next)(struct run *, const char *, size_t, bool, struct err *), struct err *err)
{
    struct added_match m;
    size_t edge = 0, at = 0;
    bool with_special = (r->flags & TOKENIZE_SPECIAL) && !r->hide_special;
    while (added_set_find(set, s, len, at, edge, with_special, &m, &at)) {
        if (set == &r->t->raw && m.token->special && r->n_words > 0 && has_words(r, s + at - m.token->len, m.token->len)) {
            at -= m.token->len - 1; /* another token may begin within it */
            continue;
        }
        if (m.from > edge)
            TRY(next(r, s + edge, m.from - edge, at_start && edge == 0, err));
        TRY(ids_add(r->out, m.token->id, err));
        edge = m.to;
    }
    return edge < len ? next(r, s + edge, len - edge, at_start && edge == 0, err) : 0;
}

static int encode_segment(struct run *r, const char *s, size_t len, bool at_start, struct err *err)
{
    const struct tokenizer *t = r->t;
    /* the normalizer moves bytes about: here a part with words in it has no special tokens at all */
    r->hide_special = r->n_words > 0 && has_words(r, s, len);
    if (t->n_norms > 0) {
        TRY(normalize(t->norms, t->n_norms, s, len, &r->normal, &r->spans.scan, err));
        s = r->normal.data ? r->normal.data : "";
        len = r->normal.len;
    }
    return split_added(r, &t->normalized, s, len, at_start, encode_plain, err);
}

static int add_all(struct ids *out, const struct ids *ids, struct err *err)
{
    for (size_t i = 0; i < ids->n; i++)
        TRY(ids_add(out, ids->data[i], err));
    return 0;
}

/* `text` is valid UTF-8. */
static int encode(struct run *r, const char *text, size_t len, struct err *err)
{
    const struct tokenizer *t = r->t;
    int rc = r->flags & TOKENIZE_BOS ? add_all(r->out, &t->before, err) : 0;
    if (rc == 0)
        rc = split_added(r, &t->raw, text, len, true, encode_segment, err);
    if (rc == 0 && (r->flags & TOKENIZE_BOS))
        rc = add_all(r->out, &t->behind, err);
    bpe_scratch_release(&r->bpe);
    unigram_scratch_release(&r->unigram);
    spans_release(&r->spans);
    buf_release(&r->normal);
    return rc;
}

int tokenizer_encode(const struct tokenizer *t, const char *text, size_t len, unsigned flags, struct ids *out,
                     struct err *err)
{
    struct run r = {.t = t, .flags = flags, .normal = BUF_INIT(TEXT_MAX), .out = out};
    if (utf8_valid(text, len))
        return encode(&r, text, len, err);
    struct buf lossy = BUF_INIT(TEXT_MAX);
    utf8_lossy(text, len, &lossy);
    int rc = buf_check(&lossy, err);
    if (rc == 0)
        rc = encode(&r, lossy.data, lossy.len, err);
    buf_release(&lossy);
    return rc;
}

int tokenizer_encode_around(const struct tokenizer *t, const char *text, size_t len, const struct span *words,
                            size_t n_words, struct ids *out, struct err *err)
{
    struct run r = {.t = t, .flags = TOKENIZE_SPECIAL, .normal = BUF_INIT(TEXT_MAX), .out = out, .whole = text,
                    .words = words, .n_words = n_words};
    if (!utf8_valid(text, len))
        return err_set(err, ERR_INPUT, "the text is not UTF-8");
    return encode(&r, text, len, err);
}

/* ---- decoding --------------------------------------------------------------------------------------------------- */

static int check_id(const struct tokenizer *t, int32_t id, struct err *err)
{
    if (id < 0 || (size_t)id >= t->vocab.n)
        return err_set(err, ERR_INPUT, "token %d is outside the vocabulary of %zu", id, t->vocab.n);
    return 0;
}

int tokenizer_decode(const struct tokenizer *t, const int32_t *ids, size_t n, bool special, struct buf *out,
                     struct err *err)
{
    struct buf text = BUF_INIT(TEXT_MAX);
    size_t kept = 0;
    int rc = -1;
    struct span *pieces = mem_alloc(n, sizeof *pieces, err);
    if (!pieces)
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (check_id(t, ids[i], err) < 0)
            goto out;
        const struct piece *p = &t->vocab.pieces[ids[i]];
        if (!p->text || (!special && tokenizer_is_special(t, ids[i])))
            continue;
        size_t from = text.len;
        buf_add(&text, p->text, p->len);
        pieces[kept++] = (struct span){from, text.len};
    }
    if (buf_check(&text, err) < 0)
        goto out;
    rc = decode_pieces(t->decodes, t->n_decodes, &text, pieces, kept, out, err);
out:
    free(pieces);
    buf_release(&text);
    return rc;
}

/* One token's raw bytes. Steps that look at neighbours have an effect only on the first token (`first`). */
static int piece_bytes(const struct tokenizer *t, int32_t id, bool first, struct buf *out, struct err *err)
{
    TRY(check_id(t, id, err));
    const struct piece *p = &t->vocab.pieces[id];
    struct buf a = BUF_INIT(TEXT_MAX), b = BUF_INIT(TEXT_MAX);
    bool fused = false;
    int rc = 0;
    buf_add(&a, p->text ? p->text : "", p->text ? p->len : 0);
    for (size_t i = 0; i < t->n_decodes && rc == 0 && !a.failed; i++) {
        const struct decode_step *s = &t->decodes[i];
        int byte;
        buf_clear(&b);
        if (s->kind == DECODE_BYTES) {
            decode_bytes(a.data ? a.data : "", a.len, &b);
        } else if (s->kind == DECODE_BYTE_FALLBACK) {
            if ((byte = byte_token(a.data ? a.data : "", a.len)) < 0)
                continue;
            buf_char(&b, (char)byte);
        } else if (s->kind == DECODE_FUSE) {
            fused = true;
            continue;
        } else if (s->kind == DECODE_STRIP && fused && !first) {
            continue;
        } else {
            rc = decode_middle(s, a.data ? a.data : "", a.len, first, &b, err);
        }
        struct buf swap = a;
        a = b;
        b = swap;
    }
    if (rc == 0)
        rc = buf_check(&a, err);
    if (rc == 0 && a.data)
        buf_add(out, a.data, a.len);
    buf_release(&a);
    buf_release(&b);
    return rc;
}

int tokenizer_piece(const struct tokenizer *t, int32_t id, struct buf *out, struct err *err)
{
    TRY(piece_bytes(t, id, false, out, err));
    return buf_check(out, err);
}

void detok_init(struct detok *d, const struct tokenizer *t, bool special)
{
    *d = (struct detok){.t = t, .special = special};
}

int detok_push(struct detok *d, int32_t id, struct buf *out, struct err *err)
{
    TRY(check_id(d->t, id, err));
    if (!d->special && tokenizer_is_special(d->t, id))
        return 0;
    struct buf all = BUF_INIT(TEXT_MAX);
    buf_add(&all, d->pending, d->n_pending);
    int rc = piece_bytes(d->t, id, !d->started, &all, err);
    if (rc == 0)
        rc = buf_check(&all, err);
    if (rc == 0) {
        size_t whole = utf8_whole(all.data, all.len);
        d->started = true;
        utf8_lossy(all.data, whole, out);
        d->n_pending = all.len - whole;
        memcpy(d->pending, all.data + whole, d->n_pending);
        rc = buf_check(out, err);
    }
    buf_release(&all);
    return rc;
}

void detok_finish(struct detok *d, struct buf *out)
{
    utf8_lossy(d->pending, d->n_pending, out);
    d->n_pending = 0;
}

/* ---- asking ----------------------------------------------------------------------------------------------------- */

size_t tokenizer_vocabulary(const struct tokenizer *t)
{
    return t->vocab.n;
}

const char *tokenizer_kind(const struct tokenizer *t)
{
    return t->kind;
}

bool tokenizer_is_special(const struct tokenizer *t, int32_t id)
{
    return id >= 0 && (size_t)id < t->n_special && t->special[id];
}

int tokenizer_mark_special(struct tokenizer *t, int32_t id, struct err *err)
{
    if ((size_t)id >= t->n_special) {
        size_t n = (size_t)id + 1 > t->vocab.n ? (size_t)id + 1 : t->vocab.n;
        bool *grown = mem_realloc(t->special, n, sizeof *grown, err);
        if (!grown)
            return -1;
        memset(grown + t->n_special, 0, (n - t->n_special) * sizeof *grown);
        t->special = grown;
        t->n_special = n;
    }
    t->special[id] = true;
    return 0;
}

int32_t tokenizer_lookup(const struct tokenizer *t, const char *entry)
{
    return vocab_find(&t->vocab, entry, strlen(entry));
}

int32_t tokenizer_bos(const struct tokenizer *t)
{
    return t->bos;
}

int32_t tokenizer_eos(const struct tokenizer *t)
{
    return t->eos;
}

const char *tokenizer_chat_template(const struct tokenizer *t)
{
    return t->chat_template;
}

/* ---- steps ------------------------------------------------------------------------------------------------------ */

struct text text_of(const char *s)
{
    return (struct text){s, strlen(s)};
}

static int too_many(struct err *err)
{
    return err_set(err, ERR_UNSUPPORTED, "a tokenizer with more than %d steps of one kind", STEPS_MAX);
}

int add_norm(struct tokenizer *t, struct norm_step step, struct err *err)
{
    if (t->n_norms == STEPS_MAX) {
        norm_step_release(&step);
        return too_many(err);
    }
    t->norms[t->n_norms++] = step;
    return 0;
}

int add_pre(struct tokenizer *t, struct pre_step step, struct err *err)
{
    if (t->n_pres == STEPS_MAX) {
        pre_step_release(&step);
        return too_many(err);
    }
    t->pres[t->n_pres++] = step;
    return 0;
}

int add_decode(struct tokenizer *t, struct decode_step step, struct err *err)
{
    if (t->n_decodes == STEPS_MAX) {
        decode_step_release(&step);
        return too_many(err);
    }
    t->decodes[t->n_decodes++] = step;
    return 0;
}

int add_split(struct tokenizer *t, const char *regex, size_t len, enum split_behaviour behaviour, bool invert,
              struct err *err)
{
    struct pre_step step = {.kind = PRE_SPLIT, .behaviour = behaviour, .invert = invert};
    TRY(scanner_new(&step.scanner, regex, len, err));
    return add_pre(t, step, err);
}

void tokenizer_close(struct tokenizer *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < t->n_norms; i++)
        norm_step_release(&t->norms[i]);
    for (size_t i = 0; i < t->n_pres; i++)
        pre_step_release(&t->pres[i]);
    for (size_t i = 0; i < t->n_decodes; i++)
        decode_step_release(&t->decodes[i]);
    bpe_release(&t->bpe);
    unigram_release(&t->unigram);
    added_set_release(&t->raw);
    added_set_release(&t->normalized);
    vocab_release(&t->vocab);
    ids_release(&t->before);
    ids_release(&t->behind);
    free(t->special);
    arena_release(&t->arena);
    file_unmap(&t->map);
    model_file_close(t->file);
    free(t);
}
