/* The second half: the CSVs of the engines that gained rows, each written whole beside the old one and renamed, so that
 * its bytes follow from the tables alone, whatever was collated when. */
#include "store/collate.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/csv.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "store/database.h"

enum { FLUSH_BYTES = 1 << 18 };

static const char replies_sql[] =
    "SELECT reply.id, request.id, request.step_bytes, request.position_bytes, request.step_parameters, request.batch, "
    "reply.prompt_len, run.platform, run.release, log.device, run.user, run.host, log.size, log.quantize, run.seed, run.uuid "
    "FROM log JOIN run ON run.id = log.run JOIN cell ON cell.log = log.id JOIN launch ON launch.cell = cell.id "
    "JOIN request ON request.launch = launch.id JOIN reply ON reply.request = request.id "
    "WHERE log.engine = ? AND request.phase = 'timed' "
    "ORDER BY run.uuid, log.path, cell.key, launch.number, request.number, reply.sequence";

static const char steps_sql[] = "SELECT number, enqueue_ns, total_ns, text FROM step WHERE reply = ? ORDER BY number";

/* Positions that step ? of a batch reads: of the sequences that are still running then. NULL when one is unknown. */
static const char positions_sql[] =
    "SELECT CASE WHEN count(*) = count(prompt_len) THEN sum(prompt_len + ?1) END FROM reply WHERE request = ?2 AND gen_len > ?1";

struct export {
    sqlite3 *db;
    sqlite3_stmt *replies, *steps, *positions;
    FILE *file;
    struct buf line;
};

static void number(struct buf *line, double x)
{
    csv_number(line, x);
    buf_char(line, ',');
}

static double column(sqlite3_stmt *s, int i)
{
    return sqlite3_column_type(s, i) == SQLITE_NULL ? NAN : sqlite3_column_double(s, i);
}

static void text(struct buf *line, sqlite3_stmt *s, int i, char end)
{
    const char *value = (const char *)sqlite3_column_text(s, i);
    if (value)
        csv_field_len(line, value, (size_t)sqlite3_column_bytes(s, i));
    buf_char(line, end);
}

static int positions(struct export *x, int64_t step, double *out, struct err *err)
{
    int rc = 0;
    sqlite3_bind_int64(x->positions, 1, step);
    sqlite3_bind_int64(x->positions, 2, sqlite3_column_int64(x->replies, 1));
    if (sqlite3_step(x->positions) == SQLITE_ROW)
        *out = column(x->positions, 0);
    else
        rc = database_error(x->db, "exporting", err);
    sqlite3_reset(x->positions);
    return rc;
}

static int write_step(struct export *x, struct err *err)
{
    sqlite3_stmt *r = x->replies, *s = x->steps;
    int64_t step = sqlite3_column_int64(s, 0);
    double total = column(s, 2), n_positions = column(r, 6) + (double)step;
    if (sqlite3_column_int64(r, 5) > 1)
        TRY(positions(x, step, &n_positions, err));
    if (total <= 0)
        total = NAN; /* a clock that did not move: no rate */
    buf_printf(&x->line, "%lld,", (long long)step);
    number(&x->line, column(s, 1) / 1e6);
    number(&x->line, column(s, 2) / 1e6);
    number(&x->line, 1e9 / total);
    number(&x->line, (column(r, 2) + column(r, 3) * n_positions) / total); /* bytes a nanosecond are GB a second */
    number(&x->line, column(r, 4) / total);
    text(&x->line, s, 3, ',');
    for (int i = 7; i <= 15; i++)
        text(&x->line, r, i, i < 15 ? ',' : '\n');
    return 0;
}

static int flush(struct export *x, struct err *err)
{
    TRY(buf_check(&x->line, err));
    if (x->line.len > 0 && fwrite(x->line.data, 1, x->line.len, x->file) != x->line.len)
        return err_set_errno(err, errno, "cannot write the rows");
    buf_clear(&x->line);
    return 0;
}

static int write_rows(struct export *x, const char *engine, struct err *err)
{
    buf_str(&x->line, COLLATE_COLUMNS "\n");
    if (sqlite3_prepare_v2(x->db, replies_sql, -1, &x->replies, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(x->db, steps_sql, -1, &x->steps, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(x->db, positions_sql, -1, &x->positions, NULL) != SQLITE_OK ||
        sqlite3_bind_text(x->replies, 1, engine, -1, SQLITE_STATIC) != SQLITE_OK)
        return database_error(x->db, "exporting", err);
    int code, inner = SQLITE_DONE;
    while (inner == SQLITE_DONE && (code = sqlite3_step(x->replies)) == SQLITE_ROW) {
        sqlite3_bind_int64(x->steps, 1, sqlite3_column_int64(x->replies, 0));
        while ((inner = sqlite3_step(x->steps)) == SQLITE_ROW)
            TRY(write_step(x, err));
        sqlite3_reset(x->steps);
        if (x->line.len >= FLUSH_BYTES)
            TRY(flush(x, err));
    }
    if (inner != SQLITE_DONE || code != SQLITE_DONE)
        return database_error(x->db, "exporting", err);
    return flush(x, err);
}

/* "DIR/results/ENGINE.csv"; MLC's file has the name that its scripts look for. */
static char *csv_path(const char *dir, const char *engine, struct err *err)
{
    char *path = mem_printf(err, "%s/results/%s.csv", dir, str_eq(engine, "mlc") ? "mlc_llm" : engine);
    for (char *c = path ? path + strlen(dir) + strlen("/results/") : NULL; c && *c; c++)
        if (*c == '/')
            *c = '-';
    return path;
}

static int export_csv(sqlite3 *db, const char *path, const char *engine, struct err *err)
{
    struct export x = {.db = db, .line = BUF_INIT(64 << 20)};
    char *beside = mem_printf(err, "%s.new", path);
    int rc = beside ? 0 : -1;
    if (rc == 0 && !(x.file = fopen(beside, "we")))
        rc = err_set_errno(err, errno, "cannot create '%s'", beside);
    if (rc == 0) {
        rc = write_rows(&x, engine, err);
        if (rc == 0 && (fflush(x.file) != 0 || fsync(fileno(x.file)) < 0))
            rc = err_set_errno(err, errno, "cannot write '%s'", beside);
        if (fclose(x.file) != 0 && rc == 0)
            rc = err_set_errno(err, errno, "cannot write '%s'", beside);
        if (rc == 0 && rename(beside, path) < 0)
            rc = err_set_errno(err, errno, "cannot replace '%s'", path);
        if (rc < 0) {
            err_context(err, "'%s'", path);
            unlink(beside);
        }
    }
    sqlite3_finalize(x.replies);
    sqlite3_finalize(x.steps);
    sqlite3_finalize(x.positions);
    buf_release(&x.line);
    free(beside);
    return rc;
}

int collate_csvs(sqlite3 *db, struct collate_report *out, const struct collate_options *o, struct err *err)
{
    sqlite3_stmt *engines = NULL;
    int rc = 0, code = SQLITE_DONE;
    if (sqlite3_prepare_v2(db, "SELECT engine, stale FROM export ORDER BY engine", -1, &engines, NULL) != SQLITE_OK)
        return database_error(db, "exporting", err);
    struct buf done = BUF_INIT(1 << 20); /* names, each with its NUL */
    while (rc == 0 && (code = sqlite3_step(engines)) == SQLITE_ROW) {
        const char *engine = (const char *)sqlite3_column_text(engines, 0);
        bool stale = sqlite3_column_int(engines, 1) != 0;
        char *path = csv_path(o->dir, engine, err);
        rc = path ? 0 : -1;
        if (rc == 0 && (stale || !file_exists(path))) {
            char *dir = mem_strndup(path, (size_t)(path_base(path) - path), err);
            rc = dir ? file_mkdirs(dir, err) : -1;
            free(dir);
            if (rc == 0)
                rc = export_csv(db, path, engine, err);
            out->n_csvs += rc == 0;
            if (rc == 0 && stale)
                buf_add(&done, engine, strlen(engine) + 1);
        }
        free(path);
    }
    if (rc == 0 && code != SQLITE_DONE)
        rc = database_error(db, "exporting", err);
    sqlite3_finalize(engines);
    if (rc == 0)
        rc = buf_check(&done, err);
    for (size_t at = 0; rc == 0 && at < done.len; at += strlen(done.data + at) + 1) {
        sqlite3_stmt *s = NULL;
        if (sqlite3_prepare_v2(db, "UPDATE export SET stale = 0 WHERE engine = ?", -1, &s, NULL) != SQLITE_OK ||
            sqlite3_bind_text(s, 1, done.data + at, -1, SQLITE_STATIC) != SQLITE_OK || sqlite3_step(s) != SQLITE_DONE)
            rc = database_error(db, "exporting", err);
        sqlite3_finalize(s);
    }
    buf_release(&done);
    return rc;
}
