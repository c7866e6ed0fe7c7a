/* figure_json.h - a figure as every JSON output of prony writes it. */
#ifndef REPORT_FIGURE_JSON_H
#define REPORT_FIGURE_JSON_H

#include "base/json_out.h"
#include "stats/figure.h"

/* {"median","mean","sd","lo","hi","n","interval","samples"}; `samples` are the f->n that it was made of. */
void figure_json(struct json_out *j, const struct figure *f, const double *samples);

#endif
