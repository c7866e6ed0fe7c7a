/* convert_folder.c - a Hugging Face folder that transformers loads. Weights come last: a folder without them is no model. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "tokenizers/export.h"
#include "transform/convert_parts.h"

enum { SIDECAR_MAX = 1 << 30 };

static int write_text(const char *dir, const char *name, struct buf *text, struct err *err)
{
    char *path = buf_check(text, err) == 0 ? path_join(dir, name, err) : NULL;
    int rc = path ? file_write(path, text->data ? text->data : "", text->len, err) : -1;
    free(path);
    return rc;
}

static const char *torch_name(enum dtype t)
{
    return t == DTYPE_F32 ? "float32" : t == DTYPE_F16 ? "float16" : "bfloat16";
}

static void write_id(struct json_out *j, const char *key, int32_t id)
{
    json_out_key(j, key);
    if (id >= 0)
        json_out_int(j, id);
    else
        json_out_null(j);
}

static void write_ids(struct json_out *j, const struct conversion *c)
{
    const struct model_config *k = &c->config;
    const struct tokenizer *t = model_tokenizer(c->model);
    uint64_t pad = UINT64_MAX;
    model_file_meta_u64(c->model->file, "tokenizer.ggml.padding_token_id", &pad, NULL);
    write_id(j, "bos_token_id", t ? tokenizer_bos(t) : -1);
    write_id(j, "pad_token_id", pad < (uint64_t)k->vocabulary ? (int32_t)pad : -1); /* null: transformers' default may not exist */
    if (k->n_eos == 1) {
        write_id(j, "eos_token_id", k->eos[0]);
        return;
    }
    json_out_key(j, "eos_token_id");
    if (k->n_eos == 0) {
        json_out_null(j);
        return;
    }
    json_out_open(j, '[');
    for (int i = 0; i < k->n_eos; i++)
        json_out_int(j, k->eos[i]);
    json_out_close(j);
}

/* ---- config.json ------------------------------------------------------------------------------------------------- */

static int make_configs(const struct conversion *c, const char *dir, struct err *err)
{
    struct buf text = BUF_INIT(SIDECAR_MAX);
    struct json_out j = JSON_OUT_PRETTY(&text);
    const struct arch *arch = c->model->arch;
    json_out_open(&j, '{');
    json_out_key(&j, "architectures");
    json_out_open(&j, '[');
    json_out_text(&j, arch->hf_class);
    json_out_close(&j);
    hf_write_text(&j, "model_type", arch->hf_types[0]);
    arch->write_hf(&j, &c->config);
    write_ids(&j, c);
    hf_write_text(&j, "torch_dtype", torch_name(c->type));
    json_out_close(&j);
    buf_char(&text, '\n');
    int rc = write_text(dir, "config.json", &text, err);
    buf_clear(&text);
    j = (struct json_out)JSON_OUT_PRETTY(&text);
    json_out_open(&j, '{');
    write_ids(&j, c);
    json_out_close(&j);
    buf_char(&text, '\n');
    if (rc == 0)
        rc = write_text(dir, "generation_config.json", &text, err);
    buf_release(&text);
    return rc;
}

/* The folder's own config.json, but for the type of the weights and how they were packed. */
static int copy_config(const struct conversion *c, const char *dir, struct err *err)
{
    json_t *config = json_copy((json_t *)model_file_config(c->model->file));
    bool old = json_object_get(config, "dtype") == NULL;
    if (!config || json_object_set_new(config, old ? "torch_dtype" : "dtype", json_string(torch_name(c->type))) < 0) {
        json_decref(config);
        return err_set(err, ERR_MEMORY, "out of memory");
    }
    json_object_del(config, "quantization_config");
    char *dumped = json_dumps(config, JSON_INDENT(2) | JSON_ENSURE_ASCII);
    json_decref(config);
    if (!dumped)
        return err_set(err, ERR_MEMORY, "out of memory");
    struct buf text = BUF_INIT(SIDECAR_MAX);
    buf_str(&text, dumped);
    buf_char(&text, '\n');
    free(dumped);
    int rc = write_text(dir, "config.json", &text, err);
    buf_release(&text);
    return rc;
}

/* ---- the tokenizer ----------------------------------------------------------------------------------------------- */

static void write_token(struct json_out *j, const char *key, const struct vocabulary_table *v, int32_t id)
{
    json_out_key(j, key);
    if (id >= 0)
        json_out_text_len(j, v->pieces[id].text, v->pieces[id].len);
    else
        json_out_null(j);
}

static int make_tokenizer(const struct conversion *c, const struct tokenizer *t, const char *dir, struct err *err)
{
    struct vocabulary_table v;
    struct buf text = BUF_INIT(SIDECAR_MAX);
    struct json_out j = JSON_OUT_PRETTY(&text);
    int rc = tokenizer_write_json(&text, t, err);
    if (rc == 0)
        rc = write_text(dir, "tokenizer.json", &text, err);
    buf_clear(&text);
    if (rc < 0 || vocabulary_table(&v, t, err) < 0) {
        buf_release(&text);
        return -1;
    }
    json_out_open(&j, '{');
    hf_write_text(&j, "tokenizer_class", "PreTrainedTokenizerFast");
    write_token(&j, "bos_token", &v, v.bos);
    write_token(&j, "eos_token", &v, v.eos);
    write_token(&j, "unk_token", &v, v.unk);
    hf_write_bool(&j, "clean_up_tokenization_spaces", false);
    hf_write_int(&j, "model_max_length", c->config.context);
    if (v.chat_template)
        hf_write_text(&j, "chat_template", v.chat_template);
    json_out_close(&j);
    buf_char(&text, '\n');
    rc = write_text(dir, "tokenizer_config.json", &text, err);
    vocabulary_table_release(&v);
    buf_release(&text);
    return rc;
}

static int copy_file(const char *from, const char *dir, const char *name, bool *copied, struct err *err)
{
    struct buf text = BUF_INIT(SIDECAR_MAX);
    char *path = path_join(from, name, err);
    int rc = path ? 0 : -1;
    if (rc == 0 && file_exists(path)) {
        rc = file_read(&text, path, SIDECAR_MAX, err);
        if (rc == 0)
            rc = write_text(dir, name, &text, err);
        *copied = true;
    }
    buf_release(&text);
    free(path);
    return rc;
}

static int copy_sidecars(const struct conversion *c, const char *dir, bool *tokenizer, struct err *err)
{
    static const char *const names[] = {"generation_config.json", "tokenizer_config.json", "special_tokens_map.json",
                                        "added_tokens.json", "chat_template.jinja", "vocab.json", "merges.txt"};
    bool other = false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        TRY(copy_file(model_file_dir(c->model->file), dir, names[i], &other, err));
    TRY(copy_file(model_file_dir(c->model->file), dir, "tokenizer.json", tokenizer, err));
    return copy_file(model_file_dir(c->model->file), dir, "tokenizer.model", tokenizer, err);
}

/* A folder of transformers' own keeps its files; of anything else they are made. */
static int write_sidecars(struct conversion *c, const char *dir, struct err *err)
{
    const struct model *m = c->model;
    const struct tokenizer *t = NULL;
    struct err why = ERR_INIT;
    bool has_tokenizer = false;
    char *config = path_join(model_file_dir(m->file), "config.json", err);
    if (!config)
        return -1;
    bool folder = !m->is_gguf && strcmp(model_file_format(m->file), "llama2c") != 0 && file_exists(config);
    free(config);
    if (folder) {
        TRY(copy_config(c, dir, err));
        TRY(copy_sidecars(c, dir, &has_tokenizer, err));
    } else if (!m->arch->write_hf) {
        return err_set(err, ERR_UNSUPPORTED, "'%s': no config.json is known for architecture '%s'", model_file_path(m->file),
                       m->arch->name);
    } else {
        TRY(make_configs(c, dir, err));
    }
    c->report->has_tokenizer = has_tokenizer;
    if (has_tokenizer || (model_need_tokenizer(&t, m, &why) < 0 && why.code == ERR_MISSING))
        return 0;
    if (!t)
        return err_set(err, why.code, "%s", why.text);
    c->report->has_tokenizer = true;
    return make_tokenizer(c, t, dir, err);
}

static int add_bytes(void *to, const void *bytes, size_t n, struct err *err)
{
    return safetensors_writer_data(to, bytes, n, err);
}

int write_folder(struct conversion *c, const char *dir, struct err *err)
{
    struct safetensors_writer w;
    char *path = path_join(dir, "model.safetensors", err);
    if (!path)
        return -1;
    safetensors_writer_init(&w);
    for (size_t i = 0; i < c->plan.n; i++)
        safetensors_put(&w, c->plan.tensors[i].name, c->plan.tensors[i].type, c->plan.tensors[i].n_dims, c->plan.tensors[i].dims);
    int rc = file_mkdirs(dir, err);
    if (rc == 0)
        rc = safetensors_writer_begin(&w, path, err);
    if (rc == 0)
        rc = write_all_planned(c, &(struct sink){add_bytes, &w}, err);
    if (rc == 0)
        rc = write_sidecars(c, dir, err);
    if (rc == 0)
        rc = safetensors_writer_finish(&w, err);
    safetensors_writer_release(&w);
    free(path);
    return rc;
}
