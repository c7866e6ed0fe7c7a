/* bench_figure - medians with intervals of numbers from a shell script.
 *
 *     printf 'q8_0 2.31\nq8_0 2.28\nf16 1.07\n' | bench_figure
 *
 * Reads lines of NAME NUMBER; writes for each name, in the order in which they first appear, a line of NAME MEDIAN LO HI N
 * with tabs between (LO and HI are - for a single number): the figure of stats/figure.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "stats/figure.h"

struct series {
    char name[128];
    double *x;
    size_t n, cap;
};

static struct series *find(struct series **all, size_t *n, size_t *cap, const char *name, struct err *err)
{
    for (size_t i = 0; i < *n; i++)
        if (strcmp((*all)[i].name, name) == 0)
            return &(*all)[i];
    if (mem_grow(all, cap, *n, sizeof **all, err) < 0)
        return NULL;
    struct series *s = &(*all)[(*n)++];
    *s = (struct series){0};
    snprintf(s->name, sizeof s->name, "%s", name);
    return s;
}

static int show(const struct series *s, struct err *err)
{
    struct figure f;
    TRY(figure_of(&f, s->x, s->n, NULL, err));
    if (f.n < 2)
        printf("%s\t%.4g\t-\t-\t1\n", s->name, f.median);
    else
        printf("%s\t%.4g\t%.4g\t%.4g\t%zu\n", s->name, f.median, f.lo, f.hi, f.n);
    return 0;
}

static int work(struct series **all, size_t *n, struct err *err)
{
    size_t cap = 0;
    char name[128];
    double x;
    int got;
    while ((got = scanf("%127s %lf", name, &x)) == 2) {
        struct series *s = find(all, n, &cap, name, err);
        if (!s || mem_grow(&s->x, &s->cap, s->n, sizeof *s->x, err) < 0)
            return -1;
        s->x[s->n++] = x;
    }
    if (got != EOF)
        return err_set(err, ERR_INPUT, "after %zu names: expected lines of NAME NUMBER", *n);
    for (size_t i = 0; i < *n; i++)
        TRY(show(&(*all)[i], err));
    return 0;
}

int main(void)
{
    struct err err = ERR_INIT;
    struct series *all = NULL;
    size_t n = 0;
    int rc = work(&all, &n, &err);
    if (rc < 0)
        fprintf(stderr, "bench_figure: %s\n", err.text);
    for (size_t i = 0; i < n; i++)
        free(all[i].x);
    free(all);
    return rc < 0;
}
