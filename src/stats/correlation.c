#include "stats/correlation.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "stats/rank_test.h"
#include "stats/sample.h"

static int check(const char *what, const double *x, const double *y, size_t n, struct err *err)
{
    char side[64];
    for (int i = 0; i < 2; i++) {
        const double *v = i == 0 ? x : y;
        snprintf(side, sizeof side, "%s, side %c", what, i == 0 ? 'x' : 'y');
        TRY(sample_check(side, v, n, 2, err));
        bool varies = false;
        for (size_t k = 1; k < n && !varies; k++)
            varies = v[k] != v[0];
        if (!varies)
            return err_set(err, ERR_USAGE, "%s: all %zu values are %g, so there is no correlation", side, n, v[0]);
    }
    return 0;
}

static double clamp(double r)
{
    return r > 1 ? 1 : r < -1 ? -1 : r;
}

static double of_moments(const double *x, const double *y, size_t n)
{
    double mx = sample_mean(x, n), my = sample_mean(y, n), xx = 0, yy = 0, xy = 0;
    for (size_t i = 0; i < n; i++) {
        xx += (x[i] - mx) * (x[i] - mx);
        yy += (y[i] - my) * (y[i] - my);
        xy += (x[i] - mx) * (y[i] - my);
    }
    return clamp(xy / (sqrt(xx) * sqrt(yy)));
}

int pearson(double *out, const double *x, const double *y, size_t n, struct err *err)
{
    TRY(check("Pearson's correlation", x, y, n, err));
    *out = of_moments(x, y, n);
    return 0;
}

int spearman(double *out, const double *x, const double *y, size_t n, struct err *err)
{
    TRY(check("Spearman's correlation", x, y, n, err));
    double *rx = mem_alloc(n, sizeof *rx, err), *ry = mem_alloc(n, sizeof *ry, err);
    int rc = -1;
    if (rx && ry && sample_ranks(rx, x, n, err) >= 0 && sample_ranks(ry, y, n, err) >= 0) {
        *out = of_moments(rx, ry, n);
        rc = 0;
    }
    free(rx);
    free(ry);
    return rc;
}

struct point {
    double x, y;
};

static int by_x_then_y(const void *pa, const void *pb)
{
    const struct point *a = pa, *b = pb;
    if (a->x != b->x)
        return a->x < b->x ? -1 : 1;
    return (a->y > b->y) - (a->y < b->y);
}

/* Sorts by y, counting the exchanges a bubble sort would make: the discordant pairs. */
static double merge_sort(struct point *p, struct point *spare, size_t n)
{
    if (n < 2)
        return 0;
    size_t half = n / 2;
    double swaps = merge_sort(p, spare, half) + merge_sort(p + half, spare, n - half);
    size_t i = 0, j = half, k = 0;
    while (i < half && j < n) {
        if (p[j].y < p[i].y) {
            swaps += (double)(half - i);
            spare[k++] = p[j++];
        } else {
            spare[k++] = p[i++];
        }
    }
    while (i < half)
        spare[k++] = p[i++];
    while (j < n)
        spare[k++] = p[j++];
    for (k = 0; k < n; k++)
        p[k] = spare[k];
    return swaps;
}

static double pairs_of(double t)
{
    return t * (t - 1) / 2;
}

int kendall_tau_b(double *out, const double *x, const double *y, size_t n, struct err *err)
{
    TRY(check("Kendall's correlation", x, y, n, err));
    struct point *p = mem_alloc(n, 2 * sizeof *p, err);
    if (!p)
        return -1;
    for (size_t i = 0; i < n; i++)
        p[i] = (struct point){x[i], y[i]};
    qsort(p, n, sizeof *p, by_x_then_y);
    double ties_x = 0, ties_both = 0, ties_y = 0;
    for (size_t i = 0, j; i < n; i = j) {
        for (j = i; j < n && p[j].x == p[i].x; j++)
            ;
        ties_x += pairs_of((double)(j - i));
        for (size_t k = i, m; k < j; k = m) {
            for (m = k; m < j && p[m].y == p[k].y; m++)
                ;
            ties_both += pairs_of((double)(m - k));
        }
    }
    double swaps = merge_sort(p, p + n, n);
    for (size_t i = 0, j; i < n; i = j) {
        for (j = i; j < n && p[j].y == p[i].y; j++)
            ;
        ties_y += pairs_of((double)(j - i));
    }
    free(p);
    double all = pairs_of((double)n);
    double difference = all - ties_x - ties_y + ties_both - 2 * swaps; /* concordant - discordant */
    *out = clamp(difference / (sqrt(all - ties_x) * sqrt(all - ties_y)));
    return 0;
}
