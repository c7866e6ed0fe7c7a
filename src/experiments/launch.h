/* launch.h - one cell in a fresh child, watched.
 *
 * The child is this program again, as `prony cell`, in a process group of its own; it dies with its parent. A crash, a
 * hang, an out-of-memory kill or a memory peak so belongs to one launch of one cell and to nothing else.
 *
 *     struct launch l = {.spec = spec, .silence_s = 600, .memory_limit = 2u << 30, .on_sample = keep, .arg = run};
 *     launch_run(&l, err);       // -1: why this launch has no (more) samples
 *
 * Memory is the resident set of the child's process group, read from /proc every 20 ms, and the peak that the kernel
 * reports at the end: a limit on address space would count every mapped weight, touched or not.
 */
#ifndef EXPERIMENTS_LAUNCH_H
#define EXPERIMENTS_LAUNCH_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/err.h"
#include "base/log.h"

struct launch {
    /* in */
    const json_t *spec;          /* of cell.h */
    double silence_s;            /* longest time without a sign of life; 0: no limit */
    uint64_t memory_limit;       /* bytes; 0: none */
    double grace_s;              /* between SIGTERM and SIGKILL; 0: 2 */
    /* Asked while waiting: 1: let the request in flight end and stop; 2: kill now; 0: go on. NULL: never asked. */
    int (*stop)(void *arg);
    /* Called with what the child says of itself when it is open, and with each sample as soon as it is there. A return of
     * -1 ends the launch with that error. Both outside every clock. */
    int (*on_ready)(void *arg, const json_t *ready, struct err *err);
    int (*on_sample)(void *arg, const char *line, size_t len, struct err *err);
    int (*on_note)(void *arg, const char *line, size_t len, struct err *err); /* a line that is no sample */
    void *arg;
    const struct log *log;       /* NULL: none */
    /* out */
    size_t n_samples;
    uint64_t peak_bytes;         /* of the child's memory */
};

/* 0 when the child did all that it was asked for. Nothing of the child is left in any case. */
int launch_run(struct launch *l, struct err *err);

#endif
