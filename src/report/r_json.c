/* r_json.c - the whole report as one JSON document (report.json): every figure with its samples, every metric with its
 * definition. A figure is {"median","mean","sd","lo","hi","n","interval","samples"}; below two samples sd, lo and hi are
 * null. What was not measured is null, and the row's "why" has an entry of the same name. */
#include "base/build.h"
#include "base/json_out.h"
#include "report/figure_json.h"
#include "report/format.h"

void figure_json(struct json_out *j, const struct figure *f, const double *samples)
{
    char how[FIGURE_HOW_MAX];
    json_out_open(j, '{');
    json_out_key(j, "median");
    json_out_number(j, f->median);
    json_out_key(j, "mean");
    json_out_number(j, f->mean);
    json_out_key(j, "sd");
    json_out_number(j, f->sd);
    json_out_key(j, "lo");
    json_out_number(j, f->lo);
    json_out_key(j, "hi");
    json_out_number(j, f->hi);
    json_out_key(j, "n");
    json_out_int(j, (int64_t)f->n);
    json_out_key(j, "interval");
    json_out_text(j, figure_how(f, how));
    json_out_key(j, "samples");
    json_out_open(j, '[');
    for (size_t i = 0; i < f->n; i++)
        json_out_number(j, samples[i]);
    json_out_close(j);
    json_out_close(j);
}

static void columns(struct json_out *j, const struct report_table *t)
{
    json_out_key(j, "columns");
    json_out_open(j, '{');
    for (size_t c = 0; c < t->n_columns; c++) {
        const struct metric *m = t->columns[c].metric;
        if (!m)
            continue;
        json_out_key(j, t->columns[c].name);
        json_out_open(j, '{');
        json_out_key(j, "title");
        json_out_text(j, m->title);
        json_out_key(j, "unit");
        json_out_text(j, m->unit);
        json_out_key(j, "better");
        json_out_text(j, better_name(m->better));
        json_out_key(j, "definition");
        json_out_text(j, m->definition);
        json_out_close(j);
    }
    json_out_close(j);
}

static void row(struct json_out *j, const struct report_table *t, const struct report_cell *cells)
{
    bool why = false;
    json_out_open(j, '{');
    for (size_t c = 0; c < t->n_columns; c++) {
        json_out_key(j, t->columns[c].name);
        if (cells[c].missing)
            json_out_null(j);
        else if (t->columns[c].kind == COLUMN_TEXT)
            json_out_text(j, cells[c].text);
        else if (t->columns[c].kind == COLUMN_COUNT)
            json_out_int(j, cells[c].count);
        else if (t->columns[c].kind == COLUMN_NUMBER)
            json_out_number(j, cells[c].number);
        else
            figure_json(j, &cells[c].figure, cells[c].samples);
        why |= cells[c].missing && cells[c].why;
    }
    if (why) {
        json_out_key(j, "why");
        json_out_open(j, '{');
        for (size_t c = 0; c < t->n_columns; c++)
            if (cells[c].missing && cells[c].why) {
                json_out_key(j, t->columns[c].name);
                json_out_text(j, cells[c].why);
            }
        json_out_close(j);
    }
    json_out_close(j);
}

/* All at once in `end`: begin and table have nowhere to keep how deep the document is open. */
static void end(struct buf *out, const struct report_doc *doc, const struct report_style *style)
{
    struct json_out j = JSON_OUT_PRETTY(out);
    (void)style;
    json_out_open(&j, '{');
    json_out_key(&j, "title");
    json_out_text(&j, doc->title);
    json_out_key(&j, "prony");
    json_out_text(&j, build_version());
    json_out_key(&j, "command");
    json_out_text(&j, doc->command);
    json_out_key(&j, "findings");
    json_out_open(&j, '[');
    for (size_t i = 0; i < doc->n_findings; i++) {
        static const char *const kinds[] = {"shown", "open", "note"};
        json_out_open(&j, '{');
        json_out_key(&j, "kind");
        json_out_text(&j, kinds[doc->findings[i].kind]);
        json_out_key(&j, "text");
        json_out_text(&j, doc->findings[i].text);
        json_out_close(&j);
    }
    json_out_close(&j);
    json_out_key(&j, "facts");
    json_out_open(&j, '{');
    for (size_t i = 0; i < doc->n_facts; i++) {
        json_out_key(&j, doc->facts[i].label);
        json_out_text(&j, doc->facts[i].text);
    }
    json_out_close(&j);
    json_out_key(&j, "notes");
    json_out_open(&j, '[');
    for (size_t i = 0; i < doc->n_notes; i++)
        json_out_text(&j, doc->notes[i]);
    json_out_close(&j);
    json_out_key(&j, "tables");
    json_out_open(&j, '[');
    for (size_t i = 0; i < doc->n_tables; i++) {
        const struct report_table *t = &doc->tables[i];
        json_out_open(&j, '{');
        json_out_key(&j, "name");
        json_out_text(&j, t->name);
        json_out_key(&j, "title");
        json_out_text(&j, t->title);
        columns(&j, t);
        json_out_key(&j, "rows");
        json_out_open(&j, '[');
        for (size_t r = 0; r < t->n_rows; r++)
            row(&j, t, t->rows[r]);
        json_out_close(&j);
        json_out_close(&j);
    }
    json_out_close(&j);
    json_out_close(&j);
    buf_char(out, '\n');
}

const struct report_format report_json = {
    .name = "json",
    .extension = "json",
    .summary = "everything, every sample too",
    .end = end,
};
