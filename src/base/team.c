/* team.c - see team.h. Two meeting points serve for everything: `epoch` starts a run, `arrived`/`generation` is a
 * barrier in the middle of one and its end. Waiting is the same loop on both: read the word, spin, then sleep on it. A waker
 * calls the kernel only if somebody may sleep. */
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
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"

enum {
    LINE = 64,
    SPINS = 4000, /* of one pause each: some 40 microseconds, about a matrix product of a small layer */
};

struct word {
    _Alignas(LINE) atomic_uint value;
    atomic_uint sleepers;
};

struct team {
    struct word epoch, generation;
    _Alignas(LINE) atomic_uint arrived;
    _Alignas(LINE) atomic_size_t next;
    _Alignas(LINE) team_fn *fn; /* written before epoch moves, read after */
    void *arg;
    bool closing;
    int size, started, spins;
    pthread_t threads[TEAM_MAX];
    struct member {
        struct team *team;
        int rank, processor; /* -1: not pinned */
    } members[TEAM_MAX];
};

static void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb" ::: "memory");
#endif
}

/* Waits until the word is no longer `old`. */
static void wait_change(struct word *w, unsigned old, int spins)
{
    for (int i = 0; i < spins; i++) {
        if (atomic_load_explicit(&w->value, memory_order_acquire) != old)
            return;
        relax();
    }
    atomic_fetch_add(&w->sleepers, 1);
    while (atomic_load(&w->value) == old)
        syscall(SYS_futex, &w->value, FUTEX_WAIT_PRIVATE, old, NULL, NULL, 0);
    atomic_fetch_sub(&w->sleepers, 1);
}

static void change(struct word *w)
{
    atomic_fetch_add(&w->value, 1);
    if (atomic_load(&w->sleepers) > 0)
        syscall(SYS_futex, &w->value, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0);
}

void team_barrier(struct team *t)
{
    if (t->size == 1) {
        atomic_store_explicit(&t->next, 0, memory_order_relaxed);
        return;
    }
    unsigned generation = atomic_load_explicit(&t->generation.value, memory_order_relaxed);
    if (atomic_fetch_add_explicit(&t->arrived, 1, memory_order_acq_rel) + 1 == (unsigned)t->size) {
        atomic_store_explicit(&t->arrived, 0, memory_order_relaxed);
        atomic_store_explicit(&t->next, 0, memory_order_relaxed);
        change(&t->generation);
    } else {
        wait_change(&t->generation, generation, t->spins);
    }
}

size_t team_next(struct team *t)
{
    return atomic_fetch_add_explicit(&t->next, 1, memory_order_relaxed);
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
        wait_change(&t->epoch, epoch, t->spins);
        epoch++;
        if (t->closing)
            return NULL;
        t->fn(t->arg, m->rank, t->size);
        team_barrier(t);
    }
}

void team_run(struct team *t, team_fn *fn, void *arg)
{
    if (t->size > 1) {
        t->fn = fn;
        t->arg = arg;
        change(&t->epoch);
    }
    fn(arg, 0, t->size);
    team_barrier(t);
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
    t->spins = size <= processors ? SPINS : 0;

    cpu_set_t allowed;
    bool pin = size <= processors && sched_getaffinity(0, sizeof allowed, &allowed) == 0;
    sigset_t all, old; /* signals are the caller's: members block them */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    /* The last processors of the mask go to the members; the caller, whom nobody pins, finds the first one free. */
    int processor = CPU_SETSIZE - 1;
    int failed = 0;
    for (int rank = 1; rank < size && !failed; rank++) {
        struct member *m = &t->members[rank];
        *m = (struct member){.team = t, .rank = rank, .processor = -1};
        if (pin) {
            while (processor >= 0 && !CPU_ISSET(processor, &allowed))
                processor--;
            m->processor = processor--;
        }
        failed = pthread_create(&t->threads[rank], NULL, member_main, m);
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
        pthread_join(t->threads[rank], NULL);
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
