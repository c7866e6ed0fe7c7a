/* err.h - how a failure travels.
 *
 * A function that can fail returns 0 or -1 and takes a `struct err *` as its last argument. On success it does not
 * touch it. On failure the place nearest the cause sets it once; everyone above forwards it with TRY, and may put what
 * it knows in front (err_context), never over it.
 *
 *     int config_read(struct config *c, const char *path, struct err *err)
 *     {
 *         TRY(file_read(&text, path, CONFIG_MAX, err));
 *         if (text.len == 0)
 *             return err_set(err, ERR_INPUT, "'%s': the file is empty", path);
 *         return 0;
 *     }
 *
 * Texts are lower case, fact first, the subject in single quotes, no full stop: they are printed verbatim behind
 * "prony: ". They name the file, line and column (or tensor, offset, URL), what was found and what was expected; the
 * hint says how to mend it.
 *
 * A NULL `struct err *` is allowed everywhere: the caller wants to know only whether it failed.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdarg.h>

/* Pinned numbers: they are stored in raw logs and reports. */
enum err_code {
    ERR_NONE = 0,
    ERR_USAGE = 1,       /* the caller asked for something that makes no sense: exit status 2 */
    ERR_INPUT = 2,       /* a file, manifest or reply is wrong */
    ERR_IO = 3,          /* the system refused: no such file, no permission, disk full */
    ERR_MEMORY = 4,      /* an allocation failed or a declared maximum was reached */
    ERR_UNSUPPORTED = 5, /* valid, but this build, engine or experiment cannot do it */
    ERR_MISSING = 6,     /* something that must be installed or given is not there */
    ERR_ENGINE = 7,      /* an engine answered with an error, died or talked nonsense */
    ERR_TIMEOUT = 8,     /* a limit on time was reached */
    ERR_INTERRUPTED = 9, /* the user stopped it */
    ERR_LIMIT = 10,      /* a limit that the user set (memory, say) was crossed */
    ERR_BUG = 11,        /* our own fault; please report */
};

struct err {
    enum err_code code;
    char text[512];
    char hint[256];
};

#define ERR_INIT {.code = ERR_NONE}

/* Sets code and text unless an error is already there (the first, nearest the cause, wins). Always returns -1. */
int err_set(struct err *err, enum err_code code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int err_setv(struct err *err, enum err_code code, const char *fmt, va_list ap);

/* As err_set with ERR_IO (ERR_MEMORY for ENOMEM), `: ` and strerror(errnum) added. */
int err_set_errno(struct err *err, int errnum, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Adds how to mend it, once. Returns -1, so that it can end a return statement. */
int err_hint(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Puts `what: ` in front of a text that is already set. Returns -1. */
int err_context(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

void err_clear(struct err *err);

/* The name of a code as stored in logs: "usage", "input", ... */
const char *err_code_name(enum err_code code);

/* Forwards a failure. For functions without clean-up; with clean-up use `if (f(...) < 0) goto out;`. */
#define TRY(expr)       \
    do {                \
        if ((expr) < 0) \
            return -1;  \
    } while (0)

#endif
