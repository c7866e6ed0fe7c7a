#include <inttypes.h>
#include <stdio.h>

#include "base/json_out.h"
#include "cli/work.h"
#include "formats/facts.h"

static void number_or_null(struct json_out *j, const char *key, int64_t v)
{
    json_out_key(j, key);
    if (v >= 0)
        json_out_int(j, v);
    else
        json_out_null(j);
}

static void text_or_null(struct json_out *j, const char *key, const char *v)
{
    json_out_key(j, key);
    json_out_text(j, v && *v ? v : NULL);
}

static int print_json(const struct model_file *f, const struct file_facts *x, const char *sha256, struct err *err)
{
    struct buf text = BUF_INIT(64u << 20);
    struct json_out j = JSON_OUT_PRETTY(&text);
    json_out_open(&j, '{');
    text_or_null(&j, "format", model_file_format(f));
    text_or_null(&j, "architecture", x->architecture);
    number_or_null(&j, "parameters", x->parameters);
    number_or_null(&j, "bytes", (int64_t)model_file_bytes(f));
    text_or_null(&j, "quantization", x->quantization);
    number_or_null(&j, "context", x->context);
    number_or_null(&j, "vocabulary", x->vocabulary);
    number_or_null(&j, "layers", x->layers);
    number_or_null(&j, "hidden", x->hidden);
    number_or_null(&j, "heads", x->heads);
    number_or_null(&j, "kv_heads", x->kv_heads);
    json_out_key(&j, "tied");
    if (x->tied >= 0)
        json_out_bool(&j, x->tied);
    else
        json_out_null(&j);
    text_or_null(&j, "chat_template", x->chat_template);
    text_or_null(&j, "sha256", sha256);
    json_out_close(&j);
    int rc = buf_check(&text, err);
    if (rc == 0)
        printf("%s\n", text.data);
    buf_release(&text);
    return rc;
}

static void row(const char *name, int64_t v)
{
    if (v >= 0)
        printf("%-14s %" PRId64 "\n", name, v);
    else
        printf("%-14s unknown\n", name);
}

static void row_text(const char *name, const char *v)
{
    printf("%-14s %s\n", name, v && *v ? v : "unknown");
}

static void print_table(const struct model_file *f, const struct file_facts *x, const char *sha256)
{
    row_text("path", model_file_path(f));
    row_text("format", model_file_format(f));
    row_text("architecture", x->architecture);
    row("parameters", x->parameters);
    printf("%-14s %" PRIu64 " (%.1f MB in %zu file%s)\n", "bytes", model_file_bytes(f),
           (double)model_file_bytes(f) / (1 << 20), model_file_n_files(f), model_file_n_files(f) == 1 ? "" : "s");
    row_text("quantization", x->quantization);
    row("tensors", (int64_t)model_file_n_tensors(f));
    row("context", x->context);
    row("vocabulary", x->vocabulary);
    row("layers", x->layers);
    row("hidden", x->hidden);
    row("heads", x->heads);
    row("kv heads", x->kv_heads);
    row_text("tied", x->tied < 0 ? NULL : x->tied ? "yes" : "no");
    row_text("chat template", x->chat_template ? "yes" : "no");
    if (sha256)
        row_text("sha256", sha256);
}

static int run(struct invocation *in, struct err *err)
{
    struct model_file *f;
    struct file_facts facts;
    char sha256[65];
    TRY(model_file_open(&f, in->args[0], err));
    int rc = file_facts(&facts, f, err);
    bool hash = (in->json || opt_flag(in, "sha256")) && model_file_n_files(f) > 0;
    if (rc == 0 && hash)
        rc = work_model_sha256(f, in, sha256, err);
    if (rc == 0 && in->json)
        rc = print_json(f, &facts, hash ? sha256 : NULL, err);
    else if (rc == 0)
        print_table(f, &facts, hash ? sha256 : NULL);
    file_facts_release(&facts);
    model_file_close(f);
    return rc < 0 ? -1 : EXIT_DONE;
}

static const struct option_row options[] = {
    {.name = "sha256", .kind = OPT_FLAG, .help = "also the checksum of the weights, which reads all of them (--json always does)"},
    {0},
};

static const struct example examples[] = {
    {"prony model info models/teacher", "what it is, how large, how it is built"},
    {"prony model info llama.gguf --json", "the same for a script, with the checksum"},
    {0},
};

const struct command model_info = {
    .name = "info",
    .summary = "say what a model is: format, architecture, size, shape",
    .synopsis = "MODEL",
    .description = "MODEL is a GGUF, safetensors or llama2.c file, a Hugging Face folder, a folder with one GGUF, or ORG/REPO in "
                   "the Hugging Face cache. Works for architectures that prony cannot run, too: what the file does not say is "
                   "'unknown', null with --json.\n\n"
                   "The checksum of one file is its SHA-256; of several, that of the lines 'HEX  NAME' of each.",
    .examples = examples,
    .options = options,
    .globals = GLOBAL_JSON,
    .models = 1,
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
