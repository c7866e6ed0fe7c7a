#include "formats/gguf_write.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "formats/table.h"

enum { HEADER_MAX_BYTES = 1 << 30, GGUF_DIMS_MAX = 4 };

void gguf_writer_init(struct gguf_writer *w)
{
    *w = (struct gguf_writer){.alignment = 32};
    buf_init(&w->metas, HEADER_MAX_BYTES);
    buf_init(&w->tensors, HEADER_MAX_BYTES);
}

void gguf_writer_release(struct gguf_writer *w)
{
    new_file_release(&w->file);
    free(w->ends);
    buf_release(&w->metas);
    buf_release(&w->tensors);
    *w = (struct gguf_writer){0};
}

/* ---- metadata ---------------------------------------------------------------------------------------------------- */

static void add_string(struct buf *b, const void *s, uint64_t len)
{
    buf_add(b, &len, sizeof len);
    if (len > 0)
        buf_add(b, s, len);
}

static void add_key(struct gguf_writer *w, const char *key, enum meta_type type)
{
    uint32_t number = (uint32_t)type;
    add_string(&w->metas, key, strlen(key));
    buf_add(&w->metas, &number, sizeof number);
    w->n_metas++;
}

static size_t item_bytes(enum meta_type t)
{
    static const uint8_t bytes[] = {[META_U8] = 1,  [META_I8] = 1,  [META_BOOL] = 1, [META_U16] = 2, [META_I16] = 2, [META_U32] = 4,
                                    [META_I32] = 4, [META_F32] = 4, [META_U64] = 8,  [META_I64] = 8, [META_F64] = 8};
    return bytes[t];
}

void gguf_put_scalar(struct gguf_writer *w, const char *key, enum meta_type type, const void *v)
{
    add_key(w, key, type);
    buf_add(&w->metas, v, item_bytes(type));
}

void gguf_put_u32(struct gguf_writer *w, const char *key, uint32_t v)
{
    gguf_put_scalar(w, key, META_U32, &v);
}

void gguf_put_u64(struct gguf_writer *w, const char *key, uint64_t v)
{
    gguf_put_scalar(w, key, META_U64, &v);
}

void gguf_put_f32(struct gguf_writer *w, const char *key, float v)
{
    gguf_put_scalar(w, key, META_F32, &v);
}

void gguf_put_bool(struct gguf_writer *w, const char *key, bool v)
{
    uint8_t byte = v;
    gguf_put_scalar(w, key, META_BOOL, &byte);
}

void gguf_put_bytes(struct gguf_writer *w, const char *key, const void *v, uint64_t len)
{
    add_key(w, key, META_STRING);
    add_string(&w->metas, v, len);
}

void gguf_put_str(struct gguf_writer *w, const char *key, const char *v)
{
    gguf_put_bytes(w, key, v, strlen(v));
}

static void add_array(struct gguf_writer *w, const char *key, enum meta_type type, uint64_t n)
{
    uint32_t number = (uint32_t)type;
    add_key(w, key, META_ARRAY);
    buf_add(&w->metas, &number, sizeof number);
    buf_add(&w->metas, &n, sizeof n);
}

void gguf_put_array(struct gguf_writer *w, const char *key, enum meta_type type, const void *items, uint64_t n)
{
    add_array(w, key, type, n);
    if (n > 0)
        buf_add(&w->metas, items, n * item_bytes(type));
}

void gguf_put_strings(struct gguf_writer *w, const char *key, const struct meta_string *items, uint64_t n)
{
    add_array(w, key, META_STRING, n);
    for (uint64_t i = 0; i < n; i++)
        add_string(&w->metas, items[i].data, items[i].len);
}

void gguf_put_meta(struct gguf_writer *w, const struct meta *m)
{
    double f64 = m->f;
    float f32 = (float)m->f;
    if (m->type == META_STRING)
        gguf_put_bytes(w, m->key, m->string.data, m->string.len);
    else if (m->type == META_ARRAY && m->array.type == META_STRING)
        gguf_put_strings(w, m->key, m->array.strings, m->array.n);
    else if (m->type == META_ARRAY)
        gguf_put_array(w, m->key, m->array.type, m->array.data, m->array.n);
    else if (m->type == META_F32)
        gguf_put_scalar(w, m->key, m->type, &f32);
    else if (m->type == META_F64)
        gguf_put_scalar(w, m->key, m->type, &f64);
    else
        gguf_put_scalar(w, m->key, m->type, &m->u); /* little-endian: the low bytes are the narrow value */
}

/* ---- tensors ----------------------------------------------------------------------------------------------------- */

static uint64_t padded(const struct gguf_writer *w, uint64_t n)
{
    return (n + w->alignment - 1) / w->alignment * w->alignment;
}

void gguf_put_tensor(struct gguf_writer *w, const char *name, enum dtype type, int n_dims, const uint64_t *dims)
{
    int number = dtype_gguf(type);
    struct tensor t = {.name = name, .type = type, .n_dims = n_dims};
    if (number < 0) {
        err_set(&w->failed, ERR_UNSUPPORTED, "tensor '%s': GGUF has no type for %s", name, dtype_name(type));
        return;
    }
    if (n_dims < 0 || n_dims > GGUF_DIMS_MAX) {
        err_set(&w->failed, ERR_UNSUPPORTED, "tensor '%s': %d dimensions, GGUF has at most %d", name, n_dims, GGUF_DIMS_MAX);
        return;
    }
    if (n_dims > 0)
        memcpy(t.dims, dims, (size_t)n_dims * sizeof *dims);
    if (tensor_set_bytes(&t, "GGUF", &w->failed) < 0 || mem_grow(&w->ends, &w->cap_ends, w->n_tensors, sizeof *w->ends, &w->failed) < 0)
        return;
    uint32_t n = (uint32_t)n_dims, type_number = (uint32_t)number;
    add_string(&w->tensors, name, strlen(name));
    buf_add(&w->tensors, &n, sizeof n);
    for (int i = n_dims - 1; i >= 0; i--)
        buf_add(&w->tensors, &dims[i], sizeof dims[i]);
    buf_add(&w->tensors, &type_number, sizeof type_number);
    buf_add(&w->tensors, &w->data_bytes, sizeof w->data_bytes);
    w->ends[w->n_tensors++] = w->data_bytes + t.bytes;
    w->data_bytes = padded(w, w->data_bytes + t.bytes);
}

/* ---- the file ---------------------------------------------------------------------------------------------------- */

int gguf_writer_header(const struct gguf_writer *w, struct buf *out, struct err *err)
{
    if (w->failed.code != ERR_NONE) {
        err_set(err, w->failed.code, "%s", w->failed.text);
        return -1;
    }
    if (buf_check(&w->metas, err) < 0 || buf_check(&w->tensors, err) < 0)
        return -1;
    bool own_alignment = w->alignment != 32;
    uint32_t version = 3, type = META_U32, alignment = (uint32_t)w->alignment;
    uint64_t n_metas = w->n_metas + own_alignment;
    buf_add(out, "GGUF", 4);
    buf_add(out, &version, sizeof version);
    buf_add(out, &w->n_tensors, sizeof w->n_tensors);
    buf_add(out, &n_metas, sizeof n_metas);
    if (own_alignment) {
        add_string(out, "general.alignment", strlen("general.alignment"));
        buf_add(out, &type, sizeof type);
        buf_add(out, &alignment, sizeof alignment);
    }
    if (w->metas.len)
        buf_add(out, w->metas.data, w->metas.len);
    if (w->tensors.len)
        buf_add(out, w->tensors.data, w->tensors.len);
    while (w->n_tensors > 0 && !out->failed && out->len % w->alignment != 0)
        buf_char(out, '\0');
    return buf_check(out, err);
}

int gguf_writer_begin(struct gguf_writer *w, const char *path, struct err *err)
{
    struct buf header = BUF_INIT(2u * HEADER_MAX_BYTES);
    int rc = gguf_writer_header(w, &header, err);
    if (rc == 0)
        rc = new_file_begin(&w->file, path, err);
    if (rc == 0)
        rc = new_file_add(&w->file, header.data, header.len, err);
    buf_release(&header);
    return rc;
}

/* Zeros up to the next tensor's beginning, once the current one is whole. */
static int pad(struct gguf_writer *w, struct err *err)
{
    static const char zeros[4096];
    while (w->current < w->n_tensors && w->at == w->ends[w->current]) {
        uint64_t next = padded(w, w->at);
        while (w->at < next) {
            size_t n = next - w->at < sizeof zeros ? (size_t)(next - w->at) : sizeof zeros;
            TRY(new_file_add(&w->file, zeros, n, err));
            w->at += n;
        }
        w->current++;
    }
    return 0;
}

int gguf_writer_data(struct gguf_writer *w, const void *bytes, size_t n, struct err *err)
{
    const char *p = bytes;
    TRY(pad(w, err));
    while (n > 0) {
        if (w->current == w->n_tensors)
            return err_set(err, ERR_BUG, "'%s': %zu bytes more than its tensors hold", w->file.path, n);
        uint64_t left = w->ends[w->current] - w->at;
        size_t step = n < left ? n : (size_t)left;
        TRY(new_file_add(&w->file, p, step, err));
        p += step;
        n -= step;
        w->at += step;
        TRY(pad(w, err));
    }
    return 0;
}

int gguf_writer_finish(struct gguf_writer *w, struct err *err)
{
    TRY(pad(w, err));
    if (w->current != w->n_tensors)
        return err_set(err, ERR_BUG, "'%s': the data of tensor %zu of %" PRIu64 " are incomplete", w->file.path, w->current + 1,
                       w->n_tensors);
    return new_file_finish(&w->file, err);
}
