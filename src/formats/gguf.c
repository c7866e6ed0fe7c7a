/* GGUF v2 and v3 (little-endian), after the specification in ggml's docs/gguf.md.
 *
 * One pass over the header: strings stay where they are in the file, arrays of strings get a table of (pointer, length).
 * Every length is compared with the bytes left before anything is read or allocated for it, so memory is at most a small
 * multiple of the header's size. Deviations from ggml: dimensions of 0 are refused (nothing can be computed with them),
 * tensors may lie in any order but must not overlap, and a type that this program cannot decode refuses the file with its
 * number, since no model could be run without that tensor.
 *
 * A split model is opened by any of its parts: names end in -00001-of-00003.gguf, metadata come from the first part, and
 * each part has its own tensors and its own alignment.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "formats/resolve.h"
#include "formats/table.h"

enum {
    GGUF_DIMS_MAX = 4,
    NAME_MAX_BYTES = 65535, /* the specification's limit on keys */
    ALIGNMENT_DEFAULT = 32,
    ALIGNMENT_MAX = 1 << 30,
    /* the fewest bytes that one entry of each kind takes: a count above bytes left / this is a lie */
    META_BYTES_MIN = 8 + 1 + 4 + 1,
    TENSOR_BYTES_MIN = 8 + 1 + 4 + 4 + 8,
};

struct cursor {
    const uint8_t *data;
    size_t size, at;
    const char *path;
};

static int short_of(const struct cursor *c, const char *what, struct err *err)
{
    err_set(err, ERR_INPUT, "'%s': offset %zu: the file ends inside %s (%zu bytes in all)", c->path, c->at, what, c->size);
    return err_hint(err, "the download may be incomplete: compare its size with the source's");
}

static int take(struct cursor *c, void *out, size_t n, const char *what, struct err *err)
{
    if (c->size - c->at < n)
        return short_of(c, what, err);
    memcpy(out, c->data + c->at, n);
    c->at += n;
    return 0;
}

static int take_string(struct cursor *c, struct meta_string *out, const char *what, struct err *err)
{
    uint64_t len = 0;
    TRY(take(c, &len, sizeof len, what, err));
    if (len > c->size - c->at)
        return err_set(err, ERR_INPUT, "'%s': offset %zu: %s says it has %" PRIu64 " bytes, but only %zu are left",
                       c->path, c->at - sizeof len, what, len, c->size - c->at);
    *out = (struct meta_string){(const char *)c->data + c->at, len};
    c->at += len;
    return 0;
}

/* A key or a tensor's name, NUL-terminated in the arena. */
static const char *take_name(struct cursor *c, struct arena *arena, const char *what, struct err *err)
{
    struct meta_string s;
    size_t at = c->at;
    if (take_string(c, &s, what, err) < 0)
        return NULL;
    if (s.len == 0 || s.len > NAME_MAX_BYTES || memchr(s.data, '\0', s.len)) {
        err_set(err, ERR_INPUT, "'%s': offset %zu: %s is %s", c->path, at, what,
                s.len == 0 ? "empty" : s.len > NAME_MAX_BYTES ? "longer than 65535 bytes" : "cut by a zero byte");
        return NULL;
    }
    return arena_strndup(arena, s.data, s.len, err);
}

static size_t scalar_bytes(enum meta_type t)
{
    switch (t) {
    case META_U8:
    case META_I8:
    case META_BOOL:
        return 1;
    case META_U16:
    case META_I16:
        return 2;
    case META_U32:
    case META_I32:
    case META_F32:
        return 4;
    case META_U64:
    case META_I64:
    case META_F64:
        return 8;
    default:
        return 0;
    }
}

static int bad_bool(const struct cursor *c, const char *key, unsigned value, struct err *err)
{
    return err_set(err, ERR_INPUT, "'%s': metadata '%s': a bool is 0 or 1, found %u", c->path,
                   shown(key, strlen(key)).text, value);
}

static int take_array(struct cursor *c, struct meta *m, struct arena *arena, struct err *err)
{
    uint32_t type;
    uint64_t n;
    TRY(take(c, &type, sizeof type, "an array's type", err));
    TRY(take(c, &n, sizeof n, "an array's length", err));
    struct shown key = shown(m->key, strlen(m->key));
    if (type > META_F64 || type == META_ARRAY)
        return err_set(err, ERR_INPUT, "'%s': metadata '%s': %s (type %" PRIu32 ")", c->path, key.text,
                       type == META_ARRAY ? "arrays of arrays are not read" : "an array of an unknown type", type);
    m->array.type = (enum meta_type)type;
    m->array.n = n;
    size_t item = type == META_STRING ? sizeof(uint64_t) : scalar_bytes(m->array.type);
    if (n > (c->size - c->at) / item)
        return err_set(err, ERR_INPUT, "'%s': metadata '%s': %" PRIu64 " items do not fit into the %zu bytes left", c->path,
                       key.text, n, c->size - c->at);
    if (type != META_STRING) {
        m->array.data = c->data + c->at;
        for (uint64_t i = 0; type == META_BOOL && i < n; i++) {
            if (c->data[c->at + i] > 1)
                return bad_bool(c, m->key, c->data[c->at + i], err);
        }
        c->at += n * item;
        return 0;
    }
    struct meta_string *strings = arena_alloc(arena, n, sizeof *strings, err);
    if (!strings)
        return -1;
    for (uint64_t i = 0; i < n; i++) {
        if (take_string(c, &strings[i], "a string of an array", err) < 0)
            return err_context(err, "metadata '%s', item %" PRIu64, key.text, i);
    }
    m->array.strings = strings;
    return 0;
}

static int take_value(struct cursor *c, struct meta *m, struct arena *arena, struct err *err)
{
    union {
        uint8_t u8;
        int8_t i8;
        uint16_t u16;
        int16_t i16;
        uint32_t u32;
        int32_t i32;
        uint64_t u64;
        int64_t i64;
        float f32;
        double f64;
    } v = {0};
    if (m->type == META_STRING)
        return take_string(c, &m->string, "a metadata string", err);
    if (m->type == META_ARRAY)
        return take_array(c, m, arena, err);
    TRY(take(c, &v, scalar_bytes(m->type), "a metadata value", err));
    switch (m->type) {
    case META_U8:
        m->u = v.u8;
        break;
    case META_I8:
        m->i = v.i8;
        break;
    case META_U16:
        m->u = v.u16;
        break;
    case META_I16:
        m->i = v.i16;
        break;
    case META_U32:
        m->u = v.u32;
        break;
    case META_I32:
        m->i = v.i32;
        break;
    case META_U64:
        m->u = v.u64;
        break;
    case META_I64:
        m->i = v.i64;
        break;
    case META_F32:
        m->f = v.f32;
        break;
    case META_F64:
        m->f = v.f64;
        break;
    default:
        if (v.u8 > 1)
            return bad_bool(c, m->key, v.u8, err);
        m->u = v.u8;
        break;
    }
    return 0;
}

static int take_meta(struct cursor *c, struct model_file *f, struct err *err)
{
    struct meta *m = table_add_meta(f, err);
    if (!m)
        return -1;
    m->key = take_name(c, &f->arena, "a metadata key", err);
    uint32_t type;
    if (!m->key)
        return -1;
    TRY(take(c, &type, sizeof type, "a metadata type", err));
    if (type > META_F64)
        return err_set(err, ERR_INPUT, "'%s': metadata '%s': type %" PRIu32 " is unknown", c->path,
                       shown(m->key, strlen(m->key)).text, type);
    m->type = (enum meta_type)type;
    return take_value(c, m, &f->arena, err);
}

/* Types that ggml has and prony does not decode, so that the message can say more than a number. */
static const char *foreign_type(uint32_t number)
{
    static const char *const names[] = {
        [9] = "q8_1",    [15] = "q8_K",   [16] = "iq2_xxs", [17] = "iq2_xs", [18] = "iq3_xxs", [19] = "iq1_s",
        [21] = "iq3_s",  [22] = "iq2_s",  [29] = "iq1_m",   [34] = "tq1_0",  [35] = "tq2_0",   [39] = "mxfp4",
        [40] = "nvfp4",
    };
    const char *name = number < sizeof names / sizeof *names ? names[number] : NULL;
    return name ? name : "unknown";
}

/* Sets t->data to the offset in the data section for now: where that begins is known only after the last one. */
static int take_tensor(struct cursor *c, struct model_file *f, struct err *err)
{
    struct tensor *t = table_add_tensor(f, err);
    if (!t)
        return -1;
    const char *name = take_name(c, &f->arena, "a tensor's name", err);
    if (!name)
        return -1;
    t->name = name;
    struct shown label = shown(name, strlen(name));
    uint32_t n_dims, type;
    uint64_t dims[GGUF_DIMS_MAX], offset;
    TRY(take(c, &n_dims, sizeof n_dims, "a tensor's dimensions", err));
    if (n_dims > GGUF_DIMS_MAX)
        return err_set(err, ERR_INPUT, "'%s': tensor '%s': %" PRIu32 " dimensions, GGUF has at most %d", c->path,
                       label.text, n_dims, GGUF_DIMS_MAX);
    TRY(take(c, dims, n_dims * sizeof *dims, "a tensor's dimensions", err));
    TRY(take(c, &type, sizeof type, "a tensor's type", err));
    TRY(take(c, &offset, sizeof offset, "a tensor's offset", err));
    if (!dtype_from_gguf(&t->type, type)) {
        err_set(err, ERR_UNSUPPORTED, "'%s': tensor '%s' has type %" PRIu32 " (%s), which prony does not read", c->path,
                label.text, type, foreign_type(type));
        return err_hint(err, "quantize the model to one of the types in docs/FORMATS.md");
    }
    t->n_dims = (int)n_dims;
    for (uint32_t i = 0; i < n_dims; i++) {
        t->dims[i] = dims[n_dims - 1 - i]; /* GGUF names the innermost first */
        if (dims[i] == 0)
            return err_set(err, ERR_INPUT, "'%s': tensor '%s': a dimension is 0", c->path, label.text);
    }
    TRY(tensor_set_bytes(t, c->path, err));
    t->data = (const void *)(uintptr_t)offset;
    return 0;
}

static int place_tensors(struct model_file *f, const struct cursor *c, size_t from, uint64_t alignment, struct err *err)
{
    if (from == f->n_tensors)
        return 0; /* a vocabulary: the file may end with its last key */
    size_t start = (c->at + alignment - 1) & ~(size_t)(alignment - 1);
    for (size_t i = from; i < f->n_tensors; i++) {
        struct tensor *t = &f->tensors[i];
        uint64_t offset = (uint64_t)(uintptr_t)t->data;
        struct shown label = shown(t->name, strlen(t->name));
        if (offset % alignment != 0)
            return err_set(err, ERR_INPUT, "'%s': tensor '%s': offset %" PRIu64 " is not a multiple of the alignment %" PRIu64,
                           c->path, label.text, offset, alignment);
        if (start > c->size || offset > c->size - start || t->bytes > c->size - start - offset) {
            err_set(err, ERR_INPUT,
                    "'%s': tensor '%s': %zu bytes at offset %" PRIu64 " of the data (which begin at %zu) exceed the file's %zu",
                    c->path, label.text, t->bytes, offset, start, c->size);
            return err_hint(err, "the download may be incomplete: compare its size with the source's");
        }
        t->data = c->data + start + offset;
    }
    return table_check_overlap(f, from, c->path, err);
}

/* What one file says of itself. */
struct part {
    uint64_t no, count, tensors; /* split.no from 0, split.count (0: not split), split.tensors.count */
};

static int part_number(const struct model_file *f, size_t from, const char *key, uint64_t *out, struct err *err)
{
    for (size_t i = from; i < f->n_metas; i++) {
        const struct meta *m = &f->metas[i];
        if (!str_eq(m->key, key))
            continue;
        bool is_signed = m->type == META_I8 || m->type == META_I16 || m->type == META_I32 || m->type == META_I64;
        bool is_unsigned = m->type == META_U8 || m->type == META_U16 || m->type == META_U32 || m->type == META_U64;
        if (!(is_unsigned || (is_signed && m->i >= 0)))
            return err_set(err, ERR_INPUT, "'%s': metadata '%s': expected a whole number from 0, found %s",
                           f->sources[f->n_sources - 1].map.path, key, meta_type_name(m->type));
        *out = m->u; /* i and u share their bits from 0 up */
    }
    return 0;
}

/* Reads one file; all its metadata are appended. */
static int read_part(struct model_file *f, size_t source, struct part *part, struct err *err)
{
    const struct file_map *map = &f->sources[source].map;
    struct cursor c = {.data = map->data, .size = map->size, .at = 4, .path = map->path};
    uint32_t version;
    uint64_t n_tensors, n_metas;
    if (map->size < 4 || memcmp(map->data, "GGUF", 4) != 0)
        return err_set(err, ERR_INPUT, "'%s' does not begin with 'GGUF'", map->path);
    TRY(take(&c, &version, sizeof version, "the header", err));
    if (version != 2 && version != 3) {
        if ((version & 0xFFFF) == 0 && version != 0) {
            err_set(err, ERR_UNSUPPORTED, "'%s' is a big-endian GGUF", map->path);
            return err_hint(err, "convert it with gguf-py's gguf_convert_endian.py");
        }
        err_set(err, ERR_UNSUPPORTED, "'%s' is GGUF version %" PRIu32 ", prony reads 2 and 3", map->path, version);
        return version == 1 ? err_hint(err, "rewrite it with llama-quantize --allow-requantize or convert it anew") : -1;
    }
    TRY(take(&c, &n_tensors, sizeof n_tensors, "the header", err));
    TRY(take(&c, &n_metas, sizeof n_metas, "the header", err));
    if (n_metas > (c.size - c.at) / META_BYTES_MIN || n_tensors > (c.size - c.at) / TENSOR_BYTES_MIN)
        return err_set(err, ERR_INPUT,
                       "'%s': the header counts %" PRIu64 " metadata and %" PRIu64 " tensors, more than %zu bytes can hold",
                       map->path, n_metas, n_tensors, c.size);
    size_t first_meta = f->n_metas, first_tensor = f->n_tensors;
    for (uint64_t i = 0; i < n_metas; i++)
        TRY(take_meta(&c, f, err));
    uint64_t alignment = ALIGNMENT_DEFAULT;
    *part = (struct part){0};
    TRY(part_number(f, first_meta, "general.alignment", &alignment, err));
    TRY(part_number(f, first_meta, "split.no", &part->no, err));
    TRY(part_number(f, first_meta, "split.count", &part->count, err));
    TRY(part_number(f, first_meta, "split.tensors.count", &part->tensors, err));
    if (alignment == 0 || (alignment & (alignment - 1)) != 0 || alignment > ALIGNMENT_MAX)
        return err_set(err, ERR_INPUT, "'%s': general.alignment is %" PRIu64 ", expected a power of two up to 2^30",
                       map->path, alignment);
    for (uint64_t i = 0; i < n_tensors; i++)
        TRY(take_tensor(&c, f, err));
    return place_tensors(f, &c, first_tensor, alignment, err);
}

static int check_part(const struct model_file *f, size_t i, const struct part *part, unsigned no, unsigned count,
                      struct err *err)
{
    if (part->no + 1 == no && part->count == count)
        return 0;
    return err_set(err, ERR_INPUT, "'%s': its name says part %u of %u, its metadata part %" PRIu64 " of %" PRIu64,
                   f->sources[i].map.path, no, count, part->no + 1, part->count);
}

static int gguf_read(struct model_file *f, struct err *err)
{
    struct part first, part;
    unsigned no, count;
    const char *given = f->sources[0].map.path;
    size_t stem = gguf_split_stem(given, &no, &count);
    bool rename_needed = !stem;
    if (stem && no != 1 && !f->sources[0].borrowed) { /* opened by a later part: begin with the first all the same */
        char *path = mem_printf(err, "%.*s-%05u-of-%05u.gguf", (int)stem, given, 1u, count);
        if (!path)
            return -1;
        file_unmap(&f->sources[0].map);
        f->n_sources = 0;
        int rc = table_map(f, path, err);
        free(f->path);
        f->path = path;
        TRY(rc);
        no = 1;
    }
    TRY(read_part(f, 0, &first, err));
    if (first.count <= 1)
        return 0;
    if (rename_needed || f->sources[0].borrowed) {
        err_set(err, ERR_INPUT, "'%s' is one of %" PRIu64 " parts, but its name does not say so", f->path, first.count);
        return err_hint(err, "give the parts their names back: NAME-00001-of-%05" PRIu64 ".gguf", first.count);
    }
    TRY(check_part(f, 0, &first, no, count, err));
    for (unsigned i = 2; i <= count; i++) {
        char *path = mem_printf(err, "%.*s-%05u-of-%05u.gguf", (int)stem, f->path, i, count);
        if (!path)
            return -1;
        int at = table_map(f, path, err);
        free(path);
        if (at < 0)
            return err_context(err, "'%s' has %u parts", f->path, count);
        size_t n_metas = f->n_metas;
        TRY(read_part(f, (size_t)at, &part, err));
        TRY(check_part(f, (size_t)at, &part, i, count, err));
        f->n_metas = n_metas; /* what a later part says beside its tensors is the first's, repeated or left out */
    }
    if (first.tensors != 0 && first.tensors != f->n_tensors)
        return err_set(err, ERR_INPUT, "'%s': its %u parts hold %zu tensors, expected %" PRIu64, f->path, count,
                       f->n_tensors, first.tensors);
    return 0;
}

static int gguf_probe(const uint8_t *data, size_t size, const char *path)
{
    if (size >= 4 && memcmp(data, "GGUF", 4) == 0)
        return 2;
    return size > 0 && size < 4 && str_ends(path, ".gguf") ? 1 : 0;
}

const struct format format_gguf = {
    .name = "gguf",
    .what = "GGUF v2/v3, also split",
    .probe = gguf_probe,
    .read = gguf_read,
};
