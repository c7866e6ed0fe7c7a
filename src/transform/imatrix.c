#include "transform/imatrix.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "formats/gguf_write.h"
#include "models/model.h"
#include "models/session.h"

enum { TEXT_MAX = 1 << 30, CHUNK = 512 };

/* ---- collecting ------------------------------------------------------------------------------------------------- */

struct collector {
    const struct model_file *file;
    struct importance *im;
    struct err err; /* the first failure: a forward cannot report one */
};

/* The tensor of the file that begins here; of several matrices in one (q, k and v) the first speaks for all, as they meet
 * the same inputs. Experts are parts of one tensor: what any of them met counts for it. */
static const struct tensor *tensor_of(const struct model_file *f, const void *data)
{
    for (size_t i = 0; i < model_file_n_tensors(f); i++) {
        const struct tensor *t = model_file_tensor_at(f, i);
        const char *at = data, *from = t->data;
        if (at == from || (t->n_dims == 3 && at > from && at < from + t->bytes))
            return t;
    }
    return NULL;
}

static void take_input(void *user, const void *matrix, const float *x, size_t rows, size_t columns)
{
    struct collector *c = user;
    const struct tensor *t = c->err.code ? NULL : tensor_of(c->file, matrix);
    if (t)
        importance_add(c->im, t->name, x, rows, columns, &c->err);
}

/* A forward allocates nothing, so what it will meet is made beforehand: the matrices of the layers. */
static int reserve(struct collector *c, const struct model *m, struct err *err)
{
    struct model_matrix at;
    for (size_t i = 0; model_matrix_at(m, i, &at); i++) {
        const struct tensor *t = at.data && str_starts(at.name, "blk.") ? tensor_of(c->file, at.data) : NULL;
        if (t)
            TRY(importance_reserve(c->im, t->name, at.k, err));
    }
    return 0;
}

static int run_chunk(struct session *s, struct row *rows, const int32_t *ids, size_t n, struct err *err)
{
    for (size_t i = 0; i < n; i++)
        rows[i] = (struct row){.pos = (int32_t)i, .token = ids[i], .parent = ROW_CHAIN};
    TRY(session_rollback(s, 0, 0, err));
    return session_forward(s, rows, n, err);
}

static int run_text(struct collector *c, const struct model *m, const struct ids *text, int32_t bos,
                    const struct imatrix_options *o, struct imatrix_done *done, struct err *err)
{
    const struct session_observer observer = {.user = c, .input = take_input};
    struct session *s;
    size_t chunk = (size_t)done->chunk, fresh = bos >= 0 ? chunk - 1 : chunk;
    uint64_t total = (text->n + fresh - 1) / fresh;
    if (o->chunks > 0 && total > (uint64_t)o->chunks)
        total = (uint64_t)o->chunks;
    struct row *rows = mem_alloc(chunk, sizeof *rows, err);
    int32_t *ids = mem_alloc(chunk, sizeof *ids, err);
    int rc = rows && ids ? session_open(&s, m, &(struct session_options){.context = done->chunk, .threads = o->threads,
                                                                          .observer = &observer}, err) : -1;
    if (rc < 0)
        goto out;
    for (uint64_t i = 0; rc == 0 && i < total; i++) {
        size_t from = (size_t)i * fresh, n = text->n - from < fresh ? text->n - from : fresh, first = bos >= 0;
        ids[0] = bos;
        memcpy(ids + first, text->data + from, n * sizeof *ids);
        rc = run_chunk(s, rows, ids, n + first, err);
        done->chunks++;
        done->tokens += (int64_t)(n + first);
        if (rc == 0 && c->err.code) {
            *err = c->err;
            rc = -1;
        }
        if (rc == 0 && o->tick)
            rc = o->tick(o->tick_arg, i + 1, total, err);
    }
    session_close(s);
out:
    free(rows);
    free(ids);
    return rc;
}

static int read_text(struct ids *out, int32_t *bos, const struct model *m, const char *path, struct err *err)
{
    struct buf text = BUF_INIT(TEXT_MAX);
    const struct tokenizer *t;
    struct ids begin = {0};
    int rc = model_need_tokenizer(&t, m, err);
    if (rc == 0)
        rc = file_read(&text, path, TEXT_MAX, err);
    if (rc == 0)
        rc = tokenizer_encode(t, text.data ? text.data : "", text.len, TOKENIZE_PLAIN, out, err);
    if (rc == 0)
        rc = tokenizer_encode(t, "", 0, TOKENIZE_BOS, &begin, err);
    *bos = begin.n > 0 ? begin.data[0] : -1;
    if (rc == 0 && out->n < 2)
        rc = err_set(err, ERR_INPUT, "'%s': %zu tokens are too few for an importance matrix", path, out->n);
    ids_release(&begin);
    buf_release(&text);
    return rc;
}

int imatrix_collect(struct importance **out, const char *model, const char *text, const struct imatrix_options *o,
                    struct imatrix_done *done, struct err *err)
{
    struct model *m;
    struct model_facts f;
    struct ids ids = {0};
    int32_t bos;
    struct collector c = {.err = ERR_INIT};
    *done = (struct imatrix_done){0};
    TRY(model_open(&m, model, err));
    model_facts(m, &f);
    done->chunk = o->chunk > 1 ? o->chunk : CHUNK;
    done->chunk = done->chunk < f.context ? done->chunk : f.context;
    c.file = model_source(m);
    int rc = strcmp(model_file_format(c.file), "gguf") == 0
                 ? 0 : err_set(err, ERR_UNSUPPORTED, "'%s' is %s; an importance matrix is made for a GGUF", model, model_file_format(c.file));
    if (rc == 0)
        rc = importance_new(&c.im, err);
    if (rc == 0)
        rc = reserve(&c, m, err);
    if (rc == 0)
        rc = read_text(&ids, &bos, m, text, err);
    if (rc == 0)
        rc = run_text(&c, m, &ids, bos, o, done, err);
    ids_release(&ids);
    model_close(m);
    if (rc < 0)
        importance_free(c.im);
    else
        *out = c.im;
    return rc;
}

/* ---- files ------------------------------------------------------------------------------------------------------ */

bool imatrix_is_file(const char *path)
{
    char magic[4] = "";
    FILE *f = fopen(path, "rb");
    size_t n = f ? fread(magic, 1, sizeof magic, f) : 0;
    if (f)
        fclose(f);
    return n == sizeof magic && memcmp(magic, "GGUF", 4) == 0;
}

static int write_sums(struct gguf_writer *w, struct importance *im, struct err *err)
{
    struct importance_entry e;
    for (size_t i = 0; importance_at(im, i, &e); i++) {
        float *sums = mem_alloc(e.columns, sizeof *sums, err);
        float count = (float)e.rows;
        if (!sums)
            return -1;
        for (size_t k = 0; k < e.columns; k++)
            sums[k] = (float)e.sums[k];
        int rc = gguf_writer_data(w, sums, e.columns * sizeof *sums, err);
        free(sums);
        if (rc < 0 || gguf_writer_data(w, &count, sizeof count, err) < 0)
            return -1;
    }
    return 0;
}

int imatrix_save(struct importance *im, const char *path, const char *text, const struct imatrix_done *done, struct err *err)
{
    struct gguf_writer w;
    struct importance_entry e;
    struct meta_string dataset = {text, strlen(text)};
    char name[256];
    gguf_writer_init(&w);
    gguf_put_str(&w, "general.type", "imatrix");
    gguf_put_strings(&w, "imatrix.datasets", &dataset, 1);
    gguf_put_u32(&w, "imatrix.chunk_count", (uint32_t)done->chunks);
    gguf_put_u32(&w, "imatrix.chunk_size", (uint32_t)done->chunk);
    for (size_t i = 0; importance_at(im, i, &e); i++) {
        snprintf(name, sizeof name, "%s.in_sum2", e.name);
        gguf_put_tensor(&w, name, DTYPE_F32, 2, (uint64_t[]){1, e.columns});
        snprintf(name, sizeof name, "%s.counts", e.name);
        gguf_put_tensor(&w, name, DTYPE_F32, 2, (uint64_t[]){1, 1});
    }
    int rc = gguf_writer_begin(&w, path, err) < 0 || write_sums(&w, im, err) < 0 || gguf_writer_finish(&w, err) < 0 ? -1 : 0;
    gguf_writer_release(&w);
    return rc;
}

/* Of several matrices in one tensor (experts) the sums are added. */
static int take_entry(struct importance *im, const struct model_file *f, const struct tensor *t, struct err *err)
{
    char name[256];
    size_t len = strlen(t->name) - strlen(".in_sum2"), columns = t->dims[t->n_dims - 1], n;
    if (len + sizeof ".counts" > sizeof name || t->n_dims < 1 || columns == 0)
        return err_set(err, ERR_INPUT, "'%s': tensor '%s' makes no sense in an importance matrix", model_file_path(f), t->name);
    snprintf(name, sizeof name, "%.*s.counts", (int)len, t->name);
    const struct tensor *counts = model_file_tensor(f, name);
    n = t->bytes / sizeof(float) / columns;
    if (!counts || t->type != DTYPE_F32 || counts->type != DTYPE_F32 || counts->bytes != n * sizeof(float))
        return err_set(err, ERR_INPUT, "'%s': tensor '%s' has no counts that fit it", model_file_path(f), t->name);
    name[len] = '\0';
    for (size_t i = 0; i < n; i++) {
        float count;
        memcpy(&count, (const char *)counts->data + i * sizeof count, sizeof count);
        if (!(count >= 0 && count < 1e15f))
            return err_set(err, ERR_INPUT, "'%s': tensor '%s.counts' holds %g", model_file_path(f), name, (double)count);
        TRY(importance_add_sums(im, name, (const char *)t->data + i * columns * sizeof(float), (uint64_t)count, columns, err));
    }
    return 0;
}

int imatrix_load(struct importance **out, const char *path, struct err *err)
{
    struct model_file *f;
    struct importance *im = NULL;
    TRY(model_file_open(&f, path, err));
    int rc = importance_new(&im, err);
    for (size_t i = 0; rc == 0 && i < model_file_n_tensors(f); i++)
        if (str_ends(model_file_tensor_at(f, i)->name, ".in_sum2"))
            rc = take_entry(im, f, model_file_tensor_at(f, i), err);
    if (rc == 0 && importance_count(im) == 0) {
        err_set(err, ERR_INPUT, "'%s' is a GGUF, but no importance matrix: no tensor ends in .in_sum2", path);
        rc = err_hint(err, "--imatrix takes a text, or what --save-imatrix or llama-imatrix wrote");
    }
    model_file_close(f);
    if (rc < 0)
        importance_free(im);
    else
        *out = im;
    return rc;
}
