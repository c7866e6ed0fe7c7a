/* npy: what NumPy wrote is read, what it would write is written byte for byte, and every lie in a header is named. */
#include "support/testing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/npy.h"

/* Written by tools/gen_npy_samples.py (NumPy), with the values as JSON beside them. */
static void arrays_of_numpy_are_read(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    json_t *all = json_read(SOURCE_DIR "/tests/base/npy/expected.json", 1 << 20, &err);
    assert_non_null(all);
    const char *name;
    json_t *want;
    assert_true(json_object_size(all) >= 14);
    json_object_foreach(all, name, want) {
        char path[4096];
        struct npy a;
        snprintf(path, sizeof path, "%s/tests/base/npy/%s.npy", SOURCE_DIR, name);
        assert_ok(npy_open(&a, path, &err));
        assert_string_equal(npy_type_name(a.type), json_string_value(json_object_get(want, "type")));
        const json_t *shape = json_object_get(want, "shape"), *values = json_object_get(want, "values");
        assert_int_equal(a.n_dims, json_array_size(shape));
        for (int i = 0; i < a.n_dims; i++)
            assert_int_equal(a.dims[i], json_integer_value(json_array_get(shape, (size_t)i)));
        assert_int_equal(a.count, json_array_size(values));
        for (uint64_t i = 0; i < a.count; i++) {
            const json_t *v = json_array_get(values, i);
            if (json_is_null(v))
                assert_true(isnan(npy_f64(&a, i)));
            else if (json_is_string(v))
                assert_true(npy_f64(&a, i) == strtod(json_string_value(v), NULL));
            else if (json_is_integer(v))
                assert_true(npy_i64(&a, i) == json_integer_value(v));
            else
                assert_true(npy_f64(&a, i) == json_number_value(v));
        }
        npy_close(&a);
        npy_close(&a);
    }
    json_decref(all);
}

static void a_file_has_the_bytes_that_numpy_would_write(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    char path[4200], fixture[4096];
    static const struct { const char *name; enum npy_type type; int n; uint64_t dims[2]; } cases[] = {
        {"f4", NPY_F32, 2, {2, 3}}, {"i8", NPY_I64, 1, {4}}, {"scalar", NPY_F64, 0, {0}}, {"empty", NPY_F32, 2, {0, 3}},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        struct npy a;
        struct buf got = BUF_INIT(1 << 18), want = BUF_INIT(1 << 18);
        snprintf(fixture, sizeof fixture, "%s/tests/base/npy/%s.npy", SOURCE_DIR, cases[k].name);
        snprintf(path, sizeof path, "%s/out.npy", test_dir());
        assert_ok(npy_open(&a, fixture, &err));
        assert_ok(npy_write(path, cases[k].type, cases[k].dims, cases[k].n, a.data, &err));
        npy_close(&a);
        assert_ok(file_read(&got, path, 1 << 16, &err));
        assert_ok(file_read(&want, fixture, 1 << 16, &err));
        assert_int_equal(got.len, want.len);
        assert_memory_equal(got.data, want.data, want.len);
        buf_release(&got);
        buf_release(&want);
    }
}

static void refused(int version, const char *dict, size_t data, enum err_code code, const char *part)
{
    struct err err = ERR_INIT;
    struct npy a;
    size_t len = strlen(dict), head = version == 1 ? 10 : 12;
    char *bytes = calloc(1, head + len + data); /* exact, so that a sanitizer sees a read past the end */
    assert_non_null(bytes);
    memcpy(bytes, "\x93NUMPY", 6);
    bytes[6] = (char)version;
    bytes[8] = (char)len;
    bytes[9] = (char)(len >> 8);
    memcpy(bytes + head, dict, len);
    assert_err(npy_parse(&a, bytes, head + len + data, "f.npy", &err), code, part);
    free(bytes);
}

#define DICT(descr, order, shape) "{'descr': " descr ", 'fortran_order': " order ", 'shape': " shape ", }"

static void lies_are_named(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct npy a;
    refused(1, DICT("'<f4'", "False", "(3,)"), 11, ERR_INPUT, "3 items of 4 bytes are announced, the file has 11");
    refused(2, DICT("'<f4'", "False", "(4294967296, 4294967296)"), 8, ERR_INPUT, "64 bits can count");
    refused(1, DICT("'<f4'", "False", "(99999999999999999999,)"), 8, ERR_INPUT, "exceeds 64 bits");
    refused(1, DICT("'<f4'", "False", "(4611686018427387904,)"), 8, ERR_INPUT, "are announced");
    refused(1, DICT("'>f4'", "False", "(1,)"), 4, ERR_UNSUPPORTED, "'>f4' are big-endian");
    refused(1, DICT("'|O'", "False", "(1,)"), 8, ERR_UNSUPPORTED, "Python objects");
    refused(1, DICT("'<c8'", "False", "(1,)"), 8, ERR_UNSUPPORTED, "'<c8'");
    refused(1, DICT("[('a', '<f4')]", "False", "(1,)"), 4, ERR_UNSUPPORTED, "records");
    refused(1, DICT("'<f4'", "True", "(2, 2)"), 16, ERR_UNSUPPORTED, "Fortran order");
    refused(1, DICT("'<f4'", "Maybe", "(2, 2)"), 16, ERR_INPUT, "True or False");
    refused(1, DICT("'<f4'", "False", "(-1,)"), 4, ERR_INPUT, "a whole number");
    refused(1, DICT("'<f4'", "False", "(1 2)"), 4, ERR_INPUT, "',' or ')'");
    refused(1, DICT("'<f4'", "False", "(1,"), 4, ERR_INPUT, "expected");
    refused(1, "{'descr': '<f4', 'shape': (1,), }", 4, ERR_INPUT, "lacks 'fortran_order'");
    refused(1, "{'descr': '<f4', 'descr': '<f4'}", 4, ERR_INPUT, "'descr' twice");
    refused(1, "{'code': 'x'}", 4, ERR_INPUT, "'code' that no header has");
    refused(1, "{'descr", 4, ERR_INPUT, "a key is expected");
    refused(1, "", 4, ERR_INPUT, "'{'");
    refused(1, DICT("'<f4'", "False", "(1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1)"), 4, ERR_INPUT, "more than 32");
    refused(9, "{}", 4, ERR_UNSUPPORTED, "version 9.0");
    assert_err(npy_parse(&a, "PK\x03\x04 an npz archive", 20, "f.npz", &err), ERR_INPUT, "not a .npy file");
    assert_err(npy_parse(&a, "\x93NUMPY\x01\x00\xff\xff{", 11, "f.npy", &err), ERR_INPUT, "65535 bytes is announced");
    assert_err(npy_parse(&a, "\x93NUMPY\x02\x00\x01\x00\x00", 11, "f.npy", &err), ERR_INPUT, "ends within");
    assert_err(npy_open(&a, "/no/such.npy", &err), ERR_IO, "/no/such.npy");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arrays_of_numpy_are_read),
        cmocka_unit_test(a_file_has_the_bytes_that_numpy_would_write),
        cmocka_unit_test(lies_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
