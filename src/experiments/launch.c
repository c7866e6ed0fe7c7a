#include "experiments/launch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "experiments/frame.h"

enum { LOOK_MS = 20, GRACE_S = 2 };

struct child {
    pid_t pid;
    int to, from;
    bool begun; /* it has its cell */
    bool reaped;
    int status;
    struct rusage usage;
};

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- starting and ending ---------------------------------------------------------------------------------------- */

/* Between fork and exec only what is safe there: the parent may have threads. */
static void become_cell(const char *program, int in, int out, pid_t parent)
{
    char *const argv[] = {(char *)(uintptr_t)program, (char *)(uintptr_t)"cell", NULL};
    static const int defaults[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGXFSZ};
    sigset_t none;
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(127);
    for (size_t i = 0; i < sizeof defaults / sizeof defaults[0]; i++)
        signal(defaults[i], SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0)
        _exit(127);
    execv(program, argv);
    _exit(127);
}

static int start(struct child *c, struct err *err)
{
    int to[2], from[2];
    char program[4096];
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    if (n < 0)
        return err_set_errno(err, errno, "'/proc/self/exe'");
    program[n] = '\0';
    const char *other = getenv("PRONY_CELL_PROGRAM"); /* for programs that are not prony, yet use its library */
    if (other && *other)
        snprintf(program, sizeof program, "%s", other);
    if (pipe2(to, O_CLOEXEC) < 0)
        return err_set_errno(err, errno, "a pipe for a cell");
    if (pipe2(from, O_CLOEXEC) < 0) {
        err_set_errno(err, errno, "a pipe for a cell");
        close(to[0]);
        close(to[1]);
        return -1;
    }
    pid_t parent = getpid();
    c->pid = fork();
    if (c->pid == 0)
        become_cell(program, to[0], from[1], parent);
    int cause = errno;
    close(to[0]);
    close(from[1]);
    if (c->pid < 0) {
        close(to[1]);
        close(from[0]);
        return err_set_errno(err, cause, "a process for a cell");
    }
    setpgid(c->pid, c->pid); /* on both sides: whoever comes first */
    c->to = to[1];
    c->from = from[0];
    return 0;
}

static bool reap(struct child *c, int flags)
{
    if (!c->reaped && wait4(c->pid, &c->status, flags, &c->usage) == c->pid)
        c->reaped = true;
    return c->reaped;
}

/* Asks the whole group to end, then makes it. */
static void finish(struct child *c, double grace_s, bool in_peace)
{
    double until = now_s() + grace_s;
    close(c->to);
    if (!in_peace)
        kill(-c->pid, SIGTERM);
    while (!reap(c, WNOHANG) && now_s() < until)
        usleep(2000);
    kill(-c->pid, SIGKILL); /* also what it left behind in its group */
    reap(c, 0);
    close(c->from);
}

/* ---- watching --------------------------------------------------------------------------------------------------- */

/* Fields 5 (group) and 24 (resident pages) of /proc/PID/stat, counted after the name, which may hold anything. */
static bool stat_of(const char *pid, long *group, unsigned long long *pages)
{
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%.20s/stat", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    if (n <= 0)
        return false;
    text[n] = '\0';
    char *rest = strrchr(text, ')');
    return rest && sscanf(rest + 1, " %*c %*d %ld %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %*u %*u %llu",
                          group, pages) == 2;
}

static uint64_t group_bytes(pid_t pid)
{
    unsigned long long sum = 0, pages;
    long group;
    DIR *proc = opendir("/proc");
    for (struct dirent *d; proc && (d = readdir(proc));)
        if (d->d_name[0] >= '1' && d->d_name[0] <= '9' && stat_of(d->d_name, &group, &pages) && group == pid)
            sum += pages;
    if (proc)
        closedir(proc);
    return (uint64_t)sum * (uint64_t)sysconf(_SC_PAGESIZE);
}

static int over_limit(const struct launch *l, uint64_t bytes, struct err *err)
{
    return err_set(err, ERR_LIMIT, "it took %.0f MB of memory, the limit is %.0f MB", (double)bytes / 1048576,
                   (double)l->memory_limit / 1048576);
}

static int look_at_memory(struct launch *l, const struct child *c, struct err *err)
{
    uint64_t bytes = group_bytes(c->pid);
    if (bytes > l->peak_bytes)
        l->peak_bytes = bytes;
    return l->memory_limit && bytes > l->memory_limit ? over_limit(l, bytes, err) : 0;
}

static int take_failure(const struct frame *f, struct err *err)
{
    json_t *json = frame_json(f, err);
    if (!json)
        return -1;
    const char *text = json_string_value(json_object_get(json, "text"));
    const char *hint = json_string_value(json_object_get(json, "hint"));
    int code = (int)json_integer_value(json_object_get(json, "code"));
    err_set(err, code > ERR_NONE && code <= ERR_BUG ? (enum err_code)code : ERR_ENGINE, "%s", text ? text : "it failed");
    if (hint && *hint)
        err_hint(err, "%s", hint);
    json_decref(json);
    return -1;
}

static int take_hello(const struct frame *f, struct child *c, const struct launch *l, struct err *err)
{
    json_t *json = frame_json(f, err);
    int protocol = (int)json_integer_value(json_object_get(json, "protocol"));
    if (!json)
        return -1;
    json_decref(json);
    if (protocol != FRAME_PROTOCOL)
        return err_set(err, ERR_ENGINE, "the child speaks version %d of the frames, expected %d", protocol,
                       FRAME_PROTOCOL);
    c->begun = true;
    return frame_send(c->to, FRAME_CELL, l->spec, err);
}

/* A child that died meanwhile is found out at the end of its pipe, with the reason. */
static int go_on(const struct child *c)
{
    struct err ignored = ERR_INIT;
    frame_send(c->to, FRAME_GO, NULL, &ignored);
    return 0;
}

/* 1: the child is done; 0: go on. */
static int take_frame(struct launch *l, struct child *c, const struct frame *f, struct err *err)
{
    json_t *json;
    int rc = 0;
    switch (f->kind) {
    case FRAME_HELLO:
        return take_hello(f, c, l, err);
    case FRAME_READY:
        json = frame_json(f, err);
        if (!json)
            return -1;
        if (l->on_ready)
            rc = l->on_ready(l->arg, json, err);
        json_decref(json);
        return rc < 0 ? -1 : go_on(c);
    case FRAME_SAMPLE:
        l->n_samples++;
        TRY(l->on_sample(l->arg, f->bytes, f->len, err));
        return go_on(c);
    case FRAME_DONE:
        return 1;
    case FRAME_FAILED:
        return take_failure(f, err);
    default:
        return err_set(err, ERR_ENGINE, "the child sent a frame of kind '%c'", f->kind);
    }
}

static int take_all(struct launch *l, struct child *c, struct frame_reader *r, struct err *err)
{
    struct frame f;
    for (;;) {
        int rc = frame_next(r, &f, err);
        if (rc <= 0)
            return rc;
        rc = take_frame(l, c, &f, err);
        if (rc != 0)
            return rc;
    }
}

/* The pipe ended without a word: how did it die? */
static int died(struct child *c, const struct launch *l, struct err *err)
{
    double until = now_s() + GRACE_S;
    while (!reap(c, WNOHANG) && now_s() < until)
        usleep(2000);
    if (!c->reaped)
        return err_set(err, ERR_ENGINE, "its process closed the pipe after %zu samples and hung", l->n_samples);
    if (WIFSIGNALED(c->status))
        return err_set(err, ERR_ENGINE, "its process was killed by signal %d (%s) after %zu samples",
                       WTERMSIG(c->status), strsignal(WTERMSIG(c->status)), l->n_samples);
    return err_set(err, ERR_ENGINE, "its process ended with status %d after %zu samples", WEXITSTATUS(c->status),
                   l->n_samples);
}

static int ask_to_stop(struct launch *l, const struct child *c, bool *asked, struct err *err)
{
    int wish = l->stop ? l->stop(l->arg) : 0;
    if (wish == 2)
        return err_set(err, ERR_INTERRUPTED, "stopped at once");
    if (wish == 1 && c->begun && !*asked) {
        *asked = true;
        struct err ignored = ERR_INIT; /* it may have ended just now */
        frame_send(c->to, FRAME_STOP, NULL, &ignored);
    }
    return 0;
}

static int watch(struct launch *l, struct child *c, struct frame_reader *r, struct err *err)
{
    double heard = now_s();
    bool asked = false;
    for (;;) {
        struct pollfd fd = {.fd = c->from, .events = POLLIN};
        int ready = poll(&fd, 1, LOOK_MS);
        if (ready < 0 && errno != EINTR)
            return err_set_errno(err, errno, "waiting for a cell");
        TRY(ask_to_stop(l, c, &asked, err));
        TRY(look_at_memory(l, c, err));
        if (ready <= 0) {
            if (l->silence_s > 0 && now_s() - heard > l->silence_s)
                return err_set(err, ERR_TIMEOUT, "no sign of life for %g s after %zu samples", l->silence_s,
                               l->n_samples);
            continue;
        }
        heard = now_s();
        int got = frame_fill(r, c->from, err);
        if (got < 0)
            return -1;
        int rc = take_all(l, c, r, err);
        if (rc < 0)
            return -1;
        heard = now_s(); /* the time that storing took was ours */
        if (rc > 0)
            return asked ? err_set(err, ERR_INTERRUPTED, "stopped after the request in flight") : 0;
        if (got == 0)
            return died(c, l, err);
    }
}

int launch_run(struct launch *l, struct err *err)
{
    struct child c = {.to = -1, .from = -1};
    struct frame_reader r = FRAME_READER_INIT;
    l->n_samples = 0;
    l->peak_bytes = 0;
    TRY(start(&c, err));
    int rc = watch(l, &c, &r, err);
    finish(&c, l->grace_s > 0 ? l->grace_s : GRACE_S, rc == 0);
    frame_reader_release(&r);
    uint64_t peak = (uint64_t)c.usage.ru_maxrss * 1024;
    if (peak > l->peak_bytes)
        l->peak_bytes = peak;
    if (rc == 0 && l->memory_limit && l->peak_bytes > l->memory_limit)
        return over_limit(l, l->peak_bytes, err);
    return rc;
}
