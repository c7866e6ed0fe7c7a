#include "models/sampler.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/mem.h"

int32_t logits_best(const float *logits, int n)
{
    int32_t best = 0;
    for (int32_t i = 1; i < n; i++)
        if (logits[i] > logits[best])
            best = i;
    return best;
}

double logits_logprob(const float *logits, int n, int32_t id)
{
    double most = (double)logits[logits_best(logits, n)], sum = 0;
    for (int i = 0; i < n; i++)
        sum += exp((double)logits[i] - most);
    return (double)logits[id] - most - log(sum);
}

int sampling_check(const struct sampling *how, int vocabulary, struct err *err)
{
    const struct {
        const char *name;
        double value, lo, hi;
    } ranges[] = {
        {"temperature", how->temperature, 0, 1e6},  {"top-k", how->top_k, 0, 1e9},
        {"top-p", how->top_p, 0, 1},                {"min-p", how->min_p, 0, 1},
        {"typical", how->typical, 0, 1},            {"repetition penalty", how->repetition_penalty, 0, 1e6},
        {"presence penalty", how->presence_penalty, -1e6, 1e6},
        {"frequency penalty", how->frequency_penalty, -1e6, 1e6},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        if (!(ranges[i].value >= ranges[i].lo && ranges[i].value <= ranges[i].hi))
            return err_set(err, ERR_USAGE, "%s is %g, expected a number from %g to %g", ranges[i].name, ranges[i].value,
                           ranges[i].lo, ranges[i].hi);
    for (size_t i = 0; i < how->n_bias; i++) {
        if (how->bias[i].id < 0 || how->bias[i].id >= vocabulary)
            return err_set(err, ERR_USAGE, "logit bias for token %d, which is not in the vocabulary of %d", how->bias[i].id,
                           vocabulary);
        if (isnan(how->bias[i].bias) || how->bias[i].bias == (double)INFINITY)
            return err_set(err, ERR_USAGE, "logit bias of token %d is not a number below infinity", how->bias[i].id);
    }
    return 0;
}

int sampler_init(struct sampler *s, const struct sampling *how, int vocabulary, struct err *err)
{
    *s = (struct sampler){.how = *how, .vocabulary = vocabulary};
    TRY(sampling_check(how, vocabulary, err));
    rng_init(&s->rng, how->seed);
    s->generated = mem_zalloc((size_t)vocabulary, sizeof *s->generated, err);
    s->seen = mem_zalloc((size_t)vocabulary, 1, err);
    s->pool = mem_alloc((size_t)vocabulary, sizeof *s->pool, err);
    if (s->generated && s->seen && s->pool)
        return 0;
    sampler_release(s);
    return -1;
}

void sampler_release(struct sampler *s)
{
    free(s->generated);
    free(s->seen);
    free(s->pool);
    s->generated = NULL;
    s->seen = NULL;
    s->pool = NULL;
}

void sampler_see(struct sampler *s, const int32_t *ids, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (ids[i] >= 0 && ids[i] < s->vocabulary)
            s->seen[ids[i]] = 1;
}

void sampler_accept(struct sampler *s, int32_t id)
{
    sampler_see(s, &id, 1);
    if (id >= 0 && id < s->vocabulary)
        s->generated[id]++;
}

/* Bias and penalties. */
static void fill_pool(struct sampler *s, const float *logits)
{
    double penalty = s->how.repetition_penalty;
    for (int i = 0; i < s->vocabulary; i++)
        s->pool[i] = (struct candidate){.logit = (double)logits[i], .id = i};
    for (size_t i = 0; i < s->how.n_bias; i++)
        s->pool[s->how.bias[i].id].logit += s->how.bias[i].bias;
    for (int i = 0; i < s->vocabulary; i++) {
        double *logit = &s->pool[i].logit;
        if (penalty > 0 && s->seen[i])
            *logit = *logit < 0 ? *logit * penalty : *logit / penalty;
        if (s->generated[i] > 0)
            *logit -= s->how.presence_penalty + s->how.frequency_penalty * s->generated[i];
    }
}

static int by_logit(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    if (x->logit != y->logit)
        return x->logit > y->logit ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

static int by_order(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    if (x->order != y->order)
        return x->order < y->order ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

/* Probabilities of the first n, which are sorted by logit. */
static void soften(struct candidate *pool, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += pool[i].p = exp(pool[i].logit - pool[0].logit);
    for (int i = 0; i < n; i++)
        pool[i].p /= sum;
}

static int keep_top_k(const struct candidate *pool, int n, int k)
{
    if (k <= 0 || k >= n)
        return n;
    while (k < n && !(pool[k].logit < pool[k - 1].logit))
        k++;
    return k;
}

/* transformers drops from the least likely while what is dropped stays at or below 1 - p. */
static int keep_top_p(const struct candidate *pool, int n, double p)
{
    double dropped = 0;
    if (!(p > 0 && p < 1))
        return n;
    while (n > 1 && dropped + pool[n - 1].p <= 1 - p)
        dropped += pool[--n].p;
    return n;
}

static int keep_min_p(const struct candidate *pool, int n, double min_p)
{
    while (n > 1 && pool[n - 1].p < min_p * pool[0].p)
        n--;
    return n;
}

/* Meister et al., "Locally Typical Sampling", https://arxiv.org/abs/2202.00666. */
static int keep_typical(struct candidate *pool, int n, double mass)
{
    double entropy = 0, sum = 0;
    int kept = 0;
    if (!(mass > 0 && mass < 1))
        return n;
    for (int i = 0; i < n; i++)
        entropy -= pool[i].p > 0 ? pool[i].p * log(pool[i].p) : 0;
    for (int i = 0; i < n; i++)
        pool[i].order = pool[i].p > 0 ? fabs(-log(pool[i].p) - entropy) : (double)INFINITY;
    qsort(pool, (size_t)n, sizeof *pool, by_order);
    while (kept < n - 1 && sum + pool[kept].p < mass)
        sum += pool[kept++].p;
    kept++;
    while (kept < n && pool[kept].order == pool[kept - 1].order)
        kept++;
    qsort(pool, (size_t)kept, sizeof *pool, by_logit);
    return kept;
}

/* The candidates that are left, first in the pool, likeliest first, with their probabilities. */
static int narrow(struct sampler *s, const float *logits)
{
    const struct sampling *how = &s->how;
    int n = s->vocabulary;
    fill_pool(s, logits);
    for (int i = 0; i < n; i++)
        s->pool[i].logit /= how->temperature;
    qsort(s->pool, (size_t)n, sizeof *s->pool, by_logit);
    n = keep_top_k(s->pool, n, how->top_k);
    soften(s->pool, n);
    n = keep_top_p(s->pool, n, how->top_p);
    soften(s->pool, n);
    n = keep_min_p(s->pool, n, how->min_p);
    soften(s->pool, n);
    n = keep_typical(s->pool, n, how->typical);
    soften(s->pool, n);
    return n;
}

static int32_t greedy(struct sampler *s, const float *logits)
{
    int32_t best = 0;
    fill_pool(s, logits);
    for (int32_t i = 1; i < s->vocabulary; i++)
        if (s->pool[i].logit > s->pool[best].logit)
            best = i;
    return best;
}

int32_t sampler_pick(struct sampler *s, const float *logits)
{
    int32_t id;
    if (s->how.temperature > 0) {
        int n = narrow(s, logits), i = 0;
        double left = rng_unit(&s->rng);
        while (i < n - 1 && left >= s->pool[i].p)
            left -= s->pool[i++].p;
        id = s->pool[i].id;
    } else {
        id = greedy(s, logits);
    }
    sampler_accept(s, id);
    return id;
}

void sampler_distribution(struct sampler *s, const float *logits, double *p)
{
    for (int i = 0; i < s->vocabulary; i++)
        p[i] = 0;
    if (s->how.temperature > 0) {
        int n = narrow(s, logits);
        for (int i = 0; i < n; i++)
            p[s->pool[i].id] = s->pool[i].p;
    } else {
        p[greedy(s, logits)] = 1;
    }
}
