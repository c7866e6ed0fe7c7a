/* run_view.h - what a person sees of a run while it goes on: a line with the share, the rate and the time left, and the log.
 *
 * On a terminal the line is redrawn, and under it stands how many cells are done and left, with running medians (run_board.h); elsewhere it is a whole line now and then (a run is long, and its output is often kept).
 * The log says what was not measured and why; with --verbose each launch too, with --debug each process; with --quiet
 * errors alone. With --json it is JSON lines. All of it goes to standard error.
 */
#ifndef CLI_RUN_VIEW_H
#define CLI_RUN_VIEW_H

#include <signal.h>

#include "base/log.h"
#include "base/progress.h"
#include "cli/command.h"
#include "cli/run_board.h"
#include "experiments/runner.h"

struct run_view {
    struct log log; /* for run_request.log */
    struct progress line;
    struct run_board board; /* on a terminal alone */
    struct progress_style style;
    const volatile sig_atomic_t *interrupts;
    char label[256];
};

/* `interrupts`: how often Ctrl-C was typed; read, not written. */
int run_view_begin(struct run_view *v, const struct invocation *in, const struct plan *plan,
                   const volatile sig_atomic_t *interrupts, struct err *err);
void run_view_event(void *view, const struct run_event *e); /* for run_request.event */
void run_view_end(struct run_view *v);

#endif
