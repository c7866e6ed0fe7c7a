/* plots.h - the pictures of a report: which there are, what rows each needs, and writing them as files.
 *
 *     size_t written;
 *     TRY(plots_write("report", PLOT_PNG | PLOT_SVG, false, &results, &written, err));
 *
 * A plot is a row: `const struct plot_kind plot_NAME` in p_*.c, and PLOT(NAME) in plot_list.h. It is drawn only when the
 * rows hold the columns that it needs; a report without those rows has no such file. ("figure" is the word for a number
 * with its interval, stats/figure.h; a picture is a plot here.)
 */
#ifndef REPORT_PLOTS_H
#define REPORT_PLOTS_H

#include "report/plot_scene.h"
#include "report/results.h"

struct plot_kind {
    const char *name;   /* of its file: "backend_comparison" */
    const char *folder; /* below the report's: "plots", "results/plots", "" */
    const char *shows;  /* one line, lower case */
    /* What one cell must have: names of parameters and of metrics with samples, ended by NULL. "cells" of several
     * experiments together are looked for by the function itself. */
    const char *const *columns;
    /* Places the plot: 0; 1: these rows hold nothing to show; -1 and err. */
    int (*draw)(struct scene *s, const struct results *r, struct err *err);
};

size_t plot_count(void);
const struct plot_kind *plot_at(size_t i);
/* NULL and ERR_USAGE, with the nearest name, if there is none. */
const struct plot_kind *plot_find(const char *name, struct err *err);
/* 0 if "png", "pdf" and "svg" are all not its name. */
enum plot_format plot_format_find(const char *name);
const char *plot_format_name(enum plot_format format);

/* Places one plot into a scene, which the caller releases. 0, 1: the rows do not hold what it needs, -1. */
int plot_draw(struct scene *s, const struct plot_kind *kind, struct press *press, bool dark, const struct results *r,
              struct err *err);
/* Every plot that the rows allow, as FOLDER/NAME.FORMAT below `dir`; *written files in all. */
int plots_write(const char *dir, unsigned formats, bool dark, const struct results *r, size_t *written, struct err *err);
/* As PNG, where a run keeps them: those of its own folder in `own`, the others below `parent`. */
int plots_write_run(const char *parent, const char *own, const struct results *r, size_t *written, struct err *err);
/* The one plot, as DIR/NAME.FORMAT; *written 0: the rows do not hold what it needs. */
int plot_write(const char *dir, const struct plot_kind *kind, unsigned formats, bool dark, const struct results *r,
               size_t *written, struct err *err);

#endif
