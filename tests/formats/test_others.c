/* Files that the formats' own libraries wrote (tools/gen_format_samples.py) are read as they were meant. */
#include "support/testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/model_file.h"

#define SAMPLE(name) SOURCE_DIR "/tests/fuzz/corpus/" name

static void assert_string(const struct meta_string *s, const char *want)
{
    assert_int_equal(s->len, strlen(want));
    assert_memory_equal(s->data, want, s->len);
}

static void gguf_by_gguf_py(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    static const char *const paths[] = {SAMPLE("gguf/all.gguf"), SAMPLE("gguf/align64.gguf")};
    for (size_t i = 0; i < 2; i++) {
        struct model_file *f;
        uint64_t u;
        double d;
        bool b;
        struct meta_string s;
        assert_ok(model_file_open(&f, paths[i], &err));
        assert_true(model_file_meta_u64(f, "t.u8", &u, &err) == 1 && u == 200);
        assert_int_equal(model_file_meta(f, "t.i8")->i, -5);
        assert_true(model_file_meta_u64(f, "t.u16", &u, &err) == 1 && u == 60000);
        assert_int_equal(model_file_meta(f, "t.i16")->i, -300);
        assert_true(model_file_meta_u64(f, "t.u32", &u, &err) == 1 && u == 4000000000u);
        assert_int_equal(model_file_meta(f, "t.i32")->i, -70000);
        assert_true(model_file_meta_u64(f, "t.u64", &u, &err) == 1 && u == UINT64_MAX);
        assert_true(model_file_meta(f, "t.i64")->i == INT64_MIN);
        assert_true(model_file_meta_f64(f, "t.f32", &d, &err) == 1 && d == 1.5);
        assert_true(model_file_meta_f64(f, "t.f64", &d, &err) == 1 && d == 0.1);
        assert_true(model_file_meta_bool(f, "t.bool", &b, &err) == 1 && b);
        assert_true(model_file_meta_str(f, "t.string", &s, &err) == 1);
        assert_string(&s, "grüße");
        const struct meta *m = model_file_meta(f, "t.strings");
        assert_int_equal(m->array.n, 3);
        assert_string(&m->array.strings[1], "ω");
        m = model_file_meta(f, "t.ints");
        assert_true(m->array.n == 3 && meta_item_i64(m, 0) == -1 && meta_item_i64(m, 2) == 3);
        m = model_file_meta(f, "t.floats");
        assert_true(m->array.n == 2 && meta_item_f64(m, 0) == 0.5 && meta_item_f64(m, 1) == -2);
        m = model_file_meta(f, "t.bools");
        assert_true(m->array.n == 2 && meta_item_i64(m, 0) == 1 && meta_item_i64(m, 1) == 0);
        assert_int_equal(model_file_n_tensors(f), 3);
        const struct tensor *t = model_file_tensor(f, "matrix");
        float last;
        assert_true(t->type == DTYPE_F32 && t->n_dims == 2 && t->dims[0] == 2 && t->dims[1] == 3);
        memcpy(&last, (const char *)t->data + 20, sizeof last);
        assert_true(last == 5);
        t = model_file_tensor(f, "half");
        assert_true(t->type == DTYPE_F16 && t->n_dims == 1 && t->dims[0] == 4);
        assert_memory_equal((const char *)t->data + 2, "\0\x3C", 2);
        t = model_file_tensor(f, "blocks");
        assert_true(t->type == DTYPE_Q8_0 && t->dims[0] == 2 && t->dims[1] == 32 && t->bytes == 68);
        assert_int_equal(((const int8_t *)t->data)[2], -127); /* -1 is the largest of its block */
        assert_int_equal(((const int8_t *)t->data)[67], 127);
        model_file_close(f);
    }
    static const char *const vocabularies[] = {SAMPLE("gguf/vocabulary.gguf"), SAMPLE("gguf/version2.gguf")};
    for (size_t i = 0; i < 2; i++) {
        struct model_file *f;
        assert_ok(model_file_open(&f, vocabularies[i], &err));
        assert_int_equal(model_file_n_tensors(f), 0);
        const struct meta *m = model_file_meta(f, "tokenizer.ggml.tokens");
        assert_true(m->array.n == 3);
        assert_string(&m->array.strings[2], "ab");
        assert_int_equal(meta_item_i64(model_file_meta(f, "tokenizer.ggml.token_type"), 2), 3);
        model_file_close(f);
    }
}

static void safetensors_by_safetensors(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct model_file *f;
    assert_ok(model_file_open(&f, SAMPLE("safetensors/several.safetensors"), &err));
    assert_int_equal(model_file_n_tensors(f), 6);
    const struct tensor *t = model_file_tensor(f, "f32");
    float last;
    assert_true(t->type == DTYPE_F32 && t->n_dims == 2 && t->dims[0] == 2 && t->dims[1] == 3);
    memcpy(&last, (const char *)t->data + 20, sizeof last);
    assert_true(last == 5);
    t = model_file_tensor(f, "i64");
    int64_t big;
    memcpy(&big, (const char *)t->data + 8, sizeof big);
    assert_true(t->type == DTYPE_I64 && big == 1ll << 40);
    t = model_file_tensor(f, "bool");
    assert_true(t->type == DTYPE_BOOL && ((const uint8_t *)t->data)[0] == 1 && ((const uint8_t *)t->data)[1] == 0);
    t = model_file_tensor(f, "scalar");
    assert_true(t->type == DTYPE_U8 && t->n_dims == 0 && *(const uint8_t *)t->data == 7);
    t = model_file_tensor(f, "empty");
    assert_true(t->n_dims == 2 && t->dims[0] == 0 && t->dims[1] == 4 && t->bytes == 0);
    model_file_close(f);
    assert_ok(model_file_open(&f, SAMPLE("safetensors/narrow.safetensors"), &err));
    t = model_file_tensor(f, "f8");
    assert_true(t->type == DTYPE_F8_E4M3 && t->bytes == 3);
    assert_memory_equal(t->data, "\4\5\6", 3);
    model_file_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gguf_by_gguf_py),
        cmocka_unit_test(safetensors_by_safetensors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
