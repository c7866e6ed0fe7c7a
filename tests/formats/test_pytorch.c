/* Files as PyTorch writes them (tools/gen_pytorch_samples.py), value by value. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/model_file.h"
#include "support/golden.h"
#include "support/testing.h"

#define SAMPLES SOURCE_DIR "/tests/formats/pytorch/"

static double value(const struct tensor *t, size_t i)
{
    const char *p = (const char *)t->data + i * dtype_block_bytes(t->type);
    union {
        float f;
        double d;
        int64_t l;
        int32_t i;
        int16_t s;
        uint32_t u;
    } v = {0};
    memcpy(&v, p, dtype_block_bytes(t->type));
    switch (t->type) {
    case DTYPE_F32: return (double)v.f;
    case DTYPE_F64: return v.d;
    case DTYPE_I64: return (double)v.l;
    case DTYPE_I32: return v.i;
    case DTYPE_I16: return v.s;
    case DTYPE_I8: return *(const int8_t *)p;
    case DTYPE_U8: case DTYPE_BOOL: return *(const uint8_t *)p;
    case DTYPE_BF16: v.u <<= 16; return (double)v.f;
    case DTYPE_F16: { /* normal ones alone are in the samples */
        int exponent = (int)(v.u >> 10 & 31);
        double m = 1 + (v.u & 1023) / 1024.0;
        return ldexp(v.u >> 15 & 1 ? -m : m, exponent - 15);
    }
    default: return NAN;
    }
}

static void check(const char *path, const char *expected)
{
    static const struct {
        const char *torch;
        enum dtype type;
    } types[] = {{"float32", DTYPE_F32}, {"float16", DTYPE_F16}, {"bfloat16", DTYPE_BF16}, {"float64", DTYPE_F64},
                 {"int64", DTYPE_I64},   {"int32", DTYPE_I32},   {"int16", DTYPE_I16},     {"int8", DTYPE_I8},
                 {"uint8", DTYPE_U8},    {"bool", DTYPE_BOOL}};
    struct err err = ERR_INIT;
    struct model_file *f;
    const char *name;
    json_t *golden = golden_load(expected), *want;
    assert_ok(model_file_open(&f, path, &err));
    assert_string_equal(model_file_format(f), "pytorch");
    assert_int_equal(model_file_n_tensors(f), json_object_size(golden));
    json_object_foreach(golden, name, want)
    {
        const struct tensor *t = model_file_tensor(f, name);
        json_t *shape = json_object_get(want, "shape"), *values = json_object_get(want, "values");
        assert_non_null(t);
        assert_int_equal(t->n_dims, json_array_size(shape));
        for (size_t i = 0; i < json_array_size(shape); i++)
            assert_int_equal(t->dims[i], json_integer_value(json_array_get(shape, i)));
        for (size_t i = 0; i < sizeof types / sizeof *types; i++)
            if (strcmp(types[i].torch, json_string_value(json_object_get(want, "type"))) == 0)
                assert_int_equal(t->type, types[i].type);
        assert_int_equal(t->bytes, json_array_size(values) * dtype_block_bytes(t->type));
        for (size_t i = 0; i < json_array_size(values); i++)
            if (value(t, i) != json_number_value(json_array_get(values, i)))
                fail_msg("%s: %s[%zu] is %g", path, name, i, value(t, i));
    }
    json_decref(golden);
    model_file_close(f);
}

static void every_protocol_is_read(void **state)
{
    (void)state;
    for (int protocol = 2; protocol <= 5; protocol++) {
        char path[128], golden[128];
        snprintf(path, sizeof path, SAMPLES "protocol%d.pt", protocol);
        snprintf(golden, sizeof golden, "tests/formats/pytorch/protocol%d.json", protocol);
        check(path, golden);
    }
}

static void shards_are_one_model(void **state)
{
    (void)state;
    check(SAMPLES "hf", "tests/formats/pytorch/hf.json");
    check(SAMPLES "hf/pytorch_model.bin.index.json", "tests/formats/pytorch/hf.json");
}

/* A tied weight and the views of a storage lie in the map; what is turned round does not. */
static void nothing_is_copied_that_lies_in_order(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct model_file *f;
    assert_ok(model_file_open(&f, SAMPLES "protocol2.pt", &err));
    const char *shared = model_file_tensor(f, "shared")->data;
    assert_ptr_equal(model_file_tensor(f, "tied")->data, shared);
    assert_ptr_equal(model_file_tensor(f, "rows")->data, shared + 6 * sizeof(float));
    const char *turned = model_file_tensor(f, "turned")->data;
    assert_true(turned < shared || turned > shared + 24 * sizeof(float));
    model_file_close(f);
}

static void metas_names_become_transformers(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        double epsilon;
        int context;
    } files[] = {{SAMPLES "meta", 1e-6, 4096}, {SAMPLES "llama2c.pt", 1e-5, 32}};
    for (size_t i = 0; i < 2; i++) {
        struct err err = ERR_INIT;
        struct model_file *f;
        assert_ok(model_file_open(&f, files[i].path, &err));
        assert_int_equal(model_file_n_tensors(f), 12);
        assert_int_equal(model_file_tensor(f, "model.layers.0.mlp.gate_proj.weight")->dims[0], 12);
        assert_non_null(model_file_tensor(f, "lm_head.weight"));
        const json_t *c = model_file_config(f);
        assert_int_equal(json_integer_value(json_object_get(c, "hidden_size")), 8);
        assert_int_equal(json_integer_value(json_object_get(c, "num_attention_heads")), 2);
        assert_int_equal(json_integer_value(json_object_get(c, "max_position_embeddings")), files[i].context);
        assert_true(json_number_value(json_object_get(c, "rms_norm_eps")) == files[i].epsilon);
        assert_true(json_is_true(json_object_get(c, "rope_interleave")));
        model_file_close(f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_protocol_is_read), cmocka_unit_test(shards_are_one_model),
        cmocka_unit_test(nothing_is_copied_that_lies_in_order), cmocka_unit_test(metas_names_become_transformers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
