/* Llama or GPT: what a model says of itself, else its files' names, else its own. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "formats/model_type.h"
#include "support/testing.h"

static const char *made(const char *name, const char *file, const char *content)
{
    static char dir[512];
    char path[1024];
    struct err err = ERR_INIT;
    snprintf(dir, sizeof dir, "%s/%s", test_dir(), name);
    assert_ok(file_mkdirs(dir, &err));
    snprintf(path, sizeof path, "%s/%s", dir, file);
    assert_ok(file_write(path, content, strlen(content), &err));
    return dir;
}

static void is(const char *path, const char *type)
{
    struct err err = ERR_INIT;
    assert_string_equal(model_type_detect(path), type);
    if (strcmp(type, "unknown") != 0)
        assert_ok(model_type_check(path, type, &err));
    err_clear(&err);
    const char *other = strcmp(type, "gpt") == 0 ? "llama" : "gpt";
    char text[128];
    snprintf(text, sizeof text, "Model type mismatch: expected '%s' but detected '%s'", other, type);
    assert_err(model_type_check(path, other, &err), ERR_USAGE, text);
    assert_string_equal(err.text, text);
}

static void detected(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    is(SOURCE_DIR "/models/teacher", "llama");
    is(made("a", "encoder.json", "{}"), "gpt");
    is(made("b", "vocab.bpe", ""), "gpt");
    is(made("c", "pytorch_model.bin", ""), "gpt");
    is(made("c", "tokenizer.model", ""), "llama"); /* beside pytorch_model.bin */
    is(made("d", "consolidated.00.pth", ""), "llama");
    is(made("e", "model.safetensors", ""), "llama");
    is(made("my-GPT-folder", "x", ""), "gpt");
    is(made("gpt-like/TinyLlama-chat", "x", ""), "llama");
    is(made("mystery", "x", ""), "unknown");
    char path[600];
    snprintf(path, sizeof path, "%s/any.gguf", made("f", "any.gguf", "no GGUF at all"));
    is(path, "llama");
    /* what it says of itself counts more than any name */
    made("llama-2", "config.json", "{\"model_type\":\"gpt2\"}");
    is(made("llama-2", "tokenizer.json", "{}"), "gpt");
    assert_ok(model_type_check("no/such/model", "gpt", &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(detected)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
