#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "cli/command.h"
#include "cli/terminal_style.h"
#include "report/rows.h"
#include "report/term_text.h"
#include "report/view.h"

/* The metrics that were asked for, or without any those that engines are ranked by. */
static bool wanted(const struct invocation *in, const struct report_column *column)
{
    if (column->kind != COLUMN_FIGURE)
        return false;
    for (size_t i = 0; i < opt_count(in, "metric"); i++)
        if (strcmp(opt_item(in, "metric", i), column->name) == 0)
            return true;
    return opt_count(in, "metric") == 0 && column->metric && metric_ranks(column->metric);
}

static int check_metric(const char *name, const struct report_doc *doc, struct err *err)
{
    const char *names[256];
    size_t n = 0;
    for (size_t i = 0; i < doc->n_tables; i++)
        for (size_t c = 0; c < doc->tables[i].n_columns && n < 256; c++) {
            if (doc->tables[i].columns[c].kind != COLUMN_FIGURE)
                continue;
            if (strcmp(doc->tables[i].columns[c].name, name) == 0)
                return 0;
            names[n++] = doc->tables[i].columns[c].name;
        }
    const char *nearest = str_nearest_of(name, names, n);
    err_set(err, ERR_USAGE, "--metric: '%s' was not measured there", name);
    return nearest ? err_hint(err, "did you mean '%s'?", nearest) : err_hint(err, "'prony report RUN --format csv' names all that was");
}

static int draw(const struct invocation *in, const struct report_doc *doc, unsigned kinds, struct err *err)
{
    struct buf out = BUF_INIT((size_t)1 << 28);
    struct report_style style;
    terminal_style(&style);
    if (opt_flag(in, "ascii"))
        style.unicode = false;
    int result = 0;
    for (size_t i = 0; result == 0 && i < opt_count(in, "metric"); i++)
        result = check_metric(opt_item(in, "metric", i), doc, err);
    for (size_t i = 0; result == 0 && i < doc->n_tables; i++) {
        const struct report_table *t = &doc->tables[i];
        if (!t->contenders || t->n_rows == 0)
            continue;
        term_visible(&out, t->title, style.unicode);
        buf_str(&out, "\n\n");
        for (size_t c = 0; result == 0 && c < t->n_columns; c++)
            if (wanted(in, &t->columns[c]))
                result = view_table(&out, t, c, kinds, &style, err);
    }
    if (result == 0 && out.data)
        fwrite(out.data, 1, out.len, stdout);
    buf_release(&out);
    return result;
}

static int run(struct invocation *in, struct err *err)
{
    struct results results;
    struct report_doc doc;
    unsigned kinds = 0;
    for (size_t i = 0; i < opt_count(in, "kind"); i++)
        kinds |= view_kind_find(opt_item(in, "kind", i));
    for (size_t i = 0; i < in->n_args; i++)
        if (!file_exists(in->args[i]))
            return err_set(err, ERR_IO, "'%s': no such file or folder", in->args[i]);
    TRY(results_read_all(&results, in->args, in->n_args, opt_string(in, "run"), err));
    report_doc_init(&doc, (size_t)2 << 30);
    int status = rows_document(&doc, &results, err);
    if (status == 0)
        status = draw(in, &doc, kinds ? kinds : VIEW_ALL, err);
    report_doc_release(&doc);
    results_release(&results);
    return status;
}

static const struct option_row options[] = {
    {.name = "metric", .letter = 'm', .kind = OPT_LIST, .argument = "NAME,...",
     .help = "these columns of the report; not given, those that engines are ranked by"},
    {.name = "kind", .letter = 'k', .kind = OPT_LIST, .argument = "K,...", .choices = "bars,histogram,spark,heatmap",
     .help = "bars, histogram, spark, heatmap; not given, all that the rows allow"},
    {.name = "ascii", .kind = OPT_FLAG, .help = "draw with ASCII alone"},
    {.name = "run", .kind = OPT_STRING, .argument = "ID", .help = "which run of the folder; all; not given, the one begun last"},
    {0},
};

static const struct example examples[] = {
    {"prony view demo-output", "bars, histograms, samples in order and a heatmap"},
    {"prony view demo-output --metric decode_ms --kind histogram", "how one metric is distributed"},
    {"NO_COLOR=1 prony view demo-output --ascii", "for a log or an old terminal"},
    {0},
};

const struct command command_view = {
    .name = "view",
    .summary = "draw what a run measured, in the terminal",
    .synopsis = "RUN [RUN...]",
    .description = "RUN is what 'prony report' takes. Drawn as wide as the terminal is, from 60 columns on, in the colours that "
                   "engines have in all pictures; without colour where NO_COLOR is set or the output is no terminal. An arrow after a metric's name says which "
                   "way is better: down, less.",
    .examples = examples,
    .options = options,
    .min_args = 1,
    .max_args = ARGS_MAX,
    .run = run,
};
