/* The table itself: what every format shares. Opening decides what a path is (resolve.c) and whose format its bytes are;
 * afterwards all is lookup. */
#include "formats/model_file.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "formats/resolve.h"
#include "formats/table.h"

#define FORMAT(name) extern const struct format format_##name;
#include "formats/list.h"
#undef FORMAT

static const struct format *const formats[] = {
#define FORMAT(name) &format_##name,
#include "formats/list.h"
#undef FORMAT
};

/* ---- building ---------------------------------------------------------------------------------------------------- */

int table_map(struct model_file *f, const char *path, struct err *err)
{
    TRY(mem_grow(&f->sources, &f->cap_sources, f->n_sources, sizeof *f->sources, err));
    struct source *s = &f->sources[f->n_sources];
    *s = (struct source){.borrowed = false};
    TRY(file_map(&s->map, path, err));
    return (int)f->n_sources++;
}

struct tensor *table_add_tensor(struct model_file *f, struct err *err)
{
    if (mem_grow(&f->tensors, &f->cap_tensors, f->n_tensors, sizeof *f->tensors, err) < 0)
        return NULL;
    struct tensor *t = &f->tensors[f->n_tensors++];
    *t = (struct tensor){.name = ""};
    for (int i = 0; i < TENSOR_DIMS_MAX; i++)
        t->dims[i] = 1;
    return t;
}

struct meta *table_add_meta(struct model_file *f, struct err *err)
{
    if (mem_grow(&f->metas, &f->cap_metas, f->n_metas, sizeof *f->metas, err) < 0)
        return NULL;
    struct meta *m = &f->metas[f->n_metas++];
    *m = (struct meta){.key = ""};
    return m;
}

struct shown shown(const char *name, size_t len)
{
    struct shown s;
    size_t n = len <= 80 ? len : 77;
    for (size_t i = 0; i < n; i++)
        s.text[i] = name[i] >= ' ' && name[i] <= '~' ? name[i] : '?';
    strcpy(s.text + n, len <= 80 ? "" : "...");
    return s;
}

int tensor_set_bytes(struct tensor *t, const char *path, struct err *err)
{
    uint64_t rows = 1;
    bool overflow = false;
    for (int i = 0; i + 1 < t->n_dims; i++)
        overflow |= __builtin_mul_overflow(rows, t->dims[i], &rows);
    uint64_t row = t->n_dims > 0 ? t->dims[t->n_dims - 1] : 1;
    size_t row_bytes;
    struct err inner = ERR_INIT;
    if (dtype_row_bytes(&row_bytes, t->type, row, &inner) < 0)
        return err_set(err, inner.code, "'%s': tensor '%s': %s", path, shown(t->name, strlen(t->name)).text, inner.text);
    uint64_t values;
    overflow |= __builtin_mul_overflow(rows, row, &values);
    overflow |= __builtin_mul_overflow(rows, (uint64_t)row_bytes, &t->bytes);
    if (overflow || values > INT64_MAX || t->bytes > INT64_MAX)
        return err_set(err, ERR_INPUT, "'%s': tensor '%s': the product of its dimensions overflows 63 bits", path,
                       shown(t->name, strlen(t->name)).text);
    return 0;
}

static int by_data(const void *a, const void *b)
{
    const struct tensor *x = *(const struct tensor *const *)a, *y = *(const struct tensor *const *)b;
    if (x->data != y->data)
        return (uintptr_t)x->data < (uintptr_t)y->data ? -1 : 1;
    return x->bytes < y->bytes ? -1 : x->bytes > y->bytes;
}

static int check_pair(const struct tensor *a, const struct tensor *b, const char *path, struct err *err)
{
    if (a->bytes == 0 || b->bytes == 0 || (uintptr_t)a->data + a->bytes <= (uintptr_t)b->data)
        return 0;
    return err_set(err, ERR_INPUT, "'%s': tensors '%s' and '%s' overlap", path, shown(a->name, strlen(a->name)).text,
                   shown(b->name, strlen(b->name)).text);
}

int table_check_overlap(const struct model_file *f, size_t from, const char *path, struct err *err)
{
    size_t n = f->n_tensors - from, i;
    const struct tensor *t = f->tensors + from;
    for (i = 1; i < n; i++) { /* writers put them in order: usually there is nothing to sort */
        if (t[i - 1].bytes == 0 || t[i].bytes == 0 || (uintptr_t)t[i - 1].data + t[i - 1].bytes > (uintptr_t)t[i].data)
            break;
    }
    if (n == 0 || i == n)
        return 0;
    const struct tensor **order = mem_alloc(n, sizeof *order, err);
    if (!order)
        return -1;
    for (i = 0; i < n; i++)
        order[i] = &t[i];
    qsort(order, n, sizeof *order, by_data);
    int rc = 0;
    for (i = 1; i < n && rc == 0; i++)
        rc = check_pair(order[i - 1], order[i], path, err);
    free(order);
    return rc;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct named *)a)->name, ((const struct named *)b)->name);
}

static int sort_names(struct named *names, size_t n, const char *path, const char *what, struct err *err)
{
    qsort(names, n, sizeof *names, by_name);
    for (size_t i = 1; i < n; i++) {
        if (strcmp(names[i - 1].name, names[i].name) == 0)
            return err_set(err, ERR_INPUT, "'%s': %s '%s' occurs twice", path, what,
                           shown(names[i].name, strlen(names[i].name)).text);
    }
    return 0;
}

int table_finish(struct model_file *f, struct err *err)
{
    f->tensor_names = mem_alloc(f->n_tensors, sizeof *f->tensor_names, err);
    f->meta_names = mem_alloc(f->n_metas, sizeof *f->meta_names, err);
    if (!f->tensor_names || !f->meta_names)
        return -1;
    for (size_t i = 0; i < f->n_tensors; i++)
        f->tensor_names[i] = (struct named){f->tensors[i].name, i};
    for (size_t i = 0; i < f->n_metas; i++)
        f->meta_names[i] = (struct named){f->metas[i].key, i};
    TRY(sort_names(f->tensor_names, f->n_tensors, f->path, "tensor", err));
    return sort_names(f->meta_names, f->n_metas, f->path, "metadata key", err);
}

/* ---- opening ----------------------------------------------------------------------------------------------------- */

static const struct format *recognise(const struct file_map *m, const char *path)
{
    const struct format *best = NULL;
    int best_sure = 0;
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        int sure = formats[i]->probe(m->data, m->size, path);
        if (sure > best_sure) {
            best = formats[i];
            best_sure = sure;
        }
    }
    return best;
}

static int refuse_unknown(const struct file_map *m, const char *path, struct err *err)
{
    static const struct {
        const char *magic, *what, *hint;
    } known[] = {
        {"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46", "a PyTorch file of before 1.6", "load it with PyTorch and save it again"},
        {"lmgg", "a GGML file older than GGUF", "convert it with the llama.cpp that wrote it"},
        {"tjgg", "a GGJT file older than GGUF", "convert it with the llama.cpp that wrote it"},
        {"fmgg", "a GGMF file older than GGUF", "convert it with the llama.cpp that wrote it"},
        {"version https://git-lfs", "a Git LFS pointer, not the file itself", "fetch it with `git lfs pull`"},
        {"<!DOCTYPE", "an HTML page", "download the file again: its link led to a page"},
    };
    if (m->size == 0)
        return err_set(err, ERR_INPUT, "'%s': the file is empty", path);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        size_t n = strlen(known[i].magic);
        if (m->size >= n && memcmp(m->data, known[i].magic, n) == 0) {
            err_set(err, ERR_UNSUPPORTED, "'%s' is %s", path, known[i].what);
            return err_hint(err, "%s", known[i].hint);
        }
    }
    err_set(err, ERR_INPUT, "'%s' is not a model file that prony knows", path);
    return err_hint(err, "GGUF, safetensors, PyTorch and llama2.c checkpoints are read, or a Hugging Face folder");
}

static struct model_file *table_new(struct err *err)
{
    struct model_file *f = mem_zalloc(1, sizeof *f, err);
    if (f)
        f->arena = (struct arena)ARENA_INIT(SIZE_MAX / 2); /* bounded by the file's size: see table.h */
    return f;
}

static int read_file(struct model_file *f, struct err *err)
{
    const struct file_map *m = &f->sources[0].map;
    f->format = recognise(m, f->path);
    if (!f->format)
        return refuse_unknown(m, f->path, err);
    TRY(f->format->read(f, err));
    return table_finish(f, err);
}

static char *folder_of(const char *path, struct err *err)
{
    const char *base = path_base(path);
    if (base == path)
        return mem_strdup(".", err);
    size_t len = (size_t)(base - path);
    return mem_strndup(path, len > 1 ? len - 1 : 1, err);
}

int model_file_open(struct model_file **out, const char *path, struct err *err)
{
    *out = NULL;
    struct model_file *f = table_new(err);
    if (!f)
        return -1;
    bool folder;
    if (model_resolve(&f->path, &folder, path, err) < 0)
        goto fail;
    f->dir = folder ? mem_strdup(f->path, err) : folder_of(f->path, err);
    if (!f->dir)
        goto fail;
    if (folder) {
        if (folder_read(f, err) < 0 || table_finish(f, err) < 0)
            goto fail;
    } else if (table_map(f, f->path, err) < 0 || read_file(f, err) < 0) {
        goto fail;
    }
    *out = f;
    return 0;
fail:
    model_file_close(f);
    return -1;
}

int model_file_open_bytes(struct model_file **out, const void *bytes, size_t size, const char *name, struct err *err)
{
    *out = NULL;
    struct model_file *f = table_new(err);
    if (!f)
        return -1;
    f->path = mem_strdup(name, err);
    f->dir = mem_strdup("", err); /* no folder: nothing beside it is looked for */
    f->sources = mem_zalloc(1, sizeof *f->sources, err);
    if (!f->path || !f->dir || !f->sources)
        goto fail;
    f->cap_sources = 1;
    f->sources[0] = (struct source){.map = {.data = bytes, .size = size}, .borrowed = true};
    f->n_sources = 1;
    f->sources[0].map.path = mem_strdup(name, err);
    if (!f->sources[0].map.path || read_file(f, err) < 0)
        goto fail;
    *out = f;
    return 0;
fail:
    model_file_close(f);
    return -1;
}

void model_file_close(struct model_file *f)
{
    if (!f)
        return;
    for (size_t i = 0; i < f->n_sources; i++) {
        if (f->sources[i].borrowed)
            free(f->sources[i].map.path);
        else
            file_unmap(&f->sources[i].map);
    }
    json_decref(f->config);
    json_decref(f->generation_config);
    arena_release(&f->arena);
    free(f->tensor_names);
    free(f->meta_names);
    free(f->tensors);
    free(f->metas);
    free(f->sources);
    free(f->path);
    free(f->dir);
    free(f);
}

/* ---- looking up -------------------------------------------------------------------------------------------------- */

const char *model_file_format(const struct model_file *f)
{
    return f->format->name;
}

const char *model_file_path(const struct model_file *f)
{
    return f->path;
}

const char *model_file_dir(const struct model_file *f)
{
    return f->dir;
}

uint64_t model_file_bytes(const struct model_file *f)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < f->n_sources; i++)
        sum += f->sources[i].map.size;
    return sum;
}

size_t model_file_n_files(const struct model_file *f)
{
    return f->n_sources;
}

const char *model_file_file_at(const struct model_file *f, size_t i)
{
    return f->sources[i].map.path;
}

size_t model_file_n_tensors(const struct model_file *f)
{
    return f->n_tensors;
}

const struct tensor *model_file_tensor_at(const struct model_file *f, size_t i)
{
    return &f->tensors[i];
}

static const struct named *find(const struct named *names, size_t n, const char *name)
{
    struct named key = {name, 0};
    return n ? bsearch(&key, names, n, sizeof *names, by_name) : NULL;
}

const struct tensor *model_file_tensor(const struct model_file *f, const char *name)
{
    const struct named *hit = find(f->tensor_names, f->n_tensors, name);
    return hit ? &f->tensors[hit->i] : NULL;
}

size_t model_file_n_metas(const struct model_file *f)
{
    return f->n_metas;
}

const struct meta *model_file_meta_at(const struct model_file *f, size_t i)
{
    return &f->metas[i];
}

const struct meta *model_file_meta(const struct model_file *f, const char *key)
{
    const struct named *hit = find(f->meta_names, f->n_metas, key);
    return hit ? &f->metas[hit->i] : NULL;
}

const json_t *model_file_config(const struct model_file *f)
{
    return f->config;
}

const json_t *model_file_generation_config(const struct model_file *f)
{
    return f->generation_config;
}

/* ---- metadata as the caller wants it ----------------------------------------------------------------------------- */

static const char *const type_names[] = {"u8",   "i8",     "u16",   "i16", "u32", "i32", "f32",
                                         "bool", "string", "array", "u64", "i64", "f64"};

const char *meta_type_name(enum meta_type t)
{
    return (unsigned)t < sizeof type_names / sizeof *type_names ? type_names[t] : "unknown";
}

static int wrong_type(const struct model_file *f, const struct meta *m, const char *wanted, struct err *err)
{
    return err_set(err, ERR_INPUT, "'%s': metadata '%s': expected %s, found %s", f->path,
                   shown(m->key, strlen(m->key)).text, wanted, meta_type_name(m->type));
}

int model_file_meta_u64(const struct model_file *f, const char *key, uint64_t *out, struct err *err)
{
    const struct meta *m = model_file_meta(f, key);
    if (!m)
        return 0;
    switch (m->type) {
    case META_I8:
    case META_I16:
    case META_I32:
    case META_I64:
        if (m->i < 0)
            return err_set(err, ERR_INPUT, "'%s': metadata '%s': expected a number from 0, found %" PRId64, f->path, key,
                           m->i);
        *out = (uint64_t)m->i;
        return 1;
    case META_U8:
    case META_U16:
    case META_U32:
    case META_U64:
        *out = m->u;
        return 1;
    default:
        return wrong_type(f, m, "a whole number", err);
    }
}

int model_file_meta_f64(const struct model_file *f, const char *key, double *out, struct err *err)
{
    const struct meta *m = model_file_meta(f, key);
    if (!m)
        return 0;
    if (m->type != META_F32 && m->type != META_F64) {
        uint64_t u;
        if (m->type == META_BOOL || m->type == META_STRING || m->type == META_ARRAY)
            return wrong_type(f, m, "a number", err);
        if (m->type == META_I8 || m->type == META_I16 || m->type == META_I32 || m->type == META_I64) {
            *out = (double)m->i;
            return 1;
        }
        TRY(model_file_meta_u64(f, key, &u, err));
        *out = (double)u;
        return 1;
    }
    if (!isfinite(m->f))
        return err_set(err, ERR_INPUT, "'%s': metadata '%s': expected a finite number, found %g", f->path, key, m->f);
    *out = m->f;
    return 1;
}

int model_file_meta_bool(const struct model_file *f, const char *key, bool *out, struct err *err)
{
    const struct meta *m = model_file_meta(f, key);
    if (!m)
        return 0;
    if (m->type != META_BOOL)
        return wrong_type(f, m, "a bool", err);
    *out = m->u != 0;
    return 1;
}

int model_file_meta_str(const struct model_file *f, const char *key, struct meta_string *out, struct err *err)
{
    const struct meta *m = model_file_meta(f, key);
    if (!m)
        return 0;
    if (m->type != META_STRING)
        return wrong_type(f, m, "a string", err);
    *out = m->string;
    return 1;
}

/* Array items are little-endian in the file and so is every machine this program is built for. */
#define ITEM(type, member)                                                        \
    do {                                                                          \
        type v_;                                                                  \
        memcpy(&v_, (const uint8_t *)m->array.data + i * sizeof v_, sizeof v_);   \
        return (member)v_;                                                        \
    } while (0)

int64_t meta_item_i64(const struct meta *m, uint64_t i)
{
    double d;
    uint64_t u;
    switch (m->array.type) {
    case META_U8:
    case META_BOOL:
        ITEM(uint8_t, int64_t);
    case META_I8:
        ITEM(int8_t, int64_t);
    case META_U16:
        ITEM(uint16_t, int64_t);
    case META_I16:
        ITEM(int16_t, int64_t);
    case META_U32:
        ITEM(uint32_t, int64_t);
    case META_I32:
        ITEM(int32_t, int64_t);
    case META_I64:
        ITEM(int64_t, int64_t);
    case META_U64:
        memcpy(&u, (const uint8_t *)m->array.data + i * sizeof u, sizeof u);
        return u > INT64_MAX ? INT64_MAX : (int64_t)u;
    case META_F32:
    case META_F64:
        d = meta_item_f64(m, i);
        return !(d > -9.2e18) ? INT64_MIN : d > 9.2e18 ? INT64_MAX : (int64_t)d;
    default:
        return 0;
    }
}

double meta_item_f64(const struct meta *m, uint64_t i)
{
    switch (m->array.type) {
    case META_F32:
        ITEM(float, double);
    case META_F64:
        ITEM(double, double);
    case META_U64:
        ITEM(uint64_t, double);
    default:
        return (double)meta_item_i64(m, i);
    }
}
