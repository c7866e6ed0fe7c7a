/* html_text.h - text into HTML. Whatever it holds, it shows as text. */
#ifndef REPORT_HTML_TEXT_H
#define REPORT_HTML_TEXT_H

#include "base/buf.h"
#include "report/document.h"

/* For the inside of an element or of a quoted attribute. Control characters become their pictures (U+2400 ...), bytes that
 * are not UTF-8 U+FFFD; lines stay. */
void html_text(struct buf *out, const char *s);
/* The same, kept apart from the direction of what stands around it. */
void html_isolated(struct buf *out, const char *s);
/* <dl> of the definitions of the table's metrics. */
void html_definitions(struct buf *out, const struct report_table *t);
/* The table with its caption; `colors`: its first column is a contender (html_series.h), which has a colour. */
struct html_series;
void html_table(struct buf *out, const struct report_table *t, const struct html_series *s);

#endif
