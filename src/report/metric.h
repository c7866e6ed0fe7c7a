/* metric.h - what each measured quantity is called, counted in, which way is better, and what exactly it means.
 * A name is the key in CSV, JSON and SQL; there is no second place that explains one. */
#ifndef REPORT_METRIC_H
#define REPORT_METRIC_H

#include <stdbool.h>
#include <stddef.h>

enum better { BETTER_NEITHER, BETTER_LESS, BETTER_MORE };

struct metric {
    const char *name, *title;
    const char *unit; /* "" for counts and ratios */
    enum better better;
    const char *definition; /* one sentence, lower case, no full stop */
};

extern const struct metric metric_table[];
extern const size_t metric_count;

const struct metric *metric_find(const char *name); /* NULL if there is none of that name */
/* Engines are ranked by it: one metric of each kind of question, not the same one in two units. */
bool metric_ranks(const struct metric *m);
const char *better_name(enum better better);        /* "less", "more", or NULL */

#endif
