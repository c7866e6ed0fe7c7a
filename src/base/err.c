#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int err_setv(struct err *err, enum err_code code, const char *fmt, va_list ap)
{
    if (!err || err->code != ERR_NONE)
        return -1;
    err->code = code;
    vsnprintf(err->text, sizeof err->text, fmt, ap);
    err->hint[0] = '\0';
    return -1;
}

int err_set(struct err *err, enum err_code code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    err_setv(err, code, fmt, ap);
    va_end(ap);
    return -1;
}

int err_set_errno(struct err *err, int errnum, const char *fmt, ...)
{
    if (!err || err->code != ERR_NONE)
        return -1;
    va_list ap;
    va_start(ap, fmt);
    err_setv(err, errnum == ENOMEM ? ERR_MEMORY : ERR_IO, fmt, ap);
    va_end(ap);
    size_t len = strlen(err->text);
    snprintf(err->text + len, sizeof err->text - len, ": %s", strerror(errnum));
    return -1;
}

int err_hint(struct err *err, const char *fmt, ...)
{
    if (!err || err->code == ERR_NONE || err->hint[0])
        return -1;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(err->hint, sizeof err->hint, fmt, ap);
    va_end(ap);
    return -1;
}

int err_context(struct err *err, const char *fmt, ...)
{
    if (!err || err->code == ERR_NONE)
        return -1;
    char old[sizeof err->text];
    memcpy(old, err->text, sizeof old);
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(err->text, sizeof err->text, fmt, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= sizeof err->text) {
        memcpy(err->text, old, sizeof old); /* the cause matters more than the context */
        return -1;
    }
    snprintf(err->text + n, sizeof err->text - (size_t)n, ": %.*s", (int)(sizeof err->text - (size_t)n - 3), old);
    return -1;
}

void err_clear(struct err *err)
{
    if (err)
        *err = (struct err)ERR_INIT;
}

const char *err_code_name(enum err_code code)
{
    static const char *const names[] = {
        [ERR_NONE] = "none",           [ERR_USAGE] = "usage",     [ERR_INPUT] = "input",
        [ERR_IO] = "io",               [ERR_MEMORY] = "memory",   [ERR_UNSUPPORTED] = "unsupported",
        [ERR_MISSING] = "missing",     [ERR_ENGINE] = "engine",   [ERR_TIMEOUT] = "timeout",
        [ERR_INTERRUPTED] = "interrupted", [ERR_LIMIT] = "limit", [ERR_BUG] = "bug",
    };
    if ((unsigned)code >= sizeof names / sizeof names[0])
        return "unknown";
    return names[code];
}
