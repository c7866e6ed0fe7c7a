#include "report/results_build.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "store/record.h"

#define RESULTS_MAX ((size_t)4 << 30)

int results_grow(struct results *r, void *items, size_t *cap, size_t n, size_t size, struct err *err)
{
    void *old;
    if (n < *cap)
        return 0;
    size_t bigger = *cap ? *cap * 2 : 16;
    void *fresh = arena_alloc(&r->arena, bigger, size, err);
    if (!fresh)
        return -1;
    memcpy(&old, items, sizeof old);
    if (n)
        memcpy(fresh, old, n * size);
    memcpy(items, &fresh, sizeof fresh);
    *cap = bigger;
    return 0;
}

int results_text(struct results *r, const char **out, const char *text, struct err *err)
{
    if (!text || *out)
        return 0;
    *out = arena_strdup(&r->arena, text, err);
    return *out ? 0 : -1;
}

int results_object(struct results *r, const json_t **out, const json_t *v, struct err *err)
{
    if (!json_is_object(v) || *out)
        return 0;
    if (json_array_append(r->kept, (json_t *)v) < 0)
        return err_set(err, ERR_MEMORY, "out of memory for the results");
    *out = v;
    return 0;
}

struct result_run *results_run(struct results *r, const char *id, struct err *err)
{
    for (size_t i = 0; i < r->n_runs; i++)
        if (strcmp(r->runs[i].id, id) == 0)
            return &r->runs[i];
    if (results_grow(r, &r->runs, &r->cap_runs, r->n_runs, sizeof *r->runs, err) < 0)
        return NULL;
    struct result_run *run = &r->runs[r->n_runs];
    *run = (struct result_run){0};
    if (results_text(r, &run->id, id, err) < 0)
        return NULL;
    r->n_runs++;
    return run;
}

struct result_cell *results_cell(struct results *r, const char *run, const char *key, struct err *err)
{
    for (size_t i = r->n_cells; i-- > 0;) /* the newest first: records of a cell follow each other */
        if (strcmp(r->cells[i].key, key) == 0 && strcmp(r->cells[i].run, run) == 0)
            return &r->cells[i];
    if (results_grow(r, &r->cells, &r->cap_cells, r->n_cells, sizeof *r->cells, err) < 0)
        return NULL;
    struct result_cell *cell = &r->cells[r->n_cells];
    *cell = (struct result_cell){.run = run};
    if (results_text(r, &cell->key, key, err) < 0)
        return NULL;
    r->n_cells++;
    return cell;
}

struct result_launch *results_launch(struct results *r, struct result_cell *cell, int64_t number, struct err *err)
{
    for (size_t i = 0; i < cell->n_launches; i++)
        if (cell->launches[i].launch == number)
            return &cell->launches[i];
    if (results_grow(r, &cell->launches, &cell->cap_launches, cell->n_launches, sizeof *cell->launches, err) < 0)
        return NULL;
    struct result_launch *launch = &cell->launches[cell->n_launches++];
    *launch = (struct result_launch){.launch = number, .peak_bytes = RECORD_UNKNOWN, .load_ns = RECORD_UNKNOWN};
    return launch;
}

double results_ms(int64_t ns)
{
    return ns == RECORD_UNKNOWN ? NAN : (double)ns / 1e6;
}

/* ---- order ---- */

static int compare_text(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "");
}

static int key_rank(const char *key)
{
    static const char *const first[] = {"prompt_len", "gen_len", "batch_size"};
    for (int i = 0; i < 3; i++)
        if (strcmp(first[i], key) == 0)
            return i;
    return 3;
}

static int compare_keys(const void *x, const void *y)
{
    const char *const *a = x, *const *b = y;
    int order = key_rank(*a) - key_rank(*b);
    return order ? order : strcmp(*a, *b);
}

size_t results_keys(const json_t *object, const char *keys[RESULTS_KEYS_MAX])
{
    const char *key;
    json_t *v;
    size_t n = 0;
    json_object_foreach((json_t *)object, key, v)
        if (n < RESULTS_KEYS_MAX)
            keys[n++] = key;
    qsort(keys, n, sizeof *keys, compare_keys);
    return n;
}

/* Parameters as a person sorts them: numbers by value. */
static int compare_params(const json_t *a, const json_t *b)
{
    const char *keys[RESULTS_KEYS_MAX];
    size_t n = results_keys(a, keys);
    for (size_t i = 0; i < n; i++) {
        const json_t *x = json_object_get(a, keys[i]), *y = json_object_get(b, keys[i]);
        if (json_is_number(x) && json_is_number(y)) {
            double dx = json_number_value(x), dy = json_number_value(y);
            if (dx != dy)
                return dx < dy ? -1 : 1;
        } else if (json_is_string(x) && json_is_string(y)) {
            int order = strcmp(json_string_value(x), json_string_value(y));
            if (order)
                return order;
        }
    }
    return 0;
}

static int compare_cells(const void *x, const void *y)
{
    const struct result_cell *a = x, *b = y;
    int order = compare_text(a->target, b->target);
    if (!order)
        order = compare_text(a->experiment, b->experiment);
    if (!order)
        order = compare_text(a->benchmark, b->benchmark);
    if (!order)
        order = compare_text(a->model, b->model);
    if (!order)
        order = compare_params(a->params, b->params);
    if (!order)
        order = compare_text(a->engine, b->engine);
    if (!order)
        order = compare_text(a->variant, b->variant);
    if (!order)
        order = compare_text(a->run, b->run);
    return order ? order : strcmp(a->key, b->key);
}

static int compare_numbers(int64_t a_launch, int64_t a_index, int64_t b_launch, int64_t b_index)
{
    if (a_launch != b_launch)
        return a_launch < b_launch ? -1 : 1;
    return a_index < b_index ? -1 : a_index > b_index;
}

static int compare_requests(const void *x, const void *y)
{
    const struct result_request *a = x, *b = y;
    return compare_numbers(a->launch, a->index, b->launch, b->index);
}

/* Sorts n items by merging, so that equals keep their order: the first one logged comes first. */
static int sort_stable(struct results *r, void *items, size_t n, size_t size, int (*compare)(const void *, const void *),
                       struct err *err)
{
    char *from = items;
    bool sorted = true;
    for (size_t i = 1; i < n && sorted; i++)
        sorted = compare(from + (i - 1) * size, from + i * size) <= 0;
    if (sorted) /* as logs are, unless a run was taken up again */
        return 0;
    char *to = arena_alloc(&r->arena, n, size, err);
    if (!to)
        return -1;
    for (size_t width = 1; width < n; width *= 2) {
        for (size_t low = 0; low < n; low += 2 * width) {
            size_t mid = low + width < n ? low + width : n, high = mid + width < n ? mid + width : n, i = low, j = mid;
            for (size_t k = low; k < high; k++) {
                bool left = i < mid && (j >= high || compare(from + i * size, from + j * size) <= 0);
                memcpy(to + k * size, from + (left ? i++ : j++) * size, size);
            }
        }
        char *swap = from;
        from = to;
        to = swap;
    }
    if (from != items)
        memcpy(items, from, n * size);
    return 0;
}

static int compare_values(const void *x, const void *y)
{
    const struct result_value *a = x, *b = y;
    int order = strcmp(a->name, b->name);
    return order ? order : compare_numbers(a->launch, a->index, b->launch, b->index);
}

static int compare_launches(const void *x, const void *y)
{
    const struct result_launch *a = x, *b = y;
    return compare_numbers(a->launch, 0, b->launch, 0);
}

void results_order_cells(struct results *r)
{
    if (r->n_cells)
        qsort(r->cells, r->n_cells, sizeof *r->cells, compare_cells);
}

static int put_in_order(struct results *r, struct err *err)
{
    results_order_cells(r);
    for (size_t c = 0; c < r->n_cells; c++) {
        struct result_cell *cell = &r->cells[c];
        size_t n = 0;
        TRY(sort_stable(r, cell->requests, cell->n_requests, sizeof *cell->requests, compare_requests, err));
        for (size_t i = 0; i < cell->n_requests; i++)
            if (n == 0 || compare_requests(&cell->requests[n - 1], &cell->requests[i]) != 0)
                cell->requests[n++] = cell->requests[i];
        cell->n_requests = n;
        TRY(sort_stable(r, cell->launches, cell->n_launches, sizeof *cell->launches, compare_launches, err));
        n = 0;
        TRY(sort_stable(r, cell->values, cell->n_values, sizeof *cell->values, compare_values, err));
        for (size_t i = 0; i < cell->n_values; i++)
            if (n == 0 || compare_values(&cell->values[n - 1], &cell->values[i]) != 0)
                cell->values[n++] = cell->values[i];
        cell->n_values = n;
    }
    return 0;
}

/* Leaves only the run of that id; false if there is none. */
static bool keep_run(struct results *r, const char *id)
{
    size_t n = 0;
    for (size_t i = 0; i < r->n_runs; i++)
        if (strcmp(r->runs[i].id, id) == 0) {
            struct result_run wanted = r->runs[i];
            r->n_other_runs = r->n_runs - 1;
            r->runs[0] = wanted;
            r->n_runs = 1;
            for (size_t c = 0; c < r->n_cells; c++)
                if (strcmp(r->cells[c].run, wanted.id) == 0)
                    r->cells[n++] = r->cells[c];
            r->n_cells = n;
            return true;
        }
    return false;
}

static int compare_runs(const void *x, const void *y)
{
    const struct result_run *a = x, *b = y;
    int order = compare_text(a->started, b->started);
    return order ? order : strcmp(a->id, b->id);
}

static int choose_run(struct results *r, const char *run, struct err *err)
{
    qsort(r->runs, r->n_runs, sizeof *r->runs, compare_runs);
    if (run && strcmp(run, "all") == 0)
        return 0;
    const char *wanted = run ? run : r->runs[r->n_runs - 1].id;
    if (keep_run(r, wanted))
        return 0;
    err_set(err, ERR_INPUT, "no log of run '%s' is among the %zu runs there", wanted, r->n_runs);
    return err_hint(err, "the run that began last is '%s'", r->runs[r->n_runs - 1].id);
}

int results_begin(struct results *r, struct err *err)
{
    *r = (struct results){.arena = ARENA_INIT(RESULTS_MAX), .kept = json_array()};
    return r->kept ? 0 : err_set(err, ERR_MEMORY, "out of memory for the results");
}

int results_finish(struct results *r, const char *run, struct err *err)
{
    TRY(choose_run(r, run, err));
    return put_in_order(r, err);
}

void results_release(struct results *r)
{
    for (size_t i = 0; i < r->n_parts; i++)
        results_release(&r->parts[i]);
    free(r->parts);
    json_decref(r->kept);
    arena_release(&r->arena);
    *r = (struct results){.kept = NULL};
}
