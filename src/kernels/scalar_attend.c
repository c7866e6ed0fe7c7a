/* scalar_attend.c - attention plainly: scores of a head, their softmax, the weighted sum, all in float64. Scores are made
 * twice instead of being kept, so that no memory is needed. */
#include <math.h>

#include "kernels/attention.h"
#include "kernels/decode.h"
#include "kernels/sets.h"

size_t attend_bytes_scalar(size_t heads, size_t heads_kv, size_t dim)
{
    (void)heads, (void)heads_kv;
    return dim * (sizeof(float) + sizeof(double));
}

size_t attend_rows_scalar(const struct attend *a, size_t from)
{
    (void)a, (void)from;
    return 1;
}

/* Slot number i of what a row sees. */
static size_t slot_of(const struct sight *s, int32_t i)
{
    int32_t run = s->to > s->from ? s->to - s->from : 0;
    return (size_t)(i < run ? s->from + i : s->more[i - run]);
}

static double score(const struct attend *a, const struct sight *s, int32_t i, size_t head_bytes, const float *q,
                    float *row)
{
    decode_row(a->type, s->k + slot_of(s, i) * s->stride_k + head_bytes, row, a->dim);
    double sum = 0;
    for (size_t d = 0; d < a->dim; d++)
        sum += (double)q[d] * (double)row[d];
    sum *= (double)a->scale;
    return a->softcap > 0 ? (double)a->softcap * tanh(sum / (double)a->softcap) : sum;
}

void attend_scalar(const struct attend *a, size_t head_kv, size_t from, size_t to, void *work)
{
    const size_t dim = a->dim, group = a->heads / a->heads_kv;
    const size_t head_bytes = head_kv * (dim / dtype_block(a->type)) * dtype_block_bytes(a->type);
    double *sum = work;
    float *row = (float *)(sum + dim);
    for (size_t r = from; r < to; r++) {
        const struct sight *s = &a->sight[r];
        const int32_t n = (s->to > s->from ? s->to - s->from : 0) + s->n_more;
        for (size_t h = head_kv * group; h < (head_kv + 1) * group; h++) {
            const float *q = a->q + (r * a->heads + h) * dim;
            float *out = a->out + (r * a->heads + h) * dim;
            double top = -INFINITY, total = 0;
            for (int32_t i = 0; i < n; i++)
                top = fmax(top, score(a, s, i, head_bytes, q, row));
            for (size_t d = 0; d < dim; d++)
                sum[d] = 0;
            for (int32_t i = 0; i < n; i++) {
                double p = exp(score(a, s, i, head_bytes, q, row) - top);
                total += p;
                decode_row(a->type, s->v + slot_of(s, i) * s->stride_v + head_bytes, row, dim);
                for (size_t d = 0; d < dim; d++)
                    sum[d] += p * (double)row[d];
            }
            for (size_t d = 0; d < dim; d++)
                out[d] = n > 0 ? (float)(sum[d] / total) : 0;
        }
    }
}
