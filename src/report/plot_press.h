/* plot_press.h - what plots are set and printed with: cairo and pango, loaded when a picture is drawn.
 *
 * They bring ninety shared objects. A process that measures must not carry them (their pages would be counted as the
 * engine's memory), so nothing links to them: they are opened by name here. Without them all of prony works but
 * pictures, and the error says what to install.
 */
#ifndef REPORT_PLOT_PRESS_H
#define REPORT_PLOT_PRESS_H

#include <stdbool.h>

#include "base/err.h"

#define PRESS_FAMILY "DejaVu Sans" /* everywhere the same, so that the same rows give the same picture */

struct press;

/* NULL and err (ERR_MISSING) on failure. One thread at a time. */
struct press *press_open(struct err *err);
void press_close(struct press *p); /* NULL is fine */

struct press_font {
    double size;
    bool bold, italic;
};

/* The width of one line of text. */
double press_width(struct press *p, const char *text, struct press_font font);

#endif
