/* plot_scale.h - from values to places on an axis: nice ticks, their labels, and a unit that suits them. */
#ifndef REPORT_PLOT_SCALE_H
#define REPORT_PLOT_SCALE_H

#include <stdbool.h>
#include <stddef.h>

enum { SCALE_TICKS_MAX = 64, SCALE_TEXT_MAX = 32 };

struct plot_axis {
    const char *title; /* "decode speed"; NULL: none */
    const char *unit;  /* "tok/s"; "" or NULL: none. ms and MB become s and GB, or µs, when the values ask for it */
    bool log;          /* is ignored when a value is not above zero */
    bool zero;         /* reaches to zero; what a bar's length needs */
    bool untitled;     /* the title stands below another panel of the same axis */
    bool whole;        /* values are counts: no tick between them */
    bool percent;      /* shares, shown times 100 */
    const double *at;  /* ticks at these values, where lengths were chosen; NULL: at round ones */
    size_t n_at;
    double lo, hi;     /* reaches at least there; NaN or both 0: the data alone */
};

struct scale {
    double lo, hi; /* in the unit shown, that is times `factor` */
    bool log;
    double factor;
    const char *unit; /* of the labels; "" for none */
    double from, to;  /* where lo and hi are on the page */
    double ticks[SCALE_TICKS_MAX];
    size_t n_ticks;
    double step; /* between ticks; 0 on a logarithmic scale */
    bool given;  /* the ticks are those of the axis */
};

/* The scale of an axis over finite values [lo, hi], in `pixels`, a tick every `spacing` of them or more. lo > hi: there is
 * no value, and the scale is 0 to 1 without ticks. */
void scale_make(struct scale *s, const struct plot_axis *axis, double lo, double hi, double pixels, double spacing);
/* Where it lies on the page; outside values stand at the end. */
double scale_at(const struct scale *s, double value);
const char *scale_label(const struct scale *s, size_t tick, char text[SCALE_TEXT_MAX]);
/* "decode speed (tok/s)" */
const char *scale_title(const struct scale *s, const struct plot_axis *axis, char text[128]);

/* A number as pictures print it: `digits` significant ones, a real minus sign, k/M/G from 10,000 on, powers of ten below
 * 0.001. Returns `text`. */
const char *plot_number(double x, int digits, char text[SCALE_TEXT_MAX]);

#endif
