/* team.h - one persistent team of threads that computes together.
 *
 *     struct team *t;
 *     TRY(team_open(&t, 0, err));                    // 0: as many as this process may use
 *     team_run(t, work, &arg);                       // work(&arg, rank, size) on every member, returns when all are done
 *     team_close(t);
 *
 * The caller is member 0; the others are threads pinned one to a processor for as long as the team lives. Between two
 * runs a member spins for some ten microseconds, because the next operation of a token usually follows at once, and then
 * sleeps on a futex. Where there are more members than processors nobody spins.
 *
 * A team is used by one thread at a time. What is computed must not depend on the size of the team: every output is
 * the work of one member, summed in an order that the size does not change. team_next hands out work in small pieces,
 * so that a member which the system interrupts does not hold up the others.
 */
#ifndef BASE_TEAM_H
#define BASE_TEAM_H

#include <stddef.h>

#include "base/err.h"

enum { TEAM_MAX = 256 };

struct team;
typedef void team_fn(void *arg, int rank, int size);

/* Processors this process may use: its affinity mask, and what a cgroup quota leaves (rounded up), at least 1. */
int team_processors(void);

/* Gives *out. threads 0: team_processors(); otherwise 1 .. TEAM_MAX, also more than there are processors. */
int team_open(struct team **out, int threads, struct err *err);
void team_close(struct team *t); /* NULL is fine */
int team_size(const struct team *t);

/* Runs fn on every member and returns when all have finished. Nothing is allocated. */
void team_run(struct team *t, team_fn *fn, void *arg);

/* Within a run. All members wait for each other; what was written before is seen by all after. */
void team_barrier(struct team *t);
/* Within a run. The next piece of work: 0, 1, 2 ... each handed out once; starts at 0 in every run and after every
 * team_barrier. */
size_t team_next(struct team *t);

/* The part [*from, *to) of n items that falls to `rank`, as equal as can be, in order; both multiples of `grain`
 * except at the end. */
void team_share(size_t n, size_t grain, int rank, int size, size_t *from, size_t *to);

#endif
