/* survival.h - when does it happen first? Times to an event, some cut off before it came.
 *
 *     struct kaplan_meier km = {0};
 *     TRY(kaplan_meier(&km, t, event, n, 0.95, err));
 *     ... km.steps[0..km.count), km.median ...
 *     kaplan_meier_release(&km);
 *
 * Here: the index of the first token at which two greedy generations differ. event[i] says that they did differ at
 * t[i]; otherwise they agreed up to t[i], where the shorter limit cut them off (censored). Ending at different places is
 * an event. Averaging t instead would count agreement up to the limit as divergence there.
 *
 * Kaplan & Meier 1958; Greenwood's variance; log-log limits S^exp(+-z sqrt(G) / ln S), which stay in [0, 1].
 */
#ifndef STATS_SURVIVAL_H
#define STATS_SURVIVAL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "stats/interval.h"

struct survival_step {
    double t;
    size_t at_risk, events;
    double share;       /* S(t): still without the event just after t */
    double se;          /* Greenwood; NaN when S is 0 */
    struct interval ci; /* of S; bounds NaN when S is 0 */
};

struct kaplan_meier {
    struct survival_step *steps; /* one for each time with an event; owned, freed by kaplan_meier_release */
    size_t count;
    double median; /* first t with S <= 1/2; NaN if S stays above */
    size_t n, events;
};

int kaplan_meier(struct kaplan_meier *out, const double *t, const bool *event, size_t n, double level,
                 struct err *err);
void kaplan_meier_release(struct kaplan_meier *km);
double kaplan_meier_share(const struct kaplan_meier *km, double t); /* S(t) */
/* Mean time without the event up to tau: the area under S. */
double kaplan_meier_mean_to(const struct kaplan_meier *km, double tau);

/* Do two groups differ? z > 0: group 1 has more events than expected, that is earlier ones. No events: p = 1. */
struct logrank {
    double z, p;
};
int logrank(struct logrank *out, const double *t1, const bool *event1, size_t n1, const double *t2,
            const bool *event2, size_t n2, struct err *err);

#endif
