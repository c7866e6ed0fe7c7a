/* peak.h - what this machine can do at most, measured: the rulers that every other figure is held against.
 *
 *     struct peaks p;
 *     TRY(peaks_measure(&p, kernels, team, 0.5, err));          // about half a second
 *     printf("decode reads at %.0f %% of %.1f GB/s\n", 100 * bytes / seconds / p.read_bytes, p.read_bytes / 1e9);
 *
 * Read bandwidth: all members of the team sum disjoint parts of one block far larger than the caches, in order; the best
 * pass counts, because a pass that a neighbour disturbed says nothing of the machine. Arithmetic: twelve independent
 * chains of the instruction in question, each started from its own value (a compiler merges equal ones), from registers
 * only. Both are limits that no real kernel reaches; kernels.md in docs/ says how near ours come.
 */
#ifndef KERNELS_PEAK_H
#define KERNELS_PEAK_H

#include <stddef.h>

#include "base/err.h"
#include "base/team.h"
#include "kernels/kernels.h"

/* Per second, of the whole team. An operation is a multiplication or an addition: a fused one counts two. 0: this
 * processor has no such instruction. */
struct peaks {
    double read_bytes;
    double f32, bf16, int8;
    int threads;
};

int peaks_measure(struct peaks *out, const struct kernel_set *set, struct team *team, double seconds, struct err *err);

/* Reads `bytes` at `data` as fast as the set can, once, and returns the seconds it took: the same ruler laid on memory of
 * one's own (a mapped model has other pages than a fresh block). */
double peak_read_seconds(const struct kernel_set *set, struct team *team, const void *data, size_t bytes);

/* ---- for the sets --------------------------------------------------------------------------------------------------- */

/* The chains of one instruction, for the body of a row's function: each is STARTed from its own value of `sink`, takes one
 * STEP a turn (an expression of `x`, the chain so far), and leaves END of itself there. */
#define PEAK_CHAINS 12
#define PEAK_CHAIN(type, turns, sink, start, step, end)                                                                 \
    do {                                                                                                                \
        type chain_[PEAK_CHAINS];                                                                                       \
        for (int i_ = 0; i_ < PEAK_CHAINS; i_++)                                                                        \
            chain_[i_] = start((sink)[i_]);                                                                             \
        for (size_t t_ = 0; t_ < (turns); t_++)                                                                         \
            _Pragma("GCC unroll 12") for (int i_ = 0; i_ < PEAK_CHAINS; i_++)                                           \
            {                                                                                                           \
                type x = chain_[i_];                                                                                    \
                chain_[i_] = (step);                                                                                    \
            }                                                                                                           \
        for (int i_ = 0; i_ < PEAK_CHAINS; i_++)                                                                        \
            (sink)[i_] = (float)end(chain_[i_]);                                                                        \
    } while (0)

struct peak_row {
    const char *set; /* name of the kernel_set */
    unsigned (*read)(const void *data, size_t bytes); /* whole 256-byte pieces; any value that depends on all */
    /* Runs `turns` turns and returns the operations done in one; NULL: no such instruction. */
    double (*f32)(size_t turns, float *sink);
    double (*bf16)(size_t turns, float *sink);
    double (*int8)(size_t turns, float *sink);
};

extern const struct peak_row peak_scalar;
#if defined(__x86_64__)
extern const struct peak_row peak_avx2, peak_avx512;
#elif defined(__aarch64__)
extern const struct peak_row peak_neon;
#endif

#endif
