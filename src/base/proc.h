/* proc.h - a child process in a group of its own, with limits in time, of which nothing is left behind.
 *
 * One that works while we look on (a server, a worker on pipes):
 *
 *     const char *argv[] = {"python3", "-u", script, NULL};
 *     struct proc_options o = {.argv = argv, .in = PROC_PIPE, .out = PROC_PIPE, .err = PROC_FILE, .err_path = "worker.log"};
 *     struct proc p;
 *     TRY(proc_start(&p, &o, err));
 *     ... file_write_all(p.in, ...), proc_read(&p, p.out, ..., 30) ...
 *     proc_close_pipe(&p.in);                   // many a child ends by itself at the end of its input
 *     if (proc_wait(&p, 10) == 0) ...           // still running after 10 s
 *     proc_end(&p, 2);                          // in any case: TERM, 2 s later KILL, reaped, pipes closed
 *     rc = proc_check(&p, "the worker", err);   // -1 "the worker ended with exit code 3"
 *
 * One whose output is all that is wanted:
 *
 *     struct buf out = BUF_INIT(1 << 16);
 *     struct proc_talk talk = {.out = &out, .limit_s = 20};
 *     rc = proc_run(&o, &talk, err);
 *
 * Invariants:
 * - The child leads its own process group: signals go to all that it has started, and Ctrl-C at the terminal goes to us
 *   alone. Its signals are at their defaults, none blocked; of our open files it has its three streams and no other.
 * - It is killed when the thread that started it ends, however that comes about (so start children from a thread that
 *   lasts). Its own children are not: a child that has some must see to it itself, as by the end of its input. With `keep`
 *   it outlives us, in a session of its own.
 * - It stays a zombie, and thus the number of its group ours, until proc_end. Who starts must end.
 */
#ifndef BASE_PROC_H
#define BASE_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

enum proc_stream {
    PROC_NULL,    /* /dev/null */
    PROC_INHERIT, /* ours */
    PROC_PIPE,    /* a pipe whose other end is in struct proc */
    PROC_FILE,    /* `..._path`: read, or made where it is missing and added to */
    PROC_TO_OUT,  /* `err` alone: the same as `out` */
};

struct proc_options {
    const char *const *argv; /* ends with NULL. argv[0] without a '/' is looked for in PATH */
    const char *const *env;  /* "NAME=value" sets, "NAME" takes away; the rest is ours. Ends with NULL; NULL: all ours */
    const char *cwd;         /* the folder it works in; NULL: ours. A relative argv[0] is looked for in ours */
    enum proc_stream in, out, err;
    const char *in_path, *out_path, *err_path;
    bool keep;               /* it outlives us */
};

struct proc {
    pid_t pid;       /* and the number of its group */
    int in, out, err; /* our ends of its pipes, else -1 */
    bool ended;      /* `status` (as of waitpid) is known */
    int status;
    /* after proc_end */
    bool reaped;
    int64_t peak_bytes; /* the largest resident set of the child, or of one that it waited for itself */
    double user_s, system_s;
};

/* A program that is not there is ERR_MISSING; one that cannot be run, or a folder or file that cannot be opened, ERR_IO.
 * After a failure there is nothing to end. */
int proc_start(struct proc *p, const struct proc_options *o, struct err *err);

/* Waits until it has ended: 1, or 0 if it still runs after so many seconds (0: looks and returns). */
int proc_wait(struct proc *p, double seconds);

/* Leaves nothing of it: if anything of its group runs, TERM to all of it, KILL after `grace_s`; then reaps the child and
 * closes the pipes. A second call does nothing. */
void proc_end(struct proc *p, double grace_s);

/* How it ended, in words: "ended with exit code 3", "was killed by signal 9 (Killed)". Returns `text`. */
enum { PROC_ENDING_MAX = 96 };
const char *proc_ending(const struct proc *p, char text[PROC_ENDING_MAX]);

/* 0 for one that ended with exit code 0, else ERR_ENGINE "WHO ended ...". */
int proc_check(const struct proc *p, const char *who, struct err *err);

void proc_close_pipe(int *fd); /* and makes it -1 */

/* What the pipe holds, at most `size` bytes: their number, 0 at its end, -1 (ERR_TIMEOUT after so many seconds without
 * one byte). */
ssize_t proc_read(int fd, void *bytes, size_t size, double seconds, struct err *err);

struct proc_talk {
    const char *input; /* goes to its standard input, which then ends; NULL: none */
    size_t input_len;
    struct buf *out, *err; /* get what it writes; NULL: as in the options. More than their maximum is ERR_LIMIT */
    double limit_s;        /* for all of it; 0: none */
    double grace_s;        /* as of proc_end; 0: 2 */
    bool (*stop)(void *arg); /* asked a few times a second: true is ERR_INTERRUPTED. NULL: never */
    void *arg;
    /* out */
    struct proc ended;     /* how it ended; its pipes are closed */
};

/* Runs it to its end, which must be with exit code 0. Streams that `talk` has a use for become pipes. Whatever the
 * outcome, no process of its group is left and what it wrote before is in the buffers. */
int proc_run(const struct proc_options *o, struct proc_talk *talk, struct err *err);

/* What runs in a group at this instant; one look into /proc. */
struct proc_group {
    int processes;  /* zombies aside */
    uint64_t bytes; /* the sum of their resident sets: pages that two share count twice */
};
void proc_group_read(struct proc_group *g, pid_t group);

/* A process that another prony left running (`keep`), known by its number and when it started, since numbers come round
 * again. Both are kept in a file by who started it. */
struct proc_id {
    pid_t pid;
    int64_t started; /* in ticks since the machine started */
};
bool proc_identify(struct proc_id *id, pid_t pid); /* false: no such process */
bool proc_runs(const struct proc_id *id);          /* the very same one, not as a zombie */
/* As proc_end, for the group that it leads. -1 if it may not be signalled, or is there still: true to its word, 0 means
 * that it is gone. */
int proc_end_other(const struct proc_id *id, double grace_s, struct err *err);

#endif
