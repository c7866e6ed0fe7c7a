/* Every plot of the made-up run against the picture of it that was looked at and committed, small, within a tolerance:
 * another version of FreeType sets a glyph a little otherwise. After a change that is meant:
 *
 *     GOLDENS=write build/tests/test_plot_goldens        # then look at tests/report/goldens/
 */
#include <dlfcn.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cairo.h>

#include "base/file.h"
#include "report/plots.h"
#include "support/testing.h"

#define SCALE 0.5
#define GOLDENS SOURCE_DIR "/tests/report/goldens"

static struct err err;

/* The functions that read a picture back; what writes does not need them. */
static struct {
    void *handle;
    __typeof__(cairo_image_surface_create_from_png_stream) *read;
    __typeof__(cairo_image_surface_get_data) *data;
    __typeof__(cairo_image_surface_get_width) *width;
    __typeof__(cairo_image_surface_get_height) *height;
    __typeof__(cairo_image_surface_get_stride) *stride;
    __typeof__(cairo_surface_destroy) *destroy;
} cairo;

static int open_cairo(void **state)
{
    (void)state;
    cairo.handle = dlopen("libcairo.so.2", RTLD_NOW | RTLD_NODELETE);
    if (!cairo.handle)
        return -1;
    *(void **)&cairo.read = dlsym(cairo.handle, "cairo_image_surface_create_from_png_stream");
    *(void **)&cairo.data = dlsym(cairo.handle, "cairo_image_surface_get_data");
    *(void **)&cairo.width = dlsym(cairo.handle, "cairo_image_surface_get_width");
    *(void **)&cairo.height = dlsym(cairo.handle, "cairo_image_surface_get_height");
    *(void **)&cairo.stride = dlsym(cairo.handle, "cairo_image_surface_get_stride");
    *(void **)&cairo.destroy = dlsym(cairo.handle, "cairo_surface_destroy");
    return 0;
}

struct reading {
    const struct buf *b;
    size_t at;
};

static cairo_status_t take(void *arg, unsigned char *to, unsigned len)
{
    struct reading *r = arg;
    if (r->b->len - r->at < len)
        return CAIRO_STATUS_READ_ERROR;
    memcpy(to, r->b->data + r->at, len);
    r->at += len;
    return CAIRO_STATUS_SUCCESS;
}

struct distance {
    double mean;  /* of all bytes, 0 to 255 */
    double share; /* of the pixels, that are plainly others */
};

static struct distance distance(const char *name, const struct buf *a, const struct buf *b)
{
    cairo_surface_t *s[2] = {cairo.read(take, &(struct reading){a, 0}), cairo.read(take, &(struct reading){b, 0})};
    int w = cairo.width(s[0]), h = cairo.height(s[0]);
    double sum = 0, far = 0;
    if (w <= 0 || w != cairo.width(s[1]) || h != cairo.height(s[1]))
        fail_msg("%s: it is %d x %d, the golden is %d x %d", name, w, h, cairo.width(s[1]), cairo.height(s[1]));
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            int most = 0;
            for (int c = 0; c < 3; c++) {
                int d = abs(cairo.data(s[0])[y * cairo.stride(s[0]) + 4 * x + c] - cairo.data(s[1])[y * cairo.stride(s[1]) + 4 * x + c]);
                sum += d;
                most = d > most ? d : most;
            }
            far += most > 64;
        }
    cairo.destroy(s[0]);
    cairo.destroy(s[1]);
    return (struct distance){sum / (3.0 * w * h), far / ((double)w * h)};
}

static void read_made_up(struct results *r)
{
    assert_ok(results_read(r, SOURCE_DIR "/tests/report/fixtures/made_up", NULL, &err));
}

static void plots_are_the_goldens(void **state)
{
    struct results r;
    struct press *press = press_open(&err);
    bool writing = getenv("GOLDENS") && strcmp(getenv("GOLDENS"), "write") == 0;
    (void)state;
    assert_non_null(press);
    read_made_up(&r);
    for (size_t i = 0; i < plot_count(); i++) {
        const char *name = plot_at(i)->name;
        struct buf drawn = BUF_INIT(16 << 20), golden = BUF_INIT(16 << 20);
        struct scene s;
        char path[512];
        if (plot_draw(&s, plot_at(i), press, i % 4 == 3, &r, &err) != 0)
            fail_msg("%s: not drawn: %s", name, err.text);
        assert_ok(scene_write_cairo(&drawn, &s, PLOT_PNG, SCALE, &err));
        snprintf(path, sizeof path, "%s/%s.png", GOLDENS, name);
        if (writing) {
            assert_ok(file_write(path, drawn.data, drawn.len, &err));
        } else {
            assert_ok(file_read(&golden, path, 16 << 20, &err));
            struct distance d = distance(name, &drawn, &golden);
            if (d.mean > 1.5 || d.share > 0.01)
                fail_msg("%s: differs from its golden: mean %.2f of 255, %.2f %% of pixels", name, d.mean, 100 * d.share);
        }
        scene_release(&s);
        buf_release(&drawn);
        buf_release(&golden);
    }
    press_close(press);
    results_release(&r);
}

/* A picture of other rows is none of that golden: the tolerance has teeth. */
static void another_picture_is_told_apart(void **state)
{
    struct results r;
    struct press *press = press_open(&err);
    struct buf bytes[2] = {BUF_INIT(16 << 20), BUF_INIT(16 << 20)};
    (void)state;
    assert_non_null(press);
    read_made_up(&r);
    for (int k = 0; k < 2; k++) {
        struct scene s;
        assert_int_equal(plot_draw(&s, plot_find("backend_comparison", &err), press, false, &r, &err), 0);
        assert_ok(scene_write_cairo(&bytes[k], &s, PLOT_PNG, SCALE, &err));
        scene_release(&s);
        for (size_t i = 0; i < r.n_cells; i++) /* a third slower */
            for (size_t q = 0; q < r.cells[i].n_requests; q++)
                if (strcmp(r.cells[i].engine, "native") == 0)
                    r.cells[i].requests[q].decode_ms *= 1.33;
    }
    struct distance d = distance("backend_comparison", &bytes[0], &bytes[1]);
    assert_true(d.share > 0.01);
    buf_release(&bytes[0]);
    buf_release(&bytes[1]);
    press_close(press);
    results_release(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(plots_are_the_goldens), cmocka_unit_test(another_picture_is_told_apart)};
    return cmocka_run_group_tests(tests, open_cairo, NULL);
}
