#include "store/database.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"

static const char schema[] =
    "CREATE TABLE run (id INTEGER PRIMARY KEY, uuid TEXT NOT NULL UNIQUE, started TEXT, ended TEXT, status TEXT, reason TEXT,\n"
    "  seed INTEGER NOT NULL, host TEXT, user TEXT, platform TEXT, release TEXT, command TEXT) STRICT;\n"
    "CREATE TABLE log (id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, run INTEGER REFERENCES run(id), engine TEXT,\n"
    "  variant TEXT, model TEXT, size TEXT, quantize TEXT, device TEXT, fingerprint TEXT, after TEXT,\n"
    "  read_to INTEGER NOT NULL DEFAULT 0) STRICT;\n"
    "CREATE TABLE damage (log INTEGER NOT NULL REFERENCES log(id), at INTEGER NOT NULL, bytes INTEGER NOT NULL, why TEXT NOT NULL,\n"
    "  PRIMARY KEY (log, at)) STRICT, WITHOUT ROWID;\n"
    "CREATE TABLE cell (id INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES run(id), key TEXT NOT NULL,\n"
    "  log INTEGER NOT NULL REFERENCES log(id), experiment TEXT, engine TEXT, variant TEXT, model TEXT,\n"
    "  params TEXT CHECK (params IS NULL OR json_valid(params)), checked_against TEXT, benchmark TEXT, target TEXT,\n"
    "  UNIQUE (run, key)) STRICT;\n"
    "CREATE TABLE launch (id INTEGER PRIMARY KEY, cell INTEGER NOT NULL REFERENCES cell(id), number INTEGER NOT NULL,\n"
    "  status TEXT, reason TEXT, hint TEXT, samples INTEGER, peak_bytes INTEGER, version TEXT, clock TEXT, load_ns INTEGER,\n"
    "  parameters INTEGER, step_parameters INTEGER, step_bytes INTEGER, position_bytes INTEGER, weights_bytes INTEGER,\n"
    "  kv_bytes INTEGER, scratch_bytes INTEGER, UNIQUE (cell, number)) STRICT;\n"
    "CREATE TABLE request (id INTEGER PRIMARY KEY, launch INTEGER NOT NULL REFERENCES launch(id), phase TEXT NOT NULL,\n"
    "  number INTEGER NOT NULL, clock TEXT, submitted_ns INTEGER, prefill_ns INTEGER, decode_ns INTEGER, total_ns INTEGER,\n"
    "  server_prefill_ms REAL, server_decode_ms REAL, cached_tokens INTEGER, step_bytes INTEGER, position_bytes INTEGER,\n"
    "  step_parameters INTEGER, batch INTEGER NOT NULL, UNIQUE (launch, phase, number)) STRICT;\n"
    "CREATE TABLE reply (id INTEGER PRIMARY KEY, request INTEGER NOT NULL REFERENCES request(id), sequence INTEGER NOT NULL,\n"
    "  prompt_len INTEGER, gen_len INTEGER NOT NULL, finish TEXT, text TEXT, UNIQUE (request, sequence)) STRICT;\n"
    "CREATE TABLE step (reply INTEGER NOT NULL REFERENCES reply(id), number INTEGER NOT NULL, token INTEGER,\n"
    "  enqueue_ns INTEGER, total_ns INTEGER, logprob REAL, text TEXT, PRIMARY KEY (reply, number)) STRICT, WITHOUT ROWID;\n"
    "CREATE TABLE value (launch INTEGER NOT NULL REFERENCES launch(id), number INTEGER NOT NULL, name TEXT NOT NULL, x REAL,\n"
    "  text TEXT, PRIMARY KEY (launch, number, name)) STRICT, WITHOUT ROWID;\n"
    "CREATE TABLE export (engine TEXT PRIMARY KEY, stale INTEGER NOT NULL) STRICT;\n";

int database_error(sqlite3 *db, const char *what, struct err *err)
{
    int code = sqlite3_errcode(db);
    enum err_code kind = code == SQLITE_NOMEM ? ERR_MEMORY : code == SQLITE_CORRUPT || code == SQLITE_NOTADB ? ERR_INPUT : ERR_IO;
    const char *file = sqlite3_db_filename(db, "main");
    err_set(err, kind, "%s%s%s%s: %s", file && *file ? "'" : "", file ? file : "", file && *file ? "': " : "", what,
            sqlite3_errmsg(db));
    if (code == SQLITE_FULL)
        err_hint(err, "nothing that was logged is lost: make room, then 'prony collate' the folder");
    if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB)
        err_hint(err, "the raw logs are the truth: move the database away and collate again");
    return -1;
}

int database_exec(sqlite3 *db, const char *sql, struct err *err)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : database_error(db, "the database refused", err);
}

static int user_version(sqlite3 *db, int *out, struct err *err)
{
    sqlite3_stmt *s = NULL;
    int rc = -1;
    if (sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &s, NULL) == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW) {
        *out = sqlite3_column_int(s, 0);
        rc = 0;
    } else {
        database_error(db, "cannot read", err);
    }
    sqlite3_finalize(s);
    return rc;
}

static int prepare_tables(sqlite3 *db, struct err *err)
{
    int version;
    TRY(user_version(db, &version, err));
    if (version > DATABASE_VERSION) {
        err_set(err, ERR_UNSUPPORTED, "the database has version %d, this prony knows up to %d", version, DATABASE_VERSION);
        return err_hint(err, "use the prony that made it, or a newer one, or collate into another folder");
    }
    TRY(database_exec(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON", err));
    if (version == DATABASE_VERSION)
        return 0;
    TRY(database_exec(db, "BEGIN IMMEDIATE", err));
    if (user_version(db, &version, err) == 0 && /* another process may have been quicker */
        (version == DATABASE_VERSION ||
         (database_exec(db, schema, err) == 0 && database_exec(db, "PRAGMA user_version = 1", err) == 0)) &&
        database_exec(db, "COMMIT", err) == 0)
        return 0;
    sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    return -1;
}

int database_open(sqlite3 **out, const char *path, struct err *err)
{
    sqlite3 *db = NULL;
    char *dir = mem_strndup(path, (size_t)(path_base(path) - path), err);
    int rc = dir ? 0 : -1;
    if (rc == 0 && *dir)
        rc = file_mkdirs(dir, err);
    free(dir);
    TRY(rc);
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) != SQLITE_OK) {
        rc = db ? database_error(db, "cannot open", err) : err_set(err, ERR_MEMORY, "out of memory for the database");
    } else {
        sqlite3_busy_timeout(db, 10000);
        rc = prepare_tables(db, err);
    }
    if (rc < 0) {
        err_context(err, "'%s'", path);
        sqlite3_close(db);
        return -1;
    }
    *out = db;
    return 0;
}

void database_close(sqlite3 *db)
{
    sqlite3_close(db);
}
