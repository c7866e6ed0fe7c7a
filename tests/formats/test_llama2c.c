/* llama2.c checkpoints: the shipped one, files of both layouts built by hand, and headers that lie. */
#include "support/testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "formats/model_file.h"

static int64_t number(const struct model_file *f, const char *key)
{
    const json_t *v = json_object_get(model_file_config(f), key);
    assert_true(json_is_integer(v));
    return json_integer_value(v);
}

static float value(const struct model_file *f, const char *name, size_t i)
{
    float v;
    const struct tensor *t = model_file_tensor(f, name);
    if (!t)
        fail_msg("no tensor '%s'", name);
    memcpy(&v, (const uint8_t *)t->data + i * sizeof v, sizeof v);
    return v;
}

static void assert_shape(const struct model_file *f, const char *name, int n_dims, uint64_t rows, uint64_t columns)
{
    const struct tensor *t = model_file_tensor(f, name);
    if (!t)
        fail_msg("no tensor '%s'", name);
    assert_int_equal(t->n_dims, n_dims);
    assert_int_equal(t->dims[0], rows);
    assert_int_equal(t->dims[1], columns);
}

static void stories_open(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct model_file *f;
    char hex[65];
    assert_ok(model_file_open(&f, SOURCE_DIR "/data/stories260k/stories260K.bin", &err));
    assert_string_equal(model_file_format(f), "llama2c");
    assert_int_equal(model_file_n_tensors(f), 5 * 9 + 2);
    assert_int_equal(number(f, "hidden_size"), 64);
    assert_int_equal(number(f, "intermediate_size"), 172);
    assert_int_equal(number(f, "num_hidden_layers"), 5);
    assert_int_equal(number(f, "num_attention_heads"), 8);
    assert_int_equal(number(f, "num_key_value_heads"), 4);
    assert_int_equal(number(f, "vocab_size"), 512);
    assert_int_equal(number(f, "max_position_embeddings"), 512);
    assert_true(json_is_true(json_object_get(model_file_config(f), "tie_word_embeddings")));
    assert_true(json_is_true(json_object_get(model_file_config(f), "rope_interleave")));
    assert_shape(f, "model.layers.4.self_attn.k_proj.weight", 2, 32, 64);
    assert_shape(f, "model.layers.4.mlp.down_proj.weight", 2, 64, 172);
    assert_shape(f, "model.norm.weight", 1, 64, 1);
    assert_null(model_file_tensor(f, "lm_head.weight"));
    assert_ok(model_file_verify(f, NULL, NULL, &err));
    assert_ok(model_file_sha256(f, hex, NULL, NULL, &err));
    assert_string_equal(hex, "b0a507e7ad0f626624f17112325e66691f9076d622e1d3274d103d00299f2696");
    model_file_close(f);
}

/* dim 4, hidden 6, 2 layers, 2 heads, 1 kv head, vocabulary 3, context 5; every float is its own index in the file. */
static void build(struct buf *b, bool v1, bool shared)
{
    int32_t h[7] = {4, 6, 2, 2, 1, v1 || shared ? 3 : -3, 5};
    if (v1) {
        buf_add(b, &(uint32_t){0x616b3432}, 4);
        buf_add(b, &(int32_t){1}, 4);
    }
    buf_add(b, h, sizeof h);
    if (v1) {
        buf_char(b, shared);
        while (b->len < 256)
            buf_char(b, '\0');
    }
    size_t layer = 4 + 4 * 4 + 2 * 4 + 2 * 4 + 4 * 4 + 4 + 3 * 4 * 6;
    size_t n = 3 * 4 + 2 * layer + 4 + (v1 ? 0 : 2 * 5) + (shared ? 0 : 3 * 4);
    for (size_t i = 0; i < n; i++)
        buf_add(b, &(float){(float)i}, 4);
}

static void both_layouts_put_each_weight_where_it_is(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    for (int kind = 0; kind < 4; kind++) {
        bool v1 = kind & 1, shared = kind & 2;
        struct buf b = BUF_INIT(1 << 20);
        struct model_file *f;
        build(&b, v1, shared);
        assert_ok(model_file_open_bytes(&f, b.data, b.len, "x.bin", &err));
        assert_string_equal(model_file_format(f), "llama2c");
        assert_int_equal(number(f, "vocab_size"), 3);
        assert_int_equal(json_is_true(json_object_get(model_file_config(f), "tie_word_embeddings")), shared);
        /* v1: norms of both kinds (16), the last norm (4), embedding; legacy: embedding, attention norms (8) */
        size_t wq = v1 ? 16 + 4 + 12 : 12 + 8, wk = wq + 2 * 16, wv = wk + 2 * 8, wo = wv + 2 * 8, after = wo + 2 * 16;
        size_t w1 = after + (v1 ? 0 : 8), w2 = w1 + 2 * 24, w3 = w2 + 2 * 24, end = w3 + 2 * 24;
        assert_true(value(f, "model.embed_tokens.weight", 0) == (float)(v1 ? 20 : 0));
        assert_true(value(f, "model.layers.1.input_layernorm.weight", 0) == (float)(v1 ? 4 : 12 + 4));
        assert_true(value(f, "model.layers.1.post_attention_layernorm.weight", 0) == (float)(v1 ? 12 : after + 4));
        assert_true(value(f, "model.norm.weight", 3) == (float)(v1 ? 19 : end + 3));
        assert_true(value(f, "model.layers.0.self_attn.q_proj.weight", 0) == (float)wq);
        assert_true(value(f, "model.layers.1.self_attn.k_proj.weight", 7) == (float)(wk + 15));
        assert_true(value(f, "model.layers.0.self_attn.v_proj.weight", 0) == (float)wv);
        assert_true(value(f, "model.layers.1.self_attn.o_proj.weight", 0) == (float)(wo + 16));
        assert_true(value(f, "model.layers.0.mlp.gate_proj.weight", 0) == (float)w1);
        assert_true(value(f, "model.layers.1.mlp.down_proj.weight", 0) == (float)(w2 + 24));
        assert_true(value(f, "model.layers.0.mlp.up_proj.weight", 0) == (float)w3);
        assert_shape(f, "model.layers.0.mlp.down_proj.weight", 2, 4, 6);
        assert_shape(f, "model.layers.0.mlp.up_proj.weight", 2, 6, 4);
        if (shared)
            assert_null(model_file_tensor(f, "lm_head.weight"));
        else
            assert_true(value(f, "lm_head.weight", 0) == (float)(v1 ? end : end + 4 + 10));
        model_file_close(f);

        /* one float less or more, or cut anywhere: refused */
        b.len -= 4;
        assert_true(model_file_open_bytes(&f, b.data, b.len, "x.bin", NULL) < 0);
        b.len += 4;
        buf_add(&b, "\0\0\0\0", 4);
        assert_err(model_file_open_bytes(&f, b.data, b.len, "x.bin", &err), ERR_INPUT, "4 bytes after the last weight");
        for (size_t n = 0; n < b.len - 4; n++) {
            uint8_t *copy = malloc(n + 1);
            memcpy(copy, b.data, n);
            err_clear(&err);
            assert_true(model_file_open_bytes(&f, copy, n, "x.bin", &err) < 0 && err.text[0]);
            free(copy);
        }
        buf_release(&b);
    }
}

static void headers_that_lie_are_refused(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct model_file *f;
    static const struct {
        size_t i;
        int32_t v;
    } lies[] = {{0, 0},  {0, -4}, {0, 1 << 30}, {1, 0}, {1, INT32_MAX}, {2, 0},          {2, 1 << 20},
                {3, 0},  {3, 3},  {3, 4},       {4, 0}, {4, 3},         {4, -1},         {6, 0},
                {6, -1}, {5, 0},  {5, INT32_MIN}};
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        struct buf b = BUF_INIT(1 << 20);
        build(&b, true, true);
        memcpy(b.data + 8 + 4 * lies[i].i, &lies[i].v, 4);
        assert_err(model_file_open_bytes(&f, b.data, b.len, "x.bin", &err), ERR_INPUT, "the header makes no sense");
        buf_release(&b);
    }
    struct buf b = BUF_INIT(1 << 20);
    build(&b, true, true);
    b.data[4] = 2;
    assert_err(model_file_open_bytes(&f, b.data, b.len, "x.bin", &err), ERR_UNSUPPORTED, "llama2.c version 2");
    buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stories_open),
        cmocka_unit_test(both_layouts_put_each_weight_where_it_is),
        cmocka_unit_test(headers_that_lie_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
