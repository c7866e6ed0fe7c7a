/* plot.h - what a picture shows, before anything is placed; and the page that places it.
 *
 *     struct plot plot = {.title = "Decode speed", .caption = "median of 6 launches ..."};
 *     struct xy_panel xy = {.panel.kind = &panel_xy, .x = {.title = "prompt", .unit = "tokens"}, .series = s, .n = 2};
 *     const struct plot_panel *panels[] = {&xy.panel};
 *     plot.panels = panels, plot.n_panels = 1;
 *     plot_layout(&scene, &plot);            // then scene_write
 *
 * Invariants: everything is measured before it is placed, so that no label is clipped and none covers another, whatever
 * the names; the legend stands outside of the data; numbers that are not finite are gaps; what is missing says so in its
 * place. Nothing here knows of results.
 *
 * To add a kind of panel: plot_NAME.c with `const struct panel_kind panel_NAME` and its struct here.
 */
#ifndef REPORT_PLOT_H
#define REPORT_PLOT_H

#include "report/plot_scale.h"
#include "report/plot_scene.h"

#define PLOT_WIDTH 640.0

struct plot_panel;

struct panel_kind {
    double (*height)(struct scene *s, const struct plot_panel *panel, double width); /* that it wants, title left out */
    void (*draw)(struct scene *s, const struct plot_panel *panel, struct box box);
};

struct plot_panel {
    const struct panel_kind *kind;
    const char *title; /* above it; NULL: none */
};

enum legend_look { LEGEND_SWATCH, LEGEND_LINE, LEGEND_MARKER };

struct legend_entry {
    const char *name;
    struct rgb color;
    enum legend_look look;
    enum marker marker; /* of a line too, when `marked` */
    bool marked;
    double dash;
};

struct plot {
    const char *title, *subtitle, *caption; /* NULL: none */
    const struct legend_entry *legend;
    size_t n_legend;
    const struct plot_panel *const *panels;
    size_t n_panels;
    size_t across; /* panels side by side; 0: one */
    double lead;   /* how much wider the leftmost ones are: the names that the others share */
    double width;  /* 0: PLOT_WIDTH */
};

/* Places all marks and sets the height of the scene. */
void plot_layout(struct scene *s, const struct plot *plot);

/* ---- lines, points, steps, bands: plot_xy.c ---- */

struct xy_point {
    double x, y, lo, hi; /* lo, hi: NaN where there is no interval */
    const char *label;   /* beside it; NULL: none */
};

struct xy_series {
    struct rgb color;
    enum marker marker;
    bool line, marked, band, step; /* band: lo..hi as an area, else as bars */
    double dash, width;            /* width 0: 1.6 */
    const struct xy_point *points; /* in the order in which they are joined */
    size_t n;
};

struct xy_panel {
    struct plot_panel panel;
    struct plot_axis x, y;
    const struct xy_series *series;
    size_t n;
    double height;  /* of the data; 0: chosen */
    double mark_y;  /* a dashed line at this height; NaN or 0: none */
};
extern const struct panel_kind panel_xy;

/* ---- bars: plot_bars.c. They lie on their side: names of any length stay readable, and forty bars are a longer page ---- */

struct bar {
    double x, lo, hi; /* x NaN: missing */
    const char *why;  /* it is missing */
    bool unasked;     /* it is missing, and nobody asked for it */
};

struct bars_series {
    struct rgb color;
};

struct bars_panel {
    struct plot_panel panel;
    struct plot_axis x;
    const char *const *rows;
    size_t n_rows;
    const struct bars_series *series;
    size_t n_series;
    const struct bar *bars; /* rows x series */
    double mark_x;          /* a line at this value; NaN or 0: none */
    bool bare;              /* no names of rows: the panel at its left has them */
    double names;           /* width of the column of names; 0: as they need */
    const struct rgb *row_colors; /* with one series: a colour a row; NULL: the series' */
};
extern const struct panel_kind panel_bars;

/* ---- how samples spread: violin, box, points: plot_spread.c ---- */

struct spread {
    const char *name;
    struct rgb color;
    const double *x; /* finite */
    size_t n;
    const char *why; /* when n is 0 */
};

struct spread_panel {
    struct plot_panel panel;
    struct plot_axis x;
    const struct spread *rows;
    size_t n_rows;
};
extern const struct panel_kind panel_spread;

/* ---- a matrix with its values: plot_heatmap.c ---- */

struct heatmap_panel {
    struct plot_panel panel;
    const char *const *rows, *const *columns;
    size_t n_rows, n_columns;
    const double *values; /* rows x columns; NaN: missing */
    const char *row_title, *column_title;
    struct plot_axis scale; /* of the colours: title, unit, log, percent */
};
extern const struct panel_kind panel_heatmap;

/* ---- what happened when: plot_lanes.c ---- */

struct lane {
    const char *name;
    struct rgb color;
    double start;        /* of the first event, before which the lane is a bar from 0: the prefill */
    const double *ticks; /* the events */
    size_t n;
    const char *why; /* when n is 0 */
};

struct lanes_panel {
    struct plot_panel panel;
    struct plot_axis x;
    const struct lane *lanes;
    size_t n_lanes;
};
extern const struct panel_kind panel_lanes;

/* ---- for the panels ---- */

extern const double plot_tick_size, plot_label_size; /* of the text of ticks, of axis titles and names */
struct text_style plot_text(const struct scene *s, double size, bool muted);

/* The horizontal axis below `box`, with vertical grid lines in it. Its labels and title take plot_axis_below. */
void plot_axis_x(struct scene *s, const struct scale *scale, const struct plot_axis *axis, struct box box);
double plot_axis_below(const struct plot_axis *axis);
/* The column of names left of the data that rows share: its width, at most a third of the whole. */
double plot_names_width(struct scene *s, const char *const *names, size_t n, double width);
/* The axis reaches this value, if it is finite, and zero. */
void plot_axis_reach(struct plot_axis *axis, double value);
/* One name in that column, right-aligned at x, about the middle y, in as many lines as `height` has room for. */
void plot_name(struct scene *s, const char *name, double x, double y, double width, double height);
/* "not measured: why" from x on. */
void plot_missing(struct scene *s, double x, double y, double width, const char *why);
/* A dashed line of what others are measured against. */
void plot_mark_line(struct scene *s, double x0, double y0, double x1, double y1);

#endif
