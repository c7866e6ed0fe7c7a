/* disturbance.c - what on this machine would disturb a measurement, and how to mend it. A check is one row. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine/machine.h"

struct check {
    const char *group, *key, *what;
    /* Whether the fact disturbs; then `found` says what was seen. A fact that is null is never passed in. */
    bool (*disturbs)(const json_t *facts, const json_t *fact, char *found, size_t size);
    const char *why, *mend;
};

static double number(const json_t *facts, const char *group, const char *key, double otherwise)
{
    const json_t *v = json_object_get(json_object_get(facts, group), key);
    return json_is_number(v) ? json_number_value(v) : otherwise;
}

static bool slow_governor(const json_t *facts, const json_t *fact, char *found, size_t size)
{
    (void)facts;
    const char *governor = json_string_value(fact);
    snprintf(found, size, "governor '%s'", governor ? governor : "?");
    return governor && strcmp(governor, "performance") != 0;
}

static bool loaded(const json_t *facts, const json_t *fact, char *found, size_t size)
{
    double processors = number(facts, "cpu", "processors", 1), load = json_number_value(fact);
    snprintf(found, size, "load %.2f on %.0f processors", load, processors);
    return load > 0.25 * processors;
}

static bool waits(const json_t *facts, const json_t *fact, char *found, size_t size)
{
    (void)facts;
    snprintf(found, size, "%.1f %% of the last ten seconds", 100 * json_number_value(fact));
    return json_number_value(fact) > 0.05;
}

static bool stolen(const json_t *facts, const json_t *fact, char *found, size_t size)
{
    double share = json_number_value(fact) / number(facts, "load", "ticks", 1);
    snprintf(found, size, "%.1f %% of the time since boot", 100 * share);
    return share > 0.01;
}

static bool quota(const json_t *facts, const json_t *fact, char *found, size_t size)
{
    double processors = number(facts, "cpu", "processors", 1);
    snprintf(found, size, "%.2f of %.0f processors", json_number_value(fact), processors);
    return json_number_value(fact) < processors;
}

static bool swapping(const json_t *facts, const json_t *fact, char *found, size_t size)
{
    double used = json_number_value(fact) - number(facts, "memory", "swap_free_mb", json_number_value(fact));
    snprintf(found, size, "%.0f MB swapped out", used);
    return used > 64;
}

static bool little_memory(const json_t *facts, const json_t *fact, char *found, size_t size)
{
    double total = number(facts, "memory", "total_mb", 0);
    snprintf(found, size, "%.0f of %.0f MB", json_number_value(fact), total);
    return json_number_value(fact) < 0.2 * total;
}

static bool no_tsc(const json_t *facts, const json_t *fact, char *found, size_t size)
{
    (void)facts;
    const char *source = json_string_value(fact);
    snprintf(found, size, "'%s'", source ? source : "?");
    return source && strcmp(source, "tsc") != 0 && strcmp(source, "kvm-clock") != 0 && strcmp(source, "arch_sys_counter") != 0;
}

static bool is_true(const json_t *facts, const json_t *fact, char *found, size_t size)
{
    (void)facts;
    snprintf(found, size, "on");
    return json_is_true(fact);
}

static bool balancing(const json_t *facts, const json_t *fact, char *found, size_t size)
{
    snprintf(found, size, "on, %.0f nodes", number(facts, "memory", "numa_nodes", 1));
    return json_number_value(fact) > 0 && number(facts, "memory", "numa_nodes", 1) > 1;
}

static bool huge_pages_off(const json_t *facts, const json_t *fact, char *found, size_t size)
{
    (void)facts;
    snprintf(found, size, "%s", json_string_value(fact) ? json_string_value(fact) : "?");
    return json_string_value(fact) && strstr(json_string_value(fact), "[never]");
}

static bool hot(const json_t *facts, const json_t *fact, char *found, size_t size)
{
    (void)facts;
    snprintf(found, size, "%.0f degrees Celsius", json_number_value(fact) / 1000);
    return json_number_value(fact) > 85000;
}

/* Worst first. */
static const struct check checks[] = {
    {"load", "one_minute", "other work is running", loaded,
     "it takes processor time and memory bandwidth, and shows as noise in every figure", "end it, or wait for it"},
    {"cgroup", "processors", "a container limits processor time", quota,
     "the kernel stops all threads when the quota of a period is used up: throughput saws and tails grow",
     "give the container whole processors (cpuset), or as many threads as its quota: --threads"},
    {"load", "stolen_ticks", "the hypervisor takes time away", stolen,
     "neighbours run on the same processors; a slow sample need not be the engine's fault",
     "use a dedicated machine, or pair and interleave (prony does) and report ratios"},
    {"frequency", "governor", "processors may run slowly", slow_governor,
     "frequency follows load with a delay: short requests are measured at low clocks",
     "cpupower frequency-set -g performance"},
    {"frequency", "turbo", "turbo is on", is_true,
     "clocks depend on temperature and on how many processors work: the first runs are faster than the last",
     "echo 0 > /sys/devices/system/cpu/cpufreq/boost (or 1 > .../intel_pstate/no_turbo)"},
    {"thermal", "hottest_millicelsius", "the machine is hot", hot, "processors slow down to protect themselves",
     "let it cool, or improve its cooling"},
    {"memory", "available_mb", "little memory is free", little_memory,
     "weights are dropped from the page cache and read again from disk", "end other programs, or take a smaller model"},
    {"memory", "swap_mb", "memory is swapped out", swapping, "touching it waits for the disk", "swapoff -a && swapon -a"},
    {"load", "waits_for_cpu", "work waits for a processor", waits, "threads of the engine do too", "end other work"},
    {"load", "waits_for_memory", "work waits for memory", waits, "pages are being reclaimed", "free memory"},
    {"cpu", "smt", "hyper-threads share cores", is_true,
     "two threads on one core run at little more than half speed each", "use as many threads as there are cores: --threads"},
    {"memory", "numa_balancing", "the kernel moves pages between memory nodes", balancing,
     "a moved page is not there for a while", "echo 0 > /proc/sys/kernel/numa_balancing"},
    {"memory", "huge_pages", "huge pages are off", huge_pages_off, "more of the time goes into address translation",
     "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled"},
    {"clock", "source", "the clock is slow", no_tsc, "reading it costs up to a microsecond",
     "boot with clocksource=tsc, if the processor's is reliable"},
};

json_t *machine_disturbances(const json_t *facts, struct err *err)
{
    json_t *rows = json_array();
    int failed = rows ? 0 : -1;
    for (size_t i = 0; !failed && i < sizeof checks / sizeof checks[0]; i++) {
        const struct check *c = &checks[i];
        const json_t *v = json_object_get(json_object_get(facts, c->group), c->key);
        char found[160];
        if (!v || json_is_null(v) || !c->disturbs(facts, v, found, sizeof found))
            continue;
        failed = json_array_append_new(rows, json_pack("{s:s, s:s, s:s, s:s}", "what", c->what, "found", found, "why", c->why,
                                                       "mend", c->mend));
    }
    if (!failed)
        return rows;
    json_decref(rows);
    err_set(err, ERR_MEMORY, "out of memory while looking for disturbances");
    return NULL;
}
