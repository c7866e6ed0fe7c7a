/* What a path may mean: folders with shards, one GGUF or several, split models, members of a folder, the cache. */
#include "support/testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "formats/gguf_write.h"
#include "formats/model_file.h"
#include "formats/resolve.h"
#include "support/alloc_fail.h"

/* "DIR/name" with the folder made: strings live until the fifth next call. */
static const char *at(const char *folder, const char *name)
{
    static char paths[8][5000];
    static unsigned next;
    struct err err = ERR_INIT;
    char *p = paths[next++ % 8];
    snprintf(p, sizeof paths[0], "%s/%s", test_dir(), folder);
    assert_ok(file_mkdirs(p, &err));
    if (*name)
        snprintf(p + strlen(p), sizeof paths[0] - strlen(p), "/%s", name);
    return p;
}

static void put(const char *folder, const char *name, const char *text)
{
    struct err err = ERR_INIT;
    assert_ok(file_write(at(folder, name), text, strlen(text), &err));
}

/* Tensors of one float each. */
static void put_safetensors(const char *folder, const char *name, const char *const *tensors, size_t n)
{
    struct err err = ERR_INIT;
    struct buf b = BUF_INIT(1 << 20), header = BUF_INIT(1 << 20);
    for (size_t i = 0; i < n; i++)
        buf_printf(&header, "%s\"%s\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[%zu,%zu]}", i ? "," : "{", tensors[i],
                   4 * i, 4 * i + 4);
    buf_str(&header, "}");
    uint64_t length = header.len;
    buf_add(&b, &length, sizeof length);
    buf_add(&b, header.data, header.len);
    for (size_t i = 0; i < n; i++)
        buf_add(&b, &(float){(float)i + 1}, 4);
    assert_ok(file_write(at(folder, name), b.data, b.len, &err));
    buf_release(&b);
    buf_release(&header);
}

static void put_gguf(const char *folder, const char *name, const char *tensor, int no, int count, int total)
{
    struct err err = ERR_INIT;
    struct gguf_writer w;
    gguf_writer_init(&w);
    gguf_put_str(&w, "general.architecture", no > 0 ? "of a later part" : "first");
    if (count > 0) {
        gguf_put_scalar(&w, "split.no", META_U16, &(uint16_t){(uint16_t)no});
        gguf_put_scalar(&w, "split.count", META_U16, &(uint16_t){(uint16_t)count});
        gguf_put_scalar(&w, "split.tensors.count", META_I32, &(int32_t){total});
    }
    w.alignment = no == 1 ? 64 : 32; /* each part has its own */
    gguf_put_tensor(&w, tensor, DTYPE_F32, 1, (uint64_t[]){1});
    assert_ok(gguf_writer_begin(&w, at(folder, name), &err));
    assert_ok(gguf_writer_data(&w, &(float){(float)no + 10}, 4, &err));
    assert_ok(gguf_writer_finish(&w, &err));
    gguf_writer_release(&w);
}

static float value(const struct model_file *f, const char *name)
{
    float v;
    const struct tensor *t = model_file_tensor(f, name);
    if (!t)
        fail_msg("no tensor '%s'", name);
    memcpy(&v, t->data, sizeof v);
    return v;
}

static void a_folder_of_one_file(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct model_file *f;
    put_safetensors("one", "model.safetensors", (const char *[]){"w"}, 1);
    put("one", "config.json", "{\"model_type\": \"llama\"}");
    put("one", "generation_config.json", "{\"eos_token_id\": [1, 2]}");
    put("one", "tokenizer.json", "{}");
    put("one", "README.gguf", "not looked at: the folder has safetensors");
    static const char *const ways[] = {"", "config.json", "model.safetensors", "tokenizer.json"};
    for (size_t i = 0; i < 4; i++) {
        assert_ok(model_file_open(&f, at("one", ways[i]), &err));
        assert_string_equal(model_file_format(f), "safetensors");
        assert_string_equal(model_file_path(f), at("one", ""));
        assert_string_equal(model_file_dir(f), at("one", ""));
        assert_true(value(f, "w") == 1);
        assert_string_equal(json_string_value(json_object_get(model_file_config(f), "model_type")), "llama");
        assert_int_equal(json_array_size(json_object_get(model_file_generation_config(f), "eos_token_id")), 2);
        assert_int_equal(model_file_n_files(f), 1);
        char hex[65];
        assert_ok(model_file_sha256(f, hex, NULL, NULL, &err));
        model_file_close(f);
    }
    char slashed[5100];
    snprintf(slashed, sizeof slashed, "%s//", at("one", ""));
    assert_ok(model_file_open(&f, slashed, &err));
    assert_string_equal(model_file_path(f), at("one", ""));
    model_file_close(f);

    put("one", "config.json", "{\"model_type\": \n \"llama\",, }");
    assert_err(model_file_open(&f, at("one", ""), &err), ERR_INPUT, "config.json':2:");
    put("one", "config.json", "{\"a\": 1, \"a\": 2}");
    assert_err(model_file_open(&f, at("one", ""), &err), ERR_INPUT, "duplicate object key");
    put("one", "config.json", "[]");
    assert_err(model_file_open(&f, at("one", ""), &err), ERR_INPUT, "expected a JSON object");
}

static void a_file_of_another_name_is_itself(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct model_file *f;
    put_safetensors("other", "adapter.safetensors", (const char *[]){"w", "v"}, 2);
    assert_ok(model_file_open(&f, at("other", "adapter.safetensors"), &err));
    assert_string_equal(model_file_path(f), at("other", "adapter.safetensors"));
    assert_null(model_file_config(f));
    model_file_close(f);
    assert_ok(model_file_open(&f, at("other", ""), &err)); /* the only one of its folder */
    assert_int_equal(model_file_n_tensors(f), 2);
    model_file_close(f);
    put_safetensors("other", "second.safetensors", (const char *[]){"w"}, 1);
    assert_err(model_file_open(&f, at("other", ""), &err), ERR_USAGE, "holds 2 safetensors and no index");
    assert_non_null(strstr(err.text, "'adapter.safetensors'"));
    assert_non_null(strstr(err.text, "'second.safetensors'"));
}

static void shards_follow_their_index(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct model_file *f;
    put_safetensors("shards", "model-00001-of-00002.safetensors", (const char *[]){"a", "b", "both"}, 3);
    put_safetensors("shards", "model-00002-of-00002.safetensors", (const char *[]){"both", "c"}, 2);
    put("shards", "model.safetensors.index.json",
        "{\"metadata\":{},\"weight_map\":{\"a\":\"model-00001-of-00002.safetensors\","
        "\"b\":\"model-00001-of-00002.safetensors\",\"both\":\"model-00002-of-00002.safetensors\","
        "\"c\":\"model-00002-of-00002.safetensors\"}}");
    static const char *const ways[] = {"", "model-00002-of-00002.safetensors", "model.safetensors.index.json"};
    for (size_t i = 0; i < 3; i++) {
        assert_ok(model_file_open(&f, at("shards", ways[i]), &err));
        assert_int_equal(model_file_n_tensors(f), 4);
        assert_int_equal(model_file_n_files(f), 2);
        assert_non_null(strstr(model_file_file_at(f, 1), "model-00002-of-00002.safetensors"));
        assert_true(value(f, "a") == 1 && value(f, "b") == 2 && value(f, "both") == 1 && value(f, "c") == 2);
        model_file_close(f);
    }
    put("shards", "model.safetensors.index.json",
        "{\"weight_map\":{\"a\":\"model-00001-of-00002.safetensors\",\"c\":\"model-00002-of-00002.safetensors\"}}");
    assert_err(model_file_open(&f, at("shards", ""), &err), ERR_INPUT, "tensor 'both' occurs twice");
    static const struct {
        const char *index;
        enum err_code code;
        const char *part;
    } wrong[] = {
        {"{\"weight_map\":{\"a\":\"../one/model.safetensors\"}}", ERR_INPUT, "expected the name of a file in the same folder"},
        {"{\"weight_map\":{\"a\":\"..\"}}", ERR_INPUT, "expected the name of a file in the same folder"},
        {"{\"weight_map\":{\"a\":7}}", ERR_INPUT, "tensor 'a': expected the name"},
        {"{\"weight_map\":{\"z\":\"model-00001-of-00002.safetensors\"}}", ERR_INPUT, "tensor 'z' is not in 'model-00001"},
        {"{\"weight_map\":{\"a\":\"model-00003-of-00002.safetensors\"}}", ERR_IO, "cannot open"},
        {"{\"weight_map\":{}}", ERR_INPUT, "expected 'weight_map'"},
        {"{}", ERR_INPUT, "expected 'weight_map'"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        put("shards", "model.safetensors.index.json", wrong[i].index);
        assert_err(model_file_open(&f, at("shards", ""), &err), wrong[i].code, wrong[i].part);
    }
}

static void one_gguf_or_a_list(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct model_file *f;
    put_gguf("ggufs", "b.gguf", "w", 0, 0, 0);
    assert_ok(model_file_open(&f, at("ggufs", ""), &err));
    assert_string_equal(model_file_format(f), "gguf");
    assert_string_equal(model_file_path(f), at("ggufs", "b.gguf"));
    assert_string_equal(model_file_dir(f), at("ggufs", ""));
    model_file_close(f);
    put_gguf("ggufs", "a.gguf", "w", 0, 0, 0);
    assert_err(model_file_open(&f, at("ggufs", ""), &err), ERR_USAGE, "holds 2 GGUF models: 'a.gguf', 'b.gguf'");

    put("tokenizer", "tokenizer.json", "{}");
    assert_ok(model_file_open(&f, at("tokenizer", ""), &err));
    assert_string_equal(model_file_format(f), "tokenizer");
    assert_int_equal(model_file_n_tensors(f), 0);
    assert_int_equal(model_file_n_files(f), 0);
    assert_ok(model_file_verify(f, NULL, NULL, &err));
    model_file_close(f);
    assert_err(model_file_open(&f, at("empty", ""), &err), ERR_INPUT, "holds no model");
    put("pickle", "pytorch_model.bin", "x");
    put("pickle", "tokenizer.json", "{}");
    assert_err(model_file_open(&f, at("pickle", ""), &err), ERR_INPUT, "is not a PyTorch file");
    put("strange", "x.gguf", "PK\003\004");
    assert_err(model_file_open(&f, at("strange", "x.gguf"), &err), ERR_INPUT, "zip archive without its directory");
    put("strange", "y.gguf", "version https://git-lfs.github.com/spec/v1\n");
    assert_err(model_file_open(&f, at("strange", "y.gguf"), &err), ERR_UNSUPPORTED, "Git LFS pointer");
    put("strange", "z.gguf", "hello, this is no model at all");
    assert_err(model_file_open(&f, at("strange", "z.gguf"), &err), ERR_INPUT, "not a model file that prony knows");
    assert_err(model_file_open(&f, at("strange", "absent"), &err), ERR_IO, "no such file or folder");
}

static void split_models_open_by_any_part(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct model_file *f;
    put_gguf("split", "m-00001-of-00003.gguf", "a", 0, 3, 3);
    put_gguf("split", "m-00002-of-00003.gguf", "b", 1, 3, 3);
    put_gguf("split", "m-00003-of-00003.gguf", "c", 2, 3, 3);
    static const char *const ways[] = {"", "m-00001-of-00003.gguf", "m-00002-of-00003.gguf", "m-00003-of-00003.gguf"};
    for (size_t i = 0; i < 4; i++) {
        struct meta_string s;
        assert_ok(model_file_open(&f, at("split", ways[i]), &err));
        assert_string_equal(model_file_path(f), at("split", "m-00001-of-00003.gguf"));
        assert_int_equal(model_file_n_files(f), 3);
        assert_true(value(f, "a") == 10 && value(f, "b") == 11 && value(f, "c") == 12);
        assert_int_equal(model_file_meta_str(f, "general.architecture", &s, &err), 1);
        assert_int_equal(s.len, strlen("first"));
        model_file_close(f);
    }
    put_gguf("split", "m-00002-of-00003.gguf", "a", 1, 3, 3);
    assert_err(model_file_open(&f, at("split", ""), &err), ERR_INPUT, "tensor 'a' occurs twice");
    put_gguf("split", "m-00002-of-00003.gguf", "b", 2, 3, 3);
    assert_err(model_file_open(&f, at("split", ""), &err), ERR_INPUT, "its name says part 2 of 3, its metadata part 3 of 3");
    assert_int_equal(unlink(at("split", "m-00002-of-00003.gguf")), 0);
    assert_err(model_file_open(&f, at("split", ways[3]), &err), ERR_IO, "has 3 parts: cannot open");
    put_gguf("split", "m-00002-of-00003.gguf", "b", 1, 3, 3);
    put_gguf("split", "m-00001-of-00003.gguf", "a", 0, 3, 4);
    assert_err(model_file_open(&f, at("split", ""), &err), ERR_INPUT, "hold 3 tensors, expected 4");
    put_gguf("split", "m-00001-of-00003.gguf", "a", 0, 4, 3);
    assert_err(model_file_open(&f, at("split", ""), &err), ERR_INPUT, "its name says part 1 of 3, its metadata part 1 of 4");

    unsigned no, count;
    assert_int_equal(gguf_split_stem("a/m-00012-of-00345.gguf", &no, &count), 3);
    assert_true(no == 12 && count == 345);
    static const char *const plain[] = {"m.gguf", "-00001-of-00003.gguf", "m-0001-of-00003.gguf", "m-00000-of-00003.gguf",
                                        "m-00004-of-00003.gguf", "m-0000a-of-00003.gguf", "m-00001-of-00003.gguf.part"};
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        assert_int_equal(gguf_split_stem(plain[i], &no, &count), 0);
}

static void the_cache_is_looked_at(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct model_file *f;
    char home[5000];
    snprintf(home, sizeof home, "%s", at("home", ""));
    unsetenv("HF_HUB_CACHE");
    setenv("HF_HOME", home, 1);
    assert_err(model_file_open(&f, "Org/Repo", &err), ERR_IO, "the hub's cache does not have it");
    assert_non_null(strstr(err.hint, "prony model pull Org/Repo"));
    put_safetensors("home/hub/models--Org--Repo/snapshots/abc123", "model.safetensors", (const char *[]){"old"}, 1);
    assert_ok(model_file_open(&f, "Org/Repo", &err)); /* the only snapshot, without a ref */
    assert_non_null(model_file_tensor(f, "old"));
    model_file_close(f);
    put_safetensors("home/hub/models--Org--Repo/snapshots/def456", "model.safetensors", (const char *[]){"new"}, 1);
    assert_err(model_file_open(&f, "Org/Repo", &err), ERR_IO, "no such");
    put("home/hub/models--Org--Repo/refs", "main", "def456\n");
    assert_ok(model_file_open(&f, "Org/Repo", &err));
    assert_non_null(model_file_tensor(f, "new"));
    assert_non_null(strstr(model_file_dir(f), "snapshots/def456"));
    model_file_close(f);
    put("home/hub/models--Org--Repo/refs", "main", "../../../../etc");
    assert_err(model_file_open(&f, "Org/Repo", &err), ERR_INPUT, "expected a commit in hexadecimal");
    static const char *const no_repos[] = {"Org/Repo/x", "/Org", "Org/", "../Repo", "Org/..", "~/Repo", "Org/Re po", "Org"};
    for (size_t i = 0; i < sizeof no_repos / sizeof *no_repos; i++)
        assert_err(model_file_open(&f, no_repos[i], &err), ERR_IO, "no such file or folder");
    put("home/hub/models--Org--Repo/refs", "main", "def456\n");
}

static int open_path(void *arg, struct err *err)
{
    struct model_file *f;
    TRY(model_file_open(&f, arg, err));
    model_file_close(f);
    return 0;
}

static void memory_may_run_out(void **state)
{
    (void)state;
    char path[5000];
    put_safetensors("memory", "model-1.safetensors", (const char *[]){"a", "b"}, 2);
    put_safetensors("memory", "model-2.safetensors", (const char *[]){"c"}, 1);
    put("memory", "model.safetensors.index.json",
        "{\"weight_map\":{\"a\":\"model-1.safetensors\",\"b\":\"model-1.safetensors\",\"c\":\"model-2.safetensors\"}}");
    put("memory", "config.json", "{\"model_type\":\"llama\"}");
    snprintf(path, sizeof path, "%s", at("memory", "config.json"));
    assert_survives_out_of_memory(open_path, path);
    put_safetensors("memory1", "some.safetensors", (const char *[]){"a", "b"}, 2);
    snprintf(path, sizeof path, "%s", at("memory1", ""));
    assert_survives_out_of_memory(open_path, path);
    put_gguf("memory2", "m-00001-of-00002.gguf", "a", 0, 2, 2);
    put_gguf("memory2", "m-00002-of-00002.gguf", "b", 1, 2, 2);
    snprintf(path, sizeof path, "%s", at("memory2", "m-00002-of-00002.gguf"));
    assert_survives_out_of_memory(open_path, path);
    snprintf(path, sizeof path, "%s", at("memory2", ""));
    assert_survives_out_of_memory(open_path, path);
    assert_survives_out_of_memory(open_path, (void *)(uintptr_t)"Org/Repo");
    assert_survives_out_of_memory(open_path, (void *)(uintptr_t)(SOURCE_DIR "/data/stories260k/stories260K.bin"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_folder_of_one_file),          cmocka_unit_test(a_file_of_another_name_is_itself),
        cmocka_unit_test(shards_follow_their_index),     cmocka_unit_test(one_gguf_or_a_list),
        cmocka_unit_test(split_models_open_by_any_part), cmocka_unit_test(the_cache_is_looked_at),
        cmocka_unit_test(memory_may_run_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
