/* Wrong files get one clear error each; every allocation may fail; a megabyte without a space is not quadratic. */
#include "support/testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "support/alloc_fail.h"
#include "tokenizers/parts.h"

#define DATA SOURCE_DIR "/tests/tokenizers/data/"
enum { LONG = UNDER_TSAN ? 20000 : 1000000, CUTS_APART = UNDER_TSAN ? 40 : 1 };

static void test_wrong_json(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        enum err_code code;
        const char *part;
    } cases[] = {
        {"", ERR_INPUT, "expected '{'"},
        {"{}", ERR_INPUT, "no 'model'"},
        {"{\"model\": 3}", ERR_INPUT, "expected '{'"},
        {"{\"model\": {\"type\":\"BPE\",\"vocab\":{}}}", ERR_INPUT, "no merges"},
        {"{\"model\": {\"type\":\"WordLevel\",\"vocab\":{}}}", ERR_UNSUPPORTED, "'WordLevel'"},
        {"{\"model\": {\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":0},\"merges\":[]}}", ERR_INPUT, "two tokens"},
        {"{\"model\": {\"type\":\"BPE\",\"vocab\":{\"a\":-1},\"merges\":[]}}", ERR_INPUT, "outside 0"},
        {"{\"model\": {\"type\":\"BPE\",\"vocab\":{\"a\":999999999},\"merges\":[]}}", ERR_INPUT, "outside 0"},
        {"{\"model\": {\"type\":\"BPE\",\"vocab\":{\"a\":1.5},\"merges\":[]}}", ERR_INPUT, "whole number"},
        {"{\"model\": {\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[\"a b\"]}}", ERR_INPUT, "'b', which is not"},
        {"{\"model\": {\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[\"a a\"]}}", ERR_INPUT, "makes 'aa'"},
        {"{\"model\": {\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[\"aa\"]}}", ERR_INPUT, "two tokens"},
        {"{\"model\": {\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[],\"unk_token\":\"u\"}}", ERR_INPUT, "unk_token"},
        {"{\"model\": {\"vocab\":{\"\\ud800\":0},\"merges\":[]}}", ERR_INPUT, "surrogate"},
        {"{\"model\": {\"vocab\":{\"a\":0},\"merges\":[]},\"normalizer\":{\"type\":\"Nmt\"}}", ERR_UNSUPPORTED, "'Nmt'"},
        {"{\"model\": {\"vocab\":{\"a\":0},\"merges\":[]},\"pre_tokenizer\":{\"type\":\"UnicodeScripts\"}}", ERR_UNSUPPORTED,
         "'UnicodeScripts'"},
        {"{\"model\": {\"vocab\":{\"a\":0},\"merges\":[]},\"decoder\":{\"type\":\"CTC\"}}", ERR_UNSUPPORTED, "'CTC'"},
        {"{\"model\": {\"vocab\":{\"a\":0},\"merges\":[]},\"added_tokens\":[{\"id\":0,\"content\":\"b\"}]}", ERR_INPUT,
         "two tokens"},
        {"{\"model\": {\"vocab\":{\"a\":0},\"merges\":[]}} x", ERR_INPUT, "follows the end"},
        {"{\"model\": {\"type\":\"Unigram\",\"vocab\":[[\"a\",0]],\"unk_id\":7}}", ERR_INPUT, "unk_id 7"},
        {"{\"model\": {\"type\":\"Unigram\",\"vocab\":[[\"a\",0]}}", ERR_INPUT, "closes nothing"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tokenizer *t;
        struct err err = ERR_INIT;
        assert_err(tokenizer_open_bytes(&t, "json", cases[i].json, strlen(cases[i].json), &err), cases[i].code, cases[i].part);
    }
}

static void test_deep_nesting(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(1 << 20);
    struct tokenizer *t;
    struct err err = ERR_INIT;
    buf_str(&b, "{\"x\":");
    for (int i = 0; i < 100000; i++)
        buf_char(&b, '[');
    assert_err(tokenizer_open_bytes(&t, "json", b.data, b.len, &err), ERR_INPUT, "nested deeper");
    buf_release(&b);
}

/* Cut anywhere, a file is refused, never read past its end (the copy's end is the allocation's). */
static void check_cuts(const char *name, const char *kind, size_t step)
{
    struct buf b = BUF_INIT(1 << 20);
    struct err err = ERR_INIT;
    assert_ok(file_read(&b, name, 1 << 20, &err));
    for (size_t n = 0; n < b.len; n += step) {
        struct tokenizer *t = NULL;
        char *copy = malloc(n ? n : 1);
        assert_non_null(copy);
        memcpy(copy, b.data, n);
        err_clear(&err);
        if (tokenizer_open_bytes(&t, kind, copy, n, &err) == 0)
            tokenizer_close(t); /* a protobuf cut between two fields is a protobuf */
        else
            assert_true(err.code == ERR_INPUT || err.code == ERR_UNSUPPORTED);
        free(copy);
    }
    buf_release(&b);
}

static void test_cut_files(void **state)
{
    (void)state;
    check_cuts(DATA "gpt2.json", "json", 97 * CUTS_APART);
    check_cuts(DATA "spm_unigram.model", "sentencepiece", 101 * CUTS_APART);
}

static int use(void *arg, struct err *err)
{
    const char *const *file = arg;
    struct tokenizer *t;
    struct ids ids = {0};
    struct buf out = BUF_INIT(1 << 16);
    TRY(tokenizer_open(&t, file[0], err));
    int rc = tokenizer_encode(t, "It's 12 \xFF caf\xC3\xA9 <|bos|>", 20, TOKENIZE_SPECIAL | TOKENIZE_BOS, &ids, err);
    if (rc == 0)
        rc = tokenizer_decode(t, ids.data, ids.n, true, &out, err);
    ids_release(&ids);
    buf_release(&out);
    tokenizer_close(t);
    return rc;
}

static void test_out_of_memory(void **state)
{
    (void)state;
    /* Only short strings outside the model: when memory runs out in one of more than 15 bytes, jansson 2.14 reads past
     * its buffer. */
    static const char *const files[] = {SOURCE_DIR "/tests/fuzz/corpus/tokenizer_json/short_names.json",
                                        DATA "ggml-vocab-phi-3.gguf",
                                        SOURCE_DIR "/tests/fuzz/corpus/protobuf/bpe.model",
                                        SOURCE_DIR "/tests/fuzz/corpus/protobuf/unigram.model"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        assert_true(assert_survives_out_of_memory(use, (void *)&files[i]) > 10);
}

/* Quadratic work on this much would not end within the test's limit. */
static void test_one_long_word(void **state)
{
    (void)state;
    static const char *const files[] = {DATA "gpt2.json", DATA "llama2.json", DATA "spm_bpe.model", DATA "spm_unigram.model",
                                        DATA "deepseek_llm.json"};
    static const char units[] = "a\xCC\x81 ";
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        for (size_t k = 0; k < 3; k++) {
            struct buf text = BUF_INIT(1 << 22);
            struct tokenizer *t;
            struct ids ids = {0};
            struct err err = ERR_INIT;
            for (size_t n = 0; n < LONG; n++)
                k == 1 ? buf_add(&text, units + 1, 2) : buf_char(&text, units[k == 2 ? 3 : 0]);
            buf_char(&text, 'x');
            assert_ok(tokenizer_open(&t, files[i], &err));
            assert_ok(tokenizer_encode(t, text.data, text.len, TOKENIZE_PLAIN, &ids, &err));
            assert_true(ids.n > 0);
            tokenizer_close(t);
            ids_release(&ids);
            buf_release(&text);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_wrong_json), cmocka_unit_test(test_deep_nesting),
                                       cmocka_unit_test(test_cut_files), cmocka_unit_test(test_out_of_memory),
                                       cmocka_unit_test(test_one_long_word)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
