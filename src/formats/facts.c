#include "formats/facts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "formats/table.h"

enum { SIDECAR_MAX_BYTES = 64 << 20 };

/* ---- weights ----------------------------------------------------------------------------------------------------- */

/* Rotary tables and causal masks that some writers store beside the weights. */
static bool is_buffer(const struct tensor *t)
{
    static const char *const ends[] = {"rotary_emb.inv_freq", ".attn.masked_bias", "rope_freqs.weight",
                                       "rope_factors_long.weight", "rope_factors_short.weight"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        if (str_ends(t->name, ends[i]))
            return true;
    }
    return str_ends(t->name, ".attn.bias") && t->n_dims == 4; /* GPT-2's causal mask */
}

static bool is_integer(enum dtype t)
{
    return t == DTYPE_I8 || t == DTYPE_I16 || t == DTYPE_I32 || t == DTYPE_I64 || t == DTYPE_U8 || t == DTYPE_BOOL;
}

static void count_weights(struct file_facts *out, const struct model_file *f)
{
    uint64_t values[DTYPE_COUNT] = {0}, matrices[DTYPE_COUNT] = {0}, sum = 0, all_matrices = 0, integer_bytes = 0, bytes = 0;
    for (size_t i = 0; i < f->n_tensors; i++) {
        const struct tensor *t = &f->tensors[i];
        uint64_t n = t->bytes / dtype_block_bytes(t->type) * dtype_block(t->type);
        if (is_buffer(t))
            continue;
        bytes += t->bytes;
        integer_bytes += is_integer(t->type) ? t->bytes : 0;
        values[t->type] += n;
        matrices[t->type] += t->n_dims > 1 ? n : 0;
    }
    for (int t = 0; t < DTYPE_COUNT; t++) {
        sum += is_integer((enum dtype)t) ? 0 : values[t];
        all_matrices += matrices[t];
    }
    if (integer_bytes * 2 <= bytes)
        out->parameters = (int64_t)sum;
    if (all_matrices == 0) {
        memcpy(matrices, values, sizeof matrices);
        all_matrices = sum;
    }
    int first = 0, second = -1;
    for (int t = 1; t < DTYPE_COUNT; t++)
        first = matrices[t] > matrices[first] ? t : first;
    for (int t = 0; t < DTYPE_COUNT; t++) {
        if (t != first && matrices[t] > 0 && (second < 0 || matrices[t] > matrices[second]))
            second = t;
    }
    if (matrices[first] == 0)
        return;
    if (second >= 0 && matrices[first] < all_matrices - all_matrices / 10) /* below nine tenths */
        snprintf(out->quantization, sizeof out->quantization, "mixed %s/%s", dtype_name((enum dtype)first),
                 dtype_name((enum dtype)second));
    else
        snprintf(out->quantization, sizeof out->quantization, "%s", dtype_name((enum dtype)first));
}

static const struct tensor *first_of(const struct model_file *f, const char *const *names)
{
    const struct tensor *t = NULL;
    for (; *names && !t; names++)
        t = model_file_tensor(f, *names);
    return t;
}

/* ---- GGUF -------------------------------------------------------------------------------------------------------- */

/* ARCHITECTURE.key; of an array with a number a layer, the first that is not 0 (some layers may have no attention). */
static int gguf_number(int64_t *out, const struct model_file *f, const char *architecture, const char *key, struct err *err)
{
    char name[160];
    uint64_t v;
    snprintf(name, sizeof name, "%s.%s", architecture, key);
    const struct meta *m = model_file_meta(f, name);
    if (m && m->type == META_ARRAY && m->array.type != META_STRING) {
        for (uint64_t i = 0; i < m->array.n; i++) {
            if (meta_item_i64(m, i) > 0) {
                *out = meta_item_i64(m, i);
                break;
            }
        }
        return 0;
    }
    int found = model_file_meta_u64(f, name, &v, err);
    if (found > 0 && v <= INT64_MAX)
        *out = (int64_t)v;
    return found < 0 ? -1 : 0;
}

static int from_gguf(struct file_facts *out, const struct model_file *f, struct err *err)
{
    struct meta_string s = {"", 0};
    TRY(model_file_meta_str(f, "general.architecture", &s, err));
    snprintf(out->architecture, sizeof out->architecture, "%s", shown(s.data, s.len).text);
    const char *a = out->architecture;
    TRY(gguf_number(&out->context, f, a, "context_length", err));
    TRY(gguf_number(&out->layers, f, a, "block_count", err));
    TRY(gguf_number(&out->hidden, f, a, "embedding_length", err));
    TRY(gguf_number(&out->heads, f, a, "attention.head_count", err));
    TRY(gguf_number(&out->kv_heads, f, a, "attention.head_count_kv", err));
    TRY(gguf_number(&out->vocabulary, f, a, "vocab_size", err));
    const struct meta *tokens = model_file_meta(f, "tokenizer.ggml.tokens");
    if (tokens && tokens->type == META_ARRAY)
        out->vocabulary = (int64_t)tokens->array.n;
    const struct tensor *embedding = model_file_tensor(f, "token_embd.weight");
    if (embedding && embedding->n_dims == 2)
        out->vocabulary = (int64_t)embedding->dims[0];
    if (embedding)
        out->tied = !model_file_tensor(f, "output.weight");
    s.len = 0;
    TRY(model_file_meta_str(f, "tokenizer.chat_template", &s, err));
    if (s.len > 0) {
        out->chat_template = mem_strndup(s.data, s.len, err);
        return out->chat_template ? 0 : -1;
    }
    return 0;
}

/* ---- config.json ------------------------------------------------------------------------------------------------- */

static void config_number(int64_t *out, const json_t *config, const char *const *keys)
{
    for (; *keys; keys++) {
        const json_t *v = json_object_get(config, *keys);
        if (json_is_number(v) && json_number_value(v) >= 0 && json_number_value(v) < 0x1p62) {
            *out = (int64_t)json_number_value(v);
            return;
        }
    }
}

#define KEYS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void from_config(struct file_facts *out, const struct model_file *f)
{
    const json_t *top = f->config, *c = top, *text = json_object_get(top, "text_config");
    if (json_is_object(text) && !json_object_get(top, "num_hidden_layers"))
        c = text; /* a model of text and pictures: the part that writes */
    const char *type = json_string_value(json_object_get(top, "model_type"));
    if (type)
        snprintf(out->architecture, sizeof out->architecture, "%s", shown(type, strlen(type)).text);
    config_number(&out->context, c, KEYS("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len", "seq_length"));
    config_number(&out->vocabulary, c, KEYS("vocab_size"));
    config_number(&out->layers, c, KEYS("num_hidden_layers", "n_layer", "n_layers", "num_layers"));
    config_number(&out->hidden, c, KEYS("hidden_size", "n_embd", "d_model", "dim"));
    config_number(&out->heads, c, KEYS("num_attention_heads", "n_head", "n_heads", "num_heads"));
    config_number(&out->kv_heads, c, KEYS("num_key_value_heads", "n_head_kv", "num_kv_heads", "n_kv_heads"));
    if (json_is_true(json_object_get(c, "multi_query")))
        out->kv_heads = 1;
    const json_t *packed = json_object_get(top, "quantization_config");
    if (str_eq(json_string_value(json_object_get(packed, "quant_method")), "bitsandbytes")) {
        const char *kind = json_string_value(json_object_get(packed, "bnb_4bit_quant_type"));
        bool eight = json_is_true(json_object_get(packed, "load_in_8bit"));
        snprintf(out->quantization, sizeof out->quantization, "bitsandbytes %.12s", eight ? "int8" : kind ? shown(kind, strlen(kind)).text : "4-bit");
    }
    const json_t *tied = json_object_get(top, "tie_word_embeddings");
    if (json_is_boolean(tied))
        out->tied = json_is_true(tied);
    else if (f->n_tensors > 0)
        out->tied = !first_of(f, KEYS("lm_head.weight", "embed_out.weight", "output.weight"));
}

/* The template in tokenizer_config.json: a text, or a list of named ones of which "default" is meant. */
static const char *template_of(const json_t *config)
{
    const json_t *v = json_object_get(config, "chat_template"), *entry;
    size_t i;
    if (json_is_string(v))
        return json_string_value(v);
    json_array_foreach(v, i, entry)
    {
        if (str_eq(json_string_value(json_object_get(entry, "name")), "default"))
            return json_string_value(json_object_get(entry, "template"));
    }
    return NULL;
}

/* chat_template.jinja decides, then tokenizer_config.json. */
static int read_template(struct file_facts *out, const struct model_file *f, struct err *err)
{
    int rc = -1;
    struct buf text = BUF_INIT(SIDECAR_MAX_BYTES + (128 << 10));
    char *jinja = path_join(f->dir, "chat_template.jinja", err), *sidecar = path_join(f->dir, "tokenizer_config.json", err);
    if (!jinja || !sidecar)
        goto out;
    if (file_exists(jinja)) {
        if (file_read(&text, jinja, SIDECAR_MAX_BYTES, err) == 0)
            out->chat_template = buf_take(&text, err);
        rc = out->chat_template ? 0 : -1;
    } else if (file_exists(sidecar)) {
        json_error_t where;
        if (file_read(&text, sidecar, SIDECAR_MAX_BYTES, err) < 0)
            goto out;
        /* numbers as reals: model_max_length is 1e30 written out where it is unknown */
        json_t *config = json_loadb(text.data ? text.data : "", text.len, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL,
                                    &where);
        if (!config) {
            err_set(err, where.text[0] ? ERR_INPUT : ERR_MEMORY, "'%s':%d:%d: %s", sidecar, where.line, where.column,
                    where.text[0] ? where.text : "out of memory");
            goto out;
        }
        const char *template = template_of(config);
        if (template)
            out->chat_template = mem_strdup(template, err);
        rc = template && !out->chat_template ? -1 : 0;
        json_decref(config);
    } else {
        rc = 0;
    }
out:
    buf_release(&text);
    free(jinja);
    free(sidecar);
    return rc;
}

int file_facts(struct file_facts *out, const struct model_file *f, struct err *err)
{
    *out = (struct file_facts){.parameters = -1, .context = -1, .vocabulary = -1, .layers = -1, .hidden = -1, .heads = -1,
                               .kv_heads = -1, .tied = -1};
    if (f->n_tensors > 0)
        count_weights(out, f);
    if (f->n_metas > 0) {
        TRY(from_gguf(out, f, err));
    } else {
        if (f->config)
            from_config(out, f);
        if (f->dir[0])
            TRY(read_template(out, f, err));
    }
    if (out->kv_heads < 0)
        out->kv_heads = out->heads; /* both formats leave it out where every head has its own */
    return 0;
}

void file_facts_release(struct file_facts *facts)
{
    free(facts->chat_template);
    facts->chat_template = NULL;
}
