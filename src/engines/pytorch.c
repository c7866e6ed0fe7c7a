/* pytorch.c - the same models on PyTorch as its users tune it: base is float32 as it comes, opt half precision with a static
 * cache and torch.compile. */
#include "engines/python_engine.h"

static const struct python_variant variants[] = {{"base", "float32", false}, {"opt", "bfloat16", true}, {0}};
static const char *const names[] = {"base", "opt", NULL};

const struct engine_class engine_pytorch = {
    .name = "pytorch",
    .what = "PyTorch: base float32, opt bfloat16 (float16 on a GPU) with torch.compile",
    .variants = names,
    .checked_against = "real 2.13.0",
    .can = {.token_ids = true, .top_k = ENGINE_TOP_ALL, .prompt_logprobs = true, .full_logits = true, .streaming = true,
            .server_timings = true, .tokenization = true, .fixed_length = true, .seed = true},
    .row = &(const struct python_row){.variants = variants},
    PYTHON_ENGINE_CALLS,
};
