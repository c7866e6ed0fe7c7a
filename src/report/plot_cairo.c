/* plot_cairo.c - a scene as PNG or PDF. */
#include "report/plot_press_lib.h"
#include "report/plot_scene.h"

#define RADIANS (3.14159265358979323846 / 180)

static cairo_status_t put(void *arg, const unsigned char *bytes, unsigned len)
{
    buf_add(arg, bytes, len);
    return CAIRO_STATUS_SUCCESS; /* a buffer that failed says so itself */
}

static void color(const struct press *p, cairo_t *c, struct rgb rgb)
{
    p->cairo_set_source_rgba(c, rgb.r, rgb.g, rgb.b, rgb.a);
}

static void paint(const struct press *p, cairo_t *c, const struct ink *ink)
{
    if (ink->fill.a > 0) {
        color(p, c, ink->fill);
        p->cairo_fill_preserve(c);
    }
    if (ink->width > 0 && ink->stroke.a > 0) {
        color(p, c, ink->stroke);
        p->cairo_set_line_width(c, ink->width);
        p->cairo_set_dash(c, &ink->dash, ink->dash > 0, 0);
        p->cairo_stroke(c);
    }
    p->cairo_new_path(c);
}

static void draw_text(struct press *p, cairo_t *c, const struct mark *m)
{
    press_set(p, m->text, (struct press_font){m->style.size, m->style.bold, m->style.italic});
    p->cairo_save(c);
    p->cairo_translate(c, m->pivot.x, m->pivot.y);
    p->cairo_rotate(c, m->style.angle * RADIANS);
    p->cairo_move_to(c, m->at.x - m->pivot.x,
                     m->at.y - m->pivot.y - (double)p->pango_layout_get_baseline(p->layout) / PANGO_SCALE);
    color(p, c, m->style.color);
    p->pango_cairo_show_layout(c, p->layout);
    p->cairo_restore(c);
    p->cairo_new_path(c);
}

static void draw(const struct scene *s, cairo_t *c)
{
    struct press *p = s->press;
    color(p, c, s->theme->paper);
    p->cairo_paint(c);
    p->cairo_set_line_join(c, CAIRO_LINE_JOIN_ROUND);
    p->cairo_set_line_cap(c, CAIRO_LINE_CAP_BUTT);
    for (size_t i = 0; i < s->n; i++) {
        const struct mark *m = &s->marks[i];
        if (m->kind == MARK_TEXT) {
            draw_text(p, c, m);
            continue;
        }
        if (m->kind == MARK_CIRCLE)
            p->cairo_arc(c, m->at.x, m->at.y, m->radius, 0, 360 * RADIANS);
        for (size_t k = 0; m->kind == MARK_PATH && k < m->n; k++)
            (k ? p->cairo_line_to : p->cairo_move_to)(c, m->points[k].x, m->points[k].y);
        if (m->kind == MARK_PATH && m->closed)
            p->cairo_close_path(c);
        paint(p, c, &m->ink);
    }
}

int scene_write_cairo(struct buf *out, struct scene *s, enum plot_format format, double scale, struct err *err)
{
    struct press *p = s->press;
    bool png = format == PLOT_PNG;
    cairo_surface_t *surface =
        png ? p->cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)(s->width * scale + 0.5), (int)(s->height * scale + 0.5))
            : p->cairo_pdf_surface_create_for_stream(put, out, s->width * scale, s->height * scale);
    if (!png) { /* the day of the drawing would make every file another */
        p->cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_CREATE_DATE, "2000-01-01T00:00:00Z");
        p->cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_TITLE, s->title ? s->title : "");
        p->cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_CREATOR, "prony");
    }
    cairo_t *c = p->cairo_create(surface);
    p->cairo_scale(c, scale, scale);
    draw(s, c);
    cairo_status_t status = p->cairo_status(c);
    p->cairo_destroy(c);
    if (status == CAIRO_STATUS_SUCCESS && png)
        status = p->cairo_surface_write_to_png_stream(surface, put, out);
    p->cairo_surface_finish(surface);
    if (status == CAIRO_STATUS_SUCCESS)
        status = p->cairo_surface_status(surface);
    p->cairo_surface_destroy(surface);
    if (status != CAIRO_STATUS_SUCCESS)
        return err_set(err, ERR_MEMORY, "cairo cannot draw this picture: %s", p->cairo_status_to_string(status));
    return buf_check(out, err);
}
