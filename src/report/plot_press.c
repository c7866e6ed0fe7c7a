#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "report/plot_press_lib.h"

static const struct {
    const char *name;
    size_t offset;
} functions[] = {
#define PRESS(name) {#name, offsetof(struct press, name)},
#include "report/plot_press_list.h"
#undef PRESS
};

static int missing(struct err *err, const char *why)
{
    err_set(err, ERR_MISSING, "pictures need pango and cairo, which cannot be loaded: %s", why);
    return err_hint(err, "on Debian: apt-get install libpangocairo-1.0-0 fonts-dejavu-core");
}

static int load(struct press *p, struct err *err)
{
    /* its dependencies are searched with it; glib cannot be unloaded */
    p->handle = dlopen("libpangocairo-1.0.so.0", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!p->handle)
        return missing(err, dlerror());
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        void *found = dlsym(p->handle, functions[i].name);
        if (!found)
            return missing(err, functions[i].name);
        memcpy((char *)p + functions[i].offset, &found, sizeof found);
    }
    return 0;
}

struct press *press_open(struct err *err)
{
    struct press *p = mem_zalloc(1, sizeof *p, err);
    if (!p || load(p, err) < 0) {
        press_close(p);
        return NULL;
    }
    p->map = p->pango_cairo_font_map_new_for_font_type(CAIRO_FONT_TYPE_FT);
    if (!p->map) {
        missing(err, "pango has no FreeType fonts");
        press_close(p);
        return NULL;
    }
    p->context = p->pango_font_map_create_context(p->map);
    p->pango_cairo_context_set_resolution(p->context, 72);
    /* unhinted: a width is the same in a picture of any size, and on any desktop's settings */
    cairo_font_options_t *options = p->cairo_font_options_create();
    p->cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
    p->cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
    p->cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
    p->pango_cairo_context_set_font_options(p->context, options);
    p->cairo_font_options_destroy(options);
    p->layout = p->pango_layout_new(p->context);
    p->pango_layout_set_single_paragraph_mode(p->layout, TRUE);
    p->pango_layout_set_auto_dir(p->layout, FALSE); /* a name from right to left stands where the others stand */
    return p;
}

void press_close(struct press *p)
{
    if (!p)
        return;
    if (p->layout)
        p->g_object_unref(p->layout);
    if (p->context)
        p->g_object_unref(p->context);
    if (p->map)
        p->g_object_unref(p->map);
    if (p->handle)
        dlclose(p->handle);
    free(p);
}

void press_set(struct press *p, const char *text, struct press_font font)
{
    PangoFontDescription *description = p->pango_font_description_new();
    p->pango_font_description_set_family(description, PRESS_FAMILY);
    p->pango_font_description_set_absolute_size(description, font.size * PANGO_SCALE);
    p->pango_font_description_set_weight(description, font.bold ? PANGO_WEIGHT_BOLD : PANGO_WEIGHT_NORMAL);
    p->pango_font_description_set_style(description, font.italic ? PANGO_STYLE_OBLIQUE : PANGO_STYLE_NORMAL);
    p->pango_layout_set_font_description(p->layout, description);
    p->pango_font_description_free(description);
    p->pango_layout_set_text(p->layout, text, -1);
}

double press_width(struct press *p, const char *text, struct press_font font)
{
    PangoRectangle logical;
    press_set(p, text, font);
    p->pango_layout_get_extents(p->layout, NULL, &logical);
    return (double)logical.width / PANGO_SCALE;
}
