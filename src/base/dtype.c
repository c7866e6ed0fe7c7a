#include "base/dtype.h"

#include <strings.h>

#include "base/str.h"

static const struct {
    const char *name;
    size_t block, bytes;
    int gguf;
} dtypes[] = {
#define DTYPE(id, name, values, bytes, gguf) [DTYPE_##id] = {name, values, bytes, gguf},
    DTYPE_LIST
#undef DTYPE
};

const char *dtype_name(enum dtype t)
{
    return dtypes[t].name;
}

size_t dtype_block(enum dtype t)
{
    return dtypes[t].block;
}

size_t dtype_block_bytes(enum dtype t)
{
    return dtypes[t].bytes;
}

int dtype_gguf(enum dtype t)
{
    return dtypes[t].gguf;
}

static const char *name_at(const void *table, size_t i)
{
    (void)table;
    return dtypes[i].name;
}

int dtype_from_name(enum dtype *out, const char *name, struct err *err)
{
    for (size_t i = 0; i < DTYPE_COUNT; i++) {
        if (strcasecmp(dtypes[i].name, name) == 0) {
            *out = (enum dtype)i;
            return 0;
        }
    }
    err_set(err, ERR_USAGE, "'%s' is not a type of numbers that prony knows", name);
    const char *near = str_nearest(name, dtypes, DTYPE_COUNT, name_at);
    return near ? err_hint(err, "did you mean '%s'?", near) : -1;
}

bool dtype_from_gguf(enum dtype *out, uint32_t number)
{
    for (size_t i = 0; i < DTYPE_COUNT; i++) {
        if (dtypes[i].gguf >= 0 && (uint32_t)dtypes[i].gguf == number) {
            *out = (enum dtype)i;
            return true;
        }
    }
    return false;
}

int dtype_row_bytes(size_t *out, enum dtype t, uint64_t n, struct err *err)
{
    size_t block = dtypes[t].block;
    if (n % block != 0)
        return err_set(err, ERR_INPUT, "a row of %llu values is not a whole number of %s blocks of %zu",
                       (unsigned long long)n, dtypes[t].name, block);
    if (__builtin_mul_overflow((size_t)(n / block), dtypes[t].bytes, out))
        return err_set(err, ERR_INPUT, "a row of %llu %s values exceeds the address space", (unsigned long long)n,
                       dtypes[t].name);
    return 0;
}
