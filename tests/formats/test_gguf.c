/* GGUF: what is written is read back, and every lie in a header has its own error. Files are built by formats/gguf_write.h
 * and then bent; that the reader agrees with others' files is shown in test_others.c. */
#include "support/testing.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "formats/gguf_write.h"
#include "formats/model_file.h"

static const struct meta_string words[] = {{"alpha", 5}, {"", 0}, {"a\0b", 3}};

static void put_all_types(struct gguf_writer *w)
{
    gguf_put_str(w, "general.architecture", "test");
    gguf_put_scalar(w, "u8", META_U8, &(uint8_t){200});
    gguf_put_scalar(w, "i8", META_I8, &(int8_t){-5});
    gguf_put_scalar(w, "u16", META_U16, &(uint16_t){60000});
    gguf_put_scalar(w, "i16", META_I16, &(int16_t){-300});
    gguf_put_u32(w, "u32", 4000000000u);
    gguf_put_scalar(w, "i32", META_I32, &(int32_t){-70000});
    gguf_put_u64(w, "u64", UINT64_MAX);
    gguf_put_scalar(w, "i64", META_I64, &(int64_t){INT64_MIN});
    gguf_put_f32(w, "f32", 1.5f);
    gguf_put_scalar(w, "f64", META_F64, &(double){0.1});
    gguf_put_bool(w, "yes", true);
    gguf_put_bool(w, "no", false);
    gguf_put_str(w, "empty", "");
    gguf_put_bytes(w, "bytes", "a\0\xFF", 3);
    gguf_put_strings(w, "words", words, 3);
    gguf_put_array(w, "floats", META_F32, (float[]){1, -2.5f}, 2);
    gguf_put_array(w, "shorts", META_I16, (int16_t[]){-1, 2, 3}, 3);
    gguf_put_array(w, "longs", META_U64, (uint64_t[]){UINT64_MAX, 7}, 2);
    gguf_put_array(w, "none", META_U32, NULL, 0);
}

static const char *write_sample(uint64_t alignment, const char *name)
{
    struct err err = ERR_INIT;
    static char path[5000];
    snprintf(path, sizeof path, "%s/%s", test_dir(), name);
    struct gguf_writer w;
    gguf_writer_init(&w);
    w.alignment = alignment;
    put_all_types(&w);
    gguf_put_tensor(&w, "matrix", DTYPE_F32, 2, (uint64_t[]){2, 3});
    gguf_put_tensor(&w, "scalar", DTYPE_F16, 0, NULL);
    gguf_put_tensor(&w, "blocks", DTYPE_Q8_0, 3, (uint64_t[]){2, 1, 64});
    assert_ok(gguf_writer_begin(&w, path, &err));
    float matrix[6] = {1, 2, 3, 4, 5, 6};
    uint8_t rest[2 + 4 * 34];
    for (size_t i = 0; i < sizeof rest; i++)
        rest[i] = (uint8_t)i;
    assert_ok(gguf_writer_data(&w, matrix, 5, &err)); /* in pieces that respect nothing */
    assert_ok(gguf_writer_data(&w, (char *)matrix + 5, sizeof matrix - 5, &err));
    assert_ok(gguf_writer_data(&w, rest, sizeof rest, &err));
    assert_ok(gguf_writer_finish(&w, &err));
    gguf_writer_release(&w);
    return path;
}

static void all_types_are_read_back(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    const uint64_t alignments[] = {32, 1, 4096};
    for (size_t a = 0; a < 3; a++) {
        const char *path = write_sample(alignments[a], "sample.gguf");
        struct model_file *f;
        assert_ok(model_file_open(&f, path, &err));
        assert_string_equal(model_file_format(f), "gguf");
        assert_string_equal(model_file_path(f), path);
        assert_string_equal(model_file_dir(f), test_dir());
        uint64_t u = 0;
        double d = 0;
        bool b = false;
        struct meta_string s;
        assert_int_equal(model_file_meta_u64(f, "u8", &u, &err), 1);
        assert_int_equal(u, 200);
        assert_err(model_file_meta_u64(f, "i8", &u, &err), ERR_INPUT, "'i8': expected a number from 0, found -5");
        assert_int_equal(model_file_meta(f, "i8")->i, -5);
        assert_int_equal(model_file_meta_u64(f, "u16", &u, &err), 1);
        assert_int_equal(u, 60000);
        assert_int_equal(model_file_meta(f, "i16")->i, -300);
        assert_int_equal(model_file_meta_u64(f, "u32", &u, &err), 1);
        assert_int_equal(u, 4000000000u);
        assert_int_equal(model_file_meta_f64(f, "i32", &d, &err), 1);
        assert_true(d == -70000);
        assert_int_equal(model_file_meta_u64(f, "u64", &u, &err), 1);
        assert_true(u == UINT64_MAX);
        assert_true(model_file_meta(f, "i64")->i == INT64_MIN);
        assert_int_equal(model_file_meta_f64(f, "f32", &d, &err), 1);
        assert_true(d == 1.5);
        assert_int_equal(model_file_meta_f64(f, "f64", &d, &err), 1);
        assert_true(d == 0.1);
        assert_int_equal(model_file_meta_bool(f, "yes", &b, &err), 1);
        assert_true(b);
        assert_int_equal(model_file_meta_bool(f, "no", &b, &err), 1);
        assert_false(b);
        assert_err(model_file_meta_bool(f, "u8", &b, &err), ERR_INPUT, "'u8': expected a bool, found u8");
        assert_err(model_file_meta_u64(f, "f32", &u, &err), ERR_INPUT, "expected a whole number, found f32");
        assert_err(model_file_meta_f64(f, "words", &d, &err), ERR_INPUT, "expected a number, found array");
        assert_err(model_file_meta_str(f, "u8", &s, &err), ERR_INPUT, "expected a string, found u8");
        assert_int_equal(model_file_meta_str(f, "absent", &s, &err), 0);
        assert_int_equal(model_file_meta_str(f, "empty", &s, &err), 1);
        assert_int_equal(s.len, 0);
        assert_int_equal(model_file_meta_str(f, "bytes", &s, &err), 1);
        assert_int_equal(s.len, 3);
        assert_memory_equal(s.data, "a\0\xFF", 3);
        const struct meta *m = model_file_meta(f, "words");
        assert_int_equal(m->array.n, 3);
        for (size_t i = 0; i < 3; i++) {
            assert_int_equal(m->array.strings[i].len, words[i].len);
            assert_memory_equal(m->array.strings[i].data, words[i].data, words[i].len);
        }
        m = model_file_meta(f, "floats");
        assert_true(meta_item_f64(m, 0) == 1 && meta_item_f64(m, 1) == -2.5 && meta_item_i64(m, 1) == -2);
        m = model_file_meta(f, "shorts");
        assert_true(meta_item_i64(m, 0) == -1 && meta_item_f64(m, 2) == 3);
        m = model_file_meta(f, "longs");
        assert_true(meta_item_i64(m, 0) == INT64_MAX && meta_item_i64(m, 1) == 7 && meta_item_f64(m, 0) == 0x1p64);
        assert_int_equal(model_file_meta(f, "none")->array.n, 0);

        assert_int_equal(model_file_n_tensors(f), 3);
        const struct tensor *t = model_file_tensor(f, "matrix");
        assert_true(t->type == DTYPE_F32 && t->n_dims == 2 && t->dims[0] == 2 && t->dims[1] == 3 && t->dims[2] == 1);
        assert_int_equal(t->bytes, 24);
        float six[6];
        memcpy(six, t->data, sizeof six);
        for (int i = 0; i < 6; i++)
            assert_true(six[i] == (float)(i + 1));
        t = model_file_tensor(f, "scalar");
        assert_true(t->n_dims == 0 && t->bytes == 2 && t->dims[0] == 1);
        assert_memory_equal(t->data, "\0\1", 2);
        t = model_file_tensor(f, "blocks");
        assert_true(t->dims[0] == 2 && t->dims[1] == 1 && t->dims[2] == 64 && t->bytes == 4 * 34);
        assert_int_equal(((const uint8_t *)t->data)[0], 2);
        assert_null(model_file_tensor(f, "matri"));
        assert_null(model_file_tensor(f, "matrixx"));
        model_file_close(f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_types_are_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
