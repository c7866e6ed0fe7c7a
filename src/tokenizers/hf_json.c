/* hf_json.c - Hugging Face's tokenizer.json.
 *
 * The vocabulary and the merges are read by a scanner of our own (a tree of them would cost more than all the rest); what
 * stands around them is small and goes through jansson. Every component's type is either known here or a named error:
 * a tokenizer that is nearly right would be worse than none.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/mem.h"
#include "base/str.h"
#include "tokenizers/charsmap.h"
#include "tokenizers/json_scan.h"
#include "tokenizers/parts.h"

enum { ROWS_DEPTH = 16 };

struct loader {
    struct tokenizer *t;
    const char *name;
};

/* ---- small values ----------------------------------------------------------------------------------------------- */

static const char *type_of(const json_t *o)
{
    const char *type = json_string_value(json_object_get(o, "type"));
    return type ? type : "";
}

static bool flag(const json_t *o, const char *key, bool otherwise)
{
    const json_t *v = json_object_get(o, key);
    return json_is_boolean(v) ? json_is_true(v) : otherwise;
}

/* A string member, copied into the tokenizer's arena. */
static int string_member(struct loader *l, const json_t *o, const char *key, struct text *out, struct err *err)
{
    const json_t *v = json_object_get(o, key);
    if (!json_is_string(v))
        return err_set(err, ERR_INPUT, "'%s': %s: expected a string in '%s'", l->name, type_of(o), key);
    out->len = json_string_length(v);
    out->data = arena_strndup(&l->t->arena, json_string_value(v), out->len, err);
    return out->data ? 0 : -1;
}

/* {"String": "x"} goes to *literal, {"Regex": "x"} to *scanner. */
static int pattern_member(struct loader *l, const json_t *o, struct text *literal, struct scanner **scanner, struct err *err)
{
    const json_t *pattern = json_object_get(o, "pattern");
    const json_t *regex = json_object_get(pattern, "Regex");
    if (json_is_string(regex)) {
        TRY(scanner_new(scanner, json_string_value(regex), json_string_length(regex), err));
        return 0;
    }
    if (!json_is_string(json_object_get(pattern, "String")))
        return err_set(err, ERR_INPUT, "'%s': %s: expected a 'pattern' with 'String' or 'Regex'", l->name, type_of(o));
    return string_member(l, pattern, "String", literal, err);
}

static int unknown_type(struct loader *l, const char *what, const json_t *o, struct err *err)
{
    err_set(err, ERR_UNSUPPORTED, "'%s': the %s '%s' is not supported", l->name, what, type_of(o));
    return err_hint(err, "docs/TOKENIZERS.md lists what is");
}

/* Calls `add` for every member of a Sequence, or for the component itself. */
static int each(struct loader *l, const json_t *o, const char *members, int depth,
                int (*add)(struct loader *, const json_t *, struct err *), struct err *err)
{
    if (!o || json_is_null(o))
        return 0;
    if (depth == ROWS_DEPTH)
        return err_set(err, ERR_INPUT, "'%s': %s nested deeper than %d", l->name, members, ROWS_DEPTH);
    if (strcmp(type_of(o), "Sequence") != 0)
        return add(l, o, err);
    const json_t *list = json_object_get(o, members);
    if (!json_is_array(list))
        return err_set(err, ERR_INPUT, "'%s': a Sequence without '%s'", l->name, members);
    for (size_t i = 0; i < json_array_size(list); i++)
        TRY(each(l, json_array_get(list, i), members, depth + 1, add, err));
    return 0;
}

/* ---- normalizers ------------------------------------------------------------------------------------------------ */

static int base64(const char *s, size_t len, char *out, size_t *n)
{
    uint32_t bits = 0;
    int have = 0;
    *n = 0;
    while (len > 0 && s[len - 1] == '=')
        len--;
    for (size_t i = 0; i < len; i++) {
        char c = s[i];
        int v = c >= 'A' && c <= 'Z' ? c - 'A' : c >= 'a' && c <= 'z' ? c - 'a' + 26 : c >= '0' && c <= '9' ? c - '0' + 52
                : c == '+' ? 62 : c == '/' ? 63 : -1;
        if (v < 0)
            return -1;
        bits = bits << 6 | (uint32_t)v;
        have += 6;
        if (have >= 8) {
            have -= 8;
            out[(*n)++] = (char)(bits >> have & 0xFF);
        }
    }
    return 0;
}

static int add_charsmap(struct loader *l, const json_t *o, struct err *err)
{
    const json_t *v = json_object_get(o, "precompiled_charsmap");
    if (!v || json_is_null(v))
        return 0;
    if (!json_is_string(v))
        return err_set(err, ERR_INPUT, "'%s': precompiled_charsmap is not a string", l->name);
    size_t n;
    struct norm_step step = {.kind = NORM_CHARSMAP};
    char *blob = mem_alloc(json_string_length(v) + 4, 1, err);
    if (!blob)
        return -1;
    int rc = base64(json_string_value(v), json_string_length(v), blob, &n) < 0
                 ? err_set(err, ERR_INPUT, "'%s': precompiled_charsmap is not base64", l->name)
                 : charsmap_new(&step.map, blob, n, err);
    free(blob);
    return rc < 0 ? -1 : add_norm(l->t, step, err);
}

static int add_normalizer(struct loader *l, const json_t *o, struct err *err)
{
    static const struct {
        const char *type;
        struct norm_step step;
    } plain[] = {
        {"NFC", {.kind = NORM_FORM, .form = NORMAL_NFC}},     {"NFD", {.kind = NORM_FORM, .form = NORMAL_NFD}},
        {"NFKC", {.kind = NORM_FORM, .form = NORMAL_NFKC}},   {"NFKD", {.kind = NORM_FORM, .form = NORMAL_NFKD}},
        {"Lowercase", {.kind = NORM_LOWERCASE}},              {"StripAccents", {.kind = NORM_STRIP_ACCENTS}},
        {"ByteLevel", {.kind = NORM_MAP_BYTES}},
    };
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (strcmp(plain[i].type, type_of(o)) == 0)
            return add_norm(l->t, plain[i].step, err);
    struct norm_step step = {.kind = NORM_STRIP, .left = flag(o, "strip_left", true), .right = flag(o, "strip_right", true)};
    if (strcmp(type_of(o), "Strip") == 0)
        return add_norm(l->t, step, err);
    if (strcmp(type_of(o), "Precompiled") == 0)
        return add_charsmap(l, o, err);
    if (strcmp(type_of(o), "Prepend") == 0) {
        step.kind = NORM_PREPEND;
        TRY(string_member(l, o, "prepend", &step.with, err));
        return add_norm(l->t, step, err);
    }
    if (strcmp(type_of(o), "Replace") == 0) {
        step.kind = NORM_REPLACE;
        TRY(string_member(l, o, "content", &step.with, err));
        TRY(pattern_member(l, o, &step.what, &step.scanner, err));
        return add_norm(l->t, step, err);
    }
    return unknown_type(l, "normalizer", o, err);
}

/* ---- pre-tokenizers --------------------------------------------------------------------------------------------- */

static int behaviour_of(struct loader *l, const json_t *o, enum split_behaviour *out, struct err *err)
{
    static const char *const names[] = {"Removed", "Isolated", "Contiguous", "MergedWithPrevious", "MergedWithNext"};
    const char *name = json_string_value(json_object_get(o, "behavior"));
    for (size_t i = 0; i < sizeof names / sizeof *names && name; i++)
        if (strcmp(names[i], name) == 0) {
            *out = (enum split_behaviour)i;
            return 0;
        }
    return err_set(err, ERR_INPUT, "'%s': %s: unknown behavior '%s'", l->name, type_of(o), name ? name : "");
}

/* What Metaspace puts for a space: "▁" unless said. */
static int replacement_of(struct loader *l, const json_t *o, struct text *out, struct err *err)
{
    *out = text_of("\xE2\x96\x81");
    return json_object_get(o, "replacement") ? string_member(l, o, "replacement", out, err) : 0;
}

static const char *scheme_of(const json_t *o)
{
    const char *scheme = json_string_value(json_object_get(o, "prepend_scheme"));
    return scheme ? scheme : flag(o, "add_prefix_space", true) ? "always" : "never";
}

static int add_metaspace(struct loader *l, const json_t *o, struct err *err)
{
    struct text mark;
    const char *scheme = scheme_of(o);
    TRY(replacement_of(l, o, &mark, err));
    TRY(add_pre(l->t, (struct pre_step){.kind = PRE_REPLACE, .what = text_of(" "), .with = mark}, err));
    if (strcmp(scheme, "never") != 0)
        TRY(add_pre(l->t, (struct pre_step){.kind = PRE_PREFIX, .with = mark, .first = strcmp(scheme, "first") == 0}, err));
    if (!flag(o, "split", true))
        return 0;
    return add_pre(l->t, (struct pre_step){.kind = PRE_SPLIT, .behaviour = SPLIT_WITH_NEXT, .what = mark}, err);
}

static int add_pre_tokenizer(struct loader *l, const json_t *o, struct err *err)
{
    const char *type = type_of(o);
    struct pre_step step = {.kind = PRE_SPLIT};
    if (strcmp(type, "ByteLevel") == 0) {
        if (flag(o, "add_prefix_space", true))
            TRY(add_pre(l->t, (struct pre_step){.kind = PRE_PREFIX, .with = text_of(" ")}, err));
        if (flag(o, "use_regex", true))
            TRY(add_split(l->t, SCAN_GPT2, strlen(SCAN_GPT2), SPLIT_ISOLATED, false, err));
        return add_pre(l->t, (struct pre_step){.kind = PRE_MAP_BYTES}, err);
    }
    if (strcmp(type, "Split") == 0) {
        step.invert = flag(o, "invert", false);
        TRY(behaviour_of(l, o, &step.behaviour, err));
        TRY(pattern_member(l, o, &step.what, &step.scanner, err));
        return add_pre(l->t, step, err);
    }
    if (strcmp(type, "Metaspace") == 0)
        return add_metaspace(l, o, err);
    if (strcmp(type, "Digits") == 0) {
        step.mask = UC_N;
        step.behaviour = flag(o, "individual_digits", false) ? SPLIT_ISOLATED : SPLIT_CONTIGUOUS;
        return add_pre(l->t, step, err);
    }
    if (strcmp(type, "Punctuation") == 0) {
        step.mask = UC_PUNCT;
        step.behaviour = SPLIT_ISOLATED;
        if (json_object_get(o, "behavior"))
            TRY(behaviour_of(l, o, &step.behaviour, err));
        return add_pre(l->t, step, err);
    }
    if (strcmp(type, "WhitespaceSplit") == 0 || strcmp(type, "BertPreTokenizer") == 0) {
        step.mask = UC_SPACE;
        TRY(add_pre(l->t, step, err));
        step.mask = UC_PUNCT;
        step.behaviour = SPLIT_ISOLATED;
        return type[0] == 'B' ? add_pre(l->t, step, err) : 0;
    }
    if (strcmp(type, "Whitespace") == 0) {
        step.words = step.invert = true;
        return add_pre(l->t, step, err);
    }
    if (strcmp(type, "CharDelimiterSplit") == 0) {
        TRY(string_member(l, o, "delimiter", &step.what, err));
        return add_pre(l->t, step, err);
    }
    return unknown_type(l, "pre-tokenizer", o, err);
}

/* ---- decoders --------------------------------------------------------------------------------------------------- */

static int count_member(struct loader *l, const json_t *o, const char *key, size_t *out, struct err *err)
{
    json_int_t n = json_integer_value(json_object_get(o, key));
    if (n < 0 || n > 1 << 20)
        return err_set(err, ERR_INPUT, "'%s': %s: '%s' is out of range", l->name, type_of(o), key);
    *out = (size_t)n;
    return 0;
}

static int add_decoder(struct loader *l, const json_t *o, struct err *err)
{
    const char *type = type_of(o);
    struct decode_step step = {.kind = DECODE_BYTES};
    if (strcmp(type, "ByteLevel") == 0)
        return add_decode(l->t, step, err);
    if (strcmp(type, "ByteFallback") == 0 || strcmp(type, "Fuse") == 0) {
        step.kind = type[0] == 'B' ? DECODE_BYTE_FALLBACK : DECODE_FUSE;
        return add_decode(l->t, step, err);
    }
    if (strcmp(type, "Metaspace") == 0) {
        step.kind = DECODE_FIRST_SPACE;
        step.start = strcmp(scheme_of(o), "never") != 0;
        TRY(replacement_of(l, o, &step.what, err));
        return add_decode(l->t, step, err);
    }
    if (strcmp(type, "Replace") == 0) {
        step.kind = DECODE_REPLACE;
        TRY(string_member(l, o, "content", &step.with, err));
        TRY(pattern_member(l, o, &step.what, &step.scanner, err));
        return add_decode(l->t, step, err);
    }
    if (strcmp(type, "Strip") == 0) {
        step.kind = DECODE_STRIP;
        TRY(count_member(l, o, "start", &step.start, err));
        TRY(count_member(l, o, "stop", &step.stop, err));
        TRY(string_member(l, o, "content", &step.what, err));
        return add_decode(l->t, step, err);
    }
    if (strcmp(type, "WordPiece") == 0) {
        step.kind = DECODE_WORDPIECE;
        step.cleanup = flag(o, "cleanup", true);
        TRY(string_member(l, o, "prefix", &step.what, err));
        return add_decode(l->t, step, err);
    }
    if (strcmp(type, "BPEDecoder") == 0) {
        step.kind = DECODE_SUFFIX;
        TRY(string_member(l, o, "suffix", &step.what, err));
        return add_decode(l->t, step, err);
    }
    return unknown_type(l, "decoder", o, err);
}

/* ---- post-processors -------------------------------------------------------------------------------------------- */

static int add_outside(struct loader *l, struct ids *to, const json_t *id, struct err *err)
{
    json_int_t v = json_integer_value(id);
    if (!json_is_integer(id) || v < 0 || v >= VOCAB_MAX)
        return err_set(err, ERR_INPUT, "'%s': the post-processor names no valid id", l->name);
    return ids_add(to, (int32_t)v, err);
}

static int add_template(struct loader *l, const json_t *o, struct err *err)
{
    const json_t *single = json_object_get(o, "single"), *known = json_object_get(o, "special_tokens");
    bool seen = false;
    for (size_t i = 0; i < json_array_size(single); i++) {
        const json_t *part = json_array_get(single, i), *special = json_object_get(part, "SpecialToken");
        if (json_object_get(part, "Sequence")) {
            if (seen)
                return err_set(err, ERR_UNSUPPORTED, "'%s': a template with the text twice", l->name);
            seen = true;
            continue;
        }
        const char *name = json_string_value(json_object_get(special, "id"));
        const json_t *ids = name ? json_object_get(json_object_get(known, name), "ids") : NULL;
        if (!json_is_array(ids))
            return err_set(err, ERR_INPUT, "'%s': TemplateProcessing names '%s', which it does not define", l->name,
                           name ? name : "");
        for (size_t k = 0; k < json_array_size(ids); k++)
            TRY(add_outside(l, seen ? &l->t->behind : &l->t->before, json_array_get(ids, k), err));
    }
    if (!seen)
        return err_set(err, ERR_INPUT, "'%s': TemplateProcessing without the text", l->name);
    return 0;
}

static int add_post_processor(struct loader *l, const json_t *o, struct err *err)
{
    const char *type = type_of(o);
    if (strcmp(type, "ByteLevel") == 0) /* moves offsets only */
        return 0;
    if (strcmp(type, "TemplateProcessing") == 0)
        return add_template(l, o, err);
    if (strcmp(type, "RobertaProcessing") == 0 || strcmp(type, "BertProcessing") == 0) {
        TRY(add_outside(l, &l->t->before, json_array_get(json_object_get(o, "cls"), 1), err));
        return add_outside(l, &l->t->behind, json_array_get(json_object_get(o, "sep"), 1), err);
    }
    return unknown_type(l, "post-processor", o, err);
}

/* ---- the model -------------------------------------------------------------------------------------------------- */

struct model_text {
    struct json_text type, vocab, merges, unk, prefix, suffix;
    bool byte_fallback, fuse_unk, ignore_merges;
    int64_t unk_id;
};

static int scan_bool(struct json_scan *j, bool *out, struct err *err)
{
    struct json_text v;
    TRY(json_scan_skip(j, &v, err));
    *out = json_text_is(v, "true");
    return 0;
}

/* A string or null (left empty). */
static int scan_optional(struct json_scan *j, struct json_text *out, struct err *err)
{
    if (json_scan_peek(j) == '"')
        return json_scan_string(j, out, err);
    return json_scan_skip(j, NULL, err);
}

static int scan_model(struct json_scan *j, struct model_text *m, struct err *err)
{
    int rc;
    struct json_text key;
    m->unk_id = -1;
    for (bool first = true; (rc = json_scan_member(j, first, '{', err)) > 0; first = false) {
        TRY(json_scan_key(j, &key, err));
        if (json_text_is(key, "type"))
            TRY(json_scan_string(j, &m->type, err));
        else if (json_text_is(key, "vocab"))
            TRY(json_scan_skip(j, &m->vocab, err));
        else if (json_text_is(key, "merges"))
            TRY(json_scan_skip(j, &m->merges, err));
        else if (json_text_is(key, "unk_token"))
            TRY(scan_optional(j, &m->unk, err));
        else if (json_text_is(key, "continuing_subword_prefix"))
            TRY(scan_optional(j, &m->prefix, err));
        else if (json_text_is(key, "end_of_word_suffix"))
            TRY(scan_optional(j, &m->suffix, err));
        else if (json_text_is(key, "byte_fallback"))
            TRY(scan_bool(j, &m->byte_fallback, err));
        else if (json_text_is(key, "fuse_unk"))
            TRY(scan_bool(j, &m->fuse_unk, err));
        else if (json_text_is(key, "ignore_merges"))
            TRY(scan_bool(j, &m->ignore_merges, err));
        else if (json_text_is(key, "unk_id") && json_scan_peek(j) != 'n')
            TRY(json_scan_int(j, &m->unk_id, err));
        else
            TRY(json_scan_skip(j, NULL, err));
    }
    return rc;
}

/* The scanner over a part of the text that was skipped before. */
static struct json_scan part_of(const struct json_scan *whole, struct json_text part)
{
    struct json_scan j = *whole;
    j.at = part.data;
    j.end = part.data + part.len;
    return j;
}

static int load_merges(struct loader *l, struct json_scan *j, struct err *err)
{
    int rc;
    uint32_t rank = 0;
    size_t n = 0;
    for (const char *p = j->at; p < j->end; p++) /* an upper bound: commas in and between the merges */
        n += *p == ',';
    TRY(bpe_reserve_merges(&l->t->bpe, n < VOCAB_MAX ? n / 2 + 1 : VOCAB_MAX, err));
    for (bool first = true; (rc = json_scan_member(j, first, '[', err)) > 0; first = false, rank++) {
        struct json_text left, right;
        if (json_scan_peek(j) == '[') {
            TRY(json_scan_char(j, '[', err));
            TRY(json_scan_string(j, &left, err));
            TRY(json_scan_char(j, ',', err));
            TRY(json_scan_string(j, &right, err));
            TRY(json_scan_char(j, ']', err));
        } else {
            TRY(json_scan_string(j, &left, err));
            const char *space = memchr(left.data, ' ', left.len);
            if (!space || memchr(space + 1, ' ', left.len - (size_t)(space + 1 - left.data)))
                return json_scan_error(j, err, "merge %u is not two tokens with a space between", rank);
            right = (struct json_text){space + 1, left.len - (size_t)(space + 1 - left.data)};
            left.len = (size_t)(space - left.data);
        }
        if (rank == UINT32_MAX - 1)
            return json_scan_error(j, err, "too many merges");
        struct err why = ERR_INIT;
        if (bpe_add_merge_texts(&l->t->bpe, left.data, left.len, right.data, right.len, rank, &why) < 0)
            return why.code == ERR_INPUT ? json_scan_error(j, err, "%s", why.text) : err_set(err, why.code, "%s", why.text);
    }
    return rc;
}

static int load_bpe(struct loader *l, const struct json_scan *whole, const struct model_text *m, struct err *err)
{
    struct tokenizer *t = l->t;
    struct bpe *b = &t->bpe;
    struct json_scan j = part_of(whole, m->vocab);
    struct json_text key;
    int64_t id;
    int rc;
    for (bool first = true; (rc = json_scan_member(&j, first, '{', err)) > 0; first = false) {
        TRY(json_scan_key(&j, &key, err));
        TRY(json_scan_int(&j, &id, err));
        struct err why = ERR_INIT;
        if (vocab_put(&t->vocab, id, key.data, key.len, &why) < 0)
            return why.code == ERR_INPUT ? json_scan_error(&j, err, "%s", why.text) : err_set(err, why.code, "%s", why.text);
    }
    TRY(rc);
    b->vocab = &t->vocab;
    b->unk = m->unk.data ? vocab_find(&t->vocab, m->unk.data, m->unk.len) : -1;
    if (m->unk.data && b->unk < 0)
        return json_scan_error(&j, err, "unk_token '%.*s' is not in the vocabulary", (int)(m->unk.len & 255), m->unk.data);
    b->byte_fallback = m->byte_fallback;
    b->fuse_unk = m->fuse_unk;
    b->ignore_merges = m->ignore_merges;
    if (m->prefix.len && !(b->prefix = arena_strndup(&t->arena, m->prefix.data, m->prefix.len, err)))
        return -1;
    if (m->suffix.len && !(b->suffix = arena_strndup(&t->arena, m->suffix.data, m->suffix.len, err)))
        return -1;
    j = part_of(whole, m->merges);
    TRY(load_merges(l, &j, err));
    /* The usual last step maps bytes to stand-ins: the model then works on the bytes themselves, which is the same. */
    size_t maps = 0;
    for (size_t i = 0; i < t->n_pres; i++)
        maps += t->pres[i].kind == PRE_MAP_BYTES;
    for (size_t i = 0; i < t->n_norms; i++)
        maps += t->norms[i].kind == NORM_MAP_BYTES;
    if (maps == 1 && t->n_pres > 0 && t->pres[t->n_pres - 1].kind == PRE_MAP_BYTES && !b->prefix && !b->suffix) {
        t->n_pres--;
        b->bytes = true;
    }
    bpe_find_bytes(b);
    t->kind = b->byte_fallback ? "sentencepiece bpe" : b->bytes ? "byte-level bpe" : "bpe";
    return 0;
}

static int load_unigram(struct loader *l, const struct json_scan *whole, const struct model_text *m, struct err *err)
{
    struct tokenizer *t = l->t;
    struct json_scan j = part_of(whole, m->vocab);
    size_t cap = 0;
    double *scores = NULL;
    int rc;
    t->is_unigram = true;
    t->kind = "unigram";
    t->unigram.vocab = &t->vocab;
    for (bool first = true; (rc = json_scan_member(&j, first, '[', err)) > 0; first = false) {
        struct json_text text;
        struct err why = ERR_INIT;
        double score;
        if (json_scan_char(&j, '[', err) < 0 || json_scan_string(&j, &text, err) < 0 || json_scan_char(&j, ',', err) < 0 ||
            json_scan_double(&j, &score, err) < 0 || json_scan_char(&j, ']', err) < 0 ||
            mem_grow(&scores, &cap, t->vocab.n, sizeof *scores, err) < 0)
            goto fail;
        if (vocab_put(&t->vocab, (int64_t)t->vocab.n, text.data, text.len, &why) < 0) {
            rc = why.code == ERR_INPUT ? json_scan_error(&j, err, "%s", why.text) : err_set(err, why.code, "%s", why.text);
            goto fail;
        }
        scores[t->vocab.n - 1] = score;
    }
    if (rc < 0)
        goto fail;
    if (m->unk_id >= (int64_t)t->vocab.n) {
        json_scan_error(&j, err, "unk_id %lld is outside the vocabulary", (long long)m->unk_id);
        goto fail;
    }
    t->unigram.unk = (int32_t)m->unk_id;
    t->unigram.byte_fallback = m->byte_fallback;
    for (int i = 0; i < 256; i++) {
        static const char hex[] = "0123456789ABCDEF";
        char name[] = {'<', '0', 'x', hex[i >> 4], hex[i & 15], '>'};
        t->unigram.byte_ids[i] = vocab_find(&t->vocab, name, sizeof name);
    }
    return unigram_build(&t->unigram, scores, err);
fail:
    free(scores);
    return -1;
}

/* ---- added tokens ----------------------------------------------------------------------------------------------- */

static int add_token(struct loader *l, const json_t *o, struct err *err)
{
    struct tokenizer *t = l->t;
    const json_t *content = json_object_get(o, "content"), *id = json_object_get(o, "id");
    if (!json_is_string(content) || !json_is_integer(id))
        return err_set(err, ERR_INPUT, "'%s': an added token without 'content' or 'id'", l->name);
    size_t len = json_string_length(content);
    if (len == 0)
        return 0; /* the reference ignores it */
    const char *text = arena_strndup(&t->arena, json_string_value(content), len, err);
    if (!text)
        return -1;
    int32_t known = vocab_find(&t->vocab, text, len);
    if (known < 0) {
        struct err why = ERR_INIT;
        if (vocab_put(&t->vocab, json_integer_value(id), text, len, &why) < 0)
            return err_set(err, why.code, "'%s': added_tokens: %s", l->name, why.text);
        known = (int32_t)json_integer_value(id);
    }
    struct added_token token = {.text = text, .len = (uint32_t)len, .id = known, .special = flag(o, "special", false),
                                .lstrip = flag(o, "lstrip", false), .rstrip = flag(o, "rstrip", false),
                                .single_word = flag(o, "single_word", false)};
    if (token.special)
        TRY(tokenizer_mark_special(t, known, err));
    if (!flag(o, "normalized", !token.special))
        return added_set_add(&t->raw, &token, err);
    if (t->n_norms > 0) {
        struct buf normal = BUF_INIT(1 << 20);
        struct scan_state scan = {0};
        int rc = normalize(t->norms, t->n_norms, text, len, &normal, &scan, err);
        scan_state_release(&scan);
        if (rc == 0 && normal.len) {
            token.text = arena_strndup(&t->arena, normal.data, normal.len, err);
            token.len = (uint32_t)normal.len;
            rc = token.text ? 0 : -1;
        } else {
            token.len = rc == 0 ? 0 : token.len;
        }
        buf_release(&normal);
        TRY(rc);
    }
    return token.len ? added_set_add(&t->normalized, &token, err) : 0;
}

static int add_tokens(struct loader *l, const json_t *list, struct err *err)
{
    if (list && !json_is_null(list) && !json_is_array(list))
        return err_set(err, ERR_INPUT, "'%s': added_tokens is not an array", l->name);
    for (size_t i = 0; i < json_array_size(list); i++)
        TRY(add_token(l, json_array_get(list, i), err));
    TRY(added_set_build(&l->t->raw, err));
    return added_set_build(&l->t->normalized, err);
}

/* ---- the file --------------------------------------------------------------------------------------------------- */

enum { PART_ADDED, PART_NORMALIZER, PART_PRE, PART_POST, PART_DECODER, PARTS };

static int load_parts(struct loader *l, const struct json_scan *j, struct json_text model, json_t *const parts[PARTS],
                      struct err *err)
{
    struct model_text m = {0};
    struct json_scan in = part_of(j, model);
    TRY(each(l, parts[PART_NORMALIZER], "normalizers", 0, add_normalizer, err));
    TRY(each(l, parts[PART_PRE], "pretokenizers", 0, add_pre_tokenizer, err));
    TRY(each(l, parts[PART_POST], "processors", 0, add_post_processor, err));
    if (parts[PART_DECODER] && !json_is_null(parts[PART_DECODER]))
        TRY(each(l, parts[PART_DECODER], "decoders", 0, add_decoder, err));
    else
        TRY(add_decode(l->t, (struct decode_step){.kind = DECODE_JOIN}, err));
    TRY(scan_model(&in, &m, err));
    if (!m.vocab.data)
        return json_scan_error(&in, err, "the model has no vocabulary");
    bool bpe = json_text_is(m.type, "BPE") || (!m.type.data && m.merges.data);
    if (bpe && !m.merges.data)
        return json_scan_error(&in, err, "the BPE model has no merges");
    if (bpe)
        TRY(load_bpe(l, j, &m, err));
    else if (json_text_is(m.type, "Unigram") || (!m.type.data && *m.vocab.data == '['))
        TRY(load_unigram(l, j, &m, err));
    else {
        err_set(err, ERR_UNSUPPORTED, "'%s': the model '%.*s' is not supported", l->name,
                (int)(m.type.len < 60 ? m.type.len : 60), m.type.data ? m.type.data : "");
        return err_hint(err, "BPE and Unigram are");
    }
    TRY(add_tokens(l, parts[PART_ADDED], err));
    for (size_t i = 0; i < l->t->before.n + l->t->behind.n; i++) {
        int32_t id = i < l->t->before.n ? l->t->before.data[i] : l->t->behind.data[i - l->t->before.n];
        if ((size_t)id >= l->t->vocab.n)
            return err_set(err, ERR_INPUT, "'%s': the post-processor adds the id %d, which is no token", l->name, id);
    }
    return 0;
}

static int load(struct tokenizer *t, const char *text, size_t len, const char *name, struct err *err)
{
    static const char *const names[PARTS] = {"added_tokens", "normalizer", "pre_tokenizer", "post_processor", "decoder"};
    struct loader l = {.t = t, .name = name};
    struct json_scan j = {.text = text, .at = text, .end = text + len, .name = name, .arena = &t->vocab.strings};
    struct json_text key, value, model = {0};
    json_t *parts[PARTS] = {0};
    int rc;
    for (bool first = true; (rc = json_scan_member(&j, first, '{', err)) > 0; first = false) {
        if ((rc = json_scan_key(&j, &key, err)) < 0 || (rc = json_scan_skip(&j, &value, err)) < 0)
            break;
        if (json_text_is(key, "model"))
            model = value;
        for (int i = 0; i < PARTS && rc == 0; i++) {
            json_error_t why;
            if (!json_text_is(key, names[i]))
                continue;
            json_decref(parts[i]);
            parts[i] = json_loadb(value.data, value.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &why);
            if (!parts[i])
                rc = json_error_code(&why) == json_error_out_of_memory
                         ? err_set(err, ERR_MEMORY, "'%s': out of memory", name)
                         : err_set(err, ERR_INPUT, "'%s': %s: %s (its line %d)", name, names[i], why.text, why.line);
        }
        if (rc < 0)
            break;
    }
    if (rc == 0 && json_scan_peek(&j) != '\0')
        rc = json_scan_error(&j, err, "something follows the end");
    if (rc == 0 && !model.data) {
        err_set(err, ERR_INPUT, "'%s': no 'model': this is not a tokenizer.json", name);
        rc = -1;
    }
    if (rc == 0)
        rc = load_parts(&l, &j, model, parts, err);
    for (int i = 0; i < PARTS; i++)
        json_decref(parts[i]);
    return rc;
}

static bool probe(const char *path, const char *bytes, size_t len)
{
    size_t i = 0;
    while (i < len && (bytes[i] == ' ' || bytes[i] == '\n' || bytes[i] == '\r' || bytes[i] == '\t'))
        i++;
    return str_ends(path, ".json") || (i < len && bytes[i] == '{');
}

const struct vocabulary vocabulary_json = {.name = "json", .probe = probe, .load = load, .has_settings = true};
