#include "report/plots.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "report/plot_rows.h"

#define FILE_MAX_BYTES ((size_t)256 << 20)

#define PLOT(name) extern const struct plot_kind plot_##name;
#include "report/plot_list.h"
#undef PLOT

static const struct plot_kind *const kinds[] = {
#define PLOT(name) &plot_##name,
#include "report/plot_list.h"
#undef PLOT
};

static const struct {
    const char *name;
    enum plot_format format;
} formats_known[] = {{"png", PLOT_PNG}, {"pdf", PLOT_PDF}, {"svg", PLOT_SVG}};

size_t plot_count(void)
{
    return sizeof kinds / sizeof kinds[0];
}

const struct plot_kind *plot_at(size_t i)
{
    return kinds[i];
}

static const char *name_of(const void *candidates, size_t i)
{
    (void)candidates;
    return kinds[i]->name;
}

const struct plot_kind *plot_find(const char *name, struct err *err)
{
    for (size_t i = 0; i < plot_count(); i++)
        if (strcmp(kinds[i]->name, name) == 0)
            return kinds[i];
    const char *near = str_nearest(name, kinds, plot_count(), name_of);
    err_set(err, ERR_USAGE, "there is no plot '%s'%s%s%s", name, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    err_hint(err, "'prony plot --list' shows all of them");
    return NULL;
}

enum plot_format plot_format_find(const char *name)
{
    for (size_t i = 0; i < 3; i++)
        if (strcmp(formats_known[i].name, name) == 0)
            return formats_known[i].format;
    return 0;
}

const char *plot_format_name(enum plot_format format)
{
    for (size_t i = 0; i < 3; i++)
        if (formats_known[i].format == format)
            return formats_known[i].name;
    return NULL;
}

static bool cell_has_all(const struct plot_kind *kind, const struct result_cell *cell)
{
    for (const char *const *column = kind->columns; *column; column++)
        if (!plot_cell_has(cell, *column))
            return false;
    return true;
}

int plot_draw(struct scene *s, const struct plot_kind *kind, struct press *press, bool dark, const struct results *r,
              struct err *err)
{
    size_t i = 0;
    scene_init(s, press, theme_of(dark), 0);
    while (i < r->n_cells && !cell_has_all(kind, &r->cells[i]))
        i++;
    if (i == r->n_cells)
        return 1;
    int result = kind->draw(s, r, err);
    if (result == 0 && s->failed)
        return err_set(err, s->err.code, "%s", s->err.text);
    return result;
}

static int write_file(const char *dir, const char *name, enum plot_format format, struct scene *s, struct err *err)
{
    struct buf out = BUF_INIT(FILE_MAX_BYTES);
    char *path = mem_printf(err, "%s/%s.%s", dir, name, plot_format_name(format));
    int result = path ? scene_write(&out, s, format, err) : -1;
    if (result == 0)
        result = file_write(path, out.data ? out.data : "", out.len, err);
    free(path);
    buf_release(&out);
    return result;
}

static int draw_and_write(const char *dir, const struct plot_kind *kind, struct press *press, unsigned formats, bool dark,
                          const struct results *r, size_t *written, struct err *err)
{
    struct scene s;
    int result = plot_draw(&s, kind, press, dark, r, err);
    if (result == 0)
        result = file_mkdirs(dir, err);
    for (unsigned format = PLOT_PNG; result == 0 && format <= PLOT_SVG; format <<= 1)
        if (formats & format) {
            result = write_file(dir, kind->name, format, &s, err);
            *written += result == 0;
        }
    scene_release(&s);
    return result < 0 ? err_context(err, "plot '%s'", kind->name) : 0;
}

int plot_write(const char *dir, const struct plot_kind *kind, unsigned formats, bool dark, const struct results *r,
               size_t *written, struct err *err)
{
    struct press *press = press_open(err);
    *written = 0;
    int result = press ? draw_and_write(dir, kind, press, formats, dark, r, written, err) : -1;
    press_close(press);
    return result;
}

/* Those without a folder of theirs go to `own`. */
static int write_all(const char *dir, const char *own, unsigned formats, bool dark, const struct results *r, size_t *written,
                     struct err *err)
{
    struct press *press = press_open(err);
    int result = press ? 0 : -1;
    *written = 0;
    for (size_t i = 0; result == 0 && i < plot_count(); i++) {
        char *folder = *kinds[i]->folder ? path_join(dir, kinds[i]->folder, err) : mem_strdup(own, err);
        result = folder ? draw_and_write(folder, kinds[i], press, formats, dark, r, written, err) : -1;
        free(folder);
    }
    press_close(press);
    return result;
}

int plots_write(const char *dir, unsigned formats, bool dark, const struct results *r, size_t *written, struct err *err)
{
    return write_all(dir, dir, formats, dark, r, written, err);
}

int plots_write_run(const char *parent, const char *own, const struct results *r, size_t *written, struct err *err)
{
    return write_all(parent, own, PLOT_PNG, false, r, written, err);
}
