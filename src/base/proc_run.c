#include "base/proc.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"

enum { ASK_MS = 100, STEP = 1 << 16, GRACE_S = 2 };

/* Called when the pipe takes something, which is PIPE_BUF bytes at least, so that this never blocks. A child that reads
 * no more is no failure: its exit code says what it thought of it. */
static void feed(struct proc *p, const struct proc_talk *t, size_t *fed)
{
    size_t n = t->input_len - *fed < PIPE_BUF ? t->input_len - *fed : PIPE_BUF;
    *fed = file_write_all(p->in, t->input + *fed, n) < 0 ? t->input_len : *fed + n;
    if (*fed == t->input_len)
        proc_close_pipe(&p->in);
}

static int gather(int *fd, struct buf *to, const char *what, struct err *err)
{
    char bytes[STEP];
    ssize_t n = read(*fd, bytes, sizeof bytes);
    if (n < 0)
        return errno == EINTR || errno == EAGAIN ? 0 : err_set_errno(err, errno, "a child's standard %s", what);
    if (n == 0) {
        proc_close_pipe(fd);
        return 0;
    }
    size_t room = to->max - to->len;
    buf_add(to, bytes, (size_t)n < room ? (size_t)n : room);
    if ((size_t)n > room)
        return err_set(err, ERR_LIMIT, "it wrote more than %zu bytes to its standard %s", to->max, what);
    return buf_check(to, err);
}

/* 1: go on; 0: it has ended and nothing more can come. Pipes that a grandchild holds open end with the child. */
static int step(struct proc *p, struct proc_talk *t, size_t *fed, struct err *err)
{
    struct pollfd fds[] = {{.fd = p->in, .events = POLLOUT},
                           {.fd = p->out, .events = POLLIN},
                           {.fd = p->err, .events = POLLIN}};
    bool over = proc_wait(p, 0); /* before the look into the pipes: what is in them then is all */
    bool quiet = p->in < 0 && p->out < 0 && p->err < 0;
    int ready = poll(fds, 3, over ? 0 : quiet ? 5 : ASK_MS);
    if (ready < 0)
        return errno == EINTR ? 1 : err_set_errno(err, errno, "waiting for a child");
    if (fds[0].revents)
        feed(p, t, fed);
    if (fds[1].revents)
        TRY(gather(&p->out, t->out, "output", err));
    if (fds[2].revents)
        TRY(gather(&p->err, t->err, "error", err));
    return !over || fds[1].revents || fds[2].revents;
}

static int talk_to(struct proc *p, struct proc_talk *t, struct err *err)
{
    int64_t start = clock_ns();
    size_t fed = 0;
    for (;;) {
        int rc = step(p, t, &fed, err);
        if (rc <= 0)
            return rc;
        if (t->stop && t->stop(t->arg))
            return err_set(err, ERR_INTERRUPTED, "stopped");
        if (t->limit_s > 0 && (double)(clock_ns() - start) / 1e9 > t->limit_s)
            return err_set(err, ERR_TIMEOUT, "it did not end within %g s", t->limit_s);
    }
}

int proc_run(const struct proc_options *o, struct proc_talk *t, struct err *err)
{
    struct proc_options with = *o;
    if (t->input)
        with.in = PROC_PIPE;
    if (t->out)
        with.out = PROC_PIPE;
    if (t->err)
        with.err = PROC_PIPE;
    struct proc *p = &t->ended;
    TRY(proc_start(p, &with, err));
    int rc = talk_to(p, t, err);
    proc_end(p, t->grace_s > 0 ? t->grace_s : GRACE_S);
    if (rc < 0)
        return err_context(err, "'%s'", o->argv[0]);
    char who[128];
    snprintf(who, sizeof who, "'%.120s'", o->argv[0]);
    return proc_check(p, who, err);
}
