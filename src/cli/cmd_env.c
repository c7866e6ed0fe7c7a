#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/build.h"
#include "base/defaults.h"
#include "base/json.h"
#include "cli/command.h"
#include "engines/engine.h"
#include "kernels/kernels.h"
#include "machine/machine.h"

static json_t *build_facts(void)
{
    return json_pack("{ss ss ss ss}", "version", build_version(), "commit", build_commit(), "compiler", build_compiler(),
                     "type", build_type());
}

/* Which set of kernels this processor gets, which others this build has, and why they are not it. */
static json_t *kernel_facts(void)
{
    const struct kernel_set *chosen = NULL;
    struct err err = ERR_INIT;
    json_t *sets = json_array(), *operations = json_object();
    if (kernels_choose(&chosen, NULL, &err) < 0)
        chosen = NULL;
    for (size_t i = 0; i < kernels_count(); i++) {
        const struct kernel_set *k = kernels_at(i);
        const char *missing = k->missing();
        bool taken = chosen && strcmp(chosen->name, k->name) == 0;
        const char *why = taken ? NULL : missing ? missing : "a better one is here, or PRONY_KERNELS asks for another";
        json_array_append_new(sets, json_pack("{ss ss sb so}", "name", k->name, "what", k->what, "chosen", taken, "why_not",
                                              why ? json_string(why) : json_null()));
    }
    const char *from, *operation;
    for (size_t i = 0; chosen && (operation = kernels_operation(chosen, i, &from)); i++)
        json_object_set_new(operations, operation, json_string(from));
    return json_pack("{so so so so}", "chosen", chosen ? json_string(chosen->name) : json_null(), "why",
                     chosen ? json_null() : json_string(err.text), "sets", sets, "operations", operations);
}

static json_t *engine_facts_list(void)
{
    json_t *list = json_array();
    for (size_t i = 0; engine_class_at(i); i++) {
        struct engine_name name = {.class = engine_class_at(i)};
        struct engine_probe probe = {.status = ENGINE_MISSING};
        name.class->probe(&name, &probe);
        json_array_append_new(list, json_pack("{ss ss ss ss}", "engine", name.class->name, "status",
                                              engine_status_name(probe.status), "version", probe.version, "why", probe.why));
    }
    return list;
}

static const char *text_of(const json_t *o, const char *key)
{
    const char *text = json_string_value(json_object_get(o, key));
    return text ? text : "unknown";
}

static void print_fact(const char *label, const json_t *group, const char *key, const char *unit)
{
    const json_t *v = json_object_get(group, key);
    if (json_is_string(v))
        printf("%-12s %s\n", label, json_string_value(v));
    else if (json_is_number(v))
        printf("%-12s %.*f%s\n", label, json_is_integer(v) || *unit ? 0 : 2, json_number_value(v), unit);
    else
        printf("%-12s unknown (this system hides it)\n", label);
}

static void print_kernels(const json_t *kernels, bool operations)
{
    const json_t *set, *v;
    const char *key;
    size_t i;
    printf("kernels      %s\n", json_is_null(json_object_get(kernels, "chosen")) ? text_of(kernels, "why") : text_of(kernels, "chosen"));
    json_array_foreach(json_object_get(kernels, "sets"), i, set) {
        bool chosen = json_is_true(json_object_get(set, "chosen"));
        printf("  %-10s %s%s\n", text_of(set, "name"), chosen ? "chosen" : "not: ", chosen ? "" : text_of(set, "why_not"));
        if (operations)
            printf("  %-10s %s\n", "", text_of(set, "what"));
    }
    if (!operations)
        return;
    printf("\n%-24s %s\n", "OPERATION", "FROM");
    json_object_foreach((json_t *)json_object_get(kernels, "operations"), key, v)
        printf("%-24s %s\n", key, json_string_value(v));
}

static void print_disturbances(const json_t *rows)
{
    const json_t *row;
    size_t i;
    if (json_array_size(rows) == 0) {
        printf("\nNothing known here would disturb a measurement.\n");
        return;
    }
    printf("\nWhat would disturb a measurement, worst first:\n");
    json_array_foreach(rows, i, row)
        printf("\n%zu. %s: %s\n   why   %s\n   mend  %s\n", i + 1, text_of(row, "what"), text_of(row, "found"),
               text_of(row, "why"), text_of(row, "mend"));
}

static void print_all(const json_t *all)
{
    const json_t *machine = json_object_get(all, "machine"), *build = json_object_get(all, "build"), *engine;
    size_t i;
    printf("prony        %s, commit %s, %s, %s\n", text_of(build, "version"), text_of(build, "commit"),
           text_of(build, "compiler"), text_of(build, "type"));
    print_fact("processor", json_object_get(machine, "cpu"), "model", "");
    print_fact("processors", json_object_get(machine, "cpu"), "processors", "");
    print_fact("may use", json_object_get(machine, "process"), "allowed_processors", "");
    print_fact("governor", json_object_get(machine, "frequency"), "governor", "");
    print_fact("memory", json_object_get(machine, "memory"), "total_mb", " MB");
    print_fact("available", json_object_get(machine, "memory"), "available_mb", " MB");
    print_fact("load", json_object_get(machine, "load"), "one_minute", "");
    print_fact("kernel", json_object_get(machine, "kernel"), "release", "");
    print_fact("clock", json_object_get(machine, "clock"), "source", "");
    print_kernels(json_object_get(all, "kernels"), false);
    json_array_foreach(json_object_get(all, "engines"), i, engine)
        printf("%-12s %-10s %s %s %s\n", i == 0 ? "engines" : "", text_of(engine, "engine"), text_of(engine, "status"),
               text_of(engine, "version"), text_of(engine, "why"));
    print_disturbances(json_object_get(all, "disturbances"));
}

static int print_json(const json_t *value, struct err *err)
{
    struct buf text = BUF_INIT(1 << 20);
    int rc = json_write_pretty(&text, value, err);
    if (rc == 0)
        rc = buf_check(&text, err);
    if (rc == 0)
        printf("%s\n", text.data);
    buf_release(&text);
    return rc;
}

static int run(struct invocation *in, struct err *err)
{
    if (opt_flag(in, "defaults")) {
        fputs(DEFAULTS_YAML, stdout);
        return EXIT_DONE;
    }
    if (opt_flag(in, "kernels")) {
        json_t *kernels = kernel_facts();
        int rc = 0;
        if (in->json)
            rc = print_json(kernels, err);
        else
            print_kernels(kernels, true);
        json_decref(kernels);
        return rc < 0 ? -1 : EXIT_DONE;
    }
    json_t *machine = machine_facts(NULL, err);
    json_t *disturbances = machine ? machine_disturbances(machine, err) : NULL;
    if (!disturbances) {
        json_decref(machine);
        return -1;
    }
    json_t *all = json_pack("{so so so so so}", "build", build_facts(), "machine", machine, "kernels", kernel_facts(),
                            "engines", engine_facts_list(), "disturbances", disturbances);
    if (!all)
        return err_set(err, ERR_MEMORY, "out of memory");
    int rc = 0;
    if (in->json)
        rc = print_json(all, err);
    else
        print_all(all);
    json_decref(all);
    return rc < 0 ? -1 : EXIT_DONE;
}

static const struct option_row options[] = {
    {.name = "defaults", .kind = OPT_FLAG, .help = "print the file of all defaults"},
    {.name = "kernels", .kind = OPT_FLAG, .help = "print which arithmetic was chosen for this processor, and why not the others"},
    {0},
};

static const struct example examples[] = {
    {"prony env", "machine, build, kernels, engines, and what would disturb a measurement"},
    {"prony env --json", "all facts, as they go into every run's fingerprint"},
    {"prony env --kernels", "the table of kernels"},
    {"prony env --defaults", "every default, as YAML"},
    {0},
};

const struct command command_env = {
    .name = "env",
    .summary = "show machine, build, kernels, engines, and what would disturb a measurement",
    .synopsis = "",
    .description = "Facts are read from /proc and /sys; what this system hides is shown as unknown (null in JSON). Each "
                   "disturbance comes with why it matters and how to mend it.\n\n"
                   "PRONY_KERNELS=scalar, avx2 or avx512 overrides the choice of kernels.",
    .options = options,
    .examples = examples,
    .globals = GLOBAL_JSON,
    .run = run,
};
