/* database.h - results/prony.db: the tables that reports read.
 *
 * Everything in it comes from raw logs (collate.h) and can be made again from them. Nanoseconds, bytes and counts are
 * integers; what nobody knows is NULL. The tables, each with its key:
 *
 *   run      uuid                  one execution: seed, host, command, how it ended
 *   log      path                  one raw log: engine, model, fingerprint, how far it was read
 *   damage   log, at               lines that could not be read
 *   cell     run, key              experiment, engine, variant, model, parameters
 *   launch   cell, number          one fresh process of a cell: status, reason, memory, load time
 *   request  launch, phase, number one request: prefill, decode, total, batch
 *   reply    request, sequence     one prompt of it: lengths, finish, text
 *   step     reply, number         one new token: enqueue and total time, id, text
 *   value    launch, number, name  one number or text of an experiment without tokens
 *   export   engine                whether its CSV is older than the tables
 */
#ifndef STORE_DATABASE_H
#define STORE_DATABASE_H

#include <sqlite3.h>

#include "base/err.h"

enum { DATABASE_VERSION = 1 };

/* Opens for writing, making folder, file and tables when they are not there. WAL, foreign keys on, synchronous FULL. A
 * database of a later prony is ERR_UNSUPPORTED and untouched. Gives *out, to end with database_close. */
int database_open(sqlite3 **out, const char *path, struct err *err);
void database_close(sqlite3 *db); /* NULL is fine */

/* err_set with what SQLite says; `what` is what was tried. Returns -1. */
int database_error(sqlite3 *db, const char *what, struct err *err);
int database_exec(sqlite3 *db, const char *sql, struct err *err);

#endif
