/* plot_stress.h - made-up results, for plots: every experiment's rows, with as many engines as asked, and with what is
 * hard to draw. No engine gave these numbers. */
#ifndef SUPPORT_PLOT_STRESS_H
#define SUPPORT_PLOT_STRESS_H

#include "report/results.h"

enum stress_names { NAMES_PLAIN, NAMES_LONG, NAMES_HOSTILE };

struct plot_stress {
    size_t engines;
    enum stress_names names;
    size_t launches; /* 0: 6 */
    double spread;   /* decades between the slowest engine and the fastest; 0: 1 */
    bool holes;      /* a third of the cells failed, and some samples are NaN */
    bool zero;       /* all values are 0 */
};

/* The caller releases them with results_release. */
void plot_stress(struct results *r, const struct plot_stress *how);

#endif
