/* verdict.h - what can be said of the numbers: who is best at what, where nothing was shown, and how sure that is.
 *
 * In each table, for each metric that engines are ranked by (metric_ranks), the contenders of a setting are
 * compared pair by pair. Contenders are engines (with their quantization or run, where those differ); with one alone,
 * the models. A setting is what else may differ: model, lengths, batch. `best` is said
 * only of a contender that every other one was shown to be worse than, with p corrected for the number of contenders and
 * for that of all verdicts of the report (verdict_words.h).
 */
#ifndef REPORT_VERDICT_H
#define REPORT_VERDICT_H

#include "report/document.h"
#include "report/results.h"

/* Adds the findings, and the table `verdicts` with the numbers behind them. */
int verdict_add(struct report_doc *doc, const struct results *r, struct err *err);

#endif
