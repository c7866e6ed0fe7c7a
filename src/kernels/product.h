/* product.h - matrix products on a team: packs the activations, hands out chunks of weights. See kernels.h for the way
 * from a file to a product. */
#ifndef KERNELS_PRODUCT_H
#define KERNELS_PRODUCT_H

#include "base/team.h"
#include "kernels/kernels.h"

enum { PRODUCTS_MAX = 8 };

/* Bytes of scratch (aligned to 64) that product_run needs for these products and this many threads. More rows need more,
 * up to PRODUCT_ROWS at a time; so a caller asks once with its largest number of rows. */
size_t product_scratch(const struct kernel_set *k, const struct product *p, size_t n, int threads);

/* n <= PRODUCTS_MAX independent products in one go: those with the same x and rows share its packed form, and the team
 * meets only twice. The same bits for any size of the team. */
void product_run(const struct kernel_set *k, struct team *t, const struct product *p, size_t n, void *scratch);

#endif
