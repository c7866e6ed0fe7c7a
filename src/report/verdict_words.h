/* verdict_words.h - from comparisons to a decision, a sentence and a row. Private to verdict.c. */
#ifndef REPORT_VERDICT_WORDS_H
#define REPORT_VERDICT_WORDS_H

#include "report/document.h"
#include "stats/compare.h"

/* One metric in one setting. */
struct verdict {
    const struct metric *metric;
    const char *table, *setting; /* setting "": the table has only one */
    const char **names;          /* contenders */
    double *medians;
    size_t n_entries;
    size_t first_pair;           /* of the comparisons: (0,1), (0,2) ... (1,2) ... */
    bool blocks;
    /* decided: */
    size_t best, next;
    struct comparison c;         /* of next against best: the cost of next over the cost of best */
    double p;                    /* that best is not the best: for the number of contenders, then for that of the verdicts */
    bool shown;                  /* p is at most 0.05 */
};

struct verdict_notes {
    size_t n_pairs, n_requests; /* comparisons; those of them between requests of one launch */
    size_t n_single;            /* cells with one observation */
    size_t n_too_many;          /* settings left out, because the family would be too large */
};

/* `best` is the best only if it is better than each other one, so the largest p of these decides, and nothing is to be
 * corrected for their number. But it was picked after looking: whichever is truly the best, one of k - 1 others may be
 * mistaken for it, so p is multiplied by k - 1. Over all verdicts Holm's correction follows. */
int verdict_decide(struct verdict *v, size_t n, const struct comparison *compared, struct err *err);
/* One finding for each metric of each table, then the footnotes. */
int verdict_say(struct report_doc *doc, const struct verdict *v, size_t n, const struct verdict_notes *notes, struct err *err);
/* The table `verdicts`; none without a verdict. */
int verdict_table(struct report_doc *doc, const struct verdict *v, size_t n, struct err *err);

#endif
