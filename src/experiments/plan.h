/* plan.h - which cells a manifest asks for, and in which order their launches are run.
 *
 * The unit that is repeated is the launch: a fresh process that opens the engine, warms up and takes its timed samples.
 * What is inside one launch (mapped weights, layout, thread placement) is shared by its samples, so statistics count
 * launches (reference: Kalibera & Jones 2013).
 *
 * Order. A pass runs every cell once, in an order drawn by the run's seed; cells that will be compared (same benchmark
 * and parameters, another engine or model) stand next to each other. The next pass is the mirror of the one before it,
 * then a new order is drawn: AB BA, CBA ABC. So a linear drift of the machine falls on all alike, and the launches of a
 * cell are spread over the whole run. The order depends on nothing but the manifest, the switches and the seed.
 */
#ifndef EXPERIMENTS_PLAN_H
#define EXPERIMENTS_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/arena.h"
#include "base/err.h"
#include "experiments/experiment.h"
#include "experiments/manifest.h"

struct plan_cell {
    const char *key;        /* unique in the run: TARGET/BENCHMARK/ENGINE/MODEL/PARAMETERS */
    const char *group;      /* the same for cells that are compared */
    const char *target, *benchmark, *experiment;
    const char *engine;     /* as it was named: "fake", "pytorch:opt" */
    const char *model;      /* the key in the manifest */
    const char *model_path; /* what to open; NULL: nothing */
    const char *model_nowhere; /* where a file of that name was looked for in vain; NULL: it is there, or was not needed */
    const json_t *params;   /* borrowed from the plan */
    const json_t *options;  /* of the engine, the model's own on top; borrowed from the plan */
    const struct experiment *what;
    size_t launches;        /* 0 when `why` is set */
    uint64_t samples;       /* of one launch */
    struct err why;         /* code ERR_NONE, or why this cell cannot be run: it will be a row */
};

struct plan_launch {
    size_t cell;   /* of plan.cells */
    size_t repeat; /* which launch of its cell */
    uint64_t seed;
};

/* A command of a target's `runs`, to be executed before its benchmarks. */
struct plan_command {
    const char *target, *id, *command;
};

struct plan {
    struct plan_cell *cells;
    size_t n_cells;
    struct plan_launch *launches; /* in the order in which they are run */
    size_t n_launches;
    struct plan_command *commands;
    size_t n_commands;
    uint64_t n_samples;
    double guess_s;         /* how long it will take; what no engine can say is guessed (guess_why) */
    const char *guess_why;
    struct arena memory;    /* private */
    json_t *json;           /* private: keeps params and options */
};

struct plan_choice {
    const char *target;         /* NULL: all */
    const char *const *models;  /* keys or roles; none: all */
    size_t n_models;
    const char *const *engines; /* instead of those of the manifest; none: those */
    size_t n_engines;
    uint64_t seed;
    uint64_t num_prompts;       /* instead of timed_runs and num_prompts; 0: as the manifest has it */
};

int plan_make(struct plan *out, const struct manifest *m, const struct plan_choice *choice, struct err *err);
void plan_release(struct plan *p);

#endif
