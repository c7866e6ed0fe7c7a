/* fingerprint: every part is there or null; a digest from the cache is the right one. */
#include "support/testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "store/fingerprint.h"

static void copy_model(char path[4200])
{
    struct err err = ERR_INIT;
    struct buf bytes = BUF_INIT(64 << 20);
    snprintf(path, 4200, "%s/copy.safetensors", test_dir());
    assert_ok(file_read(&bytes, SOURCE_DIR "/models/draft/model.safetensors", 64 << 20, &err));
    assert_ok(file_write(path, bytes.data, bytes.len, &err));
    buf_release(&bytes);
}

static void the_digest_is_that_of_sha256sum_and_cached(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    char path[4200], command[9000], want[65] = "", got[65];
    setenv("XDG_CACHE_HOME", test_dir(), 1);
    copy_model(path);
    snprintf(command, sizeof command, "sha256sum '%s'", path);
    FILE *p = popen(command, "r");
    assert_true(p && fgets(want, sizeof want, p));
    pclose(p);
    assert_ok(fingerprint_model_sha256(path, got, NULL, NULL, &err));
    assert_string_equal(got, want);
    assert_ok(fingerprint_model_sha256(path, got, NULL, NULL, &err));
    assert_string_equal(got, want);

    /* what is cached is used: a lie there is repeated, until the file changes */
    snprintf(command, sizeof command,
             "for f in '%s'/prony/sha256/*; do printf '%%064d' 7 >\"$f\"; done", test_dir());
    assert_int_equal(system(command), 0);
    assert_ok(fingerprint_model_sha256(path, got, NULL, NULL, &err));
    assert_string_not_equal(got, want);
    snprintf(command, sizeof command, "touch -d 2001-01-01 '%s'", path);
    assert_int_equal(system(command), 0);
    assert_ok(fingerprint_model_sha256(path, got, NULL, NULL, &err));
    assert_string_equal(got, want);

    /* damage in the cache is not believed, and a cache that cannot be is no error */
    snprintf(command, sizeof command, "for f in '%s'/prony/sha256/*; do echo x >\"$f\"; done", test_dir());
    assert_int_equal(system(command), 0);
    assert_ok(fingerprint_model_sha256(path, got, NULL, NULL, &err));
    assert_string_equal(got, want);
    setenv("XDG_CACHE_HOME", "/proc/nothing", 1);
    assert_ok(fingerprint_model_sha256(path, got, NULL, NULL, &err));
    assert_string_equal(got, want);
}

static void what_is_unknown_is_null(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    json_t *v = fingerprint(&(struct fingerprint_input){.command = "prony run m", .seed = 7, .model = "/no/such"}, &err);
    assert_non_null(v);
    assert_string_equal(json_string_value(json_object_get(v, "command")), "prony run m");
    assert_int_equal(json_integer_value(json_object_get(v, "seed")), 7);
    assert_true(json_is_null(json_object_get(json_object_get(v, "model"), "sha256")));
    assert_true(json_is_null(json_object_get(json_object_get(v, "engine"), "version")));
    assert_true(json_is_string(json_object_get(json_object_get(v, "build"), "compiler")));
    assert_true(json_object_size(json_object_get(v, "machine")) > 5);
    json_decref(v);
    v = fingerprint(&(struct fingerprint_input){.root = "/nowhere"}, &err); /* a machine that shows nothing */
    assert_non_null(v);
    assert_true(json_is_null(json_object_get(v, "model")));
    json_decref(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_digest_is_that_of_sha256sum_and_cached),
        cmocka_unit_test(what_is_unknown_is_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
