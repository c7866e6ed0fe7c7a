/* Recipes against llama.cpp's choices; made-up models; quantized files. */
#include "support/testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "formats/model_file.h"
#include "transform/recipe.h"
#include "transform/synth.h"

static const struct {
    const char *shape, *dims;
    struct recipe_model model;
} models[] = {
    {"tinyllama", "hidden=256,layers=16,heads=8,kv_heads=2,head_dim=32,ffn=512,vocabulary=512,context=128",
     {.layers = 16, .heads = 8, .kv_heads = 2}},
    {"qwen2.5-0.5b", "hidden=224,layers=8,heads=7,kv_heads=1,head_dim=32,ffn=1000,vocabulary=512,context=128",
     {.layers = 8, .heads = 7, .kv_heads = 1, .tied = true}},
    {"gpt2", "hidden=256,layers=12,heads=8,kv_heads=8,head_dim=32,ffn=1024,vocabulary=512,context=128",
     {.layers = 12, .heads = 8, .kv_heads = 8, .tied = true}},
};

static char *synth(size_t i, const char *recipe, uint64_t seed, const char *name)
{
    struct err err = ERR_INIT;
    const struct synth_shape *known;
    struct synth_shape shape;
    char *path = path_join(test_dir(), name, &err);
    assert_ok(synth_find(&known, models[i].shape, &err));
    shape = *known;
    assert_ok(synth_parse_dims(&shape, models[i].dims, &err));
    assert_ok(synth_write(&shape, recipe, seed, path, NULL, NULL, &err));
    return path;
}

static void recipes_choose_as_llama_cpp_does(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct buf text = BUF_INIT(1 << 20);
    size_t compared = 0;
    struct model_file *files[3];
    assert_ok(file_read(&text, SOURCE_DIR "/tests/transform/golden/recipes.txt", 1 << 20, &err));
    for (size_t i = 0; i < 3; i++) {
        char *path = synth(i, "f16", 1, "recipe.gguf");
        assert_ok(model_file_open(&files[i], path, &err));
        free(path);
    }
    char *lines = NULL, *words = NULL;
    for (char *line = strtok_r(text.data, "\n", &lines); line; line = strtok_r(NULL, "\n", &lines)) {
        if (line[0] == '#')
            continue;
        const char *label = strtok_r(line, " ", &words);
        const struct recipe *r;
        size_t i = (size_t)(label[0] - 'a');
        assert_true(i < 3);
        assert_ok(recipe_find(&r, label + 2, &err));
        for (char *word = strtok_r(NULL, " ", &words); word; word = strtok_r(NULL, " ", &words)) {
            char *type = strchr(word, ':');
            assert_non_null(type);
            *type++ = '\0';
            const struct tensor *t = model_file_tensor(files[i], word);
            assert_non_null(t);
            struct recipe_choice c = recipe_choose(r, &models[i].model, t);
            /* gpt2's position table is converted to F16 beforehand there; here it begins as F32 and stays */
            if (strcmp(word, "position_embd.weight") != 0 && strcmp(dtype_name(c.type), type) != 0)
                fail_msg("%s: %s is %s, llama.cpp has %s", label, word, dtype_name(c.type), type);
            compared++;
        }
    }
    assert_true(compared > 3000);
    for (size_t i = 0; i < 3; i++)
        model_file_close(files[i]);
    buf_release(&text);
}

static void recipes_have_names(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    const struct recipe *r;
    assert_ok(recipe_find(&r, "Q4_K", &err));
    assert_string_equal(recipe_name(r), "q4_k_m");
    assert_int_equal(recipe_file_type(r), 15);
    assert_err(recipe_find(&r, "q4_k_x", &err), ERR_USAGE, "'q4_k_x' is not a quantization");
    assert_true(strstr(err.hint, "q4_k_") != NULL);
}

static void made_up_models_are_whole_and_repeatable(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    static const char *const recipes[] = {"f16", "bf16", "q8_0", "q4_0", "q4_k_m", "q2_k", "q3_k_m"};
    for (size_t i = 0; i < 3; i++) {
        for (size_t q = 0; q < sizeof recipes / sizeof recipes[0]; q++) {
            char *one = synth(i, recipes[q], 7, "one.gguf"), *two = synth(i, recipes[q], 7, "two.gguf");
            char *other = synth(i, recipes[q], 8, "other.gguf");
            struct file_map a, b, c;
            struct model_file *f;
            assert_ok(file_map(&a, one, &err));
            assert_ok(file_map(&b, two, &err));
            assert_ok(file_map(&c, other, &err));
            assert_int_equal(a.size, b.size);
            assert_memory_equal(a.data, b.data, a.size);
            assert_int_equal(a.size, c.size);
            assert_true(memcmp(a.data, c.data, a.size) != 0);
            assert_ok(model_file_open(&f, one, &err));
            assert_ok(model_file_verify(f, &err));
            const struct meta *tokens = model_file_meta(f, "tokenizer.ggml.tokens");
            assert_int_equal(tokens->array.n, 512);
            for (size_t t = 0; t < 512; t++)
                for (size_t u = t + 1; u < 512; u++)
                    assert_false(tokens->array.strings[t].len == tokens->array.strings[u].len &&
                                 memcmp(tokens->array.strings[t].data, tokens->array.strings[u].data,
                                        tokens->array.strings[t].len) == 0);
            model_file_close(f);
            file_unmap(&a);
            file_unmap(&b);
            file_unmap(&c);
            free(one);
            free(two);
            free(other);
        }
    }
}

static void dims_are_checked(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    const struct synth_shape *known;
    assert_err(synth_find(&known, "llama-3.2-1B", &err), ERR_USAGE, "'llama-3.2-1B' is not a shape");
    assert_string_equal(err.hint, "did you mean 'llama-3.2-1b'?");
    assert_ok(synth_find(&known, "tinyllama", &err));
    static const struct {
        const char *dims, *part;
    } wrong[] = {
        {"hiden=4", "found 'hiden=4'"},        {"hidden", "found 'hidden'"},     {"hidden=x", "found 'x'"},
        {"layers=0", "outside 1 to"},          {"heads=7,kv_heads=2", "evenly"}, {"head_dim=3", "even number"},
        {"vocabulary=100", "at least 512"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct synth_shape s = *known;
        assert_err(synth_parse_dims(&s, wrong[i].dims, &err), ERR_USAGE, wrong[i].part);
    }
    struct synth_shape s = *known;
    assert_ok(synth_parse_dims(&s, "hidden=512,heads=8,kv_heads=8", &err));
    assert_int_equal(s.head_dim, 64);
    assert_int_equal(s.layers, known->layers);
    assert_err(synth_write(&s, "q8_0", 1, "/nonexistent/x.gguf", NULL, NULL, &err), ERR_IO, "/nonexistent/x.gguf");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recipes_choose_as_llama_cpp_does),
        cmocka_unit_test(recipes_have_names),
        cmocka_unit_test(made_up_models_are_whole_and_repeatable),
        cmocka_unit_test(dims_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
