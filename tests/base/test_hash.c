/* The vectors are those of FIPS 180-4's examples ("", "abc", a million times "a"). */
#include "base/hash.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "support/alloc_fail.h"
#include "support/testing.h"

static const char EMPTY[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
static const char ABC[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
static const char MILLION[] = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";

struct seen {
    int calls, stop_at;
    uint64_t done, total;
};

static int watch(void *arg, uint64_t done, uint64_t total, struct err *err)
{
    struct seen *s = arg;
    assert_true(done >= s->done);
    s->done = done;
    s->total = total;
    if (++s->calls == s->stop_at)
        return err_set(err, ERR_INTERRUPTED, "stopped by the user");
    return 0;
}

static void knows_the_standards_examples(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    char hex[65];
    assert_ok(sha256_bytes(hex, "", 0, NULL, NULL, &err));
    assert_string_equal(hex, EMPTY);
    assert_ok(sha256_bytes(hex, NULL, 0, NULL, NULL, &err));
    assert_string_equal(hex, EMPTY);
    assert_ok(sha256_bytes(hex, "abc", 3, NULL, NULL, &err));
    assert_string_equal(hex, ABC);
    char *a = malloc(1000000);
    assert_non_null(a);
    memset(a, 'a', 1000000);
    assert_ok(sha256_bytes(hex, a, 1000000, NULL, NULL, &err));
    assert_string_equal(hex, MILLION);
    FILE *in = fmemopen(a, 1000000, "r");
    assert_non_null(in);
    assert_ok(sha256_stream(hex, in, "memory", NULL, NULL, &err));
    assert_string_equal(hex, MILLION);
    fclose(in);
    free(a);
}

/* 40 MiB and a byte: three steps, the last of them short. */
static void bytes_and_file_agree_and_tell_how_far(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    size_t size = (40u << 20) + 1;
    char *bytes = malloc(size), whole[65], read[65];
    assert_non_null(bytes);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (char)(i * 2654435761u >> 13);
    char *path = path_join(test_dir(), "large", &err);
    assert_non_null(path);
    assert_ok(file_write(path, bytes, size, &err));
    struct seen a = {0}, b = {0}, stop = {.stop_at = 2};
    assert_ok(sha256_bytes(whole, bytes, size, watch, &a, &err));
    assert_ok(sha256_file(read, path, watch, &b, &err));
    assert_string_equal(whole, read);
    assert_int_equal(a.calls, 3);
    assert_int_equal(b.calls, 3);
    assert_true(a.done == size && b.done == size && a.total == size && b.total == size);
    strcpy(read, "untouched");
    assert_err(sha256_file(read, path, watch, &stop, &err), ERR_INTERRUPTED, "stopped");
    assert_int_equal(stop.calls, 2);
    assert_string_equal(read, "untouched");
    free(path);
    free(bytes);
}

static void says_what_cannot_be_read(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    char hex[65];
    assert_err(sha256_file(hex, "/nonexistent/x", NULL, NULL, &err), ERR_IO, "cannot open '/nonexistent/x'");
    assert_err(sha256_file(hex, test_dir(), NULL, NULL, &err), ERR_IO, "cannot read");
}

static int attempt(void *arg, struct err *err)
{
    char hex[65];
    return sha256_file(hex, arg, NULL, NULL, err);
}

static void survives_out_of_memory(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    char *path = path_join(test_dir(), "small", &err);
    assert_non_null(path);
    assert_ok(file_write(path, "abc", 3, &err));
    assert_true(assert_survives_out_of_memory(attempt, path) >= 1);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_the_standards_examples),
        cmocka_unit_test(bytes_and_file_agree_and_tell_how_far),
        cmocka_unit_test(says_what_cannot_be_read),
        cmocka_unit_test(survives_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
