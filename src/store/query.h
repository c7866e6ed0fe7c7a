/* query.h - SQL over results/prony.db that cannot change it.
 *
 * One statement, which may only read: the file is opened read-only, and what would write, attach another file or load
 * code is refused before it runs.
 */
#ifndef STORE_QUERY_H
#define STORE_QUERY_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum query_kind { QUERY_NULL, QUERY_INTEGER, QUERY_NUMBER, QUERY_TEXT };

struct query_value {
    enum query_kind kind; /* a blob comes as text of hex digits */
    int64_t integer;
    double number;
    const char *text;     /* borrowed for the call */
    size_t len;
};

struct query_events {
    /* Called once before the first row, also when there is none. -1 ends the query with that error. */
    int (*columns)(void *arg, size_t n, const char *const *names, struct err *err);
    int (*row)(void *arg, size_t n, const struct query_value *values, struct err *err);
    void *arg;
};

/* What SQLite finds wrong is ERR_USAGE with the character at which it was found. */
int query(const char *db_path, const char *sql, const struct query_events *events, struct err *err);

#endif
