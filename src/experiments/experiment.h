/* experiment.h - one question asked of engines and models.
 *
 * An experiment is one file NAME.c with `const struct experiment experiment_NAME` and the line EXPERIMENT(NAME) in
 * list.h. It says what its `config:` may hold (rows of schema.h), which cells a config means, and how one cell is
 * measured in the child that was started for it. Order, repeats, limits and storage are the runner's.
 *
 *     static int measure(struct cell *c, struct err *err)
 *     {
 *         for (uint64_t i = 0; i < warmup + timed && !cell_stopped(c); i++) {
 *             if (i >= warmup && cell_has(c, i - warmup))
 *                 continue;                                      // stored already: a run taken up again
 *             TRY(engine_generate(c->engine, &request, replies, err));
 *             if (i >= warmup)
 *                 TRY(cell_emit(c, i - warmup, replies, n, err)); // after the request's clock stopped
 *         }
 *     }
 */
#ifndef EXPERIMENTS_EXPERIMENT_H
#define EXPERIMENTS_EXPERIMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/err.h"
#include "base/buf.h"
#include "engines/engine.h"
#include "experiments/schema.h"

/* In the child: an open engine, the parameters of the cell, and where samples go. Private to cell.c below the line. */
struct cell {
    struct engine *engine;
    const json_t *params; /* of this cell, as `cells` made them */
    const json_t *limits; /* what this machine can do at most, as limits.h measured it just now; NULL: not measured */
    /* -- */
    const char *key;      /* of store/record.h */
    int64_t launch;       /* which launch of its cell */
    const json_t *have;   /* numbers of the samples that are stored already */
    int in, out;
    struct frame_reader *reader;
    struct buf line;      /* used again for each sample */
    struct sample_step *steps;
    size_t cap_steps;
    bool stopped;
};

/* Is that sample of this launch stored already (a run taken up again)? */
bool cell_has(const struct cell *c, uint64_t sample);
/* Did the parent ask to stop? Looked at between requests. */
bool cell_stopped(struct cell *c);
/* Sends the replies of one timed request, number `sample` of this launch, to be stored. Nothing that it needs outlives
 * the call. */
int cell_emit(struct cell *c, uint64_t sample, const struct engine_reply *replies, size_t n, struct err *err);

/* The replies of the first request of the process, stored beside the samples: what follows finds all warm. */
int cell_emit_cold(struct cell *c, const struct engine_reply *replies, size_t n, struct err *err);
/* Names with numbers or texts (null: unknown) that sample number `sample` means, or the launch itself (0). Takes `values`;
 * NULL there is out of memory. */
int cell_tell(struct cell *c, uint64_t sample, json_t *values, struct err *err);

struct experiment {
    const char *name, *what;
    const struct schema_row *config; /* beside `type`, which every config has */
    /* The cells that a checked config (defaults filled in) means: an array of objects of parameters. NULL: not built
     * yet, and every use of it is a row that says so. */
    json_t *(*cells)(const json_t *config, struct err *err);
    /* How many samples one launch of a cell gives. */
    uint64_t (*samples)(const json_t *params);
    /* What a launch takes: requests of (prompt, new tokens, batch), for the plan's estimate and the engine's limits. */
    void (*load)(const json_t *params, uint64_t *requests, size_t *prompt, size_t *new_tokens, size_t *batch);
    /* Can this engine answer? -1 and ERR_UNSUPPORTED naming what it lacks. NULL: every engine can. */
    int (*needs)(const struct engine_capabilities *can, const json_t *params, struct err *err);
    int (*run)(struct cell *c, struct err *err);
    bool with_limits; /* the machine's limits are measured before a launch, unless they were just now */
};

/* By name, built or not; NULL if there is no such experiment. */
const struct experiment *experiment_find(const char *name);
const struct experiment *experiment_at(size_t i); /* in the order of list.h; NULL after the last */

/* The life of a child: reads its cell from `in`, measures, reports to `out`. Returns the exit status of `prony cell`. */
int cell_main(int in, int out);

#endif
