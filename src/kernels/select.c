/* select.c - which set computes what. The chosen tables are merged once, at first use: a slot that a set leaves NULL is
 * taken from the sets below it. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "kernels/kernels.h"

static const struct kernel_set *const sets[] = {
#define KERNELS(name) &kernels_##name,
#include "kernels/list.h"
#undef KERNELS
};
enum { N_SETS = sizeof sets / sizeof sets[0] };

/* The operations of a table: name, first slot, number of slots that belong together. Slots are pointers of one size. */
#define OPERATION(slot, n) {#slot, offsetof(struct kernel_set, slot), n}
static const struct operation {
    const char *name;
    size_t at, slots;
} operations[] = {
    OPERATION(product_plan, 3), OPERATION(rms_norm, 1),    OPERATION(layer_norm, 1),     OPERATION(add, 1),
    OPERATION(silu_mul, 1),     OPERATION(gelu_tanh_mul, 1), OPERATION(gelu_erf_mul, 1), OPERATION(gelu_quick_mul, 1),
    OPERATION(relu_mul, 1),     OPERATION(softmax, 1),     OPERATION(rope_halves, 1),    OPERATION(rope_pairs, 1),
    OPERATION(store_row, 1),    OPERATION(attend_bytes, 3),
};
enum { N_OPERATIONS = sizeof operations / sizeof operations[0] };

static struct kernel_set merged[N_SETS];
static pthread_once_t merged_once = PTHREAD_ONCE_INIT;

static bool has(const struct kernel_set *set, const struct operation *op)
{
    static const char none[sizeof(void (*)(void))];
    return memcmp((const char *)set + op->at, none, sizeof none) != 0;
}

static void merge(void)
{
    for (size_t i = 0; i < N_SETS; i++) {
        merged[i] = *sets[i];
        for (size_t o = 0; o < N_OPERATIONS; o++)
            for (size_t below = i; below-- > 0 && !has(&merged[i], &operations[o]);)
                if (!sets[below]->missing())
                    memcpy((char *)&merged[i] + operations[o].at, (const char *)sets[below] + operations[o].at,
                           operations[o].slots * sizeof(void (*)(void)));
    }
}

size_t kernels_count(void)
{
    return N_SETS;
}

const struct kernel_set *kernels_at(size_t i)
{
    return sets[N_SETS - 1 - i];
}

const char *kernels_operation(const struct kernel_set *chosen, size_t i, const char **from)
{
    if (i >= N_OPERATIONS)
        return NULL;
    const size_t at = operations[i].at, bytes = operations[i].slots * sizeof(void (*)(void));
    for (size_t s = 0; s < N_SETS; s++)
        if (memcmp((const char *)chosen + at, (const char *)sets[s] + at, bytes) == 0)
            *from = sets[s]->name;
    return i == 0 ? "product" : strcmp(operations[i].name, "attend_bytes") == 0 ? "attend" : operations[i].name;
}

int kernels_choose(const struct kernel_set **out, const char *only, struct err *err)
{
    pthread_once(&merged_once, merge);
    if (!only)
        only = getenv("PRONY_KERNELS");
    if (only && *only == '\0')
        only = NULL;
    struct buf names = BUF_INIT(256);
    for (size_t i = N_SETS; i-- > 0;) {
        const char *lacks = sets[i]->missing();
        if (only && strcmp(only, sets[i]->name) == 0 && lacks) {
            buf_release(&names);
            err_set(err, ERR_UNSUPPORTED, "kernels '%s': this processor has no %s", only, lacks);
            return err_hint(err, "'prony env --kernels' lists what can be used here");
        }
        if (!lacks && (!only || strcmp(only, sets[i]->name) == 0)) {
            buf_release(&names);
            *out = &merged[i];
            return 0;
        }
        buf_printf(&names, "%s%s", names.len ? ", " : "", sets[i]->name);
    }
    err_set(err, ERR_USAGE, "'%s' is not a set of kernels of this build", only ? only : "");
    err_hint(err, "there are: %s", names.data ? names.data : "none");
    buf_release(&names);
    return -1;
}
