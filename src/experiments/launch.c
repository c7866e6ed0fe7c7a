#include "experiments/launch.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/proc.h"
#include "experiments/frame.h"

enum { LOOK_MS = 20, GRACE_S = 2 };

struct child {
    struct proc proc;
    bool begun; /* it has its cell */
};

static double now_s(void)
{
    return (double)clock_ns() / 1e9;
}

static int start(struct child *c, struct err *err)
{
    char self[4096];
    const char *program = getenv("PRONY_CELL_PROGRAM"); /* for programs that are not prony, yet use its library */
    if (!program || !*program) {
        ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
        if (n < 0)
            return err_set_errno(err, errno, "'/proc/self/exe'");
        self[n] = '\0';
        program = self;
    }
    const char *const argv[] = {program, "cell", NULL};
    const struct proc_options o = {.argv = argv, .in = PROC_PIPE, .out = PROC_PIPE, .err = PROC_INHERIT};
    return proc_start(&c->proc, &o, err);
}

/* ---- watching --------------------------------------------------------------------------------------------------- */

static int over_limit(const struct launch *l, uint64_t bytes, struct err *err)
{
    return err_set(err, ERR_LIMIT, "it took %.0f MB of memory, the limit is %.0f MB", (double)bytes / 1048576,
                   (double)l->memory_limit / 1048576);
}

static int look_at_memory(struct launch *l, const struct child *c, struct err *err)
{
    struct proc_group g;
    proc_group_read(&g, c->proc.pid);
    if (g.bytes > l->peak_bytes)
        l->peak_bytes = g.bytes;
    return l->memory_limit && g.bytes > l->memory_limit ? over_limit(l, g.bytes, err) : 0;
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
    return frame_send(c->proc.in, FRAME_CELL, l->spec, err);
}

/* A child that died meanwhile is found out at the end of its pipe, with the reason. */
static int go_on(const struct child *c)
{
    struct err ignored = ERR_INIT;
    frame_send(c->proc.in, FRAME_GO, NULL, &ignored);
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
    case FRAME_NOTE:
        TRY(l->on_note(l->arg, f->bytes, f->len, err));
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
    char ending[PROC_ENDING_MAX];
    if (!proc_wait(&c->proc, GRACE_S))
        return err_set(err, ERR_ENGINE, "its process closed the pipe after %zu samples and hung", l->n_samples);
    return err_set(err, ERR_ENGINE, "its process %s after %zu samples", proc_ending(&c->proc, ending), l->n_samples);
}

static int ask_to_stop(struct launch *l, const struct child *c, bool *asked, struct err *err)
{
    int wish = l->stop ? l->stop(l->arg) : 0;
    if (wish == 2)
        return err_set(err, ERR_INTERRUPTED, "stopped at once");
    if (wish == 1 && c->begun && !*asked) {
        *asked = true;
        struct err ignored = ERR_INIT; /* it may have ended just now */
        frame_send(c->proc.in, FRAME_STOP, NULL, &ignored);
    }
    return 0;
}

static int watch(struct launch *l, struct child *c, struct frame_reader *r, struct err *err)
{
    double heard = now_s();
    bool asked = false;
    for (;;) {
        struct pollfd fd = {.fd = c->proc.out, .events = POLLIN};
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
        int got = frame_fill(r, c->proc.out, err);
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
    struct child c = {.begun = false};
    struct frame_reader r = FRAME_READER_INIT;
    double grace_s = l->grace_s > 0 ? l->grace_s : GRACE_S;
    char ending[PROC_ENDING_MAX];
    l->n_samples = 0;
    l->peak_bytes = 0;
    TRY(start(&c, err));
    log_debug(l->log, "a child is started", LOG_INT("pid", c.proc.pid));
    int rc = watch(l, &c, &r, err);
    proc_close_pipe(&c.proc.in);
    if (rc == 0) /* it has said all, and ends by itself */
        proc_wait(&c.proc, grace_s);
    proc_end(&c.proc, grace_s);
    log_debug(l->log, "the child is gone", LOG_INT("pid", c.proc.pid), LOG_TEXT("how", proc_ending(&c.proc, ending)),
              LOG_NUMBER("user_s", c.proc.user_s), LOG_NUMBER("system_s", c.proc.system_s));
    frame_reader_release(&r);
    uint64_t peak = (uint64_t)c.proc.peak_bytes;
    if (peak > l->peak_bytes)
        l->peak_bytes = peak;
    if (rc == 0 && l->memory_limit && l->peak_bytes > l->memory_limit)
        return over_limit(l, l->peak_bytes, err);
    return rc;
}
