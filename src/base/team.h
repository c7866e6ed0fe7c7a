/* team.h - one persistent team of threads that computes together.
 *
 *     struct team *t;
 *     TRY(team_open(&t, 0, err));                    // 0: as many as this process may use
 *     team_each(t, n, work, &arg);                   // work(&arg, rank, i) once for each i < n, returns when all are done
 *     team_close(t);
 *
 * The caller is member 0; the others are threads, each pinned to a processor of its own. Between two runs a member spins
 * for some ten microseconds, because the next operation of a token usually follows at once, and then sleeps on a futex.
 *
 * On a machine with other work nobody waits for a member that is not there: who comes late to a team_each finds its
 * share taken by the others. A member that was interrupted spins less, and one that is interrupted again and again is
 * no longer pinned, so that the system can move it. Where there are more members than processors nobody spins or is pinned.
 *
 * A team is used by one thread at a time. What is computed must not depend on the size of the team or on who computes
 * what: every output is the work of one piece, summed in an order that the size does not change.
 */
#ifndef BASE_TEAM_H
#define BASE_TEAM_H

#include <stddef.h>

#include "base/err.h"

enum { TEAM_MAX = 256 };

struct team;
typedef void team_fn(void *arg, int rank, int size);
typedef void team_piece_fn(void *arg, int rank, size_t piece);

/* Processors this process may use: its affinity mask, and what a cgroup quota leaves (rounded up), at least 1. */
int team_processors(void);

/* Gives *out. threads 0: team_processors(); otherwise 1 .. TEAM_MAX, also more than there are processors. */
int team_open(struct team **out, int threads, struct err *err);
void team_close(struct team *t); /* NULL is fine */
int team_size(const struct team *t);

/* Calls fn once for every piece 0 .. n-1, n < 2^31, and returns when all are done. A member walks its own share of the
 * pieces upwards, so that neighbouring pieces may be neighbours in memory, and then takes from the end of the others'
 * shares. rank: of the member that does it, for scratch memory. Nothing is allocated. */
void team_each(struct team *t, size_t n, team_piece_fn *fn, void *arg);

/* Runs fn exactly once on every member and returns when all have finished: for what needs all threads, measurements for
 * instance. */
void team_run(struct team *t, team_fn *fn, void *arg);

/* The part [*from, *to) of n items that falls to `rank`, as equal as can be, in order; both multiples of `grain`
 * except at the end. */
void team_share(size_t n, size_t grain, int rank, int size, size_t *from, size_t *to);

#endif
