#include "transform/convert.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/str.h"
#include "transform/convert_parts.h"

int write_all_planned(struct conversion *c, const struct sink *sink, struct err *err)
{
    const struct convert_options *o = c->options;
    for (size_t i = 0; i < c->plan.n; i++) {
        TRY(write_planned(c, &c->plan.tensors[i], sink, err));
        if (o->tick)
            TRY(o->tick(o->tick_arg, i + 1, c->plan.n, err));
    }
    return 0;
}

/* What most of the matrices are stored as, if it is a float of 16 or 32 bits; else f16. */
static enum dtype usual_type(const struct model_file *f)
{
    size_t bytes[DTYPE_COUNT] = {0}, most = 0;
    for (size_t i = 0; i < model_file_n_tensors(f); i++) {
        const struct tensor *t = model_file_tensor_at(f, i);
        bytes[t->type] += t->n_dims > 1 ? t->bytes : 0;
    }
    for (size_t i = 1; i < DTYPE_COUNT; i++)
        most = bytes[i] > bytes[most] ? i : most;
    return most == DTYPE_F32 || most == DTYPE_BF16 ? (enum dtype)most : DTYPE_F16;
}

static int choose_type(struct conversion *c, struct err *err)
{
    c->type = usual_type(c->model->file);
    if (!c->options->type)
        return 0;
    TRY(dtype_from_name(&c->type, c->options->type, err));
    if (c->type == DTYPE_F32 || c->type == DTYPE_F16 || c->type == DTYPE_BF16)
        return 0;
    err_set(err, ERR_USAGE, "'%s' is not a type to convert to: expected f32, f16 or bf16", c->options->type);
    return err_hint(err, "`prony model quantize` makes the others of a GGUF");
}

/* A file that is read must not be replaced: what is mapped would change under us. */
static int check_paths(const struct model_file *f, const char *to, bool to_gguf, struct err *err)
{
    struct stat in, out;
    const char *read = to_gguf ? model_file_path(f) : model_file_dir(f);
    if (stat(to, &out) < 0)
        return 0;
    if (!to_gguf && !S_ISDIR(out.st_mode)) {
        err_set(err, ERR_USAGE, "'%s' is a file: a Hugging Face model is a folder", to);
        return err_hint(err, "name a folder, or a file that ends in .gguf");
    }
    if (to_gguf && S_ISDIR(out.st_mode))
        return err_set(err, ERR_USAGE, "'%s' is a folder: a GGUF is a file", to);
    if (stat(read, &in) == 0 && in.st_dev == out.st_dev && in.st_ino == out.st_ino)
        return err_set(err, ERR_USAGE, "'%s' is what is converted: it would be written over", to);
    return 0;
}

static int prepare(struct conversion *c, const char *to, struct err *err)
{
    const struct model *m = c->model;
    TRY(check_paths(m->file, to, c->to_gguf, err));
    TRY(choose_type(c, err));
    if (m->is_gguf && c->to_gguf) {
        err_set(err, ERR_USAGE, "'%s' is a GGUF already", model_file_path(m->file));
        return err_hint(err, "`prony model quantize` writes one in another type");
    }
    c->config = m->config;
    if (m->is_gguf && m->weights.rope_divisors)
        TRY(llama3_recover(&c->config.rope, m->weights.rope_divisors, model_file_path(m->file), err));
    return plan_tensors(c, err);
}

int convert_model(const char *from, const char *to, const struct convert_options *o, struct convert_report *report,
                  struct err *err)
{
    struct convert_report unused;
    struct conversion c = {.options = o, .report = report ? report : &unused, .to_gguf = str_ends(to, ".gguf"),
                           .plan.arena = ARENA_INIT((size_t)1 << 30)};
    *c.report = (struct convert_report){.to_gguf = c.to_gguf};
    TRY(model_open(&c.model, from, err));
    int rc = prepare(&c, to, err);
    if (rc == 0)
        rc = c.to_gguf ? write_gguf(&c, to, err) : write_folder(&c, to, err);
    if (rc == 0) {
        c.report->architecture = c.model->arch->name;
        c.report->type = dtype_name(c.type);
        c.report->tensors = c.plan.n;
    }
    free(c.plan.tensors);
    arena_release(&c.plan.arena);
    model_close(c.model);
    return rc;
}
