#include "support/property.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/testing.h"

static void show(const struct property *p)
{
    print_error("%s: round %d of %d, PRONY_PROPERTY_SEED=%s\n", p->name, p->round + 1, p->rounds,
                getenv("PRONY_PROPERTY_SEED") ? getenv("PRONY_PROPERTY_SEED") : "1");
    for (int s = 0; s < p->sets; s++) {
        print_error("  set %d (%zu):", s, p->n[s]);
        for (size_t i = 0; i < p->n[s] && i < 60; i++)
            print_error(" %.17g", p->x[s][i]);
        print_error("\n");
    }
}

void property_run(const char *name, void (*holds)(struct property *p), int rounds)
{
    const char *seed = getenv("PRONY_PROPERTY_SEED");
    struct property p = {.name = name, .rounds = rounds};
    for (p.round = 0; p.round < rounds; p.round++) {
        rng_init(&p.rng, (seed ? strtoull(seed, NULL, 10) : 1) * 1000003u + (uint64_t)p.round);
        holds(&p);
        while (p.sets > 0)
            free(p.x[--p.sets]);
    }
}

size_t property_size(struct property *p, size_t least, size_t most)
{
    size_t span = (most - least) * (size_t)(p->round + 1) / (size_t)p->rounds;
    return least + rng_below(&p->rng, span + 1);
}

static double *room(struct property *p, size_t n)
{
    assert_true(p->sets < 4);
    double *x = malloc((n ? n : 1) * sizeof *x);
    if (!x)
        abort();
    p->x[p->sets] = x;
    p->n[p->sets++] = n;
    return x;
}

double *property_samples(struct property *p, size_t n)
{
    double *x = room(p, n), centre = 20 * rng_normal(&p->rng);
    int kind = (int)rng_below(&p->rng, 6);
    for (size_t i = 0; i < n; i++) {
        double z = rng_normal(&p->rng);
        switch (kind) {
        case 0: x[i] = centre + z; break;
        case 1: x[i] = exp(z); break;
        case 2: x[i] = floor(3 * rng_unit(&p->rng)); break;
        case 3: x[i] = centre + (rng_unit(&p->rng) < 0.8 ? 0 : 10) + z; break;
        case 4: x[i] = i == n / 2 ? 1e6 : centre + z; break;
        default: x[i] = centre; break;
        }
    }
    return x;
}

double *property_positive(struct property *p, size_t n)
{
    double *x = room(p, n), scale = exp(3 * rng_normal(&p->rng)), sigma = 0.05 + rng_unit(&p->rng);
    for (size_t i = 0; i < n; i++)
        x[i] = scale * exp(sigma * rng_normal(&p->rng));
    return x;
}

void property_close(struct property *p, double got, double want, double tol)
{
    double scale = fabs(want) > 1 ? fabs(want) : 1;
    if (isnan(got) != isnan(want) || (!isnan(want) && got != want && !(fabs(got - want) <= tol * scale))) {
        show(p);
        fail_msg("%s: got %.17g, expected %.17g (tolerance %g)", p->name, got, want, tol);
    }
}

void property_true(struct property *p, int holds, const char *what)
{
    if (!holds) {
        show(p);
        fail_msg("%s: not so: %s", p->name, what);
    }
}
