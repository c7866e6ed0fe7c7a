#include "models/backend.h"

#include <string.h>

static const struct backend *const backends[] = {
#define BACKEND(name) &backend_##name,
#include "models/backend_list.h"
#undef BACKEND
};

int backend_choose(const struct backend **out, const char *name, struct err *err)
{
    size_t n = sizeof backends / sizeof backends[0];
    char list[256] = "";
    for (size_t i = 0; i < n; i++) {
        if (!name || strcmp(backends[i]->name, name) == 0) {
            *out = backends[i];
            return 0;
        }
        strncat(list, list[0] ? ", " : "", sizeof list - strlen(list) - 1);
        strncat(list, backends[i]->name, sizeof list - strlen(list) - 1);
    }
    if (strcmp(name, "fast") == 0) {
        *out = backends[0];
        return 0;
    }
    err_set(err, ERR_USAGE, "'%s' is not a variant of the native engine", name);
    return err_hint(err, "there are: %s", list);
}
