/* Workers that misbehave, each a few lines of shell: every one ends in a clear error in bounded time, and nothing is left. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "engines/worker.h"
#include "support/testing.h"

#define HELLO "echo '{\"worker\":\"prony\",\"version\":1}'; "

static char log_path[600];

static int start(struct worker **w, const char *script, struct err *err)
{
    snprintf(log_path, sizeof log_path, "%s/worker.log", test_dir());
    const char *argv[] = {"sh", "-c", script, NULL};
    return worker_start(w, &(struct worker_spec){.name = "odd", .argv = argv, .log = log_path, .start_s = 30}, err);
}

static struct worker *started(const char *script)
{
    struct err err = ERR_INIT;
    struct worker *w;
    assert_ok(start(&w, script, &err));
    return w;
}

static void talks(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    json_t *m = json_pack("{ss}", "op", "x"), *answer;
    int64_t stamp, before;
    float row[3];
    struct worker *w = started("echo 'a banner of some library'; echo '{\"no\":\"greeting\"}'; " HELLO
                               "read line; echo '{\"a\":1}'; printf '{\"b\":2}\\n\\001\\002\\003\\004\\005\\006\\007\\010\\011\\012\\013\\014{\"c\":3}\\n'; cat >/dev/null");
    before = clock_ns();
    assert_ok(worker_send(w, m, &err));
    assert_ok(worker_receive(w, &answer, &stamp, 30, &err));
    assert_true(stamp >= before && stamp <= clock_ns());
    assert_int_equal(json_integer_value(json_object_get(answer, "a")), 1);
    json_decref(answer);
    assert_ok(worker_receive(w, &answer, NULL, 30, &err));
    json_decref(answer);
    assert_ok(worker_bytes(w, row, sizeof row, 30, &err));
    assert_memory_equal(row, "\1\2\3\4\5\6\7\10\11\12\13\14", 12);
    assert_ok(worker_receive(w, &answer, NULL, 30, &err));
    assert_int_equal(json_integer_value(json_object_get(answer, "c")), 3);
    json_decref(answer);
    json_decref(m);
    worker_close(w);
    assert_false(file_exists(log_path)); /* nothing went wrong: nothing to read */
}

static void does_not_start(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct worker *w;
    assert_err(start(&w, "exit 0", &err), ERR_ENGINE, "the worker of 'odd' ended");
    assert_err(start(&w, "echo \"No module named 'torch'\" >&2; exit 3", &err), ERR_ENGINE, "ended with exit code 3");
    assert_string_equal(err.hint, "its last words: No module named 'torch'");
    assert_true(file_exists(log_path));
    assert_err(start(&w, "kill -9 $$", &err), ERR_ENGINE, "was killed by signal 9");
    assert_err(start(&w, "echo '{\"worker\":\"prony\",\"version\":99}'; cat", &err), ERR_ENGINE, "speaks version 99 of the protocol, expected 1");
    assert_err(start(&w, "yes", &err), ERR_ENGINE, "does not greet");
    const char *argv[] = {"/no/such/python", NULL};
    assert_err(worker_start(&w, &(struct worker_spec){.name = "odd", .argv = argv, .log = log_path, .start_s = 1}, &err),
               ERR_MISSING, "/no/such/python");
    int64_t began = clock_ns();
    const char *silent[] = {"sleep", "60", NULL};
    assert_err(worker_start(&w, &(struct worker_spec){.name = "odd", .argv = silent, .log = log_path, .start_s = 0.3}, &err),
               ERR_TIMEOUT, "the worker of 'odd'");
    assert_true(clock_ns() - began < (int64_t)20e9); /* far from the minute that it would take */
}

static void fails_when_asked(void **state)
{
    (void)state;
    static const struct {
        const char *script;
        enum err_code code;
        const char *says;
    } all[] = {
        {HELLO "echo 'a stray print'; cat", ERR_ENGINE, "does not speak the protocol: 'a stray print'"},
        {HELLO "echo '[1]'; cat", ERR_ENGINE, "does not speak the protocol"},
        {HELLO "echo '{\"a\":NaN}'; cat", ERR_ENGINE, "does not speak the protocol"},
        {HELLO "exit 7", ERR_ENGINE, "ended with exit code 7"},
        {HELLO "printf '{\"half\":'; kill -11 $$", ERR_ENGINE, "was killed by signal 11"},
        {HELLO "sleep 60", ERR_TIMEOUT, "the worker of 'odd'"},
        {HELLO "yes aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa | tr -d '\\n'", ERR_ENGINE, "a line of more than 64 MB"},
        {HELLO "echo '{\"error\":\"no room\",\"kind\":\"memory\"}'; cat", ERR_MEMORY, "odd: no room"},
        {HELLO "echo '{\"error\":\"cannot\",\"kind\":\"unsupported\"}'; cat", ERR_UNSUPPORTED, "odd: cannot"},
        {HELLO "echo '{\"error\":\"boom\"}'; cat", ERR_ENGINE, "odd: boom"},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct err err = ERR_INIT;
        json_t *answer = NULL;
        struct worker *w = started(all[i].script);
        double limit = all[i].code == ERR_TIMEOUT ? 0.3 : 60;
        assert_err(worker_receive(w, &answer, NULL, limit, &err), all[i].code, all[i].says);
        worker_close(w);
    }
    struct err err = ERR_INIT;
    char bytes[16];
    struct worker *w = started(HELLO "printf 'short'");
    assert_err(worker_bytes(w, bytes, sizeof bytes, 30, &err), ERR_ENGINE, "the worker of 'odd' ended");
    worker_close(w);
}

static void leaves_nothing(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    json_t *answer;
    struct worker *w = started(HELLO "trap '' TERM; sleep 1000 & echo \"{\\\"pid\\\":$!}\"; wait");
    assert_ok(worker_receive(w, &answer, NULL, 30, &err));
    pid_t grandchild = (pid_t)json_integer_value(json_object_get(answer, "pid"));
    json_decref(answer);
    assert_int_equal(kill(grandchild, 0), 0);
    assert_err(worker_receive(w, &answer, NULL, 0.1, &err), ERR_TIMEOUT, "odd");
    worker_close(w);
    char path[64], state_of[256] = "";
    snprintf(path, sizeof path, "/proc/%ld/stat", (long)grandchild);
    FILE *f = fopen(path, "r"); /* gone, or a zombie that nobody reaped yet */
    if (f) {
        assert_non_null(fgets(state_of, sizeof state_of, f));
        fclose(f);
        assert_non_null(strstr(state_of, ") Z "));
    }
    /* a worker that is gone before it is asked */
    json_t *m = json_pack("{ss}", "op", "x");
    w = started(HELLO "exec 0<&-; exit 5");
    usleep(100000);
    int rc = worker_send(w, m, &err); /* into the pipe, or into nothing */
    if (rc == 0)
        rc = worker_receive(w, &answer, NULL, 30, &err);
    assert_int_equal(rc, -1);
    assert_non_null(strstr(err.text, "odd"));
    worker_close(w);
    json_decref(m);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {cmocka_unit_test(talks), cmocka_unit_test(does_not_start),
                                       cmocka_unit_test(fails_when_asked), cmocka_unit_test(leaves_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
