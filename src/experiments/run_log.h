/* run_log.h - what a run keeps: its folders, what says which run it is, and its raw logs. Private to experiments/.
 *
 * A run has a folder artifacts/TARGET_YYYYMMDD_HHMMSS for each target, with a run.json that names the run, the hash of its
 * manifest and of its plan, and how it stands. Samples are in the raw logs of store/, by engine, model and
 * quantization.
 */
#ifndef EXPERIMENTS_RUN_LOG_H
#define EXPERIMENTS_RUN_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/tick.h"
#include "experiments/runner.h"

struct run_log;

/* Takes the lock of q->parent and makes the run's folders; with q->resume finds the newest run that was not done and what
 * it has stored. */
int run_log_open(struct run_log **out, const struct run_request *q, struct err *err);
/* `status`: "done", "interrupted", "failed"; NULL: as it stood. Gives everything back, also when it fails; NULL is fine. */
int run_log_close(struct run_log *l, const char *status, struct err *err);

const char *run_log_uuid(const struct run_log *l);
const char *run_log_folder(const struct run_log *l); /* of the first target */

/* The name of a cell in the logs. */
const char *run_log_key(const struct run_log *l, size_t cell);
int64_t run_log_launch(const struct run_log *l, const struct plan_launch *launch); /* its number there */
/* The numbers of the samples of a launch that are stored: an array, borrowed; NULL: none. */
const json_t *run_log_have(const struct run_log *l, const struct plan_launch *launch);
/* How that launch ended, if the logs say: "ok" or the name of an error; NULL: they do not. */
const char *run_log_ended(const struct run_log *l, const struct plan_launch *launch);

/* What the child said when it was open: from now on the launch's samples go to the log of that engine, model and
 * quantization. Ticks while it hashes the model. */
int run_log_ready(struct run_log *l, const struct plan_launch *launch, const json_t *ready, tick_fn tick, void *arg,
                  struct err *err);
int run_log_sample(struct run_log *l, const char *line, size_t len, struct err *err);
/* A launch ended: why->code ERR_NONE, or the reason. */
int run_log_end(struct run_log *l, const struct plan_launch *launch, const struct err *why, uint64_t samples,
                uint64_t peak_bytes, struct err *err);

/* Was that command executed already in the part that is taken up? And: it was executed now, well. */
bool run_log_command_done(const struct run_log *l, size_t command);
int run_log_command(struct run_log *l, size_t command, struct err *err);

#endif
