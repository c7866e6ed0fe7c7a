/* moe.c - mixtures of experts: a router chooses for each row which of many small MLPs compute it.
 *
 * The router's probabilities are a softmax over all experts, the best are taken (of equals the lower index), and their weights are
 * left as they are or made to add up to one. Rows are gathered expert by expert, in the order of experts, so that each expert's
 * weights are read once; a row's sum has that order whatever other rows there are. Where the last chosen and the first not chosen
 * are nearly equal, rounding decides: tests/models/test_goldens.c says how near the goldens come. */
#include <math.h>
#include <string.h>

#include "models/arch.h"
#include "models/observe.h"

/* logits [experts] become weights; choice [used], best first. */
static void route(float *logits, int32_t *choice, int experts, int used, bool normed)
{
    double most = -INFINITY, total = 0, kept = 0;
    for (int i = 0; i < experts; i++)
        most = fmax(most, (double)logits[i]);
    for (int i = 0; i < experts; i++)
        total += exp((double)logits[i] - most);
    for (int k = 0; k < used; k++) {
        int best = -1;
        for (int i = 0; i < experts; i++) {
            bool taken = false;
            for (int j = 0; j < k; j++)
                taken = taken || choice[j] == i;
            if (!taken && (best < 0 || logits[i] > logits[best]))
                best = i;
        }
        choice[k] = best;
        kept += exp((double)logits[best] - most);
    }
    for (int i = 0; i < experts; i++)
        logits[i] = (float)(exp((double)logits[i] - most) / (normed ? kept : total));
}

static void mlp_of_expert(struct run *r, const struct expert *e, size_t n)
{
    const struct model_config *c = &r->model->config;
    run_product(r, r->gate, r->picked, n, &e->gate);
    run_product(r, r->up, r->picked, n, &e->up);
    r->backend->activate(r->state, c->activation, r->gate, r->gate, r->up, n * (size_t)c->expert_intermediate);
    run_product(r, r->down, r->gate, n, &e->down);
}

static bool chosen(const int32_t *choice, int used, int expert)
{
    for (int k = 0; k < used; k++)
        if (choice[k] == expert)
            return true;
    return false;
}

void run_experts(struct run *r, const struct layer *l)
{
    const struct model_config *c = &r->model->config;
    size_t width = (size_t)c->hidden, experts = (size_t)c->experts, used = (size_t)c->experts_used;
    double began = observe_begin(r->observer);
    run_product(r, r->routed, r->h, r->n, &l->router);
    for (size_t i = 0; i < r->n; i++)
        route(r->routed + i * experts, r->choice + i * used, c->experts, c->experts_used, c->experts_normed);
    observe_end(r->observer, "router", r->layer, began);
    began = observe_begin(r->observer);
    memset(r->kept, 0, r->n * width * sizeof *r->kept);
    for (int e = 0; e < c->experts; e++) {
        size_t n = 0, at = 0;
        for (size_t i = 0; i < r->n; i++)
            if (chosen(r->choice + i * used, c->experts_used, e))
                run_copy(r->picked + n++ * width, r->h + i * width, width * sizeof *r->h);
        if (n == 0)
            continue;
        mlp_of_expert(r, &l->experts[e], n);
        for (size_t i = 0; i < r->n; i++) {
            if (!chosen(r->choice + i * used, c->experts_used, e))
                continue;
            float *to = r->kept + i * width, *from = r->down + at++ * width, weight = r->routed[i * experts + (size_t)e];
            for (size_t j = 0; j < width; j++)
                to[j] += weight * from[j];
        }
    }
    run_copy(r->h, r->kept, r->n * width * sizeof *r->h);
    observe_end(r->observer, "experts", r->layer, began);
}
