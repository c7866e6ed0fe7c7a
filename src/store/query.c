#include "store/query.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "store/database.h"

/* Reading tables and calling functions is all that a question needs. */
static int allow(void *arg, int action, const char *a, const char *b, const char *db, const char *trigger)
{
    (void)arg, (void)a, (void)db, (void)trigger;
    if (action == SQLITE_FUNCTION)
        return b && strcmp(b, "load_extension") == 0 ? SQLITE_DENY : SQLITE_OK;
    if (action == SQLITE_PRAGMA) /* those that describe: a value given would set something */
        return b && strcmp(a, "table_info") != 0 && strcmp(a, "table_list") != 0 ? SQLITE_DENY : SQLITE_OK;
    return action == SQLITE_SELECT || action == SQLITE_READ || action == SQLITE_RECURSIVE ? SQLITE_OK : SQLITE_DENY;
}

static int wrong_sql(sqlite3 *db, const char *sql, struct err *err)
{
    int at = sqlite3_error_offset(db), code = sqlite3_errcode(db);
    if (code == SQLITE_AUTH) {
        err_set(err, ERR_USAGE, "the statement is refused: %s", sqlite3_errmsg(db));
        return err_hint(err, "prony query only reads; the raw logs are what to change");
    }
    if (code != SQLITE_ERROR)
        return database_error(db, "the query failed", err);
    if (at >= 0)
        err_set(err, ERR_USAGE, "at character %d, '%.40s': %s", at + 1, sql + at, sqlite3_errmsg(db));
    else
        err_set(err, ERR_USAGE, "%s", sqlite3_errmsg(db));
    return err_hint(err, "SELECT name, sql FROM sqlite_schema shows the tables");
}

/* Percent-encodes a path for a file: URI. */
static char *immutable_uri(const char *path, struct err *err)
{
    struct buf b = BUF_INIT(1 << 16);
    buf_str(&b, "file:");
    for (const char *c = path; *c; c++)
        if (isalnum((unsigned char)*c) || strchr("/._-", *c))
            buf_char(&b, *c);
        else
            buf_printf(&b, "%%%02X", (unsigned char)*c);
    buf_str(&b, "?immutable=1");
    char *uri = buf_take(&b, err);
    buf_release(&b);
    return uri;
}

/* A database in WAL mode needs a file beside it even to be read. In a folder that cannot be written there is none, and
 * then nobody else writes either: it is opened as one that does not change. */
static int open_to_read(sqlite3 **db, const char *path, struct err *err)
{
    if (!file_exists(path)) {
        err_set(err, ERR_MISSING, "'%s' is not there", path);
        return err_hint(err, "prony collate makes it out of raw logs");
    }
    int code = sqlite3_open_v2(path, db, SQLITE_OPEN_READONLY, NULL);
    if (code == SQLITE_OK) {
        sqlite3_busy_timeout(*db, 10000);
        code = sqlite3_exec(*db, "SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL);
    }
    if (code == SQLITE_CANTOPEN || code == SQLITE_READONLY) {
        char *uri = immutable_uri(path, err);
        if (!uri)
            return -1;
        sqlite3_close(*db);
        code = sqlite3_open_v2(uri, db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL);
        free(uri);
        if (code == SQLITE_OK)
            code = sqlite3_exec(*db, "SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL);
    }
    if (code == SQLITE_OK)
        return 0;
    if (!*db)
        return err_set(err, ERR_MEMORY, "out of memory for the database");
    database_error(*db, "cannot read", err);
    return err_context(err, "'%s'", path);
}

static const char *hex_of(struct buf *to, const unsigned char *bytes, int n)
{
    buf_clear(to);
    for (int i = 0; i < n; i++)
        buf_printf(to, "%02x", bytes[i]);
    return to->data ? to->data : "";
}

static void get_value(struct query_value *v, sqlite3_stmt *s, int i, struct buf *hex)
{
    *v = (struct query_value){.kind = QUERY_NULL};
    switch (sqlite3_column_type(s, i)) {
    case SQLITE_INTEGER:
        v->kind = QUERY_INTEGER;
        v->integer = sqlite3_column_int64(s, i);
        break;
    case SQLITE_FLOAT:
        v->kind = QUERY_NUMBER;
        v->number = sqlite3_column_double(s, i);
        break;
    case SQLITE_TEXT:
        v->kind = QUERY_TEXT;
        v->text = (const char *)sqlite3_column_text(s, i);
        v->len = (size_t)sqlite3_column_bytes(s, i);
        break;
    case SQLITE_BLOB:
        v->kind = QUERY_TEXT;
        v->text = hex_of(hex, sqlite3_column_blob(s, i), sqlite3_column_bytes(s, i));
        v->len = strlen(v->text);
        break;
    default:
        break;
    }
}

static int run_statement(sqlite3 *db, sqlite3_stmt *s, const char *sql, const struct query_events *events, struct err *err)
{
    size_t n = (size_t)sqlite3_column_count(s);
    const char **names = mem_alloc(n, sizeof *names, err);
    struct query_value *values = mem_alloc(n, sizeof *values, err);
    struct buf *hex = mem_zalloc(n, sizeof *hex, err);
    int rc = -1, code;
    if (!names || !values || !hex)
        goto out;
    for (size_t i = 0; i < n; i++) {
        names[i] = sqlite3_column_name(s, (int)i);
        buf_init(&hex[i], 64 << 20);
    }
    if (events->columns && events->columns(events->arg, n, names, err) < 0)
        goto out;
    while ((code = sqlite3_step(s)) == SQLITE_ROW) {
        for (size_t i = 0; i < n; i++)
            get_value(&values[i], s, (int)i, &hex[i]);
        if (events->row && events->row(events->arg, n, values, err) < 0)
            goto out;
    }
    rc = code == SQLITE_DONE ? 0 : wrong_sql(db, sql, err);
out:
    for (size_t i = 0; hex && i < n; i++)
        buf_release(&hex[i]);
    free(hex);
    free(values);
    free(names);
    return rc;
}

int query(const char *db_path, const char *sql, const struct query_events *events, struct err *err)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *s = NULL;
    const char *rest = NULL;
    int rc = open_to_read(&db, db_path, err);
    if (rc < 0)
        goto out;
    sqlite3_set_authorizer(db, allow, NULL);
    rc = -1;
    if (sqlite3_prepare_v2(db, sql, -1, &s, &rest) != SQLITE_OK) {
        wrong_sql(db, sql, err);
        goto out;
    }
    while (rest && *rest && (isspace((unsigned char)*rest) || *rest == ';'))
        rest++;
    if (!s)
        err_set(err, ERR_USAGE, "there is no SQL statement in '%.40s'", sql);
    else if (rest && *rest)
        err_set(err, ERR_USAGE, "one statement at a time: '%.40s' follows the first", rest);
    else if (!sqlite3_stmt_readonly(s) || sqlite3_column_count(s) == 0)
        err_set(err, ERR_USAGE, "the statement would give no rows: expected a SELECT");
    else
        rc = run_statement(db, s, sql, events, err);
out:
    sqlite3_finalize(s);
    sqlite3_close(db);
    return rc;
}
