/* Children: what they get, how they end, and that nothing of them is left. */
#include "support/testing.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/proc.h"
#include "support/alloc_fail.h"

#define SH(script) ((const char *const[]){"sh", "-c", (script), NULL})

static int count_fds(void)
{
    int n = 0;
    DIR *d = opendir("/proc/self/fd");
    assert_non_null(d);
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

/* Waits for what another process does, at most as long as a broken one would take. */
static bool soon(bool (*is_so)(pid_t pid), pid_t pid)
{
    for (int i = 0; i < 4000; i++) {
        if (is_so(pid))
            return true;
        clock_sleep_ns(5000000);
    }
    return false;
}

static bool gone(pid_t pid)
{
    struct proc_id id;
    return !proc_identify(&id, pid) || !proc_runs(&id);
}

static pid_t number_from(int fd)
{
    char text[32] = "";
    struct err err = ERR_INIT;
    for (size_t n = 0; n < sizeof text - 1 && !strchr(text, '\n');) {
        ssize_t got = proc_read(fd, text + n, 1, 20, &err);
        assert_int_equal(got, 1);
        n += (size_t)got;
    }
    return (pid_t)strtol(text, NULL, 10);
}

/* ---- what it gets ------------------------------------------------------------------------------------------------- */

static void it_talks_both_ways(void **unused)
{
    (void)unused;
    struct err err = ERR_INIT;
    struct buf out = BUF_INIT(1 << 20), errors = BUF_INIT(1 << 20);
    char *input = malloc(300000); /* more than any pipe holds: both directions must go on at once */
    memset(input, 'x', 300000);
    struct proc_options o = {.argv = SH("cat; echo done >&2")};
    struct proc_talk talk = {.input = input, .input_len = 300000, .out = &out, .err = &errors, .limit_s = 60};
    assert_ok(proc_run(&o, &talk, &err));
    assert_int_equal(out.len, 300000);
    assert_memory_equal(out.data, input, 300000);
    assert_string_equal(errors.data, "done\n");
    assert_true(talk.ended.peak_bytes > 100000);
    o.argv = SH("exec <&-; sleep 0.05"); /* it does not care, and we do not die of it */
    assert_ok(proc_run(&o, &talk, &err));
    free(input);
    buf_release(&out);
    buf_release(&errors);
}

static void environment_and_folder(void **unused)
{
    (void)unused;
    struct err err = ERR_INIT;
    struct buf out = BUF_INIT(1 << 16);
    setenv("PRONY_T_KEPT", "kept", 1);
    setenv("PRONY_T_CHANGED", "old", 1);
    setenv("PRONY_T_GONE", "gone", 1);
    const char *const env[] = {"PRONY_T_CHANGED=new", "PRONY_T_GONE", "PRONY_T_ADDED=a=b", NULL};
    struct proc_options o = {
        .argv = SH("echo $PRONY_T_KEPT,$PRONY_T_CHANGED,${PRONY_T_GONE-none},$PRONY_T_ADDED,$PWD; cat"),
        .env = env, .cwd = "/usr", .in = PROC_NULL};
    struct proc_talk talk = {.out = &out, .limit_s = 60};
    assert_ok(proc_run(&o, &talk, &err));
    assert_string_equal(out.data, "kept,new,none,a=b,/usr\n");
    buf_release(&out);
}

static void a_relative_program_is_ours_whatever_its_folder(void **unused)
{
    (void)unused;
    struct err err = ERR_INIT;
    struct buf out = BUF_INIT(1 << 16);
    char before[4096];
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(test_dir()), 0);
    FILE *f = fopen("here.sh", "w");
    fputs("#!/bin/sh\npwd\n", f);
    fclose(f);
    chmod("here.sh", 0755);
    struct proc_options o = {.argv = (const char *const[]){"./here.sh", NULL}, .cwd = "/usr"};
    struct proc_talk talk = {.out = &out, .limit_s = 60};
    int rc = proc_run(&o, &talk, &err);
    assert_int_equal(chdir(before), 0);
    assert_int_equal(rc, 0);
    assert_string_equal(out.data, "/usr\n");
    buf_release(&out);
}

static void streams_to_files_are_added_to(void **unused)
{
    (void)unused;
    struct err err = ERR_INIT;
    struct buf text = BUF_INIT(1 << 20);
    char *path = path_join(test_dir(), "log", &err);
    struct proc_options o = {.argv = SH("echo out; echo err >&2"), .out = PROC_FILE, .out_path = path, .err = PROC_TO_OUT};
    struct proc_talk talk = {.limit_s = 60};
    assert_ok(proc_run(&o, &talk, &err));
    assert_ok(proc_run(&o, &talk, &err));
    assert_ok(file_read(&text, path, 1000, &err));
    assert_string_equal(text.data, "out\nerr\nout\nerr\n");
    o = (struct proc_options){.argv = SH("cat"), .in = PROC_FILE, .in_path = path};
    buf_clear(&text);
    talk = (struct proc_talk){.out = &text, .limit_s = 60};
    assert_ok(proc_run(&o, &talk, &err));
    assert_string_equal(text.data, "out\nerr\nout\nerr\n");
    o.in_path = "/nowhere/at/all";
    assert_err(proc_run(&o, &talk, &err), ERR_IO, "cannot open '/nowhere/at/all' for a child");
    buf_release(&text);
    free(path);
}

static void signals_are_as_at_birth(void **unused)
{
    (void)unused;
    struct err err = ERR_INIT;
    struct buf out = BUF_INIT(1 << 16);
    sigset_t term, before;
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    sigprocmask(SIG_BLOCK, &term, &before);
    signal(SIGPIPE, SIG_IGN);
    struct proc_options o = {.argv = (const char *const[]){"grep", "^Sig\\(Ign\\|Blk\\)", "/proc/self/status", NULL}};
    struct proc_talk talk = {.out = &out, .limit_s = 60};
    int rc = proc_run(&o, &talk, &err);
    signal(SIGPIPE, SIG_DFL);
    sigprocmask(SIG_SETMASK, &before, NULL);
    assert_int_equal(rc, 0);
    assert_string_equal(out.data, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
    buf_release(&out);
}

static void it_inherits_no_file_of_ours(void **unused)
{
    (void)unused;
    struct err err = ERR_INIT;
    struct buf out = BUF_INIT(1 << 16);
    int leaky = dup(STDIN_FILENO); /* as a library may: without O_CLOEXEC */
    struct proc_options o = {.argv = (const char *const[]){"ls", "/proc/self/fd", NULL}, .in = PROC_PIPE};
    struct proc_talk talk = {.out = &out, .limit_s = 60};
    assert_true(leaky > 2);
    assert_ok(proc_run(&o, &talk, &err));
    assert_string_equal(out.data, "0\n1\n2\n3\n"); /* 3 is the folder that ls reads */
    close(leaky);
    buf_release(&out);
}

/* ---- how it ends -------------------------------------------------------------------------------------------------- */

static void endings_in_words(void **unused)
{
    (void)unused;
    struct err err = ERR_INIT;
    struct proc_options o = {.argv = SH("exit 3")};
    struct proc_talk talk = {.limit_s = 60};
    assert_err(proc_run(&o, &talk, &err), ERR_ENGINE, "'sh' ended with exit code 3");
    o.argv = SH("kill -SEGV $$");
    assert_err(proc_run(&o, &talk, &err), ERR_ENGINE, "'sh' was killed by signal 11 (Segmentation fault)");
    o.argv = SH("sleep 600");
    talk.limit_s = 0.2;
    assert_err(proc_run(&o, &talk, &err), ERR_TIMEOUT, "'sh': it did not end within 0.2 s");
    assert_true(gone(talk.ended.pid));
}

static void what_cannot_run(void **unused)
{
    (void)unused;
    struct err err = ERR_INIT;
    struct proc p;
    char *path = path_join(test_dir(), "plain", &err);
    assert_ok(file_write(path, "no program", 10, &err));
    struct proc_options o = {.argv = (const char *const[]){"no-such-program-anywhere", NULL}, .in = PROC_PIPE,
                             .out = PROC_PIPE, .err = PROC_PIPE};
    int before = count_fds();
    assert_err(proc_start(&p, &o, &err), ERR_MISSING, "there is no program 'no-such-program-anywhere' in PATH");
    o.argv = (const char *const[]){"/no/such/program", NULL};
    assert_err(proc_start(&p, &o, &err), ERR_MISSING, "there is no program '/no/such/program'");
    o.argv = (const char *const[]){path, NULL};
    assert_err(proc_start(&p, &o, &err), ERR_IO, "Permission denied");
    chmod(path, 0755);
    assert_err(proc_start(&p, &o, &err), ERR_IO, "Exec format error");
    o.argv = SH("true");
    o.cwd = "/no/such/folder";
    assert_err(proc_start(&p, &o, &err), ERR_IO, "cannot run 'sh' in '/no/such/folder'");
    proc_end(&p, 1); /* nothing to end: does nothing */
    assert_int_equal(p.in, -1);
    assert_int_equal(count_fds(), before);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no zombie */
    free(path);
}

static void a_deaf_child_is_killed(void **unused)
{
    (void)unused;
    struct err err = ERR_INIT;
    struct proc p;
    struct proc_options o = {.argv = SH("trap '' TERM; echo $$; while :; do sleep 1; done"), .out = PROC_PIPE};
    int before = count_fds();
    assert_ok(proc_start(&p, &o, &err));
    assert_int_equal(number_from(p.out), p.pid);
    assert_int_equal(getpgid(p.pid), p.pid);
    assert_int_equal(proc_wait(&p, 0.05), 0);
    proc_end(&p, 0.1);
    assert_true(WIFSIGNALED(p.status) && WTERMSIG(p.status) == SIGKILL);
    assert_int_equal(p.out, -1);
    assert_int_equal(count_fds(), before);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    proc_end(&p, 0.1);
}

static void it_may_end_in_peace(void **unused)
{
    (void)unused;
    struct err err = ERR_INIT;
    struct proc p;
    /* A grandchild, and no child, hears TERM and takes its time: it has the whole grace. */
    struct proc_options o = {
        .argv = SH("sh -c 'trap \"echo bye; exit 0\" TERM; echo $$; while :; do sleep 0.05; done' & wait"), .out = PROC_PIPE};
    assert_ok(proc_start(&p, &o, &err));
    pid_t grandchild = number_from(p.out);
    int out = dup(p.out);
    char text[16] = "";
    proc_end(&p, 20);
    assert_true(gone(grandchild));
    assert_int_equal(proc_read(out, text, sizeof text - 1, 5, &err), 4);
    assert_string_equal(text, "bye\n");
    close(out);
}

static void grandchildren_go_too(void **unused)
{
    (void)unused;
    struct err err = ERR_INIT;
    struct proc p;
    /* The child ends at once; what it leaves ignores TERM and holds the pipe. */
    struct proc_options o = {.argv = SH("(trap '' TERM; exec sleep 600) & echo $!; exit 4"), .out = PROC_PIPE};
    assert_ok(proc_start(&p, &o, &err));
    pid_t grandchild = number_from(p.out);
    assert_int_equal(proc_wait(&p, 20), 1);
    assert_err(proc_check(&p, "it", &err), ERR_ENGINE, "it ended with exit code 4");
    struct proc_group g;
    proc_group_read(&g, p.pid);
    assert_int_equal(g.processes, 1);
    proc_end(&p, 0.1);
    assert_true(soon(gone, grandchild));
    proc_group_read(&g, getpgrp());
    assert_true(g.processes >= 1 && g.bytes > 100000);
    /* proc_run does not wait for it, although its output would never end. */
    struct buf out = BUF_INIT(1 << 16);
    struct proc_talk talk = {.out = &out, .limit_s = 60, .grace_s = 0.1};
    o.argv = SH("(trap '' TERM; exec sleep 600) & echo $!");
    assert_ok(proc_run(&o, &talk, &err));
    assert_true(soon(gone, (pid_t)strtol(out.data, NULL, 10)));
    buf_release(&out);
}

static void a_flood_is_dammed(void **unused)
{
    (void)unused;
    struct err err = ERR_INIT;
    struct buf out = BUF_INIT(100000);
    struct proc_options o = {.argv = SH("while :; do echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; done")};
    struct proc_talk talk = {.out = &out, .limit_s = 60};
    assert_err(proc_run(&o, &talk, &err), ERR_LIMIT, "it wrote more than 100000 bytes to its standard output");
    assert_int_equal(out.len, 100000); /* what fits is there */
    assert_true(gone(talk.ended.pid));
    buf_release(&out);
}

static bool at_once(void *arg)
{
    return ++*(int *)arg >= 1;
}

static void it_is_stopped_and_is_read_with_a_limit(void **unused)
{
    (void)unused;
    struct err err = ERR_INIT;
    struct proc p;
    int asked = 0;
    char byte;
    struct proc_options o = {.argv = SH("sleep 600"), .out = PROC_PIPE};
    struct proc_talk talk = {.stop = at_once, .arg = &asked};
    assert_err(proc_run(&o, &talk, &err), ERR_INTERRUPTED, "'sh': stopped");
    assert_ok(proc_start(&p, &o, &err));
    assert_err((int)proc_read(p.out, &byte, 1, 0.05, &err), ERR_TIMEOUT, "not a byte from a child for 0.05 s");
    proc_end(&p, 2);
    o.argv = SH("exec >&-; sleep 600");
    assert_ok(proc_start(&p, &o, &err));
    assert_int_equal(proc_read(p.out, &byte, 1, 20, &err), 0);
    proc_end(&p, 2);
}

/* A prony that is killed takes its child with it; one it was told to keep lives on, and another prony may end it. */
static void orphans(void **unused)
{
    (void)unused;
    for (int keep = 0; keep < 2; keep++) {
        struct err err = ERR_INIT;
        struct proc_id id;
        int ends[2];
        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
        pid_t prony = fork();
        if (prony == 0) {
            struct proc p;
            struct proc_options o = {.argv = SH("trap '' HUP; while :; do sleep 0.05; done"), .keep = keep};
            char text[32];
            int rc = proc_start(&p, &o, &err);
            snprintf(text, sizeof text, "%ld\n", rc < 0 ? -1L : (long)p.pid);
            _exit(write(ends[1], text, strlen(text)) < 0 || pause());
        }
        pid_t child = number_from(ends[0]);
        assert_true(proc_identify(&id, child));
        kill(prony, SIGKILL);
        waitpid(prony, NULL, 0);
        if (!keep) {
            assert_true(soon(gone, child));
        } else {
            assert_true(proc_runs(&id));
            struct proc_id other = {.pid = id.pid, .started = id.started + 1};
            assert_ok(proc_end_other(&other, 0, &err)); /* not the one that was meant */
            assert_true(proc_runs(&id));
            assert_ok(proc_end_other(&id, 5, &err));
            assert_false(proc_runs(&id));
        }
        close(ends[0]);
        close(ends[1]);
    }
    struct err err = ERR_INIT;
    struct proc_id us;
    assert_true(proc_identify(&us, getpid()));
    if (getpgrp() != getpid())
        assert_err(proc_end_other(&us, 0, &err), ERR_USAGE, "leads no group");
}

static void *in_a_thread(void *arg)
{
    struct err err = ERR_INIT;
    struct proc_options o = {.argv = SH("exit 0")};
    struct proc_talk talk = {.limit_s = 60};
    for (int i = 0; i < 20; i++)
        if (proc_run(&o, &talk, &err) < 0)
            *(bool *)arg = false;
    return NULL;
}

static void from_several_threads(void **unused)
{
    (void)unused;
    pthread_t threads[4];
    bool well[4] = {true, true, true, true};
    int before = count_fds();
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, in_a_thread, &well[i]), 0);
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    for (size_t i = 0; i < 4; i++)
        assert_true(well[i]);
    assert_int_equal(count_fds(), before);
}

static int attempt(void *arg, struct err *err)
{
    struct buf out = BUF_INIT(1 << 16);
    struct proc_options o = {.argv = SH("echo hello"), .env = (const char *const[]){"A=b", NULL}, .cwd = "/"};
    struct proc_talk talk = {.out = &out, .limit_s = 60};
    (void)arg;
    int rc = proc_run(&o, &talk, err);
    buf_release(&out);
    return rc;
}

static void memory_runs_out(void **unused)
{
    (void)unused;
    int before = count_fds();
    assert_survives_out_of_memory(attempt, NULL);
    assert_int_equal(count_fds(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_talks_both_ways),
        cmocka_unit_test(environment_and_folder),
        cmocka_unit_test(a_relative_program_is_ours_whatever_its_folder),
        cmocka_unit_test(streams_to_files_are_added_to),
        cmocka_unit_test(signals_are_as_at_birth),
        cmocka_unit_test(it_inherits_no_file_of_ours),
        cmocka_unit_test(endings_in_words),
        cmocka_unit_test(what_cannot_run),
        cmocka_unit_test(a_deaf_child_is_killed),
        cmocka_unit_test(it_may_end_in_peace),
        cmocka_unit_test(grandchildren_go_too),
        cmocka_unit_test(a_flood_is_dammed),
        cmocka_unit_test(it_is_stopped_and_is_read_with_a_limit),
        cmocka_unit_test(orphans),
        cmocka_unit_test(from_several_threads),
        cmocka_unit_test(memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
