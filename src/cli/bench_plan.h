/* bench_plan.h - the switches of `prony bench` as a manifest with one benchmark, and its cells in the order asked for. */
#ifndef CLI_BENCH_PLAN_H
#define CLI_BENCH_PLAN_H

#include "cli/command.h"
#include "experiments/plan.h"
#include "report/bench_table.h"
#include "store/record.h"

/* The manifest, to be closed by the caller. */
int bench_manifest(struct manifest **out, const struct invocation *in, struct err *err);

struct bench_order {
    struct bench_cell *cells;
    char (*keys)[CELL_KEY_TEXT];
    size_t n;
};

/* What the rows are made of: by model, then engine, then parameters, each as they were typed. Borrows from the plan. */
int bench_order(struct bench_order *out, const struct invocation *in, const struct plan *plan, struct err *err);
void bench_order_release(struct bench_order *o);

#endif
