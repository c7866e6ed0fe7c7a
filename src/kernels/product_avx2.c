/* product_avx2.c - product_body.h compiled for this instruction set. */
#include "kernels/vec_avx2.h"

#include "kernels/product_body.h"
#include "kernels/sets.h"

void ISA(product_plan)(const struct product *p, struct product_plan *plan)
{
    plan_product(p, plan);
}

void ISA(product_pack)(const struct product *p, const struct product_plan *plan, size_t piece, void *packed)
{
    pack_piece(p, plan, piece, packed);
}

void ISA(product_chunk)(const struct product *p, const struct product_plan *plan, const void *packed, void *work,
                        size_t from, size_t to)
{
    multiply_chunk(p, plan, packed, work, from, to);
}
