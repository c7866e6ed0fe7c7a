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

#include <stddef.h>

#include "base/err.h"

struct importance;

int importance_new(struct importance **out, struct err *err);
void importance_free(struct importance *im);

/* x [rows][columns]: inputs that the named weight was multiplied with. */
int importance_add(struct importance *im, const char *name, const float *x, size_t rows, size_t columns, struct err *err);

/* [columns] mean squares, borrowed until the next add; NULL if the weight never met an input of that width. */
const float *importance_of(struct importance *im, const char *name, size_t columns);

size_t importance_count(const struct importance *im); /* weights */

#endif
