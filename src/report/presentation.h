/* presentation.h - a slide deck: what was measured, what can be said of it, the plots, how to repeat it. */
#ifndef REPORT_PRESENTATION_H
#define REPORT_PRESENTATION_H

#include "report/document.h"
#include "report/results.h"

/* Writes DIR/presentation.typ with its pictures (PNG) in DIR/IMAGES; `images` is relative and stays below DIR. */
int presentation_write(const char *dir, const char *images, const struct results *r, const struct report_doc *doc, struct err *err);

#endif
