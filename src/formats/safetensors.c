/* safetensors, after https://github.com/huggingface/safetensors (README, "Format"): 8 bytes of header length, a JSON
 * header, then the tensors without holes. As in the reference implementation: at most 100,000,000 bytes of header,
 * duplicate names refused, offsets contiguous from 0 to the end of the file. Tensors need not be aligned: files older than
 * 0.3 are not, and all readers of tensors here copy out of blocks byte by byte.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "formats/table.h"

enum { HEADER_MAX = 100 * 1000 * 1000 };

static bool dtype_of(enum dtype *out, const char *name)
{
    static const struct {
        const char *name;
        enum dtype type;
    } names[] = {
        {"F32", DTYPE_F32}, {"F16", DTYPE_F16}, {"BF16", DTYPE_BF16}, {"F64", DTYPE_F64},   {"F8_E4M3", DTYPE_F8_E4M3},
        {"I8", DTYPE_I8},   {"I16", DTYPE_I16}, {"I32", DTYPE_I32},   {"I64", DTYPE_I64},   {"U8", DTYPE_U8},
        {"BOOL", DTYPE_BOOL},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(names[i].name, name) == 0) {
            *out = names[i].type;
            return true;
        }
    }
    return false;
}

struct span {
    uint64_t begin, end;
    const char *name;
};

static int by_span(const void *a, const void *b)
{
    const struct span *x = a, *y = b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    return x->end < y->end ? -1 : x->end > y->end;
}

/* A whole number from 0 up; jansson has refused those above INT64_MAX already. */
static bool natural(const json_t *v, uint64_t *out)
{
    if (!json_is_integer(v) || json_integer_value(v) < 0)
        return false;
    *out = (uint64_t)json_integer_value(v);
    return true;
}

/* One entry of the header into `t` (name borrowed from the header) and `span`. */
static int read_entry(struct tensor *t, struct span *span, const char *name, const json_t *entry, const char *path,
                      struct err *err)
{
    struct shown label = shown(name, strlen(name));
    const json_t *dtype = json_object_get(entry, "dtype"), *shape = json_object_get(entry, "shape");
    const json_t *offsets = json_object_get(entry, "data_offsets");
    if (!json_is_string(dtype) || !json_is_array(shape) || !json_is_array(offsets) || json_object_size(entry) != 3)
        return err_set(err, ERR_INPUT, "'%s': tensor '%s': expected an object of dtype, shape and data_offsets", path,
                       label.text);
    t->name = name;
    if (!dtype_of(&t->type, json_string_value(dtype)))
        return err_set(err, ERR_UNSUPPORTED, "'%s': tensor '%s' has dtype '%s', which prony does not read", path, label.text,
                       shown(json_string_value(dtype), json_string_length(dtype)).text);
    if (json_array_size(shape) > TENSOR_DIMS_MAX)
        return err_set(err, ERR_UNSUPPORTED, "'%s': tensor '%s' has %zu dimensions, at most %d are read", path, label.text,
                       json_array_size(shape), TENSOR_DIMS_MAX);
    t->n_dims = (int)json_array_size(shape);
    for (int i = 0; i < t->n_dims; i++) {
        if (!natural(json_array_get(shape, (size_t)i), &t->dims[i]))
            return err_set(err, ERR_INPUT, "'%s': tensor '%s': dimension %d of its shape is not a whole number from 0", path,
                           label.text, i);
    }
    TRY(tensor_set_bytes(t, path, err));
    if (json_array_size(offsets) != 2 || !natural(json_array_get(offsets, 0), &span->begin) ||
        !natural(json_array_get(offsets, 1), &span->end) || span->end < span->begin)
        return err_set(err, ERR_INPUT, "'%s': tensor '%s': data_offsets must be [begin, end] with 0 <= begin <= end", path,
                       label.text);
    if (span->end - span->begin != t->bytes)
        return err_set(err, ERR_INPUT,
                       "'%s': tensor '%s': shape and dtype ask for %zu bytes, data_offsets give it %" PRIu64, path,
                       label.text, t->bytes, span->end - span->begin);
    span->name = name;
    return 0;
}

static int check_contiguous(struct span *spans, size_t n, uint64_t data_bytes, const char *path, struct err *err)
{
    qsort(spans, n, sizeof *spans, by_span);
    uint64_t at = 0;
    for (size_t i = 0; i < n; i++) {
        struct shown label = shown(spans[i].name, strlen(spans[i].name));
        if (spans[i].end > data_bytes) {
            err_set(err, ERR_INPUT, "'%s': tensor '%s' ends at %" PRIu64 ", after the %" PRIu64 " bytes of data there are",
                    path, label.text, spans[i].end, data_bytes);
            return err_hint(err, "the download may be incomplete: compare its size with the source's");
        }
        if (spans[i].begin != at)
            return err_set(err, ERR_INPUT, "'%s': tensor '%s' begins at %" PRIu64 ", expected %" PRIu64 " (%s)", path,
                           label.text, spans[i].begin, at, spans[i].begin < at ? "it overlaps the one before" : "a hole");
        at = spans[i].end;
    }
    if (at != data_bytes)
        return err_set(err, ERR_INPUT, "'%s': the tensors end at %" PRIu64 ", but there are %" PRIu64 " bytes of data", path,
                       at, data_bytes);
    return 0;
}

static int check_metadata(const json_t *metadata, const char *path, struct err *err)
{
    const char *key;
    json_t *value;
    if (!json_is_object(metadata))
        return err_set(err, ERR_INPUT, "'%s': __metadata__ must be an object of strings", path);
    json_object_foreach((json_t *)metadata, key, value)
    {
        if (!json_is_string(value))
            return err_set(err, ERR_INPUT, "'%s': __metadata__ '%s' must be a string", path, shown(key, strlen(key)).text);
    }
    return 0;
}

static int add_tensors(struct model_file *f, const json_t *header, const uint8_t *data, uint64_t data_bytes,
                       const char *path, const json_t *weight_map, const char *file, struct err *err)
{
    struct span *spans = mem_alloc(json_object_size(header), sizeof *spans, err);
    size_t n = 0;
    if (!spans)
        return -1;
    int rc = -1;
    const char *name;
    json_t *entry;
    json_object_foreach((json_t *)header, name, entry)
    {
        if (strcmp(name, "__metadata__") == 0) {
            if (check_metadata(entry, path, err) < 0)
                goto out;
            continue;
        }
        struct tensor *t = table_add_tensor(f, err);
        if (!t || read_entry(t, &spans[n], name, entry, path, err) < 0)
            goto out;
        t->data = data + (spans[n].begin <= data_bytes ? spans[n].begin : 0); /* checked below, for all at once */
        n++;
        const char *home = json_string_value(json_object_get(weight_map, name));
        t->name = arena_strdup(&f->arena, name, err);
        if (!t->name)
            goto out;
        if (home && !str_eq(home, file))
            f->n_tensors--; /* the index takes it from another shard */
    }
    rc = check_contiguous(spans, n, data_bytes, path, err);
out:
    free(spans);
    return rc;
}

int safetensors_add(struct model_file *f, size_t i, const json_t *weight_map, const char *file, struct err *err)
{
    const struct file_map *m = &f->sources[i].map;
    uint64_t length;
    if (m->size < sizeof length)
        return err_set(err, ERR_INPUT, "'%s': %zu bytes are too few for a safetensors header", m->path, m->size);
    memcpy(&length, m->data, sizeof length);
    if (length > HEADER_MAX || length > m->size - sizeof length) {
        err_set(err, ERR_INPUT, "'%s': the header says it has %" PRIu64 " bytes; %zu are there and 100000000 allowed",
                m->path, length, m->size - sizeof length);
        return err_hint(err, "the download may be incomplete: compare its size with the source's");
    }
    const char *text = (const char *)m->data + sizeof length;
    if (length == 0 || text[0] != '{')
        return err_set(err, ERR_INPUT, "'%s': the header does not begin with '{'", m->path);
    json_error_t where;
    json_t *header = json_loadb(text, length, JSON_REJECT_DUPLICATES, &where);
    if (!header) {
        if (where.text[0] == '\0') /* jansson says nothing when memory runs out */
            return err_set(err, ERR_MEMORY, "'%s': out of memory while reading the header", m->path);
        return err_set(err, ERR_INPUT, "'%s': header, byte %d: %s", m->path, where.position, where.text);
    }
    int rc = add_tensors(f, header, m->data + sizeof length + length, m->size - sizeof length - length, m->path, weight_map,
                         file, err);
    json_decref(header);
    return rc;
}

static int safetensors_read(struct model_file *f, struct err *err)
{
    TRY(safetensors_add(f, 0, NULL, NULL, err));
    return f->dir[0] ? table_read_configs(f, f->dir, err) : 0;
}

static int safetensors_probe(const uint8_t *data, size_t size, const char *path)
{
    uint64_t length = 0;
    if (size > sizeof length)
        memcpy(&length, data, sizeof length);
    if (size > sizeof length && length > 1 && length <= size - sizeof length && data[sizeof length] == '{')
        return 2;
    return size > 0 && str_ends(path, ".safetensors") ? 1 : 0;
}

const struct format format_safetensors = {
    .name = "safetensors",
    .what = "safetensors, one file or a Hugging Face folder, also sharded",
    .probe = safetensors_probe,
    .read = safetensors_read,
};
