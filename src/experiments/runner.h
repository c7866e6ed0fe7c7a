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
 */
#ifndef EXPERIMENTS_RUNNER_H
#define EXPERIMENTS_RUNNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "experiments/manifest.h"
#include "experiments/plan.h"

struct run_progress {
    size_t launches_done, launches, samples_done, samples, cells_failed;
    const char *cell; /* the one that is running, or NULL */
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
    void (*progress)(void *arg, const struct run_progress *p);
    void (*warn)(void *arg, const char *text); /* what a person should know: a torn line, a failed cell */
    void *arg;
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
