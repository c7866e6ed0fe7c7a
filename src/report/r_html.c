/* r_html.c - the report as one HTML file that needs nothing else: html/page.html with its places filled in. Tables are
 * complete without JavaScript; the charts are drawn by html/charts.js from the JSON of html_data.c. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/build.h"
#include "base/str.h"
#include "report/csv_table.h"
#include "report/format.h"
#include "report/html_files.h"
#include "report/html_series.h"
#include "report/html_text.h"

struct page {
    struct buf *out;
    const struct report_doc *doc;
    const struct report_style *style;
    struct html_series series;
};

/* ---- the places of the template ---- */

static void put_title(struct page *p)
{
    html_text(p->out, p->doc->title);
}

static void put_version(struct page *p)
{
    html_text(p->out, build_version());
}

static void put_colors(struct page *p)
{
    html_series_css(p->out, &p->series);
}

static void put_nav(struct page *p)
{
    buf_str(p->out, "<a href=\"#findings\">Verdicts</a>");
    for (size_t i = 0; i < p->doc->n_tables; i++) {
        if (p->doc->tables[i].detail)
            continue;
        buf_printf(p->out, " <a href=\"#table%zu\">", i);
        html_isolated(p->out, p->doc->tables[i].title);
        buf_str(p->out, "</a>");
    }
    buf_str(p->out, " <a href=\"#made-with\">Measured with</a> <a href=\"#repeat\">To repeat it</a>");
}

static const char *fact(const struct report_doc *doc, const char *label)
{
    for (size_t i = 0; i < doc->n_facts; i++)
        if (strcmp(doc->facts[i].label, label) == 0)
            return doc->facts[i].text;
    return NULL;
}

/* What a reader wants to know at once: the facts of the only run. */
static void put_summary(struct page *p)
{
    static const char *const wanted[][2] = {{"machine.cpu.model", "processor"}, {"host", "host"}, {"started", "started"},
                                            {"build.version", "prony"}, {"seed", "seed"}};
    size_t runs = 0;
    for (size_t i = 0; i < p->doc->n_facts; i++)
        runs += strcmp(p->doc->facts[i].label, "run") == 0;
    if (runs != 1)
        return;
    buf_str(p->out, "<dl class=\"keys\">\n");
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        const char *text = fact(p->doc, wanted[i][0]);
        if (!text)
            continue;
        buf_printf(p->out, "<div><dt>%s</dt><dd>", wanted[i][1]);
        html_isolated(p->out, text);
        buf_str(p->out, "</dd></div>\n");
    }
    buf_str(p->out, "</dl>\n");
}

static void put_findings(struct page *p)
{
    const struct report_doc *doc = p->doc;
    bool notes = false;
    buf_str(p->out, "<ul class=\"findings\">\n");
    for (size_t i = 0; i < doc->n_findings; i++) {
        if (doc->findings[i].kind == FINDING_NOTE) {
            notes = true;
            continue;
        }
        bool shown = doc->findings[i].kind == FINDING_SHOWN;
        buf_printf(p->out, "<li class=\"%s\"><span class=\"tag\">%s</span>", shown ? "shown" : "open", shown ? "Shown" : "Not shown");
        html_isolated(p->out, doc->findings[i].text);
        buf_str(p->out, "</li>\n");
    }
    if (doc->n_findings == 0)
        buf_str(p->out, "<li>Nothing was measured that could be compared.</li>\n");
    buf_str(p->out, "</ul>\n");
    if (notes)
        buf_str(p->out, "<ul class=\"footnotes\">\n");
    for (size_t i = 0; i < doc->n_findings; i++)
        if (doc->findings[i].kind == FINDING_NOTE) {
            buf_str(p->out, "<li>");
            html_isolated(p->out, doc->findings[i].text);
            buf_str(p->out, "</li>\n");
        }
    if (notes)
        buf_str(p->out, "</ul>\n");
    for (size_t i = 0; i < doc->n_tables; i++)
        if (doc->tables[i].detail) {
            buf_str(p->out, "<details><summary>The numbers behind them</summary>\n");
            html_table(p->out, &doc->tables[i], &p->series);
            buf_str(p->out, "</details>\n");
        }
}

/* The rows behind a chart: here, or where they lie when there are too many. */
static void put_raw(struct page *p, size_t index)
{
    const struct report_table *t = &p->doc->tables[index];
    if (t->raw.n_rows == 0)
        return;
    if (html_embeds(p->doc, index)) {
        buf_printf(p->out, "<details class=\"raw\" id=\"raw%zu\"><summary>The %zu raw rows behind it</summary></details>\n", index,
                   t->raw.n_rows);
        return;
    }
    buf_printf(p->out, "<p class=\"hint\">There are %zu raw rows behind it, more than the %d that a report holds: the charts above are "
               "drawn from quantiles of them. ", t->raw.n_rows, HTML_RAW_MAX);
    if (p->style->files) {
        char tail[64];
        csv_table_file(tail, sizeof tail, p->doc, index, "_samples");
        buf_str(p->out, "All of them: <a href=\"");
        html_text(p->out, t->name);
        buf_printf(p->out, "%s\">", tail);
        html_text(p->out, t->name);
        buf_printf(p->out, "%s</a>.</p>\n", tail);
    } else {
        buf_str(p->out, "<code>prony report RUN --format csv --out DIR</code> writes them all.</p>\n");
    }
}

static void put_tables(struct page *p)
{
    for (size_t i = 0; i < p->doc->n_tables; i++) {
        const struct report_table *t = &p->doc->tables[i];
        bool figures = false;
        if (t->detail)
            continue;
        for (size_t c = 0; c < t->n_columns; c++)
            figures |= t->columns[c].kind == COLUMN_FIGURE;
        buf_printf(p->out, "<section id=\"table%zu\" aria-labelledby=\"title%zu\">\n<h2 id=\"title%zu\">", i, i, i);
        html_isolated(p->out, t->title);
        buf_str(p->out, "</h2>\n");
        if (t->n_rows == 0) {
            buf_str(p->out, "<p>No rows.</p></section>\n");
            continue;
        }
        if (figures)
            buf_printf(p->out, "<figure class=\"chart panel\" id=\"chart%zu\" hidden><div class=\"plot\"></div><figcaption></figcaption></figure>\n", i);
        html_definitions(p->out, t);
        put_raw(p, i);
        html_table(p->out, t, &p->series);
        if (figures)
            buf_str(p->out, "<p class=\"hint\">Figures: median [95 % interval] over n repeats; from six repeats on order statistics "
                            "of the median, below that Student's t of the mean.</p>\n");
        buf_str(p->out, "</section>\n");
    }
}

static void put_notes(struct page *p)
{
    if (p->doc->n_notes == 0)
        return;
    buf_str(p->out, "<section id=\"notes\" aria-labelledby=\"notes-title\">\n<h2 id=\"notes-title\">Notes</h2>\n<ul>\n");
    for (size_t i = 0; i < p->doc->n_notes; i++) {
        buf_str(p->out, "<li>");
        html_isolated(p->out, p->doc->notes[i]);
        buf_str(p->out, "</li>\n");
    }
    buf_str(p->out, "</ul>\n</section>\n");
}

static void put_pair(struct buf *out, const struct report_pair *fact)
{
    buf_str(out, "<dt>");
    html_text(out, fact->label);
    buf_str(out, "</dt><dd>");
    html_isolated(out, fact->text ? fact->text : "not known");
    buf_str(out, "</dd>\n");
}

/* Facts come run by run; the details of each are folded. */
static void put_facts(struct page *p)
{
    const struct report_doc *doc = p->doc;
    for (size_t i = 0; i < doc->n_facts;) {
        size_t details = 0;
        buf_str(p->out, "<dl class=\"facts\">\n");
        for (; i < doc->n_facts && !doc->facts[i].detail; i++)
            put_pair(p->out, &doc->facts[i]);
        buf_str(p->out, "</dl>\n");
        while (i + details < doc->n_facts && doc->facts[i + details].detail)
            details++;
        if (details == 0)
            continue;
        buf_printf(p->out, "<details><summary>Fingerprint of machine and build: %zu entries</summary>\n<dl class=\"facts\">\n", details);
        for (size_t end = i + details; i < end; i++)
            put_pair(p->out, &doc->facts[i]);
        buf_str(p->out, "</dl></details>\n");
    }
    if (doc->n_facts == 0)
        buf_str(p->out, "<p>Nothing is known of it.</p>\n");
}

/* A line a run. */
static void put_command(struct page *p)
{
    if (!p->doc->command)
        buf_str(p->out, "<p>The command is not known.</p>\n");
    for (const char *s = p->doc->command; s && *s;) {
        size_t len = strcspn(s, "\n");
        struct buf line = BUF_INIT(1 << 20);
        buf_add(&line, s, len);
        buf_str(p->out, "<div class=\"command\"><pre>");
        if (line.data)
            html_text(p->out, line.data);
        buf_str(p->out, "</pre><button type=\"button\" class=\"copy\" hidden>Copy</button></div>\n");
        buf_release(&line);
        s += len + (s[len] == '\n');
    }
}

static void put_data(struct page *p)
{
    html_data(p->out, p->doc, &p->series);
}

#define FILE_PLACE(name)                       \
    static void put_file_##name(struct page *p) \
    {                                          \
        buf_str(p->out, html_##name);          \
    }
FILE_PLACE(style)
FILE_PLACE(d3)
FILE_PLACE(licence)
FILE_PLACE(scales)
FILE_PLACE(charts)
FILE_PLACE(script)

static const struct {
    const char *name;
    void (*put)(struct page *p);
} places[] = {
    {"title", put_title},        {"version", put_version}, {"colors", put_colors},      {"style", put_file_style},
    {"nav", put_nav},            {"summary", put_summary}, {"findings", put_findings},  {"tables", put_tables},
    {"notes", put_notes},        {"facts", put_facts},     {"command", put_command},    {"data", put_data},
    {"licence", put_file_licence}, {"d3", put_file_d3},    {"scales", put_file_scales}, {"charts", put_file_charts},
    {"script", put_file_script},
};

static void put_place(struct page *p, const char *name, size_t len)
{
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        if (strlen(places[i].name) == len && strncmp(places[i].name, name, len) == 0) {
            places[i].put(p);
            return;
        }
    p->out->failed = true; /* the template and the table above belong together; tests/report/test_html.c */
}

static void end(struct buf *out, const struct report_doc *doc, const struct report_style *style)
{
    struct page page = {.out = out, .doc = doc, .style = style};
    html_series_find(&page.series, doc);
    for (const char *s = html_page; *s;) {
        const char *open = strstr(s, "{{"), *close = open ? strstr(open, "}}") : NULL;
        if (!close) {
            buf_str(out, s);
            return;
        }
        buf_add(out, s, (size_t)(open - s));
        put_place(&page, open + 2, (size_t)(close - open - 2));
        s = close + 2;
    }
}

const struct report_format report_html = {
    .name = "html",
    .extension = "html",
    .summary = "one page for a browser, with charts; works offline",
    .end = end,
};
