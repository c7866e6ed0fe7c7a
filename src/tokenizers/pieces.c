#include "tokenizers/pieces.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tokenizers/charsmap.h"

int add_typed_tokens(struct tokenizer *t, const uint8_t *types, bool controls_only, struct err *err)
{
    for (size_t i = 0; i < t->vocab.n; i++) {
        const struct piece *p = &t->vocab.pieces[i];
        bool control = types[i] == PIECE_CONTROL || types[i] == PIECE_UNKNOWN;
        if (control)
            TRY(tokenizer_mark_special(t, (int32_t)i, err));
        if (!p->text || p->len == 0 || !(control || (types[i] == PIECE_USER_DEFINED && !controls_only)))
            continue;
        struct added_token token = {.text = p->text, .len = p->len, .id = (int32_t)i, .special = control};
        TRY(added_set_add(&t->raw, &token, err));
    }
    TRY(added_set_build(&t->raw, err));
    return added_set_build(&t->normalized, err);
}

static int build_unigram(struct tokenizer *t, const struct sentencepiece *sp, int32_t unk, struct err *err)
{
    struct unigram *u = &t->unigram;
    double highest = -INFINITY, *scores = mem_alloc(t->vocab.n, sizeof *scores, err);
    if (!scores)
        return -1;
    t->is_unigram = true;
    t->kind = "unigram";
    u->vocab = &t->vocab;
    u->unk = unk;
    u->single = true;
    u->byte_fallback = sp->byte_fallback;
    for (size_t i = 0; i < t->vocab.n; i++) {
        bool text = sp->types[i] == PIECE_NORMAL || sp->types[i] == PIECE_USER_DEFINED || sp->types[i] == PIECE_UNUSED;
        scores[i] = text ? (double)sp->scores[i] : NAN;
        if (sp->types[i] == PIECE_NORMAL && scores[i] > highest)
            highest = scores[i];
    }
    for (size_t i = 0; i < t->vocab.n; i++)
        if (sp->types[i] == PIECE_USER_DEFINED) /* always better than any way through its parts */
            scores[i] = t->vocab.pieces[i].len * highest - 0.1;
        else if (sp->types[i] == PIECE_UNUSED)
            scores[i] = NAN;
    for (int b = 0; b < 256; b++)
        u->byte_ids[b] = t->bpe.byte_ids[b];
    return unigram_build(u, scores, err);
}

static int build_scored(struct tokenizer *t, const struct sentencepiece *sp, int32_t unk, struct err *err)
{
    struct bpe *b = &t->bpe;
    bool any_frozen = false;
    t->kind = "sentencepiece bpe";
    b->scored = true;
    b->byte_fallback = sp->byte_fallback;
    b->fuse_unk = true;
    b->unk = unk;
    bool *mergeable = mem_alloc(t->vocab.n, sizeof *mergeable, err);
    if (!mergeable)
        return -1;
    for (size_t i = 0; i < t->vocab.n; i++) {
        mergeable[i] = sp->types[i] == PIECE_NORMAL || sp->types[i] == PIECE_USER_DEFINED;
        any_frozen = any_frozen || (sp->freeze && sp->types[i] == PIECE_USER_DEFINED);
    }
    int rc = bpe_rank_scores(b, sp->scores, mergeable, err);
    free(mergeable);
    if (rc == 0 && any_frozen) {
        if (!(b->frozen = mem_zalloc(t->vocab.n, sizeof *b->frozen, err)))
            return -1;
        for (size_t i = 0; i < t->vocab.n; i++)
            b->frozen[i] = sp->types[i] == PIECE_USER_DEFINED;
    }
    return rc;
}

int build_sentencepiece(struct tokenizer *t, const struct sentencepiece *sp, int32_t unk, struct err *err)
{
    const struct text mark = text_of("\xE2\x96\x81"), space = text_of(" ");
    if (t->vocab.n == 0)
        return err_set(err, ERR_INPUT, "the vocabulary is empty");
    if (sp->charsmap_len) {
        struct norm_step step = {.kind = NORM_CHARSMAP};
        TRY(charsmap_new(&step.map, sp->charsmap, sp->charsmap_len, err));
        TRY(add_norm(t, step, err));
    }
    if (sp->squeeze)
        TRY(add_norm(t, (struct norm_step){.kind = NORM_SPACES, .what = sp->literal_spaces ? (struct text){0} : mark}, err));
    if (sp->dummy_prefix)
        TRY(add_norm(t, (struct norm_step){.kind = NORM_PREPEND, .with = sp->literal_spaces ? space : mark}, err));
    if (!sp->literal_spaces) {
        TRY(add_norm(t, (struct norm_step){.kind = NORM_REPLACE, .what = space, .with = mark}, err));
        TRY(add_decode(t, (struct decode_step){.kind = DECODE_REPLACE, .what = mark, .with = space}, err));
    }
    TRY(add_decode(t, (struct decode_step){.kind = DECODE_BYTE_FALLBACK}, err));
    TRY(add_decode(t, (struct decode_step){.kind = DECODE_FUSE}, err));
    if (sp->dummy_prefix)
        TRY(add_decode(t, (struct decode_step){.kind = DECODE_STRIP, .what = space, .start = 1}, err));
    t->bpe.vocab = &t->vocab;
    bpe_find_bytes(&t->bpe);
    TRY(sp->is_unigram ? build_unigram(t, sp, unk, err) : build_scored(t, sp, unk, err));
    return add_typed_tokens(t, sp->types, sp->freeze, err);
}
