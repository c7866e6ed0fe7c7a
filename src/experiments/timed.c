#include "experiments/timed.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/rng.h"

static uint64_t number(const json_t *params, const char *key)
{
    return (uint64_t)json_integer_value(json_object_get(params, key));
}

uint64_t timed_samples(const json_t *params)
{
    return number(params, "timed_runs");
}

void timed_load(const json_t *params, uint64_t *requests, size_t *prompt, size_t *new_tokens, size_t *batch)
{
    *requests = number(params, "warmup_runs") + number(params, "timed_runs");
    *prompt = number(params, "depth") + number(params, "prompt_len");
    *new_tokens = number(params, "gen_len") + 1;
    *batch = number(params, "batch_size");
}

int timed_needs(const struct engine_capabilities *can, const json_t *params, struct err *err)
{
    if (!can->token_ids)
        return err_set(err, ERR_UNSUPPORTED, "it takes no token ids, so that a prompt of an exact length cannot be asked");
    if (!can->streaming)
        return err_set(err, ERR_UNSUPPORTED, "it does not stream, so that prefill and decode cannot be told apart");
    if (number(params, "depth") > 0 && !can->depth)
        return err_set(err, ERR_UNSUPPORTED, "it cannot begin at a depth: its clock would count those tokens too");
    if (can->batch > 0 && number(params, "batch_size") > (uint64_t)can->batch)
        return err_set(err, ERR_UNSUPPORTED, "it takes batches of at most %d", can->batch);
    return 0;
}

/* Uniform over the vocabulary but its last id; the first id of each prompt is its number. */
static void write_prompts(struct timed *t, uint64_t request, int vocabulary)
{
    uint64_t v = vocabulary > 2 ? (uint64_t)vocabulary - 1 : 2;
    size_t len = t->depth + t->prompt_len;
    for (size_t b = 0; b < t->batch; b++) {
        struct rng rng;
        rng_init(&rng, 0x9e3779b97f4a7c15u + request * t->batch + b);
        for (size_t i = 0; i < len; i++)
            t->ids[b * len + i] = (int32_t)rng_below(&rng, v);
        t->ids[b * len] = (int32_t)((request * t->batch + b) % v);
    }
}

static int make_requests(struct cell *c, struct timed *t,
                         int (*after)(struct cell *c, struct timed *t, uint64_t i, struct err *err), struct err *err)
{
    uint64_t timed = number(c->params, "timed_runs");
    for (uint64_t i = 0; i < t->warmup + timed; i++) {
        if (i >= t->warmup && cell_has(c, i - t->warmup))
            continue;
        if (cell_stopped(c))
            return 0;
        write_prompts(t, i, engine_facts(c->engine)->vocabulary);
        struct engine_request request = {.prompts = t->prompts, .n_prompts = t->batch, .max_tokens = t->gen_len + 1,
                                         .ignore_eos = engine_can(c->engine)->fixed_length, .ordinal = i};
        TRY(engine_generate(c->engine, &request, t->replies, err));
        t->requests++;
        TRY(after(c, t, i, err));
    }
    return 0;
}

int timed_run(struct cell *c, int (*after)(struct cell *c, struct timed *t, uint64_t i, struct err *err), struct err *err)
{
    struct timed t = {.batch = number(c->params, "batch_size"), .depth = number(c->params, "depth"),
                      .prompt_len = number(c->params, "prompt_len"), .gen_len = number(c->params, "gen_len"),
                      .warmup = number(c->params, "warmup_runs")};
    size_t len = t.depth + t.prompt_len;
    int rc = -1;
    t.ids = mem_alloc(t.batch * len, sizeof *t.ids, err);
    t.prompts = mem_zalloc(t.batch, sizeof *t.prompts, err);
    t.replies = mem_zalloc(t.batch, sizeof *t.replies, err);
    if (t.ids && t.prompts && t.replies) {
        for (size_t b = 0; b < t.batch; b++)
            t.prompts[b] = (struct engine_prompt){.ids = t.ids + b * len, .n_ids = len, .n_before = t.depth};
        rc = make_requests(c, &t, after, err);
    }
    for (size_t b = 0; t.replies && b < t.batch; b++)
        engine_reply_release(&t.replies[b]);
    free(t.replies);
    free(t.prompts);
    free(t.ids);
    return rc;
}
