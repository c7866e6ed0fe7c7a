/* results.h - what was stored of a run, gathered by cell: the rows that reports are made of.
 *
 *     struct results r;
 *     TRY(results_read(&r, "demo-output", NULL, err));          // a run's folder
 *     for (size_t i = 0; i < r.n_cells; i++)
 *         ... r.cells[i].engine, r.cells[i].requests ...
 *     results_release(&r);
 *
 * Invariants: only timed requests are kept, in the order (launch, index), each once even when a run that was taken up
 * again logged one twice (the first counts); cells come in a fixed order that does not depend on the order in which they
 * ran; damaged lines are counted, never guessed at.
 */
#ifndef REPORT_RESULTS_H
#define REPORT_RESULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/arena.h"
#include "base/err.h"

struct result_request {
    int64_t launch, index;
    double prefill_ms, decode_ms, total_ms;
    int64_t tokens;        /* new ones, of the whole batch */
    int64_t decode_tokens; /* of them those that were timed as decode steps */
    int64_t batch;
    int64_t prompt_positions; /* of all prompts together; this and the next three INT64_MIN: unknown */
    int64_t step_bytes, position_bytes, step_parameters; /* what a step must read, and for each position before it */
    const double *step_ms; /* token steps while all of the batch run, the first with the prefill; NaN: unknown */
    size_t n_steps;
};

struct result_value {
    int64_t launch, index;
    const char *name;
    double x;         /* NaN for a text */
    const char *text; /* NULL for a number */
};

struct result_launch {
    int64_t launch;
    const char *status, *reason; /* "ok", or why it has no (more) samples */
    int64_t peak_bytes, load_ns; /* INT64_MIN: unknown */
};

struct result_cell {
    const char *run, *key;
    const char *experiment; /* NULL: it was cut off before it said what it is */
    const char *engine, *variant, *model, *quantize, *device;
    const char *version, *checked_against, *benchmark, *target; /* NULL: unknown */
    const char *clock;      /* "monotonic", or another one that its times are of; NULL: unknown */
    const json_t *params; /* borrowed from the results; an object, or NULL */
    struct result_request *requests;
    size_t n_requests, cap_requests;
    struct result_value *values;
    size_t n_values, cap_values;
    struct result_launch *launches;
    size_t n_launches, cap_launches;
};

struct result_run {
    const char *id, *started, *ended, *status, *reason, *command, *host; /* NULL: unknown; status NULL: never closed */
    int64_t seed; /* INT64_MIN: unknown */
    const json_t *fingerprint; /* borrowed from the results, or NULL */
};

struct results {
    struct arena arena;
    json_t *kept; /* an array that owns what the cells borrow */
    struct result_run *runs;
    size_t n_runs, cap_runs;
    struct result_cell *cells;
    size_t n_cells, cap_cells;
    size_t n_logs, n_damaged, n_torn;
    size_t n_other_runs; /* that lie in the folder and were not asked for */
    struct results *parts; /* whose runs and cells these are, when they were read from several places */
    size_t n_parts;
};

/* `path` is a file of llama-bench (results_llama_bench.c), or the folder that holds raw/, a run's own folder below artifacts/ (its run.json says which run it is), or the
 * database that was collated from them: the same logs give the same results either way. `run` chooses among the runs that
 * share the folder: an id, "all", or NULL for the run's own, and without one the run that began last. A folder without logs is ERR_INPUT. On failure nothing is left to release. */
int results_read(struct results *r, const char *path, const char *run, struct err *err);
/* The same from several places, as one: of each its chosen run; a run that is there twice counts once. */
int results_read_all(struct results *r, const char *const *paths, size_t n, const char *run, struct err *err);
void results_release(struct results *r);

#endif
