/* gguf_vocab.c - the vocabulary that a GGUF file carries.
 *
 * A GGUF names its pre-tokenizer ("tokenizer.ggml.pre") instead of containing it. What a name means is taken from the
 * tokenizer.json of the family, not from llama.cpp; docs/TOKENIZERS.md lists where the two differ.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "formats/model_file.h"
#include "tokenizers/export.h"

#define KEY(name) "tokenizer.ggml." name

/* Names that mean the same are separated by spaces, the first is the one that is written. A NULL regex ends the splits; "\\p{P}" and "\\d" here mean the
 * Punctuation and Digits components, whose idea of them is the reference's own. */
static const struct pre {
    const char *names;
    const char *splits[7];
    bool nfc, ignore_merges, add_bos, map_then_digits;
} pres[] = {
    {.names = "gpt-2 phi-2 jina-es jina-de jina-v1-en jina-v2-es jina-v2-de jina-v2-code roberta-bpe gigachat a.x-4.0 mpt "
              "olmo jais trillion exaone4 granite-docling modern-bert",
     .splits = {SCAN_GPT2}},
    {.names = "llama-bpe llama3 llama-v3 falcon3 falcon-h1 pixtral midm-2.0 lfm2",
     .splits = {SCAN_LLAMA3}, .ignore_merges = true, .add_bos = true},
    {.names = "dbrx smaug-bpe chatglm-bpe glm4", .splits = {SCAN_LLAMA3}},
    {.names = "qwen2 deepseek-r1-qwen kormo f2llmv2", .splits = {SCAN_QWEN2}, .nfc = true},
    {.names = "stablelm2 megrez hunyuan", .splits = {SCAN_QWEN2}},
    {.names = "qwen35", .splits = {SCAN_QWEN35}, .nfc = true},
    {.names = "gpt-4o llama4 kanana2", .splits = {SCAN_GPT4O}},
    {.names = "tekken", .splits = {SCAN_TEKKEN}, .ignore_merges = true, .add_bos = true},
    {.names = "starcoder refact smollm codeshell exaone minerva-7b", .splits = {"\\d", SCAN_GPT2}},
    {.names = "command-r", .splits = {"\\d", SCAN_GPT2}, .nfc = true},
    {.names = "falcon", .splits = {"\\p{P}", SCAN_GPT2}, .map_then_digits = true},
    {.names = "deepseek-llm",
     .splits = {"[\r\n]", SCAN_DEEPSEEK_LETTERS, SCAN_DEEPSEEK_PUNCTUATION, "\\s+$", SCAN_DEEPSEEK_CJK, "\\d"}},
    {.names = "deepseek-coder", .splits = {"[\r\n]", "\\s?\\p{L}+", "\\s?\\p{P}+", SCAN_DEEPSEEK_CJK, "\\d"}},
    {.names = "deepseek-v3 hunyuan-dense joyai-llm",
     .splits = {"\\p{N}{1,3}", "[一-龥぀-ゟ゠-ヿ]+", SCAN_DEEPSEEK3}},
};

/* Whether `name` is one of the words of a list. */
static bool listed(const char *list, struct meta_string name)
{
    for (const char *p = list; *p;) {
        size_t n = strcspn(p, " ");
        if (n == name.len && memcmp(p, name.data, n) == 0)
            return true;
        p += n + (p[n] == ' ');
    }
    return false;
}

static int add_splits(struct tokenizer *t, const struct pre *pre, struct err *err)
{
    if (pre->nfc)
        TRY(add_norm(t, (struct norm_step){.kind = NORM_FORM, .form = NORMAL_NFC}, err));
    for (size_t i = 0; i < 7 && pre->splits[i]; i++) {
        struct pre_step step = {.kind = PRE_SPLIT, .behaviour = SPLIT_ISOLATED};
        if (strcmp(pre->splits[i], "\\d") == 0) {
            step.mask = UC_N;
            TRY(add_pre(t, step, err));
        } else if (strcmp(pre->splits[i], "\\p{P}") == 0) {
            step.mask = UC_PUNCT;
            step.behaviour = SPLIT_CONTIGUOUS;
            TRY(add_pre(t, step, err));
        } else {
            TRY(add_split(t, pre->splits[i], strlen(pre->splits[i]), SPLIT_ISOLATED, false, err));
        }
    }
    if (!pre->map_then_digits)
        return 0;
    /* Falcon looks for digits among the stand-ins of bytes: the vocabulary is used as the text that it is. */
    TRY(add_pre(t, (struct pre_step){.kind = PRE_MAP_BYTES}, err));
    TRY(add_pre(t, (struct pre_step){.kind = PRE_SPLIT, .mask = UC_N, .behaviour = SPLIT_CONTIGUOUS}, err));
    return add_split(t, "[0-9][0-9][0-9]", 15, SPLIT_ISOLATED, false, err);
}

static bool same_step(const struct pre_step *a, const struct pre_step *b)
{
    size_t n = 0, m = 0;
    const char *x = a->scanner ? scanner_regex(a->scanner, &n) : "", *y = b->scanner ? scanner_regex(b->scanner, &m) : "";
    return a->kind == b->kind && a->behaviour == b->behaviour && a->invert == b->invert && a->words == b->words &&
           a->mask == b->mask && a->what.len == b->what.len && n == m && memcmp(x, y, n) == 0;
}

/* Does the name's row cut as `t` does? What is composed before (NFC) is asked for only when `nfc`: llama.cpp composes never. */
static bool cuts_alike(const struct tokenizer *t, const struct pre *pre, bool nfc)
{
    struct tokenizer other = {.arena = ARENA_INIT(1 << 20)};
    bool has_nfc = t->n_norms == 1 && t->norms[0].kind == NORM_FORM && t->norms[0].form == NORMAL_NFC;
    bool same = add_splits(&other, pre, NULL) == 0 && !pre->map_then_digits && other.n_pres == t->n_pres &&
                pre->ignore_merges == t->bpe.ignore_merges && (t->n_norms == 0 || has_nfc) && (!nfc || has_nfc == pre->nfc);
    for (size_t i = 0; same && i < t->n_pres; i++)
        same = same_step(&t->pres[i], &other.pres[i]);
    for (size_t i = 0; i < other.n_pres; i++)
        pre_step_release(&other.pres[i]);
    arena_release(&other.arena);
    return same;
}

bool gguf_pre_name(char out[32], const struct tokenizer *t)
{
    for (int nfc = 1; nfc >= 0; nfc--)
        for (size_t i = 0; i < sizeof pres / sizeof *pres; i++)
            if (cuts_alike(t, &pres[i], nfc)) {
                snprintf(out, 32, "%.*s", (int)strcspn(pres[i].names, " "), pres[i].names);
                return true;
            }
    return false;
}

/* An array of strings or numbers with one item a token; NULL when the key is absent and may be. */
static int array_of(const struct meta **out, const struct model_file *f, const char *key, bool strings, uint64_t n,
                    bool must, struct err *err)
{
    const struct meta *m = model_file_meta(f, key);
    *out = NULL;
    if (!m && !must)
        return 0;
    if (!m)
        return err_set(err, ERR_INPUT, "'%s' has no '%s'", model_file_path(f), key);
    if (m->type != META_ARRAY || (m->array.type == META_STRING) != strings)
        return err_set(err, ERR_INPUT, "'%s': '%s' is not an array of %s", model_file_path(f), key,
                       strings ? "strings" : "numbers");
    if (n != UINT64_MAX && m->array.n != n)
        return err_set(err, ERR_INPUT, "'%s': '%s' has %llu items for %llu tokens", model_file_path(f), key,
                       (unsigned long long)m->array.n, (unsigned long long)n);
    *out = m;
    return 0;
}

static int load_texts(struct tokenizer *t, const struct model_file *f, uint64_t *n, struct err *err)
{
    const struct meta *m;
    TRY(array_of(&m, f, KEY("tokens"), true, UINT64_MAX, true, err));
    if (m->array.n == 0 || m->array.n > VOCAB_MAX)
        return err_set(err, ERR_INPUT, "'%s': a vocabulary of %llu tokens, expected 1 to %d", model_file_path(f),
                       (unsigned long long)m->array.n, VOCAB_MAX);
    *n = m->array.n;
    TRY(vocab_reserve(&t->vocab, (size_t)*n, err));
    for (uint64_t i = 0; i < *n; i++) {
        const struct meta_string *s = &m->array.strings[i];
        TRY(vocab_put(&t->vocab, (int64_t)i, s->len ? s->data : "", (size_t)s->len, err));
    }
    return 0;
}

static int load_merges(struct tokenizer *t, const struct model_file *f, struct err *err)
{
    const struct meta *m;
    TRY(array_of(&m, f, KEY("merges"), true, UINT64_MAX, true, err));
    if (m->array.n > 1u << 24)
        return err_set(err, ERR_INPUT, "'%s': %llu merges are too many", model_file_path(f), (unsigned long long)m->array.n);
    TRY(bpe_reserve_merges(&t->bpe, (size_t)m->array.n, err));
    for (uint64_t i = 0; i < m->array.n; i++) {
        const struct meta_string *s = &m->array.strings[i];
        const char *space = s->len > 1 ? memchr(s->data + 1, ' ', (size_t)s->len - 1) : NULL;
        if (!space)
            return err_set(err, ERR_INPUT, "'%s': merge %llu is not two tokens with a space between", model_file_path(f),
                           (unsigned long long)i);
        size_t left = (size_t)(space - s->data);
        if (bpe_add_merge_texts(&t->bpe, s->data, left, space + 1, (size_t)s->len - left - 1, (uint32_t)i, err) < 0)
            return err_context(err, "'%s'", model_file_path(f));
    }
    return 0;
}

/* An id from the metadata, or -1 when there is none. */
static int id_of(const struct model_file *f, const char *key, uint64_t n, int32_t *out, struct err *err)
{
    uint64_t v;
    int rc = model_file_meta_u64(f, key, &v, err);
    *out = -1;
    if (rc <= 0)
        return rc;
    if (v < n)
        *out = (int32_t)v;
    else if (v != UINT32_MAX)
        return err_set(err, ERR_INPUT, "'%s': '%s' is %llu, outside the vocabulary of %llu", model_file_path(f), key,
                       (unsigned long long)v, (unsigned long long)n);
    return 0;
}

static int add_outside(struct tokenizer *t, const struct model_file *f, bool bos, bool eos, struct err *err)
{
    TRY(model_file_meta_bool(f, KEY("add_bos_token"), &bos, err));
    TRY(model_file_meta_bool(f, KEY("add_eos_token"), &eos, err));
    if (bos && t->bos >= 0)
        TRY(ids_add(&t->before, t->bos, err));
    return eos && t->eos >= 0 ? ids_add(&t->behind, t->eos, err) : 0;
}

static int load_byte_bpe(struct tokenizer *t, const struct model_file *f, const uint8_t *types, struct err *err)
{
    struct meta_string name = {0};
    const struct pre *pre = NULL;
    int rc = model_file_meta_str(f, KEY("pre"), &name, err);
    TRY(rc);
    for (size_t i = 0; i < sizeof pres / sizeof *pres && rc > 0 && !pre; i++)
        if (listed(pres[i].names, name))
            pre = &pres[i];
    if (!pre) {
        err_set(err, ERR_UNSUPPORTED, "'%s': the pre-tokenizer '%.*s' is not known", model_file_path(f),
                (int)(name.len < 60 ? name.len : 60), name.data ? name.data : "");
        return err_hint(err, "convert the model anew with a current converter, or use its tokenizer.json");
    }
    struct bpe *b = &t->bpe;
    t->kind = "byte-level bpe";
    b->vocab = &t->vocab;
    b->bytes = !pre->map_then_digits;
    b->ignore_merges = pre->ignore_merges;
    b->unk = -1;
    TRY(add_splits(t, pre, err));
    TRY(load_merges(t, f, err));
    bpe_find_bytes(b);
    TRY(add_decode(t, (struct decode_step){.kind = DECODE_BYTES}, err));
    TRY(add_typed_tokens(t, types, false, err));
    return add_outside(t, f, pre->add_bos, false, err);
}

/* Gemma 4: byte-pair encoding by merges over text whose spaces are ▁, with <0xXX> for what has no token. */
static int load_gemma_bpe(struct tokenizer *t, const struct model_file *f, const uint8_t *types, struct err *err)
{
    const struct text mark = text_of("\xE2\x96\x81"), space = text_of(" ");
    struct bpe *b = &t->bpe;
    t->kind = "sentencepiece bpe";
    b->vocab = &t->vocab;
    b->byte_fallback = b->fuse_unk = true;
    TRY(id_of(f, KEY("unknown_token_id"), t->vocab.n, &b->unk, err));
    TRY(add_norm(t, (struct norm_step){.kind = NORM_REPLACE, .what = space, .with = mark}, err));
    TRY(load_merges(t, f, err));
    bpe_find_bytes(b);
    TRY(add_decode(t, (struct decode_step){.kind = DECODE_REPLACE, .what = mark, .with = space}, err));
    TRY(add_decode(t, (struct decode_step){.kind = DECODE_BYTE_FALLBACK}, err));
    TRY(add_decode(t, (struct decode_step){.kind = DECODE_FUSE}, err));
    TRY(add_typed_tokens(t, types, false, err));
    return add_outside(t, f, true, false, err);
}

static int load_pieces(struct tokenizer *t, const struct model_file *f, const uint8_t *types, bool is_unigram,
                       struct err *err)
{
    const struct meta *m, *map = model_file_meta(f, KEY("precompiled_charsmap"));
    struct sentencepiece sp = {.is_unigram = is_unigram, .byte_fallback = !is_unigram, .dummy_prefix = true,
                               .squeeze = is_unigram, .types = types};
    int32_t unk;
    TRY(array_of(&m, f, KEY("scores"), false, t->vocab.n, true, err));
    TRY(id_of(f, KEY("unknown_token_id"), t->vocab.n, &unk, err));
    TRY(model_file_meta_bool(f, KEY("add_space_prefix"), &sp.dummy_prefix, err));
    TRY(model_file_meta_bool(f, KEY("remove_extra_whitespaces"), &sp.squeeze, err));
    if (map && (map->type != META_ARRAY || (map->array.type != META_U8 && map->array.type != META_I8)))
        return err_set(err, ERR_INPUT, "'%s': precompiled_charsmap is not an array of bytes", model_file_path(f));
    if (map) {
        sp.charsmap = map->array.data;
        sp.charsmap_len = (size_t)map->array.n;
    }
    for (size_t i = 0; i < t->vocab.n; i++)
        sp.byte_fallback = sp.byte_fallback || types[i] == PIECE_BYTE;
    float *scores = mem_alloc(t->vocab.n, sizeof *scores, err);
    if (!scores)
        return -1;
    for (size_t i = 0; i < t->vocab.n; i++)
        scores[i] = (float)meta_item_f64(m, i);
    sp.scores = scores;
    int rc = build_sentencepiece(t, &sp, unk, err);
    free(scores);
    return rc < 0 ? -1 : add_outside(t, f, !is_unigram, is_unigram, err);
}

int load_gguf_vocabulary(struct tokenizer *t, const struct model_file *f, struct err *err)
{
    struct meta_string model = {0}, template = {0};
    const struct meta *m;
    uint64_t n = 0;
    int rc = model_file_meta_str(f, KEY("model"), &model, err);
    TRY(rc);
    TRY(load_texts(t, f, &n, err));
    TRY(array_of(&m, f, KEY("token_type"), false, n, false, err));
    TRY(id_of(f, KEY("bos_token_id"), n, &t->bos, err));
    TRY(id_of(f, KEY("eos_token_id"), n, &t->eos, err));
    rc = model_file_meta_str(f, "tokenizer.chat_template", &template, err);
    TRY(rc);
    if (rc > 0 && !(t->chat_template = arena_strndup(&t->arena, template.data ? template.data : "", (size_t)template.len, err)))
        return -1;
    uint8_t *types = mem_alloc((size_t)n, 1, err);
    if (!types)
        return -1;
    for (uint64_t i = 0; i < n; i++) {
        int64_t type = m ? meta_item_i64(m, i) : PIECE_NORMAL;
        types[i] = type >= PIECE_NORMAL && type <= PIECE_BYTE ? (uint8_t)type : PIECE_UNUSED;
    }
    if (listed("gpt2", model)) {
        rc = load_byte_bpe(t, f, types, err);
    } else if (listed("llama t5", model)) {
        rc = load_pieces(t, f, types, listed("t5", model), err);
    } else if (listed("gemma4", model)) {
        rc = load_gemma_bpe(t, f, types, err);
    } else {
        rc = err_set(err, ERR_UNSUPPORTED, "'%s': the tokenizer model '%.*s' is not supported", model_file_path(f),
                     (int)(model.len < 60 ? model.len : 60), model.data ? model.data : "");
        err_hint(err, "gpt2, llama, t5 and gemma4 are");
    }
    free(types);
    return rc;
}
