/* plot_press_lib.h - the functions of cairo and pango as press_open found them. Private to plot_press.c, plot_cairo.c. */
#ifndef REPORT_PLOT_PRESS_LIB_H
#define REPORT_PLOT_PRESS_LIB_H

#include <cairo-pdf.h>
#include <pango/pangocairo.h>

#include "report/plot_press.h"

struct press {
    void *handle;
#define PRESS(name) __typeof__(name) *name;
#include "report/plot_press_list.h"
#undef PRESS
    PangoFontMap *map;
    PangoContext *context;
    PangoLayout *layout; /* every text is set in it, one after the other */
};

/* Sets the text in the layout of the press. */
void press_set(struct press *p, const char *text, struct press_font font);

#endif
