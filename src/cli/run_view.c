#include "cli/run_view.h"

#include <stdio.h>

int run_view_begin(struct run_view *v, const struct invocation *in, const struct plan *plan,
                   const volatile sig_atomic_t *interrupts, struct err *err)
{
    *v = (struct run_view){.style = progress_style_of(stderr, in->quiet, true), .interrupts = interrupts};
    TRY(log_start(&v->log, stderr, command_log_level(in), in->json ? LOG_FORM_JSON : LOG_FORM_TEXT, err));
    if (v->style.mode == PROGRESS_LINES && in->json)
        v->style.mode = PROGRESS_OFF; /* all lines are JSON then */
    v->log.progress = &v->line;
    return v->style.mode == PROGRESS_LIVE ? run_board_begin(&v->board, plan, err) : 0;
}

static void show(struct run_view *v, const struct run_event *e)
{
    const struct run_progress *p = e->so_far;
    v->line.total = p->samples - p->samples_kept;
    if (v->board.cells && progress_due(&v->line))
        progress_below(&v->line, run_board_text(&v->board));
    progress_at(&v->line, p->samples_done - p->samples_kept);
}

static void name(struct run_view *v, const struct run_event *e)
{
    const struct run_progress *p = e->so_far;
    if (*v->interrupts)
        snprintf(v->label, sizeof v->label, "stopping after the request in flight");
    else if (e->kind == RUN_HASHING)
        snprintf(v->label, sizeof v->label, "hashing %s: %.0f%%", e->cell->model,
                 e->total ? 100.0 * (double)e->done / (double)e->total : 0);
    else if (e->cell)
        snprintf(v->label, sizeof v->label, "launch %zu/%zu: %s, %s, %s", p->launches_done + 1, p->launches,
                 e->cell->experiment, e->cell->engine, e->cell->model);
}

void run_view_event(void *view, const struct run_event *e)
{
    struct run_view *v = view;
    run_board_event(&v->board, e);
    switch (e->kind) {
    case RUN_BEGUN:
        snprintf(v->label, sizeof v->label, "starting");
        progress_start(&v->line, stderr, &v->style, v->label, "samples", e->so_far->samples - e->so_far->samples_kept);
        return;
    case RUN_LAUNCH_ENDED:
    case RUN_CELL_FAILED:
        return;
    case RUN_ENDED:
        snprintf(v->label, sizeof v->label, "run");
        if (v->line.drawn_ns == v->line.started_ns && v->log.level < LOG_LEVEL_INFO)
            v->line.style.mode = PROGRESS_OFF; /* over before there was a line: nothing to close */
        progress_finish(&v->line);
        return;
    case RUN_LAUNCH_BEGUN:
    case RUN_HASHING:
    case RUN_REQUEST_DONE:
    case RUN_WAITING:
        name(v, e);
        show(v, e);
    }
}

void run_view_end(struct run_view *v)
{
    progress_clear(&v->line);
    run_board_end(&v->board);
}
