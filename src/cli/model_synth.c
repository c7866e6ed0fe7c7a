#include <stdio.h>

#include "base/defaults.h"
#include "cli/work.h"
#include "transform/synth.h"

static int run(struct invocation *in, struct err *err)
{
    const struct synth_shape *known;
    struct synth_shape shape;
    struct work work;
    const char *out = opt_string(in, "output"), *dims = opt_string(in, "dims");
    if (!out) {
        err_set(err, ERR_USAGE, "no file to write to was named");
        return err_hint(err, "add -o FILE.gguf");
    }
    TRY(synth_find(&known, opt_string(in, "shape"), err));
    shape = *known;
    if (dims)
        TRY(synth_parse_dims(&shape, dims, err));
    work_begin(&work, in, "writing", "bytes");
    int rc = synth_write(&shape, opt_string(in, "quantize"), in->seed, out, work_tick, &work, err);
    work_end(&work);
    TRY(rc);
    if (!in->quiet)
        printf("%s: %s, %u layers, hidden %u, vocabulary %u, %s\n", out, dims ? "own dimensions" : shape.name, shape.layers,
               shape.hidden, shape.vocabulary, opt_string(in, "quantize"));
    return EXIT_DONE;
}

static const struct option_row options[] = {
    {.name = "shape", .kind = OPT_STRING, .argument = "NAME", .initial = DEFAULT_SYNTH_SHAPE,
     .help = "llama-3.2-1b, llama-3.2-3b, llama-3.1-8b, tinyllama, qwen2.5-0.5b or gpt2"},
    {.name = "dims", .kind = OPT_STRING, .argument = "A=N,...",
     .help = "change it: hidden, layers, heads, kv_heads, head_dim, ffn, vocabulary, context"},
    {.name = "quantize", .kind = OPT_STRING, .argument = "TYPE", .help = "type of the weights", .initial = DEFAULT_SYNTH_QUANTIZE},
    {.name = "output", .letter = 'o', .kind = OPT_STRING, .argument = "FILE", .help = "the GGUF to write", .files = true},
    {0},
};

static const struct example examples[] = {
    {"prony model synth --shape llama-3.2-1b --quantize q4_k_m -o synth.gguf", "a model to measure speed with"},
    {"prony model synth --dims hidden=512,layers=4,heads=8,kv_heads=4,ffn=1536 -o small.gguf", "any other shape"},
    {0},
};

const struct command model_synth = {
    .name = "synth",
    .summary = "make up a model of a known shape, to measure speed without a download",
    .synopsis = "",
    .description = "Time and memory depend on shapes and types, not on values: made-up weights stand in for real ones "
                   "there, and only there. The text is noise. llama.cpp loads the file too.",
    .options = options,
    .examples = examples,
    .globals = GLOBAL_SEED,
    .run = run,
};
