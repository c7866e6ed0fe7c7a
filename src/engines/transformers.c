/* transformers.c - Hugging Face transformers: the reference that agreement is measured against. */
#include "engines/python_engine.h"

static const struct python_variant variants[] = {
    {"float32", "float32", false}, {"float16", "float16", false}, {"bfloat16", "bfloat16", false}, {0}};
static const char *const names[] = {"float32", "float16", "bfloat16", NULL};

const struct engine_class engine_transformers = {
    .name = "transformers",
    .what = "Hugging Face transformers on PyTorch, eager, full-vocabulary logits",
    .variants = names,
    .checked_against = "real 5.23.0",
    .can = {.token_ids = true, .top_k = ENGINE_TOP_ALL, .prompt_logprobs = true, .full_logits = true, .streaming = true,
            .server_timings = true, .tokenization = true, .fixed_length = true, .seed = true},
    .row = &(const struct python_row){.variants = variants},
    PYTHON_ENGINE_CALLS,
};
