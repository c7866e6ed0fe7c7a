#include "base/data_path.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

#define CACHE_MAX (4u << 20)

/* A build folder says in its CMakeCache.txt which tree it was made from. */
static char *source_of_build(const char *dir)
{
    static const char key[] = "\nCMAKE_HOME_DIRECTORY:INTERNAL=";
    struct buf text = BUF_INIT(CACHE_MAX);
    char *path = path_join(dir, "CMakeCache.txt", NULL), *home = NULL;
    if (path && file_exists(path) && file_read(&text, path, CACHE_MAX, NULL) == 0 && text.data) {
        const char *at = strstr(text.data, key);
        if (at) {
            at += sizeof key - 1;
            home = mem_strndup(at, strcspn(at, "\r\n"), NULL);
        }
    }
    free(path);
    buf_release(&text);
    return home;
}

static bool has_configs(const char *dir)
{
    char *configs = path_join(dir, "configs", NULL);
    bool has = configs && file_is_dir(configs);
    free(configs);
    return has;
}

/* The file that holds this code: the program, or libprony.so in someone else's. */
static char *own_object(void)
{
    Dl_info info;
    char resolved[PATH_MAX];
    bool known = dladdr((void *)data_dir, &info) && info.dli_fname;
    if (known && str_ends(info.dli_fname, ".so"))
        known = realpath(info.dli_fname, resolved) != NULL;
    else if (known && strstr(path_base(info.dli_fname), ".so."))
        known = realpath(info.dli_fname, resolved) != NULL;
    else
        known = realpath("/proc/self/exe", resolved) != NULL;
    return known ? mem_strdup(resolved, NULL) : NULL;
}

char *data_dir(struct err *err)
{
    const char *set = getenv("PRONY_DATA_DIR");
    if (set && *set) {
        if (!file_is_dir(set)) {
            err_set(err, ERR_MISSING, "PRONY_DATA_DIR: '%s' is not a folder", set);
            return NULL;
        }
        return mem_strdup(set, err);
    }
    char *object = own_object(), *found = NULL;
    if (!object) {
        err_set(err, ERR_MISSING, "the folder of prony's own data cannot be found: /proc is not there");
        err_hint(err, "set PRONY_DATA_DIR to the folder that holds 'configs'");
        return NULL;
    }
    /* PREFIX/bin/prony and PREFIX/lib/TRIPLET/libprony.so are at most three folders deep, build/tests/test_x two. */
    for (int up = 0; up < 4 && !found; up++) {
        char *slash = strrchr(object, '/');
        if (!slash || slash == object)
            break;
        *slash = '\0';
        found = source_of_build(object);
        if (found && !has_configs(found)) {
            free(found);
            found = NULL;
        }
        if (!found) {
            found = path_join(object, "share/prony", err);
            if (found && !has_configs(found)) {
                free(found);
                found = NULL;
            }
        }
    }
    free(object);
    if (!found) {
        err_set(err, ERR_MISSING, "the folder of prony's own data was not found beside the program");
        err_hint(err, "set PRONY_DATA_DIR to the folder that holds 'configs'");
    }
    return found;
}

char *data_path(const char *relative, struct err *err)
{
    char *dir = data_dir(err);
    if (!dir)
        return NULL;
    char *path = path_join(dir, relative, err);
    if (path && !file_exists(path)) {
        err_set(err, ERR_MISSING, "'%s' is not among prony's own data in '%s'", relative, dir);
        free(path);
        path = NULL;
    }
    free(dir);
    return path;
}
