/* html_series.h - what the charts of a report tell apart by colour: its engines, or with one alone its models. */
#ifndef REPORT_HTML_SERIES_H
#define REPORT_HTML_SERIES_H

#include "base/json_out.h"
#include "report/document.h"

enum { HTML_SERIES_MAX = 64 };

struct html_series {
    const char *by; /* the name of the column: "engine" or "model" */
    const char *names[HTML_SERIES_MAX];
    size_t n;
};

void html_series_find(struct html_series *out, const struct report_doc *doc);
/* Its number; 0 for what is beyond HTML_SERIES_MAX. */
size_t html_series_at(const struct html_series *s, const char *name);
/* The index of the column of that name, or SIZE_MAX. */
size_t html_column(const struct report_table *t, const char *name);
/* CSS variables --s0, --s1 ... for light and dark. */
void html_series_css(struct buf *out, const struct html_series *s);
void html_series_json(struct json_out *j, const struct html_series *s);

/* All that the scripts work with, as JSON that may stand in a <script>. Raw rows are embedded up to HTML_RAW_MAX of them in
 * the whole report; a table beyond that has quantiles instead. */
enum { HTML_RAW_MAX = 50000 };
void html_data(struct buf *out, const struct report_doc *doc, const struct html_series *s);
/* Which tables have their raw rows in the report: decided in order, as html_data does. */
bool html_embeds(const struct report_doc *doc, size_t table);

#endif
