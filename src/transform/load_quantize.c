#include "transform/load_quantize.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alias.h"
#include "base/mem.h"
#include "base/team.h"
#include "kernels/decode.h"
#include "kernels/encode.h"
#include "kernels/halffloat.h"
#include "models/backend.h"
#include "transform/low_bit.h"
#include "transform/recipe.h"

/* One matrix on its way. Rows are shared out; each member has a row of values of its own. */
struct task {
    struct model_matrix from, to;
    float *values;       /* [members][k] */
    unsigned char *out;  /* of to.data */
    bool *outlier;       /* [k] INT8 */
    float *magnitudes;   /* [n * k / 64] NF4 */
    double sums[TEAM_MAX], squares[TEAM_MAX];
    float *column_most;  /* [members][k] INT8: largest magnitude of each column */
    bool bad[TEAM_MAX];  /* met a number that is not finite */
};

struct loader {
    struct model *m;
    struct team *team;
    const struct recipe *recipe; /* NULL: low */
    const struct low *low;
    struct load_report *report;
    struct recipe_model shape;
    struct task task;
};

static float *read_row(struct task *t, int rank, size_t row)
{
    float *x = t->values + (size_t)rank * t->from.k;
    decode_row(t->from.type, (const char *)t->from.data + row * t->from.stride, x, t->from.k);
    return x;
}

static void rows_of(const struct task *t, int rank, int size, size_t *from, size_t *to)
{
    team_share(t->from.n, 1, rank, size, from, to);
}

static void check_rows(void *arg, int rank, int size)
{
    struct task *t = arg;
    size_t from, to;
    rows_of(t, rank, size, &from, &to);
    for (size_t r = from; r < to; r++) {
        const float *x = read_row(t, rank, r);
        for (size_t i = 0; i < t->from.k; i++)
            t->bad[rank] |= !isfinite(x[i]);
    }
}

static void encode_rows(void *arg, int rank, int size)
{
    struct task *t = arg;
    size_t from, to;
    rows_of(t, rank, size, &from, &to);
    for (size_t r = from; r < to; r++)
        encode_row(t->to.type, read_row(t, rank, r), NULL, t->out + r * t->to.stride, t->from.k);
}

/* ---- INT8 ------------------------------------------------------------------------------------------------------- */

static const double OUTLIER = 6; /* standard deviations of the matrix */

static void measure_columns(void *arg, int rank, int size)
{
    struct task *t = arg;
    size_t from, to, k = t->from.k;
    float *most = t->column_most + (size_t)rank * k;
    rows_of(t, rank, size, &from, &to);
    for (size_t r = from; r < to; r++) {
        const float *x = read_row(t, rank, r);
        for (size_t i = 0; i < k; i++) {
            t->sums[rank] += (double)x[i];
            t->squares[rank] += (double)x[i] * (double)x[i];
            most[i] = fabsf(x[i]) > most[i] ? fabsf(x[i]) : most[i];
        }
    }
}

static void encode_int8(void *arg, int rank, int size)
{
    struct task *t = arg;
    size_t from, to;
    rows_of(t, rank, size, &from, &to);
    for (size_t r = from; r < to; r++)
        int8_encode_row(read_row(t, rank, r), t->from.k, t->outlier, t->out + r * t->to.stride);
}

/* Which columns hold a weight far outside; how many. The sums are of whole rows, so that the number of members changes
 * them by rounding only, and an outlier is not a matter of rounding. */
static size_t find_outliers(struct loader *l)
{
    struct task *t = &l->task;
    double n = (double)t->from.n * (double)t->from.k, sum = 0, squares = 0;
    size_t found = 0, k = t->from.k;
    team_run(l->team, measure_columns, t);
    for (int i = 0; i < team_size(l->team); i++) {
        sum += t->sums[i];
        squares += t->squares[i];
        for (size_t c = 0; c < k; c++)
            t->column_most[c] = fmaxf(t->column_most[c], t->column_most[(size_t)i * k + c]);
    }
    double sd = sqrt(fmax(0, squares / n - sum / n * (sum / n)));
    for (size_t c = 0; c < k; c++) {
        t->outlier[c] = (double)t->column_most[c] > OUTLIER * sd;
        found += t->outlier[c];
    }
    return found;
}

static int keep_outliers(struct loader *l, size_t count, struct model_matrix *out, int32_t **columns, struct err *err)
{
    struct task *t = &l->task;
    *out = (struct model_matrix){.type = DTYPE_F16, .stride = count * 2, .n = t->from.n, .k = count};
    uint8_t *data = model_memory(l->m, out->stride * out->n, err);
    *columns = model_memory(l->m, count * sizeof **columns, err);
    if (!data || !*columns)
        return -1;
    size_t at = 0;
    for (size_t c = 0; c < t->from.k; c++)
        if (t->outlier[c])
            (*columns)[at++] = (int32_t)c;
    for (size_t r = 0; r < t->from.n; r++) {
        const float *x = read_row(t, 0, r);
        for (size_t i = 0; i < count; i++) {
            uint16_t half = f16_from_f32(x[(*columns)[i]]);
            memcpy(data + r * out->stride + 2 * i, &half, sizeof half);
        }
    }
    out->data = data;
    return 0;
}

static int make_int8(struct loader *l, size_t place, struct err *err)
{
    struct task *t = &l->task;
    struct model_matrix outliers;
    int32_t *columns = NULL;
    struct weight *memory = NULL;
    t->column_most = mem_zalloc((size_t)team_size(l->team) * t->from.k, sizeof *t->column_most, err);
    t->outlier = mem_zalloc(t->from.k, sizeof *t->outlier, err);
    if (!t->column_most || !t->outlier)
        return -1;
    size_t count = find_outliers(l);
    team_run(l->team, encode_int8, t);
    if (count > 0) {
        memory = model_memory(l->m, sizeof *memory, err);
        if (!memory || keep_outliers(l, count, &outliers, &columns, err) < 0)
            return -1;
    }
    model_matrix_replace(l->m, place, &t->to, count > 0 ? &outliers : NULL, columns, memory);
    l->report->outlier_columns += count;
    return 0;
}

/* ---- NF4 -------------------------------------------------------------------------------------------------------- */

static void measure_blocks(void *arg, int rank, int size)
{
    struct task *t = arg;
    size_t from, to, blocks = t->from.k / NF4_BLOCK;
    rows_of(t, rank, size, &from, &to);
    for (size_t r = from; r < to; r++) {
        const float *x = read_row(t, rank, r);
        for (size_t b = 0; b < blocks; b++)
            t->magnitudes[r * blocks + b] = nf4_magnitude(x + b * NF4_BLOCK);
    }
}

static void encode_nf4(void *arg, int rank, int size)
{
    struct task *t = arg;
    size_t from, to, blocks = t->from.k / NF4_BLOCK;
    rows_of(t, rank, size, &from, &to);
    for (size_t r = from; r < to; r++) {
        const float *x = read_row(t, rank, r);
        for (size_t b = 0; b < blocks; b++)
            nf4_encode_block(x + b * NF4_BLOCK, t->magnitudes[r * blocks + b], t->out + r * t->to.stride + b * NF4_BYTES);
    }
}

static int make_nf4(struct loader *l, size_t place, struct err *err)
{
    struct task *t = &l->task;
    size_t n = t->from.n * (t->from.k / NF4_BLOCK);
    t->magnitudes = mem_alloc(n, sizeof *t->magnitudes, err);
    if (!t->magnitudes)
        return -1;
    team_run(l->team, measure_blocks, t);
    nf4_double_quantize(t->magnitudes, n);
    team_run(l->team, encode_nf4, t);
    model_matrix_replace(l->m, place, &t->to, NULL, NULL, NULL);
    return 0;
}

/* ---- any name --------------------------------------------------------------------------------------------------- */

static int make_recipe(struct loader *l, size_t place, struct err *err)
{
    (void)err;
    team_run(l->team, encode_rows, &l->task);
    model_matrix_replace(l->m, place, &l->task.to, NULL, NULL, NULL);
    return 0;
}

static const struct low {
    const char *name;
    enum dtype type;
    int (*make)(struct loader *l, size_t place, struct err *err);
} lows[] = {{"int8", DTYPE_INT8, make_int8}, {"nf4", DTYPE_NF4, make_nf4}};

static int find(struct loader *l, const char *name, struct err *err)
{
    name = alias_resolve(ALIAS_TYPE, name);
    for (size_t i = 0; i < sizeof lows / sizeof lows[0]; i++)
        if (strcmp(lows[i].name, name) == 0)
            l->low = &lows[i];
    return l->low ? 0 : recipe_find(&l->recipe, name, err);
}

int load_quantize_check(const char *name, struct err *err)
{
    struct loader l = {0};
    return find(&l, name, err);
}

/* The type that place's matrix is to have. */
static enum dtype type_for(struct loader *l, const struct model_matrix *from)
{
    bool table = strcmp(from->name, "token_embd.weight") == 0 || strcmp(from->name, "output.weight") == 0;
    if (l->low && table)
        return from->type;
    if (l->low && from->k % dtype_block(l->low->type) != 0) {
        l->report->fallen_back++;
        return from->type;
    }
    if (l->low)
        return l->low->type;
    struct tensor t = {.name = from->name, .type = from->type, .n_dims = 2, .dims = {from->n, from->k}};
    struct recipe_choice choice = recipe_choose(l->recipe, &l->shape, &t);
    l->report->fallen_back += choice.type != choice.wanted;
    return choice.type;
}

static int change(struct loader *l, size_t place, const struct model_matrix *from, struct err *err)
{
    struct task *t = &l->task;
    *t = (struct task){.from = *from, .to = *from};
    t->to.type = type_for(l, from);
    if (t->to.type == from->type) {
        l->report->kept++;
        return 0;
    }
    l->report->quantized++;
    TRY(dtype_row_bytes(&t->to.stride, t->to.type, from->k, err));
    t->values = mem_alloc((size_t)team_size(l->team) * from->k, sizeof *t->values, err);
    t->out = model_memory(l->m, t->to.stride * from->n, err);
    t->to.data = t->out;
    if (!t->values || !t->out)
        return -1;
    team_run(l->team, check_rows, t);
    for (int i = 0; i < team_size(l->team); i++)
        if (t->bad[i])
            return err_set(err, ERR_INPUT, "'%s': '%s' holds a number that is not finite", model_file_path(model_source(l->m)),
                           from->name);
    return l->low ? l->low->make(l, place, err) : make_recipe(l, place, err);
}

int load_quantize(struct model *m, const char *name, int threads, struct load_report *report, struct err *err)
{
    struct loader l = {.m = m, .report = report};
    struct model_matrix at;
    struct model_facts f;
    char said[64];
    *report = (struct load_report){0};
    TRY(find(&l, name, err));
    TRY(team_open(&l.team, threads, err));
    model_facts(m, &f);
    l.shape = (struct recipe_model){.layers = f.layers, .heads = f.heads, .kv_heads = f.kv_heads, .tied = f.tied};
    int rc = 0;
    for (size_t i = 0; rc == 0 && model_matrix_at(m, i, &at); i++) {
        if (!at.data)
            continue;
        rc = change(&l, i, &at, err);
        free(l.task.values);
        free(l.task.outlier);
        free(l.task.magnitudes);
        free(l.task.column_most);
        l.task = (struct task){0};
    }
    team_close(l.team);
    snprintf(said, sizeof said, "%s at load", l.low ? l.low->name : recipe_name(l.recipe));
    if (rc == 0)
        model_set_quantization(m, said);
    return rc;
}
