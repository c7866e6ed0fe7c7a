#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "cli/command.h"
#include "cli/terminal_style.h"
#include "report/plots.h"
#include "report/report_files.h"
#include "report/rows.h"

/* Pictures are no form of the document: they are drawn from the results. */
static unsigned pictures_asked(const struct invocation *in)
{
    unsigned asked = 0;
    for (size_t i = 0; i < opt_count(in, "format"); i++)
        asked |= plot_format_find(opt_item(in, "format", i));
    return asked;
}

static int write_pictures(const struct invocation *in, unsigned formats, const struct results *results, struct err *err)
{
    size_t written;
    TRY(plots_write(in->out, formats, false, results, &written, err));
    if (!written && !in->quiet)
        fprintf(stderr, "prony: these rows hold what no picture needs; 'prony plot --list' shows what each needs\n");
    return 0;
}

static int write_files(struct invocation *in, const struct report_doc *doc, const struct results *results, struct err *err)
{
    bool all = !opt_given(in, "format") && !in->json;
    unsigned pictures = all ? PLOT_PNG | PLOT_PDF | PLOT_SVG : pictures_asked(in);
    for (size_t i = 0; all && i < report_format_count(); i++)
        TRY(report_files_write(in->out, report_format_at(i), doc, results, err));
    for (size_t i = 0; !all && opt_given(in, "format") && i < opt_count(in, "format"); i++)
        if (!plot_format_find(opt_item(in, "format", i)))
            TRY(report_files_write(in->out, report_format_find(opt_item(in, "format", i), NULL), doc, results, err));
    if (in->json)
        TRY(report_files_write(in->out, report_format_find("json", NULL), doc, results, err));
    if (pictures)
        TRY(write_pictures(in, pictures, results, err));
    if (!in->quiet)
        fprintf(stderr, "report in '%s'\n", in->out);
    return EXIT_DONE;
}

static int print_one(struct invocation *in, const struct report_doc *doc, struct err *err)
{
    struct buf out = BUF_INIT((size_t)1 << 30);
    struct report_style style;
    terminal_style(&style);
    if (opt_count(in, "format") > 1) {
        err_set(err, ERR_USAGE, "standard output takes one form, and %zu were asked for", opt_count(in, "format"));
        return err_hint(err, "add --out DIR to have them written as files");
    }
    const struct report_format *format = report_format_find(in->json ? "json" : opt_item(in, "format", 0), err);
    if (!format)
        return -1;
    int status = report_write(&out, format, doc, &style, err);
    if (status == 0 && out.data)
        fwrite(out.data, 1, out.len, stdout);
    buf_release(&out);
    return status;
}

static int run(struct invocation *in, struct err *err)
{
    struct results results;
    struct report_doc doc;
    for (size_t i = 0; i < opt_count(in, "format"); i++) { /* before anything is read */
        const char *format = opt_item(in, "format", i);
        if (plot_format_find(format) && !in->out) {
            err_set(err, ERR_USAGE, "--format %s: a report has several pictures", format);
            return err_hint(err, "add --out DIR");
        }
        if (!plot_format_find(format) && !report_format_find(format, err))
            return -1;
    }
    for (size_t i = 0; i < in->n_args; i++)
        if (!file_exists(in->args[i]))
            return err_set(err, ERR_IO, "'%s': no such file or folder", in->args[i]);
    TRY(results_read_all(&results, in->args, in->n_args, opt_string(in, "run"), err));
    report_doc_init(&doc, (size_t)2 << 30);
    int status = rows_document(&doc, &results, err);
    if (status == 0)
        status = in->out ? write_files(in, &doc, &results, err) : print_one(in, &doc, err);
    report_doc_release(&doc);
    results_release(&results);
    return status;
}

static const struct option_row options[] = {
    {.name = "format", .letter = 'f', .kind = OPT_LIST, .argument = "F,...",
     .help = "terminal, csv, json, md, html, sql, tex, and pictures: png, pdf, svg; with --out and none named, all", .initial = "terminal"},
    {.name = "run", .kind = OPT_STRING, .argument = "ID", .help = "which run of the folder; all; not given, the one begun last"},
    {0},
};

static const struct example examples[] = {
    {"prony report demo-output", "tables in the terminal"},
    {"prony report demo-output --format md > report.md", "Markdown"},
    {"prony report demo-output --format html --out report", "report/report.html, for a browser"},
    {"prony report here/ there/ bench.json --out both", "two runs and what llama-bench wrote, in one report"},
    {"prony report demo-output --out report", "every form and picture, and a CSV for each table"},
    {0},
};

const struct command command_report = {
    .name = "report",
    .summary = "show what a run measured: tables, an HTML page, LaTeX, pictures, CSV, JSON",
    .synopsis = "RUN [RUN...]",
    .description = "RUN is the folder that a run was written to, its own folder below artifacts/, the database "
                   "that 'prony collate' made (prony.db), or what llama.cpp's 'llama-bench -o json' (or jsonl) wrote. Several become "
                   "one report: engines are told apart by their machine then, or by when the run began. The report is made of what is stored alone: the same logs "
                   "give the same bytes, on any machine. Every figure shows how many samples it has and its interval; what was "
                   "not measured shows why.",
    .examples = examples,
    .options = options,
    .globals = GLOBAL_JSON | GLOBAL_OUT,
    .min_args = 1,
    .max_args = ARGS_MAX,
    .run = run,
};
