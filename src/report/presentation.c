#include "report/presentation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "report/plots.h"

#define FILE_MAX_BYTES ((size_t)16 << 20)
enum { FINDINGS_A_SLIDE = 6, FACTS_MAX = 12 };

/* ---- text: always a string of typst's, never its markup ---- */

static void put_string(struct buf *out, const char *text)
{
    size_t len = strlen(text);
    buf_char(out, '"');
    for (size_t i = 0; i < len;) {
        uint32_t cp;
        size_t n = utf8_decode(text + i, len - i, &cp);
        if (n == 0)
            buf_str(out, "\xEF\xBF\xBD");
        else if (cp == '"' || cp == '\\')
            buf_printf(out, "\\%c", (int)cp);
        else if (cp < 32 || cp == 127)
            buf_printf(out, "\\u{%x}", (unsigned)cp);
        else
            buf_add(out, text + i, n);
        i += n ? n : 1;
    }
    buf_char(out, '"');
}

/* ---- slides ---- */

static void put_head(struct buf *out, const struct report_doc *doc)
{
    buf_str(out, "// Written by prony from stored rows; `typst compile presentation.typ` makes the PDF.\n"
                 "#set document(date: none, title: ");
    put_string(out, doc->title);
    buf_str(out, ")\n"
                 "#set page(paper: \"presentation-16-9\", margin: (x: 1.6cm, top: 1.4cm, bottom: 1.3cm), numbering: none,\n"
                 "  footer: context [#set text(9pt, fill: luma(110)); #text(");
    put_string(out, doc->title);
    buf_str(out, ") #h(1fr) #counter(page).display()])\n"
                 "#set text(font: (\"DejaVu Sans\", \"Libertinus Serif\"), size: 15pt, fill: luma(26))\n"
                 "#set par(leading: 0.62em)\n"
                 "#let accent = rgb(\"#0072B2\")\n"
                 "#let slide(title, body) = { pagebreak(weak: true)\n"
                 "  block(below: 0.9em, text(22pt, weight: \"bold\", title)); body }\n"
                 "#let picture(path) = align(center + horizon, image(path, width: 100%, height: 100%, fit: \"contain\"))\n\n");
}

static void put_title(struct buf *out, const struct results *r, const struct report_doc *doc)
{
    buf_str(out, "#page(footer: none, align(horizon)[\n  #text(34pt, weight: \"bold\", ");
    put_string(out, r->n_cells && r->cells[0].target ? r->cells[0].target : doc->title);
    buf_str(out, ")\n  #v(0.2em)\n  #line(length: 4cm, stroke: 3pt + accent)\n  #v(0.6em)\n");
    for (size_t i = 0; i < r->n_runs; i++) {
        const struct result_run *run = &r->runs[i];
        char line[256];
        snprintf(line, sizeof line, "run %.64s%s%.64s%s%.10s", run->id, run->host ? " on " : "", run->host ? run->host : "",
                 run->started ? ", " : "", run->started ? run->started : "");
        buf_str(out, "  #text(16pt, fill: luma(96), ");
        put_string(out, line);
        buf_str(out, ") \\\n");
    }
    buf_str(out, "])\n\n");
}

/* A few a slide; the footnotes on the last one. */
static void put_findings(struct buf *out, const struct report_doc *doc)
{
    size_t shown = 0;
    for (size_t i = 0; i < doc->n_findings; i++) {
        if (doc->findings[i].kind == FINDING_NOTE)
            continue;
        if (shown % FINDINGS_A_SLIDE == 0)
            buf_str(out, shown ? "]\n\n#slide(\"What can be said\")[\n" : "#slide(\"What can be said\")[\n");
        buf_str(out, "  - #text(");
        put_string(out, doc->findings[i].text);
        buf_str(out, ")\n");
        shown++;
    }
    for (size_t i = 0; shown && i < doc->n_findings; i++)
        if (doc->findings[i].kind == FINDING_NOTE) {
            buf_str(out, "  #text(11pt, fill: luma(96), ");
            put_string(out, doc->findings[i].text);
            buf_str(out, ")\n");
        }
    buf_str(out, shown ? "]\n\n" : "");
}

static void put_plot(struct buf *out, const struct plot_kind *kind, const char *images)
{
    buf_str(out, "#pagebreak(weak: true)\n#picture(");
    char *path = mem_printf(NULL, "%s/%s.png", images, kind->name);
    put_string(out, path ? path : "");
    free(path);
    buf_str(out, ")\n\n");
}

static void put_method(struct buf *out, const struct report_doc *doc)
{
    size_t shown = 0;
    buf_str(out, "#slide(\"How it was measured\")[\n  #set text(12pt)\n  #table(columns: (auto, 1fr), stroke: none, inset: (x: 0pt, y: 3.2pt),\n"
                 "    column-gutter: 1.2em,\n");
    for (size_t i = 0; i < doc->n_facts && shown < FACTS_MAX; i++)
        if (!doc->facts[i].detail && doc->facts[i].text) {
            buf_str(out, "    text(fill: luma(96), ");
            put_string(out, doc->facts[i].label);
            buf_str(out, "), text(");
            put_string(out, doc->facts[i].text);
            buf_str(out, "),\n");
            shown++;
        }
    buf_str(out, "  )\n");
    for (size_t i = 0; i < doc->n_notes && i < 4; i++) {
        buf_str(out, "  - #text(");
        put_string(out, doc->notes[i]);
        buf_str(out, ")\n");
    }
    if (doc->command) {
        buf_str(out, "  #v(0.5em)\n  To repeat it:\n  #block(fill: luma(242), inset: 9pt, radius: 3pt, width: 100%, raw(");
        put_string(out, doc->command);
        buf_str(out, "))\n");
    }
    buf_str(out, "]\n");
}

static int check_images(const char *images, struct err *err)
{
    if (*images && *images != '/' && !str_starts(images, "../") && !strstr(images, "/../") && !str_ends(images, "/.."))
        return 0;
    err_set(err, ERR_USAGE, "'%s': the folder of pictures must lie below that of the presentation", images);
    return err_hint(err, "name it relative to that folder, such as docs/images");
}

int presentation_write(const char *dir, const char *images, const struct results *r, const struct report_doc *doc, struct err *err)
{
    struct buf out = BUF_INIT(FILE_MAX_BYTES);
    char *folder = NULL, *path = NULL;
    int result = -1;
    if (check_images(images, err) < 0 || !(folder = path_join(dir, images, err)) || !(path = path_join(dir, "presentation.typ", err)))
        goto out;
    put_head(&out, doc);
    put_title(&out, r, doc);
    put_findings(&out, doc);
    for (size_t i = 0; i < plot_count(); i++) {
        size_t written;
        if (plot_write(folder, plot_at(i), PLOT_PNG, false, r, &written, err) < 0)
            goto out;
        if (written)
            put_plot(&out, plot_at(i), images);
    }
    put_method(&out, doc);
    result = buf_check(&out, err) < 0 ? -1 : file_mkdirs(dir, err);
    if (result == 0)
        result = file_write(path, out.data, out.len, err);
out:
    free(folder);
    free(path);
    buf_release(&out);
    return result;
}
