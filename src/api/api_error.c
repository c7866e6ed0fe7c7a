#include "api/api_error.h"

#include <stdio.h>
#include <string.h>

#define SIZE_MOST 4096 /* no structure of ours is that large: more means that the INIT macro was not used */

_Static_assert((int)PRONY_BUG == (int)ERR_BUG && (int)PRONY_ENGINE == (int)ERR_ENGINE, "codes are the same numbers");

int api_fail(struct prony_error *error, const struct err *err)
{
    if (error) {
        error->code = (int)err->code;
        snprintf(error->text, sizeof error->text, "%s", err->text);
        snprintf(error->hint, sizeof error->hint, "%s", err->hint);
    }
    return -1;
}

int api_options(void *own, size_t own_size, const void *given, const char *what, struct err *err)
{
    size_t size;
    if (!given)
        return 0;
    memcpy(&size, given, sizeof size);
    if (size < sizeof size || size > SIZE_MOST) {
        err_set(err, ERR_USAGE, "struct %s: a size of %zu bytes makes no sense", what, size);
        return err_hint(err, "begin with its INIT macro");
    }
    for (size_t i = own_size; i < size; i++)
        if (((const unsigned char *)given)[i]) {
            err_set(err, ERR_UNSUPPORTED, "struct %s: a field is set that this libprony does not know", what);
            return err_hint(err, "it was built against a newer prony.h than this library's");
        }
    memcpy(own, given, size < own_size ? size : own_size);
    return 0;
}
