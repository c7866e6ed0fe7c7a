#include "report/verdict_words.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "report/format.h"
#include "stats/multiplicity.h"

/* The comparison of b against a, whichever way round it was made. */
static struct comparison against(const struct verdict *v, const struct comparison *compared, size_t a, size_t b)
{
    size_t low = a < b ? a : b, high = a < b ? b : a, at = v->first_pair;
    for (size_t i = 0; i < low; i++)
        at += v->n_entries - 1 - i;
    struct comparison c = compared[at + high - low - 1];
    if (a < b)
        return c;
    struct interval ci = c.ci;
    c.ratio = 1 / c.ratio;
    c.ci.lo = 1 / ci.hi;
    c.ci.hi = 1 / ci.lo;
    c.verdict = c.verdict == COMPARE_FASTER ? COMPARE_SLOWER : c.verdict == COMPARE_SLOWER ? COMPARE_FASTER : c.verdict;
    return c;
}

static bool better(const struct verdict *v, size_t a, size_t b)
{
    return v->metric->better == BETTER_LESS ? v->medians[a] < v->medians[b] : v->medians[a] > v->medians[b];
}

static void decide(struct verdict *v, const struct comparison *compared)
{
    v->best = 0;
    for (size_t i = 1; i < v->n_entries; i++)
        if (better(v, i, v->best))
            v->best = i;
    v->next = v->best == 0 ? 1 : 0;
    v->p = 0;
    for (size_t i = 0; i < v->n_entries; i++) {
        if (i == v->best)
            continue;
        struct comparison c = against(v, compared, v->best, i);
        double p = c.ratio > 1 && c.verdict != COMPARE_EQUIVALENT ? c.p_alone * (double)(v->n_entries - 1) : 1;
        v->p = fmax(v->p, fmin(p, 1));
        if (better(v, i, v->next))
            v->next = i;
    }
    v->c = against(v, compared, v->best, v->next);
}

int verdict_decide(struct verdict *v, size_t n, const struct comparison *compared, struct err *err)
{
    double *p = mem_alloc(n, sizeof *p, err);
    if (!p)
        return -1;
    for (size_t i = 0; i < n; i++) {
        decide(&v[i], compared);
        p[i] = v[i].p;
    }
    int result = n ? adjust_holm(p, p, n, err) : 0;
    for (size_t i = 0; result == 0 && i < n; i++) {
        v[i].p = p[i];
        v[i].shown = p[i] <= 0.05;
    }
    free(p);
    return result;
}

/* ---- sentences ---- */

static void ratio_text(char out[64], const struct comparison *c)
{
    int places = c->ratio < 10 ? 2 : c->ratio < 100 ? 1 : 0;
    if (isfinite(c->ci.lo) && isfinite(c->ci.hi))
        snprintf(out, 64, "%.*f\xC3\x97 [%.*f, %.*f]", places, c->ratio, places, c->ci.lo, places, c->ci.hi);
    else
        snprintf(out, 64, "%.*f\xC3\x97", places, c->ratio);
}

static void one_setting(struct buf *out, const struct verdict *v)
{
    char ratio[64];
    ratio_text(ratio, &v->c);
    if (v->shown)
        buf_printf(out, "%s is best, ahead of %s by %s", v->names[v->best], v->names[v->next], ratio);
    else if (v->c.verdict == COMPARE_EQUIVALENT)
        buf_printf(out, "%s and %s are equivalent, within 1 %%", v->names[v->best], v->names[v->next]);
    else
        buf_printf(out, "no best one was shown; %s and %s lead, %s apart", v->names[v->best], v->names[v->next], ratio);
}

/* "native in 3 of 4 settings (1.2x to 1.9x ahead of the next), pytorch in 1". */
static void several_settings(struct buf *out, const struct verdict *v, size_t n)
{
    size_t shown = 0;
    bool any = false;
    for (size_t i = 0; i < n; i++) {
        bool seen = !v[i].shown;
        shown += v[i].shown;
        for (size_t k = 0; k < i; k++)
            seen |= v[k].shown && strcmp(v[k].names[v[k].best], v[i].names[v[i].best]) == 0;
        if (seen)
            continue;
        const char *name = v[i].names[v[i].best];
        size_t wins = 0;
        double least = INFINITY, most = 0;
        for (size_t k = i; k < n; k++)
            if (v[k].shown && strcmp(v[k].names[v[k].best], name) == 0) {
                wins++;
                least = fmin(least, v[k].c.ratio);
                most = fmax(most, v[k].c.ratio);
            }
        buf_printf(out, "%s%s is best in %zu of %zu settings, ahead of the next by %.2f\xC3\x97", any ? "; " : "", name, wins, n,
                   least);
        if (most - least >= 0.005)
            buf_printf(out, " to %.2f\xC3\x97", most);
        any = true;
    }
    if (shown == 0)
        buf_printf(out, "no best one was shown in any of %zu settings", n);
    else if (shown < n)
        buf_printf(out, "; none was shown in %zu", n - shown);
}

static int say_footnotes(struct report_doc *doc, size_t n, const struct verdict_notes *notes, struct err *err)
{
    char text[400];
    snprintf(text, sizeof text, "\"best\" is said only where every other one was shown to be worse: p at most 0.05, corrected for "
             "the number of contenders and (Holm) for the %zu verdict%s of this report; \xC3\x97 is the cost of the next over the cost of "
             "the best, with its 95 %% interval", n, n == 1 ? "" : "s");
    if (n)
        TRY(report_finding_add(doc, FINDING_NOTE, text, err));
    snprintf(text, sizeof text, "%zu of %zu comparisons are between requests of one launch: another launch may differ; 'repeats: 6' or "
             "more in the manifest makes them hold", notes->n_requests, notes->n_pairs);
    if (notes->n_requests)
        TRY(report_finding_add(doc, FINDING_NOTE, text, err));
    snprintf(text, sizeof text, "%zu settings are left out: more comparisons than one family bears", notes->n_too_many);
    return notes->n_too_many ? report_finding_add(doc, FINDING_NOTE, text, err) : 0;
}

int verdict_say(struct report_doc *doc, const struct verdict *v, size_t n, const struct verdict_notes *notes, struct err *err)
{
    bool several_tables = false;
    for (size_t i = 1; i < n; i++)
        several_tables |= strcmp(v[i].table, v[0].table) != 0;
    for (size_t from = 0, to; from < n; from = to) {
        struct buf text = BUF_INIT(1 << 20);
        bool shown = false;
        for (to = from; to < n && v[to].metric == v[from].metric && strcmp(v[to].table, v[from].table) == 0; to++)
            shown |= v[to].shown;
        buf_printf(&text, "%s%s%s: ", several_tables ? v[from].table : "", several_tables ? ", " : "", v[from].metric->title);
        if (to - from == 1)
            one_setting(&text, &v[from]);
        else
            several_settings(&text, v + from, to - from);
        int result = buf_check(&text, err);
        if (result == 0 && *text.data >= 'a' && *text.data <= 'z') /* a sentence begins with a capital */
            *text.data = (char)(*text.data - 'a' + 'A');
        if (result == 0)
            result = report_finding_add(doc, shown ? FINDING_SHOWN : FINDING_OPEN, text.data, err);
        buf_release(&text);
        if (result < 0)
            return -1;
    }
    if (n == 0 && doc->n_tables)
        TRY(report_finding_add(doc, FINDING_OPEN, notes->n_single ? "one sample each: nothing can be said of differences"
                                                                  : "there are no two that could be compared", err));
    return say_footnotes(doc, n, notes, err);
}

/* ---- the numbers ---- */

int verdict_table(struct report_doc *doc, const struct verdict *v, size_t n, struct err *err)
{
    static const struct {
        enum column_kind kind;
        const char *name;
    } columns[] = {{COLUMN_TEXT, "table"},   {COLUMN_TEXT, "metric"},  {COLUMN_TEXT, "setting"},   {COLUMN_TEXT, "best"},
                   {COLUMN_TEXT, "verdict"}, {COLUMN_TEXT, "next"},    {COLUMN_NUMBER, "ratio"},   {COLUMN_NUMBER, "lo"},
                   {COLUMN_NUMBER, "hi"},    {COLUMN_NUMBER, "p"},     {COLUMN_NUMBER, "detectable"}, {COLUMN_COUNT, "n"},
                   {COLUMN_TEXT, "unit"}};
    if (n == 0)
        return 0;
    struct report_table *t = report_table_add(doc, "verdicts", "Verdicts", err);
    if (!t)
        return -1;
    t->detail = true;
    for (size_t c = 0; c < sizeof columns / sizeof columns[0]; c++)
        TRY(report_column_add(doc, t, columns[c].kind, columns[c].name, err));
    for (size_t i = 0; i < n; i++) {
        struct report_cell *row = report_row_add(doc, t, err);
        if (!row)
            return -1;
        TRY(report_set_text(doc, &row[0], v[i].table, err));
        TRY(report_set_text(doc, &row[1], v[i].metric->title, err));
        TRY(report_set_text(doc, &row[2], *v[i].setting ? v[i].setting : "all", err));
        TRY(report_set_text(doc, &row[3], v[i].names[v[i].best], err));
        TRY(report_set_text(doc, &row[4], v[i].shown ? "best" : compare_verdict_name(v[i].c.verdict == COMPARE_EQUIVALENT ? COMPARE_EQUIVALENT : COMPARE_NO_DIFFERENCE), err));
        TRY(report_set_text(doc, &row[5], v[i].names[v[i].next], err));
        report_set_number(&row[6], v[i].c.ratio);
        report_set_number(&row[7], v[i].c.ci.lo);
        report_set_number(&row[8], v[i].c.ci.hi);
        report_set_number(&row[9], v[i].p);
        report_set_number(&row[10], v[i].c.detectable);
        report_set_count(&row[11], (int64_t)v[i].c.n_a);
        TRY(report_set_text(doc, &row[12], compare_unit_name(v[i].c.unit), err));
    }
    return 0;
}
