/* What stands between a caller and every engine: it checks what is asked and what comes back, so that an engine can be
 * written plainly and a caller can believe it. */
#include "engines/engine.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "engines/engine_reply.h"

struct engine {
    const struct engine_class *class;
    void *self;
    struct engine_facts facts;
    struct engine_capabilities can;
};

static int64_t monotonic(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int engine_open(struct engine **out, const struct engine_spec *spec, struct err *err)
{
    const struct engine_class *class = spec->name->class;
    if (class->needs_model && !spec->model)
        return err_set(err, ERR_USAGE, "engine '%s' needs a model", class->name);
    if (spec->context < 0 || spec->batch < 0 || spec->threads < 0)
        return err_set(err, ERR_USAGE, "engine '%s': context, batch and threads cannot be negative", class->name);
    if (spec->options && !json_is_object(spec->options))
        return err_set(err, ERR_USAGE, "engine '%s': options must be a mapping", class->name);
    if (class->can.batch > 0 && spec->batch > class->can.batch)
        return err_set(err, ERR_UNSUPPORTED, "engine '%s' takes batches of at most %d, asked for %d", class->name,
                       class->can.batch, spec->batch);
    struct engine *e = mem_zalloc(1, sizeof *e, err);
    if (!e)
        return -1;
    e->class = class;
    e->can = class->can;
    e->facts.eos = -1;
    strcpy(e->facts.clock, "monotonic");
    if (class->open(&e->self, spec, &e->facts, &e->can, err) < 0) {
        free(e);
        return err_context(err, "engine '%s'", class->name);
    }
    *out = e;
    return 0;
}

void engine_close(struct engine *e)
{
    if (!e)
        return;
    e->class->close(e->self);
    free(e);
}

const struct engine_class *engine_class_of(const struct engine *e)
{
    return e->class;
}

const struct engine_facts *engine_facts(const struct engine *e)
{
    return &e->facts;
}

const struct engine_capabilities *engine_can(const struct engine *e)
{
    return &e->can;
}

int64_t engine_now(struct engine *e)
{
    return e->class->now ? e->class->now(e->self) : monotonic();
}

/* ---- what is asked ---------------------------------------------------------------------------------------------- */

static int check_ids(const struct engine *e, const int32_t *ids, size_t n, struct err *err)
{
    for (size_t i = 0; i < n; i++)
        if (ids[i] < 0 || (e->facts.vocabulary > 0 && ids[i] >= e->facts.vocabulary))
            return err_set(err, ERR_USAGE, "token %d at position %zu is not in the vocabulary of %d", ids[i], i,
                           e->facts.vocabulary);
    return 0;
}

static int check_prompt(const struct engine *e, const struct engine_prompt *p, size_t max_tokens, struct err *err)
{
    if ((p->n_ids > 0) == (p->text != NULL))
        return err_set(err, ERR_USAGE, "a prompt is either token ids, at least one, or a text");
    if (p->n_ids > 0 && !e->can.token_ids)
        return err_set(err, ERR_UNSUPPORTED, "engine '%s' takes text only, not token ids", e->class->name);
    TRY(check_ids(e, p->ids, p->n_ids, err));
    if (p->n_before > 0 && !e->can.depth)
        return err_set(err, ERR_UNSUPPORTED, "engine '%s' cannot begin at a depth", e->class->name);
    if (p->n_before > 0 && p->n_before >= p->n_ids)
        return err_set(err, ERR_USAGE, "%zu of %zu prompt tokens before the clock leave none for it", p->n_before, p->n_ids);
    if (e->facts.context > 0 && (p->n_ids > (size_t)e->facts.context || max_tokens > (size_t)e->facts.context - p->n_ids))
        return err_set(err, ERR_USAGE, "%zu prompt tokens and %zu new ones do not fit a context of %d", p->n_ids,
                       max_tokens, e->facts.context);
    return 0;
}

static int check_request(const struct engine *e, const struct engine_request *r, struct err *err)
{
    const struct engine_sampling *s = &r->sampling;
    if (r->n_prompts == 0 || r->max_tokens == 0)
        return err_set(err, ERR_USAGE, "a request needs at least one prompt and one new token");
    if (e->can.batch > 0 && r->n_prompts > (size_t)e->can.batch)
        return err_set(err, ERR_UNSUPPORTED, "engine '%s' takes batches of at most %d, asked for %zu", e->class->name,
                       e->can.batch, r->n_prompts);
    if (r->n_top < 0 || r->n_top > e->can.top_k || (e->facts.vocabulary > 0 && r->n_top > e->facts.vocabulary))
        return err_set(err, ERR_UNSUPPORTED, "engine '%s' gives the %d likeliest tokens at most, asked for %d",
                       e->class->name, e->can.top_k < e->facts.vocabulary ? e->can.top_k : e->facts.vocabulary,
                       r->n_top);
    if (r->ignore_eos && !e->can.fixed_length)
        return err_set(err, ERR_UNSUPPORTED, "engine '%s' cannot go on after the end of a text", e->class->name);
    if (r->n_stops > 0 && !e->can.stops)
        return err_set(err, ERR_UNSUPPORTED, "engine '%s' takes no stop texts", e->class->name);
    for (size_t i = 0; i < r->n_stops; i++)
        if (!r->stops[i] || !*r->stops[i])
            return err_set(err, ERR_USAGE, "stop text %zu is empty", i);
    if (!(s->temperature >= 0 && isfinite(s->temperature)) || s->top_k < 0 || !(s->top_p >= 0 && s->top_p <= 1))
        return err_set(err, ERR_USAGE, "sampling: temperature %g, top-k %d, top-p %g make no sense", s->temperature,
                       s->top_k, s->top_p);
    for (size_t i = 0; i < r->n_prompts; i++)
        TRY(check_prompt(e, &r->prompts[i], r->max_tokens, err));
    return 0;
}

/* ---- what comes back -------------------------------------------------------------------------------------------- */

/* A log-probability may be just above 0 by rounding. */
static bool is_logprob(double x)
{
    return x <= 1e-3 && x > -INFINITY;
}

static int check_tops(const struct engine *e, const struct engine_reply *r, size_t at, struct err *err)
{
    const struct engine_top *row = &r->tops[at * (size_t)r->n_top];
    for (int k = 0; k < r->n_top; k++) {
        if ((row[k].id < 0 && r->n_unknown == 0) || (e->facts.vocabulary > 0 && row[k].id >= e->facts.vocabulary))
            return err_set(err, ERR_ENGINE, "step %zu: likeliest token %d is %d, not in the vocabulary of %d", at, k,
                           row[k].id, e->facts.vocabulary);
        if (row[k].id < 0 && r->n_unknown > 0)
            continue;
        if (!(row[k].logprob <= 1e-3) || isinf(row[k].logprob))
            return err_set(err, ERR_ENGINE, "step %zu: %g is not the log-probability of a token", at, row[k].logprob);
        if (k > 0 && row[k].logprob > row[k - 1].logprob)
            return err_set(err, ERR_ENGINE, "step %zu: the likeliest tokens are not in order", at);
    }
    return 0;
}

static int check_step(const struct engine *e, const struct engine_reply *r, size_t at, struct err *err)
{
    const struct engine_step *s = &r->steps[at];
    int64_t before = at ? r->steps[at - 1].done : r->submitted;
    bool unknown = s->id < 0 && r->n_unknown > 0, untold = r->n_unknown > 0 || (e->can.logprobs_cost && r->n_top == 0);
    if (e->can.token_ids && !unknown && (s->id < 0 || (e->facts.vocabulary > 0 && s->id >= e->facts.vocabulary)))
        return err_set(err, ERR_ENGINE, "step %zu: token %d is not in the vocabulary of %d", at, s->id,
                       e->facts.vocabulary);
    if (e->can.top_k > 0 && !is_logprob(s->logprob) && !(untold && isnan(s->logprob)))
        return err_set(err, ERR_ENGINE, "step %zu: %g is not the log-probability of a token", at, s->logprob);
    if (s->handed < before || s->done < s->handed ||
        (s->began != ENGINE_NEVER && (s->began < s->handed || s->began > s->done)))
        return err_set(err, ERR_ENGINE, "step %zu: its time runs backwards", at);
    return r->n_top > 0 ? check_tops(e, r, at, err) : 0;
}

static int check_reply(const struct engine *e, const struct engine_request *q, const struct engine_prompt *prompt,
                       const struct engine_reply *r, struct err *err)
{
    if (r->n_steps == 0)
        return err_set(err, ERR_ENGINE, "the engine gave no token");
    if (r->n_reported >= 0 && (size_t)r->n_reported != r->n_steps)
        return err_set(err, ERR_ENGINE, "the engine counts %lld new tokens, %zu came", (long long)r->n_reported,
                       r->n_steps);
    if (prompt->n_ids > 0 && r->n_prompt != prompt->n_ids)
        return err_set(err, ERR_ENGINE, "the engine counts %zu prompt tokens, it was given %zu", r->n_prompt,
                       prompt->n_ids);
    if ((q->ignore_eos || r->finish == FINISH_LENGTH) && r->finish != FINISH_CALLER && r->finish != FINISH_STOP &&
        r->n_steps != q->max_tokens)
        return err_set(err, ERR_ENGINE, "the engine gave %zu tokens, %zu were asked for", r->n_steps, q->max_tokens);
    if (r->submitted == ENGINE_NEVER)
        return err_set(err, ERR_ENGINE, "the engine did not stamp when the request was handed over");
    for (size_t i = 0; i < r->n_steps; i++)
        TRY(check_step(e, r, i, err));
    if (r->prefilled != ENGINE_NEVER && (r->prefilled < r->submitted || r->prefilled > r->steps[0].done))
        return err_set(err, ERR_ENGINE, "the prefill ends outside its request");
    return 0;
}

int engine_generate(struct engine *e, const struct engine_request *request, struct engine_reply *replies,
                    struct err *err)
{
    TRY(check_request(e, request, err));
    for (size_t i = 0; i < request->n_prompts; i++)
        TRY(engine_reply_prepare(&replies[i], request->max_tokens, request->n_top, err));
    if (e->class->generate(e->self, request, replies, err) < 0)
        return err_context(err, "engine '%s'", e->class->name);
    for (size_t i = 0; i < request->n_prompts; i++)
        if (check_reply(e, request, &request->prompts[i], &replies[i], err) < 0)
            return err_context(err, "engine '%s'", e->class->name);
    return 0;
}

struct logits_gate {
    const struct engine *e;
    const struct engine_score *score;
};

static int check_logits(void *arg, size_t i, const float *logits, size_t n, struct err *err)
{
    const struct logits_gate *g = arg;
    if (g->e->facts.vocabulary > 0 && n != (size_t)g->e->facts.vocabulary)
        return err_set(err, ERR_ENGINE, "position %zu: %zu logits for a vocabulary of %d", i, n,
                       g->e->facts.vocabulary);
    for (size_t k = 0; k < n; k++)
        if (isnan(logits[k]) || logits[k] == INFINITY)
            return err_set(err, ERR_ENGINE, "position %zu: the logit of token %zu is %g", i, k, (double)logits[k]);
    return g->score->on_logits(g->score->on_logits_arg, i, logits, n, err);
}

int engine_score(struct engine *e, const struct engine_score *score, struct err *err)
{
    if (!e->can.prompt_logprobs || !e->class->score)
        return err_set(err, ERR_UNSUPPORTED, "engine '%s' gives no log-probabilities of a prompt", e->class->name);
    if (score->on_logits && !e->can.full_logits)
        return err_set(err, ERR_UNSUPPORTED, "engine '%s' does not give all logits", e->class->name);
    if (score->n_ids < 2)
        return err_set(err, ERR_USAGE, "scoring needs at least 2 tokens, got %zu", score->n_ids);
    TRY(check_ids(e, score->ids, score->n_ids, err));
    if (e->facts.context > 0 && score->n_ids > (size_t)e->facts.context)
        return err_set(err, ERR_USAGE, "%zu tokens do not fit a context of %d", score->n_ids, e->facts.context);
    struct logits_gate gate = {.e = e, .score = score};
    struct engine_score inner = *score;
    if (score->on_logits) {
        inner.on_logits = check_logits;
        inner.on_logits_arg = &gate;
    }
    if (e->class->score(e->self, &inner, err) < 0)
        return err_context(err, "engine '%s'", e->class->name);
    score->logprobs[0] = NAN;
    for (size_t i = 1; i < score->n_ids; i++)
        if (!(score->logprobs[i] <= 1e-3)) /* -inf is a fact about a model, NaN is not */
            return err_set(err, ERR_ENGINE, "engine '%s': position %zu: %g is not a log-probability", e->class->name,
                           i, score->logprobs[i]);
    return 0;
}

int engine_tokenize(struct engine *e, const char *text, size_t len, int32_t **ids, size_t *n_ids, struct err *err)
{
    if (!e->can.tokenization || !e->class->tokenize)
        return err_set(err, ERR_UNSUPPORTED, "engine '%s' does not show how it splits a text", e->class->name);
    if (e->class->tokenize(e->self, text, len, ids, n_ids, err) < 0)
        return err_context(err, "engine '%s'", e->class->name);
    if (check_ids(e, *ids, *n_ids, err) < 0) {
        free(*ids);
        if (err)
            err->code = ERR_ENGINE;
        return err_context(err, "engine '%s'", e->class->name);
    }
    return 0;
}

int engine_detokenize(struct engine *e, const int32_t *ids, size_t n_ids, struct buf *text, struct err *err)
{
    if (!e->can.tokenization || !e->class->detokenize)
        return err_set(err, ERR_UNSUPPORTED, "engine '%s' does not turn ids into text", e->class->name);
    TRY(check_ids(e, ids, n_ids, err));
    return e->class->detokenize(e->self, ids, n_ids, text, err);
}

void engine_memory(struct engine *e, struct engine_memory *out)
{
    *out = (struct engine_memory){.weights = -1, .kv = -1, .scratch = -1};
    if (e->class->memory)
        e->class->memory(e->self, out);
}
