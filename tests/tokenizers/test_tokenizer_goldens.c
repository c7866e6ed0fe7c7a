/* The reference's results: 5,000 difficult strings, each through every tokenizer, each way. tools/gen_tokenizer_goldens.py
 * wrote what is compared with. Vocabularies that are not the project's to ship are looked for below $PRONY_DATA. */
#include "support/testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "tokenizers/tokenizer.h"

#define DATA SOURCE_DIR "/tests/tokenizers/data/"
enum { EVERY = UNDER_TSAN ? 32 : 1 }; /* of the strings */

static uint32_t crc32(uint32_t crc, const void *data, size_t len)
{
    static uint32_t table[256];
    const unsigned char *p = data;
    for (uint32_t i = 0; !table[255] && i < 256; i++) {
        uint32_t c = i;
        for (int k = 0; k < 8; k++)
            c = c & 1 ? 0xEDB88320u ^ c >> 1 : c >> 1;
        table[i] = c;
    }
    crc = ~crc;
    while (len--)
        crc = table[(crc ^ *p++) & 0xFF] ^ crc >> 8;
    return ~crc;
}

static uint32_t add_part(uint32_t crc, const void *data, size_t len)
{
    return crc32(len ? crc32(crc, data, len) : crc, "\xFF", 1);
}

struct results {
    struct ids ids[3];
    struct buf text[2];
    uint32_t crc;
};

static void results_of(const struct tokenizer *t, const char *s, size_t len, bool ids_only, struct results *r)
{
    static const unsigned flags[] = {TOKENIZE_PLAIN, TOKENIZE_SPECIAL, TOKENIZE_SPECIAL | TOKENIZE_BOS};
    struct err err = ERR_INIT;
    r->crc = 0;
    for (int i = 0; i < (ids_only ? 1 : 3); i++) {
        r->ids[i].n = 0;
        assert_ok(tokenizer_encode(t, s, len, flags[i], &r->ids[i], &err));
        r->crc = add_part(r->crc, r->ids[i].data, r->ids[i].n * 4);
    }
    for (int i = 0; i < 2 && !ids_only; i++) {
        buf_clear(&r->text[i]);
        assert_ok(tokenizer_decode(t, r->ids[1].data, r->ids[1].n, i == 0, &r->text[i], &err));
        r->crc = add_part(r->crc, r->text[i].data, r->text[i].len);
    }
}

/* What a stream shows is what decoding at once shows, and every piece of it is whole characters. Where bytes that are not
 * UTF-8 fall back, the reference counts U+FFFD by bytes, a stream by characters: such texts are not compared. */
static void check_stream(const struct tokenizer *t, const struct results *r, size_t index)
{
    struct buf out = BUF_INIT(1 << 24);
    struct detok d;
    struct err err = ERR_INIT;
    detok_init(&d, t, true);
    for (size_t i = 0; i < r->ids[1].n; i++) {
        size_t before = out.len;
        assert_ok(detok_push(&d, r->ids[1].data[i], &out, &err));
        if (out.len > before && !utf8_valid(out.data + before, out.len - before))
            fail_msg("string %zu: token %zu showed half a character", index, i);
    }
    detok_finish(&d, &out);
    const char *whole = r->text[0].data ? r->text[0].data : "";
    if (!memmem(whole, r->text[0].len, "\xEF\xBF\xBD", 3) &&
        (out.len != r->text[0].len || (out.len && memcmp(out.data, whole, out.len) != 0)))
        fail_msg("string %zu: streamed '%.60s', at once '%.60s'", index, out.data ? out.data : "", whole);
    buf_release(&out);
}

static size_t check_golden(const char *path, const char *golden, bool ids_only, bool streams)
{
    struct buf strings = BUF_INIT(1 << 24), want = BUF_INIT(1 << 24);
    struct results r = {.text = {BUF_INIT(1 << 24), BUF_INIT(1 << 24)}};
    struct tokenizer *t;
    struct err err = ERR_INIT;
    size_t wrong = 0, n = 0;
    assert_ok(file_read(&strings, DATA "strings.bin", 1 << 24, &err));
    assert_ok(file_read(&want, golden, 1 << 24, &err));
    assert_ok(tokenizer_open(&t, path, &err));
    for (size_t at = 0; at < strings.len; n++) {
        uint32_t len, crc;
        memcpy(&len, strings.data + at, 4);
        assert_true((n + 1) * 4 <= want.len);
        memcpy(&crc, want.data + n * 4, 4);
        if (n % EVERY) {
            at += 4 + len;
            continue;
        }
        results_of(t, strings.data + at + 4, len, ids_only, &r);
        if (r.crc != crc && wrong++ < 10)
            print_error("%s: string %zu differs: %.60s\n", path, n, strings.data + at + 4);
        if (streams)
            check_stream(t, &r, n);
        at += 4 + len;
    }
    assert_true(n >= 5000);
    assert_int_equal(want.len, n * 4);
    tokenizer_close(t);
    for (int i = 0; i < 3; i++)
        ids_release(&r.ids[i]);
    buf_release(&r.text[0]);
    buf_release(&r.text[1]);
    buf_release(&strings);
    buf_release(&want);
    if (wrong)
        print_error("%s: %zu of %zu strings differ from the reference\n", path, wrong, n);
    return wrong;
}

static void test_tokenizer_json(void **state)
{
    (void)state;
    size_t wrong = 0;
    static const char *const names[] = {
        "gpt2",       "gpt2_added", "llama3",   "qwen2",        "qwen35",       "gpt4o",  "tekken",  "deepseek_v3",
        "deepseek_llm", "deepseek_coder", "starcoder", "command_r", "falcon",   "neox_nfc", "custom_regex", "llama2",
        "mistral",    "gemma",      "gemma4",   "unigram",  "unigram_bytes", "whitespace",  "bert_like", "behaviours"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[512], golden[512];
        snprintf(path, sizeof path, DATA "%s.json", names[i]);
        snprintf(golden, sizeof golden, DATA "%s.crc", names[i]);
        wrong += check_golden(path, golden, false, i < 19);
    }
    assert_int_equal(wrong, 0);
}

static void test_sentencepiece(void **state)
{
    (void)state;
    size_t wrong = 0;
    static const char *const names[] = {"spm_bpe", "spm_unigram", "spm_unigram_bytes", "spm_mapped"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[512], golden[512];
        snprintf(path, sizeof path, DATA "%s.model", names[i]);
        snprintf(golden, sizeof golden, DATA "%s.crc", names[i]);
        wrong += check_golden(path, golden, true, false);
    }
    assert_int_equal(wrong, 0);
}

/* The same vocabulary in another file, and files that hold what no other does. */
static void test_other_files(void **state)
{
    (void)state;
    assert_int_equal(check_golden(DATA "gemma4.gguf", DATA "gemma4.crc", false, true), 0);
    assert_int_equal(check_golden(DATA "t5.gguf", DATA "t5.crc", true, false), 0);
    assert_int_equal(check_golden(SOURCE_DIR "/data/stories260k/tok512.bin", DATA "tok512.crc", false, true), 0);
}

/* llama.cpp's own texts and ids beside each vocabulary. */
static void check_inp_out(const char *path)
{
    static const char mark[] = "\n__ggml_vocab_test__\n";
    struct buf inp = BUF_INIT(1 << 20), out = BUF_INIT(1 << 20);
    struct tokenizer *t;
    struct ids ids = {0};
    struct err err = ERR_INIT;
    char name[600];
    snprintf(name, sizeof name, "%s.inp", path);
    assert_ok(file_read(&inp, name, 1 << 20, &err));
    snprintf(name, sizeof name, "%s.out", path);
    assert_ok(file_read(&out, name, 1 << 20, &err));
    assert_ok(tokenizer_open(&t, path, &err));
    char *text = inp.data, *line = out.data;
    for (int n = 0; text; n++) {
        char *next = strstr(text, mark), *end = line + strcspn(line, "\n");
        size_t len = next ? (size_t)(next - text) : strlen(text);
        ids.n = 0;
        assert_ok(tokenizer_encode(t, text, len, TOKENIZE_PLAIN, &ids, &err));
        size_t k = 0;
        for (char *p = line; p < end;) {
            char *after;
            long id = strtol(p, &after, 10);
            if (after == p || after > end)
                break;
            if (k >= ids.n || ids.data[k] != id)
                fail_msg("%s: text %d: id %zu is %d, expected %ld", path, n, k, k < ids.n ? ids.data[k] : -1, id);
            k++;
            p = after;
        }
        assert_int_equal(k, ids.n);
        text = next ? next + sizeof mark - 1 : NULL;
        line = end + (*end == '\n');
    }
    ids_release(&ids);
    buf_release(&inp);
    buf_release(&out);
    tokenizer_close(t);
}

static void test_gguf(void **state)
{
    (void)state;
    size_t wrong = 0;
    static const char *const names[] = {"gpt-2", "phi-3", "qwen2", "llama-bpe"};
    const char *elsewhere = getenv("PRONY_DATA");
    int skipped = 0;
    for (size_t i = 0; i < 4; i++) {
        char path[512], golden[512];
        snprintf(path, sizeof path, DATA "ggml-vocab-%s.gguf", names[i]);
        if (!file_exists(path) && elsewhere)
            snprintf(path, sizeof path, "%s/tokenizers/ggml-vocab-%s.gguf", elsewhere, names[i]);
        if (!file_exists(path)) {
            print_message("SKIPPED: no ggml-vocab-%s.gguf below $PRONY_DATA/tokenizers\n", names[i]);
            skipped++;
            continue;
        }
        snprintf(golden, sizeof golden, DATA "ggml-vocab-%s.crc", names[i]);
        check_inp_out(path);
        wrong += check_golden(path, golden, false, true);
    }
    assert_int_equal(wrong, 0);
    assert_true(skipped <= 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_tokenizer_json), cmocka_unit_test(test_sentencepiece),
                                       cmocka_unit_test(test_other_files), cmocka_unit_test(test_gguf)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
