/* safetensors: what the specification allows opens, every lie has its own error. Inputs are exact copies on the heap. */
#include "support/testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "formats/model_file.h"
#include "support/alloc_fail.h"

static void build(struct buf *b, const char *header, size_t data)
{
    uint64_t n = strlen(header);
    buf_add(b, &n, sizeof n);
    buf_str(b, header);
    for (size_t i = 0; i < data; i++)
        buf_char(b, (char)(i & 0x3F));
}

static int open_copy(struct model_file **f, const void *bytes, size_t n, uint8_t **copy, struct err *err)
{
    *copy = malloc(n ? n : 1);
    if (n)
        memcpy(*copy, bytes, n);
    int rc = model_file_open_bytes(f, *copy, n, "x.safetensors", err);
    if (rc < 0)
        free(*copy);
    return rc;
}

#define T(name, dtype, shape, offsets) \
    "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":[" shape "],\"data_offsets\":[" offsets "]}"

static const char all_types[] = "{\"__metadata__\":{\"format\":\"pt\"}," T("f32", "F32", "2,2", "0,16") "," T("f16", "F16", "2", "16,20") "," T(
    "bf16", "BF16", "1", "20,22") "," T("f8", "F8_E4M3", "3", "22,25") "," T("i8", "I8", "1", "25,26") "," T("u8", "U8", "1", "26,27") "," T(
    "bool", "BOOL", "1", "27,28") "," T("i16", "I16", "1", "28,30") "," T("i32", "I32", "1", "30,34") "," T("i64", "I64", "1",
    "34,42") "," T("f64", "F64", "", "42,50") "," T("none", "F32", "3,0", "50,50") "," T("deep", "U8", "1,2,1,2,1", "50,54") "}  ";

static void what_the_format_allows_opens(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct buf b = BUF_INIT(1 << 20);
    struct model_file *f;
    uint8_t *copy;
    build(&b, all_types, 54);
    assert_ok(open_copy(&f, b.data, b.len, &copy, &err));
    assert_string_equal(model_file_format(f), "safetensors");
    assert_int_equal(model_file_n_tensors(f), 13);
    const struct tensor *t = model_file_tensor(f, "f32");
    assert_true(t->type == DTYPE_F32 && t->n_dims == 2 && t->dims[0] == 2 && t->dims[1] == 2 && t->bytes == 16);
    assert_ptr_equal(t->data, copy + 8 + strlen(all_types));
    t = model_file_tensor(f, "f64");
    assert_true(t->type == DTYPE_F64 && t->n_dims == 0 && t->bytes == 8);
    assert_ptr_equal(t->data, copy + 8 + strlen(all_types) + 42);
    t = model_file_tensor(f, "none");
    assert_true(t->n_dims == 2 && t->dims[1] == 0 && t->bytes == 0);
    t = model_file_tensor(f, "deep");
    assert_true(t->n_dims == 5 && t->dims[3] == 2 && t->dims[5] == 1 && t->bytes == 4);
    assert_int_equal(model_file_tensor(f, "f8")->type, DTYPE_F8_E4M3);
    assert_int_equal(model_file_tensor(f, "bool")->type, DTYPE_BOOL);
    assert_null(model_file_tensor(f, "__metadata__"));
    assert_null(model_file_config(f));
    model_file_close(f);
    free(copy);
    buf_clear(&b);
    build(&b, "{}", 0); /* no tensors at all */
    assert_ok(open_copy(&f, b.data, b.len, &copy, &err));
    assert_int_equal(model_file_n_tensors(f), 0);
    model_file_close(f);
    free(copy);
    buf_release(&b);
}

static const struct {
    const char *header;
    size_t data;
    enum err_code code;
    const char *part;
} cases[] = {
    {"{" T("a", "F32", "2", "0,8") "," T("a", "F32", "2", "8,16") "}", 16, ERR_INPUT, "duplicate object key"},
    {"{" T("a", "F32", "2", "0,8") "," T("b", "F32", "2", "4,12") "}", 12, ERR_INPUT, "tensor 'b' begins at 4, expected 8 (it overlaps"},
    {"{" T("a", "F32", "2", "0,8") "," T("b", "F32", "2", "12,20") "}", 20, ERR_INPUT, "tensor 'b' begins at 12, expected 8 (a hole)"},
    {"{" T("a", "F32", "2", "4,12") "}", 12, ERR_INPUT, "tensor 'a' begins at 4, expected 0"},
    {"{" T("a", "F32", "2", "0,8") "}", 12, ERR_INPUT, "the tensors end at 8, but there are 12 bytes"},
    {"{" T("a", "F32", "2", "0,8") "}", 7, ERR_INPUT, "tensor 'a' ends at 8, after the 7 bytes"},
    {"{" T("a", "F32", "2", "0,4") "}", 4, ERR_INPUT, "shape and dtype ask for 8 bytes, data_offsets give it 4"},
    {"{" T("a", "F32", "2", "8,0") "}", 8, ERR_INPUT, "data_offsets must be [begin, end]"},
    {"{" T("a", "F32", "2", "-8,0") "}", 8, ERR_INPUT, "data_offsets must be"},
    {"{" T("a", "F32", "2", "0") "}", 8, ERR_INPUT, "data_offsets must be"},
    {"{" T("a", "F32", "2", "0,8.0") "}", 8, ERR_INPUT, "data_offsets must be"},
    {"{" T("a", "F32", "2", "0,9223372036854775808") "}", 8, ERR_INPUT, "too big integer"},
    {"{" T("a", "F32", "-2", "0,8") "}", 8, ERR_INPUT, "dimension 0 of its shape is not a whole number"},
    {"{" T("a", "F32", "\\\"2\\\"", "0,8") "}", 8, ERR_INPUT, "header, byte"},
    {"{" T("a", "F32", "1.5", "0,8") "}", 8, ERR_INPUT, "dimension 0"},
    {"{" T("a", "U8", "4294967296,4294967296", "0,0") "}", 0, ERR_INPUT, "product of its dimensions overflows"},
    {"{" T("a", "F64", "2147483648,2147483648", "0,0") "}", 0, ERR_INPUT, "product of its dimensions overflows"},
    {"{" T("a", "F32", "1,1,1,1,1,1,1,1,1", "0,4") "}", 4, ERR_UNSUPPORTED, "has 9 dimensions, at most 8"},
    {"{" T("a", "F4", "2", "0,1") "}", 1, ERR_UNSUPPORTED, "tensor 'a' has dtype 'F4'"},
    {"{" T("a", "F8_E5M2", "1", "0,1") "}", 1, ERR_UNSUPPORTED, "'F8_E5M2'"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, ERR_INPUT, "expected an object of dtype, shape and data_offsets"},
    {"{\"a\":[1]}", 4, ERR_INPUT, "tensor 'a': expected an object"},
    {"{\"a\":{\"dtype\":1,\"shape\":[1],\"data_offsets\":[0,4]}}", 4, ERR_INPUT, "expected an object of"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"more\":1}}", 4, ERR_INPUT, "expected an object of"},
    {"{\"__metadata__\":{\"a\":1}}", 0, ERR_INPUT, "__metadata__ 'a' must be a string"},
    {"{\"__metadata__\":[]}", 0, ERR_INPUT, "__metadata__ must be an object"},
    {" {}", 0, ERR_INPUT, "does not begin with '{'"},
    {"{}x", 0, ERR_INPUT, "header, byte"},
    {"{\"a\\u0000b\":{}}", 0, ERR_INPUT, "header, byte"},
    {"{\"a\xff\":{}}", 0, ERR_INPUT, "header, byte"},
    {"{", 0, ERR_INPUT, "header"},
    {"", 0, ERR_INPUT, "does not begin with '{'"},
};

static void every_lie_is_named(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct model_file *f;
    uint8_t *copy;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf b = BUF_INIT(1 << 20);
        build(&b, cases[i].header, cases[i].data);
        assert_err(open_copy(&f, b.data, b.len, &copy, &err), cases[i].code, cases[i].part);
        assert_non_null(strstr(err.text, "'x.safetensors'"));
        buf_release(&b);
    }
    static const uint64_t lengths[] = {3, 100, 100000001, 1ull << 63, UINT64_MAX};
    for (size_t i = 0; i < 5; i++) {
        struct buf b = BUF_INIT(1 << 20);
        buf_add(&b, &lengths[i], sizeof lengths[i]);
        buf_str(&b, "{}");
        assert_err(open_copy(&f, b.data, b.len, &copy, &err), ERR_INPUT, "the header says it has");
        buf_release(&b);
    }
    assert_err(open_copy(&f, "\1\0\0", 3, &copy, &err), ERR_INPUT, "too few for a safetensors header");
}

static void any_byte_cut_or_changed_is_safe(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct buf b = BUF_INIT(1 << 20);
    struct model_file *f;
    uint8_t *copy;
    build(&b, all_types, 54);
    for (size_t n = 0; n < b.len; n++) {
        err_clear(&err);
        if (open_copy(&f, b.data, n, &copy, &err) == 0)
            fail_msg("cut to %zu of %zu bytes it still opens", n, b.len);
    }
    size_t opened = 0;
    for (size_t at = 0; at < b.len; at++) {
        const char old = b.data[at];
        const char bent[] = {(char)~old, (char)(old ^ 1), '"', '9', 0};
        for (size_t k = 0; k < sizeof bent; k++) {
            b.data[at] = bent[k];
            if (open_copy(&f, b.data, b.len, &copy, NULL) < 0)
                continue;
            opened++;
            for (size_t i = 0; i < model_file_n_tensors(f); i++) {
                const struct tensor *t = model_file_tensor_at(f, i);
                assert_true((const uint8_t *)t->data >= copy && (const uint8_t *)t->data + t->bytes <= copy + b.len);
            }
            model_file_verify(f, NULL, NULL, NULL);
            model_file_close(f);
            free(copy);
        }
        b.data[at] = old;
    }
    assert_true(opened > 100);
    buf_release(&b);
}

static int open_sample(void *arg, struct err *err)
{
    struct buf *b = arg;
    struct model_file *f;
    TRY(model_file_open_bytes(&f, b->data, b->len, "x.safetensors", err));
    model_file_close(f);
    return 0;
}

static void memory_may_run_out(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(1 << 20);
    build(&b, all_types, 54);
    assert_true(assert_survives_out_of_memory(open_sample, &b) > 50);
    buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_format_allows_opens),
        cmocka_unit_test(every_lie_is_named),
        cmocka_unit_test(any_byte_cut_or_changed_is_safe),
        cmocka_unit_test(memory_may_run_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
