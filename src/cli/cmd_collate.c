#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json_out.h"
#include "cli/command.h"
#include "store/collate.h"

static void tell(void *arg, const char *log, uint64_t at, const char *why)
{
    const struct invocation *in = arg;
    if (!in->quiet)
        fprintf(stderr, "prony: '%s' at byte %" PRIu64 " skipped: %s\n", log, at, why);
}

static int print_json(const struct collate_report *r, struct err *err)
{
    const struct { const char *key; size_t n; } rows[] = {
        {"logs", r->n_logs},   {"logs_new", r->n_logs_new}, {"records", r->n_records}, {"requests", r->n_requests},
        {"steps", r->n_steps}, {"damaged", r->n_damaged},   {"torn", r->n_torn},       {"csvs", r->n_csvs},
    };
    struct buf text = BUF_INIT(1 << 16);
    struct json_out j = JSON_OUT_PRETTY(&text);
    json_out_open(&j, '{');
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_out_key(&j, rows[i].key);
        json_out_int(&j, (int64_t)rows[i].n);
    }
    json_out_close(&j);
    int rc = buf_check(&text, err);
    if (rc == 0)
        printf("%s\n", text.data);
    buf_release(&text);
    return rc;
}

static int run(struct invocation *in, struct err *err)
{
    struct collate_report r;
    struct collate_options o = {.dir = in->n_args > 0 ? in->args[0] : in->out ? in->out : ".",
                                .db = opt_string(in, "db"), .notice = tell, .arg = in};
    TRY(collate(&r, &o, err));
    if (in->json)
        return print_json(&r, err) < 0 ? -1 : EXIT_DONE;
    if (!in->quiet)
        printf("%zu of %zu logs had something new: %zu requests, %zu token steps; %zu CSVs written\n", r.n_logs_new, r.n_logs,
               r.n_requests, r.n_steps, r.n_csvs);
    return EXIT_DONE;
}

static const struct option_row options[] = {
    {.name = "db", .kind = OPT_STRING, .argument = "FILE", .help = "the database (results/prony.db below DIR unless given)", .files = true},
    {0},
};

static const struct example examples[] = {
    {"prony collate", "take up what is new below ./raw"},
    {"prony collate demo-output --json", "the same elsewhere, with counts for a script"},
    {0},
};

const struct command command_collate = {
    .name = "collate",
    .summary = "turn raw logs into CSVs and one SQLite database",
    .synopsis = "[DIR]",
    .description = "DIR is the folder that holds raw/. Writes results/prony.db and results/ENGINE.csv, one row a generated token. Only "
                   "what is new is read; with nothing new no byte changes. Damaged and torn lines are reported and skipped.",
    .examples = examples,
    .options = options,
    .globals = GLOBAL_JSON | GLOBAL_OUT,
    .max_args = 1,
    .run = run,
};
