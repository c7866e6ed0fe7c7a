#include "stats/sample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

int sample_check(const char *what, const double *x, size_t n, size_t least, struct err *err)
{
    if (n == 0 && least > 0)
        return err_set(err, ERR_USAGE, "%s of no samples", what);
    if (n < least)
        return err_set(err, ERR_USAGE, "%s: %zu sample%s, at least %zu are needed", what, n, n == 1 ? "" : "s", least);
    for (size_t i = 0; i < n; i++) {
        if (isnan(x[i]))
            return err_set(err, ERR_USAGE, "%s: sample %zu of %zu is not a number (nan)", what, i + 1, n);
        if (isinf(x[i]))
            return err_set(err, ERR_USAGE, "%s: sample %zu of %zu is infinite (%g)", what, i + 1, n, x[i]);
    }
    return 0;
}

int sample_check_positive(const char *what, const double *x, size_t n, size_t least, struct err *err)
{
    TRY(sample_check(what, x, n, least, err));
    for (size_t i = 0; i < n; i++)
        if (!(x[i] > 0)) {
            err_set(err, ERR_USAGE, "%s: sample %zu of %zu is %g, expected above 0", what, i + 1, n, x[i]);
            return err_hint(err, "a ratio is defined for costs and rates that are above zero");
        }
    return 0;
}

int share_check(const char *what, double share, struct err *err)
{
    if (share > 0 && share < 1)
        return 0;
    return err_set(err, ERR_USAGE, "%s is %g, expected above 0 and below 1", what, share);
}

double sample_sum(const double *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i];
    return sum;
}

double sample_mean(const double *x, size_t n)
{
    double sum = 0, lo = x[0], hi = x[0];
    for (size_t i = 0; i < n; i++) {
        sum += x[i];
        lo = x[i] < lo ? x[i] : lo;
        hi = x[i] > hi ? x[i] : hi;
    }
    double mean = sum / (double)n; /* may round past the samples when they are all equal */
    if (isinf(sum)) { /* samples near the largest double: a sum of smaller parts */
        mean = 0;
        for (size_t i = 0; i < n; i++)
            mean += x[i] / (double)n;
    }
    return mean < lo ? lo : mean > hi ? hi : mean;
}

double sample_variance(const double *x, size_t n)
{
    if (n < 2)
        return 0;
    double mean = sample_mean(x, n), sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (x[i] - mean) * (x[i] - mean);
    return sum / (double)(n - 1);
}

double sample_sd(const double *x, size_t n)
{
    return sqrt(sample_variance(x, n));
}

/* Total order: -0 before 0, so that equal elements are equal bits and the algorithm does not show. */
static int before(double a, double b)
{
    return a < b || (a == b && signbit(a) && !signbit(b));
}

static void insertion_sort(double *x, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        double v = x[i];
        size_t j = i;
        for (; j > 0 && before(v, x[j - 1]); j--)
            x[j] = x[j - 1];
        x[j] = v;
    }
}

static int by_value(const void *pa, const void *pb)
{
    double a = *(const double *)pa, b = *(const double *)pb;
    return before(b, a) - before(a, b);
}

void sample_sort(double *x, size_t n)
{
    if (n <= 48)
        insertion_sort(x, n);
    else
        qsort(x, n, sizeof *x, by_value);
}

double *sample_sorted(const double *x, size_t n, struct err *err)
{
    double *copy = mem_alloc(n, sizeof *copy, err);
    if (!copy)
        return NULL;
    if (n)
        memcpy(copy, x, n * sizeof *copy);
    sample_sort(copy, n);
    return copy;
}

/* Hoare's selection (CACM algorithm 65 in Wirth's form), the median of three as pivot; a range that does not shrink fast
 * is sorted. */
double sample_select(double *x, size_t n, size_t k)
{
    ptrdiff_t lo = 0, hi = (ptrdiff_t)n - 1, want = (ptrdiff_t)k;
    for (int rounds = 0; hi - lo > 24; rounds++) {
        if (rounds == 100) {
            sample_sort(x + lo, (size_t)(hi - lo) + 1);
            return x[k];
        }
        double a = x[lo], b = x[lo + (hi - lo) / 2], c = x[hi];
        double pivot = before(a, b) ? (before(b, c) ? b : before(a, c) ? c : a)
                                    : (before(a, c) ? a : before(b, c) ? c : b);
        ptrdiff_t i = lo, j = hi;
        do {
            while (before(x[i], pivot))
                i++;
            while (before(pivot, x[j]))
                j--;
            if (i <= j) {
                double t = x[i];
                x[i++] = x[j];
                x[j--] = t;
            }
        } while (i <= j);
        /* x[lo..j] <= pivot <= x[i..hi]; what lies between equals it */
        if (j < want)
            lo = i;
        if (want < i)
            hi = j;
    }
    if (lo < hi)
        insertion_sort(x + lo, (size_t)(hi - lo) + 1);
    return x[k];
}
