/* log.h - what happened, in lines that a person or a program can read.
 *
 *     struct log log;
 *     TRY(log_start(&log, stderr, LOG_LEVEL_INFO, LOG_FORM_TEXT, err));
 *     log_info(&log, "cell started", LOG_TEXT("cell", id), LOG_INT("pid", pid));
 *
 *     2026-01-31T12:34:56.789Z info  cell started cell=ppl/llama pid=4711
 *     {"time":"2026-01-31T12:34:56.789Z","level":"info","message":"cell started","cell":"ppl/llama","pid":4711}
 *
 * Invariants: one event is one line and one write, flushed; control characters never reach the stream as they are; never
 * standard output, which belongs to results. A NULL log takes everything and writes nothing. Below the level nothing is
 * evaluated, so a debug line costs a comparison. Writing a log cannot fail for the caller: where memory is short the
 * line says only that there was an event.
 *
 * Threads may share a log, unless it has a progress line to clear. It borrows the stream.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "base/progress.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };
enum log_form { LOG_FORM_TEXT, LOG_FORM_JSON };

struct log {
    FILE *out;
    enum log_level level; /* the least urgent that is written */
    enum log_form form;
    int64_t (*real_ms)(void); /* clock_real_ms, unless a test turns it */
    struct progress *progress; /* taken off the screen before each line; NULL: none there */
};

enum log_kind { LOG_KIND_END, LOG_KIND_TEXT, LOG_KIND_INT, LOG_KIND_NUMBER, LOG_KIND_BOOL };

struct log_field {
    const char *key;
    enum log_kind kind;
    union {
        const char *text;
        int64_t integer;
        double number;
        bool truth;
    };
};

#define LOG_TEXT(name, value) ((struct log_field){.key = (name), .kind = LOG_KIND_TEXT, .text = (value)})
#define LOG_INT(name, value) ((struct log_field){.key = (name), .kind = LOG_KIND_INT, .integer = (value)})
#define LOG_NUMBER(name, value) ((struct log_field){.key = (name), .kind = LOG_KIND_NUMBER, .number = (value)})
#define LOG_BOOL(name, value) ((struct log_field){.key = (name), .kind = LOG_KIND_BOOL, .truth = (value)})

/* -1 for standard output. */
int log_start(struct log *log, FILE *out, enum log_level level, enum log_form form, struct err *err);

/* "error", "warn", "info" or "debug"; err names the nearest. */
int log_level_from_name(enum log_level *level, const char *name, struct err *err);

static inline bool log_wants(const struct log *log, enum log_level level)
{
    return log && level <= log->level;
}

/* Fields 1 to n; the first is not looked at, so that a message without fields is no special case. */
void log_write(const struct log *log, enum log_level level, const char *message, const struct log_field *fields,
               size_t n);

/* What the four below are made of; the comma that they leave at the end is one that C allows in an initializer. */
#define LOG_AT(log, level, message, ...)                                                                    \
    (log_wants((log), (level))                                                                              \
         ? log_write((log), (level), (message), (const struct log_field[]){{.key = NULL}, __VA_ARGS__},      \
                     sizeof((const struct log_field[]){{.key = NULL}, __VA_ARGS__}) / sizeof(struct log_field)) \
         : (void)0)
#define log_error(log, ...) LOG_AT(log, LOG_LEVEL_ERROR, __VA_ARGS__, )
#define log_warn(log, ...) LOG_AT(log, LOG_LEVEL_WARN, __VA_ARGS__, )
#define log_info(log, ...) LOG_AT(log, LOG_LEVEL_INFO, __VA_ARGS__, )
#define log_debug(log, ...) LOG_AT(log, LOG_LEVEL_DEBUG, __VA_ARGS__, )

#endif
