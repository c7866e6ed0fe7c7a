/* The first half: what is new in the raw logs goes into the tables, one transaction a log, together with how far it was
 * read. A crash between two leaves whole logs only. The transaction begins with the first record, so that a log with
 * nothing new changes no byte of the database. */
#include "store/collate.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "store/database.h"
#include "store/rawlog.h"

enum statement {
    ADD_LOG, READ_TO, ADD_RUN, OPEN_LOG, CLOSE_RUN, CLOSE_LOG, ADD_DAMAGE, ADD_CELL, END_CELL,
    ADD_LAUNCH, READY_LAUNCH, END_LAUNCH, ADD_REQUEST, ADD_REPLY, ADD_STEP, ADD_VALUE, MARK_CSV, N_STATEMENTS
};

static const char *const sql[N_STATEMENTS] = {
    [ADD_LOG] = "INSERT INTO log (path) VALUES (?) RETURNING id",
    [READ_TO] = "UPDATE log SET read_to = ? WHERE id = ?",
    [ADD_RUN] = "INSERT INTO run (uuid, started, seed, host, user, platform, release, command) VALUES (?,?,?,?,?,?,?,?) "
                "ON CONFLICT (uuid) DO UPDATE SET uuid = uuid RETURNING id",
    [OPEN_LOG] = "UPDATE log SET run = ?, engine = ?, variant = ?, model = ?, size = ?, quantize = ?, device = ?, "
                 "fingerprint = ? WHERE id = ?",
    [CLOSE_RUN] = "UPDATE run SET ended = ?, status = ?, reason = ? WHERE id = ?",
    [CLOSE_LOG] = "UPDATE log SET after = ? WHERE id = ?",
    [ADD_DAMAGE] = "INSERT OR IGNORE INTO damage (log, at, bytes, why) VALUES (?,?,?,?)",
    [ADD_CELL] = "INSERT INTO cell (run, key, log) VALUES (?,?,?) ON CONFLICT (run, key) DO UPDATE SET key = key RETURNING id",
    [END_CELL] = "UPDATE cell SET experiment = ?, engine = ?, variant = ?, model = ?, params = ?, "
                 "checked_against = coalesce(?, checked_against), benchmark = ?, target = ? WHERE id = ?",
    [ADD_LAUNCH] = "INSERT INTO launch (cell, number) VALUES (?,?) ON CONFLICT (cell, number) DO UPDATE SET number = number "
                   "RETURNING id",
    [READY_LAUNCH] = "UPDATE launch SET version = ?, clock = ?, load_ns = ?, parameters = ?, step_parameters = ?, step_bytes = ?, "
                     "position_bytes = ?, weights_bytes = ?, kv_bytes = ?, scratch_bytes = ? WHERE id = ?",
    [END_LAUNCH] = "UPDATE launch SET status = ?, reason = ?, hint = ?, samples = ?, peak_bytes = ? WHERE id = ?",
    [ADD_REQUEST] = "INSERT INTO request (launch, phase, number, clock, submitted_ns, prefill_ns, decode_ns, total_ns, "
                    "server_prefill_ms, server_decode_ms, cached_tokens, step_bytes, position_bytes, step_parameters, batch) "
                    "VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT (launch, phase, number) DO NOTHING RETURNING id",
    [ADD_REPLY] = "INSERT INTO reply (request, sequence, prompt_len, gen_len, finish, text) VALUES (?,?,?,?,?,?) RETURNING id",
    [ADD_STEP] = "INSERT INTO step (reply, number, token, enqueue_ns, total_ns, logprob, text) VALUES (?,?,?,?,?,?,?)",
    [ADD_VALUE] = "INSERT OR IGNORE INTO value (launch, number, name, x, text) VALUES (?,?,?,?,?)",
    [MARK_CSV] = "INSERT INTO export (engine, stale) VALUES (?, 1) ON CONFLICT (engine) DO UPDATE SET stale = 1",
};

struct collation {
    sqlite3 *db;
    const struct collate_options *o;
    struct collate_report *report;
    sqlite3_stmt *statements[N_STATEMENTS];
    struct arena scratch;  /* of one record */
    const char *log_path;  /* relative to the folder */
    int64_t log, run;      /* ids; run 0: no open record yet */
    uint64_t began_at;     /* how far the log was read before */
    bool in_transaction, csv_stale;
    char *engine;          /* of this log, owned */
};

static int begin(struct collation *c, struct err *err)
{
    if (c->in_transaction)
        return 0;
    TRY(database_exec(c->db, "BEGIN IMMEDIATE", err));
    c->in_transaction = true;
    return 0;
}

/* Binds by `types`: t text or NULL, b text and its length, i integer or RECORD_UNKNOWN, d number or NaN. Runs to its end;
 * *id, if wanted, is the first column of the first row, or 0 without one. */
static int run_sql(struct collation *c, enum statement which, int64_t *id, struct err *err, const char *types, ...)
{
    sqlite3_stmt **s = &c->statements[which];
    if (!*s && sqlite3_prepare_v3(c->db, sql[which], -1, SQLITE_PREPARE_PERSISTENT, s, NULL) != SQLITE_OK)
        return database_error(c->db, "collating", err);
    va_list ap;
    va_start(ap, types);
    int n = 1, code = SQLITE_OK;
    for (const char *t = types; *t && code == SQLITE_OK; t++, n++) {
        if (*t == 't') {
            code = sqlite3_bind_text(*s, n, va_arg(ap, const char *), -1, SQLITE_STATIC);
        } else if (*t == 'b') {
            const char *text = va_arg(ap, const char *);
            code = sqlite3_bind_text64(*s, n, text, va_arg(ap, size_t), SQLITE_STATIC, SQLITE_UTF8);
        } else if (*t == 'i') {
            int64_t v = va_arg(ap, int64_t);
            code = v == RECORD_UNKNOWN ? sqlite3_bind_null(*s, n) : sqlite3_bind_int64(*s, n, v);
        } else {
            code = sqlite3_bind_double(*s, n, va_arg(ap, double)); /* NaN is stored as NULL */
        }
    }
    va_end(ap);
    if (id)
        *id = 0;
    if (code == SQLITE_OK)
        code = sqlite3_step(*s);
    if (code == SQLITE_ROW) {
        if (id)
            *id = sqlite3_column_int64(*s, 0);
        while ((code = sqlite3_step(*s)) == SQLITE_ROW)
            continue;
    }
    int rc = code == SQLITE_DONE ? 0 : database_error(c->db, "collating", err);
    sqlite3_reset(*s);
    sqlite3_clear_bindings(*s);
    return rc;
}

/* ---- records ---------------------------------------------------------------------------------------------------- */

static int take_open(struct collation *c, const json_t *line, struct err *err)
{
    struct record_open r;
    TRY(record_open_read(&r, line, err));
    TRY(run_sql(c, ADD_RUN, &c->run, err, "ttittttt", r.run, r.started, (int64_t)r.seed, r.host, r.user, r.platform, r.release,
                r.command));
    struct buf fp = BUF_INIT(RECORD_LINE_MAX);
    char *engine = mem_strdup(r.engine, err);
    int rc = engine ? 0 : -1;
    if (rc == 0 && r.fingerprint)
        rc = json_write_canonical(&fp, r.fingerprint, err);
    if (rc == 0)
        rc = run_sql(c, OPEN_LOG, NULL, err, "ittttttti", c->run, r.engine, r.variant, r.model, r.size,
                     r.quantize, r.device, fp.data, c->log);
    if (rc == 0) {
        free(c->engine);
        c->engine = engine;
        engine = NULL;
    }
    free(engine);
    buf_release(&fp);
    return rc;
}

static int launch_id(struct collation *c, const char *cell_key, int64_t number, int64_t *cell, int64_t *launch, struct err *err)
{
    if (!c->run)
        return err_set(err, ERR_INPUT, "no opening line before it says which run it is of");
    TRY(run_sql(c, ADD_CELL, cell, err, "iti", c->run, cell_key, c->log));
    return run_sql(c, ADD_LAUNCH, launch, err, "ii", *cell, number);
}

static int take_ready(struct collation *c, const json_t *line, struct err *err)
{
    struct record_ready r;
    int64_t cell, launch;
    TRY(record_ready_read(&r, line, err));
    TRY(launch_id(c, r.cell, r.launch, &cell, &launch, err));
    return run_sql(c, READY_LAUNCH, NULL, err, "ttiiiiiiiii", r.version, r.clock, r.load_ns, r.parameters, r.step_parameters,
                   r.step_bytes, r.position_bytes, r.weights_bytes, r.kv_bytes, r.scratch_bytes, launch);
}

static int take_reply(struct collation *c, int64_t request, size_t sequence, const struct sample_reply *r, struct err *err)
{
    struct buf text = BUF_INIT(RECORD_LINE_MAX);
    bool has_text = false;
    int64_t reply;
    for (size_t i = 0; i < r->n_steps; i++) {
        has_text |= r->steps[i].text != NULL;
        if (r->steps[i].text)
            buf_add(&text, r->steps[i].text, r->steps[i].text_len);
    }
    int rc = buf_check(&text, err);
    if (rc == 0)
        rc = run_sql(c, ADD_REPLY, &reply, err, "iiiitb", request, (int64_t)sequence, r->prompt_len, (int64_t)r->n_steps, r->finish,
                     has_text && text.data ? text.data : has_text ? "" : NULL, text.len);
    buf_release(&text);
    for (size_t i = 0; i < r->n_steps && rc == 0; i++) {
        const struct sample_step *s = &r->steps[i];
        rc = run_sql(c, ADD_STEP, NULL, err, "iiiiidb", reply, (int64_t)i, s->id, s->enqueue_ns, s->total_ns, s->logprob, s->text,
                     s->text_len);
        c->report->n_steps++;
    }
    return rc;
}

static int take_request(struct collation *c, const json_t *line, struct err *err)
{
    struct sample_request r;
    int64_t cell, launch, request;
    TRY(record_request_read(&r, line, &c->scratch, err));
    TRY(launch_id(c, r.cell, r.launch, &cell, &launch, err));
    TRY(run_sql(c, ADD_REQUEST, &request, err, "itit" "iiii" "dd" "iiiii", launch, r.phase, r.index, r.clock, r.submitted_ns,
                r.prefill_ns, r.decode_ns, r.total_ns, r.server_prefill_ms, r.server_decode_ms, r.cached_tokens, r.step_bytes,
                r.position_bytes, r.step_parameters, (int64_t)r.n_replies));
    if (!request) /* there already: the first counts */
        return 0;
    for (size_t i = 0; i < r.n_replies; i++)
        TRY(take_reply(c, request, i, &r.replies[i], err));
    c->report->n_requests++;
    c->csv_stale = true;
    return 0;
}

static int take_value(struct collation *c, const json_t *line, struct err *err)
{
    struct sample_value r;
    int64_t cell, launch;
    const char *name;
    json_t *v;
    TRY(record_value_read(&r, line, err));
    TRY(launch_id(c, r.cell, r.launch, &cell, &launch, err));
    json_object_foreach((json_t *)r.values, name, v) {
        double x = json_is_number(v) ? json_number_value(v) : json_is_boolean(v) ? json_is_true(v) : NAN;
        struct buf other = BUF_INIT(RECORD_LINE_MAX);
        const char *text = json_string_value(v);
        int rc = 0;
        if (json_is_object(v) || json_is_array(v)) {
            rc = json_write_canonical(&other, v, err);
            text = other.data;
        }
        if (rc == 0)
            rc = run_sql(c, ADD_VALUE, NULL, err, "iitdt", launch, r.index, name, x, text);
        buf_release(&other);
        TRY(rc);
    }
    return 0;
}

static int take_cell(struct collation *c, const json_t *line, struct err *err)
{
    struct cell_record r;
    int64_t cell, launch;
    TRY(record_cell_read(&r, line, err));
    TRY(launch_id(c, r.key, r.launch, &cell, &launch, err));
    struct buf params = BUF_INIT(RECORD_LINE_MAX);
    int rc = json_write_canonical(&params, r.params, err);
    if (rc == 0)
        rc = run_sql(c, END_CELL, NULL, err, "tttttttti", r.experiment, r.engine, r.variant, r.model, params.data,
                     r.checked_against, r.benchmark, r.target, cell);
    buf_release(&params);
    TRY(rc);
    return run_sql(c, END_LAUNCH, NULL, err, "tttiii", r.status, r.reason, r.hint, r.samples, r.peak_bytes, launch);
}

static int take_close(struct collation *c, const json_t *line, struct err *err)
{
    struct record_close r;
    struct buf after = BUF_INIT(RECORD_LINE_MAX);
    TRY(record_close_read(&r, line, err));
    if (!c->run)
        return err_set(err, ERR_INPUT, "no opening line before it says which run it is of");
    TRY(run_sql(c, CLOSE_RUN, NULL, err, "ttti", r.ended, r.status, r.reason, c->run));
    int rc = r.after ? json_write_canonical(&after, r.after, err) : 0;
    if (rc == 0)
        rc = run_sql(c, CLOSE_LOG, NULL, err, "ti", after.data, c->log);
    buf_release(&after);
    return rc;
}

static void notice(struct collation *c, uint64_t at, const char *why)
{
    if (c->o->notice)
        c->o->notice(c->o->arg, c->log_path, at, why);
}

static int add_log(struct collation *c, struct err *err)
{
    TRY(begin(c, err));
    return c->log ? 0 : run_sql(c, ADD_LOG, &c->log, err, "t", c->log_path);
}

static int on_record(void *arg, enum record_kind kind, const json_t *line, uint64_t offset, struct err *err)
{
    static int (*const take[])(struct collation *, const json_t *, struct err *) = {
        [RECORD_OPEN] = take_open,   [RECORD_READY] = take_ready, [RECORD_REQUEST] = take_request,
        [RECORD_VALUE] = take_value, [RECORD_CELL] = take_cell,   [RECORD_CLOSE] = take_close,
    };
    struct collation *c = arg;
    struct err why = ERR_INIT;
    TRY(add_log(c, err));
    c->report->n_records++;
    if ((size_t)kind >= sizeof take / sizeof *take || !take[kind])
        return 0;
    TRY(database_exec(c->db, "SAVEPOINT record", err)); /* half of a wrong record must not stay */
    int rc = take[kind](c, line, &why);
    arena_release(&c->scratch);
    if (rc < 0)
        TRY(database_exec(c->db, "ROLLBACK TO record", err));
    TRY(database_exec(c->db, "RELEASE record", err));
    if (rc == 0)
        return 0;
    if (why.code != ERR_INPUT) { /* not the line's fault */
        err_set(err, why.code, "%s", why.text);
        return err_hint(err, "%s", why.hint);
    }
    c->report->n_damaged++;
    notice(c, offset, why.text);
    return run_sql(c, ADD_DAMAGE, NULL, err, "iiit", c->log, (int64_t)offset, (int64_t)0, why.text);
}

static void on_damage(void *arg, uint64_t offset, size_t len, bool torn, const char *why)
{
    struct collation *c = arg;
    notice(c, offset, why);
    if (torn) { /* it may become whole: not kept */
        c->report->n_torn++;
        return;
    }
    c->report->n_damaged++;
    if (add_log(c, NULL) == 0) /* lost only if the database fails, and then the next record says so */
        run_sql(c, ADD_DAMAGE, NULL, NULL, "iiit", c->log, (int64_t)offset, (int64_t)len, why);
}

/* ---- logs ------------------------------------------------------------------------------------------------------- */

static int find_log(struct collation *c, struct err *err)
{
    sqlite3_stmt *s = NULL;
    int rc = 0;
    c->log = c->run = 0;
    c->began_at = 0;
    free(c->engine);
    c->engine = NULL;
    if (sqlite3_prepare_v2(c->db, "SELECT id, read_to, coalesce(run, 0), engine FROM log WHERE path = ?", -1, &s, NULL) != SQLITE_OK ||
        sqlite3_bind_text(s, 1, c->log_path, -1, SQLITE_STATIC) != SQLITE_OK)
        rc = database_error(c->db, "collating", err);
    int code = rc == 0 ? sqlite3_step(s) : SQLITE_DONE;
    if (code == SQLITE_ROW) {
        c->log = sqlite3_column_int64(s, 0);
        c->began_at = (uint64_t)sqlite3_column_int64(s, 1);
        c->run = sqlite3_column_int64(s, 2);
        const char *engine = (const char *)sqlite3_column_text(s, 3);
        if (engine && !(c->engine = mem_strdup(engine, err)))
            rc = -1;
    } else if (code != SQLITE_DONE) {
        rc = database_error(c->db, "collating", err);
    }
    sqlite3_finalize(s);
    return rc;
}

static int collate_log(struct collation *c, const char *path, struct err *err)
{
    struct stat st;
    uint64_t end = 0;
    TRY(find_log(c, err));
    if (stat(path, &st) < 0)
        return err_set_errno(err, errno, "cannot stat '%s'", path);
    if ((uint64_t)st.st_size == c->began_at)
        return 0;
    if ((uint64_t)st.st_size < c->began_at) {
        err_set(err, ERR_INPUT, "'%s' has %lld bytes, but %llu were collated before: it was changed", path, (long long)st.st_size,
                (unsigned long long)c->began_at);
        return err_hint(err, "a raw log only grows: restore it, or remove the database and collate again");
    }
    c->csv_stale = false;
    struct rawlog_events events = {.record = on_record, .damaged = on_damage, .arg = c};
    int rc = rawlog_read(path, c->began_at, &end, &events, err);
    if (!c->in_transaction)
        return rc;
    if (rc == 0)
        rc = run_sql(c, READ_TO, NULL, err, "ii", (int64_t)end, c->log);
    if (rc == 0 && c->csv_stale && c->engine)
        rc = run_sql(c, MARK_CSV, NULL, err, "t", c->engine);
    if (rc == 0)
        rc = database_exec(c->db, "COMMIT", err);
    if (rc < 0)
        sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
    else
        c->report->n_logs_new++;
    c->in_transaction = false;
    return rc;
}

static int plain_name(const struct dirent *e)
{
    return e->d_name[0] != '.';
}

static int log_name(const struct dirent *e)
{
    return plain_name(e) && str_ends(e->d_name, ".txt");
}

static void free_names(struct dirent **names, int n)
{
    for (int i = 0; i < n; i++)
        free(names[i]);
    free(names);
}

static int collate_folder(struct collation *c, const char *folder, struct err *err)
{
    struct dirent **names = NULL;
    char *dir = mem_printf(err, "%s/raw/%s", c->o->dir, folder);
    int rc = dir ? 0 : -1, n = 0;
    if (rc == 0 && file_is_dir(dir) && (n = scandir(dir, &names, log_name, alphasort)) < 0)
        rc = err_set_errno(err, errno, "cannot list '%s'", dir);
    for (int i = 0; i < n && rc == 0; i++) {
        char *path = path_join(dir, names[i]->d_name, err);
        rc = path ? collate_log((c->log_path = path + strlen(c->o->dir) + 1, c), path, err) : -1;
        c->report->n_logs++;
        free(path);
    }
    free_names(names, n);
    free(dir);
    return rc;
}

int collate_logs(sqlite3 *db, struct collate_report *out, const struct collate_options *o, struct err *err)
{
    struct collation c = {.db = db, .o = o, .report = out, .scratch = ARENA_INIT(256 << 20)};
    struct dirent **names = NULL;
    char *raw = path_join(o->dir, "raw", err);
    int n = 0, rc = raw ? 0 : -1;
    if (rc == 0 && (n = scandir(raw, &names, plain_name, alphasort)) < 0) {
        rc = err_set_errno(err, errno, "cannot list '%s'", raw);
        err_hint(err, "give the folder that a run wrote to, the one that holds raw/");
    }
    for (int i = 0; i < n && rc == 0; i++)
        rc = collate_folder(&c, names[i]->d_name, err);
    free_names(names, n);
    free(raw);
    for (int i = 0; i < N_STATEMENTS; i++)
        sqlite3_finalize(c.statements[i]);
    arena_release(&c.scratch);
    free(c.engine);
    return rc;
}

int collate(struct collate_report *out, const struct collate_options *o, struct err *err)
{
    sqlite3 *db = NULL;
    *out = (struct collate_report){0};
    char *raw = path_join(o->dir, "raw", err);
    if (!raw)
        return -1;
    bool has_raw = file_is_dir(raw);
    free(raw);
    if (!has_raw) {
        err_set(err, ERR_INPUT, "'%s' has no folder raw/", o->dir);
        return err_hint(err, "give the folder that a run wrote to");
    }
    char *path = o->db ? mem_strdup(o->db, err) : path_join(o->dir, "results/prony.db", err);
    int rc = path ? database_open(&db, path, err) : -1;
    if (rc == 0)
        rc = collate_logs(db, out, o, err);
    if (rc == 0)
        rc = collate_csvs(db, out, o, err);
    database_close(db);
    free(path);
    return rc;
}
