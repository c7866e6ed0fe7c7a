/* plot_palette.h - the colours of all that prony draws: pictures, HTML, terminal. One colour an engine, everywhere.
 *
 * Fourteen hues cannot be told apart by everyone, so an engine has a marker as well: engines whose colours come near
 * each other to a person who is blind to red or green have different markers (tests/report/test_palette.c).
 */
#ifndef REPORT_PLOT_PALETTE_H
#define REPORT_PLOT_PALETTE_H

#include <stdbool.h>
#include <stddef.h>

struct rgb {
    double r, g, b, a; /* 0 to 1, sRGB */
};

enum marker { MARKER_CIRCLE, MARKER_SQUARE, MARKER_UP, MARKER_DIAMOND, MARKER_DOWN, MARKER_PLUS, MARKER_CROSS, MARKERS };

struct engine_color {
    const char *engine;
    unsigned light, dark; /* 0xRRGGBB on white, on dark grey */
    enum marker marker;
};

extern const struct engine_color engine_colors[];
extern const size_t engine_color_count;

/* The row of an engine: "NAME", "NAME:VARIANT", "NAME@URL" or "NAME (RUN)". One that is not listed has the last row. */
const struct engine_color *engine_color_find(const char *engine);

/* What is not an engine. */
struct theme {
    bool dark;
    struct rgb paper, ink, muted, axis, grid, missing;
};
const struct theme *theme_of(bool dark);

struct rgb rgb_of(unsigned hex);
struct rgb rgb_mix(struct rgb a, struct rgb b, double share_of_b);
struct rgb rgb_alpha(struct rgb c, double a);
/* The n-th shade of a colour: 0 itself, then ever nearer to the paper; for the variants of an engine, for models. */
struct rgb rgb_shade(struct rgb c, size_t n, const struct theme *theme);
/* Of a sequential scale, t in 0 (paper) to 1. */
struct rgb ramp_color(double t, const struct theme *theme);
/* Black or white, whichever reads better on it. */
struct rgb rgb_on(struct rgb background);

#endif
