#include "models/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "models/arch.h"

/* What most of the matrices' bytes are stored as; a second type is named when it holds more than a twentieth. */
static void name_quantization(struct model *m)
{
    size_t bytes[DTYPE_COUNT] = {0}, total = 0;
    int first = 0, second = -1;
    for (size_t i = 0; i < model_file_n_tensors(m->file); i++) {
        const struct tensor *t = model_file_tensor_at(m->file, i);
        if (t->n_dims < 2)
            continue;
        bytes[t->type] += t->bytes;
        total += t->bytes;
    }
    for (int t = 1; t < DTYPE_COUNT; t++)
        first = bytes[t] > bytes[first] ? t : first;
    for (int t = 0; t < DTYPE_COUNT; t++)
        if (t != first && bytes[t] > total / 20 && (second < 0 || bytes[t] > bytes[second]))
            second = t;
    if (second < 0)
        snprintf(m->quantization, sizeof m->quantization, "%s", dtype_name((enum dtype)first));
    else
        snprintf(m->quantization, sizeof m->quantization, "mixed %s/%s", dtype_name((enum dtype)first),
                 dtype_name((enum dtype)second));
}

static int load(struct model *m, const char *path, bool with_tokenizer, struct err *err)
{
    TRY(model_file_open(&m->file, path, err));
    m->is_gguf = strcmp(model_file_format(m->file), "gguf") == 0;
    TRY(config_read(&m->config, &m->arch, m->file, &m->arena, err));
    TRY(unpack_bitsandbytes(m, err));
    TRY(bind_weights(m, err));
    if (m->packed)
        snprintf(m->quantization, sizeof m->quantization, "%s", m->packed);
    else
        name_quantization(m);
    const struct model_config *c = &m->config;
    m->facts = (struct model_facts){
        .parameters = m->facts.parameters, .bytes = model_file_bytes(m->file), .quantization = m->quantization,
        .context = c->context, .vocabulary = c->vocabulary, .layers = c->layers, .hidden = c->hidden, .heads = c->heads,
        .kv_heads = c->kv_heads, .head_dim = c->head_dim, .tied = c->tied,
    };
    if (with_tokenizer && tokenizer_open_from(&m->tokenizer, m->file, &m->tokenizer_err) < 0)
        m->tokenizer = NULL;
    return 0;
}

static int open_model(struct model **out, const char *path, bool with_tokenizer, struct err *err)
{
    struct model *m = mem_zalloc(1, sizeof *m, err);
    if (!m)
        return -1;
    m->arena = (struct arena)ARENA_INIT(SIZE_MAX / 2);
    if (load(m, path, with_tokenizer, err) < 0) {
        model_close(m);
        return -1;
    }
    *out = m;
    return 0;
}

int model_open(struct model **out, const char *path, struct err *err)
{
    return open_model(out, path, true, err);
}

int model_open_weights(struct model **out, const char *path, struct err *err)
{
    return open_model(out, path, false, err);
}

void model_close(struct model *m)
{
    if (!m)
        return;
    tokenizer_close(m->tokenizer);
    model_file_close(m->file);
    arena_release(&m->arena);
    free(m->unpacked);
    free(m->companions);
    free(m);
}

const char *model_architecture(const struct model *m)
{
    return m->arch->name;
}

const struct model_file *model_source(const struct model *m)
{
    return m->file;
}

const struct tokenizer *model_tokenizer(const struct model *m)
{
    return m->tokenizer;
}

int model_need_tokenizer(const struct tokenizer **out, const struct model *m, struct err *err)
{
    *out = m->tokenizer;
    if (m->tokenizer)
        return 0;
    if (m->tokenizer_err.code != ERR_NONE) {
        err_set(err, m->tokenizer_err.code, "%s", m->tokenizer_err.text);
        if (m->tokenizer_err.hint[0])
            err_hint(err, "%s", m->tokenizer_err.hint);
        return -1;
    }
    err_set(err, ERR_MISSING, "'%s' has no tokenizer", model_file_path(m->file));
    return err_hint(err, "give ids with --tokens");
}

void model_facts(const struct model *m, struct model_facts *out)
{
    *out = m->facts;
}

bool model_is_eos(const struct model *m, int32_t id)
{
    for (int i = 0; i < m->config.n_eos; i++)
        if (m->config.eos[i] == id)
            return true;
    return false;
}
