/* convert_gguf.c - the head of a GGUF: what llama.cpp's loader asks for, and the vocabulary. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "tokenizers/export.h"
#include "transform/convert_parts.h"

#define KEY(name) "tokenizer.ggml." name

/* ---- the vocabulary ---------------------------------------------------------------------------------------------- */

static int put_tokens(struct gguf_writer *w, const struct vocabulary_table *v, size_t n, struct err *err)
{
    struct arena arena = ARENA_INIT((size_t)1 << 28);
    struct meta_string *texts = mem_alloc(n, sizeof *texts, err);
    int32_t *types = mem_alloc(n, sizeof *types, err);
    float *scores = mem_alloc(n, sizeof *scores, err);
    int rc = texts && types && scores ? 0 : -1;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        bool known = i < v->n && v->pieces[i].text;
        const char *text = known ? v->pieces[i].text : arena_printf(&arena, err, "[PAD%zu]", i);
        rc = text ? 0 : -1;
        texts[i] = (struct meta_string){text, known ? v->pieces[i].len : text ? strlen(text) : 0};
        types[i] = known ? v->types[i] : PIECE_UNUSED;
        scores[i] = known && v->scores ? v->scores[i] : -10000;
    }
    if (rc == 0) {
        gguf_put_strings(w, KEY("tokens"), texts, n);
        if (v->scored)
            gguf_put_array(w, KEY("scores"), META_F32, scores, n);
        gguf_put_array(w, KEY("token_type"), META_I32, types, n);
    }
    arena_release(&arena);
    free(texts);
    free(types);
    free(scores);
    return rc;
}

/* "left right"; a space inside a token has a stand-in, as everything that is not printable. */
static int put_merges(struct gguf_writer *w, const struct vocabulary_table *v, struct err *err)
{
    struct arena arena = ARENA_INIT((size_t)1 << 30);
    struct meta_string *texts = mem_alloc(v->n_merges, sizeof *texts, err);
    int rc = texts ? 0 : -1;
    for (size_t i = 0; rc == 0 && i < v->n_merges; i++) {
        const struct piece *l = &v->pieces[v->merges[i].left], *r = &v->pieces[v->merges[i].right];
        const char *text = arena_printf(&arena, err, "%.*s %.*s", (int)l->len, l->text, (int)r->len, r->text);
        rc = text ? 0 : -1;
        texts[i] = (struct meta_string){text, l->len + 1 + r->len};
    }
    if (rc == 0)
        gguf_put_strings(w, KEY("merges"), texts, v->n_merges);
    arena_release(&arena);
    free(texts);
    return rc;
}

static void put_id(struct gguf_writer *w, const char *key, int32_t id)
{
    if (id >= 0)
        gguf_put_u32(w, key, (uint32_t)id);
}

static int put_vocabulary(struct conversion *c, struct gguf_writer *w, struct err *err)
{
    const struct tokenizer *t = model_tokenizer(c->model);
    const char *path = model_file_path(c->model->file);
    size_t n = (size_t)c->config.vocabulary;
    struct vocabulary_table v;
    int pad = -1;
    if (!t) {
        struct err why = ERR_INIT;
        model_need_tokenizer(&t, c->model, &why);
        if (why.code != ERR_MISSING)
            return err_set(err, why.code, "%s", why.text);
        gguf_put_str(w, KEY("model"), "none");
        return 0;
    }
    TRY(vocabulary_table(&v, t, err));
    int rc = 0;
    for (size_t i = n; i < v.n && rc == 0; i++)
        if (v.pieces[i].text)
            rc = err_set(err, ERR_INPUT, "'%s': the tokenizer has the id %zu, the model only %zu", path, i, n);
    if (rc == 0) {
        gguf_put_str(w, KEY("model"), v.scored ? "llama" : "gpt2");
        gguf_put_str(w, KEY("pre"), v.scored ? "default" : v.pre);
        rc = put_tokens(w, &v, n, err);
    }
    if (rc == 0 && !v.scored)
        rc = put_merges(w, &v, err);
    put_id(w, KEY("bos_token_id"), v.bos);
    put_id(w, KEY("eos_token_id"), v.eos);
    put_id(w, KEY("unknown_token_id"), v.unk);
    if (model_file_config(c->model->file) && hf_int(&pad, c->model->file, "pad_token_id", 0, c->config.vocabulary - 1, NULL) > 0)
        put_id(w, KEY("padding_token_id"), pad);
    gguf_put_bool(w, KEY("add_bos_token"), v.add_bos);
    gguf_put_bool(w, KEY("add_eos_token"), v.add_eos);
    if (v.scored)
        gguf_put_bool(w, KEY("add_space_prefix"), v.space_prefix);
    if (v.chat_template)
        gguf_put_str(w, "tokenizer.chat_template", v.chat_template);
    vocabulary_table_release(&v);
    c->report->has_tokenizer = rc == 0;
    return rc;
}

/* ---- the model --------------------------------------------------------------------------------------------------- */

/* What the file says, GGUF cannot, and llama.cpp would compute otherwise. */
static int refuse(const struct conversion *c, struct err *err)
{
    const struct model *m = c->model;
    const struct model_config *k = &c->config;
    const char *path = model_file_path(m->file), *what = NULL;
    if (!m->arch->gguf_written) {
        err_set(err, ERR_UNSUPPORTED, "'%s': there is no GGUF of architecture '%s': llama.cpp does not define one", path,
                m->arch->name);
        return err_hint(err, "it can be converted to a Hugging Face folder");
    }
    if (k->activation != m->arch->gguf_activation)
        what = "an activation other than its architecture's usual one";
    else if (m->arch->unwritten && m->arch->unwritten(k))
        what = m->arch->unwritten(k);
    else if (!m->arch->unwritten && (k->scale_by_layer || k->attention_scale != (float)(1 / sqrt((double)k->head_dim))))
        what = "attention scores scaled in another way than by the size of heads";
    else if (k->rope.scaling && str_eq(rope_scaling_name(k->rope.scaling), "dynamic"))
        what = "dynamic RoPE";
    else if (k->rope.scaling && (!k->rope.truncate || k->rope.mscale > 0))
        what = "YaRN with 'truncate' or 'mscale'";
    if (what)
        return err_set(err, ERR_UNSUPPORTED, "'%s' has %s, for which GGUF has no word", path, what);
    return 0;
}

static void note_lost(const struct conversion *c)
{
    const struct model_config *k = &c->config;
    int window = k->window;
    for (int i = 0; k->windows && i < k->layers; i++)
        window = k->windows[i] > window ? k->windows[i] : window;
    if (window > 0 && window < k->context && !c->model->arch->gguf_windows)
        snprintf(c->report->lost, sizeof c->report->lost,
                 "the attention window of %d: llama.cpp has none for '%s', there all is seen", window, c->model->arch->gguf_written);
}

static uint32_t file_type(enum dtype t)
{
    return t == DTYPE_F32 ? 0 : t == DTYPE_F16 ? 1 : 32; /* llama_ftype */
}

static int put_head(struct conversion *c, struct gguf_writer *w, struct err *err)
{
    const struct arch *arch = c->model->arch;
    const char *name = path_base(model_file_dir(c->model->file));
    gguf_put_str(w, "general.architecture", arch->gguf_written);
    gguf_put_str(w, "general.type", "model");
    if (*name && strcmp(name, ".") != 0)
        gguf_put_str(w, "general.name", name);
    arch->write_gguf(&(struct gguf_out){w, arch->gguf_written}, &c->config);
    gguf_put_u32(w, "general.file_type", file_type(c->type));
    gguf_put_u32(w, "general.quantization_version", 2);
    return put_vocabulary(c, w, err);
}

static int add_bytes(void *to, const void *bytes, size_t n, struct err *err)
{
    return gguf_writer_data(to, bytes, n, err);
}

int write_gguf(struct conversion *c, const char *path, struct err *err)
{
    struct gguf_writer w;
    TRY(refuse(c, err));
    note_lost(c);
    gguf_writer_init(&w);
    int rc = put_head(c, &w, err);
    for (size_t i = 0; i < c->plan.n; i++)
        gguf_put_tensor(&w, c->plan.tensors[i].name, c->plan.tensors[i].type, c->plan.tensors[i].n_dims, c->plan.tensors[i].dims);
    if (rc == 0)
        rc = gguf_writer_begin(&w, path, err);
    if (rc == 0)
        rc = write_all_planned(c, &(struct sink){add_bytes, &w}, err);
    if (rc == 0)
        rc = gguf_writer_finish(&w, err);
    gguf_writer_release(&w);
    return rc;
}
