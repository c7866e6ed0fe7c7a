/* One file, known to two servers: the registry keeps what it held, and doing it again changes nothing. */
#include "support/testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "engines/register.h"
#include "support/stand_in_thread.h"

static void lemonade_points_to_the_file(void **unused)
{
    (void)unused;
    struct err err = ERR_INIT;
    char registry[300], gguf[300];
    bool changed = false;
    snprintf(registry, sizeof registry, "%s/cache/lemonade/user_models.json", test_dir());
    snprintf(gguf, sizeof gguf, "%s/m.gguf", test_dir());
    assert_ok(file_write(gguf, "GGUF", 4, &err));
    assert_ok(register_lemonade(registry, "m", gguf, &changed, &err));
    assert_true(changed);
    assert_ok(register_lemonade(registry, "m", gguf, &changed, &err));
    assert_false(changed);
    assert_ok(register_lemonade(registry, "other", gguf, &changed, &err));
    json_t *all = json_read(registry, 1 << 20, &err);
    const json_t *m = json_object_get(all, "m");
    assert_int_equal(json_object_size(all), 2);
    assert_string_equal(json_string_value(json_object_get(m, "recipe")), "llamacpp");
    const char *checkpoint = json_string_value(json_object_get(m, "checkpoint"));
    assert_true(*checkpoint == '/' && access(checkpoint, R_OK) == 0);
    json_decref(all);
    assert_err(register_lemonade(registry, "m", "/no/such.gguf", &changed, &err), ERR_IO, "cannot be found");
    assert_ok(file_write(registry, "[]", 2, &err));
    assert_err(register_lemonade(registry, "m", gguf, &changed, &err), ERR_INPUT, "is an array, expected an object of models");
    assert_ok(file_write(registry, "{,", 2, &err));
    assert_err(register_lemonade(registry, "m", gguf, &changed, &err), ERR_INPUT, "user_models.json':1:");
}

static void ollama_gets_the_bytes(void **unused)
{
    (void)unused;
    static const char sha[65] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    struct err err = ERR_INIT;
    struct doubled two;
    char gguf[300];
    bool sent = false;
    snprintf(gguf, sizeof gguf, "%s/o.gguf", test_dir());
    assert_ok(file_write(gguf, "GGUF", 4, &err));
    double_start(&two, "fake", (struct stand_in_options){.dialect = "ollama"});
    assert_ok(register_ollama(stand_in_url(two.stand_in), "o", gguf, sha, &sent, &err));
    assert_true(sent);
    assert_err(register_ollama(stand_in_url(two.stand_in), "o", "/no/such.gguf", sha, &sent, &err), ERR_IO, "/no/such.gguf");
    double_end(&two);
    assert_err(register_ollama("http://127.0.0.1:1", "o", gguf, sha, &sent, &err), ERR_MISSING, "nothing answers");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(lemonade_points_to_the_file), cmocka_unit_test(ollama_gets_the_bytes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
