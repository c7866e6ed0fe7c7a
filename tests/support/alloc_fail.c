#include "support/alloc_fail.h"

#include <stdlib.h>

#include <jansson.h>

#include "base/mem.h"
#include "support/testing.h"

static _Thread_local bool in_jansson;

static void *jansson_alloc(size_t n)
{
    bool before = mem_failed();
    void *p = mem_alloc(n, 1, NULL);
    if (!before && mem_failed())
        in_jansson = true;
    return p;
}

long assert_survives_out_of_memory(int (*attempt)(void *arg, struct err *err), void *arg)
{
    json_malloc_t old_malloc;
    json_free_t old_free;
    json_get_alloc_funcs(&old_malloc, &old_free);
    json_set_alloc_funcs(jansson_alloc, free);
    long n = 0;
    for (;; n++) {
        struct err err = ERR_INIT;
        in_jansson = false;
        mem_fail_after(n);
        int rc = attempt(arg, &err);
        bool failed = mem_failed();
        mem_fail_after(-1);
        if (!failed) {
            if (rc < 0)
                fail_msg("without a failed allocation: %s", err.text);
            break;
        }
        if (rc == 0 && in_jansson)
            continue; /* its lexer does not look whether its buffer could grow */
        if (rc == 0)
            fail_msg("allocation %ld failed, and nobody noticed", n);
        if (err.code == ERR_NONE || (err.code != ERR_MEMORY && !in_jansson))
            fail_msg("allocation %ld failed: %s (%s), expected memory", n, err.text, err_code_name(err.code));
    }
    json_set_alloc_funcs(old_malloc, old_free);
    return n;
}
