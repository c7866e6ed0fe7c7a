/* latency - how fast one request is, by prompt length, generation length and batch size.
 *
 *     prefill_ms      from handing the request over to the first token
 *     decode_ms       from the first token to the last
 *     tokens_per_sec  gen_len x batch / decode time
 * count the same tokens on both sides of the division, on every engine that streams, and need no stamp that only some
 * can give (timed.h says what a request is).
 */
#include "base/defaults.h"
#include "experiments/timed.h"

static const struct schema_row config[] = {
    {.key = "prompt_lengths", .type = SCHEMA_LIST, .item = SCHEMA_INT, .required = true, .lo = 1, .hi = 1e7,
     .help = "prompt lengths to test"},
    {.key = "generation_lengths", .type = SCHEMA_LIST, .item = SCHEMA_INT, .required = true, .lo = 1, .hi = 1e6,
     .help = "tokens to generate"},
    {.key = "batch_sizes", .type = SCHEMA_LIST, .item = SCHEMA_INT, .initial = DEFAULT_LATENCY_BATCH_SIZES,
     .lo = 1, .hi = 4096,
     .help = "batch sizes"},
    {.key = "warmup_runs", .type = SCHEMA_INT, .initial = DEFAULT_LATENCY_WARMUP_RUNS,
     .lo = 0, .hi = 1e6, .help = "warm-up iterations"},
    {.key = "timed_runs", .type = SCHEMA_INT, .initial = DEFAULT_LATENCY_TIMED_RUNS,
     .lo = 1, .hi = 1e6, .help = "timed iterations"},
    {.key = "use_cache", .type = SCHEMA_BOOL, .initial = DEFAULT_LATENCY_USE_CACHE, .help = "use the KV cache"},
    {.key = "cache_kind", .type = SCHEMA_WORD, .initial = DEFAULT_LATENCY_CACHE_KIND,
     .words = "f32|f16|q8_0|q4_0", .alias = ALIAS_CACHE_TYPE, .has_alias = true,
     .help = "type of the KV cache"},
    {.key = "checkpoint", .type = SCHEMA_TEXT, .help = "weights to use instead of the model's own"},
    {0}};

static json_t *cells(const json_t *c, struct err *err)
{
    json_t *out = json_array(), *prompt, *gen, *batch;
    size_t i, j, k;
    json_array_foreach(json_object_get(c, "prompt_lengths"), i, prompt)
        json_array_foreach(json_object_get(c, "generation_lengths"), j, gen)
            json_array_foreach(json_object_get(c, "batch_sizes"), k, batch) {
                json_t *params = json_pack("{sO sO sO sO sO sO sO}", "prompt_len", prompt, "gen_len", gen, "batch_size",
                                           batch, "warmup_runs", json_object_get(c, "warmup_runs"), "timed_runs",
                                           json_object_get(c, "timed_runs"), "use_cache",
                                           json_object_get(c, "use_cache"), "cache_kind",
                                           json_object_get(c, "cache_kind"));
                if (!params || json_array_append_new(out, params) < 0) {
                    json_decref(out);
                    err_set(err, ERR_MEMORY, "out of memory for the cells of 'latency'");
                    return NULL;
                }
            }
    return out;
}

static int needs(const struct engine_capabilities *can, const json_t *params, struct err *err)
{
    if (!json_is_true(json_object_get(params, "use_cache")))
        return err_set(err, ERR_UNSUPPORTED, "use_cache: false: no engine of this prony decodes without a KV cache");
    return timed_needs(can, params, err);
}

static int after(struct cell *c, struct timed *t, uint64_t i, struct err *err)
{
    return i < t->warmup ? 0 : cell_emit(c, i - t->warmup, t->replies, t->batch, err);
}

static int run(struct cell *c, struct err *err)
{
    return timed_run(c, after, err);
}

const struct experiment experiment_latency = {
    .name = "latency",
    .what = "time to the first token and speed after it, by prompt length, generation length and batch size",
    .config = config,
    .cells = cells,
    .samples = timed_samples,
    .load = timed_load,
    .needs = needs,
    .run = run,
};
