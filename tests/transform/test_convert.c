/* A model written as GGUF and back as a folder is the same model; what a format has no word for is refused or said. */
#include "support/testing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "models/session.h"
#include "support/golden_model.h"
#include "tokenizers/tokenizer.h"
#include "transform/convert.h"

enum { PROMPT = 64 /* beyond every window */ };

/* Goldens that a GGUF has no word for, and what the error says of them. */
static const struct {
    const char *name, *part;
} without_gguf[] = {
    {"llama_gelu", "activation"},       {"llama_dynamic", "dynamic RoPE"},  {"gpt2_layer_scale", "scaled in another way"},
    {"gpt2_unscaled", "an activation"}, {"gpt2_bare", "an activation"},     {"opt_after_projected", "no GGUF of architecture 'opt'"},
    {"opt_bare", "'opt'"},              {"opt_before", "'opt'"},          {"llama_yarn_tuned", "'truncate'"},
    {"gemma2_scaled", "'query_pre_attn_scalar'"}, {"gemma3_plain", "windows on other layers"}, {"gemma3_linear", "windows on other"},
    {"gptneox_sequential", "an activation"}, {"qwen3moe_plain", "'norm_topk_prob' false"},
};

static char *path_of(const char *name, const char *end)
{
    struct err err = ERR_INIT;
    char file[128];
    snprintf(file, sizeof file, "%s%s", name, end);
    char *path = path_join(test_dir(), file, &err);
    assert_non_null(path);
    return path;
}

/* The greatest distance of the logits at the end of a prompt. */
static double apart(const char *one, const char *other)
{
    struct err err = ERR_INIT;
    struct model *m[2];
    struct session *s[2];
    struct model_facts facts;
    double most = 0;
    for (int i = 0; i < 2; i++) {
        struct row rows[PROMPT];
        assert_ok(model_open_weights(&m[i], i ? other : one, &err));
        model_facts(m[i], &facts);
        for (int r = 0; r < PROMPT; r++)
            rows[r] = (struct row){.pos = r, .token = (r * 29 + 7) % facts.vocabulary, .parent = ROW_CHAIN, .want = ROW_LOGITS};
        assert_ok(session_open(&s[i], m[i], &(struct session_options){.variant = "ref", .context = PROMPT}, &err));
        assert_ok(session_forward(s[i], rows, PROMPT, &err));
    }
    for (size_t r = 0; r < PROMPT; r++)
        for (int t = 0; t < facts.vocabulary; t++)
            most = fmax(most, fabs((double)session_logits(s[0], r)[t] - (double)session_logits(s[1], r)[t]));
    for (int i = 0; i < 2; i++) {
        session_close(s[i]);
        model_close(m[i]);
    }
    return most;
}

static void there_and_back(const char *name, const char *folder)
{
    struct err err = ERR_INIT;
    struct convert_report r;
    char *gguf = path_of(name, ".gguf"), *back = path_of(name, "-back");
    assert_ok(convert_model(folder, gguf, &(struct convert_options){0}, &r, &err));
    assert_true(r.to_gguf);
    bool lost = r.lost[0] != '\0';
    double gone = apart(folder, gguf);
    if (lost ? gone < 1e-3 : gone > 1e-4)
        fail_msg("%s: %g apart as GGUF, and it says '%s'", name, gone, r.lost);
    assert_ok(convert_model(gguf, back, &(struct convert_options){0}, &r, &err));
    assert_false(r.to_gguf);
    if (!lost && apart(folder, back) != 0)
        fail_msg("%s: %g apart when it came back", name, apart(folder, back));
    free(gguf);
    free(back);
}

static void goldens_survive_both_ways(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    size_t refused = 0, n = 0;
    for (const char *const *name = golden_model_names(); *name; name++, n++) {
        json_t *golden = golden_model_load(*name);
        const char *folder = golden_model_build(golden, n % 2), *part = NULL;
        json_decref(golden);
        for (size_t i = 0; i < sizeof without_gguf / sizeof *without_gguf; i++)
            if (strcmp(without_gguf[i].name, *name) == 0)
                part = without_gguf[i].part;
        if (!part) {
            there_and_back(*name, folder);
            continue;
        }
        char *gguf = path_of(*name, ".gguf"), *copy = path_of(*name, "-copy");
        assert_err(convert_model(folder, gguf, &(struct convert_options){0}, NULL, &err), ERR_UNSUPPORTED, part);
        assert_false(file_exists(gguf));
        assert_ok(convert_model(folder, copy, &(struct convert_options){0}, NULL, &err));
        assert_true(apart(folder, copy) == 0);
        refused++;
        free(gguf);
        free(copy);
    }
    assert_int_equal(refused, sizeof without_gguf / sizeof *without_gguf);
    assert_true(n > refused);
}

static void same_bytes(const char *a, const char *b)
{
    struct err err = ERR_INIT;
    struct buf x = BUF_INIT(1 << 26), y = BUF_INIT(1 << 26);
    assert_ok(file_read(&x, a, 1 << 26, &err));
    assert_ok(file_read(&y, b, 1 << 26, &err));
    assert_int_equal(x.len, y.len);
    assert_memory_equal(x.data, y.data, x.len);
    buf_release(&x);
    buf_release(&y);
}

static void same_ids(const char *one, const char *other)
{
    static const char *const texts[] = {"The river ran high.", " two  spaces\n\nand lines 1234", "<|user|>caf\xC3\xA9", "\xF0\x9F\x9A\x80", ""};
    struct err err = ERR_INIT;
    struct tokenizer *t[2];
    assert_ok(tokenizer_open(&t[0], one, &err));
    assert_ok(tokenizer_open(&t[1], other, &err));
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        for (unsigned flags = 0; flags < 4; flags++) {
            struct ids ids[2] = {0};
            struct buf text[2] = {BUF_INIT(1 << 16), BUF_INIT(1 << 16)};
            for (int k = 0; k < 2; k++) {
                assert_ok(tokenizer_encode(t[k], texts[i], strlen(texts[i]), flags, &ids[k], &err));
                assert_ok(tokenizer_decode(t[k], ids[k].data, ids[k].n, true, &text[k], &err));
            }
            assert_int_equal(ids[0].n, ids[1].n);
            for (size_t at = 0; at < ids[0].n; at++)
                assert_int_equal(ids[0].data[at], ids[1].data[at]);
            assert_int_equal(text[0].len, text[1].len);
            for (int k = 0; k < 2; k++) {
                ids_release(&ids[k]);
                buf_release(&text[k]);
            }
        }
    if (tokenizer_chat_template(t[0]))
        assert_string_equal(tokenizer_chat_template(t[0]), tokenizer_chat_template(t[1]));
    assert_int_equal(tokenizer_bos(t[0]), tokenizer_bos(t[1]));
    assert_int_equal(tokenizer_eos(t[0]), tokenizer_eos(t[1]));
    tokenizer_close(t[0]);
    tokenizer_close(t[1]);
}

static void a_folder_keeps_its_bytes_and_its_tokenizer(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct convert_report r;
    char *gguf = path_of("draft", ".gguf"), *back = path_of("draft", "-back"), *weights;
    assert_ok(convert_model(SOURCE_DIR "/models/draft", gguf, &(struct convert_options){0}, &r, &err));
    assert_true(r.has_tokenizer);
    assert_string_equal(r.type, "bf16");
    same_ids(SOURCE_DIR "/models/draft", gguf);
    assert_ok(convert_model(gguf, back, &(struct convert_options){0}, &r, &err));
    same_ids(SOURCE_DIR "/models/draft", back);
    assert_non_null(weights = path_join(back, "model.safetensors", &err));
    same_bytes(weights, SOURCE_DIR "/models/draft/model.safetensors");
    free(weights);
    free(gguf);
    free(back);
}

/* Its q and k rotate neighbours, its tokenizer has scores and plain spaces: both take another form. */
static void llama2c_becomes_either(void **state)
{
    (void)state;
    static const char from[] = SOURCE_DIR "/data/stories260k/stories260K.bin";
    struct err err = ERR_INIT;
    struct convert_report r;
    char *gguf = path_of("stories", ".gguf"), *folder = path_of("stories", "-hf"), *again = path_of("again", ".gguf");
    assert_ok(convert_model(from, gguf, &(struct convert_options){0}, &r, &err));
    assert_true(r.has_tokenizer);
    assert_ok(convert_model(from, folder, &(struct convert_options){0}, &r, &err));
    assert_ok(convert_model(folder, again, &(struct convert_options){0}, &r, &err));
    assert_true(apart(from, gguf) < 1e-4);
    assert_true(apart(from, folder) < 1e-4);
    assert_true(apart(gguf, again) == 0);
    same_ids(SOURCE_DIR "/data/stories260k/tok512.bin", gguf);
    same_ids(SOURCE_DIR "/data/stories260k/tok512.bin", folder);
    same_ids(gguf, again);
    free(gguf);
    free(folder);
    free(again);
}

static void the_type_is_chosen(void **state)
{
    (void)state;
    static const char *const types[] = {"f32", "f16", "bf16"};
    struct err err = ERR_INIT;
    struct convert_report r;
    char *gguf = path_of("typed", ".gguf");
    for (size_t i = 0; i < 3; i++) {
        struct model_file *f;
        assert_ok(convert_model(SOURCE_DIR "/models/draft", gguf, &(struct convert_options){.type = types[i]}, &r, &err));
        assert_string_equal(r.type, types[i]);
        assert_ok(model_file_open(&f, gguf, &err));
        assert_string_equal(dtype_name(model_file_tensor(f, "blk.0.attn_q.weight")->type), types[i]);
        assert_int_equal(model_file_tensor(f, "blk.0.attn_norm.weight")->type, DTYPE_F32);
        model_file_close(f);
    }
    assert_err(convert_model(SOURCE_DIR "/models/draft", gguf, &(struct convert_options){.type = "q4_k"}, &r, &err), ERR_USAGE,
               "'q4_k' is not a type to convert to");
    free(gguf);
}

static void what_makes_no_sense_is_refused(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct convert_options o = {0};
    char *gguf = path_of("sense", ".gguf"), *other = path_of("other", ".gguf");
    assert_ok(convert_model(SOURCE_DIR "/models/draft", gguf, &o, NULL, &err));
    assert_err(convert_model(gguf, other, &o, NULL, &err), ERR_USAGE, "is a GGUF already");
    assert_err(convert_model(gguf, gguf, &o, NULL, &err), ERR_USAGE, "would be written over");
    assert_err(convert_model(SOURCE_DIR "/models/draft", SOURCE_DIR "/models/draft", &o, NULL, &err), ERR_USAGE,
               "would be written over");
    assert_err(convert_model(gguf, SOURCE_DIR "/README.md", &o, NULL, &err), ERR_USAGE, "is a file");
    assert_err(convert_model("/nonexistent", other, &o, NULL, &err), ERR_IO, "no such file");
    assert_err(convert_model(SOURCE_DIR "/models/draft", "/nonexistent/x.gguf", &o, NULL, &err), ERR_IO, "cannot write");
    assert_false(file_exists(other));
    free(gguf);
    free(other);
}

static int stop(void *arg, uint64_t done, uint64_t total, struct err *err)
{
    (void)arg;
    return done > total / 2 ? err_set(err, ERR_INTERRUPTED, "stopped") : 0;
}

static void stopping_leaves_nothing(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    char *gguf = path_of("stopped", ".gguf");
    assert_err(convert_model(SOURCE_DIR "/models/draft", gguf, &(struct convert_options){.tick = stop}, NULL, &err),
               ERR_INTERRUPTED, "stopped");
    assert_false(file_exists(gguf));
    free(gguf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goldens_survive_both_ways), cmocka_unit_test(a_folder_keeps_its_bytes_and_its_tokenizer),
        cmocka_unit_test(llama2c_becomes_either),    cmocka_unit_test(the_type_is_chosen),
        cmocka_unit_test(what_makes_no_sense_is_refused), cmocka_unit_test(stopping_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
