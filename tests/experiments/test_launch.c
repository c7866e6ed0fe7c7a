/* A cell in its child: what it gives, and every way in which it can go wrong. */
#include "support/testing.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "experiments/launch.h"

struct seen {
    size_t samples, ready;
    int wish;
};

static int on_ready(void *arg, const json_t *ready, struct err *err)
{
    (void)err;
    ((struct seen *)arg)->ready++;
    assert_string_equal(json_string_value(json_object_get(ready, "version")), "1");
    return 0;
}

static int on_sample(void *arg, const char *line, size_t len, struct err *err)
{
    (void)err;
    ((struct seen *)arg)->samples++;
    assert_true(len > 2 && line[0] == '{');
    return 0;
}

static int stop(void *arg)
{
    return ((struct seen *)arg)->wish;
}

static json_t *spec(const char *options)
{
    json_error_t where;
    json_t *o = json_loads(options, 0, &where);
    assert_non_null(o);
    return json_pack("{ss si ss ss ss so s{si si si si si sb ss} sI sI}", "cell", "0123", "repeat", 0, "experiment", "latency", "engine", "fake", "model", "m",
                     "options", o, "params", "prompt_len", 8, "gen_len", 4, "batch_size", 2, "warmup_runs", 1, "timed_runs",
                     5, "use_cache", 1, "cache_kind", "f16", "seed", (json_int_t)7, "launch", (json_int_t)0);
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void a_launch_gives_its_samples(void **unused)
{
    (void)unused;
    struct err err = ERR_INIT;
    struct seen seen = {0};
    json_t *s = spec("{\"token_ms\": 3}");
    struct launch l = {.spec = s, .on_ready = on_ready, .on_sample = on_sample, .arg = &seen};
    assert_ok(launch_run(&l, &err));
    assert_int_equal(seen.samples, 5);
    assert_int_equal(seen.ready, 1);
    assert_int_equal(l.n_samples, 5);
    assert_true(l.peak_bytes > 100000 && l.peak_bytes < UINT64_C(64) << 30);
    json_object_set_new(s, "have", json_pack("[iii]", 0, 1, 3)); /* taken up again: only what is missing */
    assert_ok(launch_run(&l, &err));
    assert_int_equal(l.n_samples, 2);
    json_decref(s);
}

static void faults_become_reasons(void **unused)
{
    (void)unused;
    static const struct {
        const char *options, *reason;
        enum err_code code;
        size_t samples;
        uint64_t limit;
    } cases[] = {
        {"{\"fault\": \"open\"}", "it was told to fail at opening", ERR_ENGINE, 0, 0},
        {"{\"tokenms\": 1}", "unknown key 'tokenms'", ERR_USAGE, 0, 0},
        {"{\"fault\": \"die\", \"fault_request\": 3, \"fault_token\": 2}", "killed by signal 9 (Killed) after 2 samples",
         ERR_ENGINE, 2, 0},
        {"{\"fault\": \"counts\", \"fault_request\": 2}", "counts 6 new tokens, 5 came", ERR_ENGINE, 1, 0},
        {"{\"fault\": \"nan\", \"fault_request\": 5}", "step 0: nan is not", ERR_ENGINE, 4, 0},
        {"{\"fault\": \"hang\", \"fault_request\": 1}", "no sign of life for 1.5 s after 0 samples", ERR_TIMEOUT, 0, 0},
        {"{\"fault\": \"stubborn\", \"fault_request\": 2}", "no sign of life for 1.5 s after 1 samples", ERR_TIMEOUT, 1, 0},
        {"{\"fault\": \"allocate\", \"fault_request\": 2, \"fault_mb\": 400}", "the limit is 300 MB", ERR_LIMIT, 1, 300u << 20},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct err err = ERR_INIT;
        struct seen seen = {0};
        json_t *s = spec(cases[i].options);
        struct launch l = {.spec = s, .silence_s = cases[i].code == ERR_TIMEOUT ? 1.5 : 60, .grace_s = 0.3, .memory_limit = cases[i].limit,
                           .on_sample = on_sample, .arg = &seen};
        double start = seconds();
        assert_err(launch_run(&l, &err), cases[i].code, cases[i].reason);
        assert_int_equal(seen.samples, cases[i].samples);
        assert_true(seconds() - start < 20); /* a hang does not hang us; no claim on speed */
        json_decref(s);
    }
}

static void it_stops_when_asked(void **unused)
{
    (void)unused;
    struct err err = ERR_INIT;
    struct seen seen = {.wish = 1};
    json_t *s = spec("{\"token_ms\": 20, \"clock\": \"real\"}");
    struct launch l = {.spec = s, .on_sample = on_sample, .stop = stop, .arg = &seen};
    assert_err(launch_run(&l, &err), ERR_INTERRUPTED, "after the request in flight");
    assert_true(seen.samples < 5);
    seen.wish = 2;
    assert_err(launch_run(&l, &err), ERR_INTERRUPTED, "at once");
    json_decref(s);
}

static int refuse(void *arg, const char *line, size_t len, struct err *err)
{
    (void)arg;
    (void)line;
    (void)len;
    return err_set(err, ERR_IO, "no space left");
}

static void a_full_disk_ends_the_launch(void **unused)
{
    (void)unused;
    struct err err = ERR_INIT;
    json_t *s = spec("{}");
    struct launch l = {.spec = s, .on_sample = refuse};
    assert_err(launch_run(&l, &err), ERR_IO, "no space left");
    json_decref(s);
}

int main(void)
{
    const char *program = getenv("PRONY");
    signal(SIGPIPE, SIG_IGN);
    if (program)
        setenv("PRONY_CELL_PROGRAM", program, 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_launch_gives_its_samples),
        cmocka_unit_test(faults_become_reasons),
        cmocka_unit_test(it_stops_when_asked),
        cmocka_unit_test(a_full_disk_ends_the_launch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
