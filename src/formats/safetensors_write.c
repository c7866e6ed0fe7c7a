#include "formats/safetensors_write.h"

#include <string.h>

#include "formats/table.h"

enum { HEADER_MAX_BYTES = 100 * 1000 * 1000, ALIGNMENT = 8 };

void safetensors_writer_init(struct safetensors_writer *w)
{
    *w = (struct safetensors_writer){.json = JSON_OUT_INIT(NULL)};
    buf_init(&w->header, HEADER_MAX_BYTES);
    w->json.out = &w->header;
    json_out_open(&w->json, '{');
    json_out_key(&w->json, "__metadata__");
    json_out_open(&w->json, '{');
    json_out_key(&w->json, "format");
    json_out_text(&w->json, "pt");
    json_out_close(&w->json);
}

void safetensors_writer_release(struct safetensors_writer *w)
{
    new_file_release(&w->file);
    buf_release(&w->header);
}

static const char *type_name(enum dtype t)
{
    switch (t) {
    case DTYPE_F32: return "F32";
    case DTYPE_F16: return "F16";
    case DTYPE_BF16: return "BF16";
    default: return NULL;
    }
}

void safetensors_put(struct safetensors_writer *w, const char *name, enum dtype type, int n_dims, const uint64_t *dims)
{
    struct tensor t = {.name = name, .type = type, .n_dims = n_dims};
    struct json_out *j = &w->json;
    if (!type_name(type)) {
        err_set(&w->failed, ERR_UNSUPPORTED, "tensor '%s': safetensors are written as f32, f16 or bf16, not %s", name,
                dtype_name(type));
        return;
    }
    memcpy(t.dims, dims, (size_t)n_dims * sizeof *dims);
    if (tensor_set_bytes(&t, "safetensors", &w->failed) < 0)
        return;
    json_out_key(j, name);
    json_out_open(j, '{');
    json_out_key(j, "dtype");
    json_out_text(j, type_name(type));
    json_out_key(j, "shape");
    json_out_open(j, '[');
    for (int i = 0; i < n_dims; i++)
        json_out_int(j, (int64_t)dims[i]);
    json_out_close(j);
    json_out_key(j, "data_offsets");
    json_out_open(j, '[');
    json_out_int(j, (int64_t)w->data_bytes);
    w->data_bytes += t.bytes;
    json_out_int(j, (int64_t)w->data_bytes);
    json_out_close(j);
    json_out_close(j);
}

int safetensors_writer_begin(struct safetensors_writer *w, const char *path, struct err *err)
{
    if (w->failed.code != ERR_NONE)
        return err_set(err, w->failed.code, "%s", w->failed.text);
    json_out_close(&w->json);
    while (!w->header.failed && w->header.len % ALIGNMENT != 0)
        buf_char(&w->header, ' ');
    TRY(buf_check(&w->header, err));
    uint64_t length = w->header.len;
    TRY(new_file_begin(&w->file, path, err));
    TRY(new_file_add(&w->file, &length, sizeof length, err));
    return new_file_add(&w->file, w->header.data, w->header.len, err);
}

int safetensors_writer_data(struct safetensors_writer *w, const void *bytes, size_t n, struct err *err)
{
    if (n > w->data_bytes - w->at)
        return err_set(err, ERR_BUG, "'%s': more bytes than its tensors hold", w->file.path);
    w->at += n;
    return new_file_add(&w->file, bytes, n, err);
}

int safetensors_writer_finish(struct safetensors_writer *w, struct err *err)
{
    if (w->at != w->data_bytes)
        return err_set(err, ERR_BUG, "'%s': its tensors are incomplete", w->file.path);
    return new_file_finish(&w->file, err);
}
