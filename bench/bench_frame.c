/* bench_frame - what prony itself costs around an engine: from a token step to its line on the disk.
 *
 *     ninja -C build bench_frame && build/bench_frame [FOLDER [REQUESTS]]
 *
 * 1000 requests of 100 token steps on `fake` with its virtual clock and no delay, through the whole way of a run: child,
 * record, pipe, raw log, fsync. The cost of a request is the wall time between the arrivals of two samples in the log;
 * nothing of an engine is in it. Printed: cost a step (median, p99 and largest over requests), and the resident memory of
 * the two processes after 10 % of the requests and in the end. FOLDER decides which disk syncs. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "experiments/launch.h"
#include "stats/quantile.h"
#include "store/rawlog.h"

enum { STEPS = 100 };

struct bench {
    struct rawlog *log;
    double *us;
    size_t n, total;
    int64_t last;
    long early_kb;
};

static long resident_kb(void)
{
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f || fscanf(f, "%*d %ld", &pages) != 1)
        pages = 0;
    if (f)
        fclose(f);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static int on_ready(void *arg, const json_t *ready, struct err *err)
{
    (void)ready;
    (void)err;
    ((struct bench *)arg)->last = clock_ns();
    return 0;
}

static int on_sample(void *arg, const char *line, size_t len, struct err *err)
{
    struct bench *b = arg;
    TRY(rawlog_line(b->log, line, len, err));
    int64_t now = clock_ns();
    b->us[b->n++] = (double)(now - b->last) / 1000 / STEPS;
    b->last = now;
    if (b->n == b->total / 10)
        b->early_kb = resident_kb();
    return 0;
}

static int measure(const char *folder, size_t requests, struct err *err)
{
    struct bench b = {.total = requests, .us = calloc(requests, sizeof *b.us)};
    struct record_open open = {.run = "00000000-0000-7000-8000-000000000000", .started = "2026-01-01T00:00:00.000Z",
                               .engine = "fake", .model = "bench", .seed = 42};
    json_t *spec = json_pack("{ss si ss ss ss s{} s{si si si si sI sb ss} sI sI}", "cell", "0", "repeat", 0, "experiment",
                             "latency", "engine", "fake", "model", "bench", "options", "params", "prompt_len", 16, "gen_len",
                             STEPS - 1, "batch_size", 1, "warmup_runs", 0, "timed_runs", (json_int_t)requests, "use_cache", 1,
                             "cache_kind", "f16", "seed", (json_int_t)42, "launch", (json_int_t)0);
    struct launch l = {.spec = spec, .on_ready = on_ready, .on_sample = on_sample, .arg = &b};
    if (!b.us || !spec)
        return err_set(err, ERR_MEMORY, "out of memory");
    TRY(rawlog_open(&b.log, folder, &open, err));
    int rc = launch_run(&l, err);
    double median, p99, most;
    if (rc == 0 && quantile_of(&median, b.us, b.n, 0.5, err) == 0 && quantile_of(&p99, b.us, b.n, 0.99, err) == 0 &&
        quantile_of(&most, b.us, b.n, 1, err) == 0)
        printf("%zu requests of %d steps: %.1f us a step (median), %.1f (p99), %.1f (largest)\n"
               "resident: %ld kB after a tenth, %ld kB in the end; child at most %llu kB\n",
               b.n, STEPS, median, p99, most, b.early_kb, resident_kb(), (unsigned long long)l.peak_bytes / 1024);
    struct err ignored = ERR_INIT;
    rawlog_close(b.log, NULL, &ignored);
    json_decref(spec);
    free(b.us);
    return rc;
}

int main(int argc, char **argv)
{
    struct err err = ERR_INIT;
    char prony[4096];
    ssize_t n = readlink("/proc/self/exe", prony, sizeof prony - 16);
    signal(SIGPIPE, SIG_IGN);
    if (n > 0) { /* the program beside this one is the child */
        prony[n] = '\0';
        strcpy(strrchr(prony, '/') + 1, "prony");
        setenv("PRONY_CELL_PROGRAM", prony, 0);
    }
    if (measure(argc > 1 ? argv[1] : "bench-frame", argc > 2 ? strtoul(argv[2], NULL, 10) : 1000, &err) == 0)
        return 0;
    fprintf(stderr, "bench_frame: %s\n", err.text);
    return 1;
}
