/* results_db.c - results out of the database of store/collate.h, in the order in which the logs would give them. */
#include <math.h>
#include <sqlite3.h>
#include <string.h>

#include "base/json.h"
#include "report/results_build.h"
#include "store/database.h"
#include "store/record.h"

struct reader {
    struct results *r;
    sqlite3 *db;
    sqlite3_stmt *row; /* of the query that is running */
    sqlite3_stmt *steps;
};

static const char *text(const struct reader *at, int column)
{
    return (const char *)sqlite3_column_text(at->row, column);
}

static int64_t integer(const struct reader *at, int column)
{
    return sqlite3_column_type(at->row, column) == SQLITE_NULL ? RECORD_UNKNOWN : sqlite3_column_int64(at->row, column);
}

static int object(struct reader *at, const json_t **out, int column, struct err *err)
{
    const char *s = text(at, column);
    if (!s || *out)
        return 0;
    json_t *v = json_parse(s, strlen(s), "a JSON column", err);
    int result = v ? results_object(at->r, out, v, err) : -1;
    json_decref(v);
    return result;
}

/* Calls for each row of the query. */
static int each_row(struct reader *at, const char *sql, int (*fn)(struct reader *at, struct err *err), struct err *err)
{
    int step = SQLITE_ERROR, result = 0;
    if (sqlite3_prepare_v2(at->db, sql, -1, &at->row, NULL) == SQLITE_OK)
        while (result == 0 && (step = sqlite3_step(at->row)) == SQLITE_ROW)
            result = fn(at, err);
    if (result == 0 && step != SQLITE_DONE)
        result = database_error(at->db, "cannot read", err);
    sqlite3_finalize(at->row);
    at->row = NULL;
    return result;
}

static int take_run(struct reader *at, struct err *err)
{
    struct results *r = at->r;
    struct result_run *run = results_run(r, text(at, 0), err);
    if (!run)
        return -1;
    TRY(results_text(r, &run->started, text(at, 1), err));
    TRY(results_text(r, &run->ended, text(at, 2), err));
    TRY(results_text(r, &run->status, text(at, 3), err));
    TRY(results_text(r, &run->reason, text(at, 4), err));
    TRY(results_text(r, &run->command, text(at, 5), err));
    TRY(results_text(r, &run->host, text(at, 6), err));
    run->seed = sqlite3_column_int64(at->row, 7);
    return 0;
}

static int take_log(struct reader *at, struct err *err)
{
    struct result_run *run = results_run(at->r, text(at, 0), err);
    if (!run)
        return -1;
    at->r->n_logs++;
    return object(at, &run->fingerprint, 1, err);
}

static int take_cell(struct reader *at, struct err *err)
{
    struct results *r = at->r;
    struct result_run *run = results_run(r, text(at, 0), err);
    struct result_cell *cell = run ? results_cell(r, run->id, text(at, 1), err) : NULL;
    if (!cell)
        return -1;
    TRY(results_text(r, &cell->experiment, text(at, 2), err));
    TRY(results_text(r, &cell->engine, text(at, 3), err));
    TRY(results_text(r, &cell->variant, text(at, 4), err));
    TRY(results_text(r, &cell->model, text(at, 5), err));
    TRY(object(at, &cell->params, 6, err));
    TRY(results_text(r, &cell->checked_against, text(at, 7), err));
    TRY(results_text(r, &cell->benchmark, text(at, 8), err));
    TRY(results_text(r, &cell->target, text(at, 9), err));
    TRY(results_text(r, &cell->quantize, text(at, 10), err));
    return results_text(r, &cell->device, text(at, 11), err);
}

/* The cell that columns 0 and 1 name: its run and its key. */
static struct result_cell *cell_named(struct reader *at, struct err *err)
{
    struct result_run *run = results_run(at->r, text(at, 0), err);
    return run ? results_cell(at->r, run->id, text(at, 1), err) : NULL;
}

static int take_launch(struct reader *at, struct err *err)
{
    struct result_cell *cell = cell_named(at, err);
    struct result_launch *launch = cell ? results_launch(at->r, cell, sqlite3_column_int64(at->row, 2), err) : NULL;
    if (!launch)
        return -1;
    launch->peak_bytes = integer(at, 5);
    launch->load_ns = integer(at, 6);
    TRY(results_text(at->r, &launch->status, text(at, 3), err));
    TRY(results_text(at->r, &launch->reason, text(at, 4), err));
    return results_text(at->r, &cell->version, text(at, 7), err);
}

/* The first `n` steps of a reply. */
static int read_steps(struct reader *at, struct result_request *out, sqlite3_int64 reply, size_t n, struct err *err)
{
    int step = SQLITE_ROW;
    double *ms = arena_alloc(&at->r->arena, n, sizeof *ms, err);
    if (!ms)
        return -1;
    sqlite3_bind_int64(at->steps, 1, reply);
    while (out->n_steps < n && (step = sqlite3_step(at->steps)) == SQLITE_ROW)
        ms[out->n_steps++] =
            results_ms(sqlite3_column_type(at->steps, 0) == SQLITE_NULL ? RECORD_UNKNOWN : sqlite3_column_int64(at->steps, 0));
    sqlite3_reset(at->steps);
    out->step_ms = ms;
    return step == SQLITE_ROW || step == SQLITE_DONE ? 0 : database_error(at->db, "cannot read", err);
}

static int take_request(struct reader *at, struct err *err)
{
    struct results *r = at->r;
    struct result_cell *cell = cell_named(at, err);
    if (!cell || results_grow(r, &cell->requests, &cell->cap_requests, cell->n_requests, sizeof *cell->requests, err) < 0)
        return -1;
    int64_t shortest = sqlite3_column_int64(at->row, 8), replies = sqlite3_column_int64(at->row, 9);
    struct result_request *out = &cell->requests[cell->n_requests++];
    *out = (struct result_request){
        .launch = sqlite3_column_int64(at->row, 2),
        .index = sqlite3_column_int64(at->row, 3),
        .prefill_ms = results_ms(integer(at, 4)),
        .decode_ms = results_ms(integer(at, 5)),
        .total_ms = results_ms(integer(at, 6)),
        .tokens = sqlite3_column_int64(at->row, 7),
        .decode_tokens = shortest > 0 ? (shortest - 1) * replies : 0,
        .batch = replies,
        .prompt_positions = integer(at, 11),
        .step_bytes = integer(at, 12),
        .position_bytes = integer(at, 13),
        .step_parameters = integer(at, 14),
    };
    TRY(read_steps(at, out, sqlite3_column_int64(at->row, 15), (size_t)shortest, err));
    return results_text(r, &cell->clock, text(at, 10), err);
}

static int take_value(struct reader *at, struct err *err)
{
    struct results *r = at->r;
    struct result_cell *cell = cell_named(at, err);
    if (!cell || results_grow(r, &cell->values, &cell->cap_values, cell->n_values, sizeof *cell->values, err) < 0)
        return -1;
    struct result_value *value = &cell->values[cell->n_values];
    *value = (struct result_value){.launch = sqlite3_column_int64(at->row, 2), .index = sqlite3_column_int64(at->row, 3),
                                   .x = text(at, 6) ? NAN : sqlite3_column_double(at->row, 5)};
    TRY(results_text(r, &value->text, text(at, 6), err));
    TRY(results_text(r, &value->name, text(at, 4), err));
    cell->n_values++;
    return 0;
}

static int check_version(struct reader *at, struct err *err)
{
    int version = sqlite3_column_int(at->row, 0);
    if (version == DATABASE_VERSION)
        return 0;
    if (version > DATABASE_VERSION)
        return err_set(err, ERR_UNSUPPORTED, "its tables have version %d, this prony reads %d", version, DATABASE_VERSION);
    err_set(err, ERR_INPUT, "not a database that 'prony collate' made");
    return err_hint(err, "name results/prony.db, or the folder of the run");
}

static int take_damage(struct reader *at, struct err *err)
{
    (void)err;
    at->r->n_damaged = (size_t)sqlite3_column_int64(at->row, 0);
    return 0;
}

static const char steps_sql[] = "SELECT total_ns FROM step WHERE reply = ? ORDER BY number";
/* Paths part into folders before their bytes are compared, as a walk through the folders gives them. */
#define IN_ORDER_OF_LOGS " ORDER BY replace(path, '/', char(1))"
#define OF_CELL " JOIN cell ON cell.id = launch.cell JOIN run ON run.id = cell.run"

static int read_tables(struct reader *at, struct err *err)
{
    static const struct {
        const char *sql;
        int (*take)(struct reader *at, struct err *err);
    } queries[] = {
        {"PRAGMA user_version", check_version},
        {"SELECT uuid, started, ended, status, reason, command, host, seed FROM run ORDER BY uuid", take_run},
        {"SELECT uuid, fingerprint FROM log JOIN run ON run.id = log.run" IN_ORDER_OF_LOGS, take_log},
        {"SELECT uuid, key, experiment, iif(experiment IS NULL, log.engine, cell.engine), iif(experiment IS NULL, log.variant,"
         " cell.variant), iif(experiment IS NULL, log.model, cell.model), params, checked_against, benchmark, target,"
         " quantize, device FROM cell JOIN run ON run.id = cell.run JOIN log ON log.id = cell.log ORDER BY cell.id", take_cell},
        {"SELECT uuid, key, number, launch.status, launch.reason, peak_bytes, load_ns, version FROM launch" OF_CELL
         " ORDER BY launch.cell, number", take_launch},
        {"SELECT uuid, key, launch.number, request.number, prefill_ns, decode_ns, total_ns, sum(gen_len), min(gen_len),"
         " count(reply.id), request.clock, iif(count(prompt_len) = count(*), sum(prompt_len), NULL), request.step_bytes,"
         " request.position_bytes, request.step_parameters, min(reply.id) FROM request JOIN launch ON launch.id = request.launch" OF_CELL
         " LEFT JOIN reply ON reply.request = request.id WHERE phase = 'timed' GROUP BY request.id ORDER BY request.id",
         take_request},
        {"SELECT uuid, key, launch.number, value.number, name, x, text FROM value JOIN launch ON launch.id = value.launch" OF_CELL
         " WHERE x IS NOT NULL OR text IS NOT NULL ORDER BY value.launch, value.number, name", take_value},
        {"SELECT count(*) FROM damage", take_damage},
    };
    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
        if (i == 1 && sqlite3_prepare_v2(at->db, steps_sql, -1, &at->steps, NULL) != SQLITE_OK) /* the tables are ours */
            return database_error(at->db, "cannot read", err);
        TRY(each_row(at, queries[i].sql, queries[i].take, err));
    }
    return 0;
}

int results_read_database(struct results *r, const char *path, struct err *err)
{
    struct reader at = {.r = r};
    int result = -1;
    if (sqlite3_open_v2(path, &at.db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK) {
        sqlite3_busy_timeout(at.db, 10000);
        result = read_tables(&at, err);
    } else {
        err_set(err, ERR_IO, "cannot open: %s", at.db ? sqlite3_errmsg(at.db) : "out of memory");
    }
    sqlite3_finalize(at.steps);
    sqlite3_close(at.db);
    if (result == 0 && r->n_runs == 0)
        result = err_set(err, ERR_INPUT, "no run is in it");
    return result < 0 ? err_context(err, "'%s'", path) : 0;
}
