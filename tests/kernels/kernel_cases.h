/* kernel_cases.h - what the kernel tests share: memory that ends at a guard page, random weights of every type. */
#ifndef KERNEL_CASES_H
#define KERNEL_CASES_H

#include "support/testing.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/dtype.h"
#include "base/rng.h"
#include "kernels/decode.h"
#include "kernels/halffloat.h"
#include "kernels/kernels.h"

/* `bytes` that end where an unreadable page begins: reading one byte too many ends the test. */
struct guarded {
    char *map, *data;
    size_t size;
};

static inline struct guarded guarded_alloc(size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    struct guarded g = {.size = (bytes + page - 1) / page * page + page};
    g.map = mmap(NULL, g.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(g.map != MAP_FAILED);
    assert_int_equal(mprotect(g.map + g.size - page, page, PROT_NONE), 0);
    g.data = g.map + g.size - page - bytes;
    return g;
}

static inline void guarded_free(struct guarded *g)
{
    munmap(g->map, g->size);
    g->map = NULL;
}

/* Where a block has its float16 scales; -1 ends. */
static inline const int *half_offsets(enum dtype t)
{
    static const int at_0[] = {0, -1}, at_0_2[] = {0, 2, -1}, q2[] = {80, 82, -1}, q3[] = {108, -1}, q6[] = {208, -1},
                     none[] = {-1};
    switch (t) {
    case DTYPE_Q4_0: case DTYPE_Q5_0: case DTYPE_Q8_0: case DTYPE_IQ4_NL: case DTYPE_IQ4_XS: return at_0;
    case DTYPE_Q4_1: case DTYPE_Q5_1: case DTYPE_Q4_K: case DTYPE_Q5_K: return at_0_2;
    case DTYPE_Q2_K: return q2;
    case DTYPE_Q3_K: return q3;
    case DTYPE_Q6_K: return q6;
    default: return none;
    }
}

/* Any bit pattern is a valid block but for its scales, which are made small numbers of both signs. */
static inline void random_weights(struct rng *r, enum dtype t, char *data, size_t bytes)
{
    const size_t block = dtype_block_bytes(t);
    if (t == DTYPE_F32 || t == DTYPE_F16 || t == DTYPE_BF16 || t == DTYPE_F64) {
        for (size_t i = 0; i < bytes; i += block) {
            double wide = rng_normal(r) * 0.05;
            float x = (float)wide;
            uint16_t h = t == DTYPE_F16 ? f16_from_f32(x) : bf16_from_f32(x);
            memcpy(data + i, t == DTYPE_F64 ? (void *)&wide : t == DTYPE_F32 ? (void *)&x : (void *)&h, block);
        }
        return;
    }
    for (size_t i = 0; i < bytes; i++)
        data[i] = (char)rng_next(r);
    if (t == DTYPE_F8_E4M3) /* not NaN */
        for (size_t i = 0; i < bytes; i++)
            data[i] &= (char)0xbf;
    for (size_t i = 0; i < bytes; i += block)
        for (const int *at = half_offsets(t); *at >= 0; at++) {
            uint16_t h = f16_from_f32((float)((rng_unit(r) - 0.3) * 0.02));
            memcpy(data + i + (size_t)*at, &h, 2);
        }
}

static inline void random_floats(struct rng *r, float *x, size_t n, double sd)
{
    for (size_t i = 0; i < n; i++)
        x[i] = (float)(rng_normal(r) * sd);
}

/* The sets under test: all but scalar that this processor has. */
static inline const struct kernel_set *fast_set(size_t i)
{
    for (size_t s = 0; s < kernels_count(); s++) {
        const struct kernel_set *set = kernels_at(s), *chosen;
        if (strcmp(set->name, "scalar") == 0 || set->missing())
            continue;
        if (i-- == 0) {
            struct err err = ERR_INIT;
            assert_ok(kernels_choose(&chosen, set->name, &err));
            return chosen;
        }
    }
    return NULL;
}

#endif
