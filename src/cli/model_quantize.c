#include <stdio.h>

#include "base/json_out.h"
#include "cli/work.h"
#include "transform/quantize.h"

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

static int run(struct invocation *in, struct err *err)
{
    struct quantize_report r;
    struct work work;
    struct quantize_options o = {.recipe = in->args[2], .threads = in->threads, .tick = work_tick, .tick_arg = &work};
    work_begin(&work, in, "quantizing", "bytes");
    int rc = quantize_file(in->args[0], in->args[1], &o, &r, err);
    work_end(&work);
    TRY(rc);
    double mb = 1.0 / (1 << 20);
    if (in->json)
        TRY(print_json(in->args[1], &r, err));
    else if (!in->quiet)
        printf("%s: %.1f MB of tensors became %.1f MB; %d quantized, %d kept\n", in->args[1], (double)r.bytes_before * mb,
               (double)r.bytes_after * mb, r.quantized, r.kept);
    if (r.fallen_back > 0)
        fprintf(stderr, "prony: %d tensor%s did not divide into the blocks of the type asked for (%s)\n", r.fallen_back,
                r.fallen_back == 1 ? "" : "s", r.fallen_example);
    return EXIT_DONE;
}

static const struct example examples[] = {
    {"prony model quantize f16.gguf q4_k_m.gguf q4_k_m", "about 4.8 bits a weight"},
    {"prony model quantize bf16.gguf q8_0.gguf q8_0 --threads 2", "on two threads; the bytes are the same for any number"},
    {0},
};

const struct command model_quantize = {
    .name = "quantize",
    .summary = "write a GGUF again with its weights in another type",
    .synopsis = "IN OUT TYPE",
    .description = "TYPE is f16, bf16, q8_0, q4_0, q4_1, q5_0, q5_1, q2_k, q3_k_s, q3_k_m, q3_k_l, q4_k_s, q4_k_m, q5_k_s, "
                   "q5_k_m or q6_k. The types of single tensors are those that llama.cpp gives them; rows that do not "
                   "divide into blocks of 256 fall back to a type of 32 as there, and it is said.",
    .examples = examples,
    .globals = GLOBAL_JSON | GLOBAL_THREADS,
    .models = 1,
    .min_args = 3,
    .max_args = 3,
    .run = run,
};
