#include "cli/run_board.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "report/format.h"
#include "store/record.h"

int run_board_begin(struct run_board *b, const struct plan *plan, struct err *err)
{
    *b = (struct run_board){.plan = plan, .cells = mem_zalloc(plan->n_cells, sizeof *b->cells, err), .text = BUF_INIT(1 << 16)};
    if (!b->cells)
        return -1;
    for (size_t i = 0; i < plan->n_cells; i++)
        b->cells[i].failed = plan->cells[i].why.code != ERR_NONE;
    return 0;
}

void run_board_end(struct run_board *b)
{
    free(b->cells);
    buf_release(&b->text);
    *b = (struct run_board){.plan = NULL};
}

/* A whole number of the record's own keys, which come before those of its replies. */
static double nanoseconds(const char *record, const char *key)
{
    const char *at = strstr(record, key);
    char *end;
    if (!at)
        return NAN;
    at += strlen(key);
    long long ns = strtoll(at, &end, 10);
    return end == at ? NAN : (double)ns;
}

void run_board_event(struct run_board *b, const struct run_event *e)
{
    if (!b->cells)
        return;
    if (e->so_far)
        b->so_far = *e->so_far;
    if (!e->cell)
        return;
    struct board_cell *cell = &b->cells[e->cell - b->plan->cells];
    if (e->kind == RUN_CELL_FAILED)
        cell->failed = true;
    else if (e->kind == RUN_LAUNCH_ENDED)
        cell->launches_ended++;
    else if (e->kind == RUN_REQUEST_DONE && e->record && strstr(e->record, "\"phase\":\"timed\"")) {
        cell->prefill_ms[cell->n % BOARD_SAMPLES] = nanoseconds(e->record, "\"prefill_ns\":") / 1e6;
        cell->decode_ms[cell->n % BOARD_SAMPLES] = nanoseconds(e->record, "\"decode_ns\":") / 1e6;
        cell->n++;
        cell->touched = ++b->now;
    }
}

static void put_figure(struct buf *out, const char *name, const double *x, size_t n)
{
    struct figure f;
    char text[FIGURE_TEXT_MAX];
    for (size_t i = 0; i < n; i++)
        if (!isfinite(x[i])) /* an engine that does not tell */
            return;
    if (n > 0 && figure_of(&f, x, n, NULL, NULL) == 0)
        buf_printf(out, "  %s %s ms", name, figure_text(&f, false, text));
}

static void put_cell(struct buf *out, const struct plan_cell *what, const struct board_cell *cell)
{
    static const char *const lengths[] = {"prompt_len", "gen_len", "batch_size"};
    size_t n = cell->n < BOARD_SAMPLES ? cell->n : BOARD_SAMPLES;
    const char *slash = "";
    buf_printf(out, "  %s %s ", what->engine, what->model);
    for (size_t i = 0; i < 3; i++)
        if (json_is_integer(json_object_get(what->params, lengths[i]))) {
            buf_printf(out, "%s%lld", slash, (long long)json_integer_value(json_object_get(what->params, lengths[i])));
            slash = "/";
        }
    put_figure(out, "prefill", cell->prefill_ms, n);
    put_figure(out, "decode", cell->decode_ms, n);
    buf_printf(out, "  n=%zu\n", cell->n);
}

const char *run_board_text(struct run_board *b)
{
    size_t done = 0, failed = 0;
    const struct board_cell *rows[BOARD_ROWS];
    size_t n_rows = 0;
    buf_clear(&b->text);
    for (size_t i = 0; i < b->plan->n_cells; i++) {
        const struct board_cell *cell = &b->cells[i];
        failed += cell->failed;
        done += !cell->failed && cell->launches_ended >= b->plan->cells[i].launches;
    }
    if (b->so_far.samples_kept) /* of which cells is not told */
        buf_printf(&b->text, "launches: %zu done, %zu left; cells not measured: %zu\n", b->so_far.launches_done,
                   b->so_far.launches - b->so_far.launches_done, failed);
    else
        buf_printf(&b->text, "cells: %zu done, %zu left, %zu not measured\n", done, b->plan->n_cells - done - failed, failed);
    while (n_rows < BOARD_ROWS) { /* those that were measured last */
        const struct board_cell *newest = NULL;
        for (size_t i = 0; i < b->plan->n_cells; i++)
            if (b->cells[i].touched && (!newest || b->cells[i].touched > newest->touched) &&
                (n_rows == 0 || b->cells[i].touched < rows[n_rows - 1]->touched))
                newest = &b->cells[i];
        if (!newest)
            break;
        rows[n_rows++] = newest;
    }
    for (size_t i = 0; i < n_rows; i++)
        put_cell(&b->text, &b->plan->cells[rows[i] - b->cells], rows[i]);
    return b->text.data ? b->text.data : "";
}
