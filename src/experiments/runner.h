/* runner.h - runs a manifest: order, repeats, limits, storage and taking up again.
 *
 *     struct run_request q = {.manifest = m, .plan = &plan, .parent = "out", .command = "prony run demo.yaml"};
 *     struct run_outcome o;
 *     TRY(run_manifest(&o, &q, err));
 *     if (o.failed) ...                    // cells that are rows with a reason
 *
 * What always holds. A sample is in the raw log, synced, before the next request of its cell begins. A cell that fails,
 * hangs, is killed or takes too much memory is a row with its reason, and the run goes on. Taking a run up again
 * (`resume`) repeats nothing that is stored, and the whole is the same as if it had never been broken off: the plan
 * depends on nothing but the manifest (whose hash is kept), the switches and the seed.
 *
 * Who wants to show a run gives `event`. It is called from the thread that runs, between requests and while one is
 * waited for, never inside a clock; it must be quick, and must not write to standard output. What it needs of the plan is
 * in `request.plan`, all else in the event.
 */
#ifndef EXPERIMENTS_RUNNER_H
#define EXPERIMENTS_RUNNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/log.h"
#include "experiments/manifest.h"
#include "experiments/plan.h"

struct run_progress {
    size_t launches, launches_done; /* done: ended, given up or found stored */
    uint64_t samples;               /* planned, less those of cells given up */
    uint64_t samples_done;          /* of them: taken now, or found stored */
    uint64_t samples_kept;          /* of those: found stored when the run was taken up */
    size_t cells_failed;
};

enum run_event_kind {
    RUN_BEGUN,        /* the folder is there, and what is stored is known */
    RUN_LAUNCH_BEGUN, /* a process for a cell starts */
    RUN_HASHING,      /* its engine is open; the model is being read for the fingerprint */
    RUN_REQUEST_DONE, /* a sample is stored */
    RUN_WAITING,      /* some 20 ms went by in a launch: time to draw */
    RUN_LAUNCH_ENDED,
    RUN_CELL_FAILED,  /* it is a row with a reason, and will not be launched (again) */
    RUN_ENDED,
};

/* All borrowed, for the length of the call. */
struct run_event {
    enum run_event_kind kind;
    const struct run_progress *so_far;
    const struct plan_cell *cell;     /* NULL for RUN_BEGUN and RUN_ENDED */
    const struct plan_launch *launch; /* as cell; NULL too for RUN_CELL_FAILED */
    const char *record;               /* RUN_REQUEST_DONE: the line of the raw log (docs/STORE.md), */
    size_t len;                       /* and how long it is */
    uint64_t done, total;             /* RUN_HASHING: bytes */
    uint64_t peak_bytes;              /* RUN_LAUNCH_ENDED: memory of the process */
    const struct err *why;            /* RUN_LAUNCH_ENDED: code ERR_NONE if it did all; RUN_CELL_FAILED: the reason */
};

struct run_request {
    const struct manifest *manifest;
    const struct plan *plan;
    const char *parent;        /* common parent of raw/, results/ and artifacts/ */
    const char *command;       /* the command line, for the fingerprint */
    uint64_t seed;
    const char *device;
    int threads;
    uint64_t memory_limit;     /* bytes; 0: none */
    double silence_s;          /* longest time of a launch without a sign of life; 0: no limit */
    bool resume;               /* take up the newest unfinished run of this manifest */
    int (*stop)(void *arg);    /* as of launch.h */
    void (*event)(void *arg, const struct run_event *e); /* NULL: nobody looks */
    void *arg;                 /* of stop and event */
    const struct log *log;     /* gets what a person should know (a torn line, a failed cell), and more; NULL: none */
};

struct run_outcome {
    char uuid[40];
    char folder[4096];          /* of this run below artifacts/ */
    size_t cells, failed;       /* failed: those that are a row with a reason */
    size_t samples, kept;       /* taken now; found stored already */
    bool interrupted;           /* stopped by the user: what is missing can be taken up */
};

int run_manifest(struct run_outcome *out, const struct run_request *q, struct err *err);

#endif
