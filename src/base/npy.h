/* npy.h - NumPy's .npy files: one array of numbers.
 *
 *     struct npy a;
 *     TRY(npy_open(&a, "tokens.npy", err));               // mapped: nothing is copied
 *     for (uint64_t i = 0; i < a.count; i++)
 *         sum += npy_i64(&a, i);
 *     npy_close(&a);
 *
 * Read: format versions 1 to 3; little-endian integers and floats, bools; C order. All else (big-endian, Fortran order,
 * records, Python objects, which would have to be unpickled) is ERR_INPUT or ERR_UNSUPPORTED saying what was found. A
 * shape whose bytes are not all there is refused, so that `data .. data + bytes` lies inside of the file.
 */
#ifndef BASE_NPY_H
#define BASE_NPY_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"

enum npy_type {
    NPY_BOOL, NPY_I8, NPY_I16, NPY_I32, NPY_I64, NPY_U8, NPY_U16, NPY_U32, NPY_U64, NPY_F16, NPY_F32, NPY_F64, NPY_TYPES
};
enum { NPY_DIMS_MAX = 32 };

struct npy {
    enum npy_type type;
    int n_dims;                   /* 0: a scalar, count 1 */
    uint64_t dims[NPY_DIMS_MAX];  /* outermost first */
    uint64_t count;               /* items */
    const void *data;             /* in the file's map; not aligned in general */
    size_t bytes;
    struct file_map map;
};

int npy_open(struct npy *out, const char *path, struct err *err);
/* The same of bytes that are borrowed; `name` stands for the path in messages. */
int npy_parse(struct npy *out, const void *bytes, size_t size, const char *name, struct err *err);
void npy_close(struct npy *a); /* safe on a zeroed one and twice */

/* Item i < count as another type: floats are cut to whole numbers (out of range and NaN: the nearest end, and 0), a U64
 * above INT64_MAX becomes that. */
int64_t npy_i64(const struct npy *a, uint64_t i);
double npy_f64(const struct npy *a, uint64_t i);

size_t npy_item_bytes(enum npy_type t);
const char *npy_type_name(enum npy_type t); /* "<f4" */

/* Appends the header of such an array; its items follow in C order. n_dims at most NPY_DIMS_MAX. */
int npy_header(struct buf *out, enum npy_type t, const uint64_t *dims, int n_dims, struct err *err);
/* Replaces the file in one step. */
int npy_write(const char *path, enum npy_type t, const uint64_t *dims, int n_dims, const void *data, struct err *err);

#endif
