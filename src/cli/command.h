/* command.h - what a command of prony is.
 *
 * A command is one row: `const struct command command_NAME` in cmd_NAME.c, and the line COMMAND(NAME) in list.h. From
 * the row come parsing, --help, the man page, shell completion and "did you mean"; nothing is written twice.
 *
 *     static int run(struct invocation *in, struct err *err)
 *     {
 *         for (size_t i = 0; i < opt_count(in, "engines"); i++)
 *             printf("%s %" PRId64 "\n", opt_item(in, "engines", i), opt_int(in, "repeats"));
 *         return EXIT_DONE;
 *     }
 *     static const struct option_row options[] = {
 *         {.name = "engines", .letter = 'e', .kind = OPT_LIST, .argument = "A,B", .help = "engines to measure",
 *          .initial = "native", .spaced = true},
 *         {.name = "repeats", .kind = OPT_INT, .argument = "N", .help = "timed repeats", .initial = "5", .lo = 1, .hi = 1e6},
 *         {0}};
 *     static const struct example examples[] = {{"prony try model.gguf --engines native,fake", "two engines"}, {0}};
 *     const struct command command_try = {.name = "try", .summary = "measure a model", .synopsis = "MODEL",
 *         .description = "...", .options = options, .examples = examples, .globals = GLOBAL_JSON | GLOBAL_SEED,
 *         .min_args = 1, .max_args = 1, .run = run};
 *
 * A command with actions (`prony model info`) has no run of its own: `actions` points to the rows of its actions, each
 * in a file of its own (`const struct command model_info` in model_info.c, a line MODEL_ACTION(info) in
 * model_actions.h). A command whose list of actions is empty does not exist.
 *
 * What a run function may do: print data to standard output, progress and logs to standard error. It never exits,
 * and never prints its own errors: it returns -1 with err set and main prints it. It need not check its writes: main
 * does at the end. SIGPIPE is ignored; a command that works long for each line it prints looks at ferror(stdout).
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "base/log.h"

enum exit_status {
    EXIT_DONE = 0,
    EXIT_FAILED = 1,  /* an error, or something asked for could not be had */
    EXIT_USAGE = 2,   /* ERR_USAGE */
    EXIT_CROSSED = 3, /* a limit of --fail-if was crossed */
};

enum option_kind {
    OPT_FLAG,   /* no value */
    OPT_INT,    /* an integer in [lo, hi] */
    OPT_DOUBLE, /* a number in [lo, hi] */
    OPT_STRING,
    OPT_LIST,   /* texts separated by commas, or the switch again */
};

struct option_row {
    const char *name;       /* long name without dashes; the row without one ends the table */
    char letter;            /* short form, or 0 */
    enum option_kind kind;
    const char *argument;   /* what help calls its value ("N", "FILE"); NULL for flags */
    const char *help;       /* one line, lower case */
    const char *initial;    /* the default, as it would be typed; NULL: none (see opt_given) */
    double lo, hi;          /* range of numbers; both 0: any */
    const char *choices;    /* "a,b,c": the only values allowed (of each item, for a list); NULL: any */
    bool files;             /* the value is a path: completion offers files */
    bool spaced;            /* a list that also takes names separated by spaces, once an argument came before it */
};

struct example {
    const char *line; /* "prony run configs/demo.yaml"; the row without one ends the table */
    const char *what; /* what it does, one line */
};

/* The global switches that have a meaning in a command. --help, --quiet, --verbose and --debug are everywhere. */
enum global_switch {
    GLOBAL_JSON = 1,    /* --json */
    GLOBAL_OUT = 2,     /* --out DIR */
    GLOBAL_SEED = 4,    /* --seed N */
    GLOBAL_THREADS = 8, /* --threads N */
    GLOBAL_DEVICE = 16, /* --device D */
    GLOBAL_MEMORY = 32, /* --memory-limit MB */
    GLOBAL_MODELS = 64, /* --download, --model-type: set by `models` of the command's row */
    GLOBAL_MEASURE = 63 /* all of them: what measures */
};

struct opt_value;

struct invocation {
    const struct command *command; /* the action, for a command with actions */
    const char *line;              /* the command line as typed, quoted so that a shell reads it back */
    size_t n_args;                 /* arguments that are not switches, within [min_args, max_args] */
    const char *const *args;

    /* The global switches; those that the command does not take have their defaults. */
    bool json, quiet, verbose, debug;
    const char *out;      /* NULL: not given */
    uint64_t seed;        /* 42 */
    int threads;          /* 0: not given, as many as there are processors */
    const char *device;   /* "cpu" */
    int64_t memory_limit; /* MB; 0: none */
    bool download;          /* a model that is not here is fetched without asking */
    const char *model_type; /* NULL: not given */

    const struct opt_value *values; /* private to options.c */
};

struct command {
    const char *name;
    const char *summary;       /* one line, lower case, no full stop */
    const char *synopsis;      /* the arguments: "MODEL [MODEL...]"; "" for none */
    const char *description;   /* paragraphs separated by an empty line; NULL: none */
    const struct example *examples;          /* at least one; NULL only for a command with actions */
    const struct option_row *options;        /* NULL: none of its own */
    const struct command *const *actions;    /* ended by NULL; NULL: it has a run */
    unsigned globals;                        /* of enum global_switch */
    size_t min_args, max_args;
    size_t models; /* so many leading arguments are models: --download and --model-type go with them */
    bool hidden;                             /* works, but is not shown */
    /* Returns an exit status, or -1 with err set. */
    int (*run)(struct invocation *in, struct err *err);
};

#define ARGS_MAX 65536 /* for max_args: as many as wanted */

/* The value of an option of the command's table. Asking for one that is not in the table, or as another kind, is a
 * bug and aborts. Strings are borrowed from the invocation. */
bool opt_given(const struct invocation *in, const char *name); /* typed, not only a default; global switches too */
bool opt_flag(const struct invocation *in, const char *name);
int64_t opt_int(const struct invocation *in, const char *name);
double opt_double(const struct invocation *in, const char *name);
const char *opt_string(const struct invocation *in, const char *name); /* NULL: neither given nor a default */
size_t opt_count(const struct invocation *in, const char *name);       /* items of a list */
const char *opt_item(const struct invocation *in, const char *name, size_t i);
/* What --quiet, --verbose and --debug let through: errors, else warnings too, else what happens, else everything. */
enum log_level command_log_level(const struct invocation *in);
/* An item of a list as a number: -1 and ERR_USAGE naming the switch if it is not one in [lo, hi]. */
int opt_item_int(int64_t *out, const struct invocation *in, const char *name, size_t i, int64_t lo, int64_t hi,
                 struct err *err);

/* All commands that exist (those with an empty list of actions left out), sorted as in list.h. */
size_t command_count(void);
const struct command *command_at(size_t i);
/* By name, among a command's actions when `parent` is given. NULL if there is none; then err says so with the nearest. */
const struct command *command_find(const struct command *parent, const char *name, struct err *err);

#endif
