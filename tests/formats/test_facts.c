/* What files say of themselves: the vocabularies of GGUF and of several families' config.json, and what is unknown. */
#include "support/testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "formats/facts.h"
#include "formats/gguf_write.h"
#include "support/alloc_fail.h"

static void put(const char *name, const char *text)
{
    struct err err = ERR_INIT;
    char path[5000];
    snprintf(path, sizeof path, "%s/%s", test_dir(), name);
    assert_ok(file_write(path, text, strlen(text), &err));
}

static void put_weights(const char *header, size_t data)
{
    struct err err = ERR_INIT;
    struct buf b = BUF_INIT(1 << 20);
    char path[5000];
    uint64_t n = strlen(header);
    buf_add(&b, &n, sizeof n);
    buf_str(&b, header);
    while (data-- > 0)
        buf_char(&b, '\0');
    snprintf(path, sizeof path, "%s/model.safetensors", test_dir());
    assert_ok(file_write(path, b.data, b.len, &err));
    buf_release(&b);
}

#define T(name, dtype, shape, offsets) \
    "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":[" shape "],\"data_offsets\":[" offsets "]}"

static void facts_of(struct file_facts *x, const char *path)
{
    struct err err = ERR_INIT;
    struct model_file *f;
    assert_ok(model_file_open(&f, path, &err));
    assert_ok(file_facts(x, f, &err));
    model_file_close(f);
}

static void folders_of_several_families(void **state)
{
    (void)state;
    struct file_facts x;
    /* GPT-2: its own words, a causal mask that is no weight, tied unless it has an lm_head */
    put("config.json", "{\"model_type\":\"gpt2\",\"n_layer\":2,\"n_embd\":8,\"n_head\":4,\"n_positions\":16,\"vocab_size\":5}");
    put("tokenizer_config.json", "{\"model_max_length\": 1000000000000000019884624838656, \"chat_template\": \"T\"}");
    put_weights("{" T("wte.weight", "F16", "5,8", "0,80") "," T("h.0.attn.bias", "F32", "1,1,2,2", "80,96") "," T(
                    "h.0.attn.c_attn.bias", "F32", "24", "96,192") "}", 192);
    facts_of(&x, test_dir());
    assert_string_equal(x.architecture, "gpt2");
    assert_string_equal(x.quantization, "f16");
    assert_int_equal(x.parameters, 5 * 8 + 24);
    assert_true(x.layers == 2 && x.hidden == 8 && x.heads == 4 && x.kv_heads == 4 && x.context == 16 && x.vocabulary == 5);
    assert_int_equal(x.tied, 1);
    assert_string_equal(x.chat_template, "T");
    file_facts_release(&x);

    /* a model of text and pictures keeps its numbers one level down; named templates; an own output matrix */
    put("config.json", "{\"model_type\":\"qwen3_5\",\"text_config\":{\"num_hidden_layers\":3,\"hidden_size\":8,"
                       "\"num_attention_heads\":4,\"num_key_value_heads\":2,\"vocab_size\":5,\"max_position_embeddings\":99}}");
    put("tokenizer_config.json", "{\"chat_template\": [{\"name\":\"tool\",\"template\":\"A\"},"
                                 "{\"name\":\"default\",\"template\":\"B\"}]}");
    put_weights("{" T("a", "BF16", "4,4", "0,32") "," T("lm_head.weight", "F32", "4,4", "32,96") "}", 96);
    facts_of(&x, test_dir());
    assert_string_equal(x.architecture, "qwen3_5");
    assert_true(x.layers == 3 && x.hidden == 8 && x.heads == 4 && x.kv_heads == 2 && x.context == 99);
    assert_string_equal(x.quantization, "mixed f32/bf16");
    assert_int_equal(x.tied, 0);
    assert_string_equal(x.chat_template, "B");
    file_facts_release(&x);

    /* chat_template.jinja decides; packed integers are not parameters; config.json's word on tying decides */
    put("chat_template.jinja", "J");
    put("config.json", "{\"tie_word_embeddings\":true}");
    put_weights("{" T("lm_head.qweight", "I32", "4,4", "0,64") "," T("lm_head.weight", "F16", "2,2", "64,72") "}", 72);
    facts_of(&x, test_dir());
    assert_string_equal(x.architecture, "");
    assert_int_equal(x.parameters, -1);
    assert_int_equal(x.tied, 1);
    assert_int_equal(x.layers, -1);
    assert_int_equal(x.kv_heads, -1);
    assert_string_equal(x.chat_template, "J");
    file_facts_release(&x);
    put("chat_template.jinja", "");
}

static void ggufs(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct gguf_writer w;
    struct file_facts x;
    char path[5000];
    snprintf(path, sizeof path, "%s/x.gguf", test_dir());
    gguf_writer_init(&w);
    gguf_put_str(&w, "general.architecture", "gemma9"); /* prony need not know it */
    gguf_put_u32(&w, "gemma9.block_count", 3);
    gguf_put_u64(&w, "gemma9.context_length", 131072);
    gguf_put_u32(&w, "gemma9.embedding_length", 256);
    gguf_put_array(&w, "gemma9.attention.head_count", META_I32, (int32_t[]){0, 8, 8}, 3);
    gguf_put_u32(&w, "llama.attention.head_count_kv", 1); /* another's */
    gguf_put_strings(&w, "tokenizer.ggml.tokens", (struct meta_string[]){{"a", 1}, {"b", 1}}, 2);
    gguf_put_str(&w, "tokenizer.chat_template", "C");
    gguf_put_tensor(&w, "token_embd.weight", DTYPE_Q6_K, 2, (uint64_t[]){3, 256});
    gguf_put_tensor(&w, "blk.0.attn_q.weight", DTYPE_Q4_K, 2, (uint64_t[]){40, 256});
    gguf_put_tensor(&w, "blk.0.attn_norm.weight", DTYPE_F32, 1, (uint64_t[]){256});
    gguf_put_tensor(&w, "rope_freqs.weight", DTYPE_F32, 1, (uint64_t[]){64});
    assert_ok(gguf_writer_begin(&w, path, &err));
    for (uint64_t i = 0; i < w.ends[0] + 40 * 144 + 256 * 4 + 64 * 4; i++)
        assert_ok(gguf_writer_data(&w, "", 1, &err));
    assert_ok(gguf_writer_finish(&w, &err));
    gguf_writer_release(&w);
    facts_of(&x, path);
    assert_string_equal(x.architecture, "gemma9");
    assert_string_equal(x.quantization, "q4_k");
    assert_int_equal(x.parameters, 3 * 256 + 40 * 256 + 256);
    assert_true(x.layers == 3 && x.context == 131072 && x.hidden == 256 && x.heads == 8 && x.kv_heads == 8);
    assert_int_equal(x.vocabulary, 3); /* the embedding's rows, of which two have a token */
    assert_int_equal(x.tied, 1);
    assert_string_equal(x.chat_template, "C");
    file_facts_release(&x);

    struct model_file *f;
    gguf_writer_init(&w);
    gguf_put_str(&w, "general.architecture", "llama");
    gguf_put_str(&w, "llama.block_count", "three");
    struct buf b = BUF_INIT(1 << 20);
    assert_ok(gguf_writer_header(&w, &b, &err));
    assert_ok(model_file_open_bytes(&f, b.data, b.len, "x.gguf", &err));
    assert_err(file_facts(&x, f, &err), ERR_INPUT, "'llama.block_count': expected a whole number, found string");
    file_facts_release(&x);
    model_file_close(f);
    gguf_writer_release(&w);
    buf_release(&b);
}

static int attempt(void *arg, struct err *err)
{
    struct file_facts x = {0};
    struct model_file *f;
    TRY(model_file_open(&f, arg, err));
    int rc = file_facts(&x, f, err);
    file_facts_release(&x);
    model_file_close(f);
    return rc;
}

static void memory_may_run_out(void **state)
{
    (void)state;
    char path[5000];
    snprintf(path, sizeof path, "%s/chat_template.jinja", test_dir());
    remove(path);
    put("tokenizer_config.json", "{\"chat_template\": \"T\"}");
    snprintf(path, sizeof path, "%s", test_dir());
    assert_survives_out_of_memory(attempt, path);
    put("tokenizer_config.json", "{\"chat_template\": \"T\",,}");
    struct err err = ERR_INIT;
    assert_err(attempt(path, &err), ERR_INPUT, "tokenizer_config.json':1:");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folders_of_several_families),
        cmocka_unit_test(ggufs),
        cmocka_unit_test(memory_may_run_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
