/* native.c - prony's own engine, in this process: a session of models/ behind the engine interface.
 *
 * A request's prompts are the sequences of one session and advance together, each at its own position. All prompts are
 * one forward, then each step is one forward of a row for every sequence that still runs. Stamps are taken around the
 * forward; choosing the token and its text belong to the step, as they do in every other engine. Nothing is kept from
 * one request to the next: every sequence is rolled back to nothing.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/build.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/team.h"
#include "engines/engine.h"
#include "engines/native_options.h"
#include "kernels/kernels.h"
#include "models/model.h"
#include "models/sampler.h"
#include "models/session.h"
#include "transform/load_quantize.h"

enum { SCORE_PIECE = 256, PIECE_MAX = 1 << 16 };

/* One sequence of the request in flight. */
struct line {
    struct sampler sampler;
    struct detok detok;
    bool sampling; /* the sampler is open */
    bool complete;
    int32_t next;  /* the token to be fed */
    int length;    /* positions fed */
};

struct native {
    struct model *model;
    struct session *session;
    bool bf16;
    int vocabulary, context, batch;
    struct line *lines;        /* [batch] */
    struct row *rows;          /* [cap_rows] */
    size_t cap_rows;
    struct buf piece;
    struct engine_top *tops;   /* [cap_tops] */
    size_t cap_tops;
};

static void native_probe(const struct engine_name *name, struct engine_probe *out)
{
    const struct kernel_set *set;
    struct err err = ERR_INIT;
    out->status = ENGINE_INSTALLED;
    if (strcmp(name->variant, "ref") == 0)
        snprintf(out->version, sizeof out->version, "%s %s", build_version(), build_commit());
    else if (kernels_choose(&set, NULL, &err) == 0)
        snprintf(out->version, sizeof out->version, "%s %s, %s", build_version(), build_commit(), set->name);
    else
        snprintf(out->why, sizeof out->why, "%.*s", (int)sizeof out->why - 1, err.text);
}

static void native_close(void *self)
{
    struct native *n = self;
    if (!n)
        return;
    for (int i = 0; n->lines && i < n->batch; i++)
        if (n->lines[i].sampling)
            sampler_release(&n->lines[i].sampler);
    session_close(n->session);
    model_close(n->model);
    buf_release(&n->piece);
    free(n->lines);
    free(n->rows);
    free(n->tops);
    free(n);
}

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* What kernels.h says of the type that most weights have. */
static const char *precision_of(const struct native *n, const struct model_facts *f)
{
    const struct kernel_set *set;
    const char *first = begins(f->quantization, "mixed ") ? f->quantization + 6 : f->quantization;
    bool plain = begins(first, "f16") || begins(first, "f32"), half = begins(first, "bf16");
    bool decoded = begins(first, "nf4") || begins(first, "int8") || begins(first, "f8"); /* to float32 */
    if (strcmp(session_variant(n->session), "ref") == 0 || decoded || kernels_choose(&set, NULL, NULL) < 0 ||
        str_eq(set->name, "scalar"))
        return "f32";
    if (plain || half)
        return (half || n->bf16) && str_eq(set->name, "avx512") ? "bf16" : "f32";
    return "int8";
}

static void tell_facts(const struct native *n, const struct engine_spec *spec, struct engine_facts *out)
{
    struct model_facts f;
    struct session_memory m;
    struct model_step step;
    model_facts(n->model, &f);
    model_step(n->model, &step);
    session_memory(n->session, &m);
    snprintf(out->version, sizeof out->version, "%s %s, %s", build_version(), build_commit(), session_variant(n->session));
    snprintf(out->quantize, sizeof out->quantize, "%s", f.quantization ? f.quantization : "");
    double size = (double)f.parameters;
    snprintf(out->size, sizeof out->size, size >= 1e9 ? "%.3gB" : "%.3gM", size >= 1e9 ? size / 1e9 : size / 1e6);
    out->vocabulary = f.vocabulary;
    out->context = n->context;
    for (int32_t id = 0; id < f.vocabulary && out->eos < 0; id++)
        if (model_is_eos(n->model, id))
            out->eos = id;
    out->parameters = out->step_parameters = f.parameters;
    out->step_bytes = step.bytes;
    out->row_ops = step.row_ops;
    out->logits_ops = step.logits_ops;
    out->position_ops = step.position_ops;
    snprintf(out->precision, sizeof out->precision, "%s", precision_of(n, &f));
    snprintf(out->kv, sizeof out->kv, "%s", dtype_name(session_kv_type(n->session)));
    out->threads = str_eq(session_variant(n->session), "ref") ? 1 : spec->threads > 0 ? spec->threads : team_processors();
    out->position_bytes = m.kv / ((uint64_t)n->context * (uint64_t)n->batch);
}

static int native_open(void **self, const struct engine_spec *spec, struct engine_facts *facts,
                       struct engine_capabilities *can, struct err *err)
{
    int64_t began = clock_ns();
    struct native *n = mem_zalloc(1, sizeof *n, err);
    struct native_options o;
    struct model_facts f;
    if (!n)
        return -1;
    buf_init(&n->piece, PIECE_MAX);
    n->batch = spec->batch > 0 ? spec->batch : 1;
    if (native_options_read(&o, spec->options, err) < 0 || model_open(&n->model, spec->model, err) < 0)
        goto fail;
    if (o.quantize && load_quantize(n->model, o.quantize, spec->threads, &(struct load_report){0}, err) < 0)
        goto fail;
    n->bf16 = str_eq(o.math, "bf16");
    model_facts(n->model, &f);
    n->context = spec->context > 0 ? spec->context : f.context;
    n->vocabulary = f.vocabulary;
    const char *variant = spec->name->variant[0] ? spec->name->variant : NULL;
    /* the reference keeps what it computes: a narrower cache is a fast variant's trade */
    const char *kv = variant && strcmp(variant, "ref") == 0 ? NULL : o.kv ? o.kv : spec->kv;
    if (session_open(&n->session, n->model,
                     &(struct session_options){.variant = variant, .context = n->context, .sequences = n->batch,
                                               .threads = spec->threads, .kv = kv, .bf16 = n->bf16,
                                               .row_invariant = o.row_invariant}, err) < 0)
        goto fail;
    n->lines = mem_zalloc((size_t)n->batch, sizeof *n->lines, err);
    if (!n->lines)
        goto fail;
    tell_facts(n, spec, facts);
    can->batch = n->batch;
    can->tokenization = model_tokenizer(n->model) != NULL;
    can->stops = can->tokenization;
    can->score_error = strcmp(session_variant(n->session), "ref") == 0 ? 0 : 5e-3; /* bfloat16 and byte activations */
    facts->load_ns = clock_ns() - began;
    *self = n;
    return 0;
fail:
    native_close(n);
    return -1;
}

static int reserve(struct native *n, size_t rows, size_t tops, struct err *err)
{
    if (rows > n->cap_rows) {
        struct row *grown = mem_realloc(n->rows, rows, sizeof *grown, err);
        if (!grown)
            return -1;
        n->rows = grown;
        n->cap_rows = rows;
    }
    if (tops > n->cap_tops) {
        struct engine_top *grown = mem_realloc(n->tops, tops, sizeof *grown, err);
        if (!grown)
            return -1;
        n->tops = grown;
        n->cap_tops = tops;
    }
    return 0;
}

/* Is a before b: likelier, or as likely with the lower id? */
static bool before(const float *logits, int32_t a, int32_t b)
{
    return logits[a] > logits[b] || (logits[a] == logits[b] && a < b);
}

/* The k likeliest of the vocabulary, in order: a heap of the k best so far, its worst at the root, then sorted. */
static void sift(struct engine_top *heap, int k, int i, const float *logits)
{
    for (int child; (child = 2 * i + 1) < k; i = child) {
        if (child + 1 < k && before(logits, heap[child].id, heap[child + 1].id))
            child++;
        if (!before(logits, heap[i].id, heap[child].id))
            return;
        struct engine_top t = heap[i];
        heap[i] = heap[child];
        heap[child] = t;
    }
}

static double log_total(const float *logits, int n)
{
    double most = -INFINITY, sum = 0;
    for (int i = 0; i < n; i++)
        most = (double)logits[i] > most ? (double)logits[i] : most;
    for (int i = 0; i < n; i++)
        sum += exp((double)logits[i] - most);
    return most + log(sum);
}

static void find_tops(struct engine_top *tops, int k, const float *logits, int vocabulary, double total)
{
    k = k < vocabulary ? k : vocabulary;
    for (int i = 0; i < k; i++)
        tops[i].id = i;
    for (int i = k / 2; i-- > 0;)
        sift(tops, k, i, logits);
    for (int32_t id = k; id < vocabulary; id++) {
        if (k > 0 && before(logits, id, tops[0].id)) {
            tops[0].id = id;
            sift(tops, k, 0, logits);
        }
    }
    for (int end = k - 1; end > 0; end--) { /* the worst goes last */
        struct engine_top t = tops[0];
        tops[0] = tops[end];
        tops[end] = t;
        sift(tops, end, 0, logits);
    }
    for (int i = 0; i < k; i++)
        tops[i].logprob = (double)logits[tops[i].id] - total;
}

static int begin_lines(struct native *n, const struct engine_request *r, struct err *err)
{
    const struct tokenizer *t = model_tokenizer(n->model);
    for (size_t i = 0; i < r->n_prompts; i++) {
        struct line *l = &n->lines[i];
        struct sampling how = {.temperature = r->sampling.temperature, .top_k = r->sampling.top_k,
                               .top_p = r->sampling.top_p, .seed = r->sampling.seed + i};
        TRY(session_rollback(n->session, (int32_t)i, 0, err));
        if (l->sampling)
            sampler_release(&l->sampler);
        l->sampling = false;
        TRY(sampler_init(&l->sampler, &how, n->vocabulary, err));
        *l = (struct line){.sampler = l->sampler, .sampling = true};
        if (t)
            detok_init(&l->detok, t, false);
    }
    return 0;
}

/* Cuts the reply's text before the first stop text in it; true if there was one. */
static bool stopped(const struct engine_request *r, struct engine_reply *reply)
{
    for (size_t i = 0; i < r->n_stops; i++) {
        const char *at = reply->text.data ? strstr(reply->text.data, r->stops[i]) : NULL;
        if (!at)
            continue;
        reply->text.len = (size_t)(at - reply->text.data);
        reply->text.data[reply->text.len] = '\0';
        for (size_t s = 0; s < reply->n_steps; s++) { /* texts of steps stay within the reply's */
            struct engine_step *step = &reply->steps[s];
            step->text_at = step->text_at < reply->text.len ? step->text_at : reply->text.len;
            if (step->text_at + step->text_len > reply->text.len)
                step->text_len = reply->text.len - step->text_at;
        }
        return true;
    }
    return false;
}

/* What follows from a line's logits: the token, its text, whether the line goes on. */
static int step_line(struct native *n, const struct engine_request *r, size_t i, const float *logits,
                     struct engine_step *step, struct engine_reply *reply, struct err *err)
{
    struct line *l = &n->lines[i];
    for (int v = 0; v < n->vocabulary; v++)
        if (isnan(logits[v]))
            return err_set(err, ERR_ENGINE, "logit %d of step %zu is not a number", v, reply->n_steps);
    double total = log_total(logits, n->vocabulary);
    step->id = l->next = sampler_pick(&l->sampler, logits);
    step->logprob = (double)logits[step->id] - total;
    if (r->n_top > 0)
        find_tops(n->tops, r->n_top, logits, n->vocabulary, total);
    bool eos = model_is_eos(n->model, step->id) && !r->ignore_eos;
    buf_clear(&n->piece);
    if (l->detok.t && !eos)
        TRY(detok_push(&l->detok, step->id, &n->piece, err));
    step->done = clock_ns();
    TRY(engine_reply_add(reply, step, n->piece.data ? n->piece.data : "", n->piece.len, r->n_top > 0 ? n->tops : NULL, err));
    bool stop = stopped(r, reply);
    bool go_on = !r->on_token || i != 0 ||
                 r->on_token(r->on_token_arg, &reply->steps[reply->n_steps - 1], n->piece.data ? n->piece.data : "", n->piece.len);
    l->complete = eos || stop || !go_on || reply->n_steps == r->max_tokens;
    reply->finish = eos ? FINISH_EOS : stop ? FINISH_STOP : !go_on ? FINISH_CALLER : FINISH_LENGTH;
    return 0;
}

/* The prompts' tokens before their clock (`before`), or those behind it, as rows of one forward. */
static size_t place_prompts(struct native *n, const struct engine_request *r, bool before)
{
    size_t n_rows = 0;
    for (size_t i = 0; i < r->n_prompts; i++) {
        const struct engine_prompt *p = &r->prompts[i];
        for (size_t k = before ? 0 : p->n_before; k < (before ? p->n_before : p->n_ids); k++)
            n->rows[n_rows++] = (struct row){.seq = (int32_t)i, .pos = (int32_t)k, .token = p->ids[k], .parent = ROW_CHAIN,
                                             .want = k + 1 == p->n_ids ? ROW_LOGITS : 0};
    }
    return n_rows;
}

static int native_generate(void *self, const struct engine_request *r, struct engine_reply *replies, struct err *err)
{
    struct native *n = self;
    size_t n_rows = 0, open = r->n_prompts;
    for (size_t i = 0; i < r->n_prompts; i++) {
        const struct engine_prompt *p = &r->prompts[i];
        if (p->n_ids == 0)
            return err_set(err, ERR_UNSUPPORTED, "native takes token ids; tokenize the text first");
        n_rows += p->n_ids;
    }
    TRY(reserve(n, n_rows > r->n_prompts ? n_rows : r->n_prompts, (size_t)r->n_top, err));
    TRY(begin_lines(n, r, err));
    n_rows = place_prompts(n, r, true);
    if (n_rows > 0)
        TRY(session_forward(n->session, n->rows, n_rows, err));
    int64_t submitted = clock_ns(), handed = submitted;
    for (size_t i = 0; i < r->n_prompts; i++) {
        replies[i].submitted = submitted;
        replies[i].n_prompt = r->prompts[i].n_ids;
        replies[i].cached_tokens = 0;
        n->lines[i].length = (int)r->prompts[i].n_ids;
    }
    n_rows = place_prompts(n, r, false);
    while (open > 0) {
        struct engine_step step = {.handed = handed, .began = clock_ns()};
        TRY(session_forward(n->session, n->rows, n_rows, err));
        for (size_t k = 0; k < n_rows; k++) {
            size_t i = (size_t)n->rows[k].seq;
            if (!(n->rows[k].want & ROW_LOGITS))
                continue;
            TRY(step_line(n, r, i, session_logits(n->session, k), &step, &replies[i], err));
            if (replies[i].n_steps == 1)
                replies[i].prefilled = step.done;
            open -= n->lines[i].complete;
        }
        handed = step.done;
        n_rows = 0;
        for (size_t i = 0; i < r->n_prompts; i++)
            if (!n->lines[i].complete)
                n->rows[n_rows++] = (struct row){.seq = (int32_t)i, .pos = n->lines[i].length++, .token = n->lines[i].next,
                                                 .parent = ROW_NONE, .want = ROW_LOGITS};
    }
    for (size_t i = 0; i < r->n_prompts; i++)
        replies[i].n_reported = (int64_t)replies[i].n_steps;
    return 0;
}

static int native_score(void *self, const struct engine_score *score, struct err *err)
{
    struct native *n = self;
    TRY(reserve(n, SCORE_PIECE, 0, err));
    TRY(session_rollback(n->session, 0, 0, err));
    for (size_t from = 0; from < score->n_ids; from += SCORE_PIECE) {
        size_t count = score->n_ids - from < SCORE_PIECE ? score->n_ids - from : SCORE_PIECE;
        for (size_t k = 0; k < count; k++)
            n->rows[k] = (struct row){.pos = (int32_t)(from + k), .token = score->ids[from + k], .parent = ROW_CHAIN,
                                      .want = ROW_LOGITS};
        TRY(session_forward(n->session, n->rows, count, err));
        for (size_t k = 0; k < count; k++) {
            const float *logits = session_logits(n->session, k);
            size_t i = from + k;
            if (i + 1 < score->n_ids)
                score->logprobs[i + 1] = (double)logits[score->ids[i + 1]] - log_total(logits, n->vocabulary);
            if (score->on_logits)
                TRY(score->on_logits(score->on_logits_arg, i, logits, (size_t)n->vocabulary, err));
        }
    }
    return 0;
}

static int native_tokenize(void *self, const char *text, size_t len, int32_t **ids, size_t *n_ids, struct err *err)
{
    struct native *n = self;
    const struct tokenizer *t;
    struct ids out = {0};
    TRY(model_need_tokenizer(&t, n->model, err));
    if (tokenizer_encode(t, text, len, TOKENIZE_PLAIN, &out, err) < 0) {
        ids_release(&out);
        return -1;
    }
    if (!out.data && !(out.data = mem_alloc(1, sizeof *out.data, err)))
        return -1;
    *ids = out.data;
    *n_ids = out.n;
    return 0;
}

static int native_detokenize(void *self, const int32_t *ids, size_t n_ids, struct buf *text, struct err *err)
{
    struct native *n = self;
    const struct tokenizer *t;
    TRY(model_need_tokenizer(&t, n->model, err));
    return tokenizer_decode(t, ids, n_ids, true, text, err);
}

static void native_memory(void *self, struct engine_memory *out)
{
    const struct native *n = self;
    struct session_memory m;
    session_memory(n->session, &m);
    out->weights = (int64_t)(m.weights + m.model);
    out->kv = (int64_t)m.kv;
    out->scratch = (int64_t)(m.scratch + m.logits);
}

static const char *const variants[] = {"fast", "ref", NULL};

const struct engine_class engine_native = {
    .name = "native",
    .what = "prony's own engine: fast, or the exact reference",
    .variants = variants,
    .checked_against = "real 0.1",
    .can = {.token_ids = true, .top_k = ENGINE_TOP_ALL, .prompt_logprobs = true, .full_logits = true, .streaming = true,
            .tokenization = true, .fixed_length = true, .seed = true, .stops = true, .depth = true},
    .needs_model = true,
    .probe = native_probe,
    .open = native_open,
    .generate = native_generate,
    .score = native_score,
    .tokenize = native_tokenize,
    .detokenize = native_detokenize,
    .memory = native_memory,
    .close = native_close,
};
