#include "stats/multiplicity.h"

#include <stdlib.h>

#include "base/mem.h"

struct place {
    double p;
    size_t at;
};

static int by_p(const void *pa, const void *pb)
{
    const struct place *a = pa, *b = pb;
    if (a->p != b->p)
        return a->p < b->p ? -1 : 1;
    return a->at < b->at ? -1 : a->at > b->at;
}

static struct place *ascending(const double *p, size_t n, struct err *err)
{
    for (size_t i = 0; i < n; i++)
        if (!(p[i] >= 0 && p[i] <= 1)) {
            err_set(err, ERR_USAGE, "p-value %zu of %zu is %g, expected 0 to 1", i + 1, n, p[i]);
            return NULL;
        }
    struct place *s = mem_alloc(n, sizeof *s, err);
    if (!s)
        return NULL;
    for (size_t i = 0; i < n; i++)
        s[i] = (struct place){p[i], i};
    qsort(s, n, sizeof *s, by_p);
    return s;
}

int adjust_holm(double *out, const double *p, size_t n, struct err *err)
{
    struct place *s = ascending(p, n, err);
    if (!s)
        return -1;
    double most = 0;
    for (size_t i = 0; i < n; i++) {
        double v = s[i].p * (double)(n - i);
        most = v > most ? v : most;
        out[s[i].at] = most > 1 ? 1 : most;
    }
    free(s);
    return 0;
}

static int step_up(double *out, const double *p, size_t n, double factor, struct err *err)
{
    struct place *s = ascending(p, n, err);
    if (!s)
        return -1;
    double least = 1;
    for (size_t i = n; i-- > 0;) {
        double v = s[i].p * (double)n / (double)(i + 1) * factor;
        least = v < least ? v : least;
        out[s[i].at] = least;
    }
    free(s);
    return 0;
}

int adjust_bh(double *out, const double *p, size_t n, struct err *err)
{
    return step_up(out, p, n, 1, err);
}

int adjust_by(double *out, const double *p, size_t n, struct err *err)
{
    return step_up(out, p, n, by_factor(n), err);
}

double by_factor(size_t n)
{
    double sum = 0;
    for (size_t i = 1; i <= n; i++)
        sum += 1.0 / (double)i;
    return sum;
}

int pocock_level(double *out, int looks, struct err *err)
{
    static const double level[] = {0.029386, 0.022052, 0.018211, 0.015814, 0.014159,
                                   0.012937, 0.011993, 0.011238, 0.010618};
    if (looks < 2 || looks > 10)
        return err_set(err, ERR_USAGE, "Pocock's level for %d looks, expected 2 to 10", looks);
    *out = level[looks - 2];
    return 0;
}
