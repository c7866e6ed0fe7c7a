/* The table of experiments, and the configs of those that are valid in a manifest but not built yet. A question that
 * gets its own file takes its rows with it. */
#include "experiments/experiment.h"

#include <string.h>

#include "base/defaults.h"

static const struct schema_row perplexity_config[] = {
    {.key = "dataset", .type = SCHEMA_TEXT, .initial = DEFAULT_PERPLEXITY_DATASET,
     .help = "name, or path of a .npy, .txt or .jsonl"},
    {.key = "checkpoint", .type = SCHEMA_TEXT, .help = "weights to use instead of the model's own"},
    {.key = "block_size", .type = SCHEMA_INT, .initial = DEFAULT_PERPLEXITY_BLOCK_SIZE,
     .lo = 2, .hi = 1e7, .help = "tokens of a block"},
    {.key = "batch_size", .type = SCHEMA_INT, .initial = DEFAULT_PERPLEXITY_BATCH_SIZE,
     .lo = 1, .hi = 4096, .help = "blocks at a time"},
    {.key = "num_batches", .type = SCHEMA_INT, .initial = DEFAULT_PERPLEXITY_NUM_BATCHES,
     .lo = 1, .hi = 1e9, .help = "batches to evaluate"},
    {0}};

static const struct schema_row memory_config[] = {
    {.key = "sequence_lengths", .type = SCHEMA_LIST, .item = SCHEMA_INT, .required = true, .lo = 1, .hi = 1e7,
     .help = "sequence lengths to test"},
    {.key = "checkpoint", .type = SCHEMA_TEXT, .help = "weights to use instead of the model's own"},
    {.key = "batch_sizes", .type = SCHEMA_LIST, .item = SCHEMA_INT, .initial = DEFAULT_MEMORY_BATCH_SIZES,
     .lo = 1, .hi = 4096,
     .help = "batch sizes"},
    {.key = "measure_peak", .type = SCHEMA_BOOL, .initial = DEFAULT_MEMORY_MEASURE_PEAK, .help = "measure the peak"},
    {.key = "measure_kvcache", .type = SCHEMA_BOOL, .initial = DEFAULT_MEMORY_MEASURE_KVCACHE,
     .help = "measure the KV cache"},
    {.key = "quantization_modes", .type = SCHEMA_LIST, .item = SCHEMA_WORD, .initial = DEFAULT_MEMORY_QUANTIZATION_MODES,
     .words = "f32|f16|q8_0|q4_0", .alias = ALIAS_CACHE_TYPE, .has_alias = true, .help = "types of the KV cache"},
    {0}};

/* What the questions not built yet share; they will bring more. */
static const struct schema_row prompts_config[] = {
    {.key = "dataset", .type = SCHEMA_TEXT, .initial = DEFAULT_PROMPTS_DATASET, .help = "where the prompts come from"},
    {.key = "checkpoint", .type = SCHEMA_TEXT, .help = "weights to use instead of the model's own"},
    {.key = "num_prompts", .type = SCHEMA_INT, .initial = DEFAULT_PROMPTS_NUM_PROMPTS,
     .lo = 1, .hi = 1e9, .help = "how many prompts"},
    {.key = "max_tokens", .type = SCHEMA_INT, .initial = DEFAULT_PROMPTS_MAX_TOKENS,
     .lo = 1, .hi = 1e7, .help = "new tokens for each"},
    {.key = "reference", .type = SCHEMA_TEXT, .help = "the engine that the others are compared with"},
    {0}};

#define UNBUILT(id, rows, text) \
    static const struct experiment experiment_##id = {.name = #id, .what = text, .config = rows}
UNBUILT(perplexity, perplexity_config, "how well a model predicts a text");
UNBUILT(memory, memory_config, "how much memory a sequence takes");
UNBUILT(greedy, prompts_config, "whether engines write the same greedy text");
UNBUILT(distribution, prompts_config, "how far engines' next-token distributions lie apart");
UNBUILT(speculate, prompts_config, "what speculative decoding gains");
UNBUILT(accuracy, prompts_config, "how many answers are right");
UNBUILT(behaviour, prompts_config, "whether replies behave as a suite expects");

extern const struct experiment experiment_latency, experiment_speed;

static const struct experiment *const experiments[] = {
#define EXPERIMENT(name) &experiment_##name,
#include "experiments/list.h"
#undef EXPERIMENT
};
enum { N_EXPERIMENTS = sizeof experiments / sizeof experiments[0] };

const struct experiment *experiment_at(size_t i)
{
    return i < N_EXPERIMENTS ? experiments[i] : NULL;
}

const struct experiment *experiment_find(const char *name)
{
    for (size_t i = 0; i < N_EXPERIMENTS; i++)
        if (strcmp(experiments[i]->name, name) == 0)
            return experiments[i];
    return NULL;
}
