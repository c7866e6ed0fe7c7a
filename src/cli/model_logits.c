#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json_out.h"
#include "base/mem.h"
#include "base/npy.h"
#include "base/str.h"
#include "cli/command.h"
#include "cli/list_ids.h"
#include "models/session.h"

static int write_logits(const struct session *s, const char *path, size_t n, bool all, size_t vocabulary, struct err *err)
{
    size_t first = all ? 0 : n - 1, bytes;
    struct buf out = BUF_INIT(SIZE_MAX / 2);
    int rc = -1;
    if (__builtin_mul_overflow(n - first, vocabulary * sizeof(float), &bytes) || !buf_room(&out, bytes + 256)) {
        err_set(err, ERR_MEMORY, "logits of %zu positions are more than memory holds", n - first);
        goto out;
    }
    if (npy_header(&out, NPY_F32, (const uint64_t[]){n - first, vocabulary}, 2, err) < 0)
        goto out;
    for (size_t i = first; i < n; i++)
        buf_add(&out, session_logits(s, i), vocabulary * sizeof(float));
    if (buf_check(&out, err) < 0)
        goto out;
    if (strcmp(path, "-") == 0) {
        fwrite(out.data, 1, out.len, stdout);
        rc = 0;
    } else {
        rc = file_write(path, out.data, out.len, err);
    }
out:
    buf_release(&out);
    return rc;
}

static int print_json(const struct session *s, const char *path, size_t positions, size_t vocabulary, struct err *err)
{
    struct buf text = BUF_INIT(1 << 16);
    struct json_out j = JSON_OUT_PRETTY(&text);
    json_out_open(&j, '{');
    json_out_key(&j, "file");
    json_out_text(&j, path);
    json_out_key(&j, "positions");
    json_out_int(&j, (int64_t)positions);
    json_out_key(&j, "vocabulary");
    json_out_int(&j, (int64_t)vocabulary);
    json_out_key(&j, "variant");
    json_out_text(&j, session_variant(s));
    json_out_close(&j);
    int rc = buf_check(&text, err);
    if (rc == 0)
        printf("%s\n", text.data);
    buf_release(&text);
    return rc;
}

static int compute(struct session *s, const struct id_list *ids, bool all, struct err *err)
{
    struct row *rows = mem_zalloc(ids->n, sizeof *rows, err);
    if (!rows)
        return -1;
    for (size_t i = 0; i < ids->n; i++)
        rows[i] = (struct row){.pos = (int32_t)i, .token = ids->data[i], .parent = ROW_CHAIN,
                               .want = all || i + 1 == ids->n ? ROW_LOGITS : 0};
    int rc = session_forward(s, rows, ids->n, err);
    free(rows);
    return rc;
}

static int run(struct invocation *in, struct err *err)
{
    const char *path = opt_string(in, "output");
    struct id_list ids = {0};
    struct model *m = NULL;
    struct session *s = NULL;
    struct model_facts facts;
    int status = -1;
    if (!opt_given(in, "tokens"))
        return err_set(err, ERR_USAGE, "no tokens: --tokens 1,2,3");
    if (!path)
        return err_set(err, ERR_USAGE, "no file to write: -o F.npy");
    if (strcmp(path, "-") == 0 && in->json)
        return err_set(err, ERR_USAGE, "-o - and --json both want standard output");
    if (id_list_read(&ids, in, "tokens", err) < 0 || model_open_weights(&m, in->args[0], err) < 0)
        goto out;
    model_facts(m, &facts);
    struct session_options o = {.variant = opt_string(in, "variant"), .threads = in->threads,
                                .context = opt_given(in, "context") ? (int)opt_int(in, "context") : 0};
    if (o.context == 0) /* the cache need not be longer than the text; the model's limit still holds */
        o.context = ids.n < (size_t)facts.context ? (int)ids.n : facts.context;
    if (session_open(&s, m, &o, err) < 0 || compute(s, &ids, opt_flag(in, "all"), err) < 0 ||
        write_logits(s, path, ids.n, opt_flag(in, "all"), (size_t)facts.vocabulary, err) < 0)
        goto out;
    if (in->verbose)
        fprintf(stderr, "prony: native:%s\n", session_variant(s));
    if (in->json && print_json(s, path, opt_flag(in, "all") ? ids.n : 1, (size_t)facts.vocabulary, err) < 0)
        goto out;
    status = EXIT_DONE;
out:
    session_close(s);
    model_close(m);
    free(ids.data);
    return status;
}

static const struct option_row options[] = {
    {.name = "tokens", .kind = OPT_LIST, .argument = "1,2,3", .help = "ids, used as they are"},
    {.name = "all", .kind = OPT_FLAG, .help = "every position, not only the last"},
    {.name = "variant", .kind = OPT_STRING, .argument = "V", .help = "ref or fast", .choices = "ref,fast"},
    {.name = "context", .kind = OPT_INT, .argument = "N", .help = "positions, where more than the model's own are wanted",
     .lo = 1, .hi = 1 << 28},
    {.name = "output", .letter = 'o', .kind = OPT_STRING, .argument = "F.npy", .help = "file to write; - is standard output",
     .files = true},
    {0}};

static const struct example examples[] = {
    {"prony model logits models/teacher --tokens 0,72,101 --all -o logits.npy", "every position's logits"},
    {0}};

const struct command model_logits = {
    .name = "logits",
    .summary = "write the logits of a sequence of ids",
    .synopsis = "MODEL",
    .description = "Writes float32 [positions, vocabulary] in NumPy's format. Without --all only the last position.",
    .options = options,
    .examples = examples,
    .globals = GLOBAL_JSON | GLOBAL_THREADS,
    .models = 1,
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
