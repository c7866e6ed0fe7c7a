/* rawlog.h - the append-only truth of a run: one file an (engine, model, quantization), one record a line.
 *
 *     struct run_lock *lock;
 *     struct rawlog *log;
 *     TRY(run_lock_take(&lock, dir, err));                     // one run at a time in a folder
 *     TRY(rawlog_open(&log, dir, &open, err));                 // new, or taken up again
 *     TRY(rawlog_request(log, &request, err));                 // outside every clock: it waits for the disk
 *     TRY(rawlog_close(log, &close, err));
 *
 * Invariants. A record is one write and one fsync: when the call returns 0 the record survives kill -9 and power loss.
 * Nothing written is ever changed; a crash leaves at most one torn line, the last, which a later open terminates and
 * reports, and which readers report and skip. When the disk is full the torn part is cut off again and the log takes no
 * more. Buffers are used again, so that memory stays flat however long the run.
 */
#ifndef STORE_RAWLOG_H
#define STORE_RAWLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "store/record.h"

struct rawlog;
struct run_lock;

/* Locks the folder (made if need be) by its file `.lock`. Another run in it is ERR_USAGE naming its process. The lock
 * goes with the process, however it ends. */
int run_lock_take(struct run_lock **out, const char *dir, struct err *err);
void run_lock_release(struct run_lock *l); /* NULL is fine */

/* "DIR/raw/ENGINE_MODEL/HOST_SIZE_QUANT_seedN_uuidXXXX.txt" in a new string to free(): what a file name cannot hold
 * became '-', what is unknown "unknown", XXXX is the run's whole UUID without dashes. */
int rawlog_path(char **out, const char *dir, const struct record_open *open, struct err *err);

/* Opens the log of rawlog_path for appending, with `open` as its first line when it is new or has none. */
int rawlog_open(struct rawlog **out, const char *dir, const struct record_open *open, struct err *err);
const char *rawlog_file(const struct rawlog *l);     /* its path; borrowed */
size_t rawlog_torn_bytes(const struct rawlog *l);    /* of the torn line that open found at the end; 0: none */

/* One record, as record_*_write made it in another process; it must hold no newline. */
int rawlog_line(struct rawlog *l, const char *line, size_t len, struct err *err);
int rawlog_ready(struct rawlog *l, const struct record_ready *r, struct err *err);
int rawlog_request(struct rawlog *l, const struct sample_request *r, struct err *err);
int rawlog_value(struct rawlog *l, const struct sample_value *r, struct err *err);
int rawlog_cell(struct rawlog *l, const struct cell_record *r, struct err *err);

/* Writes the closing line (none with NULL) and gives everything back, also when it fails. A NULL log is fine. */
int rawlog_close(struct rawlog *l, const struct record_close *r, struct err *err);

/* ---- reading ---- */

struct rawlog_events {
    /* MUST. Every whole record from `from` on, in order; `line` is borrowed for the call. -1 ends the reading with that
     * error. */
    int (*record)(void *arg, enum record_kind kind, const json_t *line, uint64_t offset, struct err *err);
    /* MAY. A line that is no record, or a last line without its newline (`torn`): reported, then skipped. */
    void (*damaged)(void *arg, uint64_t offset, size_t len, bool torn, const char *why);
    void *arg;
};

/* Reads from byte `from` (0, or what an earlier call gave in *end). *end, if wanted, is where the first line begins
 * that is not whole yet: a torn last line is looked at again by the next call that starts there. */
int rawlog_read(const char *path, uint64_t from, uint64_t *end, const struct rawlog_events *events, struct err *err);

#endif
