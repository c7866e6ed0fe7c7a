/* team.c - see team.h.
 *
 * A run has a number, `epoch`, on which members wait. Its `gate` says whether members may still enter and how many have; the
 * caller, when no piece is left, closes it and waits only for those inside (`left`). Whoever was not on a processor in the
 * meantime finds the gate closed and waits for the next run. Waiting is one loop everywhere: read the word, spin, then sleep
 * on it. A waker calls the kernel only if somebody may sleep.
 *
 * The pieces of a member are one word, [from, to): the owner takes the first, a thief the last. */
#include "base/team.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"

enum {
    LINE = 64,
    SPINS = 4000, /* of one pause each: some 40 microseconds, about a matrix product of a small layer */
    SPINS_DISTURBED = 100,
    PATIENCE = 32, /* interruptions after which a member is no longer pinned */
};
static const uint64_t OPEN = 1u << 31; /* in the gate: epoch << 32 | OPEN | members that entered */

struct word {
    _Alignas(LINE) atomic_uint value;
    atomic_uint sleepers;
};

/* What one member knows of itself. */
struct member {
    _Alignas(LINE) _Atomic uint64_t pieces; /* to << 32 | from */
    struct team *team;
    pthread_t thread;
    int rank, processor, spins; /* processor -1: not pinned */
    long interrupted;           /* times that the system took the processor away, as of the last sleep */
};

struct team {
    struct word epoch, left;
    _Alignas(LINE) _Atomic uint64_t gate;
    _Alignas(LINE) team_fn *fn; /* or piece; written before the gate opens, read after entering */
    team_piece_fn *piece;
    void *arg;
    atomic_bool closing;
    int size, started;
    cpu_set_t allowed;
    struct member members[TEAM_MAX];
};

static void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb" ::: "memory");
#endif
}

/* Before a member sleeps: how it waits depends on whether it has been alone on its processor since the last time. */
static void look_around(struct member *m)
{
    struct rusage usage;
    if (m->spins == 0 || getrusage(RUSAGE_THREAD, &usage) < 0)
        return;
    const bool disturbed = usage.ru_nivcsw > m->interrupted;
    m->spins = disturbed ? SPINS_DISTURBED : 2 * m->spins < SPINS ? 2 * m->spins : SPINS;
    m->interrupted = usage.ru_nivcsw;
    if (m->processor >= 0 && m->interrupted >= PATIENCE) {
        m->processor = -1;
        sched_setaffinity(0, sizeof m->team->allowed, &m->team->allowed);
    }
}

/* Waits until the word is no longer `old`, and gives what it is. */
static unsigned wait_change(struct word *w, unsigned old, struct member *m)
{
    unsigned now;
    for (int i = 0; i <= m->spins; i++) {
        if ((now = atomic_load_explicit(&w->value, memory_order_acquire)) != old)
            return now;
        relax();
    }
    look_around(m);
    atomic_fetch_add(&w->sleepers, 1);
    while ((now = atomic_load(&w->value)) == old)
        syscall(SYS_futex, &w->value, FUTEX_WAIT_PRIVATE, old, NULL, NULL, 0);
    atomic_fetch_sub(&w->sleepers, 1);
    return now;
}

static void change(struct word *w)
{
    atomic_fetch_add(&w->value, 1);
    if (atomic_load(&w->sleepers) > 0)
        syscall(SYS_futex, &w->value, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0);
}

/* Takes the first or the last piece of a member. */
static bool take(struct member *m, bool first, size_t *piece)
{
    uint64_t old = atomic_load_explicit(&m->pieces, memory_order_relaxed), rest;
    do {
        const uint64_t from = old & UINT32_MAX, to = old >> 32;
        if (from >= to)
            return false;
        *piece = first ? from : to - 1;
        rest = first ? to << 32 | (from + 1) : (to - 1) << 32 | from;
    } while (!atomic_compare_exchange_weak_explicit(&m->pieces, &old, rest, memory_order_relaxed, memory_order_relaxed));
    return true;
}

static void work(struct team *t, int rank)
{
    size_t piece;
    if (t->fn) {
        t->fn(t->arg, rank, t->size);
        return;
    }
    while (take(&t->members[rank], true, &piece))
        t->piece(t->arg, rank, piece);
    for (int i = 1; i < t->size; i++)
        while (take(&t->members[(rank + i) % t->size], false, &piece))
            t->piece(t->arg, rank, piece);
}

static bool enter(struct team *t, unsigned epoch)
{
    uint64_t gate = atomic_load(&t->gate);
    do {
        if (gate >> 32 != epoch || !(gate & OPEN))
            return false;
    } while (!atomic_compare_exchange_weak(&t->gate, &gate, gate + 1));
    return true;
}

static void *member_main(void *arg)
{
    struct member *m = arg;
    struct team *t = m->team;
    if (m->processor >= 0) {
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET(m->processor, &set);
        sched_setaffinity(0, sizeof set, &set); /* a hint: refused, the member runs unpinned */
    }
    for (unsigned epoch = 0;;) {
        epoch = wait_change(&t->epoch, epoch, m);
        if (t->closing)
            return NULL;
        if (!enter(t, epoch))
            continue;
        work(t, m->rank);
        change(&t->left);
    }
}

/* Opens the gate, works, and waits for those inside: all members if `all`, else those that came. */
static void run(struct team *t, bool all)
{
    const uint64_t epoch = atomic_load_explicit(&t->epoch.value, memory_order_relaxed) + 1u;
    atomic_store(&t->left.value, 0);
    atomic_store(&t->gate, (epoch & UINT32_MAX) << 32 | OPEN);
    change(&t->epoch);
    work(t, 0);
    unsigned inside = all ? (unsigned)t->size - 1 : (unsigned)(atomic_fetch_and(&t->gate, ~OPEN) & (OPEN - 1)), left;
    while ((left = atomic_load_explicit(&t->left.value, memory_order_acquire)) != inside)
        wait_change(&t->left, left, &t->members[0]);
}

void team_run(struct team *t, team_fn *fn, void *arg)
{
    t->fn = fn;
    t->arg = arg;
    if (t->size > 1)
        run(t, true);
    else
        work(t, 0);
}

void team_each(struct team *t, size_t n, team_piece_fn *fn, void *arg)
{
    if (t->size == 1 || n < 2) {
        for (size_t i = 0; i < n; i++)
            fn(arg, 0, i);
        return;
    }
    t->fn = NULL;
    t->piece = fn;
    t->arg = arg;
    for (int rank = 0; rank < t->size; rank++) {
        size_t from, to;
        team_share(n, 1, rank, t->size, &from, &to);
        atomic_store_explicit(&t->members[rank].pieces, (uint64_t)to << 32 | from, memory_order_relaxed);
    }
    run(t, false);
}

/* Whole processors that cgroup v2's "QUOTA PERIOD" leaves, or INT32_MAX without a limit. */
static int quota_processors(void)
{
    FILE *f = fopen("/sys/fs/cgroup/cpu.max", "re");
    if (!f)
        return INT32_MAX;
    long quota, period;
    int got = fscanf(f, "%ld %ld", &quota, &period);
    fclose(f);
    if (got != 2 || quota <= 0 || period <= 0 || quota / period >= INT32_MAX)
        return INT32_MAX;
    return (int)((quota + period - 1) / period);
}

int team_processors(void)
{
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : (int)sysconf(_SC_NPROCESSORS_ONLN);
    int quota = quota_processors();
    n = n < quota ? n : quota;
    return n < 1 ? 1 : n > TEAM_MAX ? TEAM_MAX : n;
}

int team_open(struct team **out, int threads, struct err *err)
{
    if (threads < 0 || threads > TEAM_MAX)
        return err_set(err, ERR_USAGE, "%d threads asked for: between 1 and %d are possible", threads, TEAM_MAX);
    int processors = team_processors();
    int size = threads ? threads : processors;
    struct team *t = mem_alloc_aligned(1, sizeof *t, LINE, err);
    if (!t)
        return -1;
    memset(t, 0, sizeof *t);
    t->size = size;

    bool room = size <= processors, pin = room && sched_getaffinity(0, sizeof t->allowed, &t->allowed) == 0;
    sigset_t all, old; /* signals are the caller's: members block them */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    /* The last processors of the mask go to the members; the caller, whom nobody pins, finds the first one free. */
    int processor = CPU_SETSIZE - 1;
    int failed = 0;
    for (int rank = 0; rank < size; rank++)
        t->members[rank] = (struct member){.team = t, .rank = rank, .processor = -1, .spins = room ? SPINS : 0};
    for (int rank = 1; rank < size && !failed; rank++) {
        struct member *m = &t->members[rank];
        if (pin) {
            while (processor >= 0 && !CPU_ISSET(processor, &t->allowed))
                processor--;
            m->processor = processor--;
        }
        failed = pthread_create(&m->thread, NULL, member_main, m);
        if (!failed)
            t->started = rank;
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (failed) {
        err_set_errno(err, failed, "thread %d of %d could not be started", t->started + 1, size);
        team_close(t);
        return -1;
    }
    *out = t;
    return 0;
}

void team_close(struct team *t)
{
    if (!t)
        return;
    t->closing = true;
    change(&t->epoch);
    for (int rank = 1; rank <= t->started; rank++)
        pthread_join(t->members[rank].thread, NULL);
    free(t);
}

int team_size(const struct team *t)
{
    return t->size;
}

void team_share(size_t n, size_t grain, int rank, int size, size_t *from, size_t *to)
{
    size_t grains = (n + grain - 1) / grain;
    size_t base = grains / (size_t)size, extra = grains % (size_t)size, r = (size_t)rank;
    size_t first = r * base + (r < extra ? r : extra);
    size_t last = first + base + (r < extra ? 1 : 0);
    *from = first * grain < n ? first * grain : n;
    *to = last * grain < n ? last * grain : n;
}
