/* latency - how fast one request is, by prompt length, generation length and batch size.
 *
 * A request takes `prompt_len` tokens and asks for gen_len + 1 new ones. The first comes out of the prefill; then
 * gen_len decode steps are timed, each of which reads the weights once. So
 *     prefill_ms      from handing the request over to the first token
 *     decode_ms       from the first token to the last
 *     tokens_per_sec  gen_len x batch / decode time
 * count the same tokens on both sides of the division, on every engine that streams, and need no stamp that only some
 * can give. Every timed prompt begins with a token of its own, so that no prefix cache can answer for the engine; all
 * engines get the same ids. Greedy; the end of a text is ignored.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "experiments/experiment.h"

static const struct schema_row config[] = {
    {.key = "prompt_lengths", .type = SCHEMA_LIST, .item = SCHEMA_INT, .required = true, .lo = 1, .hi = 1e7,
     .help = "prompt lengths to test"},
    {.key = "generation_lengths", .type = SCHEMA_LIST, .item = SCHEMA_INT, .required = true, .lo = 1, .hi = 1e6,
     .help = "tokens to generate"},
    {.key = "batch_sizes", .type = SCHEMA_LIST, .item = SCHEMA_INT, .initial = "[1]", .lo = 1, .hi = 4096,
     .help = "batch sizes"},
    {.key = "warmup_runs", .type = SCHEMA_INT, .initial = "3", .lo = 0, .hi = 1e6, .help = "warm-up iterations"},
    {.key = "timed_runs", .type = SCHEMA_INT, .initial = "10", .lo = 1, .hi = 1e6, .help = "timed iterations"},
    {.key = "use_cache", .type = SCHEMA_BOOL, .initial = "true", .help = "use the KV cache"},
    {.key = "cache_kind", .type = SCHEMA_WORD, .initial = "f16", .words = "f32|f16|q8_0|q4_0", .alias = ALIAS_CACHE_TYPE,
     .has_alias = true, .help = "type of the KV cache"},
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

static uint64_t number(const json_t *params, const char *key)
{
    return (uint64_t)json_integer_value(json_object_get(params, key));
}

static uint64_t samples(const json_t *params)
{
    return number(params, "timed_runs");
}

static void load(const json_t *params, uint64_t *requests, size_t *prompt, size_t *new_tokens, size_t *batch)
{
    *requests = number(params, "warmup_runs") + number(params, "timed_runs");
    *prompt = number(params, "prompt_len");
    *new_tokens = number(params, "gen_len") + 1;
    *batch = number(params, "batch_size");
}

static int needs(const struct engine_capabilities *can, const json_t *params, struct err *err)
{
    if (!json_is_true(json_object_get(params, "use_cache")))
        return err_set(err, ERR_UNSUPPORTED, "use_cache: false: no engine of this prony decodes without a KV cache");
    if (!can->token_ids)
        return err_set(err, ERR_UNSUPPORTED, "it takes no token ids, so that a prompt of an exact length cannot be asked");
    if (!can->streaming)
        return err_set(err, ERR_UNSUPPORTED, "it does not stream, so that prefill and decode cannot be told apart");
    if (can->batch > 0 && number(params, "batch_size") > (uint64_t)can->batch)
        return err_set(err, ERR_UNSUPPORTED, "it takes batches of at most %d", can->batch);
    return 0;
}

/* The ids of one request: uniform over the vocabulary but its last id, the same for every engine of that vocabulary;
 * the first id of each prompt is its number, so that no two of a launch begin alike. */
static void write_prompts(int32_t *ids, size_t batch, size_t len, uint64_t request, int vocabulary)
{
    uint64_t v = vocabulary > 2 ? (uint64_t)vocabulary - 1 : 2;
    for (size_t b = 0; b < batch; b++) {
        struct rng rng;
        rng_init(&rng, 0x9e3779b97f4a7c15u + request * batch + b);
        for (size_t i = 0; i < len; i++)
            ids[b * len + i] = (int32_t)rng_below(&rng, v);
        ids[b * len] = (int32_t)((request * batch + b) % v);
    }
}

struct work {
    int32_t *ids;
    struct engine_prompt *prompts;
    struct engine_reply *replies;
    size_t batch, prompt_len, gen_len;
};

static int measure(struct cell *c, struct work *w, struct err *err)
{
    uint64_t warmup = number(c->params, "warmup_runs"), timed = number(c->params, "timed_runs");
    for (uint64_t i = 0; i < warmup + timed; i++) {
        if (i >= warmup && cell_has(c, i - warmup))
            continue;
        if (cell_stopped(c))
            return 0;
        write_prompts(w->ids, w->batch, w->prompt_len, i, engine_facts(c->engine)->vocabulary);
        struct engine_request request = {.prompts = w->prompts, .n_prompts = w->batch, .max_tokens = w->gen_len + 1,
                                         .ignore_eos = engine_can(c->engine)->fixed_length, .ordinal = i};
        TRY(engine_generate(c->engine, &request, w->replies, err));
        if (i >= warmup)
            TRY(cell_emit(c, i - warmup, w->replies, w->batch, err));
    }
    return 0;
}

static int run(struct cell *c, struct err *err)
{
    struct work w = {.batch = number(c->params, "batch_size"), .prompt_len = number(c->params, "prompt_len"),
                     .gen_len = number(c->params, "gen_len")};
    int rc = -1;
    w.ids = mem_alloc(w.batch * w.prompt_len, sizeof *w.ids, err);
    w.prompts = mem_zalloc(w.batch, sizeof *w.prompts, err);
    w.replies = mem_zalloc(w.batch, sizeof *w.replies, err);
    if (w.ids && w.prompts && w.replies) {
        for (size_t b = 0; b < w.batch; b++)
            w.prompts[b] = (struct engine_prompt){.ids = w.ids + b * w.prompt_len, .n_ids = w.prompt_len};
        rc = measure(c, &w, err);
    }
    for (size_t b = 0; w.replies && b < w.batch; b++)
        engine_reply_release(&w.replies[b]);
    free(w.replies);
    free(w.prompts);
    free(w.ids);
    return rc;
}

const struct experiment experiment_latency = {
    .name = "latency",
    .what = "time to the first token and speed after it, by prompt length, generation length and batch size",
    .config = config,
    .cells = cells,
    .samples = samples,
    .load = load,
    .needs = needs,
    .run = run,
};
