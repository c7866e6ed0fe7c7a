#include "support/simulate.h"

#include <math.h>
#include <stdlib.h>

#include "stats/design.h"

const char *sampler_name(enum sampler s)
{
    static const char *const names[] = {"normal", "lognormal", "bimodal", "AR(1)", "drift"};
    return names[s];
}

void machine_start(struct machine *m, enum sampler kind, double rho, uint64_t seed)
{
    *m = (struct machine){.kind = kind, .rho = rho != 0 ? rho : 0.5};
    rng_init(&m->rng, seed);
    m->state = rng_normal(&m->rng);
}

double machine_time(struct machine *m)
{
    double z = rng_normal(&m->rng);
    size_t i = m->taken++;
    switch (m->kind) {
    case SAMPLE_LOGNORMAL:
        return exp(0.5 * z);
    case SAMPLE_BIMODAL:
        return (rng_unit(&m->rng) < 0.9 ? 1 : 1.2) * (1 + 0.02 * z);
    case SAMPLE_AR1:
        m->state = m->rho * m->state + sqrt(1 - m->rho * m->rho) * z;
        return 1 + 0.05 * m->state;
    case SAMPLE_DRIFT:
        return (1 + 0.05 * z) * (1 + 0.0005 * (double)i);
    default:
        return 1 + 0.05 * z;
    }
}

void session_run(struct session *s, struct machine *m, size_t blocks, size_t requests, double effect, int naive,
                 uint64_t seed)
{
    size_t launches = DESIGN_BLOCK * blocks;
    char *order = malloc(launches);
    *s = (struct session){.value = malloc(launches * requests * sizeof *s->value),
                          .launch = malloc(launches * requests * sizeof *s->launch),
                          .block = malloc(launches * requests * sizeof *s->block),
                          .side = malloc(launches * requests)};
    if (!order || !s->value || !s->launch || !s->block || !s->side)
        abort();
    design_order(order, blocks, seed);
    for (size_t l = 0; l < launches; l++)
        for (size_t r = 0; r < requests; r++, s->n++) {
            s->side[s->n] = naive ? l >= launches / 2 : order[l] == 'B';
            s->launch[s->n] = (uint32_t)l;
            s->block[s->n] = (uint32_t)(l / DESIGN_BLOCK);
            s->value[s->n] = machine_time(m) * (s->side[s->n] ? effect : 1);
        }
    free(order);
}

void session_release(struct session *s)
{
    free(s->value);
    free(s->launch);
    free(s->block);
    free(s->side);
    *s = (struct session){0};
}
