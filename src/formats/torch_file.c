/* torch_file.c - PyTorch's files (pytorch_model.bin, *.pt, consolidated.00.pth): a zip of stored entries, one of which, data.pkl, is a
 * pickle that says which tensor lies in which other (data/0, data/1, ...).
 *
 * A tensor is a view of a storage: offset, size, strides. Where its values lie in order it points into the map; one that is
 * transposed or cut out is copied. Several may share a storage (tied weights): that is no damage here.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "formats/meta_llama.h"
#include "formats/pickle.h"
#include "formats/table.h"
#include "formats/zip.h"

enum { PICKLE_MAX_BYTES = 128 << 20, VALUES_MAX_BYTES = 1 << 30 };

struct archive {
    struct zip zip;
    struct arena values;
    const char *path, *prefix; /* before every entry's name: "archive/" */
    size_t prefix_len;
};

static const struct zip_entry *find_pickle(struct archive *a)
{
    static const char name[] = "data.pkl";
    size_t n = sizeof name - 1;
    for (size_t i = 0; i < a->zip.n; i++) {
        const struct zip_entry *e = &a->zip.entries[i];
        if (e->name_len < n || memcmp(e->name + e->name_len - n, name, n) != 0)
            continue;
        a->prefix = e->name;
        a->prefix_len = e->name_len - n;
        if (a->prefix_len == 0 || (a->prefix[a->prefix_len - 1] == '/' &&
                                   !memchr(a->prefix, '/', a->prefix_len - 1)))
            return e;
    }
    return NULL;
}

static int wrong(const struct archive *a, const char *name, const char *what, struct err *err)
{
    return err_set(err, ERR_INPUT, "'%s': tensor '%s' %s", a->path, shown(name, strlen(name)).text, what);
}

/* Bytes and offset of a tensor's storage; checks that the view stays within it. */
static int find_view(const struct archive *a, const struct pickle_value *v, const char *name, const uint8_t **data, bool *in_order,
                     struct tensor *t, struct err *err)
{
    const struct pickle_value *s = v->tensor.storage;
    char key[64];
    if (s->storage.key_len > 32)
        return wrong(a, name, "has a storage with a strange name", err);
    int n = snprintf(key, sizeof key, "data/%.*s", (int)s->storage.key_len, s->storage.key);
    const struct zip_entry *e = (size_t)n == strlen(key) ? zip_find(&a->zip, a->prefix, a->prefix_len, key) : NULL;
    uint64_t width = dtype_block_bytes(s->storage.type), values = 1, reach = 0, step = 1;
    if (!e)
        return wrong(a, name, "has a storage that is not in the archive", err);
    if (s->storage.values > e->size / width)
        return wrong(a, name, "has a storage with fewer bytes than it says", err);
    *in_order = true;
    t->type = s->storage.type;
    t->n_dims = (int)v->tensor.size->list.n;
    if (v->tensor.size->list.n > TENSOR_DIMS_MAX)
        return wrong(a, name, "has more dimensions than are read", err);
    for (int i = t->n_dims; i-- > 0;) {
        uint64_t dim = (uint64_t)v->tensor.size->list.items[i]->i, stride = (uint64_t)v->tensor.stride->list.items[i]->i, span;
        t->dims[i] = dim;
        *in_order = *in_order && (dim <= 1 || stride == step);
        if (__builtin_mul_overflow(values, dim, &values) || __builtin_mul_overflow(dim ? dim - 1 : 0, stride, &span) ||
            __builtin_add_overflow(reach, span, &reach) || __builtin_mul_overflow(step, dim ? dim : 1, &step))
            return wrong(a, name, "has sizes whose product overflows 64 bits", err);
    }
    if (values > 0 && (reach >= s->storage.values || v->tensor.offset > s->storage.values - 1 - reach))
        return wrong(a, name, "reaches beyond its storage", err);
    if (values > s->storage.values) /* strides of 0: few bytes that stand for many */
        return wrong(a, name, "has more values than its storage", err);
    *data = e->data + (values > 0 ? v->tensor.offset * width : 0);
    return 0;
}

/* The values of a view in order, in memory of the table's. */
static const void *in_memory(struct model_file *f, const struct pickle_value *v, const struct tensor *t, const uint8_t *data,
                             struct err *err)
{
    size_t width = dtype_block_bytes(t->type);
    uint8_t *out = arena_alloc(&f->arena, t->bytes ? t->bytes : 1, 1, err);
    uint64_t at[TENSOR_DIMS_MAX] = {0};
    for (size_t i = 0; out && i < t->bytes; i += width) {
        uint64_t from = 0;
        for (int d = 0; d < t->n_dims; d++)
            from += at[d] * (uint64_t)v->tensor.stride->list.items[d]->i;
        memcpy(out + i, data + from * width, width);
        for (int d = t->n_dims - 1; d >= 0 && ++at[d] == t->dims[d]; d--)
            at[d] = 0;
    }
    return out;
}

/* What wrappers put in front of every name. */
static const char *bare_name(const char *name)
{
    static const char *const wrappers[] = {"_orig_mod.", "module."};
    for (size_t i = 0; i < sizeof wrappers / sizeof *wrappers; i++)
        if (str_starts(name, wrappers[i]))
            return bare_name(name + strlen(wrappers[i]));
    return name;
}

static int add_tensor(struct model_file *f, const struct archive *a, const struct pickle_value *key, const struct pickle_value *v,
                      const json_t *weight_map, const char *file, struct err *err)
{
    char *name = key->kind == PICKLE_TEXT && !memchr(key->text.data, '\0', key->text.len)
                     ? arena_strndup(&f->arena, key->text.data, key->text.len, err)
                     : NULL;
    const uint8_t *data = NULL;
    bool in_order = true;
    if (!name)
        return err_set(err, ERR_INPUT, "'%s': a tensor whose name is no text", a->path);
    const char *home = json_string_value(json_object_get(weight_map, name));
    if (home && !str_eq(home, file))
        return 0; /* the index takes it from another shard */
    struct tensor *t = table_add_tensor(f, err);
    if (!t)
        return -1;
    t->name = bare_name(name);
    TRY(find_view(a, v, name, &data, &in_order, t, err));
    TRY(tensor_set_bytes(t, a->path, err));
    t->data = in_order ? data : in_memory(f, v, t, data, err);
    return t->data ? 0 : -1;
}

static bool has_tensors(const struct pickle_value *v)
{
    for (size_t i = 0; v && v->kind == PICKLE_DICT && i < v->list.n / 2; i++)
        if (v->list.items[2 * i + 1]->kind == PICKLE_TENSOR)
            return true;
    return false;
}

/* The weights: a dict that a training script put beside its optimizer's state (and perhaps a loss), or all there is. */
static const struct pickle_value *find_state(const struct pickle_value *root)
{
    static const char *const names[] = {"model", "state_dict", "model_state_dict", "module"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (has_tensors(pickle_get(root, names[i])))
            return pickle_get(root, names[i]);
    return has_tensors(root) ? root : NULL;
}

static int add_archive(struct model_file *f, struct archive *a, const struct file_map *m, const json_t *weight_map,
                       const char *file, struct err *err)
{
    struct pickle_value *root;
    TRY(zip_read(&a->zip, m->data, m->size, m->path, err));
    const struct zip_entry *pickle = find_pickle(a);
    if (!pickle)
        return err_set(err, ERR_INPUT, "'%s': a zip archive without data.pkl: PyTorch did not write it", m->path);
    const struct zip_entry *order = zip_find(&a->zip, a->prefix, a->prefix_len, "byteorder");
    if (order && !(order->size == 6 && memcmp(order->data, "little", 6) == 0))
        return err_set(err, ERR_UNSUPPORTED, "'%s': its numbers are big-endian", m->path);
    if (pickle->size > PICKLE_MAX_BYTES)
        return err_set(err, ERR_UNSUPPORTED, "'%s': a pickle of %zu bytes, at most %d are read", m->path, pickle->size,
                       PICKLE_MAX_BYTES);
    TRY(pickle_read(&root, pickle->data, pickle->size, m->path, &a->values, err));
    const struct pickle_value *state = find_state(root);
    if (!state)
        return err_set(err, ERR_INPUT, "'%s': the pickle is no dict of tensors, nor has it one under 'model' or 'state_dict'",
                       m->path);
    for (size_t i = 0; i < state->list.n / 2; i++)
        if (state->list.items[2 * i + 1]->kind == PICKLE_TENSOR)
            TRY(add_tensor(f, a, state->list.items[2 * i], state->list.items[2 * i + 1], weight_map, file, err));
    return meta_llama_adopt(f, root, err);
}

/* In a folder a name decides, so what lies there may be anything. */
static int check_magic(const struct file_map *m, struct err *err)
{
    static const uint8_t old[] = {0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46};
    if (m->size >= 4 && memcmp(m->data, "PK\3\4", 4) == 0)
        return 0;
    if (m->size >= sizeof old && memcmp(m->data, old, sizeof old) == 0) {
        err_set(err, ERR_UNSUPPORTED, "'%s' is a PyTorch file of before 1.6", m->path);
        return err_hint(err, "load it with PyTorch and save it again");
    }
    return err_set(err, ERR_INPUT, "'%s' is not a PyTorch file: it does not begin as a zip archive", m->path);
}

int pytorch_add(struct model_file *f, size_t i, const json_t *weight_map, const char *file, struct err *err)
{
    const struct file_map *m = &f->sources[i].map;
    TRY(check_magic(m, err));
    struct archive a = {.values = ARENA_INIT(VALUES_MAX_BYTES), .path = m->path};
    int rc = add_archive(f, &a, m, weight_map, file, err);
    zip_release(&a.zip);
    arena_release(&a.values);
    return rc;
}

static int pytorch_read(struct model_file *f, struct err *err)
{
    if (f->dir[0])
        TRY(table_read_configs(f, f->dir, err));
    return pytorch_add(f, 0, NULL, NULL, err);
}

static int pytorch_probe(const uint8_t *data, size_t size, const char *path)
{
    (void)path;
    return size >= 4 && memcmp(data, "PK\3\4", 4) == 0 ? 2 : 0;
}

const struct format format_pytorch = {
    .name = "pytorch",
    .what = "PyTorch's zip files, their pickle read and never run",
    .probe = pytorch_probe,
    .read = pytorch_read,
};
