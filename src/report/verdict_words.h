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
    bool shown;                  /* each other one was shown to be worse than best */
    struct comparison c;         /* of next against best: the cost of next over the cost of best */
};

struct verdict_notes {
    size_t n_pairs, n_requests; /* comparisons; those between requests of one launch */
    size_t n_single;            /* cells with one observation */
    size_t n_too_many;          /* settings left out, because the family would be too large */
};

void verdict_decide(struct verdict *v, const struct comparison *compared);
/* One finding for each metric of each table, then the footnotes. */
int verdict_say(struct report_doc *doc, const struct verdict *v, size_t n, const struct verdict_notes *notes, struct err *err);
/* The table `verdicts`; none without a verdict. */
int verdict_table(struct report_doc *doc, const struct verdict *v, size_t n, struct err *err);

#endif
