#include "report/plot_scene.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define PNG_SCALE 2.0
#define PDF_SCALE 0.75 /* a point is 1/72 of an inch, a pixel 1/96 */
#define SCENE_MAX ((size_t)256 << 20)

void scene_init(struct scene *s, struct press *press, const struct theme *theme, double width)
{
    *s = (struct scene){.press = press, .theme = theme, .width = width, .arena = ARENA_INIT(SCENE_MAX), .err = ERR_INIT};
}

void scene_release(struct scene *s)
{
    arena_release(&s->arena);
    *s = (struct scene){.press = NULL};
}

void *scene_alloc(struct scene *s, size_t n, size_t size)
{
    void *p = s->failed ? NULL : arena_alloc(&s->arena, n ? n : 1, size, &s->err);
    s->failed |= !p;
    return p;
}

const char *scene_printf(struct scene *s, const char *fmt, ...)
{
    struct buf b = BUF_INIT(1 << 20);
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(&b, fmt, ap);
    va_end(ap);
    char *out = buf_check(&b, &s->err) == 0 ? arena_strdup(&s->arena, b.data ? b.data : "", &s->err) : NULL;
    s->failed |= !out;
    buf_release(&b);
    return out ? out : "";
}

static struct mark *add(struct scene *s, enum mark_kind kind)
{
    if (s->n == s->cap) {
        size_t bigger = s->cap ? s->cap * 2 : 256;
        struct mark *marks = scene_alloc(s, bigger, sizeof *marks);
        if (!marks)
            return NULL;
        if (s->n)
            memcpy(marks, s->marks, s->n * sizeof *marks);
        s->marks = marks;
        s->cap = bigger;
    }
    struct mark *m = s->failed ? NULL : &s->marks[s->n++];
    if (m)
        *m = (struct mark){.kind = kind};
    return m;
}

void scene_path(struct scene *s, const struct point *points, size_t n, bool closed, struct ink ink)
{
    struct point *copy = scene_alloc(s, n, sizeof *copy);
    struct mark *m = copy ? add(s, MARK_PATH) : NULL;
    if (!m)
        return;
    memcpy(copy, points, n * sizeof *copy);
    m->points = copy;
    m->n = n;
    m->closed = closed;
    m->ink = ink;
}

void scene_line(struct scene *s, double x0, double y0, double x1, double y1, struct rgb color, double width, double dash)
{
    scene_path(s, (struct point[]){{x0, y0}, {x1, y1}}, 2, false, (struct ink){.stroke = color, .width = width, .dash = dash});
}

void scene_rect(struct scene *s, struct box b, struct ink ink)
{
    scene_path(s, (struct point[]){{b.x, b.y}, {b.x + b.w, b.y}, {b.x + b.w, b.y + b.h}, {b.x, b.y + b.h}}, 4, true, ink);
}

void scene_circle(struct scene *s, double x, double y, double radius, struct ink ink)
{
    struct mark *m = add(s, MARK_CIRCLE);
    if (!m)
        return;
    m->at = (struct point){x, y};
    m->radius = radius;
    m->ink = ink;
}

void scene_marker(struct scene *s, enum marker marker, double x, double y, double r, struct rgb color)
{
    struct ink ink = {.fill = color, .stroke = s->theme->paper, .width = 0.8};
    struct ink open = {.stroke = color, .width = r * 0.62};
    double k = r * 0.9, t = r * 1.15;
    switch (marker) {
    case MARKER_SQUARE:
        scene_rect(s, (struct box){x - k, y - k, 2 * k, 2 * k}, ink);
        break;
    case MARKER_UP:
        scene_path(s, (struct point[]){{x, y - t}, {x + t, y + k}, {x - t, y + k}}, 3, true, ink);
        break;
    case MARKER_DOWN:
        scene_path(s, (struct point[]){{x, y + t}, {x + t, y - k}, {x - t, y - k}}, 3, true, ink);
        break;
    case MARKER_DIAMOND:
        scene_path(s, (struct point[]){{x, y - t * 1.1}, {x + t, y}, {x, y + t * 1.1}, {x - t, y}}, 4, true, ink);
        break;
    case MARKER_PLUS:
        scene_path(s, (struct point[]){{x - t, y}, {x + t, y}}, 2, false, open);
        scene_path(s, (struct point[]){{x, y - t}, {x, y + t}}, 2, false, open);
        break;
    case MARKER_CROSS:
        scene_path(s, (struct point[]){{x - k, y - k}, {x + k, y + k}}, 2, false, open);
        scene_path(s, (struct point[]){{x - k, y + k}, {x + k, y - k}}, 2, false, open);
        break;
    default:
        scene_circle(s, x, y, r, ink);
    }
}

/* ---- text ---- */

/* What cannot be shown as it is, is shown as what it is. */
static const char *clean(struct scene *s, const char *text)
{
    struct buf b = BUF_INIT(1 << 20);
    size_t len = strlen(text);
    for (size_t i = 0; i < len;) {
        uint32_t cp;
        size_t n = utf8_decode(text + i, len - i, &cp);
        if (n == 0)
            buf_str(&b, "\xEF\xBF\xBD"); /* U+FFFD */
        else if (cp == '\n' || cp == '\r')
            buf_str(&b, "\xE2\x86\xB5"); /* a bent arrow */
        else if (cp == '\t')
            buf_char(&b, ' ');
        else if (cp < 32 || (cp >= 0x7F && cp < 0xA0) || cp == 0x200E || cp == 0x200F || (cp >= 0x2028 && cp <= 0x202E) ||
                 (cp >= 0x2066 && cp <= 0x2069) || cp == 0xFEFF || (cp & 0xFFFE) == 0xFFFE)
            buf_str(&b, "\xC2\xB7"); /* a middle dot */
        else
            buf_add(&b, text + i, n);
        i += n ? n : 1;
    }
    const char *out = scene_printf(s, "%s", b.data ? b.data : "");
    s->failed |= buf_check(&b, &s->err) < 0;
    buf_release(&b);
    return out;
}

static struct press_font font_of(struct text_style style)
{
    return (struct press_font){style.size, style.bold, style.italic};
}

double scene_width(struct scene *s, const char *text, struct text_style style)
{
    return press_width(s->press, clean(s, text), font_of(style));
}

void scene_text(struct scene *s, double x, double y, const char *text, struct text_style style)
{
    struct mark *m = *text ? add(s, MARK_TEXT) : NULL;
    if (!m)
        return;
    m->text = clean(s, text);
    m->style = style;
    m->width = press_width(s->press, m->text, font_of(style));
    m->pivot = (struct point){x, y};
    m->at = (struct point){x - (style.anchor == ANCHOR_END ? m->width : style.anchor == ANCHOR_MIDDLE ? m->width / 2 : 0), y};
}

/* The start of the next character of the text, or of the one before `i`. */
static size_t next_char(const char *text, size_t i)
{
    do
        i++;
    while (((unsigned char)text[i] & 0xC0) == 0x80);
    return i;
}

const char *scene_fit(struct scene *s, const char *raw, struct text_style style, double most)
{
    const char *text = clean(s, raw), *best = "\xE2\x80\xA6";
    size_t starts[1024], n = 0, len = strlen(text);
    if (press_width(s->press, text, font_of(style)) <= most)
        return text;
    for (size_t i = 0; i < len && n < 1024; i = next_char(text, i))
        starts[n++] = i;
    /* keep `k` characters, three fifths of them at the head */
    for (size_t low = 0, high = n; low < high;) {
        size_t k = (low + high + 1) / 2, head = (k * 3 + 4) / 5, tail = k - head;
        const char *tried = scene_printf(s, "%.*s\xE2\x80\xA6%s", (int)(head < n ? starts[head] : len), text,
                                         tail ? text + starts[n - tail] : "");
        if (press_width(s->press, tried, font_of(style)) <= most) {
            best = tried;
            low = k;
        } else {
            high = k - 1;
        }
    }
    return best;
}

/* Where a line that begins at `from` must end so as to be at most that wide: behind the last place to break that fits. */
static size_t line_end(struct scene *s, const char *text, size_t from, struct text_style style, double most)
{
    size_t len = strlen(text), fits = 0, hard = 0;
    for (size_t i = from; i < len;) {
        size_t next = next_char(text, i);
        bool breaks = next >= len || text[i] == ' ' || strchr("-_/:.,=@", text[i]);
        if (breaks || !fits) {
            size_t end = text[i] == ' ' ? i : next; /* a space at the end of a line takes no room */
            const char *line = scene_printf(s, "%.*s", (int)(end - from), text + from);
            if (press_width(s->press, line, font_of(style)) > most)
                break;
            hard = next;
            if (breaks)
                fits = next;
        }
        i = next;
    }
    return fits ? fits : hard > from ? hard : next_char(text, from);
}

size_t scene_wrap(struct scene *s, const char **lines, size_t most_lines, const char *raw, struct text_style style,
                  double most)
{
    const char *text = clean(s, raw);
    size_t len = strlen(text), n = 0;
    for (size_t from = 0; from < len && n < most_lines;) {
        size_t end = line_end(s, text, from, style, most);
        if (n + 1 == most_lines && end < len) {
            lines[n++] = scene_fit(s, text + from, style, most);
            break;
        }
        size_t shown = end;
        while (shown > from && text[shown - 1] == ' ')
            shown--;
        lines[n++] = scene_printf(s, "%.*s", (int)(shown - from), text + from);
        from = end;
    }
    return n;
}

void mark_corners(const struct mark *m, struct point corners[4])
{
    double up = 0.76 * m->style.size, down = 0.24 * m->style.size; /* of DejaVu's capitals and descenders */
    double turn = m->style.angle * 3.14159265358979323846 / 180, c = cos(turn), d = sin(turn);
    struct point flat[4] = {{m->at.x, m->at.y - up}, {m->at.x + m->width, m->at.y - up},
                            {m->at.x + m->width, m->at.y + down}, {m->at.x, m->at.y + down}};
    for (int i = 0; i < 4; i++) {
        double x = flat[i].x - m->pivot.x, y = flat[i].y - m->pivot.y;
        corners[i] = (struct point){m->pivot.x + x * c - y * d, m->pivot.y + x * d + y * c};
    }
}

int scene_write(struct buf *out, struct scene *s, enum plot_format format, struct err *err)
{
    if (s->failed)
        return err_set(err, s->err.code, "%s", s->err.text);
    if (format != PLOT_SVG)
        return scene_write_cairo(out, s, format, format == PLOT_PNG ? PNG_SCALE : PDF_SCALE, err);
    scene_write_svg(out, s);
    return buf_check(out, err);
}
