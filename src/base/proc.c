#include "base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"

extern char **environ;

enum { FIRST_PAUSE_NS = 500000, LONGEST_PAUSE_NS = 10000000, KILLED_S = 5 };

/* ---- before the fork: all that may fail with words, or allocates ------------------------------------------------- */

struct plan {
    const struct proc_options *o;
    char *program;
    char **env;
    int fds[3]; /* what becomes the child's streams; -1: inherited */
    int report; /* gets errno if the program cannot be run; closed by exec */
    pid_t parent;
};

/* Names below three are kept for the streams, so that one dup2 never treads on the next. */
static int above_streams(int fd)
{
    if (fd < 0 || fd > STDERR_FILENO)
        return fd;
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1), cause = errno;
    close(fd);
    errno = cause;
    return moved;
}

static int make_pipe(int ends[2], struct err *err)
{
    if (pipe2(ends, O_CLOEXEC) < 0)
        return err_set_errno(err, errno, "a pipe to a child");
    ends[0] = above_streams(ends[0]);
    ends[1] = above_streams(ends[1]);
    return ends[0] >= 0 && ends[1] >= 0 ? 0 : err_set_errno(err, errno, "a pipe to a child");
}

static int open_stream(struct plan *plan, int stream, enum proc_stream kind, const char *path, int *ours,
                       struct err *err)
{
    bool is_in = stream == STDIN_FILENO;
    int ends[2];
    switch (kind) {
    case PROC_INHERIT:
        return 0;
    case PROC_TO_OUT:
        plan->fds[stream] = fcntl(plan->fds[1] < 0 ? STDOUT_FILENO : plan->fds[1], F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        return plan->fds[stream] < 0 ? err_set_errno(err, errno, "a child's standard error") : 0;
    case PROC_PIPE:
        TRY(make_pipe(ends, err));
        plan->fds[stream] = ends[is_in ? 0 : 1];
        *ours = ends[is_in ? 1 : 0];
        return 0;
    case PROC_NULL:
        path = "/dev/null";
        break;
    case PROC_FILE:
        break;
    }
    plan->fds[stream] = above_streams(open(path, O_CLOEXEC | (is_in ? O_RDONLY : O_WRONLY | O_CREAT | O_APPEND), 0666));
    return plan->fds[stream] < 0 ? err_set_errno(err, errno, "cannot open '%s' for a child", path) : 0;
}

static bool may_run(const char *path)
{
    return access(path, X_OK) == 0 && !file_is_dir(path);
}

static char *in_path(const char *name, struct err *err)
{
    const char *path = getenv("PATH");
    for (const char *p = path ? path : "/usr/local/bin:/usr/bin:/bin", *end; p; p = *end ? end + 1 : NULL) {
        end = strchrnul(p, ':');
        char *full = mem_printf(err, "%.*s%s%s", (int)(end - p), p, end > p ? "/" : "./", name);
        if (!full || may_run(full))
            return full;
        free(full);
    }
    err_set(err, ERR_MISSING, "there is no program '%s' in PATH", name);
    return NULL;
}

/* Before the child changes its folder, so that a relative name is one of ours. */
static char *find_program(const struct proc_options *o, struct err *err)
{
    const char *name = o->argv[0];
    char here[4096], *found, *full;
    if (strchr(name, '/') && !file_exists(name)) {
        err_set(err, ERR_MISSING, "there is no program '%s'", name);
        return NULL;
    }
    found = strchr(name, '/') ? mem_strdup(name, err) : in_path(name, err);
    if (!found || !o->cwd || found[0] == '/')
        return found;
    full = getcwd(here, sizeof here) ? path_join(here, found, err) : NULL;
    if (!full)
        err_set_errno(err, errno, "the folder that prony works in");
    free(found);
    return full;
}

static bool same_name(const char *a, const char *b)
{
    size_t n = strcspn(a, "=");
    return n == strcspn(b, "=") && memcmp(a, b, n) == 0;
}

/* The strings stay who they belong to. */
static char **merged_env(const char *const *extra, struct err *err)
{
    size_t n_ours = 0, n_extra = 0, n = 0;
    while (environ && environ[n_ours])
        n_ours++;
    while (extra && extra[n_extra])
        n_extra++;
    char **env = mem_alloc(n_ours + n_extra + 1, sizeof *env, err);
    if (!env)
        return NULL;
    for (size_t i = 0; i < n_ours; i++) {
        size_t k = 0;
        while (k < n_extra && !same_name(environ[i], extra[k]))
            k++;
        if (k == n_extra)
            env[n++] = environ[i];
    }
    for (size_t k = 0; k < n_extra; k++)
        if (strchr(extra[k], '='))
            env[n++] = (char *)(uintptr_t)extra[k];
    env[n] = NULL;
    return env;
}

/* ---- between fork and exec: only what is safe there, since the parent may have threads --------------------------- */

static void give_up(const struct plan *plan)
{
    int cause = errno;
    ssize_t n = write(plan->report, &cause, sizeof cause);
    _exit(n < 0 ? 126 : 127);
}

static void become(const struct plan *plan)
{
    struct sigaction normal = {.sa_handler = SIG_DFL};
    sigset_t none;
    if (plan->o->keep) {
        setsid();
    } else {
        setpgid(0, 0);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != plan->parent) /* it died before that line */
            _exit(127);
    }
    for (int s = 1; s < NSIG; s++)
        sigaction(s, &normal, NULL);
    for (int i = 0; i < 3; i++)
        if (plan->fds[i] >= 0 && dup2(plan->fds[i], i) < 0)
            give_up(plan);
    close_range(STDERR_FILENO + 1, ~0u, CLOSE_RANGE_CLOEXEC); /* what some library opened without saying so */
    if (plan->o->cwd && chdir(plan->o->cwd) < 0)
        give_up(plan);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execve(plan->program, (char *const *)(uintptr_t)plan->o->argv, plan->env);
    give_up(plan);
}

/* ---- starting ----------------------------------------------------------------------------------------------------- */

static int fork_it(struct proc *p, struct plan *plan, struct err *err)
{
    int report[2] = {-1, -1}, cause = 0;
    sigset_t all, before;
    TRY(make_pipe(report, err));
    plan->report = report[1];
    plan->parent = getpid();
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* our handlers must not run in the child */
    p->pid = fork();
    if (p->pid == 0)
        become(plan);
    int refused = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(report[1]);
    if (p->pid < 0) {
        close(report[0]);
        return err_set_errno(err, refused, "a process for '%s'", plan->o->argv[0]);
    }
    ssize_t n;
    do /* ends when the program runs: from then on its group is there */
        n = read(report[0], &cause, sizeof cause);
    while (n < 0 && errno == EINTR);
    close(report[0]);
    if (n != (ssize_t)sizeof cause)
        return 0;
    while (waitpid(p->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    if (plan->o->cwd && !file_is_dir(plan->o->cwd))
        return err_set_errno(err, cause, "cannot run '%s' in '%s'", plan->o->argv[0], plan->o->cwd);
    return err_set_errno(err, cause, "cannot run '%s'", plan->program);
}

void proc_close_pipe(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void close_pipes(struct proc *p)
{
    proc_close_pipe(&p->in);
    proc_close_pipe(&p->out);
    proc_close_pipe(&p->err);
}

int proc_start(struct proc *p, const struct proc_options *o, struct err *err)
{
    struct plan plan = {.o = o, .fds = {-1, -1, -1}};
    int rc = -1;
    *p = (struct proc){.in = -1, .out = -1, .err = -1};
    plan.program = find_program(o, err);
    plan.env = plan.program ? merged_env(o->env, err) : NULL;
    if (plan.env && open_stream(&plan, STDIN_FILENO, o->in, o->in_path, &p->in, err) == 0 &&
        open_stream(&plan, STDOUT_FILENO, o->out, o->out_path, &p->out, err) == 0 &&
        open_stream(&plan, STDERR_FILENO, o->err, o->err_path, &p->err, err) == 0)
        rc = fork_it(p, &plan, err);
    for (int i = 0; i < 3; i++)
        proc_close_pipe(&plan.fds[i]);
    free(plan.env);
    free(plan.program);
    if (rc < 0) {
        close_pipes(p);
        p->pid = 0;
        p->reaped = true;
    }
    return rc;
}

/* ---- ending ------------------------------------------------------------------------------------------------------- */

/* Looks without reaping. Whoever ignores SIGCHLD has no status to learn: it counts as exit code 0 of a child unknown. */
static bool has_ended(struct proc *p)
{
    siginfo_t info = {.si_pid = 0};
    if (p->ended)
        return true;
    if (waitid(P_PID, (id_t)p->pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0)
        p->ended = errno == ECHILD;
    else if (info.si_pid == p->pid) {
        p->ended = true;
        p->status = info.si_code == CLD_EXITED ? W_EXITCODE(info.si_status, 0) : W_EXITCODE(0, info.si_status);
    }
    return p->ended;
}

static bool group_has_ended(struct proc *p)
{
    struct proc_group g;
    if (!has_ended(p))
        return false;
    proc_group_read(&g, p->pid);
    return g.processes == 0;
}

/* Short pauses first: most children that end do so at once. */
static bool wait_for(struct proc *p, bool (*is_over)(struct proc *p), double seconds)
{
    int64_t pause = FIRST_PAUSE_NS, until = seconds > 1e9 ? INT64_MAX : clock_ns() + (int64_t)(seconds * 1e9);
    while (!is_over(p)) {
        int64_t left = until - clock_ns();
        if (left <= 0)
            return false;
        clock_sleep_ns(left < pause ? left : pause);
        pause = pause * 2 < LONGEST_PAUSE_NS ? pause * 2 : LONGEST_PAUSE_NS;
    }
    return true;
}

int proc_wait(struct proc *p, double seconds)
{
    return p->reaped || wait_for(p, has_ended, seconds);
}

void proc_end(struct proc *p, double grace_s)
{
    struct rusage usage = {.ru_maxrss = 0};
    if (p->reaped)
        return;
    proc_close_pipe(&p->in);
    if (!group_has_ended(p)) {
        kill(-p->pid, SIGTERM);
        if (!wait_for(p, group_has_ended, grace_s)) {
            kill(-p->pid, SIGKILL);
            wait_for(p, group_has_ended, KILLED_S); /* it dies soon, not at once */
        }
    }
    int status;
    pid_t got;
    while ((got = wait4(p->pid, &status, 0, &usage)) < 0 && errno == EINTR)
        continue;
    if (got == p->pid)
        p->status = status;
    p->ended = p->reaped = true;
    p->peak_bytes = (int64_t)usage.ru_maxrss * 1024;
    p->user_s = (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec / 1e6;
    p->system_s = (double)usage.ru_stime.tv_sec + (double)usage.ru_stime.tv_usec / 1e6;
    close_pipes(p);
}

const char *proc_ending(const struct proc *p, char text[PROC_ENDING_MAX])
{
    if (!p->ended)
        snprintf(text, PROC_ENDING_MAX, "still runs");
    else if (WIFSIGNALED(p->status))
        snprintf(text, PROC_ENDING_MAX, "was killed by signal %d (%s)", WTERMSIG(p->status),
                 strsignal(WTERMSIG(p->status)));
    else
        snprintf(text, PROC_ENDING_MAX, "ended with exit code %d", WEXITSTATUS(p->status));
    return text;
}

int proc_check(const struct proc *p, const char *who, struct err *err)
{
    char ending[PROC_ENDING_MAX];
    if (p->ended && p->status == 0)
        return 0;
    return err_set(err, ERR_ENGINE, "%s %s", who, proc_ending(p, ending));
}

/* ---- reading ------------------------------------------------------------------------------------------------------ */

ssize_t proc_read(int fd, void *bytes, size_t size, double seconds, struct err *err)
{
    int64_t until = clock_ns() + (int64_t)(seconds * 1e9);
    for (;;) {
        int64_t left = until - clock_ns();
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        int ready = poll(&wait, 1, left > 0 ? (int)fmin(ceil((double)left / 1e6), 1e9) : 0);
        if (ready == 0)
            return err_set(err, ERR_TIMEOUT, "not a byte from a child for %g s", seconds);
        ssize_t n = ready < 0 ? -1 : read(fd, bytes, size);
        if (n >= 0)
            return n;
        if (errno != EINTR && errno != EAGAIN)
            return err_set_errno(err, errno, "the pipe from a child");
    }
}
