#include "report/verdict.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "report/results_build.h"
#include "report/rows.h"
#include "report/verdict_words.h"
#include "stats/compare.h"
#include "stats/quantile.h"

#define REQUESTS_MOST 2000 /* a side, of one launch: more tell the same, and every pair of them is looked at */
#define FAMILY_MAX 20000   /* comparisons in a report */

/* One contender in one setting of one metric. */
struct entry {
    const char *contender;
    double *x;
    uint32_t *launch;
    size_t n;
    double median;
};

/* All verdicts of a report while they are made. */
struct making {
    struct report_doc *doc;
    const struct results *r;
    struct arena arena;
    struct verdict *verdicts;
    size_t n_verdicts, cap_verdicts;
    struct compare_metric *pairs;
    size_t n_pairs, cap_pairs;
    struct verdict_notes notes;
};

/* ---- who is compared with whom ---- */

static bool counts(const struct result_cell *cell)
{
    return !cell->clock || strcmp(cell->clock, "monotonic") == 0;
}

/* Which parts of its name tell the contenders of a table apart. */
struct naming {
    bool engine, quantize, run, model;
};

static void find_naming(struct naming *out, const struct result_cell *cells, size_t n)
{
    const struct result_cell *first = NULL;
    *out = (struct naming){0};
    for (size_t i = 0; i < n; i++) {
        const struct result_cell *cell = &cells[i];
        if (!counts(cell))
            continue;
        if (!first)
            first = cell;
        out->engine |= !str_eq(first->engine, cell->engine) || !str_eq(first->variant, cell->variant);
        out->quantize |= !str_eq(first->quantize, cell->quantize);
        for (size_t k = 0; k < i; k++) /* an engine that is of two runs */
            out->run |= !str_eq(cells[k].run, cell->run) && str_eq(cells[k].engine, cell->engine) &&
                        str_eq(cells[k].variant, cell->variant);
    }
    if (!out->engine && !out->quantize && !out->run)
        out->model = true;
}

/* A model that was named by its path is the same one in another folder, or on another machine. */
static const char *model_of(const struct making *m, const struct result_cell *cell)
{
    const char *base = cell->model ? path_base(cell->model) : "no model";
    return *base && m->r->n_runs > 1 ? base : cell->model ? cell->model : "no model";
}

static const char *contender_of(struct making *m, const struct naming *by, const struct result_cell *cell, struct err *err)
{
    char engine[128], run[64] = "";
    rows_engine(engine, cell);
    if (by->model)
        return arena_strdup(&m->doc->arena, cell->model ? model_of(m, cell) : engine, err);
    if (by->run)
        rows_run_label(run, m->r, cell->run);
    return arena_printf(&m->doc->arena, err, "%s%s%s%s%s", engine, by->quantize ? " " : "",
                        by->quantize ? cell->quantize ? cell->quantize : "?" : "", by->run ? " " : "", run);
}

/* "teacher, prompt_len 128": what tells the settings of the table apart. */
static const char *setting_of(struct making *m, const struct naming *by, const struct result_cell *cells, size_t n, size_t at,
                              struct err *err)
{
    const char *keys[RESULTS_KEYS_MAX];
    struct buf text = BUF_INIT(1 << 16);
    const struct result_cell *cell = &cells[at];
    bool models = false;
    for (size_t i = 0; i < n; i++)
        models |= strcmp(model_of(m, &cells[i]), model_of(m, cell)) != 0;
    if (models && !by->model)
        buf_str(&text, model_of(m, cell));
    size_t n_keys = results_keys(cell->params, keys);
    for (size_t k = 0; k < n_keys; k++) {
        const json_t *v = json_object_get(cell->params, keys[k]);
        char value[64];
        bool differs = false;
        for (size_t i = 0; i < n && !differs; i++)
            differs = !json_equal(json_object_get(cells[i].params, keys[k]), v);
        if (differs && rows_is_setting(keys[k]) && rows_param_text(value, v))
            buf_printf(&text, "%s%s %s", text.len ? ", " : "", keys[k], value);
    }
    const char *out = buf_check(&text, err) < 0 ? NULL : arena_strdup(&m->doc->arena, text.data ? text.data : "", err);
    buf_release(&text);
    return out;
}

/* ---- the samples of one contender ---- */

/* Every k-th when one launch has very many. */
static int take_samples(struct making *m, struct entry *e, const struct observed *all, size_t n, struct err *err)
{
    bool one = true;
    for (size_t i = 1; i < n; i++)
        one &= all[i].launch == all[0].launch;
    size_t step = one && n > REQUESTS_MOST ? (n + REQUESTS_MOST - 1) / REQUESTS_MOST : 1;
    e->n = (n + step - 1) / step;
    e->x = arena_alloc(&m->arena, e->n, sizeof *e->x, err);
    e->launch = arena_alloc(&m->arena, e->n, sizeof *e->launch, err);
    if (!e->x || !e->launch)
        return -1;
    for (size_t i = 0; i < e->n; i++) {
        e->x[i] = all[i * step].x;
        e->launch[i] = (uint32_t)all[i * step].launch;
    }
    return median_of(&e->median, e->x, e->n, err);
}

/* 1: *e is filled; 0: the cell cannot be ranked by this metric. */
static int take_entry(struct making *m, struct entry *e, const char *contender, const struct result_cell *cell,
                      const struct metric *metric, struct err *err)
{
    struct observed *all;
    size_t n;
    TRY(rows_observe(&all, &n, cell, metric->name, err));
    bool usable = n >= 2;
    for (size_t i = 0; i < n; i++)
        usable &= all[i].x > 0;
    m->notes.n_single += n == 1;
    int result = 0;
    if (usable) {
        e->contender = contender;
        result = take_samples(m, e, all, n, err) == 0 ? 1 : -1;
    }
    free(all);
    return result;
}

/* ---- comparing ---- */

static int add_pairs(struct making *m, const struct verdict *v, const struct entry *entries, struct err *err)
{
    for (size_t i = 0; i < v->n_entries; i++)
        for (size_t k = i + 1; k < v->n_entries; k++) {
            TRY(mem_grow(&m->pairs, &m->cap_pairs, m->n_pairs, sizeof *m->pairs, err));
            const struct entry *a = &entries[i], *b = &entries[k];
            m->pairs[m->n_pairs++] = (struct compare_metric){
                .name = v->metric->name, .higher_is_better = v->metric->better == BETTER_MORE,
                .a = {.value = a->x, .launch = a->launch, .block = v->blocks ? a->launch : NULL, .n = a->n},
                .b = {.value = b->x, .launch = b->launch, .block = v->blocks ? b->launch : NULL, .n = b->n}};
        }
    return 0;
}

struct picked {
    const struct result_cell *cell;
    const char *contender;
};

/* The contenders of one setting by one metric: nothing is added when fewer than two can be ranked. */
static int add_verdict(struct making *m, const struct metric *metric, const char *title, const char *setting,
                       const struct picked *picked, size_t n, struct err *err)
{
    struct verdict v = {.metric = metric, .table = title, .setting = setting, .first_pair = m->n_pairs, .blocks = true};
    struct entry *entries = arena_alloc(&m->arena, n, sizeof *entries, err);
    v.names = arena_alloc(&m->arena, n, sizeof *v.names, err);
    v.medians = arena_alloc(&m->arena, n, sizeof *v.medians, err);
    if (!entries || !v.names || !v.medians)
        return -1;
    for (size_t i = 0; i < n; i++) {
        int taken = take_entry(m, &entries[v.n_entries], picked[i].contender, picked[i].cell, metric, err);
        if (taken < 0)
            return -1;
        if (!taken)
            continue;
        v.names[v.n_entries] = entries[v.n_entries].contender;
        v.medians[v.n_entries] = entries[v.n_entries].median;
        v.n_entries++;
        v.blocks &= str_eq(picked[i].cell->run, picked[0].cell->run); /* launch k of each lies in pass k of the run */
    }
    if (v.n_entries < 2)
        return 0;
    if (m->n_pairs + v.n_entries * (v.n_entries - 1) / 2 > FAMILY_MAX) {
        m->notes.n_too_many++;
        return 0;
    }
    TRY(mem_grow(&m->verdicts, &m->cap_verdicts, m->n_verdicts, sizeof *m->verdicts, err));
    m->verdicts[m->n_verdicts++] = v;
    return add_pairs(m, &v, entries, err);
}

/* ---- one table ---- */

static int of_table(struct making *m, struct report_table *t, const struct result_cell *cells, size_t n, struct err *err)
{
    struct naming by;
    struct picked *picked = arena_alloc(&m->arena, n, sizeof *picked, err);
    const char **settings = t->settings = arena_alloc(&m->doc->arena, n, sizeof *settings, err);
    t->contenders = arena_alloc(&m->doc->arena, n, sizeof *t->contenders, err);
    if (!settings || !picked || !t->contenders)
        return -1;
    find_naming(&by, cells, n);
    for (size_t i = 0; i < n; i++) {
        struct naming own = {.engine = true, .quantize = by.quantize, .run = by.run};
        settings[i] = setting_of(m, &by, cells, n, i, err);
        t->contenders[i] = contender_of(m, counts(&cells[i]) ? &by : &own, &cells[i], err);
        if (!settings[i] || !t->contenders[i])
            return -1;
    }
    for (size_t k = 0; k < metric_count; k++) {
        const struct metric *metric = &metric_table[k];
        for (size_t i = 0; metric_ranks(metric) && i < n; i++) {
            size_t n_picked = 0;
            bool seen = false;
            for (size_t e = 0; e < i; e++)
                seen |= strcmp(settings[e], settings[i]) == 0;
            for (size_t e = i; e < n && !seen; e++) {
                bool named = false; /* a contender that is there twice counts once */
                for (size_t p = 0; p < n_picked; p++)
                    named |= strcmp(picked[p].contender, t->contenders[e]) == 0;
                if (!named && counts(&cells[e]) && strcmp(settings[e], settings[i]) == 0)
                    picked[n_picked++] = (struct picked){&cells[e], t->contenders[e]};
            }
            if (n_picked >= 2)
                TRY(add_verdict(m, metric, t->title, settings[i], picked, n_picked, err));
        }
    }
    return 0;
}

/* Engines with a clock of their own take no part, and the reader is told. */
static int note_clocks(struct making *m, struct err *err)
{
    for (size_t i = 0; i < m->r->n_cells; i++) {
        const struct result_cell *cell = &m->r->cells[i];
        bool said = counts(cell);
        for (size_t k = 0; k < i && !said; k++)
            said = str_eq(m->r->cells[k].engine, cell->engine) && !counts(&m->r->cells[k]);
        if (said)
            continue;
        struct buf text = BUF_INIT(1 << 12);
        buf_printf(&text, "%s is not ranked: its times are of its own clock ('%s'), not of this machine", cell->engine, cell->clock);
        int result = buf_check(&text, err) < 0 ? -1 : report_finding_add(m->doc, FINDING_NOTE, text.data, err);
        buf_release(&text);
        if (result < 0)
            return -1;
    }
    return 0;
}

int verdict_add(struct report_doc *doc, const struct results *r, struct err *err)
{
    struct making m = {.doc = doc, .r = r, .arena = ARENA_INIT((size_t)1 << 30)};
    struct comparison *compared = NULL;
    int result = -1;
    size_t table = 0;
    for (size_t from = 0, to; from < r->n_cells; from = to) {
        for (to = from + 1; to < r->n_cells && rows_together(&r->cells[from], &r->cells[to]);)
            to++;
        if (of_table(&m, &doc->tables[table++], &r->cells[from], to - from, err) < 0)
            goto out;
    }
    compared = mem_alloc(m.n_pairs, sizeof *compared, err);
    if (!compared || (m.n_pairs && compare(compared, m.pairs, m.n_pairs, NULL, err) < 0))
        goto out;
    m.notes.n_pairs = m.n_pairs;
    for (size_t i = 0; i < m.n_pairs; i++)
        m.notes.n_requests += compared[i].unit == COMPARE_REQUESTS;
    if (verdict_decide(m.verdicts, m.n_verdicts, compared, err) < 0)
        goto out;
    if (verdict_say(doc, m.verdicts, m.n_verdicts, &m.notes, err) == 0 && note_clocks(&m, err) == 0)
        result = verdict_table(doc, m.verdicts, m.n_verdicts, err);
out:
    free(compared);
    free(m.pairs);
    free(m.verdicts);
    arena_release(&m.arena);
    return result;
}
