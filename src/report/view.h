/* view.h - pictures of a report's tables in characters: bars with intervals, histograms, lines of samples in the order they
 * were taken, and a heatmap of engines against settings.
 *
 * Blocks and shades of Unicode, or ASCII; colours of the palette where the style has them. No line is wider than the
 * style's width (60 at least; 80 if it has none). An interval is never left out of a bar that has one.
 */
#ifndef REPORT_VIEW_H
#define REPORT_VIEW_H

#include "report/format.h"

enum view_kind { VIEW_BARS = 1, VIEW_HISTOGRAM = 2, VIEW_SPARK = 4, VIEW_HEATMAP = 8, VIEW_ALL = 15 };

/* 0 if it is the name of none: "bars", "histogram", "spark", "heatmap". */
enum view_kind view_kind_find(const char *name);

/* Draws the kinds (of enum view_kind) of one metric of the table; nothing when no row has it. */
int view_table(struct buf *out, const struct report_table *t, size_t column, unsigned kinds, const struct report_style *style,
               struct err *err);

#endif
