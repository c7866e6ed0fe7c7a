/* plot_lanes.c - a lane for each of several courses of events: what came when. */
#include <math.h>

#include "report/plot.h"

#define ROW 26.0

static const struct lanes_panel *lanes_of(const struct plot_panel *panel)
{
    return (const struct lanes_panel *)panel;
}

static double wanted_height(struct scene *s, const struct plot_panel *panel, double width)
{
    const struct lanes_panel *p = lanes_of(panel);
    (void)s, (void)width;
    return ROW * (double)p->n_lanes + plot_axis_below(&p->x);
}

static void draw_lane(struct scene *s, const struct scale *scale, const struct lane *lane, double middle)
{
    double zero = scale_at(scale, 0), start = scale_at(scale, lane->start), end = start;
    struct rgb pale = rgb_mix(lane->color, s->theme->paper, 0.72);
    scene_rect(s, (struct box){zero, middle - 5, fmax(start - zero, 0.5), 10}, (struct ink){.fill = pale});
    for (size_t i = 0; i < lane->n; i++) {
        double x = scale_at(scale, lane->ticks[i]);
        if (i > 0 && x - end < 0.35) /* nearer than can be told apart: one tick stands for both */
            continue;
        scene_line(s, x, middle - 7, x, middle + 7, lane->color, 1.1, 0);
        end = x;
    }
    scene_line(s, start, middle, scale_at(scale, lane->ticks[lane->n - 1]), middle, rgb_alpha(lane->color, 0.35), 0.8, 0);
}

static void draw(struct scene *s, const struct plot_panel *panel, struct box whole)
{
    const struct lanes_panel *p = lanes_of(panel);
    const char **names = scene_alloc(s, p->n_lanes, sizeof *names);
    double hi = -INFINITY;
    struct scale scale;
    if (!names)
        return;
    for (size_t i = 0; i < p->n_lanes; i++) {
        names[i] = p->lanes[i].name;
        if (p->lanes[i].n)
            hi = fmax(hi, p->lanes[i].ticks[p->lanes[i].n - 1]);
    }
    double left = plot_names_width(s, names, p->n_lanes, whole.w);
    struct box box = {whole.x + left, whole.y, whole.w - left - 12, ROW * (double)p->n_lanes};
    scale_make(&scale, &p->x, 0, hi, box.w, 58);
    scale.from = box.x;
    scale.to = box.x + box.w;
    plot_axis_x(s, &scale, &p->x, box);
    for (size_t i = 0; i < p->n_lanes; i++) {
        double middle = box.y + ROW * ((double)i + 0.5);
        plot_name(s, names[i], box.x, middle, left, ROW);
        if (p->lanes[i].n)
            draw_lane(s, &scale, &p->lanes[i], middle);
        else
            plot_missing(s, box.x + 5, middle, box.w - 5, p->lanes[i].why);
    }
    scene_line(s, box.x, box.y, box.x, box.y + box.h, s->theme->axis, 0.9, 0);
}

const struct panel_kind panel_lanes = {wanted_height, draw};
