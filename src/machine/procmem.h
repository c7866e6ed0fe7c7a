/* procmem.h - memory of a process and all below it. */
#ifndef MACHINE_PROCMEM_H
#define MACHINE_PROCMEM_H

#include <stdint.h>
#include <sys/types.h>

struct procmem {
    int64_t rss;       /* resident bytes, summed over the tree; pages that two share count twice */
    int64_t anonymous; /* of them: not backed by a file. A mapped model is not in it */
    int64_t peak;      /* sum of each process' own highest rss so far */
    int processes;     /* 0: `pid` does not exist (any more), and all else is 0 */
};

/* Cheap enough to poll: a few small files of /proc a process. */
void procmem_read(struct procmem *out, pid_t pid);

/* Proportional set size of one process: shared pages are divided among their users. Walks its page tables (slow for
 * large processes). -1: cannot be read. */
int64_t procmem_pss(pid_t pid);

#endif
