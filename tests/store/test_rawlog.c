/* rawlog and record: what is logged is read back, whatever happens to the writer, the disk or the file. */
#include "support/testing.h"

#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/rng.h"
#include "store/rawlog.h"

static const char key[] = "0123456789abcdef0123456789abcdef";

static struct record_open opening(const char *run)
{
    return (struct record_open){.run = run, .started = "2026-01-01T00:00:00.000Z", .engine = "fake", .variant = "",
                                .model = "a/b c_d", .size = "15M", .quantize = "q4_0", .device = "cpu", .seed = 42,
                                .host = "h", .user = "u", .platform = "Linux", .release = "6.1", .command = "prony run m"};
}

static const struct sample_step steps[3] = {
    {.id = 5, .enqueue_ns = 10, .total_ns = 1000, .logprob = -0.1, .text = "x", .text_len = 1},
    {.id = 6, .enqueue_ns = RECORD_UNKNOWN, .total_ns = 900, .logprob = NAN, .text = "\xe2\x82", .text_len = 2},
    {.id = 7, .enqueue_ns = 30, .total_ns = 800, .logprob = -3, .text = "\xac!", .text_len = 2},
};
static const struct sample_reply reply = {.prompt_len = 12, .finish = "length", .n_steps = 3, .steps = steps};

static struct sample_request request(int64_t index)
{
    return (struct sample_request){.cell = key, .launch = 1, .index = index, .phase = "timed", .clock = "monotonic",
                                   .submitted_ns = 1000 + index, .prefill_ns = 1000, .decode_ns = 1700, .total_ns = 2700,
                                   .server_prefill_ms = NAN, .server_decode_ms = 0.1, .cached_tokens = RECORD_UNKNOWN,
                                   .step_bytes = 1 << 20, .position_bytes = 64, .step_parameters = RECORD_UNKNOWN,
                                   .n_replies = 1, .replies = &reply};
}

/* What a reader saw: the numbers of the requests in order, and what was damaged. */
struct seen {
    int64_t next;      /* the number expected next */
    bool in_order;
    size_t others, damaged, torn;
};

static int on_record(void *arg, enum record_kind kind, const json_t *line, uint64_t offset, struct err *err)
{
    struct seen *s = arg;
    (void)offset;
    if (kind != RECORD_REQUEST) {
        s->others++;
        return 0;
    }
    struct arena arena = ARENA_INIT(1 << 20);
    struct sample_request r;
    int rc = record_request_read(&r, line, &arena, err);
    if (rc == 0 && r.index != s->next)
        s->in_order = false;
    s->next++;
    arena_release(&arena);
    return rc;
}

static void on_damage(void *arg, uint64_t offset, size_t len, bool torn, const char *why)
{
    struct seen *s = arg;
    (void)offset;
    assert_true(len > 0);
    assert_non_null(why);
    s->damaged++;
    s->torn += torn;
}

static struct seen read_all(const char *path, uint64_t *end)
{
    struct err err = ERR_INIT;
    struct seen s = {.in_order = true};
    struct rawlog_events events = {.record = on_record, .damaged = on_damage, .arg = &s};
    assert_ok(rawlog_read(path, 0, end, &events, &err));
    return s;
}

static void records_come_back_as_they_went(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct buf line = BUF_INIT(1 << 20);
    struct arena arena = ARENA_INIT(1 << 20);
    struct sample_request in = request(4), out;
    assert_ok(record_request_write(&line, &in, &err));
    json_t *v = json_parse(line.data, line.len, "line", &err);
    assert_non_null(v);
    assert_ok(record_request_read(&out, v, &arena, &err));
    assert_string_equal(out.cell, key);
    assert_int_equal(out.launch, 1);
    assert_int_equal(out.index, 4);
    assert_int_equal(out.cached_tokens, RECORD_UNKNOWN);
    assert_true(isnan(out.server_prefill_ms) && out.server_decode_ms == 0.1);
    assert_int_equal(out.replies[0].n_steps, 3);
    const struct sample_step *s = out.replies[0].steps;
    assert_int_equal(s[1].enqueue_ns, RECORD_UNKNOWN);
    assert_int_equal(s[2].total_ns, 800);
    assert_true(s[0].logprob == -0.1 && isnan(s[1].logprob));
    assert_int_equal(s[1].text_len, 0); /* the euro sign is not whole yet */
    assert_string_equal(s[2].text, "\xe2\x82\xac!");
    json_decref(v);

    struct record_open open = opening("r"), open_out;
    open.fingerprint = json_pack("{s:n, s:f}", "governor", "load", 0.1);
    buf_clear(&line);
    assert_ok(record_open_write(&line, &open, &err));
    assert_non_null(strstr(line.data, "\"load\":0.1}"));
    v = json_parse(line.data, line.len, "line", &err);
    assert_ok(record_open_read(&open_out, v, &err));
    assert_int_equal(open_out.seed, 42);
    assert_string_equal(open_out.model, "a/b c_d");
    json_object_set_new(v, "format", json_integer(RECORD_FORMAT + 1));
    assert_err(record_open_read(&open_out, v, &err), ERR_UNSUPPORTED, "format 2");
    json_decref(v);
    json_decref((json_t *)open.fingerprint);
    arena_release(&arena);
    buf_release(&line);
}

static void wrong_records_are_refused_and_named(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    static const struct { const char *text, *part; } bad[] = {
        {"{\"t\":\"request\"}", "'cell' is missing"},
        {"{\"t\":\"request\",\"cell\":\"k\",\"launch\":-1}", "'launch' is -1"},
        {"{\"t\":\"request\",\"cell\":\"k\",\"launch\":0,\"index\":0,\"phase\":\"timed\",\"replies\":[7]}", "a reply is an integer"},
        {"{\"t\":\"request\",\"cell\":\"k\",\"launch\":0,\"index\":0,\"phase\":\"timed\",\"replies\":[{\"total_ns\":[1,2],\"id\":[1]}]}",
         "'id' is not an array of 2"},
        {"{\"t\":\"request\",\"cell\":\"k\",\"launch\":0,\"index\":0,\"phase\":\"timed\",\"replies\":[{\"total_ns\":[1,\"x\"]}]}",
         "'total_ns'[1] is a text"},
    };
    struct arena arena = ARENA_INIT(1 << 20);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct sample_request r;
        json_t *v = json_parse(bad[i].text, strlen(bad[i].text), "t", &err);
        assert_non_null(v);
        assert_err(record_request_read(&r, v, &arena, &err), ERR_INPUT, bad[i].part);
        json_decref(v);
    }
    arena_release(&arena);
    enum record_kind kind;
    json_t *v = json_array();
    assert_err(record_kind_of(&kind, v, &err), ERR_INPUT, "an array");
    json_decref(v);
}

static void a_cell_has_one_name_however_it_is_written(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    char a[CELL_KEY_TEXT], b[CELL_KEY_TEXT], c[CELL_KEY_TEXT];
    json_t *p = json_pack("{s:i, s:i}", "prompt_len", 128, "gen_len", 64);
    json_t *q = json_pack("{s:i, s:i}", "gen_len", 64, "prompt_len", 128);
    assert_ok(record_cell_key(a, "latency", "fake", NULL, "m", p, &err));
    assert_ok(record_cell_key(b, "latency", "fake", "", "m", q, &err));
    assert_ok(record_cell_key(c, "latency", "fake", "m", "", q, &err));
    assert_string_equal(a, b);
    assert_string_not_equal(a, c);
    /* printf '["latency","fake","","m"]{"gen_len":64,"prompt_len":128}' | sha256sum | cut -c1-32 */
    assert_string_equal(a, "58dc375e153a7e1cf953cef9f23a84f8");
    json_decref(p);
    json_decref(q);
}

static void names_hold_only_what_a_file_name_can(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct record_open open = opening("0198-ab");
    char *path;
    open.variant = "opt";
    open.quantize = NULL;
    open.host = "../../etc";
    assert_ok(rawlog_path(&path, "D", &open, &err));
    assert_string_equal(path, "D/raw/fake-opt_a-b-c-d/-.-..-etc_15M_unknown_seed42_uuid0198ab.txt");
    free(path);
}

static void a_run_folder_has_one_run(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    char dir[4200], mine[64];
    snprintf(dir, sizeof dir, "%s/locked/deep", test_dir());
    struct run_lock *lock, *other = NULL;
    assert_ok(run_lock_take(&lock, dir, &err));
    snprintf(mine, sizeof mine, "process %ld", (long)getpid());
    assert_err(run_lock_take(&other, dir, &err), ERR_USAGE, mine);
    run_lock_release(lock);
    assert_ok(run_lock_take(&lock, dir, &err));
    run_lock_release(lock);
}

static void a_full_disk_loses_nothing_that_was_logged(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct record_open open = opening("full");
    struct rawlog *log;
    assert_ok(rawlog_open(&log, test_dir(), &open, &err));
    struct rlimit before, small;
    getrlimit(RLIMIT_FSIZE, &before);
    small = before;
    small.rlim_cur = 20000;
    setrlimit(RLIMIT_FSIZE, &small);
    int64_t n = 0;
    err_clear(&err);
    for (;; n++) {
        struct sample_request r = request(n);
        if (rawlog_request(log, &r, &err) < 0)
            break;
        assert_true(n < 1000);
    }
    setrlimit(RLIMIT_FSIZE, &before);
    assert_int_equal(err.code, ERR_IO);
    assert_non_null(strstr(err.text, "File too large"));
    assert_non_null(strstr(err.hint, "--resume"));
    struct sample_request late = request(n);
    assert_err(rawlog_request(log, &late, &err), ERR_IO, "takes no more");
    struct seen s = read_all(rawlog_file(log), NULL);
    assert_true(n > 20 && s.next == n && s.in_order && s.damaged == 0);
    rawlog_close(log, NULL, NULL);

    assert_ok(rawlog_open(&log, test_dir(), &open, &err)); /* room again: goes on */
    assert_ok(rawlog_request(log, &late, &err));
    s = read_all(rawlog_file(log), NULL);
    assert_true(s.next == n + 1 && s.in_order && s.others == 2);
    assert_ok(rawlog_close(log, &(struct record_close){.ended = "2026", .status = "done"}, &err));
}

/* A child logs as fast as it can and says on a pipe what is safe; it is killed at a random instant. */
static void kill_9_loses_at_most_the_request_in_flight(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct rng rng;
    rng_init(&rng, 7);
    struct record_open open = opening("kill");
    char *path;
    assert_ok(rawlog_path(&path, test_dir(), &open, &err));
    int64_t safe = 0;
    for (int round = 0; round < 100; round++) {
        int told[2];
        assert_int_equal(pipe(told), 0);
        int64_t first = file_exists(path) ? read_all(path, NULL).next : 0;
        safe = first;
        pid_t pid = fork();
        if (pid == 0) {
            struct rawlog *log;
            if (rawlog_open(&log, test_dir(), &open, NULL) < 0)
                _exit(1);
            for (int64_t i = first;; i++) {
                struct sample_request r = request(i);
                if (rawlog_request(log, &r, NULL) < 0 || write(told[1], &i, sizeof i) != sizeof i)
                    _exit(1);
            }
        }
        close(told[1]);
        int64_t i;
        for (uint64_t n = rng_below(&rng, 5); n > 0 && read(told[0], &i, sizeof i) == sizeof i; n--)
            safe = i + 1;
        clock_sleep_ns((int64_t)rng_below(&rng, 2000000)); /* then at any instant of the next ones */
        kill(pid, SIGKILL);
        int status;
        waitpid(pid, &status, 0);
        assert_true(WIFSIGNALED(status));
        while (read(told[0], &i, sizeof i) == sizeof i)
            safe = i + 1;
        close(told[0]);
        if (!file_exists(path))
            continue;
        struct seen s = read_all(path, NULL);
        assert_true(s.in_order);
        assert_true(s.next >= safe && s.next <= safe + 1);
    }
    assert_true(safe > 100);
    free(path);
}

static void torn_and_damaged_lines_are_skipped_and_reported(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct record_open open = opening("torn");
    struct rawlog *log;
    assert_ok(rawlog_open(&log, test_dir(), &open, &err));
    for (int64_t i = 0; i < 4; i++) {
        struct sample_request r = request(i);
        assert_ok(rawlog_request(log, &r, &err));
    }
    char *path = strdup(rawlog_file(log));
    rawlog_close(log, NULL, NULL);
    struct buf whole = BUF_INIT(1 << 20);
    assert_ok(file_read(&whole, path, 1 << 20, &err));
    size_t last = whole.len - 1;
    while (whole.data[last - 1] != '\n')
        last--;
    /* cut anywhere in the last line, then opened again */
    for (size_t cut = last; cut < whole.len; cut += 1 + (whole.len - last) / 150) {
        assert_ok(file_write(path, whole.data, cut, &err));
        uint64_t end = 0;
        struct seen s = read_all(path, &end);
        assert_true(s.next == 3 && s.in_order);
        assert_int_equal(s.torn, cut > last);
        assert_int_equal(end, last);
        assert_ok(rawlog_open(&log, test_dir(), &open, &err));
        assert_int_equal(rawlog_torn_bytes(log), cut - last);
        struct sample_request r = request(3);
        assert_ok(rawlog_request(log, &r, &err));
        rawlog_close(log, NULL, NULL);
        s = read_all(path, &end);
        assert_true(s.next == 4 && s.in_order && s.torn == 0);
        assert_int_equal(s.damaged, cut > last && cut < whole.len - 1 ? 1 : 0);
    }
    /* any bytes anywhere: never a crash, and other lines stay */
    struct rng rng;
    rng_init(&rng, 11);
    char *copy = malloc(whole.len);
    assert_non_null(copy);
    for (int i = 0; i < 1000; i++) {
        memcpy(copy, whole.data, whole.len);
        size_t at = rng_below(&rng, whole.len), n = 1 + rng_below(&rng, 20);
        for (size_t k = at; k < at + n && k < whole.len; k++)
            copy[k] = (char)rng_below(&rng, 256);
        FILE *f = fopen(path, "w"); /* not file_write, whose fsync would take the time */
        assert_true(f && fwrite(copy, 1, whole.len, f) == whole.len && fclose(f) == 0);
        struct seen s = {.in_order = true};
        struct rawlog_events events = {.record = on_record, .damaged = on_damage, .arg = &s};
        err_clear(&err);
        if (rawlog_read(path, 0, NULL, &events, &err) == 0)
            assert_true(s.next >= 2 && s.next <= 4);
        else
            assert_int_equal(err.code, ERR_INPUT); /* a record whose value is wrong */
    }
    free(copy);
    free(path);
    buf_release(&whole);
}

static void a_folder_that_cannot_be_written_is_named(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct record_open open = opening("x");
    struct rawlog *log = NULL;
    struct run_lock *lock = NULL;
    assert_err(rawlog_open(&log, "/proc/nothing", &open, &err), ERR_IO, "/proc/nothing");
    assert_err(run_lock_take(&lock, "/dev/null/x", &err), ERR_IO, "/dev/null");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_come_back_as_they_went),
        cmocka_unit_test(wrong_records_are_refused_and_named),
        cmocka_unit_test(a_cell_has_one_name_however_it_is_written),
        cmocka_unit_test(names_hold_only_what_a_file_name_can),
        cmocka_unit_test(a_run_folder_has_one_run),
        cmocka_unit_test(a_full_disk_loses_nothing_that_was_logged),
        cmocka_unit_test(kill_9_loses_at_most_the_request_in_flight),
        cmocka_unit_test(torn_and_damaged_lines_are_skipped_and_reported),
        cmocka_unit_test(a_folder_that_cannot_be_written_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
