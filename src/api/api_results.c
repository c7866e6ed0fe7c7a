/* api_results.c - what prony.h says of stored results, over report/. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "api/api_error.h"
#include "base/mem.h"
#include "prony.h"
#include "report/format.h"
#include "report/rows.h"

#define JSON_MAX ((size_t)1 << 30)

struct prony_results {
    struct results results;
};

int prony_results_open(struct prony_results **out, const char *path, const char *run, struct prony_error *error)
{
    struct err err = ERR_INIT;
    struct prony_results *r = mem_zalloc(1, sizeof *r, &err);
    *out = NULL;
    if (!r || results_read(&r->results, path, run, &err) < 0) {
        free(r);
        return api_fail(error, &err);
    }
    *out = r;
    return 0;
}

void prony_results_close(struct prony_results *results)
{
    if (!results)
        return;
    results_release(&results->results);
    free(results);
}

size_t prony_results_count(const struct prony_results *results)
{
    return results->results.n_cells;
}

const char *prony_results_text(const struct prony_results *results, size_t cell, const char *field)
{
    if (cell >= results->results.n_cells)
        return NULL;
    const struct result_cell *c = &results->results.cells[cell];
    const struct {
        const char *name, *text;
    } fields[] = {
        {"run", c->run},           {"experiment", c->experiment}, {"engine", c->engine},
        {"variant", c->variant},   {"model", c->model},           {"quantize", c->quantize},
        {"version", c->version},   {"target", c->target},         {"benchmark", c->benchmark},
        {"checked_against", c->checked_against},
    };
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (strcmp(fields[i].name, field) == 0)
            return fields[i].text;
    if (strcmp(field, "reason") == 0)
        for (size_t i = c->n_launches; i-- > 0;)
            if (c->launches[i].reason)
                return c->launches[i].reason;
    return json_string_value(json_object_get(c->params, field));
}

double prony_results_number(const struct prony_results *results, size_t cell, const char *parameter)
{
    if (cell >= results->results.n_cells)
        return NAN;
    const json_t *v = json_object_get(results->results.cells[cell].params, parameter);
    return json_is_number(v) ? json_number_value(v) : NAN;
}

int prony_results_figure(const struct prony_results *results, size_t cell, const char *metric, struct prony_figure *out,
                         struct prony_error *error)
{
    struct err err = ERR_INIT;
    struct figure f;
    double *x = NULL;
    size_t n = 0;
    bool launches;
    int result = -1;
    if (cell >= results->results.n_cells)
        err_set(&err, ERR_USAGE, "there is no cell %zu: there are %zu", cell, results->results.n_cells);
    else if (rows_samples(&x, &n, &launches, &results->results.cells[cell], metric, &err) == 0) {
        if (n == 0)
            err_set(&err, ERR_MISSING, "cell %zu has no samples of '%s'", cell, metric);
        else
            result = figure_of(&f, x, n, NULL, &err);
    }
    free(x);
    if (result < 0)
        return api_fail(error, &err);
    *out = (struct prony_figure){.median = f.median, .mean = f.mean, .sd = f.sd, .lo = f.lo, .hi = f.hi, .n = f.n};
    return 0;
}

int prony_results_json(const struct prony_results *results, char **json, struct prony_error *error)
{
    struct err err = ERR_INIT;
    struct report_doc doc;
    struct buf out = BUF_INIT(JSON_MAX);
    *json = NULL;
    report_doc_init(&doc, JSON_MAX);
    if (rows_document(&doc, &results->results, &err) == 0 &&
        report_write(&out, report_format_find("json", NULL), &doc, &(struct report_style){0}, &err) == 0)
        *json = buf_take(&out, &err);
    report_doc_release(&doc);
    buf_release(&out);
    return *json ? 0 : api_fail(error, &err);
}
