/* importance.h - how much each column of each weight matters: the mean square of the activations that met it.
 *
 *     struct importance *im;
 *     TRY(importance_new(&im, err));
 *     importance_add(im, "blk.0.ffn_down.weight", x, rows, columns);      // while a text runs through the model
 *     const float *w = importance_of(im, "blk.0.ffn_down.weight", columns);
 *
 * Sums are kept in float64 in the order of the calls.
 */
#ifndef TRANSFORM_IMPORTANCE_H
#define TRANSFORM_IMPORTANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct importance;

int importance_new(struct importance **out, struct err *err);
void importance_free(struct importance *im);

/* Room for a weight: later calls of importance_add for it allocate nothing. */
int importance_reserve(struct importance *im, const char *name, size_t columns, struct err *err);
/* x [rows][columns]: inputs that the named weight was multiplied with. */
int importance_add(struct importance *im, const char *name, const float *x, size_t rows, size_t columns, struct err *err);

/* [columns] mean squares, borrowed until the next add; NULL if the weight never met an input of that width. */
const float *importance_of(struct importance *im, const char *name, size_t columns);

/* What was summed up elsewhere: float32 sums of squares of `rows` inputs, not aligned; not finite or below 0 is ERR_INPUT. */
int importance_add_sums(struct importance *im, const char *name, const void *sums, uint64_t rows, size_t columns,
                        struct err *err);

/* Weight i in the order of their first inputs; false past the last. Borrowed until the next add. */
struct importance_entry {
    const char *name;
    const double *sums; /* [columns] */
    size_t columns;
    uint64_t rows;
};
bool importance_at(const struct importance *im, size_t i, struct importance_entry *out);

size_t importance_count(const struct importance *im); /* weights */

#endif
