#include "base/alias.h"

#include <string.h>
#include <strings.h>

const struct alias alias_table[] = {
    {ALIAS_SWITCH, "framework", "engines", NULL},
    {ALIAS_SWITCH, "output-dir", "out", NULL},
    {ALIAS_SWITCH, "force-device", "device", NULL},
    {ALIAS_SWITCH, "fair-comparison", "fair", NULL},
    {ALIAS_SWITCH, "no-fair-comparison", "no-fair", NULL},
    {ALIAS_ARGUMENT, "model", "%s", NULL},
    {ALIAS_ARGUMENT, "model-path", "%s", NULL},
    {ALIAS_ARGUMENT, "size", "llama3-%s", NULL},
    {ALIAS_IGNORED, "gradient-checkpointing", NULL, "gradient checkpointing has no meaning in inference"},
    {ALIAS_IGNORED, "no-plots", NULL, "this prony draws no pictures"},
    {ALIAS_REFUSED, "pytorch-no-compile", NULL, "this prony has no engine 'pytorch'"},
    {ALIAS_REFUSED, "pytorch-no-half", NULL, "this prony has no engine 'pytorch'"},
    {ALIAS_REFUSED, "host", NULL, "name the server with the engine: ENGINE@http://HOST:PORT"},
    {ALIAS_REFUSED, "port", NULL, "name the server with the engine: ENGINE@http://HOST:PORT"},
    {ALIAS_ENGINE, "huggingface", "transformers", NULL},
    {ALIAS_ENGINE, "hf", "transformers", NULL},
    {ALIAS_ENGINE, "llama.cpp", "llamacpp", NULL},
    {ALIAS_ENGINE, "trt", "tensorrt", NULL},
    {ALIAS_ENGINE, "mlc_llm", "mlc", NULL},
    {ALIAS_TYPE, "float16", "f16", NULL},
    {ALIAS_TYPE, "fp16", "f16", NULL},
    {ALIAS_TYPE, "float32", "f32", NULL},
    {ALIAS_TYPE, "fp32", "f32", NULL},
    {ALIAS_TYPE, "bfloat16", "bf16", NULL},
    {ALIAS_CACHE_TYPE, "fp16", "f16", NULL},
    {ALIAS_CACHE_TYPE, "q8", "q8_0", NULL},
    {ALIAS_CACHE_TYPE, "q4", "q4_0", NULL},
    {ALIAS_ENVIRONMENT, "SPECDEC_FORCE_PY", "PRONY_KERNELS=scalar", NULL},
};

const size_t alias_count = sizeof alias_table / sizeof alias_table[0];

const struct alias *alias_find(enum alias_kind kind, const char *name)
{
    int (*same)(const char *, const char *) =
        kind == ALIAS_ENGINE || kind == ALIAS_TYPE || kind == ALIAS_CACHE_TYPE ? strcasecmp : strcmp;
    for (size_t i = 0; i < alias_count; i++)
        if (alias_table[i].kind == kind && same(alias_table[i].name, name) == 0)
            return &alias_table[i];
    return NULL;
}

const char *alias_resolve(enum alias_kind kind, const char *name)
{
    const struct alias *row = alias_find(kind, name);
    return row && row->target ? row->target : name;
}
