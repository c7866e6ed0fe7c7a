/* plot_svg.c - a scene as SVG with real text. Each text has the length it was laid out with, so that a viewer without
 * the font squeezes its own instead of writing over the neighbour. */
#include <math.h>

#include "report/plot_scene.h"

static void number(struct buf *out, double x)
{
    double hundredths = floor(fabs(x) * 100 + 0.5);
    long long whole = (long long)(hundredths / 100), rest = (long long)hundredths % 100;
    if (x < 0 && hundredths > 0)
        buf_char(out, '-');
    buf_printf(out, "%lld", whole);
    if (rest)
        buf_printf(out, rest % 10 ? ".%02lld" : ".%01lld", rest % 10 ? rest : rest / 10);
}

static void attribute(struct buf *out, const char *name, double x)
{
    buf_printf(out, " %s=\"", name);
    number(out, x);
    buf_char(out, '"');
}

static void paint(struct buf *out, const char *name, struct rgb c)
{
    buf_printf(out, " %s=\"#%02X%02X%02X\"", name, (int)(c.r * 255 + 0.5), (int)(c.g * 255 + 0.5), (int)(c.b * 255 + 0.5));
    if (c.a < 1) {
        buf_printf(out, " %s-opacity=\"", name);
        number(out, c.a);
        buf_char(out, '"');
    }
}

static void escaped(struct buf *out, const char *text)
{
    for (; *text; text++) {
        switch (*text) {
        case '&':
            buf_str(out, "&amp;");
            break;
        case '<':
            buf_str(out, "&lt;");
            break;
        case '>':
            buf_str(out, "&gt;");
            break;
        default:
            buf_char(out, *text);
        }
    }
}

static void shape(struct buf *out, const struct mark *m)
{
    if (m->kind == MARK_CIRCLE) {
        buf_str(out, "<circle");
        attribute(out, "cx", m->at.x);
        attribute(out, "cy", m->at.y);
        attribute(out, "r", m->radius);
    } else {
        buf_str(out, "<path d=\"");
        for (size_t k = 0; k < m->n; k++) {
            buf_str(out, k ? "L" : "M");
            number(out, m->points[k].x);
            buf_char(out, ' ');
            number(out, m->points[k].y);
        }
        buf_str(out, m->closed ? "Z\"" : "\"");
    }
    if (m->ink.fill.a > 0)
        paint(out, "fill", m->ink.fill);
    else
        buf_str(out, " fill=\"none\"");
    if (m->ink.width > 0 && m->ink.stroke.a > 0) {
        paint(out, "stroke", m->ink.stroke);
        attribute(out, "stroke-width", m->ink.width);
        if (m->ink.dash > 0)
            attribute(out, "stroke-dasharray", m->ink.dash);
    }
    buf_str(out, "/>\n");
}

static void text(struct buf *out, const struct mark *m)
{
    buf_str(out, "<text");
    attribute(out, "x", m->at.x);
    attribute(out, "y", m->at.y);
    attribute(out, "font-size", m->style.size);
    attribute(out, "textLength", m->width);
    buf_str(out, " lengthAdjust=\"spacingAndGlyphs\"");
    if (m->style.bold)
        buf_str(out, " font-weight=\"bold\"");
    if (m->style.italic)
        buf_str(out, " font-style=\"oblique\"");
    paint(out, "fill", m->style.color);
    if (m->style.angle != 0) {
        buf_str(out, " transform=\"rotate(");
        number(out, m->style.angle);
        buf_char(out, ' ');
        number(out, m->pivot.x);
        buf_char(out, ' ');
        number(out, m->pivot.y);
        buf_str(out, ")\"");
    }
    buf_char(out, '>');
    escaped(out, m->text);
    buf_str(out, "</text>\n");
}

void scene_write_svg(struct buf *out, const struct scene *s)
{
    buf_str(out, "<svg xmlns=\"http://www.w3.org/2000/svg\"");
    attribute(out, "width", s->width);
    attribute(out, "height", s->height);
    buf_str(out, " viewBox=\"0 0 ");
    number(out, s->width);
    buf_char(out, ' ');
    number(out, s->height);
    buf_str(out, "\" role=\"img\" font-family=\"" PRESS_FAMILY ", Verdana, sans-serif\" stroke-linejoin=\"round\" "
                 "xml:space=\"preserve\">\n<title>");
    escaped(out, s->title ? s->title : "");
    buf_str(out, "</title>\n<rect width=\"100%\" height=\"100%\"");
    paint(out, "fill", s->theme->paper);
    buf_str(out, "/>\n");
    for (size_t i = 0; i < s->n; i++) {
        if (s->marks[i].kind == MARK_TEXT)
            text(out, &s->marks[i]);
        else
            shape(out, &s->marks[i]);
    }
    buf_str(out, "</svg>\n");
}
