/* api_engine.c - what prony.h says of engines, over engines/engine.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "api/api_error.h"
#include "base/build.h"
#include "base/defaults.h"
#include "base/mem.h"
#include "engines/engine.h"
#include "prony.h"

#define TEXT_MAX (64u << 20)

struct prony_engine {
    struct engine *engine;
    uint64_t requests; /* handed over so far */
};

struct prony_reply {
    struct engine_reply reply;
};

const char *prony_version(void)
{
    return build_version();
}

const char *prony_commit(void)
{
    return build_commit();
}

void prony_free(void *p)
{
    free(p);
}

int prony_engine_open(struct prony_engine **out, const char *name, const char *model,
                      const struct prony_engine_options *options, struct prony_error *error)
{
    struct err err = ERR_INIT;
    struct prony_engine_options o = PRONY_ENGINE_OPTIONS_INIT;
    struct engine_name parsed;
    struct prony_engine *engine = NULL;
    json_t *own = NULL;

    *out = NULL;
    if (api_options(&o, sizeof o, options, "prony_engine_options", &err) < 0)
        goto fail;
    if (!name) {
        err_set(&err, ERR_USAGE, "no engine was named");
        goto fail;
    }
    if (o.options_json) {
        json_error_t where;
        own = json_loads(o.options_json, JSON_REJECT_DUPLICATES, &where);
        if (!json_is_object(own)) {
            err_set(&err, ERR_USAGE, "options of engine '%s': %s, expected a JSON object", name,
                    own ? "not an object" : where.text);
            goto fail;
        }
    }
    engine = mem_zalloc(1, sizeof *engine, &err);
    if (!engine || engine_name_parse(&parsed, name, &err) < 0)
        goto fail;
    struct engine_spec spec = {
        .name = &parsed,
        .model = model,
        .options = own,
        .device = o.device,
        .threads = o.threads,
        .context = o.context,
        .seed = o.seed,
    };
    if (engine_open(&engine->engine, &spec, &err) < 0)
        goto fail;
    json_decref(own);
    *out = engine;
    return 0;
fail:
    json_decref(own);
    free(engine);
    return api_fail(error, &err);
}

void prony_engine_close(struct prony_engine *engine)
{
    if (!engine)
        return;
    engine_close(engine->engine);
    free(engine);
}

int prony_engine_vocabulary(const struct prony_engine *engine)
{
    return engine_facts(engine->engine)->vocabulary;
}

int32_t prony_engine_eos(const struct prony_engine *engine)
{
    return engine_facts(engine->engine)->eos;
}

int prony_tokenize(struct prony_engine *engine, const char *text, size_t len, int32_t **ids, size_t *n_ids,
                   struct prony_error *error)
{
    struct err err = ERR_INIT;
    *ids = NULL;
    *n_ids = 0;
    return engine_tokenize(engine->engine, text, len, ids, n_ids, &err) < 0 ? api_fail(error, &err) : 0;
}

int prony_detokenize(struct prony_engine *engine, const int32_t *ids, size_t n_ids, char **text, size_t *len,
                     struct prony_error *error)
{
    struct err err = ERR_INIT;
    struct buf b = BUF_INIT(TEXT_MAX);
    *text = NULL;
    *len = 0;
    buf_str(&b, ""); /* no ids: an empty text, not none */
    if (engine_detokenize(engine->engine, ids, n_ids, &b, &err) < 0 || buf_check(&b, &err) < 0) {
        buf_release(&b);
        return api_fail(error, &err);
    }
    *len = b.len;
    *text = buf_take(&b, &err);
    return *text ? 0 : api_fail(error, &err);
}

struct watcher {
    int (*on_text)(void *arg, const char *piece, size_t len);
    void *arg;
};

static bool watch(void *arg, const struct engine_step *step, const char *piece, size_t len)
{
    const struct watcher *w = arg;
    (void)step;
    return len == 0 || w->on_text(w->arg, piece, len) != 0;
}

int prony_generate(struct prony_engine *engine, const struct prony_request *request, struct prony_reply **out,
                   struct prony_error *error)
{
    struct err err = ERR_INIT;
    struct prony_request r = PRONY_REQUEST_INIT;
    struct prony_reply *reply = NULL;

    *out = NULL;
    if (api_options(&r, sizeof r, request, "prony_request", &err) < 0)
        goto fail;
    if (!r.prompt == !r.ids) {
        err_set(&err, ERR_USAGE, "a request has a prompt or ids, %s", r.prompt ? "not both" : "and this one has neither");
        goto fail;
    }
    reply = mem_zalloc(1, sizeof *reply, &err);
    if (!reply)
        goto fail;
    struct watcher watcher = {.on_text = r.on_text, .arg = r.on_text_arg};
    struct engine_prompt prompt = {.ids = r.ids, .n_ids = r.ids ? r.n_ids : 0, .text = r.prompt};
    struct engine_request asked = {
        .prompts = &prompt,
        .n_prompts = 1,
        .max_tokens = r.max_tokens ? r.max_tokens : strtoul(DEFAULT_GENERATE_MAX_TOKENS, NULL, 10),
        .ignore_eos = r.ignore_eos != 0,
        .sampling = {.temperature = r.temperature, .top_k = r.top_k, .top_p = r.top_p, .seed = r.seed},
        .ordinal = engine->requests++,
        .on_token = r.on_text ? watch : NULL,
        .on_token_arg = &watcher,
    };
    int32_t *ids = NULL;
    if (r.prompt && engine_can(engine->engine)->token_ids && engine_can(engine->engine)->tokenization) {
        if (engine_tokenize(engine->engine, r.prompt, strlen(r.prompt), &ids, &prompt.n_ids, &err) < 0)
            goto fail;
        prompt.ids = ids;
        prompt.text = NULL;
    }
    int result = engine_generate(engine->engine, &asked, &reply->reply, &err);
    free(ids);
    if (result < 0)
        goto fail;
    *out = reply;
    return 0;
fail:
    prony_reply_free(reply);
    return api_fail(error, &err);
}

void prony_reply_free(struct prony_reply *reply)
{
    if (!reply)
        return;
    engine_reply_release(&reply->reply);
    free(reply);
}

const char *prony_reply_text(const struct prony_reply *reply, size_t *len)
{
    if (len)
        *len = reply->reply.text.len;
    return reply->reply.text.data ? reply->reply.text.data : "";
}

size_t prony_reply_count(const struct prony_reply *reply)
{
    return reply->reply.n_steps;
}

int32_t prony_reply_id(const struct prony_reply *reply, size_t i)
{
    return i < reply->reply.n_steps ? reply->reply.steps[i].id : -1;
}

double prony_reply_logprob(const struct prony_reply *reply, size_t i)
{
    return i < reply->reply.n_steps ? reply->reply.steps[i].logprob : NAN;
}

double prony_reply_ms(const struct prony_reply *reply, size_t i)
{
    return i < reply->reply.n_steps ? (double)(reply->reply.steps[i].done - reply->reply.submitted) / 1e6 : NAN;
}

const char *prony_reply_finish(const struct prony_reply *reply)
{
    return engine_finish_name(reply->reply.finish);
}

int prony_score(struct prony_engine *engine, const int32_t *ids, size_t n_ids, double *logprobs,
                struct prony_error *error)
{
    struct err err = ERR_INIT;
    struct engine_score score = {.ids = ids, .n_ids = n_ids, .logprobs = logprobs};
    return engine_score(engine->engine, &score, &err) < 0 ? api_fail(error, &err) : 0;
}
