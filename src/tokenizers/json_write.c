/* json_write.c - a tokenizer as a tokenizer.json, in the words of the HF tokenizers library. */
#include <string.h>

#include "base/json_out.h"
#include "tokenizers/export.h"

#define MARK "\xE2\x96\x81"

static void text_member(struct json_out *j, const char *key, const char *value)
{
    json_out_key(j, key);
    json_out_text(j, value);
}

static void bool_member(struct json_out *j, const char *key, bool value)
{
    json_out_key(j, key);
    json_out_bool(j, value);
}

static void open_type(struct json_out *j, const char *type)
{
    json_out_open(j, '{');
    text_member(j, "type", type);
}

/* {"type": "Sequence", "members": [ */
static void open_sequence(struct json_out *j, const char *members)
{
    open_type(j, "Sequence");
    json_out_key(j, members);
    json_out_open(j, '[');
}

static void close_sequence(struct json_out *j)
{
    json_out_close(j);
    json_out_close(j);
}

static void write_replace(struct json_out *j, const char *what, const char *with)
{
    open_type(j, "Replace");
    json_out_key(j, "pattern");
    json_out_open(j, '{');
    text_member(j, "String", what);
    json_out_close(j);
    text_member(j, "content", with);
    json_out_close(j);
}

/* ---- byte-level BPE: the steps as they run ----------------------------------------------------------------------- */

static void write_bytes(struct json_out *j)
{
    open_type(j, "ByteLevel");
    bool_member(j, "add_prefix_space", false);
    bool_member(j, "trim_offsets", true);
    bool_member(j, "use_regex", false);
    json_out_close(j);
}

static void write_split(struct json_out *j, const struct pre_step *s)
{
    static const char *const behaviours[] = {"Removed", "Isolated", "Contiguous", "MergedWithPrevious", "MergedWithNext"};
    if (s->scanner) {
        size_t n;
        const char *regex = scanner_regex(s->scanner, &n);
        open_type(j, "Split");
        json_out_key(j, "pattern");
        json_out_open(j, '{');
        json_out_key(j, "Regex");
        json_out_text_len(j, regex, n);
        json_out_close(j);
        text_member(j, "behavior", behaviours[s->behaviour]);
        bool_member(j, "invert", s->invert);
    } else if (s->mask == UC_N) {
        open_type(j, "Digits");
        bool_member(j, "individual_digits", s->behaviour == SPLIT_ISOLATED);
    } else {
        open_type(j, "Punctuation");
        text_member(j, "behavior", behaviours[s->behaviour]);
    }
    json_out_close(j);
}

static void write_byte_steps(struct json_out *j, const struct tokenizer *t)
{
    json_out_key(j, "normalizer");
    if (t->n_norms > 0) {
        open_type(j, "NFC"); /* gguf_pre_name knows of no other */
        json_out_close(j);
    } else {
        json_out_null(j);
    }
    json_out_key(j, "pre_tokenizer");
    open_sequence(j, "pretokenizers");
    for (size_t i = 0; i < t->n_pres; i++)
        write_split(j, &t->pres[i]);
    write_bytes(j);
    close_sequence(j);
    json_out_key(j, "decoder");
    write_bytes(j);
}

/* ---- SentencePiece's BPE ----------------------------------------------------------------------------------------- */

static void write_piece_steps(struct json_out *j, const struct vocabulary_table *v)
{
    json_out_key(j, "normalizer");
    open_sequence(j, "normalizers");
    if (v->space_prefix) {
        open_type(j, "Prepend");
        text_member(j, "prepend", MARK);
        json_out_close(j);
    }
    write_replace(j, " ", MARK);
    close_sequence(j);
    json_out_key(j, "pre_tokenizer");
    json_out_null(j);
    json_out_key(j, "decoder");
    open_sequence(j, "decoders");
    write_replace(j, MARK, " ");
    open_type(j, "ByteFallback");
    json_out_close(j);
    open_type(j, "Fuse");
    json_out_close(j);
    if (v->space_prefix) {
        open_type(j, "Strip");
        text_member(j, "content", " ");
        json_out_key(j, "start");
        json_out_int(j, 1);
        json_out_key(j, "stop");
        json_out_int(j, 0);
        json_out_close(j);
    }
    close_sequence(j);
}

/* ---- both -------------------------------------------------------------------------------------------------------- */

static void piece_text(struct json_out *j, const struct vocabulary_table *v, int32_t id)
{
    json_out_text_len(j, v->pieces[id].text, v->pieces[id].len);
}

static void write_added(struct json_out *j, const struct vocabulary_table *v, const struct tokenizer *t, int32_t id)
{
    struct added_token token = {.special = v->types[id] != PIECE_USER_DEFINED};
    const struct added_set *sets[] = {&t->raw, &t->normalized};
    bool normalized = false;
    for (size_t s = 0; s < 2; s++)
        for (size_t i = 0; i < sets[s]->n; i++)
            if (sets[s]->tokens[i].id == id) {
                token = sets[s]->tokens[i];
                normalized = s == 1;
            }
    json_out_open(j, '{');
    json_out_key(j, "id");
    json_out_int(j, id);
    json_out_key(j, "content");
    piece_text(j, v, id);
    bool_member(j, "single_word", token.single_word);
    bool_member(j, "lstrip", token.lstrip);
    bool_member(j, "rstrip", token.rstrip);
    bool_member(j, "normalized", normalized);
    bool_member(j, "special", token.special);
    json_out_close(j);
}

static void template_token(struct json_out *j, const struct vocabulary_table *v, int32_t id)
{
    json_out_open(j, '{');
    json_out_key(j, "SpecialToken");
    json_out_open(j, '{');
    json_out_key(j, "id");
    piece_text(j, v, id);
    json_out_key(j, "type_id");
    json_out_int(j, 0);
    json_out_close(j);
    json_out_close(j);
}

static void template_of(struct json_out *j, const struct vocabulary_table *v, const struct tokenizer *t, const char *key,
                        int texts)
{
    json_out_key(j, key);
    json_out_open(j, '[');
    for (int k = 0; k < texts; k++) {
        for (size_t i = 0; i < t->before.n; i++)
            template_token(j, v, t->before.data[i]);
        json_out_open(j, '{');
        json_out_key(j, "Sequence");
        json_out_open(j, '{');
        text_member(j, "id", k ? "B" : "A");
        json_out_key(j, "type_id");
        json_out_int(j, 0);
        json_out_close(j);
        json_out_close(j);
        for (size_t i = 0; i < t->behind.n; i++)
            template_token(j, v, t->behind.data[i]);
    }
    json_out_close(j);
}

static void write_post(struct json_out *j, const struct vocabulary_table *v, const struct tokenizer *t)
{
    json_out_key(j, "post_processor");
    if (t->before.n + t->behind.n == 0) {
        json_out_null(j);
        return;
    }
    open_type(j, "TemplateProcessing");
    template_of(j, v, t, "single", 1);
    template_of(j, v, t, "pair", 2);
    json_out_key(j, "special_tokens");
    json_out_open(j, '{');
    for (size_t i = 0; i < t->before.n + t->behind.n; i++) {
        int32_t id = i < t->before.n ? t->before.data[i] : t->behind.data[i - t->before.n];
        bool seen = false;
        for (size_t k = 0; k < i && !seen; k++)
            seen = (k < t->before.n ? t->before.data[k] : t->behind.data[k - t->before.n]) == id;
        if (seen)
            continue;
        json_out_key_len(j, v->pieces[id].text, v->pieces[id].len);
        json_out_open(j, '{');
        json_out_key(j, "id");
        piece_text(j, v, id);
        json_out_key(j, "ids");
        json_out_open(j, '[');
        json_out_int(j, id);
        json_out_close(j);
        json_out_key(j, "tokens");
        json_out_open(j, '[');
        piece_text(j, v, id);
        json_out_close(j);
        json_out_close(j);
    }
    json_out_close(j);
    json_out_close(j);
}

static void write_model(struct json_out *j, const struct vocabulary_table *v, const struct tokenizer *t)
{
    json_out_key(j, "model");
    open_type(j, "BPE");
    json_out_key(j, "dropout");
    json_out_null(j);
    json_out_key(j, "unk_token");
    if (v->unk >= 0)
        piece_text(j, v, v->unk);
    else
        json_out_null(j);
    bool_member(j, "fuse_unk", v->scored);
    bool_member(j, "byte_fallback", v->scored);
    bool_member(j, "ignore_merges", t->bpe.ignore_merges);
    json_out_key(j, "vocab");
    json_out_open(j, '{');
    for (size_t i = 0; i < v->n; i++) {
        if (!v->pieces[i].text)
            continue;
        json_out_key_len(j, v->pieces[i].text, v->pieces[i].len);
        json_out_int(j, (int64_t)i);
    }
    json_out_close(j);
    json_out_key(j, "merges");
    json_out_open(j, '[');
    for (size_t i = 0; i < v->n_merges; i++) {
        json_out_open(j, '[');
        piece_text(j, v, v->merges[i].left);
        piece_text(j, v, v->merges[i].right);
        json_out_close(j);
    }
    json_out_close(j);
    json_out_close(j);
}

int tokenizer_write_json(struct buf *out, const struct tokenizer *t, struct err *err)
{
    struct vocabulary_table v;
    struct json_out j = JSON_OUT_INIT(out);
    TRY(vocabulary_table(&v, t, err));
    json_out_open(&j, '{');
    text_member(&j, "version", "1.0");
    json_out_key(&j, "truncation");
    json_out_null(&j);
    json_out_key(&j, "padding");
    json_out_null(&j);
    json_out_key(&j, "added_tokens");
    json_out_open(&j, '[');
    for (size_t i = 0; i < v.n; i++)
        if (v.types[i] == PIECE_CONTROL || v.types[i] == PIECE_UNKNOWN || v.types[i] == PIECE_USER_DEFINED)
            write_added(&j, &v, t, (int32_t)i);
    json_out_close(&j);
    if (v.scored)
        write_piece_steps(&j, &v);
    else
        write_byte_steps(&j, t);
    write_post(&j, &v, t);
    write_model(&j, &v, t);
    json_out_close(&j);
    vocabulary_table_release(&v);
    return buf_check(out, err);
}
