#include "transform/quantize.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/team.h"
#include "formats/gguf_write.h"
#include "kernels/decode.h"
#include "kernels/encode.h"
#include "transform/importance.h"
#include "transform/recipe.h"

/* Rows of about this many values are one turn of the team: enough to share, little enough to keep memory flat. */
enum { TURN_VALUES = 1 << 20 };

struct turn {
    const struct tensor *t;
    enum dtype to;
    size_t columns, first, count;  /* rows [first, first + count) */
    size_t row_before, row_after;  /* bytes */
    const float *importance;       /* [columns] or NULL */
    float *values;                 /* a row for each member of the team */
    unsigned char *out;            /* [count][row_after] */
    bool bad[TEAM_MAX];            /* met a number that is not finite */
};

static void encode_rows(void *arg, int rank, int size)
{
    struct turn *turn = arg;
    size_t from, to;
    float *x = turn->values + (size_t)rank * turn->columns;
    team_share(turn->count, 1, rank, size, &from, &to);
    turn->bad[rank] = false;
    for (size_t r = from; r < to; r++) {
        const char *src = (const char *)turn->t->data + (turn->first + r) * turn->row_before;
        decode_row(turn->t->type, src, x, turn->columns);
        bool finite = true;
        for (size_t i = 0; i < turn->columns; i++)
            finite = finite && isfinite(x[i]);
        turn->bad[rank] = turn->bad[rank] || !finite;
        encode_row(turn->to, x, turn->importance, turn->out + r * turn->row_after, turn->columns);
    }
}

struct quantizer {
    const struct quantize_options *o;
    struct model_file *from;
    struct gguf_writer writer;
    struct team *team;
    struct recipe_model model;
    const struct recipe *recipe;
    struct quantize_report *report;
    uint64_t done, total;
};

static int tell(struct quantizer *q, uint64_t bytes, struct err *err)
{
    q->done += bytes;
    return q->o->tick ? q->o->tick(q->o->tick_arg, q->done, q->total, err) : 0;
}

static int convert_tensor(struct quantizer *q, const struct tensor *t, enum dtype to, const float *importance,
                          struct err *err)
{
    struct turn turn = {.t = t, .to = to, .columns = t->dims[t->n_dims - 1], .importance = importance};
    size_t rows = 1, per_turn = TURN_VALUES / turn.columns + 1;
    int rc = -1;
    for (int d = 0; d < t->n_dims - 1; d++)
        rows *= t->dims[d];
    TRY(dtype_row_bytes(&turn.row_before, t->type, turn.columns, err));
    TRY(dtype_row_bytes(&turn.row_after, to, turn.columns, err));
    turn.values = mem_alloc((size_t)team_size(q->team) * turn.columns, sizeof *turn.values, err);
    turn.out = mem_alloc(per_turn, turn.row_after, err);
    if (!turn.values || !turn.out)
        goto out;
    for (turn.first = 0; turn.first < rows; turn.first += turn.count) {
        turn.count = rows - turn.first < per_turn ? rows - turn.first : per_turn;
        team_run(q->team, encode_rows, &turn);
        for (int i = 0; i < team_size(q->team); i++) {
            if (turn.bad[i]) {
                err_set(err, ERR_INPUT, "'%s': tensor '%s': rows %zu to %zu hold a number that is not finite",
                        model_file_path(q->from), t->name, turn.first, turn.first + turn.count - 1);
                err_hint(err, "`prony model verify` finds the row; the file is damaged or was badly converted");
                goto out;
            }
        }
        if (gguf_writer_data(&q->writer, turn.out, turn.count * turn.row_after, err) < 0 ||
            tell(q, turn.count * turn.row_before, err) < 0)
            goto out;
    }
    rc = 0;
out:
    free(turn.values);
    free(turn.out);
    return rc;
}

static int count_of(struct quantizer *q, const char *architecture, const char *key, int *out, struct err *err)
{
    char name[128];
    uint64_t value = (uint64_t)*out;
    snprintf(name, sizeof name, "%s.%s", architecture, key);
    const struct meta *m = model_file_meta(q->from, name);
    if (m && m->type == META_ARRAY)
        return 0; /* one number a layer: no recipe asks for that much */
    TRY(model_file_meta_u64(q->from, name, &value, err));
    *out = value < 1 << 20 ? (int)value : 1 << 20;
    return 0;
}

static int read_facts(struct quantizer *q, struct err *err)
{
    struct meta_string s = {"", 0};
    char architecture[64];
    const char *path = model_file_path(q->from);
    if (strcmp(model_file_format(q->from), "gguf") != 0) {
        err_set(err, ERR_UNSUPPORTED, "'%s' is %s; prony quantizes GGUF files", path, model_file_format(q->from));
        return err_hint(err, "`prony model convert` writes it as one first");
    }
    int found = model_file_meta_str(q->from, "general.architecture", &s, err);
    if (found < 0)
        return -1;
    if (found == 0 || s.len >= sizeof architecture)
        return err_set(err, ERR_INPUT, "'%s' does not name its architecture (general.architecture)", path);
    snprintf(architecture, sizeof architecture, "%.*s", (int)s.len, s.data);
    TRY(count_of(q, architecture, "block_count", &q->model.layers, err));
    TRY(count_of(q, architecture, "attention.head_count", &q->model.heads, err));
    q->model.kv_heads = q->model.heads;
    TRY(count_of(q, architecture, "attention.head_count_kv", &q->model.kv_heads, err));
    TRY(count_of(q, architecture, "expert_count", &q->model.experts, err));
    q->model.tied = !model_file_tensor(q->from, "output.weight");
    q->model.has_importance = q->o->importance != NULL;
    if (model_file_n_tensors(q->from) == 0)
        return err_set(err, ERR_INPUT, "'%s' holds a vocabulary and no tensors: nothing to quantize", path);
    return 0;
}

static void put_header(struct quantizer *q)
{
    static const char *const replaced[] = {"general.file_type", "general.quantization_version", "split.no", "split.count",
                                           "split.tensors.count", "general.alignment"};
    for (size_t i = 0; i < model_file_n_metas(q->from); i++) {
        const struct meta *m = model_file_meta_at(q->from, i);
        bool skip = false;
        for (size_t r = 0; r < sizeof replaced / sizeof replaced[0]; r++)
            skip = skip || strcmp(m->key, replaced[r]) == 0;
        if (!skip)
            gguf_put_meta(&q->writer, m);
    }
    gguf_put_u32(&q->writer, "general.file_type", (uint32_t)recipe_file_type(q->recipe));
    gguf_put_u32(&q->writer, "general.quantization_version", 2);
    for (size_t i = 0; i < model_file_n_tensors(q->from); i++) {
        const struct tensor *t = model_file_tensor_at(q->from, i);
        struct recipe_choice c = recipe_choose(q->recipe, &q->model, t);
        gguf_put_tensor(&q->writer, t->name, c.type, t->n_dims, t->dims);
        q->total += t->bytes;
        if (c.type == c.wanted)
            continue;
        if (q->report->fallen_back++ == 0)
            snprintf(q->report->fallen_example, sizeof q->report->fallen_example, "%.60s: %llu columns, %s instead of %s",
                     t->name, (unsigned long long)t->dims[t->n_dims - 1], dtype_name(c.type), dtype_name(c.wanted));
    }
}

static int write_tensors(struct quantizer *q, struct err *err)
{
    for (size_t i = 0; i < model_file_n_tensors(q->from); i++) {
        const struct tensor *t = model_file_tensor_at(q->from, i);
        enum dtype to = recipe_choose(q->recipe, &q->model, t).type;
        size_t columns = t->dims[t->n_dims > 0 ? t->n_dims - 1 : 0], row;
        q->report->bytes_before += t->bytes;
        if (to == t->type) {
            TRY(gguf_writer_data(&q->writer, t->data, t->bytes, err));
            TRY(tell(q, t->bytes, err));
            q->report->kept++;
            q->report->bytes_after += t->bytes;
            continue;
        }
        const float *importance = q->o->importance ? importance_of(q->o->importance, t->name, columns) : NULL;
        q->report->without_importance += q->o->importance && !importance;
        TRY(convert_tensor(q, t, to, importance, err));
        TRY(dtype_row_bytes(&row, to, columns, err));
        q->report->quantized++;
        q->report->bytes_after += row * (t->dims[0] * t->dims[1] * t->dims[2] * t->dims[3] / columns);
    }
    return 0;
}

int quantize_file(const char *from, const char *to, const struct quantize_options *o, struct quantize_report *report,
                  struct err *err)
{
    struct quantize_report unused;
    struct quantizer q = {.o = o, .report = report ? report : &unused};
    int rc = -1;
    *q.report = (struct quantize_report){0};
    gguf_writer_init(&q.writer);
    TRY(recipe_find(&q.recipe, o->recipe, err));
    if (model_file_open(&q.from, from, err) < 0 || read_facts(&q, err) < 0 || team_open(&q.team, o->threads, err) < 0)
        goto out;
    put_header(&q);
    if (gguf_writer_begin(&q.writer, to, err) < 0 || write_tensors(&q, err) < 0)
        goto out;
    rc = gguf_writer_finish(&q.writer, err);
out:
    gguf_writer_release(&q.writer);
    team_close(q.team);
    model_file_close(q.from);
    return rc;
}
