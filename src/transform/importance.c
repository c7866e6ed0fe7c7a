#include "transform/importance.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct entry {
    char *name;
    size_t columns, rows;
    double *sums;
    float *means;
};

struct importance {
    struct entry *entries;
    size_t n, cap;
};

int importance_new(struct importance **out, struct err *err)
{
    *out = mem_zalloc(1, sizeof **out, err);
    return *out ? 0 : -1;
}

void importance_free(struct importance *im)
{
    if (!im)
        return;
    for (size_t i = 0; i < im->n; i++) {
        free(im->entries[i].name);
        free(im->entries[i].sums);
        free(im->entries[i].means);
    }
    free(im->entries);
    free(im);
}

/* A model has a few hundred weights: a plain search costs nothing beside the product that it goes with. */
static struct entry *find(struct importance *im, const char *name)
{
    for (size_t i = 0; i < im->n; i++)
        if (strcmp(im->entries[i].name, name) == 0)
            return &im->entries[i];
    return NULL;
}

static struct entry *add_entry(struct importance *im, const char *name, size_t columns, struct err *err)
{
    if (mem_grow(&im->entries, &im->cap, im->n, sizeof *im->entries, err) < 0)
        return NULL;
    struct entry e = {.name = mem_strdup(name, err), .columns = columns,
                      .sums = mem_zalloc(columns, sizeof *e.sums, err),
                      .means = mem_zalloc(columns, sizeof *e.means, err)};
    if (!e.name || !e.sums || !e.means) {
        free(e.name);
        free(e.sums);
        free(e.means);
        return NULL;
    }
    im->entries[im->n] = e;
    return &im->entries[im->n++];
}

/* The entry of that name and width, made when it is new. */
static struct entry *entry_for(struct importance *im, const char *name, size_t columns, struct err *err)
{
    struct entry *e = find(im, name);
    if (!e)
        return add_entry(im, name, columns, err);
    if (e->columns == columns)
        return e;
    err_set(err, ERR_INPUT, "weight '%s' met inputs of %zu and of %zu columns", name, e->columns, columns);
    return NULL;
}

int importance_reserve(struct importance *im, const char *name, size_t columns, struct err *err)
{
    return entry_for(im, name, columns, err) ? 0 : -1;
}

int importance_add_sums(struct importance *im, const char *name, const void *sums, uint64_t rows, size_t columns,
                        struct err *err)
{
    struct entry *e = entry_for(im, name, columns, err);
    if (!e)
        return -1;
    for (size_t i = 0; i < columns; i++) {
        float x;
        memcpy(&x, (const char *)sums + i * sizeof x, sizeof x);
        if (!(x >= 0 && isfinite(x)))
            return err_set(err, ERR_INPUT, "the sum of squares of column %zu of '%s' is %g", i, name, (double)x);
        e->sums[i] += (double)x;
    }
    e->rows += rows;
    return 0;
}

bool importance_at(const struct importance *im, size_t i, struct importance_entry *out)
{
    if (i >= im->n)
        return false;
    const struct entry *e = &im->entries[i];
    *out = (struct importance_entry){.name = e->name, .sums = e->sums, .columns = e->columns, .rows = e->rows};
    return true;
}

int importance_add(struct importance *im, const char *name, const float *x, size_t rows, size_t columns, struct err *err)
{
    struct entry *e = entry_for(im, name, columns, err);
    if (!e)
        return -1;
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < columns; i++)
            e->sums[i] += (double)x[r * columns + i] * (double)x[r * columns + i];
    e->rows += rows;
    return 0;
}

const float *importance_of(struct importance *im, const char *name, size_t columns)
{
    struct entry *e = find(im, name);
    if (!e || e->columns != columns || e->rows == 0)
        return NULL;
    for (size_t i = 0; i < columns; i++)
        e->means[i] = (float)(e->sums[i] / (double)e->rows);
    return e->means;
}

size_t importance_count(const struct importance *im)
{
    return im->n;
}
