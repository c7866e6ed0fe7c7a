#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "cli/bench_plan.h"
#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/run_view.h"
#include "cli/terminal_style.h"
#include "experiments/runner.h"
#include "report/bench_table.h"
#include "report/format.h"

/* ---- forms ------------------------------------------------------------------------------------------------------ */

static void as_table(struct buf *out, const struct report_doc *doc, const char *form, struct err *err)
{
    struct report_style style;
    terminal_style(&style);
    report_write(out, report_format_find(form, NULL), doc, &style, err);
}

static void write_terminal(struct buf *out, const struct report_doc *doc, struct err *err) { as_table(out, doc, "terminal", err); }
static void write_md(struct buf *out, const struct report_doc *doc, struct err *err) { as_table(out, doc, "md", err); }
static void write_csv(struct buf *out, const struct report_doc *doc, struct err *err) { as_table(out, doc, "csv", err); }

static void write_json(struct buf *out, const struct report_doc *doc, struct err *err)
{
    (void)err;
    bench_json(out, &doc->tables[0], false);
}

static void write_lines(struct buf *out, const struct report_doc *doc, struct err *err)
{
    (void)err;
    bench_json(out, &doc->tables[0], true);
}

static void write_sql(struct buf *out, const struct report_doc *doc, struct err *err)
{
    (void)err;
    bench_sql(out, &doc->tables[0]);
}

static const struct form {
    const char *name;
    bool all; /* every column */
    void (*write)(struct buf *out, const struct report_doc *doc, struct err *err);
} forms[] = {{"table", false, write_terminal}, {"md", false, write_md}, {"csv", true, write_csv},
             {"json", true, write_json}, {"jsonl", true, write_lines}, {"sql", true, write_sql}};

static const struct form *form_of(const struct invocation *in)
{
    const char *name = in->json ? "json" : opt_string(in, "format");
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
        if (strcmp(forms[i].name, name) == 0)
            return &forms[i];
    return &forms[0]; /* the parser lets no other name through */
}

static int print_rows(const struct invocation *in, const struct bench_order *order, const struct results *results,
                      struct err *err)
{
    const struct form *form = form_of(in);
    struct report_doc doc;
    struct buf out = BUF_INIT((size_t)1 << 30);
    report_doc_init(&doc, (size_t)2 << 30);
    int rc = report_set_title(&doc, "prony bench", err) < 0 || report_set_command(&doc, in->line, err) < 0 ||
             bench_table(&doc, form->all, order->cells, order->n, results, err) < 0 ? -1 : 0;
    if (rc == 0) {
        form->write(&out, &doc, err);
        rc = buf_check(&out, err);
    }
    if (rc == 0 && out.data)
        fwrite(out.data, 1, out.len, stdout);
    buf_release(&out);
    report_doc_release(&doc);
    return rc;
}

/* ---- running ---------------------------------------------------------------------------------------------------- */

static int on_stop(void *arg)
{
    (void)arg;
    return interrupted ? 1 : 0; /* a second signal ends the program as ever */
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st, (void)type, (void)at;
    return remove(path);
}

/* Where the logs go: the folder asked for, or one that is gone in the end. */
static int folder_of(char path[4096], const struct invocation *in, struct err *err)
{
    const char *tmp = getenv("TMPDIR");
    if (in->out) {
        snprintf(path, 4096, "%s", in->out);
        return 0;
    }
    if (opt_flag(in, "resume"))
        return err_hint((err_set(err, ERR_USAGE, "--resume needs the folder of the run"), err), "add --out DIR");
    snprintf(path, 4096, "%s/prony-bench-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    return mkdtemp(path) ? 0 : err_set(err, ERR_IO, "no folder could be made in '%s'", tmp && *tmp ? tmp : "/tmp");
}

static int measure(const struct invocation *in, const struct manifest *m, const struct plan *plan, const char *folder,
                   struct run_outcome *o, struct err *err)
{
    struct run_view view;
    struct run_request q = {.manifest = m, .plan = plan, .parent = folder, .command = in->line, .seed = in->seed,
                            .device = in->device, .memory_limit = (uint64_t)in->memory_limit << 20,
                            .silence_s = opt_double(in, "time-limit"), .resume = opt_flag(in, "resume"), .stop = on_stop,
                            .event = run_view_event, .arg = &view, .log = &view.log};
    TRY(run_view_begin(&view, in, plan, &interrupted, err));
    interrupt_catch();
    int rc = run_manifest(o, &q, err);
    run_view_end(&view);
    return rc;
}

static int bench(const struct invocation *in, const struct manifest *m, const struct plan *plan, const char *folder,
                 struct err *err)
{
    struct run_outcome o;
    struct results results;
    struct bench_order order;
    TRY(measure(in, m, plan, folder, &o, err));
    TRY(results_read(&results, o.folder, NULL, err));
    int rc = bench_order(&order, in, plan, err);
    if (rc == 0)
        rc = print_rows(in, &order, &results, err);
    bench_order_release(&order);
    results_release(&results);
    if (o.interrupted && rc == 0 && in->out)
        fprintf(stderr, "prony: stopped; everything measured is kept. To go on:\n  %s%s\n", in->line,
                opt_flag(in, "resume") ? "" : " --resume");
    else if (o.interrupted && rc == 0)
        fprintf(stderr, "prony: stopped; what was measured is above. With --out DIR it could be taken up again\n");
    return rc < 0 ? -1 : o.failed || o.interrupted ? EXIT_FAILED : EXIT_DONE;
}

/* A name that prony will know is a row with its reason later; what nobody knows is a mistake now. */
static int check_names(const struct invocation *in, struct err *err)
{
    struct engine_name name;
    for (size_t i = 0; i < in->n_args; i++)
        for (size_t k = 0; k < i; k++)
            if (strcmp(in->args[i], in->args[k]) == 0)
                return err_set(err, ERR_USAGE, "model '%s' is named twice", in->args[i]);
    for (size_t i = 0; i < opt_count(in, "engines"); i++) {
        struct err unknown = ERR_INIT;
        if (engine_name_parse(&name, opt_item(in, "engines", i), &unknown) < 0 && unknown.code == ERR_USAGE) {
            *err = unknown;
            return -1;
        }
    }
    return 0;
}

static int run(struct invocation *in, struct err *err)
{
    struct manifest *m = NULL;
    struct plan plan;
    struct plan_choice choice = {.seed = in->seed};
    char folder[4096];
    int status = -1;
    TRY(check_names(in, err));
    if (bench_manifest(&m, in, err) < 0) {
        if (m && manifest_errors(m))
            fprintf(stderr, "%s\n", manifest_errors(m));
        manifest_close(m);
        return -1;
    }
    if (plan_make(&plan, m, &choice, err) == 0) {
        if (folder_of(folder, in, err) == 0) {
            status = bench(in, m, &plan, folder, err);
            if (!in->out)
                nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
        }
        plan_release(&plan);
    }
    manifest_close(m);
    return status;
}

static const struct option_row options[] = {
    {.name = "engines", .letter = 'e', .kind = OPT_LIST, .argument = "X,Y", .help = "engines, side by side",
     .initial = "native", .spaced = true},
    {.name = "variant", .kind = OPT_STRING, .argument = "V", .help = "of the native engine", .choices = "ref,fast"},
    {.name = "prompt", .letter = 'p', .kind = OPT_LIST, .argument = "N,...", .help = "prompt lengths", .initial = "512"},
    {.name = "gen", .letter = 'n', .kind = OPT_LIST, .argument = "N,...", .help = "tokens to generate; 0: only the prompt",
     .initial = "128"},
    {.name = "pg", .kind = OPT_LIST, .argument = "P+N,...", .help = "these pairs instead of each length with each"},
    {.name = "depth", .letter = 'd', .kind = OPT_LIST, .argument = "N,...",
     .help = "tokens in the KV cache before the clock starts", .initial = "0"},
    {.name = "batch", .letter = 'b', .kind = OPT_LIST, .argument = "N,...", .help = "sequences that advance together",
     .initial = "1"},
    {.name = "threads", .letter = 't', .kind = OPT_LIST, .argument = "N,...",
     .help = "threads; not given: as many as this process may use"},
    {.name = "kv", .kind = OPT_LIST, .argument = "T,...", .help = "types of the KV cache; not given: the engine's own",
     .choices = "f32,f16,bf16,q8_0,q4_0,fp16,q8,q4"},
    {.name = "math", .kind = OPT_LIST, .argument = "T,...",
     .help = "what F16 and F32 weights are multiplied in; bf16 is faster and less exact; not given: f32", .choices = "f32,bf16"},
    {.name = "quantize", .kind = OPT_LIST, .argument = "T,...",
     .help = "types that the weights get when the model is loaded: int8, nf4, float16, bf16, q8_0, q4_k_m, ..."},
    {.name = "row-invariant", .kind = OPT_FLAG, .help = "the same bits for a row whatever is computed beside it"},
    {.name = "iterations", .letter = 'r', .kind = OPT_INT, .argument = "N", .help = "timed requests of a launch",
     .initial = "5", .lo = 1, .hi = 1e6},
    {.name = "warmup", .letter = 'w', .kind = OPT_INT, .argument = "N", .help = "requests before those that count",
     .initial = "1", .lo = 0, .hi = 1e6},
    {.name = "launches", .letter = 'l', .kind = OPT_INT, .argument = "N",
     .help = "processes of each cell; from two on they are what is repeated", .initial = "1", .lo = 1, .hi = 1e5},
    {.name = "format", .letter = 'f', .kind = OPT_STRING, .argument = "F", .help = "form of the rows", .initial = "table",
     .choices = "table,md,csv,json,jsonl,sql"},
    {.name = "resume", .kind = OPT_FLAG, .help = "take up the run in --out DIR that was broken off"},
    {.name = "time-limit", .kind = OPT_DOUBLE, .argument = "S", .initial = "600", .lo = 0, .hi = 1e7,
     .help = "seconds without a sample after which a cell is given up; 0: none"},
    {0}};

static const struct example examples[] = {
    {"prony bench llama.gguf", "prompt 512, generate 128, five times"},
    {"prony bench f16.gguf q8_0.gguf q4_k_m.gguf -p 128,512 -n 64 --format md", "three files side by side, as Markdown"},
    {"prony bench q8_0.gguf -p 16 -n 32 -b 1,2,4,8,16,32", "sequences that advance together"},
    {"prony bench bf16.gguf --quantize int8,nf4,q4_k_m", "the same weights, quantized when the model is loaded"},
    {"prony bench q8_0.gguf -p 1 -n 32 -d 0,4096 --kv f16,q8_0 --json", "decode at a depth, by type of the KV cache"},
    {0}};

const struct command command_bench = {
    .name = "bench",
    .summary = "speed and memory of models on engines, side by side",
    .synopsis = "MODEL [MODEL...]",
    .description = "Each cell is a process of its own, the cells in an order drawn by the seed; rows come in the order asked "
                   "for. The first request of a process is kept apart (cold start). What this machine's memory and processors "
                   "deliver at most is measured before each launch, and the shares are of that: of bandwidth while decoding, of "
                   "arithmetic in the prefill, at the precision that `precision` names.\n\n"
                   "Each length of --prompt goes with each of --gen; a row has the prefill and the decode of one request. "
                   "With --out DIR the raw logs, CSVs and the database are kept as those of `prony run` are.",
    .options = options,
    .examples = examples,
    .globals = GLOBAL_JSON | GLOBAL_OUT | GLOBAL_SEED | GLOBAL_DEVICE | GLOBAL_MEMORY,
    .models = ARGS_MAX,
    .min_args = 1,
    .max_args = ARGS_MAX,
    .run = run,
};
