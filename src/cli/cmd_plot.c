#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "cli/command.h"
#include "report/plots.h"
#include "report/presentation.h"
#include "report/rows.h"
#include "report/typst.h"

static int list(void)
{
    for (size_t i = 0; i < plot_count(); i++) {
        const struct plot_kind *kind = plot_at(i);
        printf("%-28s %s\n%-28s needs:", kind->name, kind->shows, "");
        for (const char *const *column = kind->columns; *column; column++)
            printf(" %s", *column);
        printf("\n");
    }
    return EXIT_DONE;
}

static int formats_asked(unsigned *out, const struct invocation *in, struct err *err)
{
    *out = 0;
    for (size_t i = 0; i < opt_count(in, "format"); i++) {
        enum plot_format format = plot_format_find(opt_item(in, "format", i));
        if (!format)
            return err_set(err, ERR_USAGE, "--format: '%s' is no form of a picture: png, pdf, svg", opt_item(in, "format", i));
        *out |= format;
    }
    return 0;
}

static int draw_named(size_t *written, struct invocation *in, const char *dir, unsigned formats, const struct results *r,
                      struct err *err)
{
    *written = 0;
    for (size_t i = 0; i < opt_count(in, "kind"); i++) {
        const struct plot_kind *kind = plot_find(opt_item(in, "kind", i), err);
        size_t n;
        if (!kind)
            return -1;
        TRY(plot_write(dir, kind, formats, opt_flag(in, "dark"), r, &n, err));
        if (!n) {
            err_set(err, ERR_INPUT, "'%s': its rows do not hold what the plot '%s' needs", in->args[0], kind->name);
            return err_hint(err, "'prony plot --list' shows the columns of each");
        }
        *written += n;
    }
    return 0;
}

static int present(const struct invocation *in, const char *dir, const struct results *r, struct err *err)
{
    struct report_doc doc;
    char *typ = path_join(dir, "presentation.typ", err), *pdf = path_join(dir, "presentation.pdf", err);
    bool found = false;
    report_doc_init(&doc, (size_t)2 << 30);
    int status = typ && pdf ? rows_document(&doc, r, err) : -1;
    if (status == 0)
        status = presentation_write(dir, opt_string(in, "images"), r, &doc, err);
    if (status == 0)
        status = typst_compile(&found, typ, pdf, err);
    if (status == 0 && !in->quiet)
        fprintf(stderr, "%s\n", found ? pdf : typ);
    if (status == 0 && !found)
        fprintf(stderr, "prony: no PDF was made of it: there is no typst. To get it:\n  %s\n", typst_how_to_get());
    report_doc_release(&doc);
    free(typ);
    free(pdf);
    return status;
}

static int run(struct invocation *in, struct err *err)
{
    struct results results;
    unsigned formats;
    size_t written = 0;
    if (opt_flag(in, "list"))
        return list();
    if (in->n_args != 1) {
        err_set(err, ERR_USAGE, "which run is to be drawn?");
        return err_hint(err, "name the folder that 'prony run' wrote to");
    }
    TRY(formats_asked(&formats, in, err));
    for (size_t i = 0; i < opt_count(in, "kind"); i++) /* before anything is read */
        if (!plot_find(opt_item(in, "kind", i), err))
            return -1;
    if (!file_exists(in->args[0]))
        return err_set(err, ERR_IO, "'%s': no such file or folder", in->args[0]);
    TRY(results_read(&results, in->args[0], opt_string(in, "run"), err));
    const char *dir = in->out ? in->out : file_is_dir(in->args[0]) ? in->args[0] : ".";
    if (opt_flag(in, "presentation")) {
        int presented = present(in, dir, &results, err);
        results_release(&results);
        return presented;
    }
    int status = opt_count(in, "kind") ? draw_named(&written, in, dir, formats, &results, err)
                                       : plots_write(dir, formats, opt_flag(in, "dark"), &results, &written, err);
    results_release(&results);
    if (status == 0 && !written) {
        err_set(err, ERR_INPUT, "'%s': its rows hold what no plot needs", in->args[0]);
        return err_hint(err, "'prony plot --list' shows the columns of each");
    }
    if (status == 0 && !in->quiet)
        fprintf(stderr, "%zu files in '%s'\n", written, dir);
    return status;
}

static const struct option_row options[] = {
    {.name = "kind", .letter = 'k', .kind = OPT_LIST, .argument = "NAME,...",
     .help = "these plots alone, beside each other in the folder; not given, all that the rows allow, in their folders"},
    {.name = "format", .letter = 'f', .kind = OPT_LIST, .argument = "F,...", .help = "png, pdf, svg", .initial = "png"},
    {.name = "dark", .kind = OPT_FLAG, .help = "light on a dark ground"},
    {.name = "run", .kind = OPT_STRING, .argument = "ID", .help = "which run of the folder; all; not given, the one begun last"},
    {.name = "presentation", .kind = OPT_FLAG,
     .help = "a slide deck of all plots: presentation.typ, and presentation.pdf when typst is there"},
    {.name = "images", .kind = OPT_STRING, .argument = "DIR", .help = "folder of the deck's pictures, below that of the deck",
     .initial = "images"},
    {.name = "list", .kind = OPT_FLAG, .help = "what can be drawn, and from which columns"},
    {0},
};

static const struct example examples[] = {
    {"prony plot demo-output", "all that its rows allow, in demo-output/plots/ and results/plots/"},
    {"prony plot demo-output --kind backend_comparison --format pdf,svg --out paper", "one, for a paper"},
    {"prony plot demo-output --presentation --images docs/images", "slides: presentation.pdf, its pictures in docs/images/"},
    {"prony plot --list", "what there is"},
    {0},
};

const struct command command_plot = {
    .name = "plot",
    .summary = "draw what a run measured, as PNG, PDF or SVG",
    .synopsis = "[RUN]",
    .description = "RUN is the folder that a run was written to, its own folder below artifacts/, or the database that "
                   "'prony collate' made. Pictures are made of what is stored alone: the same rows give the same bytes. Each "
                   "says what is shown, how many samples it stands on and which kind of interval is drawn. An engine "
                   "has the same colour in every picture; the colours are told apart by the colour-blind too.\n\n"
                   "A presentation is compiled by the program 'typst' or, without it, by the Python package of that name.",
    .examples = examples,
    .options = options,
    .globals = GLOBAL_OUT,
    .min_args = 0,
    .max_args = 1,
    .run = run,
};
