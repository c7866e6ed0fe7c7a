#include "engines/python_engine.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/data_path.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "engines/python_model.h"
#include "engines/worker.h"
#include "tokenizers/tokenizer.h"

enum {
    START_S = 120,   /* importing torch from a cold disk */
    OPEN_S = 1800,   /* loading, and compiling where the variant does */
    STEP_S = 600,    /* the longest silence within a request: a compiler may be at work */
    SCORE_ROWS = 64, /* logits of so many positions come at a time */
};

struct python {
    struct worker *worker;
    struct tokenizer *tokenizer; /* NULL: the model has none */
    char *model;                 /* the path that the worker got */
    int vocabulary;
    struct buf piece;
    struct engine_top *tops;
    struct detok *detoks;
    size_t cap_tops, cap_detoks;
};

/* ---- is it here? -------------------------------------------------------------------------------------------------- */

char *engine_home(const char *name, struct err *err)
{
    const char *own = getenv("PRONY_CACHE_DIR"), *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (own && *own)
        return mem_printf(err, "%s/engines/%s", own, name);
    if (cache && *cache)
        return mem_printf(err, "%s/prony/engines/%s", cache, name);
    return mem_printf(err, "%s/.cache/prony/engines/%s", home && *home ? home : "/tmp", name);
}

static char *python_of(const char *name, struct err *err)
{
    char *home = engine_home(name, err), *path = home ? mem_printf(err, "%s/venv/bin/python", home) : NULL;
    free(home);
    return path;
}

/* What the installation wrote down of itself: "transformers 5.23.0, torch 2.13.0". */
static void read_version(const char *name, char *out, size_t size)
{
    char *home = engine_home(name, NULL), *path = home ? mem_printf(NULL, "%s/version", home) : NULL;
    struct buf text = BUF_INIT(1 << 17);
    if (path && file_exists(path) && file_read(&text, path, 4096, NULL) == 0 && text.data)
        snprintf(out, size, "%.*s", (int)strcspn(text.data, "\n"), text.data);
    buf_release(&text);
    free(path);
    free(home);
}

void python_probe(const struct engine_name *name, struct engine_probe *out)
{
    char *python = python_of(name->class->name, NULL);
    out->status = python && access(python, X_OK) == 0 ? ENGINE_INSTALLED : ENGINE_MISSING;
    if (out->status == ENGINE_INSTALLED)
        read_version(name->class->name, out->version, sizeof out->version);
    else
        snprintf(out->why, sizeof out->why, "'prony engines install %s' installs it", name->class->name);
    free(python);
}

/* ---- opening ------------------------------------------------------------------------------------------------------ */

static const struct python_variant *variant_of(const struct engine_name *name)
{
    const struct python_row *row = name->class->row;
    const struct python_variant *v = row->variants;
    while (v->name && name->variant[0] && strcmp(v->name, name->variant) != 0)
        v++;
    return v->name ? v : row->variants;
}

static int start(struct python *p, const struct engine_spec *spec, struct err *err)
{
    const char *name = spec->name->class->name;
    char relative[96], threads[48];
    snprintf(relative, sizeof relative, "engines/%s/worker.py", name);
    snprintf(threads, sizeof threads, "OMP_NUM_THREADS=%d", spec->threads);
    char *python = python_of(name, err), *script = data_path(relative, err), *home = engine_home(name, err);
    char *log = home ? mem_printf(err, "%s/worker-%ld.log", home, (long)getpid()) : NULL;
    const char *argv[] = {python, "-u", script, NULL};
    const char *env[] = {"PYTHONUNBUFFERED=1", "PYTHONDONTWRITEBYTECODE=1", "TOKENIZERS_PARALLELISM=false", "HF_HUB_OFFLINE=1",
                         spec->threads > 0 ? threads : NULL, NULL};
    int rc = python && script && log ? 0 : -1;
    if (rc == 0 && access(python, X_OK) < 0) {
        err_set(err, ERR_MISSING, "engine '%s' is not installed: there is no '%s'", name, python);
        rc = err_hint(err, "'prony engines install %s' installs it", name);
    }
    if (rc == 0)
        rc = worker_start(&p->worker, &(struct worker_spec){.name = name, .argv = argv, .env = env, .log = log, .start_s = START_S},
                          err);
    free(python);
    free(script);
    free(home);
    free(log);
    return rc;
}

static void copy_text(char *out, size_t size, const json_t *m, const char *key)
{
    const char *text = json_string_value(json_object_get(m, key));
    snprintf(out, size, "%s", text ? text : "");
}

static uint64_t count_of(const json_t *m, const char *key)
{
    json_int_t n = json_integer_value(json_object_get(m, key));
    return n > 0 ? (uint64_t)n : 0;
}

static void tell_facts(struct engine_facts *out, const json_t *m, const struct engine_spec *spec)
{
    double size = (double)count_of(m, "parameters");
    copy_text(out->version, sizeof out->version, m, "version");
    copy_text(out->precision, sizeof out->precision, m, "precision");
    copy_text(out->quantize, sizeof out->quantize, m, "quantize");
    copy_text(out->kv, sizeof out->kv, m, "kv");
    if (size > 0)
        snprintf(out->size, sizeof out->size, size >= 1e9 ? "%.3gB" : "%.3gM", size >= 1e9 ? size / 1e9 : size / 1e6);
    out->threads = (int)count_of(m, "threads");
    out->vocabulary = (int)count_of(m, "vocabulary");
    out->context = (int)count_of(m, "context");
    out->eos = json_is_integer(json_object_get(m, "eos")) ? (int32_t)json_integer_value(json_object_get(m, "eos")) : -1;
    out->parameters = count_of(m, "parameters");
    out->step_parameters = count_of(m, "step_parameters");
    out->step_bytes = count_of(m, "step_bytes");
    out->position_bytes = count_of(m, "position_bytes");
    if (spec->context > 0 && out->context > spec->context)
        out->context = spec->context;
}

/* What this worker, or this model in it, cannot do after all. */
static void narrow(struct engine_capabilities *can, const json_t *m, const struct python *p)
{
    const json_t *lacks = json_object_get(m, "lacks");
    for (size_t i = 0; i < json_array_size(lacks); i++) {
        const char *what = json_string_value(json_array_get(lacks, i));
        if (str_eq(what, "full_logits"))
            can->full_logits = false;
        else if (str_eq(what, "batch"))
            can->batch = 1;
    }
    if (!p->tokenizer)
        can->tokenization = can->stops = false;
    if (json_is_number(json_object_get(m, "score_error")))
        can->score_error = json_number_value(json_object_get(m, "score_error"));
}

static int open_model(struct python *p, const struct engine_spec *spec, json_t **answer, struct err *err)
{
    const struct python_variant *v = variant_of(spec->name);
    json_t *options = spec->options ? json_deep_copy(spec->options) : json_object();
    json_t *m = json_pack("{ss ss ss ss sb si si si sI so}", "op", "open", "model", p->model, "device",
                          spec->device ? spec->device : "cpu", "dtype", v->dtype, "compile", v->compile, "threads", spec->threads,
                          "context", spec->context, "batch", spec->batch > 0 ? spec->batch : 1, "seed", (json_int_t)(spec->seed >> 1),
                          "options", options);
    int rc = m ? worker_send(p->worker, m, err) : err_set(err, ERR_MEMORY, "out of memory");
    json_decref(m);
    return rc == 0 ? worker_receive(p->worker, answer, NULL, OPEN_S, err) : -1;
}

int python_open(void **self, const struct engine_spec *spec, struct engine_facts *facts, struct engine_capabilities *can,
                struct err *err)
{
    int64_t began = clock_ns();
    const struct python_row *row = spec->name->class->row;
    json_t *answer = NULL;
    struct python *p = mem_zalloc(1, sizeof *p, err);
    if (!p)
        return -1;
    buf_init(&p->piece, 1 << 20);
    int rc = python_model(&p->model, spec->model, row->takes_gguf, spec->name->class->name, err);
    if (rc == 0 && tokenizer_open(&p->tokenizer, p->model, NULL) < 0)
        p->tokenizer = NULL; /* ids are enough */
    if (rc == 0)
        rc = start(p, spec, err);
    if (rc == 0)
        rc = open_model(p, spec, &answer, err);
    if (rc == 0) {
        tell_facts(facts, answer, spec);
        narrow(can, answer, p);
        p->vocabulary = facts->vocabulary;
        facts->load_ns = clock_ns() - began;
        *self = p;
    } else {
        python_close(p);
    }
    json_decref(answer);
    return rc;
}

void python_close(void *self)
{
    struct python *p = self;
    if (!p)
        return;
    worker_close(p->worker);
    tokenizer_close(p->tokenizer);
    buf_release(&p->piece);
    free(p->model);
    free(p->tops);
    free(p->detoks);
    free(p);
}

/* ---- generating --------------------------------------------------------------------------------------------------- */

static json_t *ids_json(const int32_t *ids, size_t n)
{
    json_t *a = json_array();
    for (size_t i = 0; i < n && a; i++)
        json_array_append_new(a, json_integer(ids[i]));
    return a;
}

static json_t *request_json(const struct engine_request *r)
{
    json_t *prompts = json_array();
    for (size_t i = 0; i < r->n_prompts && prompts; i++)
        json_array_append_new(prompts, ids_json(r->prompts[i].ids, r->prompts[i].n_ids));
    return json_pack("{ss so sI sb si sf si sf sI}", "op", "generate", "prompts", prompts, "max_tokens",
                     (json_int_t)r->max_tokens, "ignore_eos", r->ignore_eos, "n_top", r->n_top, "temperature",
                     r->sampling.temperature, "top_k", r->sampling.top_k, "top_p", r->sampling.top_p, "seed",
                     (json_int_t)(r->sampling.seed & INT64_MAX));
}

static double number_or_nan(const json_t *v)
{
    return json_is_number(v) ? json_number_value(v) : NAN;
}

/* One sequence's part of a step's line: [id, logprob, [[id, logprob], ...]], or null once it has ended. */
static int add_step(struct python *p, const struct engine_request *r, size_t at, struct engine_reply *reply, const json_t *part,
                    int64_t handed, int64_t now, struct err *err)
{
    const json_t *tops = json_array_get(part, 2);
    struct engine_step step = {.id = (int32_t)json_integer_value(json_array_get(part, 0)),
                               .logprob = number_or_nan(json_array_get(part, 1)), .handed = handed, .began = ENGINE_NEVER,
                               .done = now};
    if (json_array_size(tops) != (size_t)r->n_top || !json_is_integer(json_array_get(part, 0)))
        return err_set(err, ERR_ENGINE, "step %zu of the worker lacks its id or its %d likeliest tokens", reply->n_steps, r->n_top);
    for (size_t i = 0; i < (size_t)r->n_top; i++) {
        const json_t *pair = json_array_get(tops, i);
        p->tops[i] = (struct engine_top){(int32_t)json_integer_value(json_array_get(pair, 0)),
                                         number_or_nan(json_array_get(pair, 1))};
    }
    buf_clear(&p->piece);
    if (p->tokenizer)
        TRY(detok_push(&p->detoks[at], step.id, &p->piece, err));
    return engine_reply_add(reply, &step, p->piece.data ? p->piece.data : "", p->piece.len, r->n_top ? p->tops : NULL, err);
}

/* The caller watches prompt 0 alone. True: go on. */
static bool shown(const struct python *p, const struct engine_request *r, const struct engine_reply *first)
{
    return !r->on_token || first->n_steps == 0 ||
           r->on_token(r->on_token_arg, &first->steps[first->n_steps - 1], p->piece.data ? p->piece.data : "", p->piece.len);
}

static int finish(struct engine_reply *r, const json_t *part, const json_t *line, struct err *err)
{
    const char *why = json_string_value(json_array_get(part, 0));
    r->n_prompt = (size_t)json_integer_value(json_array_get(part, 1));
    r->n_reported = json_integer_value(json_array_get(part, 2));
    r->cached_tokens = 0;
    r->server_prefill_ms = number_or_nan(json_object_get(line, "prefill_ms"));
    r->server_decode_ms = number_or_nan(json_object_get(line, "decode_ms"));
    r->finish = str_eq(why, "eos") ? FINISH_EOS : FINISH_LENGTH;
    return why ? 0 : err_set(err, ERR_ENGINE, "the worker does not say why a reply ended");
}

static int room_for(struct python *p, const struct engine_request *r, struct err *err)
{
    if ((size_t)r->n_top > p->cap_tops) {
        struct engine_top *tops = mem_realloc(p->tops, (size_t)r->n_top, sizeof *tops, err);
        if (!tops)
            return -1;
        p->tops = tops;
        p->cap_tops = (size_t)r->n_top;
    }
    if (r->n_prompts > p->cap_detoks) {
        struct detok *d = mem_realloc(p->detoks, r->n_prompts, sizeof *d, err);
        if (!d)
            return -1;
        p->detoks = d;
        p->cap_detoks = r->n_prompts;
    }
    for (size_t i = 0; i < r->n_prompts && p->tokenizer; i++)
        detok_init(&p->detoks[i], p->tokenizer, false);
    return 0;
}

/* Steps until the line that says how it ended. */
static int follow(struct python *p, const struct engine_request *r, struct engine_reply *replies, struct err *err)
{
    int64_t handed = replies[0].submitted;
    bool watching = true;
    for (;;) {
        json_t *m;
        int64_t now;
        int rc = 0;
        TRY(worker_receive(p->worker, &m, &now, STEP_S, err));
        const json_t *steps = json_object_get(m, "steps"), *ends = json_object_get(m, "ends");
        if (json_array_size(steps ? steps : ends) != r->n_prompts)
            rc = err_set(err, ERR_ENGINE, "the worker tells of %zu sequences, expected %zu", json_array_size(steps ? steps : ends),
                         r->n_prompts);
        for (size_t i = 0; i < r->n_prompts && rc == 0 && steps; i++) {
            size_t k = r->n_prompts - 1 - i; /* prompt 0 last: its piece is the one that is shown */
            const json_t *part = json_array_get(steps, k);
            if (json_is_null(part) || (k == 0 && !watching))
                continue;
            rc = add_step(p, r, k, &replies[k], part, handed, now, err);
            if (rc == 0 && replies[k].prefilled == ENGINE_NEVER)
                replies[k].prefilled = now;
            if (rc == 0 && k == 0)
                watching = shown(p, r, &replies[0]);
        }
        for (size_t i = 0; i < r->n_prompts && rc == 0 && !steps; i++)
            rc = finish(&replies[i], json_array_get(ends, i), m, err);
        bool done = !steps;
        json_decref(m);
        TRY(rc);
        if (done) {
            if (!watching) { /* the worker went on to the end, unseen */
                replies[0].finish = FINISH_CALLER;
                replies[0].n_reported = -1;
            }
            return 0;
        }
        handed = now;
    }
}

int python_generate(void *self, const struct engine_request *request, struct engine_reply *replies, struct err *err)
{
    struct python *p = self;
    TRY(room_for(p, request, err));
    json_t *m = request_json(request);
    if (!m)
        return err_set(err, ERR_MEMORY, "out of memory");
    int64_t now = clock_ns();
    for (size_t i = 0; i < request->n_prompts; i++)
        replies[i].submitted = now;
    int rc = worker_send(p->worker, m, err);
    json_decref(m);
    return rc == 0 ? follow(p, request, replies, err) : -1;
}

/* ---- scoring ------------------------------------------------------------------------------------------------------ */

int python_score(void *self, const struct engine_score *s, struct err *err)
{
    struct python *p = self;
    json_t *m = json_pack("{ss so sb si}", "op", "score", "ids", ids_json(s->ids, s->n_ids), "logits", s->on_logits != NULL, "rows",
                          SCORE_ROWS);
    int rc = m ? worker_send(p->worker, m, err) : err_set(err, ERR_MEMORY, "out of memory");
    json_decref(m);
    TRY(rc);
    size_t width = (size_t)p->vocabulary;
    float *logits = s->on_logits ? mem_alloc(SCORE_ROWS * width, sizeof *logits, err) : NULL;
    if (s->on_logits && !logits)
        return -1;
    s->logprobs[0] = NAN;
    struct err refused = ERR_INIT; /* by the caller: the frames still have to be taken */
    for (size_t at = 0; at < s->n_ids && rc == 0;) {
        json_t *line = NULL;
        rc = worker_receive(p->worker, &line, NULL, STEP_S, err);
        if (rc < 0)
            break;
        const json_t *logprobs = json_object_get(line, "logprobs");
        size_t rows = json_array_size(logprobs);
        if (rows == 0 || rows > SCORE_ROWS || at + rows > s->n_ids)
            rc = err_set(err, ERR_ENGINE, "the worker scores %zu positions at %zu of %zu", rows, at, s->n_ids);
        for (size_t i = 0; i < rows && rc == 0; i++)
            if (at + i > 0)
                s->logprobs[at + i] = number_or_nan(json_array_get(logprobs, i));
        json_decref(line);
        if (rc == 0 && logits)
            rc = worker_bytes(p->worker, logits, rows * width * sizeof *logits, STEP_S, err);
        for (size_t i = 0; i < rows && rc == 0 && logits && refused.code == ERR_NONE; i++)
            s->on_logits(s->on_logits_arg, at + i, logits + i * width, width, &refused);
        at += rows;
    }
    free(logits);
    if (rc == 0 && refused.code != ERR_NONE) {
        if (err)
            *err = refused;
        rc = -1;
    }
    return rc;
}

/* ---- text, memory ------------------------------------------------------------------------------------------------- */

int python_tokenize(void *self, const char *text, size_t len, int32_t **ids, size_t *n_ids, struct err *err)
{
    struct python *p = self;
    struct ids out = {0};
    if (tokenizer_encode(p->tokenizer, text, len, TOKENIZE_PLAIN, &out, err) < 0) {
        ids_release(&out);
        return -1;
    }
    *ids = out.data;
    *n_ids = out.n;
    return 0;
}

int python_detokenize(void *self, const int32_t *ids, size_t n_ids, struct buf *text, struct err *err)
{
    struct python *p = self;
    return tokenizer_decode(p->tokenizer, ids, n_ids, false, text, err);
}

void python_memory(void *self, struct engine_memory *out)
{
    struct python *p = self;
    json_t *m = json_pack("{ss}", "op", "memory"), *answer = NULL;
    if (m && worker_send(p->worker, m, NULL) == 0 && worker_receive(p->worker, &answer, NULL, 30, NULL) == 0) {
        const json_t *weights = json_object_get(answer, "weights"), *kv = json_object_get(answer, "kv");
        out->weights = json_is_integer(weights) ? json_integer_value(weights) : -1;
        out->kv = json_is_integer(kv) ? json_integer_value(kv) : -1;
    }
    json_decref(m);
    json_decref(answer);
}
