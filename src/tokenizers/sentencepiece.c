/* sentencepiece.c - SentencePiece's tokenizer.model, a protobuf (sentencepiece_model.proto) read by hand.
 *
 * Read are the pieces (field 1: text 1, score 2, type 3), of the trainer (2) the model's type 3, byte fallback 35 and the
 * ids 40 to 42, of the normalizer (3) the map 2 and the flags 3 to 5. All else is skipped.
 */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "tokenizers/pieces.h"

enum { MODEL_UNIGRAM = 1, MODEL_BPE = 2 };

struct reader {
    const char *start, *at, *end;
    const char *name;
};

struct field {
    uint32_t number, wire;
    uint64_t value;   /* varint, or the bits of a fixed one */
    const char *data; /* length-delimited */
    size_t len;
};

struct model {
    float *scores;
    uint8_t *types;
    size_t score_cap, type_cap;
    uint64_t type, byte_fallback;
    int32_t unk, bos, eos;
    uint64_t dummy_prefix, squeeze, escape, suffix;
    const char *map;
    size_t map_len;
};

static int broken(const struct reader *r, const char *what, struct err *err)
{
    return err_set(err, ERR_INPUT, "'%s': %s at byte %zu", r->name, what, (size_t)(r->at - r->start));
}

static int varint(struct reader *r, uint64_t *out, struct err *err)
{
    *out = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (r->at >= r->end)
            return broken(r, "a number is cut off", err);
        unsigned char b = (unsigned char)*r->at++;
        *out |= (uint64_t)(b & 0x7F) << shift;
        if (!(b & 0x80))
            return 0;
    }
    return broken(r, "a number has more than 64 bits", err);
}

/* 1: a field; 0: the end. */
static int next_field(struct reader *r, struct field *f, struct err *err)
{
    uint64_t tag, n;
    if (r->at >= r->end)
        return 0;
    TRY(varint(r, &tag, err));
    *f = (struct field){.number = (uint32_t)(tag >> 3), .wire = (uint32_t)(tag & 7)};
    if (tag >> 32 || f->number == 0)
        return broken(r, "this is not a SentencePiece model: a wrong field", err);
    if (f->wire == 0) {
        TRY(varint(r, &f->value, err));
        return 1;
    }
    if (f->wire == 2)
        TRY(varint(r, &n, err));
    else if (f->wire == 1 || f->wire == 5)
        n = f->wire == 1 ? 8 : 4;
    else
        return broken(r, "this is not a SentencePiece model: an unknown wire type", err);
    if (n > (uint64_t)(r->end - r->at))
        return broken(r, "a field is longer than what is left", err);
    f->data = r->at;
    f->len = (size_t)n;
    if (f->wire != 2)
        memcpy(&f->value, r->at, f->len);
    r->at += n;
    return 1;
}

static struct reader inside(const struct reader *r, const struct field *f)
{
    return (struct reader){.start = r->start, .at = f->data, .end = f->data + f->len, .name = r->name};
}

static int read_piece(struct tokenizer *t, struct reader r, struct model *m, struct err *err)
{
    struct field f;
    const char *text = "";
    size_t len = 0, id = t->vocab.n;
    float score = 0;
    uint64_t type = PIECE_NORMAL;
    int rc;
    while ((rc = next_field(&r, &f, err)) > 0) {
        if (f.number == 1 && f.wire == 2) {
            text = f.data;
            len = f.len;
        } else if (f.number == 2 && f.wire == 5) {
            uint32_t bits = (uint32_t)f.value;
            memcpy(&score, &bits, 4);
        } else if (f.number == 3 && f.wire == 0) {
            type = f.value;
        }
    }
    TRY(rc);
    if (type < PIECE_NORMAL || type > PIECE_BYTE || isnan(score))
        return broken(&r, "a piece with a wrong type or score", err);
    if (!utf8_valid(text, len))
        return broken(&r, "a piece that is not UTF-8", err);
    TRY(mem_grow(&m->scores, &m->score_cap, id, sizeof *m->scores, err));
    TRY(mem_grow(&m->types, &m->type_cap, id, 1, err));
    m->scores[id] = score;
    m->types[id] = (uint8_t)type;
    return vocab_put(&t->vocab, (int64_t)id, text, len, err);
}

static int read_trainer(struct reader r, struct model *m, struct err *err)
{
    struct field f;
    int rc;
    while ((rc = next_field(&r, &f, err)) > 0) {
        if (f.wire != 0)
            continue;
        if (f.number == 3)
            m->type = f.value;
        else if (f.number == 24)
            m->suffix = f.value;
        else if (f.number == 35)
            m->byte_fallback = f.value;
        else if (f.number == 40)
            m->unk = (int32_t)f.value;
        else if (f.number == 41)
            m->bos = (int32_t)f.value;
        else if (f.number == 42)
            m->eos = (int32_t)f.value;
    }
    return rc;
}

static int read_normalizer(struct reader r, struct model *m, struct err *err)
{
    struct field f;
    int rc;
    while ((rc = next_field(&r, &f, err)) > 0) {
        if (f.number == 2 && f.wire == 2) {
            m->map = f.data;
            m->map_len = f.len;
        } else if (f.wire == 0 && f.number == 3) {
            m->dummy_prefix = f.value;
        } else if (f.wire == 0 && f.number == 4) {
            m->squeeze = f.value;
        } else if (f.wire == 0 && f.number == 5) {
            m->escape = f.value;
        }
    }
    return rc;
}

static int read_model(struct tokenizer *t, struct reader *r, struct model *m, struct err *err)
{
    struct field f;
    int rc;
    while ((rc = next_field(r, &f, err)) > 0) {
        if (f.wire != 2)
            continue;
        if (f.number == 1)
            TRY(read_piece(t, inside(r, &f), m, err));
        else if (f.number == 2)
            TRY(read_trainer(inside(r, &f), m, err));
        else if (f.number == 3)
            TRY(read_normalizer(inside(r, &f), m, err));
    }
    return rc;
}

static int build(struct tokenizer *t, const struct model *m, const char *name, struct err *err)
{
    if (t->vocab.n == 0)
        return err_set(err, ERR_INPUT, "'%s': no pieces: this is not a SentencePiece model", name);
    if (m->type != MODEL_UNIGRAM && m->type != MODEL_BPE)
        return err_set(err, ERR_UNSUPPORTED, "'%s': SentencePiece's model type %llu is not supported", name,
                       (unsigned long long)m->type);
    if (m->suffix)
        return err_set(err, ERR_UNSUPPORTED, "'%s': treat_whitespace_as_suffix is not supported", name);
    if (m->unk >= (int64_t)t->vocab.n || m->bos >= (int64_t)t->vocab.n || m->eos >= (int64_t)t->vocab.n)
        return err_set(err, ERR_INPUT, "'%s': the id of <unk>, BOS or EOS is outside the vocabulary of %zu", name, t->vocab.n);
    struct sentencepiece sp = {.is_unigram = m->type == MODEL_UNIGRAM, .byte_fallback = m->byte_fallback != 0,
                               .dummy_prefix = m->dummy_prefix != 0, .squeeze = m->squeeze != 0,
                               .literal_spaces = m->escape == 0, .freeze = true, .charsmap = m->map,
                               .charsmap_len = m->map_len, .scores = m->scores, .types = m->types};
    t->bos = m->bos < 0 ? -1 : m->bos;
    t->eos = m->eos < 0 ? -1 : m->eos;
    TRY(build_sentencepiece(t, &sp, m->unk < 0 ? -1 : m->unk, err));
    /* A model file does not say what goes around a text: BOS before (as Llama's), or EOS behind (as T5's). */
    if (m->type == MODEL_BPE)
        return t->bos >= 0 ? ids_add(&t->before, t->bos, err) : 0;
    return t->eos >= 0 ? ids_add(&t->behind, t->eos, err) : 0;
}

/* The files that Meta gives out for Llama 3 have a tokenizer.model of another kind: lines of "BASE64 RANK". */
static bool is_tiktoken(const char *bytes, size_t len)
{
    size_t at = 0;
    while (at < len && (isalnum((unsigned char)bytes[at]) || bytes[at] == '+' || bytes[at] == '/' || bytes[at] == '='))
        at++;
    return at > 0 && at + 1 < len && bytes[at] == ' ' && isdigit((unsigned char)bytes[at + 1]);
}

static int load(struct tokenizer *t, const char *bytes, size_t len, const char *name, struct err *err)
{
    struct reader r = {.start = bytes, .at = bytes, .end = bytes + len, .name = name};
    struct model m = {.type = MODEL_UNIGRAM, .unk = 0, .bos = 1, .eos = 2, .dummy_prefix = 1, .squeeze = 1, .escape = 1};
    if (is_tiktoken(bytes, len)) {
        err_set(err, ERR_UNSUPPORTED, "'%s' is a vocabulary of tiktoken, which prony does not read", name);
        return err_hint(err, "the model's Hugging Face folder has the same as tokenizer.json");
    }
    int rc = read_model(t, &r, &m, err);
    if (rc == 0)
        rc = build(t, &m, name, err);
    free(m.scores);
    free(m.types);
    return rc;
}

static bool probe(const char *path, const char *bytes, size_t len)
{
    (void)path;
    return len > 0 && bytes[0] == 0x0A; /* the first field of every model: a piece */
}

const struct vocabulary vocabulary_sentencepiece = {
    .name = "sentencepiece", .probe = probe, .load = load, .has_settings = true};
