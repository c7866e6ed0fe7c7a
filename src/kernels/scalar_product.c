/* scalar_product.c - the plain matrix product: weights decoded to float32, sums in float64, k in order. The oracle. */
#include "kernels/decode.h"
#include "kernels/sets.h"

void product_plan_scalar(const struct product *p, struct product_plan *plan)
{
    *plan = (struct product_plan){.work_bytes = p->w.k * sizeof(float), .chunk = 16};
}

void product_pack_scalar(const struct product *p, const struct product_plan *plan, size_t piece, void *packed)
{
    (void)p, (void)plan, (void)piece, (void)packed; /* a plan without tiles: never called */
}

void product_chunk_scalar(const struct product *p, const struct product_plan *plan, const void *packed, void *work,
                          size_t from, size_t to)
{
    (void)plan, (void)packed;
    float *w = work;
    for (size_t j = from; j < to; j++) {
        decode_row(p->w.type, (const uint8_t *)p->w.data + j * p->w.stride, w, p->w.k);
        for (size_t r = 0; r < p->rows; r++) {
            const float *x = p->x + r * p->x_stride;
            double sum = 0;
            for (size_t i = 0; i < p->w.k; i++)
                sum += (double)x[i] * (double)w[i];
            p->y[r * p->y_stride + j] = (float)sum;
        }
    }
}
