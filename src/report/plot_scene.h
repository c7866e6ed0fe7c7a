/* plot_scene.h - a picture as a list of marks on a page, before it is a PNG, PDF or SVG.
 *
 *     struct scene s;
 *     scene_init(&s, press, theme_of(false), 640);
 *     scene_text(&s, 16, 30, "tokens a second", (struct text_style){.size = 11, .color = s.theme->ink});
 *     s.height = 300;
 *     TRY(scene_write(&out, &s, PLOT_SVG, err));
 *     scene_release(&s);
 *
 * Invariants: coordinates go right and down, one unit is a pixel of a screen (two in a PNG, 3/4 point in a PDF); later
 * marks cover earlier ones; every text knows the box it takes, so that a test can ask whether two overlap or one leaves
 * the page. Text is shown, never obeyed: line ends, control characters, broken UTF-8 and marks that turn the writing
 * around become visible signs. An addition that fails marks the scene, and scene_write reports it.
 */
#ifndef REPORT_PLOT_SCENE_H
#define REPORT_PLOT_SCENE_H

#include "base/arena.h"
#include "base/buf.h"
#include "report/plot_palette.h"
#include "report/plot_press.h"

enum plot_format { PLOT_PNG = 1, PLOT_PDF = 2, PLOT_SVG = 4 };

struct point {
    double x, y;
};

struct box {
    double x, y, w, h;
};

struct ink { /* how a shape is painted; width 0: no outline, alpha 0: nothing */
    struct rgb fill, stroke;
    double width, dash;
};

enum anchor { ANCHOR_START, ANCHOR_MIDDLE, ANCHOR_END };

struct text_style {
    double size;
    bool bold, italic;
    struct rgb color;
    enum anchor anchor;
    double angle; /* degrees, clockwise, about the point given */
};

enum mark_kind { MARK_PATH, MARK_CIRCLE, MARK_TEXT };

struct mark {
    enum mark_kind kind;
    struct ink ink;
    const struct point *points; /* of a path; of a circle its centre */
    size_t n;
    bool closed;
    double radius;
    /* text: start of its baseline before turning about `pivot` */
    const char *text;
    struct text_style style;
    struct point at, pivot;
    double width;
};

struct scene {
    struct press *press;
    const struct theme *theme;
    double width, height;
    struct arena arena;
    struct mark *marks;
    size_t n, cap;
    const char *title; /* for readers that do not see: SVG title, PDF metadata */
    bool failed;
    struct err err;
};

void scene_init(struct scene *s, struct press *press, const struct theme *theme, double width);
void scene_release(struct scene *s);

void scene_line(struct scene *s, double x0, double y0, double x1, double y1, struct rgb color, double width, double dash);
void scene_rect(struct scene *s, struct box box, struct ink ink);
void scene_path(struct scene *s, const struct point *points, size_t n, bool closed, struct ink ink); /* copies */
void scene_circle(struct scene *s, double x, double y, double radius, struct ink ink);
void scene_marker(struct scene *s, enum marker marker, double x, double y, double radius, struct rgb color);
/* y is the baseline. */
void scene_text(struct scene *s, double x, double y, const char *text, struct text_style style);

/* Memory that lives as long as the scene, zeroed; NULL when it failed. */
void *scene_alloc(struct scene *s, size_t n, size_t size);
const char *scene_printf(struct scene *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* ---- text to measure ---- */

double scene_width(struct scene *s, const char *text, struct text_style style);
/* The text itself, or as much of its head and tail as is `most` wide, with an ellipsis between: names differ at their ends. */
const char *scene_fit(struct scene *s, const char *text, struct text_style style, double most);
/* Breaks into lines that are at most that wide, at spaces or behind one of "-_/:.,=@"; the last of `most_lines` ends in an
 * ellipsis when there is more. Returns how many lines. */
size_t scene_wrap(struct scene *s, const char **lines, size_t most_lines, const char *text, struct text_style style,
                  double most);
/* The four corners of a text, turned. */
void mark_corners(const struct mark *m, struct point corners[4]);

int scene_write(struct buf *out, struct scene *s, enum plot_format format, struct err *err);

/* ---- the forms: private to plot_*.c ---- */
/* `scale`: pixels or points a unit. */
int scene_write_cairo(struct buf *out, struct scene *s, enum plot_format format, double scale, struct err *err);
void scene_write_svg(struct buf *out, const struct scene *s);

#endif
