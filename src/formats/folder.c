/* A Hugging Face folder: config.json, generation_config.json and the weights beside them: model.safetensors, or the shards that
 * model.safetensors.index.json names, or the same of PyTorch's, or the only such file there is. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "formats/resolve.h"
#include "formats/table.h"

enum { CONFIG_MAX_BYTES = 16 << 20, INDEX_MAX_BYTES = 100 << 20, LIST_MAX_BYTES = 1 << 20 };

json_t *read_json_object(const char *path, size_t max, struct err *err)
{
    struct buf text = BUF_INIT(max + (64 << 10) + 1); /* file_read asks for room in whole pieces */
    json_t *value = NULL;
    json_error_t where;
    if (file_read(&text, path, max, err) < 0)
        goto out;
    value = json_loadb(text.data ? text.data : "", text.len, JSON_REJECT_DUPLICATES, &where);
    if (!value) {
        if (where.text[0] == '\0') /* jansson says nothing when memory runs out */
            err_set(err, ERR_MEMORY, "'%s': out of memory", path);
        else
            err_set(err, ERR_INPUT, "'%s':%d:%d: %s", path, where.line, where.column, where.text);
    } else if (!json_is_object(value)) {
        err_set(err, ERR_INPUT, "'%s': expected a JSON object", path);
        json_decref(value);
        value = NULL;
    }
out:
    buf_release(&text);
    return value;
}

static int read_optional(json_t **out, const char *dir, const char *name, struct err *err)
{
    char *path = path_join(dir, name, err);
    if (!path)
        return -1;
    int rc = 0;
    if (file_exists(path)) {
        *out = read_json_object(path, CONFIG_MAX_BYTES, err);
        rc = *out ? 0 : -1;
    }
    free(path);
    return rc;
}

int table_read_configs(struct model_file *f, const char *dir, struct err *err)
{
    TRY(read_optional(&f->config, dir, "config.json", err));
    return read_optional(&f->generation_config, dir, "generation_config.json", err);
}

static int add_file(struct model_file *f, const char *name, const json_t *weight_map, struct err *err)
{
    char *path = path_join(f->dir, name, err);
    if (!path)
        return -1;
    int at = table_map(f, path, err);
    free(path);
    TRY(at);
    return f->format == &format_pytorch ? pytorch_add(f, (size_t)at, weight_map, name, err)
                                        : safetensors_add(f, (size_t)at, weight_map, name, err);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Every tensor that the index promises is there, in the shard it says. */
static int check_promises(struct model_file *f, const json_t *weight_map, const char *index, struct err *err)
{
    const char **names = mem_alloc(f->n_tensors, sizeof *names, err);
    if (!names)
        return -1;
    for (size_t i = 0; i < f->n_tensors; i++)
        names[i] = f->tensors[i].name;
    qsort(names, f->n_tensors, sizeof *names, by_text);
    const char *name;
    json_t *file;
    int rc = 0;
    json_object_foreach((json_t *)weight_map, name, file)
    {
        if (f->n_tensors == 0 || !bsearch(&name, names, f->n_tensors, sizeof *names, by_text)) {
            rc = err_set(err, ERR_INPUT, "'%s': tensor '%s' is not in '%s'", index, shown(name, strlen(name)).text,
                         shown(json_string_value(file), json_string_length(file)).text);
            break;
        }
    }
    free(names);
    return rc;
}

static int read_shards(struct model_file *f, const char *index, struct err *err)
{
    int rc = -1;
    size_t n = 0, distinct = 0;
    const char **files = NULL, *name;
    json_t *file, *root = read_json_object(index, INDEX_MAX_BYTES, err);
    const json_t *weight_map = json_object_get(root, "weight_map");
    if (!root)
        return -1;
    if (!json_is_object(weight_map) || json_object_size(weight_map) == 0) {
        err_set(err, ERR_INPUT, "'%s': expected 'weight_map', an object from tensor to file", index);
        goto out;
    }
    files = mem_alloc(json_object_size(weight_map), sizeof *files, err);
    if (!files)
        goto out;
    json_object_foreach((json_t *)weight_map, name, file)
    {
        const char *s = json_string_value(file);
        if (!s || !*s || strchr(s, '/') || s[0] == '.') { /* a shard lies beside its index, never elsewhere */
            err_set(err, ERR_INPUT, "'%s': tensor '%s': expected the name of a file in the same folder", index,
                    shown(name, strlen(name)).text);
            goto out;
        }
        files[n++] = s;
    }
    qsort(files, n, sizeof *files, by_text);
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || strcmp(files[i - 1], files[i]) != 0)
            files[distinct++] = files[i];
    }
    for (size_t i = 0; i < distinct; i++) {
        if (add_file(f, files[i], weight_map, err) < 0)
            goto out;
    }
    rc = check_promises(f, weight_map, index, err);
out:
    free(files);
    json_decref(root);
    return rc;
}

static bool is_pytorch(const char *name)
{
    return str_starts(name, "pytorch_model") || str_ends(name, ".pt") || str_ends(name, ".pth");
}

/* Without model.safetensors and without an index: exactly one *.safetensors, else exactly one PyTorch file, or an error that
 * lists them. */
static int read_only_file(struct model_file *f, struct err *err)
{
    static const char *const kinds[] = {"safetensors", "PyTorch files"};
    bool pytorch = false;
    const char **names, *only = NULL;
    size_t n_names, n = 0;
    struct buf list = BUF_INIT(LIST_MAX_BYTES);
    TRY(list_folder(&names, &n_names, f->dir, &f->arena, err));
    for (size_t i = 0; i < n_names; i++)
        n += str_ends(names[i], ".safetensors");
    pytorch = n == 0;
    n = 0;
    for (size_t i = 0; i < n_names; i++) {
        if (pytorch ? !is_pytorch(names[i]) : !str_ends(names[i], ".safetensors"))
            continue;
        buf_printf(&list, "%s'%s'", n++ ? ", " : "", names[i]);
        only = names[i];
    }
    free(names);
    int rc = buf_check(&list, err);
    if (rc == 0 && n > 1) {
        rc = err_set(err, ERR_USAGE, "folder '%s' holds %zu %s and no index: %s", f->dir, n, kinds[pytorch], list.data);
        err_hint(err, "name one of them, or add %s", pytorch ? "pytorch_model.bin.index.json" : "model.safetensors.index.json");
    } else if (rc == 0 && n == 1) {
        f->format = pytorch ? &format_pytorch : &format_safetensors;
        rc = add_file(f, only, NULL, err);
    } else if (rc == 0) {
        f->format = &format_tokenizer;
    }
    buf_release(&list);
    return rc;
}

/* In the order of transformers; Meta's own last. */
int folder_read(struct model_file *f, struct err *err)
{
    static const struct {
        const char *name;
        bool index;
        const struct format *format;
    } known[] = {
        {"model.safetensors", false, &format_safetensors},
        {"model.safetensors.index.json", true, &format_safetensors},
        {"pytorch_model.bin", false, &format_pytorch},
        {"pytorch_model.bin.index.json", true, &format_pytorch},
        {"consolidated.00.pth", false, &format_pytorch},
    };
    f->format = &format_safetensors;
    TRY(table_read_configs(f, f->dir, err));
    char *second = path_join(f->dir, "consolidated.01.pth", err);
    if (!second)
        return -1;
    bool parted = file_exists(second);
    free(second);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        char *path = path_join(f->dir, known[i].name, err);
        if (!path)
            return -1;
        int rc = 1;
        if (file_exists(path)) {
            f->format = known[i].format;
            rc = known[i].index ? read_shards(f, path, err)
                 : parted && i == sizeof known / sizeof *known - 1
                     ? err_set(err, ERR_UNSUPPORTED, "'%s' is the first of several that each hold a part of every matrix", path)
                     : add_file(f, path_base(path), NULL, err);
        }
        free(path);
        if (rc <= 0)
            return rc;
    }
    return read_only_file(f, err);
}

static int never(const uint8_t *data, size_t size, const char *path)
{
    (void)data, (void)size, (void)path;
    return 0;
}

/* What a folder is that has a tokenizer and no weights. It is found by resolve.c, never by a file's contents. */
const struct format format_tokenizer = {.name = "tokenizer", .what = "a folder with only a tokenizer", .probe = never};
