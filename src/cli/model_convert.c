#include <stdio.h>

#include "base/json_out.h"
#include "cli/command.h"
#include "cli/work.h"
#include "transform/convert.h"

static int print_json(const char *path, const struct convert_report *r, struct err *err)
{
    struct buf text = BUF_INIT(1 << 16);
    struct json_out j = JSON_OUT_INIT(&text);
    json_out_open(&j, '{');
    json_out_key(&j, "output");
    json_out_text(&j, path);
    json_out_key(&j, "format");
    json_out_text(&j, r->to_gguf ? "gguf" : "safetensors");
    json_out_key(&j, "architecture");
    json_out_text(&j, r->architecture);
    json_out_key(&j, "type");
    json_out_text(&j, r->type);
    json_out_key(&j, "tensors");
    json_out_int(&j, (int64_t)r->tensors);
    json_out_key(&j, "tokenizer");
    json_out_bool(&j, r->has_tokenizer);
    json_out_key(&j, "lost");
    json_out_text(&j, r->lost[0] ? r->lost : NULL);
    json_out_close(&j);
    int rc = buf_check(&text, err);
    if (rc == 0)
        printf("%s\n", text.data);
    buf_release(&text);
    return rc;
}

static int run(struct invocation *in, struct err *err)
{
    struct convert_report r;
    struct work work;
    struct convert_options o = {.type = opt_string(in, "type"), .tick = work_tick, .tick_arg = &work};
    work_begin(&work, in, "converting", "tensors");
    int rc = convert_model(in->args[0], in->args[1], &o, &r, err);
    work_end(&work);
    TRY(rc);
    if (in->json)
        TRY(print_json(in->args[1], &r, err));
    else if (!in->quiet)
        printf("%s: %s as %s, %llu tensors in %s%s\n", in->args[1], r.architecture,
               r.to_gguf ? "GGUF" : "Hugging Face folder", (unsigned long long)r.tensors, r.type,
               r.has_tokenizer ? "" : ", without a tokenizer: there was none");
    if (r.lost[0])
        fprintf(stderr, "prony: not in '%s': %s\n", in->args[1], r.lost);
    return EXIT_DONE;
}

static const struct option_row options[] = {
    {.name = "type", .kind = OPT_STRING, .argument = "TYPE", .choices = "f32,f16,bf16",
     .help = "f32, f16 or bf16 for the matrices (default: what most of them have; f16 for quantized ones)"},
    {0},
};

static const struct example examples[] = {
    {"prony model convert models/teacher teacher.gguf", "for llama.cpp and what builds on it"},
    {"prony model convert llama.Q4_K_M.gguf llama-hf --type bf16", "for engines that load Hugging Face folders only"},
    {0},
};

const struct command model_convert = {
    .name = "convert",
    .summary = "write a model in another format",
    .synopsis = "IN OUT",
    .description = "IN is whatever 'prony generate' loads. OUT that ends in .gguf becomes a GGUF; any other name becomes a Hugging "
                   "Face folder with config.json, tokenizer.json and model.safetensors. Weights keep their values: a "
                   "quantized one is written as the float that it stands for.",
    .options = options,
    .examples = examples,
    .globals = GLOBAL_JSON,
    .models = 1,
    .min_args = 2,
    .max_args = 2,
    .run = run,
};
