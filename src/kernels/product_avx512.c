/* product_avx512.c - product_body.h compiled for this instruction set; a single row goes another way (gemv_avx512.h),
 * and so do a few (direct_avx512.h). */
#include "kernels/vec_avx512.h"

#include "kernels/gemv_avx512.h"
#include "kernels/product_body.h"
#include "kernels/direct_avx512.h"
#include "kernels/sets.h"

enum { GEMV_KIND = 1u << 30, GEMV_CHUNK = 64 << 10 /* bytes of w that one call should take */ };

static bool is_gemv(const struct product *p)
{
    return p->rows == 1 && !p->row_invariant && gemv_has(p->w.type);
}

void product_plan_avx512(const struct product *p, struct product_plan *plan)
{
    if (!is_gemv(p)) {
        plan_product(p, plan);
        return;
    }
    const size_t side = gemv_side_by_side(p->w.type), rows = GEMV_CHUNK / p->w.stride / side * side;
    *plan = (struct product_plan){.kind = GEMV_KIND + gemv_kind(p->w.type), .tiles = 1, .stripes = 1, .chunk = rows ? rows : side,
                                  .packed_bytes = gemv_packed_bytes(p->w.type, p->w.k)};
}

void product_pack_avx512(const struct product *p, const struct product_plan *plan, size_t piece, void *packed)
{
    if (is_gemv(p))
        gemv_pack(p->w.type, p->x, p->w.k, packed);
    else
        pack_piece(p, plan, piece, packed);
}

void product_chunk_avx512(const struct product *p, const struct product_plan *plan, const void *packed, void *work,
                          size_t from, size_t to)
{
    if (is_gemv(p))
        gemv_rows(&p->w, packed, p->y, from, to);
    else if (is_direct(p, plan))
        direct_chunk(p, plan, packed, work, from, to);
    else
        multiply_chunk(p, plan, packed, work, from, to);
}
