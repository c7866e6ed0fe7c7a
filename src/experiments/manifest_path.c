#include "experiments/manifest_path.h"

#include <stdlib.h>
#include <string.h>

#include "base/data_path.h"
#include "base/file.h"
#include "base/mem.h"

enum { PLACES = 3 };

/* The n-th place, to free(). NULL: there is none, or it is one of those before it, or out of memory. */
static char *place(int n, const char *manifest, const char *path, struct err *err)
{
    size_t folder = (size_t)(path_base(manifest) - manifest);
    if (n == 0)
        return mem_strdup(path, err);
    if (path[0] == '/' || (n == 1 && folder == 0))
        return NULL;
    if (n == 1)
        return mem_printf(err, "%.*s%s", (int)folder, manifest, path);
    char *dir = data_dir(NULL), *found = dir ? path_join(dir, path, err) : NULL;
    free(dir);
    return found;
}

char *manifest_path(const char *manifest, const char *path, struct err *err)
{
    struct err failed = ERR_INIT;
    for (int n = 0; n < PLACES; n++) {
        char *at = place(n, manifest, path, &failed);
        if (at && file_exists(at))
            return at;
        free(at);
        if (failed.code) {
            if (err)
                *err = failed;
            return NULL;
        }
    }
    return mem_strdup(path, err);
}

void manifest_path_places(struct buf *out, const char *manifest, const char *path)
{
    char *at[PLACES];
    int n = 0;
    for (int i = 0; i < PLACES; i++)
        if ((at[n] = place(i, manifest, path, NULL)))
            n++;
    for (int i = 0; i < n; i++) {
        buf_printf(out, "%s'%s'", i == 0 ? "" : i + 1 < n ? ", " : " and ", at[i]);
        free(at[i]);
    }
}
