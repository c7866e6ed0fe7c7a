/* run_board.h - what is known of a run's cells while it goes on: how many are done, failed and left, and the running medians
 * of those that were measured last, with intervals. For the eye: over requests so far, where a report counts launches.
 *
 *     struct run_board b;
 *     TRY(run_board_begin(&b, plan, err));
 *     run_board_event(&b, event);
 *     ... run_board_text(&b) ...           // lines, borrowed until the next call
 *     run_board_end(&b);
 */
#ifndef CLI_RUN_BOARD_H
#define CLI_RUN_BOARD_H

#include "base/buf.h"
#include "experiments/runner.h"

enum { BOARD_SAMPLES = 512, BOARD_ROWS = 6 };

struct board_cell {
    double prefill_ms[BOARD_SAMPLES], decode_ms[BOARD_SAMPLES]; /* the newest, in a ring */
    size_t n;                                                   /* in all */
    size_t launches_ended;
    uint64_t touched; /* when it was measured last; 0: never */
    bool failed;
};

struct run_board {
    const struct plan *plan;
    struct board_cell *cells; /* of the plan, in its order */
    struct run_progress so_far;
    uint64_t now;
    struct buf text;
};

int run_board_begin(struct run_board *b, const struct plan *plan, struct err *err);
void run_board_event(struct run_board *b, const struct run_event *e);
const char *run_board_text(struct run_board *b);
void run_board_end(struct run_board *b);

#endif
