/* collate.h - raw logs become results/prony.db and one results/ENGINE.csv an engine.
 *
 *     struct collate_report r;
 *     struct collate_options o = {.dir = "runs", .notice = tell};
 *     TRY(collate(&r, &o, err));
 *
 * DIR is the folder that holds raw/. Only what is new is read (each log is remembered up to its last whole line) and only
 * the CSVs that gain rows are written; with nothing new no byte changes. A damaged line is reported and kept in the
 * table `damage`; a torn last line is reported and looked at again the next time. Neither stops anything.
 *
 * A CSV has one row a generated token of timed requests, in the order run, log, cell, launch, request, prompt, step. An
 * unknown value is an empty cell. Of a step that a batch shares, each of its tokens has the step's time and throughput.
 *   enqueue_latency_ms       from handing the step over to the first work on it
 *   total_latency_ms         wall time of the step; the first one's (step 0) holds the prefill
 *   tokens_per_sec           1 / total
 *   memory_throughput_gb_s   bytes of weights and KV that the step must read / total (10^9 bytes)
 *   param_throughput_gb_s    parameters used for a token / total (10^9 parameters)
 */
#ifndef STORE_COLLATE_H
#define STORE_COLLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define COLLATE_COLUMNS                                                                                        \
    "step,enqueue_latency_ms,total_latency_ms,tokens_per_sec,memory_throughput_gb_s,param_throughput_gb_s,"   \
    "generated_text,platform,release,device,username,hostname,size,quantize,seed,uuid"

struct collate_options {
    const char *dir;
    const char *db; /* NULL: DIR/results/prony.db */
    /* MAY. A line that was skipped. */
    void (*notice)(void *arg, const char *log, uint64_t at, const char *why);
    void *arg;
};

struct collate_report {
    size_t n_logs;        /* found */
    size_t n_logs_new;    /* with something new */
    size_t n_records, n_requests, n_steps; /* new */
    size_t n_damaged, n_torn;
    size_t n_csvs;        /* written */
};

int collate(struct collate_report *out, const struct collate_options *o, struct err *err);

/* ---- the two halves; collate calls them in turn ---- */

struct sqlite3;
int collate_logs(struct sqlite3 *db, struct collate_report *out, const struct collate_options *o, struct err *err);
int collate_csvs(struct sqlite3 *db, struct collate_report *out, const struct collate_options *o, struct err *err);

#endif
