/* The parser of command lines: each kind of switch, its range, lists, aliases, and what is refused. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "cli/command.h"
#include "cli/options.h"
#include "support/testing.h"

static const struct option_row rows[] = {
    {.name = "engines", .letter = 'e', .kind = OPT_LIST, .argument = "A,B", .help = "engines", .initial = "native,fake", .spaced = true},
    {.name = "repeats", .letter = 'n', .kind = OPT_INT, .argument = "N", .help = "repeats", .initial = "5", .lo = 1, .hi = 100},
    {.name = "tau", .kind = OPT_DOUBLE, .argument = "X", .help = "threshold", .lo = 0, .hi = 1},
    {.name = "format", .kind = OPT_STRING, .argument = "F", .help = "format", .choices = "csv,json"},
    {.name = "any", .kind = OPT_INT, .argument = "N", .help = "any integer"},
    {.name = "fair", .kind = OPT_FLAG, .help = "fair"},
    {0}};
static const struct command measure = {.name = "measure", .summary = "measure", .synopsis = "MODEL [MODEL...]",
    .options = rows, .globals = GLOBAL_MEASURE, .min_args = 1, .max_args = 3};
static const struct command bare = {.name = "bare", .summary = "bare", .synopsis = ""};

static struct arena arena = ARENA_INIT(1 << 20);
static struct invocation in;
static bool help;
static struct err err;

/* Parses a command line given as one text with single spaces. */
static int parse(const struct command *c, const char *line)
{
    static char copy[512];
    static char *argv[64];
    int argc = 0;
    snprintf(copy, sizeof copy, "%s", line);
    for (char *save = NULL, *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
        argv[argc++] = w;
    argv[argc] = NULL;
    arena_release(&arena);
    memset(&in, 0, sizeof in);
    err_clear(&err);
    return options_parse(&in, &help, c, argc, argv, &arena, &err);
}

static void check_usage(const char *line, const char *text, const char *hint)
{
    if (parse(&measure, line) == 0)
        fail_msg("'%s' was accepted", line);
    assert_int_equal(err.code, ERR_USAGE);
    if (!strstr(err.text, text) || !strstr(err.hint, hint))
        fail_msg("'%s': '%s' (hint '%s') lacks '%s' or '%s'", line, err.text, err.hint, text, hint);
}

static void test_defaults(void **state)
{
    (void)state;
    assert_int_equal(parse(&measure, "measure m"), 0);
    assert_int_equal(opt_int(&in, "repeats"), 5);
    assert_false(opt_given(&in, "repeats"));
    assert_int_equal(opt_count(&in, "engines"), 2);
    assert_string_equal(opt_item(&in, "engines", 1), "fake");
    assert_null(opt_item(&in, "engines", 2));
    assert_null(opt_string(&in, "format"));
    assert_false(opt_flag(&in, "fair"));
    assert_int_equal(in.seed, 42);
    assert_int_equal(in.threads, 0);
    assert_int_equal(in.memory_limit, 0);
    assert_string_equal(in.device, "cpu");
    assert_null(in.out);
    assert_int_equal(parse(&bare, "bare"), 0);
    assert_int_equal(in.seed, 42);
    assert_string_equal(in.device, "cpu");
}

static void test_values(void **state)
{
    (void)state;
    assert_int_equal(parse(&measure, "measure -n7 --tau 0.25 --format=json --any -9 --fair a -qv b --seed 7 --threads 2 --memory-limit 512 --out /tmp/x --json"), 0);
    assert_int_equal(opt_int(&in, "repeats"), 7);
    assert_true(opt_given(&in, "repeats"));
    assert_true(opt_double(&in, "tau") == 0.25);
    assert_string_equal(opt_string(&in, "format"), "json");
    assert_int_equal(opt_int(&in, "any"), -9);
    assert_true(opt_flag(&in, "fair"));
    assert_int_equal(in.n_args, 2);
    assert_string_equal(in.args[0], "a");
    assert_string_equal(in.args[1], "b");
    assert_true(in.quiet && in.verbose && in.json && !in.debug);
    assert_int_equal(in.seed, 7);
    assert_true(opt_given(&in, "seed"));
    assert_false(opt_given(&in, "device"));
    assert_int_equal(in.threads, 2);
    assert_int_equal(in.memory_limit, 512);
    assert_string_equal(in.out, "/tmp/x");
    assert_int_equal(parse(&measure, "measure -n 3 -n 4 a -- -b --fair"), 0);
    assert_int_equal(opt_int(&in, "repeats"), 4);
    assert_int_equal(in.n_args, 3);
    assert_string_equal(in.args[1], "-b");
    assert_false(opt_flag(&in, "fair"));
}

static void test_lists(void **state)
{
    (void)state;
    assert_int_equal(parse(&measure, "measure m -e a,b --engines c"), 0);
    assert_int_equal(opt_count(&in, "engines"), 3);
    assert_string_equal(opt_item(&in, "engines", 0), "a");
    assert_string_equal(opt_item(&in, "engines", 2), "c");
    /* Separated by spaces once an argument came before, up to the next switch. */
    assert_int_equal(parse(&measure, "measure m --engines a b,c --fair n"), 0);
    assert_int_equal(opt_count(&in, "engines"), 3);
    assert_int_equal(in.n_args, 2);
    assert_string_equal(in.args[1], "n");
    /* Before the first argument only the word right behind it belongs to it. */
    assert_int_equal(parse(&measure, "measure --engines a m"), 0);
    assert_int_equal(opt_count(&in, "engines"), 1);
    assert_string_equal(in.args[0], "m");
    int64_t number = 0;
    assert_int_equal(parse(&measure, "measure m -e 12,x"), 0);
    assert_ok(opt_item_int(&number, &in, "engines", 0, 1, 20, &err));
    assert_int_equal(number, 12);
    assert_err(opt_item_int(&number, &in, "engines", 1, 1, 20, &err), ERR_USAGE, "--engines");
    check_usage("measure m -e a,,b", "empty item", "");
    check_usage("measure m --engines=", "empty item", "");
}

static void test_aliases(void **state)
{
    (void)state;
    assert_int_equal(parse(&measure, "measure m --framework a b --output-dir /tmp/y --fair-comparison"), 0);
    assert_int_equal(opt_count(&in, "engines"), 2);
    assert_string_equal(in.out, "/tmp/y");
    assert_true(opt_flag(&in, "fair"));
    assert_int_equal(parse(&measure, "measure --size 1B"), 0);
    assert_string_equal(in.args[0], "llama3-1b");
    assert_int_equal(parse(&measure, "measure --model-path /Models/A.gguf"), 0);
    assert_string_equal(in.args[0], "/Models/A.gguf");
    assert_int_equal(parse(&measure, "measure m --gradient-checkpointing --quiet"), 0);
    assert_int_equal(in.n_args, 1);
    check_usage("measure m --host 127.0.0.1", "'--host'", "ENGINE@http");
    check_usage("measure m --no-fair-comparison", "stands for '--no-fair'", "");
}

static void test_refused(void **state)
{
    (void)state;
    check_usage("measure", "argument is missing", "MODEL");
    check_usage("measure a b c d", "'d' is one argument too many", "MODEL");
    check_usage("measure m --repeats", "'--repeats' needs a value", "");
    check_usage("measure m -n", "'-n' needs a value", "");
    check_usage("measure m --fair=yes", "'--fair' takes no value", "");
    check_usage("measure m --repeats 0", "--repeats", "");
    check_usage("measure m --repeats 101", "--repeats", "");
    check_usage("measure m --repeats 5x", "--repeats", "");
    check_usage("measure m --tau 1.5", "--tau", "");
    check_usage("measure m --tau nan", "--tau", "");
    check_usage("measure m --format cvs", "'cvs' is not one of csv,json", "'csv'");
    check_usage("measure m --device cuda", "'cuda' is not one of cpu", "");
    check_usage("measure m --seed -1", "--seed", "");
    check_usage("measure m --reapets 3", "'--reapets'", "'--repeats'");
    check_usage("measure m --repea=3", "'--repea'", "'--repeats'");
    check_usage("measure m -x", "'-x'", "--help");
    assert_int_equal(parse(&bare, "bare --seed 3"), -1);
    assert_int_equal(err.code, ERR_USAGE);
}

static void test_help_stops(void **state)
{
    (void)state;
    assert_int_equal(parse(&measure, "measure --help --nonsense"), 0);
    assert_true(help);
    assert_int_equal(parse(&measure, "measure m"), 0);
    assert_false(help);
}

/* Every row that help, man pages and completion are made of is whole. */
static void check_row(const struct command *c)
{
    bool letters[256] = {false};
    assert_true(c->summary && *c->summary);
    assert_non_null(c->synopsis);
    assert_true(c->actions || (c->run && c->examples && c->examples[0].line && c->examples[0].what));
    for (size_t i = 0; i < option_count(c); i++) {
        const struct option_row *row = option_at(c, i);
        if (!row->help || (row->kind != OPT_FLAG) != (row->argument != NULL))
            fail_msg("%s --%s: help, or the name of its value, is missing", c->name, row->name);
        if (row->letter && letters[(unsigned char)row->letter])
            fail_msg("%s: two switches are -%c", c->name, row->letter);
        letters[(unsigned char)row->letter] = true;
        for (size_t j = 0; j < i; j++)
            if (strcmp(option_at(c, j)->name, row->name) == 0)
                fail_msg("%s: two switches are --%s", c->name, row->name);
    }
    if (c->actions || c->min_args > 0)
        return;
    char *argv[] = {(char *)c->name, NULL}; /* its defaults are values that it takes */
    assert_ok(options_parse(&in, &help, c, 1, argv, &arena, &err));
}

static void test_tables(void **state)
{
    (void)state;
    assert_true(command_count() > 0);
    for (size_t i = 0; i < command_count(); i++) {
        const struct command *c = command_at(i);
        check_row(c);
        for (size_t j = 0; c->actions && c->actions[j]; j++)
            check_row(c->actions[j]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults), cmocka_unit_test(test_values), cmocka_unit_test(test_lists),
        cmocka_unit_test(test_aliases),  cmocka_unit_test(test_refused), cmocka_unit_test(test_help_stops),
        cmocka_unit_test(test_tables),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_release(&arena);
    return failed;
}
