/* plot_caption.c - the figures that plots show, and what a caption says of them. */
#include <math.h>
#include <string.h>

#include "base/str.h"
#include "report/plot_rows.h"

static void take_figure(struct plot_caption *caption, const struct figure *f, bool launches)
{
    if (f->n == 0)
        return;
    caption->n_min = caption->n_min && caption->n_min < f->n ? caption->n_min : f->n;
    caption->n_max = caption->n_max > f->n ? caption->n_max : f->n;
    caption->launches |= launches;
    caption->requests |= !launches;
    if (f->n < 2)
        return;
    caption->mixed |= caption->any_interval && (caption->last.interval != f->interval || caption->last.about != f->about);
    caption->any_interval = true;
    caption->last = *f;
}

int plot_figure_of(struct figure *out, struct scene *s, const struct result_cell *cell, const char *metric,
                   struct plot_caption *caption, struct err *err)
{
    size_t n = 0;
    bool launches = false;
    const double *x = plot_samples(s, cell, metric, &n, &launches, err);
    *out = (struct figure){.median = NAN, .mean = NAN, .lo = NAN, .hi = NAN};
    if (!x)
        return -1;
    if (n == 0)
        return 0;
    TRY(figure_of(out, x, n, NULL, err));
    take_figure(caption, out, launches);
    return 0;
}

int plot_bar_of(struct bar *out, struct scene *s, const struct result_cell *cell, const char *metric, struct plot_caption *caption,
                struct err *err)
{
    struct figure f = {.median = NAN, .lo = NAN, .hi = NAN};
    if (cell)
        TRY(plot_figure_of(&f, s, cell, metric, caption, err));
    *out = (struct bar){.x = f.median, .lo = f.lo, .hi = f.hi, .why = plot_cell_reason(cell), .unasked = !cell};
    return 0;
}

/* The engines whose times are not of this machine's clock: a picture that leaves the report must say so itself. */
static void put_clocks(struct buf *b, const struct results *r)
{
    for (size_t i = 0; i < r->n_cells; i++) {
        const struct result_cell *cell = &r->cells[i];
        bool said = !cell->clock || str_eq(cell->clock, "monotonic");
        for (size_t k = 0; k < i && !said; k++)
            said = str_eq(r->cells[k].engine, cell->engine) && str_eq(r->cells[k].clock, cell->clock);
        if (!said)
            buf_printf(b, "Times of %s are of its own clock (%s). ", cell->engine, cell->clock);
    }
}

static void put_runs(struct buf *b, const struct results *r)
{
    const struct result_run *run = &r->runs[0];
    put_clocks(b, r);
    if (r->n_runs == 1)
        buf_printf(b, "Run %s%s%s%s%.10s.", run->id, run->host ? " on " : "", run->host ? run->host : "", run->started ? ", " : "",
                   run->started ? run->started : "");
    else
        buf_printf(b, "%zu runs.", r->n_runs);
}

const char *plot_caption_text(struct scene *s, const struct results *r, const struct plot_caption *c, const char *metric,
                              const char *extra)
{
    struct buf b = BUF_INIT(1 << 16);
    char how[FIGURE_HOW_MAX];
    const struct metric *m = metric ? metric_find(metric) : NULL;
    if (m)
        buf_printf(&b, "%c%s: %s. ", m->title[0] >= 'a' && m->title[0] <= 'z' ? m->title[0] - 32 : m->title[0], m->title + 1,
                   m->definition);
    if (c->n_max) {
        buf_printf(&b, "Median of ");
        buf_printf(&b, c->n_min == c->n_max ? "%zu" : "%zu to %zu", c->n_min, c->n_max);
        buf_str(&b, c->launches && c->requests ? " launches (requests, where there was one launch)"
                    : c->launches              ? " launches"
                    : c->n_max == 1            ? " sample"
                                               : " samples of one launch");
        if (c->any_interval)
            buf_printf(&b, ", 95 %% interval: %s", c->mixed ? "order statistics of the median from six on, below that t of the mean"
                                                           : figure_how(&c->last, how));
        else
            buf_str(&b, ", too few for an interval");
        buf_str(&b, ". ");
    }
    if (extra)
        buf_printf(&b, "%s ", extra);
    put_runs(&b, r);
    const char *out = scene_printf(s, "%s", b.data ? b.data : "");
    buf_release(&b);
    return out;
}

const char *plot_caption_counted(struct scene *s, const struct results *r, size_t n_min, size_t n_max, const char *units,
                                 const char *what)
{
    struct buf b = BUF_INIT(1 << 16);
    buf_printf(&b, "%s n = ", what);
    if (n_min < n_max)
        buf_printf(&b, "%zu to ", n_min);
    buf_printf(&b, "%zu %s. ", n_max, units);
    put_runs(&b, r);
    const char *out = scene_printf(s, "%s", b.data ? b.data : "");
    buf_release(&b);
    return out;
}
