/* The format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html. The header is a Python literal; only
 * the one that the format defines is read: a dict of the three keys, in any order. */
#include "base/npy.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static const struct {
    const char *name;
    uint8_t bytes;
} types[NPY_TYPES] = {
    [NPY_BOOL] = {"|b1", 1}, [NPY_I8] = {"|i1", 1},  [NPY_I16] = {"<i2", 2}, [NPY_I32] = {"<i4", 4},
    [NPY_I64] = {"<i8", 8},  [NPY_U8] = {"|u1", 1},  [NPY_U16] = {"<u2", 2}, [NPY_U32] = {"<u4", 4},
    [NPY_U64] = {"<u8", 8},  [NPY_F16] = {"<f2", 2}, [NPY_F32] = {"<f4", 4}, [NPY_F64] = {"<f8", 8},
};

size_t npy_item_bytes(enum npy_type t)
{
    return types[t].bytes;
}

const char *npy_type_name(enum npy_type t)
{
    return types[t].name;
}

/* ---- the header ------------------------------------------------------------------------------------------------- */

struct literal {
    const char *at, *end;
    const char *name;
    struct err *err;
};

static void skip_space(struct literal *l)
{
    while (l->at < l->end && (*l->at == ' ' || *l->at == '\n' || *l->at == '\t'))
        l->at++;
}

static bool take(struct literal *l, char c)
{
    skip_space(l);
    if (l->at == l->end || *l->at != c)
        return false;
    l->at++;
    return true;
}

static int malformed(struct literal *l, const char *expected)
{
    int n = l->end - l->at > 20 ? 20 : (int)(l->end - l->at);
    char found[21];
    for (int i = 0; i < n; i++)
        found[i] = l->at[i] >= ' ' && l->at[i] < 0x7f ? l->at[i] : '?';
    found[n] = '\0';
    return err_set(l->err, ERR_INPUT, "'%s': the header of the array has '%s' where %s is expected", l->name, found, expected);
}

/* A string without escapes, into `out`. */
static int take_string(struct literal *l, char *out, size_t size, const char *expected)
{
    skip_space(l);
    char quote = l->at < l->end ? *l->at : '\0';
    if (quote != '\'' && quote != '"')
        return malformed(l, expected);
    const char *close = memchr(l->at + 1, quote, (size_t)(l->end - l->at - 1));
    size_t len = close ? (size_t)(close - l->at - 1) : 0;
    if (!close || len >= size || memchr(l->at + 1, '\\', len))
        return malformed(l, expected);
    memcpy(out, l->at + 1, len);
    out[len] = '\0';
    l->at = close + 1;
    return 0;
}

static int take_type(struct literal *l, enum npy_type *out)
{
    char name[32];
    skip_space(l);
    if (l->at < l->end && *l->at == '[')
        return err_set(l->err, ERR_UNSUPPORTED, "'%s': an array of records, expected one of numbers", l->name);
    TRY(take_string(l, name, sizeof name, "a type like '<f4'"));
    for (int t = 0; t < NPY_TYPES; t++) /* a single byte has no order: '<u1' is written too */
        if (strcmp(name, types[t].name) == 0 || (types[t].bytes == 1 && name[0] == '<' && strcmp(name + 1, types[t].name + 1) == 0)) {
            *out = (enum npy_type)t;
            return 0;
        }
    if (name[0] == '>')
        err_set(l->err, ERR_UNSUPPORTED, "'%s': numbers of type '%s' are big-endian, expected little-endian ones", l->name, name);
    else if (strchr(name, 'O'))
        err_set(l->err, ERR_UNSUPPORTED, "'%s': an array of Python objects, expected one of numbers", l->name);
    else
        err_set(l->err, ERR_UNSUPPORTED, "'%s': numbers of type '%s', expected integers or floats of at most 8 bytes", l->name, name);
    return err_hint(l->err, "in Python: numpy.save(path, array.astype('<i4')), or '<f4'");
}

static int take_order(struct literal *l, bool *fortran)
{
    skip_space(l);
    size_t left = (size_t)(l->end - l->at);
    if (left >= 5 && memcmp(l->at, "False", 5) == 0) {
        *fortran = false;
        l->at += 5;
    } else if (left >= 4 && memcmp(l->at, "True", 4) == 0) {
        *fortran = true;
        l->at += 4;
    } else {
        return malformed(l, "True or False");
    }
    return 0;
}

static int take_shape(struct literal *l, struct npy *a)
{
    if (!take(l, '('))
        return malformed(l, "a shape like (2, 3)");
    while (!take(l, ')')) {
        if (a->n_dims == NPY_DIMS_MAX)
            return err_set(l->err, ERR_INPUT, "'%s': the array has more than %d dimensions", l->name, NPY_DIMS_MAX);
        skip_space(l);
        uint64_t dim = 0;
        const char *first = l->at;
        for (; l->at < l->end && *l->at >= '0' && *l->at <= '9'; l->at++)
            if (__builtin_mul_overflow(dim, 10, &dim) || __builtin_add_overflow(dim, (uint64_t)(*l->at - '0'), &dim))
                return err_set(l->err, ERR_INPUT, "'%s': a dimension of the array exceeds 64 bits", l->name);
        if (l->at == first)
            return malformed(l, "a whole number");
        if (l->at < l->end && *l->at == 'L') /* as Python 2 wrote it */
            l->at++;
        a->dims[a->n_dims++] = dim;
        if (!take(l, ',') && (skip_space(l), l->at == l->end || *l->at != ')'))
            return malformed(l, "',' or ')'");
    }
    return 0;
}

static int read_header(struct npy *a, struct literal *l)
{
    bool fortran = false, seen[3] = {false};
    if (!take(l, '{'))
        return malformed(l, "'{'");
    while (!take(l, '}')) {
        char key[32];
        TRY(take_string(l, key, sizeof key, "a key"));
        int which = strcmp(key, "descr") == 0 ? 0 : strcmp(key, "fortran_order") == 0 ? 1 : strcmp(key, "shape") == 0 ? 2 : -1;
        if (which < 0 || seen[which])
            return err_set(l->err, ERR_INPUT, "'%s': the header of the array has the key '%s' %s", l->name, key,
                           which < 0 ? "that no header has" : "twice");
        seen[which] = true;
        if (!take(l, ':'))
            return malformed(l, "':'");
        TRY(which == 0 ? take_type(l, &a->type) : which == 1 ? take_order(l, &fortran) : take_shape(l, a));
        if (!take(l, ',') && (skip_space(l), l->at == l->end || *l->at != '}'))
            return malformed(l, "',' or '}'");
    }
    skip_space(l);
    if (l->at != l->end)
        return malformed(l, "the end of the header");
    if (!seen[0] || !seen[1] || !seen[2])
        return err_set(l->err, ERR_INPUT, "'%s': the header of the array lacks '%s'", l->name,
                       !seen[0] ? "descr" : !seen[1] ? "fortran_order" : "shape");
    if (fortran && a->n_dims > 1) {
        err_set(l->err, ERR_UNSUPPORTED, "'%s': the array is in Fortran order, expected C order", l->name);
        return err_hint(l->err, "in Python: numpy.save(path, numpy.ascontiguousarray(array))");
    }
    return 0;
}

int npy_parse(struct npy *out, const void *bytes, size_t size, const char *name, struct err *err)
{
    const uint8_t *p = bytes;
    *out = (struct npy){0};
    if (size < 10 || memcmp(p, "\x93NUMPY", 6) != 0)
        return err_set(err, ERR_INPUT, "'%s': not a .npy file: it does not begin with NumPy's mark", name);
    if (p[6] < 1 || p[6] > 3)
        return err_set(err, ERR_UNSUPPORTED, "'%s': .npy version %d.%d, this prony knows 1 to 3", name, p[6], p[7]);
    size_t begin = p[6] == 1 ? 10 : 12;
    if (size < begin)
        return err_set(err, ERR_INPUT, "'%s': the file ends within its first 12 bytes", name);
    size_t len = p[6] == 1 ? (size_t)(p[8] | p[9] << 8) : (size_t)p[8] | (size_t)p[9] << 8 | (size_t)p[10] << 16 | (size_t)p[11] << 24;
    if (len > size - begin)
        return err_set(err, ERR_INPUT, "'%s': a header of %zu bytes is announced, the file has %zu", name, len, size);
    struct npy a = {0};
    struct literal l = {.at = (const char *)p + begin, .end = (const char *)p + begin + len, .name = name, .err = err};
    TRY(read_header(&a, &l));
    a.count = 1;
    for (int i = 0; i < a.n_dims; i++)
        if (__builtin_mul_overflow(a.count, a.dims[i], &a.count))
            return err_set(err, ERR_INPUT, "'%s': the shape of the array has more items than 64 bits can count", name);
    if (a.count > (size - begin - len) / types[a.type].bytes)
        return err_set(err, ERR_INPUT, "'%s': %" PRIu64 " items of %d bytes are announced, the file has %zu bytes of them", name,
                       a.count, types[a.type].bytes, size - begin - len);
    a.data = p + begin + len;
    a.bytes = (size_t)a.count * types[a.type].bytes;
    *out = a;
    return 0;
}

int npy_open(struct npy *out, const char *path, struct err *err)
{
    struct file_map map;
    *out = (struct npy){0};
    TRY(file_map(&map, path, err));
    if (npy_parse(out, map.data, map.size, path, err) < 0) {
        file_unmap(&map);
        return -1;
    }
    out->map = map;
    return 0;
}

void npy_close(struct npy *a)
{
    file_unmap(&a->map);
    *a = (struct npy){0};
}

/* ---- items ------------------------------------------------------------------------------------------------------ */

static double from_half(uint16_t h)
{
    int exponent = h >> 10 & 31, fraction = h & 1023;
    double v = exponent == 0    ? ldexp(fraction, -24)
               : exponent == 31 ? (fraction ? (double)NAN : (double)INFINITY)
                                : ldexp(fraction + 1024, exponent - 25);
    return h >> 15 ? -v : v;
}

/* Reads by memcpy, because items are not aligned. */
#define LOADER(ctype)                            \
    static ctype load_##ctype(const void *p)     \
    {                                            \
        ctype v;                                 \
        memcpy(&v, p, sizeof v);                 \
        return v;                                \
    }
LOADER(int8_t)
LOADER(int16_t)
LOADER(int32_t)
LOADER(int64_t)
LOADER(uint8_t)
LOADER(uint16_t)
LOADER(uint32_t)
LOADER(uint64_t)
LOADER(float)
LOADER(double)

static const void *item(const struct npy *a, uint64_t i)
{
    return (const char *)a->data + i * types[a->type].bytes;
}

double npy_f64(const struct npy *a, uint64_t i)
{
    const void *p = item(a, i);
    switch (a->type) {
    case NPY_F16:
        return from_half(load_uint16_t(p));
    case NPY_F32:
        return load_float(p);
    case NPY_F64:
        return load_double(p);
    case NPY_U64:
        return (double)load_uint64_t(p);
    default:
        return (double)npy_i64(a, i);
    }
}

static int64_t cut(double x)
{
    return isnan(x) ? 0 : x >= 0x1p63 ? INT64_MAX : x <= -0x1p63 ? INT64_MIN : (int64_t)x;
}

int64_t npy_i64(const struct npy *a, uint64_t i)
{
    const void *p = item(a, i);
    uint64_t u;
    switch (a->type) {
    case NPY_BOOL:
        return load_uint8_t(p) != 0;
    case NPY_I8:
        return load_int8_t(p);
    case NPY_I16:
        return load_int16_t(p);
    case NPY_I32:
        return load_int32_t(p);
    case NPY_I64:
        return load_int64_t(p);
    case NPY_U8:
        return load_uint8_t(p);
    case NPY_U16:
        return load_uint16_t(p);
    case NPY_U32:
        return load_uint32_t(p);
    case NPY_U64:
        u = load_uint64_t(p);
        return u > INT64_MAX ? INT64_MAX : (int64_t)u;
    default:
        return cut(npy_f64(a, i));
    }
}

/* ---- writing ---------------------------------------------------------------------------------------------------- */

int npy_header(struct buf *out, enum npy_type t, const uint64_t *dims, int n_dims, struct err *err)
{
    struct buf dict = BUF_INIT(4096);
    buf_printf(&dict, "{'descr': '%s', 'fortran_order': False, 'shape': (", types[t].name);
    for (int i = 0; i < n_dims; i++)
        buf_printf(&dict, i + 1 < n_dims ? "%" PRIu64 ", " : n_dims == 1 ? "%" PRIu64 "," : "%" PRIu64, dims[i]);
    buf_str(&dict, "), }");
    size_t total = (10 + dict.len + 1 + 63) / 64 * 64; /* the items begin at a multiple of 64 */
    while (dict.len < total - 10 - 1 && !dict.failed)
        buf_char(&dict, ' ');
    buf_char(&dict, '\n');
    buf_add(out, "\x93NUMPY\x01\x00", 8);
    buf_char(out, (char)(dict.len & 255));
    buf_char(out, (char)(dict.len >> 8));
    buf_add(out, dict.data, dict.len);
    int rc = buf_check(&dict, err);
    buf_release(&dict);
    return rc < 0 ? -1 : buf_check(out, err);
}

int npy_write(const char *path, enum npy_type t, const uint64_t *dims, int n_dims, const void *data, struct err *err)
{
    uint64_t bytes = types[t].bytes;
    for (int i = 0; i < n_dims; i++)
        if (__builtin_mul_overflow(bytes, dims[i], &bytes))
            return err_set(err, ERR_USAGE, "'%s': the array would have more bytes than 64 bits can count", path);
    struct buf out = BUF_INIT(SIZE_MAX / 2);
    int rc = npy_header(&out, t, dims, n_dims, err);
    if (rc == 0) {
        buf_add(&out, data, bytes);
        rc = buf_check(&out, err);
    }
    if (rc == 0)
        rc = file_write(path, out.data, out.len, err);
    buf_release(&out);
    return rc;
}
