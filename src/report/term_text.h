/* term_text.h - text as a terminal may be sent it, in columns. */
#ifndef REPORT_TERM_TEXT_H
#define REPORT_TERM_TEXT_H

#include "report/format.h"

/* Control characters, escape sequences and reordering marks are shown, not sent; without `unicode` all beyond ASCII is. */
void term_visible(struct buf *out, const char *s, bool unicode);
/* Columns that a text without control characters takes. */
size_t term_width(const char *s);
/* The text in exactly `width` columns: cut with an ellipsis, or filled on the left or the right. */
void term_put(struct buf *out, const char *s, size_t width, bool right, const struct report_style *style);

#endif
