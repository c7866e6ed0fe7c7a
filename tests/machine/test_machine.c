/* machine_facts on made-up /proc and /sys trees: what is there is read, what is not is null. */
#include "support/testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "machine/machine.h"
#include "machine/procmem.h"

static void place(const char *root, const char *path, const char *text)
{
    struct err err = ERR_INIT;
    char full[512], dir[512];
    snprintf(full, sizeof full, "%s%s", root, path);
    snprintf(dir, sizeof dir, "%.*s", (int)(strrchr(full, '/') - full), full);
    assert_ok(file_mkdirs(dir, &err));
    FILE *f = fopen(full, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static const json_t *fact(const json_t *facts, const char *group, const char *key)
{
    const json_t *g = json_object_get(facts, group);
    assert_non_null(g);
    const json_t *v = json_object_get(g, key);
    if (!v)
        fail_msg("no fact %s.%s", group, key);
    return v;
}

static void assert_text(const json_t *facts, const char *group, const char *key, const char *text)
{
    assert_non_null(json_string_value(fact(facts, group, key)));
    assert_string_equal(json_string_value(fact(facts, group, key)), text);
}

static void assert_number(const json_t *facts, const char *group, const char *key, double wanted)
{
    assert_true(json_is_number(fact(facts, group, key)));
    assert_close(json_number_value(fact(facts, group, key)), wanted, 1e-12, key);
}

static char *new_root(const char *name)
{
    struct err err = ERR_INIT;
    char *root = path_join(test_dir(), name, &err);
    assert_ok(file_mkdirs(root, &err));
    return root;
}

static void build_laptop(const char *root)
{
    place(root, "/proc/cpuinfo",
          "processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 142\nmodel name\t: Core i7-8550U\n"
          "stepping\t: 10\nmicrocode\t: 0xf0\nflags\t\t: fpu avx2 fma\n\nprocessor\t: 1\nmodel name\t: other\n");
    place(root, "/sys/devices/system/cpu/cpu0/topology/core_id", "0\n");
    place(root, "/sys/devices/system/cpu/cpu1/topology/core_id", "0\n");
    place(root, "/sys/devices/system/cpu/cpu0/topology/thread_siblings_list", "0-1\n");
    place(root, "/sys/devices/system/cpu/smt/active", "1\n");
    place(root, "/sys/devices/system/cpu/cpu0/cache/index2/size", "256K\n");
    place(root, "/sys/devices/system/cpu/cpu0/cpufreq/scaling_driver", "intel_pstate\n");
    place(root, "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "performance\n");
    place(root, "/sys/devices/system/cpu/cpu1/cpufreq/scaling_governor", "powersave\n");
    place(root, "/sys/devices/system/cpu/intel_pstate/no_turbo", "0\n");
    place(root, "/sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count", "3\n");
    place(root, "/sys/devices/system/cpu/cpu0/thermal_throttle/package_throttle_count", "5\n");
    place(root, "/sys/devices/system/cpu/cpu1/thermal_throttle/core_throttle_count", "4\n");
    place(root, "/sys/class/thermal/thermal_zone0/temp", "45000\n");
    place(root, "/sys/class/thermal/thermal_zone1/temp", "91000\n");
    place(root, "/proc/self/cgroup", "0::/user.slice/bench\n");
    place(root, "/sys/fs/cgroup/user.slice/bench/cpu.max", "150000 100000\n");
    place(root, "/sys/fs/cgroup/user.slice/bench/memory.max", "max\n");
    place(root, "/sys/fs/cgroup/user.slice/bench/cpu.stat", "usage_usec 10\nnr_throttled 7\nthrottled_usec 900\n");
    place(root, "/proc/meminfo",
          "MemTotal:       16384 kB\nMemFree: 1 kB\nMemAvailable:    2048 kB\nSwapTotal:   204800 kB\nSwapFree:    102400 kB\n");
    place(root, "/proc/loadavg", "1.50 0.75 0.25 2/345 6789\n");
    place(root, "/proc/pressure/cpu", "some avg10=12.50 avg60=0.00 avg300=0.00 total=1\n");
    place(root, "/proc/stat", "cpu  100 0 50 800 40 0 0 10 0 0\ncpu0 1 1 1 1\n");
    place(root, "/proc/self/status", "Name:\tx\nCpus_allowed_list:\t0-1\n");
    place(root, "/sys/kernel/mm/transparent_hugepage/enabled", "always madvise [never]\n");
    place(root, "/sys/devices/system/clocksource/clocksource0/current_clocksource", "hpet\n");
}

static void facts_are_read_where_they_are(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    char *root = new_root("laptop");
    build_laptop(root);
    json_t *f = machine_facts(root, &err);
    assert_non_null(f);
    assert_text(f, "cpu", "model", "Core i7-8550U");
    assert_number(f, "cpu", "model_number", 142); /* not the first word of "model name" */
    assert_text(f, "cpu", "flags", "fpu avx2 fma");
    assert_number(f, "cpu", "processors", 2);
    assert_text(f, "cpu", "l2", "256K");
    assert_true(json_is_true(fact(f, "cpu", "smt")));
    assert_text(f, "frequency", "governor", "mixed");
    assert_true(json_is_true(fact(f, "frequency", "turbo"))); /* no_turbo is 0 */
    assert_number(f, "thermal", "core_throttles", 7);
    assert_number(f, "thermal", "package_throttles", 5);
    assert_number(f, "thermal", "hottest_millicelsius", 91000);
    assert_number(f, "cgroup", "version", 2);
    assert_number(f, "cgroup", "processors", 1.5);
    assert_true(json_is_null(fact(f, "cgroup", "memory_bytes"))); /* "max" is no number */
    assert_number(f, "cgroup", "throttled", 7);
    assert_number(f, "memory", "total_mb", 16);
    assert_number(f, "memory", "swap_free_mb", 100);
    assert_number(f, "load", "one_minute", 1.5);
    assert_number(f, "load", "waits_for_cpu", 0.125);
    assert_number(f, "load", "stolen_ticks", 10);
    assert_number(f, "load", "ticks", 1000);
    assert_text(f, "process", "allowed_processors", "0-1");
    json_decref(f);
    free(root);
}

static void what_is_hidden_is_null(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    char *root = new_root("bare");
    json_t *f = machine_facts(root, &err);
    assert_non_null(f);
    static const char *const hidden[][2] = {
        {"cpu", "model"},           {"cpu", "model_number"}, {"cpu", "processors"},    {"frequency", "governor"},
        {"frequency", "turbo"},     {"cgroup", "version"},   {"cgroup", "processors"}, {"memory", "total_mb"},
        {"thermal", "core_throttles"}, {"memory", "numa_nodes"}, {"load", "one_minute"}, {"load", "stolen_ticks"},
        {"clock", "source"},
    };
    for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++)
        if (!json_is_null(fact(f, hidden[i][0], hidden[i][1])))
            fail_msg("%s.%s is not null", hidden[i][0], hidden[i][1]);
    json_t *d = machine_disturbances(f, &err);
    assert_int_equal(json_array_size(d), 0); /* what is unknown is not accused */
    json_decref(d);
    json_decref(f);
    free(root);
}

static void old_cgroups_have_quotas_too(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    char *root = new_root("old");
    place(root, "/proc/self/cgroup", "4:cpu,cpuacct:/docker/1\n1:name=systemd:/\n");
    place(root, "/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "50000\n");
    place(root, "/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
    json_t *f = machine_facts(root, &err);
    assert_number(f, "cgroup", "version", 1);
    assert_number(f, "cgroup", "processors", 0.5);
    json_decref(f);
    place(root, "/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n"); /* no limit */
    f = machine_facts(root, &err);
    assert_true(json_is_null(fact(f, "cgroup", "processors")));
    json_decref(f);
    free(root);
}

static void disturbances_are_named_with_their_cure(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    char *root = new_root("noisy");
    build_laptop(root);
    json_t *f = machine_facts(root, &err), *d = machine_disturbances(f, &err);
    static const struct {
        const char *what, *found;
    } wanted[] = {
        {"other work is running", "load 1.50 on 2 processors"},
        {"a container limits processor time", "1.50 of 2 processors"},
        {"processors may run slowly", "governor 'mixed'"},
        {"turbo is on", "on"},
        {"the machine is hot", "91 degrees Celsius"},
        {"little memory is free", "2 of 16 MB"},
        {"memory is swapped out", "100 MB swapped out"},
        {"work waits for a processor", "12.5 % of the last ten seconds"},
        {"hyper-threads share cores", "on"},
        {"huge pages are off", "always madvise [never]"},
        {"the clock is slow", "'hpet'"},
    };
    assert_int_equal(json_array_size(d), sizeof wanted / sizeof wanted[0]);
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        const json_t *row = json_array_get(d, i);
        assert_string_equal(json_string_value(json_object_get(row, "what")), wanted[i].what);
        assert_string_equal(json_string_value(json_object_get(row, "found")), wanted[i].found);
        assert_true(json_string_length(json_object_get(row, "why")) > 10);
        assert_true(json_string_length(json_object_get(row, "mend")) > 5);
    }
    json_decref(d);
    json_decref(f);
    free(root);
}

static void the_time_between_is_accounted_for(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    char *root = new_root("delta");
    build_laptop(root);
    json_t *before = machine_facts(root, &err);
    place(root, "/proc/stat", "cpu  150 0 70 900 60 0 0 20 0 0\n"); /* 200 ticks more: 120 idle, 10 stolen */
    place(root, "/sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count", "8\n");
    place(root, "/sys/devices/system/cpu/cpu1/cpufreq/scaling_governor", "performance\n");
    json_t *after = machine_facts(root, &err), *d = machine_delta(before, after, &err);
    assert_close(json_number_value(json_object_get(d, "stolen_share")), 0.05, 1e-12, "stolen");
    assert_close(json_number_value(json_object_get(d, "busy_share")), 0.4, 1e-12, "busy");
    assert_close(json_number_value(json_object_get(d, "core_throttles")), 5, 0, "throttles");
    const json_t *changed = json_object_get(d, "changed");
    assert_int_equal(json_array_size(changed), 1);
    assert_string_equal(json_string_value(json_array_get(changed, 0)), "frequency.governor");
    json_decref(d);
    json_decref(before);
    json_decref(after);
    free(root);
}

static void this_machine_is_known(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    json_t *f = machine_facts(NULL, &err);
    assert_non_null(f);
    assert_true(json_number_value(fact(f, "cpu", "processors")) >= 1);
    assert_true(json_number_value(fact(f, "memory", "total_mb")) > 10);
    assert_text(f, "kernel", "system", "Linux");
    json_decref(f);
}

static void memory_of_a_tree_is_summed(void **state)
{
    (void)state;
    struct procmem alone, tree, gone;
    int ready[2], stop[2];
    enum { BYTES = 32 << 20 };
    procmem_read(&alone, getpid());
    assert_int_equal(alone.processes, 1);
    assert_true(alone.rss > 0 && alone.peak >= alone.rss);
    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(stop), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        char c = 0;
        volatile char *p = malloc(BYTES);
        for (size_t i = 0; p && i < BYTES; i += 4096)
            p[i] = 1;
        close(stop[1]);
        if (write(ready[1], &c, 1) != 1 || read(stop[0], &c, 1) < 0)
            _exit(1);
        _exit(0);
    }
    char c;
    assert_int_equal(read(ready[0], &c, 1), 1);
    procmem_read(&tree, getpid());
    assert_int_equal(tree.processes, 2);
    assert_true(tree.anonymous >= alone.anonymous + BYTES);
    assert_true(procmem_pss(child) > BYTES / 2);
    close(stop[0]);
    close(stop[1]);
    assert_int_equal(waitpid(child, NULL, 0), child);
    procmem_read(&gone, child);
    assert_int_equal(gone.processes, 0);
    assert_int_equal(gone.rss, 0);
    close(ready[0]);
    close(ready[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(facts_are_read_where_they_are),
        cmocka_unit_test(what_is_hidden_is_null),
        cmocka_unit_test(old_cgroups_have_quotas_too),
        cmocka_unit_test(disturbances_are_named_with_their_cure),
        cmocka_unit_test(the_time_between_is_accounted_for),
        cmocka_unit_test(this_machine_is_known),
        cmocka_unit_test(memory_of_a_tree_is_summed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
