#include "stats/histogram.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "stats/portable.h"

int histogram_init(struct histogram *h, double alpha, struct err *err)
{
    if (alpha == 0)
        alpha = 0.01;
    if (!(alpha >= 0.0001 && alpha <= 0.5)) /* also bounds the memory: 14 million buckets at most */
        return err_set(err, ERR_USAGE, "histogram with relative error %g, expected 0.0001 to 0.5", alpha);
    *h = (struct histogram){.alpha = alpha, .gamma = (1 + alpha) / (1 - alpha), .min = NAN, .max = NAN};
    h->log_gamma = stats_log(h->gamma);
    return 0;
}

void histogram_release(struct histogram *h)
{
    free(h->above.counts);
    free(h->below.counts);
    *h = (struct histogram){.min = NAN, .max = NAN};
}

int32_t histogram_index(const struct histogram *h, double x)
{
    return (int32_t)ceil(stats_log(x) / h->log_gamma);
}

double histogram_value(const struct histogram *h, int32_t index)
{
    return 2 * stats_exp(index * h->log_gamma) / (h->gamma + 1);
}

/* Makes buckets first..last exist. Grows by half beyond what is asked, towards the side that grew. */
static int cover(struct histogram_store *s, int32_t first, int32_t last, struct err *err)
{
    if (s->size && first >= s->first && last < s->first + (int32_t)s->size)
        return 0;
    int32_t lo = first, hi = last;
    if (s->size) {
        int32_t own_last = s->first + (int32_t)s->size - 1, spare = (int32_t)(s->size / 2);
        lo = first < s->first ? first - spare : s->first;
        hi = last > own_last ? last + spare : own_last;
    }
    uint64_t *counts = mem_zalloc((size_t)(hi - lo) + 1, sizeof *counts, err);
    if (!counts)
        return -1;
    if (s->size)
        memcpy(counts + (s->first - lo), s->counts, s->size * sizeof *counts);
    free(s->counts);
    *s = (struct histogram_store){.first = lo, .size = (size_t)(hi - lo) + 1, .counts = counts};
    return 0;
}

int histogram_add(struct histogram *h, double x, uint64_t times, struct err *err)
{
    if (!isfinite(x))
        return err_set(err, ERR_USAGE, "histogram: a value of %g", x);
    if (times == 0)
        return 0;
    if (h->count > UINT64_MAX - times)
        return err_set(err, ERR_USAGE, "histogram: more than 2^64 values");
    if (x == 0) {
        h->zeros += times;
    } else {
        struct histogram_store *s = x > 0 ? &h->above : &h->below;
        int32_t i = histogram_index(h, fabs(x));
        TRY(cover(s, i, i, err));
        s->counts[i - s->first] += times;
    }
    h->min = h->count == 0 || x < h->min ? x : h->min;
    h->max = h->count == 0 || x > h->max ? x : h->max;
    h->count += times;
    h->sum += x * (double)times;
    return 0;
}

int histogram_add_all(struct histogram *h, const double *x, size_t n, struct err *err)
{
    for (size_t i = 0; i < n; i++)
        if (histogram_add(h, x[i], 1, err) < 0)
            return err_context(err, "sample %zu of %zu", i + 1, n);
    return 0;
}

/* Makes room for what `o` holds; its spare buckets are left out, or merging in turns would grow without end. */
static int cover_store(struct histogram_store *s, const struct histogram_store *o, struct err *err)
{
    size_t first = 0, end = o->size;
    while (first < end && !o->counts[first])
        first++;
    while (end > first && !o->counts[end - 1])
        end--;
    return first == end ? 0 : cover(s, o->first + (int32_t)first, o->first + (int32_t)end - 1, err);
}

static void add_store(struct histogram_store *s, const struct histogram_store *o)
{
    for (size_t i = 0; i < o->size; i++)
        if (o->counts[i])
            s->counts[o->first - s->first + (int32_t)i] += o->counts[i];
}

int histogram_merge(struct histogram *h, const struct histogram *other, struct err *err)
{
    if (h->alpha != other->alpha)
        return err_set(err, ERR_USAGE, "histograms of different relative error, %g and %g, cannot be merged", h->alpha,
                       other->alpha);
    if (h->count > UINT64_MAX - other->count)
        return err_set(err, ERR_USAGE, "histogram: more than 2^64 values");
    if (other->count == 0)
        return 0;
    TRY(cover_store(&h->above, &other->above, err)); /* all that can fail, before anything is counted */
    TRY(cover_store(&h->below, &other->below, err));
    add_store(&h->above, &other->above);
    add_store(&h->below, &other->below);
    h->zeros += other->zeros;
    h->min = h->count == 0 || other->min < h->min ? other->min : h->min;
    h->max = h->count == 0 || other->max > h->max ? other->max : h->max;
    h->count += other->count;
    h->sum += other->sum;
    return 0;
}

/* Walks the buckets that hold something in ascending order of value, until `visit` says stop. */
static void walk(const struct histogram *h, bool (*visit)(void *ctx, int sign, int32_t index, uint64_t count),
                 void *ctx)
{
    for (size_t i = h->below.size; i-- > 0;)
        if (h->below.counts[i] && visit(ctx, -1, h->below.first + (int32_t)i, h->below.counts[i]))
            return;
    if (h->zeros && visit(ctx, 0, 0, h->zeros))
        return;
    for (size_t i = 0; i < h->above.size; i++)
        if (h->above.counts[i] && visit(ctx, 1, h->above.first + (int32_t)i, h->above.counts[i]))
            return;
}

struct search {
    uint64_t left; /* ranks still to pass; or buckets */
    size_t seen;
    int sign;
    int32_t index;
    uint64_t count;
};

static bool reach_rank(void *ctx, int sign, int32_t index, uint64_t count)
{
    struct search *s = ctx;
    s->sign = sign;
    s->index = index;
    if (s->left < count)
        return true;
    s->left -= count;
    return false;
}

static bool reach_bucket(void *ctx, int sign, int32_t index, uint64_t count)
{
    struct search *s = ctx;
    s->seen++;
    s->sign = sign;
    s->index = index;
    s->count = count;
    return s->left-- == 0;
}

int histogram_quantile(const struct histogram *h, double *out, double q, struct err *err)
{
    if (h->count == 0)
        return err_set(err, ERR_USAGE, "quantile of an empty histogram");
    if (!(q >= 0 && q <= 1))
        return err_set(err, ERR_USAGE, "quantile %g, expected 0 to 1", q);
    /* the last rank apart: as a double, count - 1 may round up to 2^64 */
    struct search s = {.left = q < 1 ? (uint64_t)(q * (double)(h->count - 1)) : h->count - 1};
    if (s.left == 0 || s.left >= h->count - 1) { /* the ends are known exactly */
        *out = s.left == 0 ? h->min : h->max;
        return 0;
    }
    walk(h, reach_rank, &s);
    double v = s.sign * histogram_value(h, s.index);
    *out = v < h->min ? h->min : v > h->max ? h->max : v;
    return 0;
}

size_t histogram_buckets(const struct histogram *h)
{
    struct search s = {.left = UINT64_MAX};
    walk(h, reach_bucket, &s);
    return s.seen;
}

struct histogram_bucket histogram_bucket(const struct histogram *h, size_t i)
{
    struct search s = {.left = i};
    walk(h, reach_bucket, &s);
    if (s.seen <= i)
        return (struct histogram_bucket){.lo = NAN, .hi = NAN};
    double inner = stats_exp((s.index - 1) * h->log_gamma), outer = stats_exp(s.index * h->log_gamma);
    return (struct histogram_bucket){.lo = s.sign > 0 ? inner : s.sign < 0 ? -outer : 0,
                                     .hi = s.sign > 0 ? outer : s.sign < 0 ? -inner : 0,
                                     .count = s.count};
}
