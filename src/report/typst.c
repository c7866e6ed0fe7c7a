#include "report/typst.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/proc.h"

#define LIMIT_S 120
enum { NO_MODULE = 43 }; /* exit code of the shim */

/* The wheel has no program; `.diagnostic` alone says in which line an error is. */
static const char shim[] = "import sys\n"
                           "try:\n"
                           "    import typst\n"
                           "except ImportError:\n"
                           "    sys.exit(43)\n"
                           "try:\n"
                           "    typst.compile(sys.argv[1], output=sys.argv[2])\n"
                           "except typst.TypstError as e:\n"
                           "    sys.exit(str(getattr(e, 'diagnostic', None) or e))\n";

const char *typst_how_to_get(void)
{
    return "python3 -m venv ~/.cache/prony/typst && ~/.cache/prony/typst/bin/pip install typst==" TYPST_VERSION;
}

/* The Python of the virtual environment that typst_how_to_get makes, to free(); NULL: there is none. */
static char *own_python(void)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    char *path = cache && *cache ? mem_printf(NULL, "%s/prony/typst/bin/python", cache)
                 : home          ? mem_printf(NULL, "%s/.cache/prony/typst/bin/python", home)
                                 : NULL;
    if (path && !file_exists(path)) {
        free(path);
        path = NULL;
    }
    return path;
}

/* Runs it to its end: *found false when it, or the package, is not there. */
static int attempt(bool *found, const char *const *argv, struct err *err)
{
    struct buf said = BUF_INIT(1 << 20);
    struct err failed = ERR_INIT;
    struct proc_options o = {.argv = argv, .in = PROC_NULL, .out = PROC_NULL};
    struct proc_talk talk = {.err = &said, .limit_s = LIMIT_S};
    int result = proc_run(&o, &talk, &failed);
    bool no_module = talk.ended.ended && WIFEXITED(talk.ended.status) && WEXITSTATUS(talk.ended.status) == NO_MODULE;
    *found = result == 0 || !(failed.code == ERR_MISSING || no_module);
    if (!*found)
        result = 0;
    else if (result < 0) {
        err_set(err, failed.code, "typst: %s", failed.text);
        if (said.len)
            err_hint(err, "it said: %.200s", said.data);
    }
    buf_release(&said);
    return result;
}

int typst_compile(bool *found, const char *typ, const char *pdf, struct err *err)
{
    char *own = own_python();
    const char *const program[] = {"typst", "compile", typ, pdf, NULL},
               *const ours[] = {own, "-c", shim, typ, pdf, NULL}, *const theirs[] = {"python3", "-c", shim, typ, pdf, NULL};
    int result = attempt(found, program, err);
    if (result == 0 && !*found && own)
        result = attempt(found, ours, err);
    if (result == 0 && !*found)
        result = attempt(found, theirs, err);
    free(own);
    return result;
}
