#include <inttypes.h>
#include <stdio.h>

#include "base/file.h"
#include "base/json_out.h"
#include "cli/work.h"
#include "transform/imatrix.h"
#include "transform/quantize.h"
#include "transform/recipe.h"

static int print_json(const char *path, const struct quantize_report *r, struct err *err)
{
    struct buf text = BUF_INIT(1 << 16);
    struct json_out j = JSON_OUT_INIT(&text);
    json_out_open(&j, '{');
    json_out_key(&j, "output");
    json_out_text(&j, path);
    json_out_key(&j, "bytes_before");
    json_out_int(&j, (int64_t)r->bytes_before);
    json_out_key(&j, "bytes_after");
    json_out_int(&j, (int64_t)r->bytes_after);
    json_out_key(&j, "quantized");
    json_out_int(&j, r->quantized);
    json_out_key(&j, "kept");
    json_out_int(&j, r->kept);
    json_out_key(&j, "fallen_back");
    json_out_int(&j, r->fallen_back);
    json_out_close(&j);
    int rc = buf_check(&text, err);
    if (rc == 0)
        printf("%s\n", text.data);
    buf_release(&text);
    return rc;
}

/* The matrix of --imatrix, read or made; NULL: none was asked for. */
static int find_importance(struct importance **out, const struct invocation *in, struct err *err)
{
    const char *from = opt_string(in, "imatrix"), *save = opt_string(in, "save-imatrix");
    struct work work;
    struct imatrix_options o = {.chunks = opt_int(in, "chunks"), .threads = in->threads, .tick = work_tick, .tick_arg = &work};
    struct imatrix_done done;
    *out = NULL;
    if (!from)
        return save ? err_set(err, ERR_USAGE, "--save-imatrix needs --imatrix TEXT, of which it is made") : 0;
    if (imatrix_is_file(from))
        return save ? err_set(err, ERR_USAGE, "--save-imatrix: '%s' is an importance matrix already", from)
                    : imatrix_load(out, from, err);
    work_begin(&work, in, "importance", "chunks");
    int rc = imatrix_collect(out, in->args[0], from, &o, &done, err);
    work_end(&work);
    TRY(rc);
    if (in->verbose)
        fprintf(stderr, "prony: importance of %zu matrices from %" PRId64 " tokens\n", importance_count(*out), done.tokens);
    return save ? imatrix_save(*out, save, path_base(from), &done, err) : 0;
}

static int quantize(const struct invocation *in, struct quantize_report *r, struct err *err)
{
    struct work work;
    const struct recipe *known;
    struct quantize_options o = {.recipe = in->args[2], .threads = in->threads, .tick = work_tick, .tick_arg = &work};
    TRY(recipe_find(&known, in->args[2], err)); /* before a text runs for minutes */
    int rc = find_importance(&o.importance, in, err);
    if (rc == 0) {
        work_begin(&work, in, "quantizing", "bytes");
        rc = quantize_file(in->args[0], in->args[1], &o, r, err);
        work_end(&work);
    }
    importance_free(o.importance);
    return rc;
}

static int run(struct invocation *in, struct err *err)
{
    struct quantize_report r;
    TRY(quantize(in, &r, err));
    double mb = 1.0 / (1 << 20);
    if (in->json)
        TRY(print_json(in->args[1], &r, err));
    else if (!in->quiet)
        printf("%s: %.1f MB of tensors became %.1f MB; %d quantized, %d kept\n", in->args[1], (double)r.bytes_before * mb,
               (double)r.bytes_after * mb, r.quantized, r.kept);
    if (r.fallen_back > 0)
        fprintf(stderr, "prony: %d tensor%s did not divide into the blocks of the type asked for (%s)\n", r.fallen_back,
                r.fallen_back == 1 ? "" : "s", r.fallen_example);
    if (r.without_importance > 0)
        fprintf(stderr, "prony: %d tensor%s not in the importance matrix: quantized as without one\n", r.without_importance,
                r.without_importance == 1 ? " is" : "s are");
    return EXIT_DONE;
}

static const struct option_row options[] = {
    {.name = "imatrix", .kind = OPT_STRING, .argument = "FILE", .files = true,
     .help = "weigh errors by importance: of a text that runs through the model first, or a matrix (also llama-imatrix's)"},
    {.name = "save-imatrix", .kind = OPT_STRING, .argument = "FILE", .files = true,
     .help = "keep the matrix of the text as a GGUF (llama-quantize reads it)"},
    {.name = "chunks", .kind = OPT_INT, .argument = "N", .help = "of the text at most, 512 tokens each; 0: all", .initial = "0",
     .lo = 0, .hi = 1e9},
    {0}};

static const struct example examples[] = {
    {"prony model quantize f16.gguf q4_k_m.gguf q4_k_m", "about 4.8 bits a weight"},
    {"prony model quantize bf16.gguf q8_0.gguf q8_0 --threads 2", "on two threads; the bytes are the same for any number"},
    {"prony model quantize f16.gguf q4_k_m.gguf q4_k_m --imatrix text.txt", "errors weighted by what a text shows to matter"},
    {0},
};

const struct command model_quantize = {
    .name = "quantize",
    .summary = "write a GGUF again with its weights in another type",
    .synopsis = "IN OUT TYPE",
    .description = "TYPE is f16, bf16, q8_0, q4_0, q4_1, q5_0, q5_1, q2_k, q3_k_s, q3_k_m, q3_k_l, q4_k_s, q4_k_m, q5_k_s, "
                   "q5_k_m or q6_k. The types of single tensors are those that llama.cpp gives them; rows that do not "
                   "divide into blocks of 256 fall back to a type of 32 as there, and it is said.",
    .options = options,
    .examples = examples,
    .globals = GLOBAL_JSON | GLOBAL_THREADS,
    .models = 1,
    .min_args = 3,
    .max_args = 3,
    .run = run,
};
