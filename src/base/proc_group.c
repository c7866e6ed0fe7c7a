#include "base/proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

enum { LOOK_NS = 5000000 };

struct stat_line {
    char state;
    long group;
    long long started;
    unsigned long long pages;
};

/* Fields 3, 5, 22 and 24 of /proc/PID/stat, counted from behind the name, which may hold anything. */
static bool stat_of(struct stat_line *s, const char *pid)
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
    const char *rest = strrchr(text, ')');
    return rest && sscanf(rest + 1,
                          " %c %*d %ld %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %lld %*u %llu",
                          &s->state, &s->group, &s->started, &s->pages) == 4;
}

static bool is_dead(const struct stat_line *s)
{
    return s->state == 'Z' || s->state == 'X';
}

void proc_group_read(struct proc_group *g, pid_t group)
{
    struct stat_line s;
    unsigned long long pages = 0;
    *g = (struct proc_group){0};
    DIR *proc = opendir("/proc");
    for (struct dirent *d; proc && (d = readdir(proc));) {
        if (d->d_name[0] < '1' || d->d_name[0] > '9' || !stat_of(&s, d->d_name) || s.group != group || is_dead(&s))
            continue;
        g->processes++;
        pages += s.pages;
    }
    if (proc)
        closedir(proc);
    g->bytes = (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static bool stat_of_pid(struct stat_line *s, pid_t pid)
{
    char name[24];
    snprintf(name, sizeof name, "%ld", (long)pid);
    return pid > 0 && stat_of(s, name);
}

bool proc_identify(struct proc_id *id, pid_t pid)
{
    struct stat_line s;
    if (!stat_of_pid(&s, pid))
        return false;
    *id = (struct proc_id){.pid = pid, .started = s.started};
    return true;
}

bool proc_runs(const struct proc_id *id)
{
    struct stat_line s;
    return stat_of_pid(&s, id->pid) && s.started == id->started && !is_dead(&s);
}

/* 1: nothing of the group runs any more; 0: something does after so many seconds. */
static int group_gone(pid_t group, double seconds)
{
    int64_t until = clock_ns() + (int64_t)(seconds * 1e9);
    struct proc_group g;
    for (;;) {
        proc_group_read(&g, group);
        if (g.processes == 0)
            return 1;
        if (clock_ns() >= until)
            return 0;
        clock_sleep_ns(LOOK_NS);
    }
}

int proc_end_other(const struct proc_id *id, double grace_s, struct err *err)
{
    struct stat_line s;
    if (!proc_runs(id))
        return 0;
    if (!stat_of_pid(&s, id->pid) || s.group != id->pid)
        return err_set(err, ERR_USAGE, "process %ld leads no group: prony did not start it", (long)id->pid);
    if (kill(-id->pid, SIGTERM) < 0 && errno != ESRCH)
        return err_set_errno(err, errno, "cannot end process %ld", (long)id->pid);
    if (group_gone(id->pid, grace_s))
        return 0;
    kill(-id->pid, SIGKILL);
    return group_gone(id->pid, 2) ? 0 : err_set(err, ERR_TIMEOUT, "process %ld was killed and is still there",
                                                 (long)id->pid);
}
