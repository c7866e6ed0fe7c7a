/* Pictures: the same bytes for the same rows, no text outside of the page or over another, whatever the rows. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "report/plots.h"
#include "support/plot_stress.h"
#include "support/testing.h"

static struct err err;

/* Two convex quadrangles are apart when an edge of one has them on different sides. */
static bool split_by(const struct point a[4], const struct point b[4])
{
    for (int i = 0; i < 4; i++) {
        double nx = a[(i + 1) % 4].y - a[i].y, ny = a[i].x - a[(i + 1) % 4].x, a_hi = -INFINITY, b_lo = INFINITY;
        for (int k = 0; k < 4; k++) {
            a_hi = fmax(a_hi, nx * a[k].x + ny * a[k].y);
            b_lo = fmin(b_lo, nx * b[k].x + ny * b[k].y);
        }
        if (b_lo >= a_hi - 1e-9)
            return true;
    }
    return false;
}

static void check_texts(const struct scene *s, const char *name)
{
    for (size_t i = 0; i < s->n; i++) {
        struct point a[4], b[4];
        if (s->marks[i].kind != MARK_TEXT)
            continue;
        mark_corners(&s->marks[i], a);
        for (int k = 0; k < 4; k++)
            if (a[k].x < 0 || a[k].y < 0 || a[k].x > s->width || a[k].y > s->height)
                fail_msg("%s: '%s' leaves the page at %g, %g of %g x %g", name, s->marks[i].text, a[k].x, a[k].y, s->width, s->height);
        for (size_t j = 0; j < i; j++) {
            if (s->marks[j].kind != MARK_TEXT)
                continue;
            mark_corners(&s->marks[j], b);
            if (!split_by(a, b) && !split_by(b, a))
                fail_msg("%s: '%s' and '%s' overlap", name, s->marks[j].text, s->marks[i].text);
        }
        if (!utf8_valid(s->marks[i].text, strlen(s->marks[i].text)) || strpbrk(s->marks[i].text, "\n\r\t"))
            fail_msg("%s: '%s' is not fit to be shown", name, s->marks[i].text);
    }
    for (size_t i = 0; i < s->n; i++)
        for (size_t k = 0; s->marks[i].kind == MARK_PATH && k < s->marks[i].n; k++) {
            struct point p = s->marks[i].points[k];
            if (!(p.x >= -1 && p.y >= -1 && p.x <= s->width + 1 && p.y <= s->height + 1))
                fail_msg("%s: a shape reaches %g, %g of %g x %g", name, p.x, p.y, s->width, s->height);
        }
}

/* With PLOTS_OUT set to a folder the pictures are left there, to be looked at. */
static void leave(const char *name, int which, const char *theme, struct scene *s)
{
    char path[512];
    struct buf out = BUF_INIT((size_t)64 << 20);
    if (!getenv("PLOTS_OUT"))
        return;
    snprintf(path, sizeof path, "%s/%s-%d%s.png", getenv("PLOTS_OUT"), name, which, theme);
    assert_ok(scene_write(&out, s, PLOT_PNG, &err));
    assert_ok(file_write(path, out.data, out.len, &err));
    buf_release(&out);
}

static void draw_all(struct press *press, const struct plot_stress *how, int which)
{
    struct results r;
    plot_stress(&r, how);
    for (size_t i = 0; i < plot_count(); i++) {
        struct scene s;
        int drawn = plot_draw(&s, plot_at(i), press, which % 2, &r, &err);
        if (drawn < 0)
            fail_msg("%s: %s", plot_at(i)->name, err.text);
        if (drawn == 0) {
            leave(plot_at(i)->name, which, "", &s);
            check_texts(&s, plot_at(i)->name);
        } else if (!how->holes && !how->zero && how->engines > 1) {
            fail_msg("%s finds nothing to show", plot_at(i)->name);
        }
        scene_release(&s);
    }
    results_release(&r);
}

static void texts_stay_apart(void **state)
{
    static const struct plot_stress hows[] = {
        {.engines = 1},
        {.engines = 3},
        {.engines = 14},
        {.engines = 14, .names = NAMES_LONG, .holes = true},
        {.engines = 14, .names = NAMES_HOSTILE},
        {.engines = 3, .launches = 1},
        {.engines = 5, .spread = 14},
        {.engines = 3, .zero = true},
        {.engines = 2, .names = NAMES_LONG, .launches = 2},
    };
    struct press *press = press_open(&err);
    (void)state;
    if (!press)
        fail_msg("%s", err.text);
    for (size_t i = 0; i < sizeof hows / sizeof hows[0]; i++)
        draw_all(press, &hows[i], (int)i);
    press_close(press);
}

static void same_rows_same_bytes(void **state)
{
    struct results r;
    (void)state;
    plot_stress(&r, &(struct plot_stress){.engines = 3});
    for (size_t i = 0; i < plot_count(); i++)
        for (unsigned format = PLOT_PNG; format <= PLOT_SVG; format <<= 1) {
            if (format != PLOT_SVG && i % 4 != 0) /* the layout is the same in all forms */
                continue;
            struct buf bytes[2] = {BUF_INIT(64 << 20), BUF_INIT(64 << 20)};
            for (int k = 0; k < 2; k++) {
                struct press *press = press_open(&err);
                struct scene s;
                assert_non_null(press);
                if (plot_draw(&s, plot_at(i), press, false, &r, &err) == 0)
                    assert_ok(scene_write(&bytes[k], &s, format, &err));
                scene_release(&s);
                press_close(press);
            }
            assert_int_equal(bytes[0].len, bytes[1].len);
            if (bytes[0].len)
                assert_memory_equal(bytes[0].data, bytes[1].data, bytes[0].len);
            buf_release(&bytes[0]);
            buf_release(&bytes[1]);
        }
    results_release(&r);
}

static void svg_has_real_text(void **state)
{
    struct results r;
    struct scene s;
    struct buf out = BUF_INIT(64 << 20);
    struct press *press = press_open(&err);
    (void)state;
    assert_non_null(press);
    plot_stress(&r, &(struct plot_stress){.engines = 14, .names = NAMES_HOSTILE});
    assert_int_equal(plot_draw(&s, plot_find("backend_comparison", &err), press, false, &r, &err), 0);
    assert_ok(scene_write(&out, &s, PLOT_SVG, &err));
    assert_non_null(strstr(out.data, ">&lt;script&gt;alert(1)&lt;/script&gt;</text>"));
    assert_non_null(strstr(out.data, ">a&amp;b</text>"));
    assert_null(strstr(out.data, "<script"));
    buf_release(&out);
    scene_release(&s);
    press_close(press);
    results_release(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(texts_stay_apart), cmocka_unit_test(same_rows_same_bytes),
                                       cmocka_unit_test(svg_has_real_text)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
