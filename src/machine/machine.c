#include "machine/machine.h"

#include <gnu/libc-version.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/clock.h"
#include "machine/sysfile.h"

#define CPU0 "/sys/devices/system/cpu/cpu0"

/* A group is built whole: jansson's setters return -1 when memory runs out (or are handed NULL), and the sum tells. */
struct group {
    json_t *object;
    int failed;
};

static void put(struct group *g, const char *key, json_t *value)
{
    g->failed |= json_object_set_new(g->object, key, value);
}

static struct group group(json_t *parent, const char *name)
{
    struct group g = {json_object(), 0};
    g.failed = json_object_set_new(parent, name, g.object);
    return g;
}

/* Entries of a folder-like family: PREFIX0SUFFIX, PREFIX1SUFFIX, ... up to the first that is not there. */
static int count_of(const char *root, const char *prefix, const char *suffix)
{
    int n = 0;
    char path[256], text[64];
    for (;; n++) {
        snprintf(path, sizeof path, "%s%d%s", prefix, n, suffix);
        if (!sysfile_text(text, sizeof text, root, path))
            return n;
    }
}

static json_t *flag_fact(const char *root, const char *path, const char *yes)
{
    char text[64];
    return sysfile_text(text, sizeof text, root, path) ? json_boolean(strcmp(text, yes) == 0) : json_null();
}

static int put_cpu(json_t *facts, const char *root)
{
    static const char *const caches[] = {"l1d", "l1i", "l2", "l3"};
    struct group g = group(facts, "cpu");
    char *info = malloc(SYSFILE_MAX), path[256];
    if (!info)
        return -1;
    sysfile_text(info, SYSFILE_MAX, root, "/proc/cpuinfo");
    put(&g, "model", fact_field(info, "model name"));
    put(&g, "vendor", fact_field(info, "vendor_id"));
    put(&g, "family", fact_field_number(info, "cpu family", 1));
    put(&g, "model_number", fact_field_number(info, "model\t", 1));
    put(&g, "stepping", fact_field_number(info, "stepping", 1));
    put(&g, "microcode", fact_field(info, "microcode"));
    put(&g, "flags", fact_field(info, "flags"));
    put(&g, "online", fact_text(root, "/sys/devices/system/cpu/online"));
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    int counted = count_of(root, "/sys/devices/system/cpu/cpu", "/topology/core_id");
    put(&g, "processors", root && *root ? (counted ? json_integer(counted) : json_null()) : json_integer(processors));
    put(&g, "siblings_of_cpu0", fact_text(root, CPU0 "/topology/thread_siblings_list"));
    put(&g, "smt", flag_fact(root, "/sys/devices/system/cpu/smt/active", "1"));
    put(&g, "isolated", fact_text(root, "/sys/devices/system/cpu/isolated"));
    for (int i = 0; i < 4; i++) {
        snprintf(path, sizeof path, CPU0 "/cache/index%d/size", i);
        put(&g, caches[i], fact_text(root, path));
    }
    free(info);
    return g.failed;
}

static int put_frequency(json_t *facts, const char *root)
{
    struct group g = group(facts, "frequency");
    char first[64], other[64], path[256];
    put(&g, "driver", fact_text(root, CPU0 "/cpufreq/scaling_driver"));
    json_t *governor = fact_text(root, CPU0 "/cpufreq/scaling_governor");
    /* one odd processor is enough to disturb: then the governor is "mixed" */
    if (sysfile_text(first, sizeof first, root, CPU0 "/cpufreq/scaling_governor")) {
        for (int cpu = 1;; cpu++) {
            snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/cpufreq/scaling_governor", cpu);
            if (!sysfile_text(other, sizeof other, root, path))
                break;
            if (strcmp(first, other) != 0) {
                json_decref(governor);
                governor = json_string("mixed");
                break;
            }
        }
    }
    put(&g, "governor", governor);
    put(&g, "preference", fact_text(root, CPU0 "/cpufreq/energy_performance_preference"));
    put(&g, "khz_now", fact_int(root, CPU0 "/cpufreq/scaling_cur_freq"));
    put(&g, "khz_most", fact_int(root, CPU0 "/cpufreq/cpuinfo_max_freq"));
    json_t *turbo = flag_fact(root, "/sys/devices/system/cpu/intel_pstate/no_turbo", "0");
    if (json_is_null(turbo))
        turbo = flag_fact(root, "/sys/devices/system/cpu/cpufreq/boost", "1");
    put(&g, "turbo", turbo);
    return g.failed;
}

static int put_throttling(json_t *facts, const char *root)
{
    struct group g = group(facts, "thermal");
    char path[256];
    int64_t v, core = 0, package = 0, hottest = INT64_MIN;
    bool counted = false;
    for (int cpu = 0;; cpu++) {
        snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/thermal_throttle/core_throttle_count", cpu);
        if (!sysfile_int(&v, root, path))
            break;
        counted = true;
        core += v;
        snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/thermal_throttle/package_throttle_count", cpu);
        if (sysfile_int(&v, root, path))
            package += v;
    }
    for (int zone = 0;; zone++) {
        snprintf(path, sizeof path, "/sys/class/thermal/thermal_zone%d/temp", zone);
        if (!sysfile_int(&v, root, path))
            break;
        hottest = v > hottest ? v : hottest;
    }
    put(&g, "core_throttles", counted ? json_integer(core) : json_null());
    put(&g, "package_throttles", counted ? json_integer(package) : json_null());
    put(&g, "hottest_millicelsius", hottest > INT64_MIN ? json_integer(hottest) : json_null());
    return g.failed;
}

/* cgroup v2 says "0::/path"; the limits that hold may stand on a parent, but a container sees its own as the root. */
static int put_cgroup(json_t *facts, const char *root)
{
    struct group g = group(facts, "cgroup");
    char own[1024], path[1200], text[256], *line;
    int version = 0;
    const char *below = "";
    json_t *quota = json_null();
    if (sysfile_text(own, sizeof own, root, "/proc/self/cgroup")) {
        version = strncmp(own, "0::", 3) == 0 ? 2 : 1;
        line = strtok(own, "\n");
        below = version == 2 && line ? line + 3 : "";
    }
    put(&g, "version", version ? json_integer(version) : json_null());
    put(&g, "path", version == 2 ? json_string(below) : json_null());
    snprintf(path, sizeof path, "/sys/fs/cgroup%s/cpu.max", below);
    if (sysfile_text(text, sizeof text, root, path)) {
        double most, period;
        if (sscanf(text, "%lf %lf", &most, &period) == 2 && period > 0)
            quota = json_real(most / period);
    } else {
        int64_t most, period;
        if (sysfile_int(&most, root, "/sys/fs/cgroup/cpu/cpu.cfs_quota_us") &&
            sysfile_int(&period, root, "/sys/fs/cgroup/cpu/cpu.cfs_period_us") && most > 0 && period > 0)
            quota = json_real((double)most / (double)period);
    }
    put(&g, "processors", quota);
    snprintf(path, sizeof path, "/sys/fs/cgroup%s/cpuset.cpus.effective", below);
    put(&g, "cpuset", fact_text(root, path));
    snprintf(path, sizeof path, "/sys/fs/cgroup%s/memory.max", below);
    put(&g, "memory_bytes", fact_int(root, path));
    snprintf(path, sizeof path, "/sys/fs/cgroup%s/cpu.stat", below);
    char stat[4096];
    sysfile_text(stat, sizeof stat, root, path);
    put(&g, "throttled", fact_field_number(stat, "nr_throttled", 1));
    put(&g, "throttled_us", fact_field_number(stat, "throttled_usec", 1));
    return g.failed;
}

static int put_memory(json_t *facts, const char *root)
{
    static const char *const fields[][2] = {
        {"total_mb", "MemTotal"},     {"available_mb", "MemAvailable"}, {"cached_mb", "Cached"},
        {"swap_mb", "SwapTotal"},     {"swap_free_mb", "SwapFree"},
    };
    struct group g = group(facts, "memory");
    char info[8192];
    sysfile_text(info, sizeof info, root, "/proc/meminfo");
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        put(&g, fields[i][0], fact_field_number(info, fields[i][1], 1.0 / 1024));
    put(&g, "huge_pages", fact_text(root, "/sys/kernel/mm/transparent_hugepage/enabled"));
    put(&g, "huge_page_defrag", fact_text(root, "/sys/kernel/mm/transparent_hugepage/defrag"));
    put(&g, "page_bytes", json_integer(sysconf(_SC_PAGESIZE)));
    int nodes = count_of(root, "/sys/devices/system/node/node", "/cpulist");
    put(&g, "numa_nodes", nodes ? json_integer(nodes) : json_null());
    put(&g, "numa_balancing", fact_int(root, "/proc/sys/kernel/numa_balancing"));
    put(&g, "swappiness", fact_int(root, "/proc/sys/vm/swappiness"));
    return g.failed;
}

static json_t *pressure(const char *root, const char *path)
{
    char text[512];
    double some;
    if (!sysfile_text(text, sizeof text, root, path) || sscanf(text, "some avg10=%lf", &some) != 1)
        return json_null();
    return json_real(some / 100);
}

static int put_load(json_t *facts, const char *root)
{
    struct group g = group(facts, "load");
    char text[4096];
    double one, five, fifteen;
    int running, all;
    bool read = sysfile_text(text, sizeof text, root, "/proc/loadavg") &&
                sscanf(text, "%lf %lf %lf %d/%d", &one, &five, &fifteen, &running, &all) == 5;
    put(&g, "one_minute", read ? json_real(one) : json_null());
    put(&g, "five_minutes", read ? json_real(five) : json_null());
    put(&g, "running", read ? json_integer(running) : json_null());
    put(&g, "waits_for_cpu", pressure(root, "/proc/pressure/cpu"));
    put(&g, "waits_for_memory", pressure(root, "/proc/pressure/memory"));
    put(&g, "waits_for_io", pressure(root, "/proc/pressure/io"));
    unsigned long long t[8];
    bool ticks = sysfile_text(text, sizeof text, root, "/proc/stat") &&
                 sscanf(text, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &t[0], &t[1], &t[2], &t[3], &t[4], &t[5], &t[6],
                        &t[7]) == 8;
    unsigned long long total = 0;
    for (int i = 0; ticks && i < 8; i++)
        total += t[i];
    put(&g, "ticks", ticks ? json_integer((json_int_t)total) : json_null());
    put(&g, "idle_ticks", ticks ? json_integer((json_int_t)(t[3] + t[4])) : json_null());
    put(&g, "stolen_ticks", ticks ? json_integer((json_int_t)t[7]) : json_null());
    return g.failed;
}

static int put_kernel(json_t *facts, const char *root)
{
    static const char *const holes[] = {"meltdown", "spectre_v1", "spectre_v2", "spec_store_bypass", "retbleed", "srso"};
    struct group g = group(facts, "kernel");
    struct utsname u;
    bool named = uname(&u) == 0;
    put(&g, "system", named ? json_string(u.sysname) : json_null());
    put(&g, "release", named ? json_string(u.release) : json_null());
    put(&g, "version", named ? json_string(u.version) : json_null());
    put(&g, "architecture", named ? json_string(u.machine) : json_null());
    put(&g, "libc", json_sprintf("glibc %s", gnu_get_libc_version()));
    put(&g, "command_line", fact_text(root, "/proc/cmdline"));
    put(&g, "address_randomisation", fact_int(root, "/proc/sys/kernel/randomize_va_space"));
    struct group m = group(g.object, "mitigations");
    char path[256];
    for (size_t i = 0; i < sizeof holes / sizeof holes[0]; i++) {
        snprintf(path, sizeof path, "/sys/devices/system/cpu/vulnerabilities/%s", holes[i]);
        put(&m, holes[i], fact_text(root, path));
    }
    return g.failed | m.failed;
}

static int put_clock(json_t *facts, const char *root)
{
    struct group g = group(facts, "clock");
    put(&g, "source", fact_text(root, "/sys/devices/system/clocksource/clocksource0/current_clocksource"));
    put(&g, "resolution_ns", json_integer(clock_resolution_ns()));
    put(&g, "overhead_ns", json_integer(clock_overhead_ns()));
    return g.failed;
}

static int put_process(json_t *facts, const char *root)
{
    struct group g = group(facts, "process");
    char status[8192], name[256];
    struct rusage u;
    sysfile_text(status, sizeof status, root, "/proc/self/status");
    put(&g, "allowed_processors", fact_field(status, "Cpus_allowed_list"));
    bool used = getrusage(RUSAGE_SELF, &u) == 0;
    put(&g, "minor_faults", used ? json_integer(u.ru_minflt) : json_null());
    put(&g, "major_faults", used ? json_integer(u.ru_majflt) : json_null());
    put(&g, "voluntary_switches", used ? json_integer(u.ru_nvcsw) : json_null());
    put(&g, "involuntary_switches", used ? json_integer(u.ru_nivcsw) : json_null());
    put(&g, "host", gethostname(name, sizeof name) == 0 ? json_string(name) : json_null());
    const char *user = getenv("USER");
    put(&g, "user", user ? json_string(user) : json_sprintf("uid %u", (unsigned)getuid()));
    return g.failed;
}

json_t *machine_facts(const char *root, struct err *err)
{
    static int (*const groups[])(json_t *facts, const char *root) = {
        put_cpu, put_frequency, put_throttling, put_cgroup, put_memory, put_load, put_kernel, put_clock, put_process,
    };
    json_t *facts = json_object();
    int failed = facts ? 0 : -1;
    for (size_t i = 0; !failed && i < sizeof groups / sizeof groups[0]; i++)
        failed = groups[i](facts, root);
    if (!failed)
        return facts;
    json_decref(facts);
    err_set(err, ERR_MEMORY, "out of memory while reading what this machine is");
    return NULL;
}

/* ---- between two readings ------------------------------------------------------------------------------------------ */

static const json_t *fact(const json_t *facts, const char *group_name, const char *key)
{
    return json_object_get(json_object_get(facts, group_name), key);
}

static json_t *difference(const json_t *before, const json_t *after, const char *group_name, const char *key)
{
    const json_t *a = fact(before, group_name, key), *b = fact(after, group_name, key);
    if (!json_is_number(a) || !json_is_number(b))
        return json_null();
    return json_real(json_number_value(b) - json_number_value(a));
}

static json_t *share_of_ticks(const json_t *before, const json_t *after, const char *key)
{
    json_t *part = difference(before, after, "load", key), *whole = difference(before, after, "load", "ticks");
    json_t *share = json_null();
    if (json_is_number(part) && json_is_number(whole) && json_number_value(whole) > 0)
        share = json_real(json_number_value(part) / json_number_value(whole));
    json_decref(part);
    json_decref(whole);
    return share;
}

json_t *machine_delta(const json_t *before, const json_t *after, struct err *err)
{
    static const struct {
        const char *name, *group_name, *key;
    } counters[] = {
        {"core_throttles", "thermal", "core_throttles"},   {"package_throttles", "thermal", "package_throttles"},
        {"cgroup_throttled", "cgroup", "throttled"},       {"cgroup_throttled_us", "cgroup", "throttled_us"},
        {"major_faults", "process", "major_faults"},       {"involuntary_switches", "process", "involuntary_switches"},
    };
    static const char *const constant[][2] = {
        {"cpu", "model"},      {"cpu", "microcode"},      {"cpu", "online"},   {"frequency", "governor"},
        {"frequency", "turbo"}, {"frequency", "preference"}, {"cgroup", "processors"}, {"memory", "huge_pages"},
        {"memory", "total_mb"}, {"clock", "source"},        {"kernel", "release"}, {"process", "allowed_processors"},
    };
    struct group g = {json_object(), 0};
    if (!g.object)
        goto out;
    put(&g, "stolen_share", share_of_ticks(before, after, "stolen_ticks"));
    json_t *idle = share_of_ticks(before, after, "idle_ticks");
    put(&g, "busy_share", json_is_number(idle) ? json_real(1 - json_number_value(idle)) : json_null());
    json_decref(idle);
    for (size_t i = 0; i < sizeof counters / sizeof counters[0]; i++)
        put(&g, counters[i].name, difference(before, after, counters[i].group_name, counters[i].key));
    json_t *changed = json_array();
    put(&g, "changed", changed);
    for (size_t i = 0; changed && i < sizeof constant / sizeof constant[0]; i++) {
        const json_t *a = fact(before, constant[i][0], constant[i][1]), *b = fact(after, constant[i][0], constant[i][1]);
        if (!json_equal(a, b))
            g.failed |= json_array_append_new(changed, json_sprintf("%s.%s", constant[i][0], constant[i][1]));
    }
    if (!g.failed)
        return g.object;
out:
    json_decref(g.object);
    err_set(err, ERR_MEMORY, "out of memory while comparing what this machine was and is");
    return NULL;
}
