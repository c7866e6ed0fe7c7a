/* plot_spread.c - how samples spread: a violin, in it the middle half and the median, and the points when they are few. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/plot.h"
#include "stats/quantile.h"

#define ROW 34.0
#define HALF 12.0
enum { BINS = 256, FEW = 24 };

static const struct spread_panel *spread_of(const struct plot_panel *panel)
{
    return (const struct spread_panel *)panel;
}

static double wanted_height(struct scene *s, const struct plot_panel *panel, double width)
{
    const struct spread_panel *p = spread_of(panel);
    (void)s, (void)width;
    return ROW * (double)p->n_rows + plot_axis_below(&p->x);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Density over the pixels from the least to the largest sample, by a Gaussian of Silverman's width (1986, eq. 3.31).
 * Counting into bins first makes a million samples as quick as a hundred. */
static void violin(struct scene *s, const double *at, size_t n, double middle, struct rgb color)
{
    double lo = at[0], hi = at[n - 1], bin = (hi - lo) / (BINS - 1), sum = 0, squares = 0, most = 0;
    double counts[BINS] = {0}, density[BINS];
    struct point outline[2 * BINS];
    for (size_t i = 0; i < n; i++) {
        counts[(int)((at[i] - lo) / bin + 0.5)] += 1;
        sum += at[i];
    }
    for (size_t i = 0; i < n; i++)
        squares += (at[i] - sum / (double)n) * (at[i] - sum / (double)n);
    double sd = sqrt(squares / (double)(n - 1)), iqr = (quantile_sorted(at, n, 0.75) - quantile_sorted(at, n, 0.25)) / 1.34;
    double width = fmax(0.9 * (iqr > 0 ? fmin(sd, iqr) : sd) * pow((double)n, -0.2), 0.8); /* not below what is seen */
    for (int i = 0; i < BINS; i++) {
        density[i] = 0;
        for (int k = 0; k < BINS; k++) {
            double z = bin * (i - k) / width;
            if (counts[k] > 0 && fabs(z) < 5)
                density[i] += counts[k] * exp(-z * z / 2);
        }
        most = fmax(most, density[i]);
    }
    for (int i = 0; i < BINS; i++) {
        double x = lo + bin * i, up = HALF * density[i] / most;
        outline[i] = (struct point){x, middle - up};
        outline[2 * BINS - 1 - i] = (struct point){x, middle + up};
    }
    scene_path(s, outline, 2 * BINS, true, (struct ink){.fill = rgb_alpha(color, 0.28), .stroke = color, .width = 0.9});
}

static void draw_row(struct scene *s, const struct scale *scale, const struct spread *row, double middle)
{
    double *at = scene_alloc(s, row->n, sizeof *at);
    if (!at)
        return;
    for (size_t i = 0; i < row->n; i++)
        at[i] = scale_at(scale, row->x[i]);
    qsort(at, row->n, sizeof *at, ascending);
    double q1 = quantile_sorted(at, row->n, 0.25), q2 = median_sorted(at, row->n), q3 = quantile_sorted(at, row->n, 0.75);
    if (row->n >= 5 && at[row->n - 1] - at[0] > 1)
        violin(s, at, row->n, middle, row->color);
    if (row->n <= FEW)
        for (size_t i = 0; i < row->n; i++)
            scene_circle(s, at[i], middle, 2.4, (struct ink){.fill = rgb_alpha(row->color, 0.75)});
    if (row->n < 2)
        return;
    struct rgb dark = rgb_mix(row->color, s->theme->ink, 0.45);
    scene_rect(s, (struct box){q1, middle - 2.5, fmax(q3 - q1, 0.8), 5}, (struct ink){.fill = dark});
    scene_circle(s, q2, middle, 3, (struct ink){.fill = s->theme->paper, .stroke = dark, .width = 1.3});
}

static void draw(struct scene *s, const struct plot_panel *panel, struct box whole)
{
    const struct spread_panel *p = spread_of(panel);
    const char **names = scene_alloc(s, p->n_rows, sizeof *names);
    double lo = INFINITY, hi = -INFINITY;
    struct scale scale;
    if (!names)
        return;
    for (size_t r = 0; r < p->n_rows; r++) {
        names[r] = p->rows[r].name;
        for (size_t i = 0; i < p->rows[r].n; i++) {
            lo = fmin(lo, p->rows[r].x[i]);
            hi = fmax(hi, p->rows[r].x[i]);
        }
    }
    double left = plot_names_width(s, names, p->n_rows, whole.w);
    struct box box = {whole.x + left, whole.y, whole.w - left - 12, ROW * (double)p->n_rows};
    scale_make(&scale, &p->x, lo, hi, box.w, 58);
    scale.from = box.x;
    scale.to = box.x + box.w;
    plot_axis_x(s, &scale, &p->x, box);
    for (size_t r = 0; r < p->n_rows; r++) {
        double middle = box.y + ROW * ((double)r + 0.5);
        plot_name(s, names[r], box.x, middle, left, ROW);
        if (p->rows[r].n)
            draw_row(s, &scale, &p->rows[r], middle);
        else
            plot_missing(s, box.x + 5, middle, box.w - 5, p->rows[r].why);
    }
}

const struct panel_kind panel_spread = {wanted_height, draw};
