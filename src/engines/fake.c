/* The fake engine: fake.h says what it computes, fake_options.c what can be scripted. */
#include "engines/fake.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/rng.h"
#include "engines/engine.h"
#include "engines/fake_options.h"

struct line {
    uint64_t state;
    bool complete;
};

struct fake {
    struct fake_options o;
    uint64_t model_seed, seed, launch;
    int64_t virtual_now;
    double launch_factor;
    uint64_t n_requests_seen;    /* of the AR(1) chain below */
    double chain;
    void *hoard;
    size_t hoard_bytes;
    struct line *lines;          /* [n_lines] the prompts of the request in flight */
    size_t n_lines;
    struct engine_top *tops;     /* [n_tops] a step's likeliest */
    size_t n_tops;
};

/* ---- the distribution ------------------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t x)
{
    return splitmix64(&x);
}

uint64_t fake_state_init(uint64_t model_seed)
{
    return mix(model_seed);
}

uint64_t fake_state_push(uint64_t state, int32_t id)
{
    return mix(state + (uint64_t)id + 1);
}

uint64_t fake_model_seed(const char *model)
{
    uint64_t h = 14695981039346656037u;
    for (const char *c = model ? model : ""; *c; c++)
        h = (h ^ (unsigned char)*c) * 1099511628211u;
    return h;
}

int32_t fake_head(uint64_t state, int vocabulary, uint64_t eos_every)
{
    if (eos_every > 0 && state % eos_every == 0)
        return vocabulary - 1;
    if (vocabulary >= 257)
        return (int32_t)(97 + state % 26);
    return (int32_t)(state % (uint64_t)(vocabulary - 1));
}

static int32_t head_of(const struct fake *f, uint64_t state)
{
    return fake_head(state, (int)f->o.vocabulary, (uint64_t)f->o.eos_every);
}

/* ln p of the token `rank` places after the head. */
static double logprob_of_rank(const struct fake *f, int64_t rank)
{
    double q = f->o.decay, v = (double)f->o.vocabulary;
    return (double)rank * log(q) + log1p(-q) - log1p(-pow(q, v));
}

/* How many places after the head are open to sampling, and the rank drawn: the distribution function of a geometric one
 * cut at n is (1 - q^(r+1)) / (1 - q^n), and it inverts in closed form. */
static int64_t draw_rank(const struct fake *f, const struct engine_sampling *s, double u)
{
    if (s->temperature == 0)
        return 0;
    double q = pow(f->o.decay, 1 / s->temperature);
    double n = (double)f->o.vocabulary;
    if (s->top_k > 0 && s->top_k < n)
        n = s->top_k;
    if (s->top_p > 0 && s->top_p < 1) {
        double within = ceil(log1p(-s->top_p * (1 - pow(q, n))) / log(q));
        n = fmin(n, fmax(1, within));
    }
    if (q >= 1) /* a temperature so high that the powers round to one: uniform */
        return (int64_t)fmin(n - 1, floor(u * n));
    double r = floor(log1p(-u * (1 - pow(q, n))) / log(q));
    return (int64_t)fmin(n - 1, fmax(0, r));
}

static size_t piece_of(const struct fake *f, int32_t id, char piece[16])
{
    if (id == f->o.vocabulary - 1)
        return 0;
    if (id < 256) {
        piece[0] = (char)id;
        return 1;
    }
    return (size_t)snprintf(piece, 16, "<%d>", id);
}

/* ---- time ------------------------------------------------------------------------------------------------------- */

static int64_t fake_now(void *self)
{
    struct fake *f = self;
    struct timespec t;
    if (f->o.clock == FAKE_VIRTUAL)
        return f->virtual_now;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int64_t to_ns(double ms)
{
    return (int64_t)llround(ms * 1e6);
}

static void pass(struct fake *f, int64_t ns)
{
    if (f->o.clock == FAKE_VIRTUAL) {
        f->virtual_now += ns;
        return;
    }
    struct timespec left = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
    while (ns > 0 && nanosleep(&left, &left) < 0)
        ;
}

/* Standard deviation 1 in the small, of the shape asked for; the mode's shift comes on top. */
static double factor(const struct fake *f, double cv, double normal, double coin)
{
    if (cv == 0 && f->o.shape != FAKE_BIMODAL)
        return 1;
    if (f->o.shape == FAKE_LOGNORMAL)
        return exp(cv * normal);
    double shift = f->o.shape == FAKE_BIMODAL && cv > 0 && coin < f->o.mode_share ? f->o.mode_shift : 0;
    return fmax(0.01, 1 + shift + cv * normal);
}

static double drawn_factor(const struct fake *f, double cv, uint64_t stream)
{
    struct rng rng;
    if (cv == 0)
        return 1;
    rng_init(&rng, mix(f->seed ^ mix(stream)));
    double normal = rng_normal(&rng);
    return factor(f, cv, normal, rng_unit(&rng));
}

/* The noise of request n is the chain's n-th member; asked for out of order it is walked again from the start. */
static double request_factor(struct fake *f, uint64_t n)
{
    struct rng rng;
    if (f->o.request_cv == 0)
        return 1;
    if (n < f->n_requests_seen)
        f->n_requests_seen = 0;
    for (; f->n_requests_seen <= n; f->n_requests_seen++) {
        rng_init(&rng, mix(f->seed ^ mix(1000003 + f->n_requests_seen)));
        double fresh = rng_normal(&rng);
        f->chain = f->n_requests_seen == 0 ? fresh : f->o.rho * f->chain + sqrt(1 - f->o.rho * f->o.rho) * fresh;
    }
    rng_init(&rng, mix(f->seed ^ mix(2000003 + n)));
    return factor(f, f->o.request_cv, f->chain, rng_unit(&rng));
}

/* ---- faults ----------------------------------------------------------------------------------------------------- */

static bool fault_due(const struct fake *f, enum fake_fault kind, uint64_t request, size_t token)
{
    return f->o.fault == (int64_t)kind && (f->o.fault_launch < 0 || (uint64_t)f->o.fault_launch == f->launch) &&
           (uint64_t)f->o.fault_request == request && (size_t)f->o.fault_token == token;
}

static void hang(void)
{
    for (;;)
        pause();
}

/* Slowly enough that somebody who watches can see it grow, and held until the engine is closed. */
static void hoard(struct fake *f)
{
    enum { PIECE = 8 << 20 };
    f->hoard_bytes = (size_t)f->o.fault_mb << 20;
    f->hoard = mmap(NULL, f->hoard_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (f->hoard == MAP_FAILED) {
        f->hoard = NULL;
        return;
    }
    for (size_t at = 0; at < f->hoard_bytes; at += PIECE) {
        memset((char *)f->hoard + at, 1, f->hoard_bytes - at < PIECE ? f->hoard_bytes - at : PIECE);
        usleep(2000);
    }
    usleep(200000);
}

static void suffer(struct fake *f, uint64_t request, size_t token)
{
    if (fault_due(f, FAULT_DIE, request, token))
        kill(getpid(), SIGKILL);
    if (fault_due(f, FAULT_HANG, request, token))
        hang();
    if (fault_due(f, FAULT_STUBBORN, request, token)) {
        signal(SIGTERM, SIG_IGN);
        signal(SIGINT, SIG_IGN);
        hang();
    }
    if (fault_due(f, FAULT_ALLOCATE, request, token) && !f->hoard)
        hoard(f);
}

/* ---- the engine ------------------------------------------------------------------------------------------------- */

static void fake_probe(const struct engine_name *name, struct engine_probe *out)
{
    (void)name;
    out->status = ENGINE_INSTALLED;
    snprintf(out->version, sizeof out->version, "1");
}

static void fake_close(void *self)
{
    struct fake *f = self;
    if (f->hoard)
        munmap(f->hoard, f->hoard_bytes);
    free(f->lines);
    free(f->tops);
    free(f);
}

static void fill_facts(const struct fake *f, const struct engine_spec *spec, struct engine_facts *facts)
{
    snprintf(facts->version, sizeof facts->version, "1");
    snprintf(facts->quantize, sizeof facts->quantize, "none");
    if (f->o.clock == FAKE_VIRTUAL)
        snprintf(facts->clock, sizeof facts->clock, "virtual");
    double p = (double)f->o.parameters;
    if (p >= 1e9)
        snprintf(facts->size, sizeof facts->size, "%.3gB", p / 1e9);
    else
        snprintf(facts->size, sizeof facts->size, "%.3gM", p / 1e6);
    facts->vocabulary = (int)f->o.vocabulary;
    facts->context = spec->context && spec->context < f->o.context ? spec->context : (int)f->o.context;
    facts->eos = (int32_t)f->o.vocabulary - 1;
    facts->parameters = facts->step_parameters = (uint64_t)f->o.parameters;
    facts->step_bytes = (uint64_t)f->o.weight_mb << 20;
    facts->position_bytes = (uint64_t)f->o.position_bytes;
    facts->row_ops = facts->logits_ops = facts->step_parameters;
}

static int fake_open(void **self, const struct engine_spec *spec, struct engine_facts *facts,
                     struct engine_capabilities *can, struct err *err)
{
    (void)can;
    struct fake *f = mem_zalloc(1, sizeof *f, err);
    if (!f)
        return -1;
    if (fake_options_read(&f->o, spec->options, err) < 0) {
        free(f);
        return -1;
    }
    if (f->o.fault == FAULT_OPEN && (f->o.fault_launch < 0 || (uint64_t)f->o.fault_launch == spec->launch)) {
        free(f);
        return err_set(err, ERR_ENGINE, "it was told to fail at opening");
    }
    if (spec->context > f->o.context) {
        err_set(err, ERR_USAGE, "a context of %d was asked for, the model has %lld", spec->context,
                (long long)f->o.context);
        free(f);
        return -1;
    }
    f->seed = spec->seed;
    f->launch = spec->launch;
    f->model_seed = f->o.model_seed >= 0 ? (uint64_t)f->o.model_seed : fake_model_seed(spec->model);
    f->launch_factor = fmax(0.01, drawn_factor(f, f->o.launch_cv, 17) + f->o.drift * (double)spec->launch);
    fill_facts(f, spec, facts);
    facts->load_ns = to_ns(f->o.load_ms * f->launch_factor);
    pass(f, facts->load_ns);
    *self = f;
    return 0;
}

static int make_room(struct fake *f, const struct engine_request *r, struct err *err)
{
    if (r->n_prompts > f->n_lines) {
        struct line *bigger = mem_realloc(f->lines, r->n_prompts, sizeof *bigger, err);
        if (!bigger)
            return -1;
        f->lines = bigger;
        f->n_lines = r->n_prompts;
    }
    if ((size_t)r->n_top > f->n_tops) {
        struct engine_top *bigger = mem_realloc(f->tops, (size_t)r->n_top, sizeof *bigger, err);
        if (!bigger)
            return -1;
        f->tops = bigger;
        f->n_tops = (size_t)r->n_top;
    }
    return 0;
}

static void read_prompt(struct fake *f, size_t at, const struct engine_prompt *p, struct engine_reply *reply)
{
    uint64_t state = fake_state_init(f->model_seed);
    size_t n = p->text ? strlen(p->text) : p->n_ids;
    for (size_t i = 0; i < n; i++)
        state = fake_state_push(state, p->text ? (unsigned char)p->text[i] : p->ids[i]);
    f->lines[at] = (struct line){.state = state};
    reply->n_prompt = n;
    reply->cached_tokens = 0;
}

/* A whole text may end a reply only where a step ends, and then it is no part of it. */
static bool stopped(const struct engine_request *r, struct engine_reply *reply)
{
    for (size_t i = 0; i < r->n_stops; i++) {
        char *found = memmem(reply->text.data, reply->text.len, r->stops[i], strlen(r->stops[i]));
        if (!found)
            continue;
        size_t keep = (size_t)(found - reply->text.data);
        for (size_t s = 0; s < reply->n_steps; s++) { /* pieces behind the cut lose their bytes, not their ids */
            struct engine_step *step = &reply->steps[s];
            if (step->text_at > keep)
                step->text_at = keep;
            if (step->text_at + step->text_len > keep)
                step->text_len = keep - step->text_at;
        }
        reply->text.len = keep;
        *found = '\0';
        return true;
    }
    return false;
}

struct moment {
    int64_t handed, began, done;
};

/* One new token for one prompt. */
static int step_prompt(struct fake *f, const struct engine_request *r, size_t at, struct engine_reply *reply,
                       const struct moment *when, struct rng *rng, struct err *err)
{
    struct line *line = &f->lines[at];
    int32_t head = head_of(f, line->state);
    int64_t rank = draw_rank(f, &r->sampling, rng_unit(rng));
    int32_t id = (int32_t)((head + rank) % f->o.vocabulary);
    size_t token = reply->n_steps;
    char piece[16];
    size_t len = piece_of(f, id, piece);
    for (int k = 0; k < r->n_top; k++)
        f->tops[k] = (struct engine_top){.id = (int32_t)((head + k) % f->o.vocabulary), .logprob = logprob_of_rank(f, k)};
    struct engine_step step = {.id = id, .logprob = logprob_of_rank(f, rank), .handed = when->handed,
                               .began = when->began, .done = when->done};
    if (fault_due(f, FAULT_NAN, r->ordinal, token))
        step.logprob = NAN;
    TRY(engine_reply_add(reply, &step, piece, len, f->tops, err));
    line->state = fake_state_push(line->state, id);
    reply->n_reported = (int64_t)reply->n_steps;
    bool eos = id == f->o.vocabulary - 1 && !r->ignore_eos;
    bool stop = stopped(r, reply);
    bool refused = at == 0 && r->on_token && !r->on_token(r->on_token_arg, &reply->steps[token],
                                                          reply->text.data + reply->steps[token].text_at,
                                                          reply->steps[token].text_len);
    reply->finish = eos ? FINISH_EOS : stop ? FINISH_STOP : refused ? FINISH_CALLER : FINISH_LENGTH;
    line->complete = eos || stop || refused || reply->n_steps == r->max_tokens;
    return 0;
}

static double nominal_ms(const struct fake *f, size_t longest, size_t timed, size_t step)
{
    if (step == 0)
        return f->o.prompt_token_ms * (double)timed;
    return f->o.token_ms + f->o.position_ms * (double)(longest + step - 1);
}

static int fake_generate(void *self, const struct engine_request *r, struct engine_reply *replies, struct err *err)
{
    struct fake *f = self;
    size_t longest = 0, timed = 0, open = r->n_prompts;
    TRY(make_room(f, r, err));
    int64_t submitted = fake_now(f), handed = submitted;
    for (size_t i = 0; i < r->n_prompts; i++) {
        replies[i].submitted = submitted;
        read_prompt(f, i, &r->prompts[i], &replies[i]);
        size_t after = replies[i].n_prompt - r->prompts[i].n_before;
        longest = replies[i].n_prompt > longest ? replies[i].n_prompt : longest;
        timed = after > timed ? after : timed;
    }
    double slow = f->launch_factor * request_factor(f, r->ordinal) *
                  (1 + f->o.batch_share * (double)(r->n_prompts - 1));
    for (size_t step = 0; open > 0; step++) {
        suffer(f, r->ordinal, step);
        double jitter = drawn_factor(f, f->o.token_cv, 3000017 + r->ordinal * 1048583 + step);
        pass(f, to_ns(f->o.enqueue_ms * slow));
        struct moment when = {.handed = handed, .began = fake_now(f)};
        pass(f, to_ns(nominal_ms(f, longest, timed, step) * slow * jitter));
        handed = when.done = fake_now(f);
        for (size_t i = 0; i < r->n_prompts; i++) {
            struct rng rng;
            if (f->lines[i].complete)
                continue;
            if (step == 0)
                replies[i].prefilled = when.done;
            rng_init(&rng, mix(r->sampling.seed ^ mix(i * 1000033 + step)));
            TRY(step_prompt(f, r, i, &replies[i], &when, &rng, err));
            open -= f->lines[i].complete;
        }
    }
    for (size_t i = 0; i < r->n_prompts; i++) {
        replies[i].server_prefill_ms = (double)(replies[i].prefilled - submitted) / 1e6;
        replies[i].server_decode_ms = (double)(replies[i].steps[replies[i].n_steps - 1].done - replies[i].prefilled) / 1e6;
        if (fault_due(f, FAULT_COUNTS, r->ordinal, (size_t)f->o.fault_token))
            replies[i].n_reported++;
    }
    return 0;
}

static int fake_score(void *self, const struct engine_score *score, struct err *err)
{
    struct fake *f = self;
    size_t v = (size_t)f->o.vocabulary;
    float *logits = score->on_logits ? mem_alloc(v, sizeof *logits, err) : NULL;
    uint64_t state = fake_state_init(f->model_seed);
    int rc = score->on_logits && !logits ? -1 : 0;
    for (size_t i = 0; i < score->n_ids && rc == 0; i++) {
        state = fake_state_push(state, score->ids[i]);
        int32_t head = head_of(f, state);
        if (i + 1 < score->n_ids)
            score->logprobs[i + 1] = logprob_of_rank(f, ((int64_t)score->ids[i + 1] - head + (int64_t)v) % (int64_t)v);
        for (size_t k = 0; logits && k < v; k++)
            logits[((size_t)head + k) % v] = (float)((double)k * log(f->o.decay));
        if (logits)
            rc = score->on_logits(score->on_logits_arg, i, logits, v, err);
    }
    free(logits);
    return rc;
}

static int fake_tokenize(void *self, const char *text, size_t len, int32_t **ids, size_t *n_ids, struct err *err)
{
    struct fake *f = self;
    int32_t *out = mem_alloc(len, sizeof *out, err);
    if (!out)
        return -1;
    for (size_t i = 0; i < len; i++) {
        out[i] = (unsigned char)text[i];
        if (out[i] >= f->o.vocabulary - 1) {
            free(out);
            return err_set(err, ERR_INPUT, "byte %zu is %d, a vocabulary of %d has no token for it", i,
                           (unsigned char)text[i], (int)f->o.vocabulary);
        }
    }
    *ids = out;
    *n_ids = len;
    return 0;
}

static int fake_detokenize(void *self, const int32_t *ids, size_t n_ids, struct buf *text, struct err *err)
{
    char piece[16];
    for (size_t i = 0; i < n_ids; i++)
        buf_add(text, piece, piece_of(self, ids[i], piece));
    return buf_check(text, err);
}

static void fake_memory(void *self, struct engine_memory *out)
{
    const struct fake *f = self;
    out->weights = f->o.weight_mb << 20;
    out->kv = f->o.position_bytes * f->o.context;
    out->scratch = (int64_t)f->hoard_bytes;
}

static double fake_guess_ms(const json_t *options, uint64_t requests, size_t prompt, size_t new_tokens, size_t batch)
{
    struct fake_options o;
    if (fake_options_read(&o, options, NULL) < 0 || o.clock == FAKE_VIRTUAL)
        return 0;
    double steps = (double)new_tokens - 1, middle = (double)prompt + steps / 2;
    double request = o.enqueue_ms * (steps + 1) + o.prompt_token_ms * (double)prompt +
                     steps * (o.token_ms + o.position_ms * middle);
    return o.load_ms + (double)requests * request * (1 + o.batch_share * (double)(batch - 1));
}

const struct engine_class engine_fake = {
    .name = "fake",
    .what = "deterministic and scripted: known distributions, a virtual clock, delays and faults; for tests",
    .checked_against = "real 1",
    .can = {.token_ids = true, .top_k = ENGINE_TOP_ALL, .prompt_logprobs = true, .full_logits = true, .streaming = true, .depth = true,
            .server_timings = true, .tokenization = true, .fixed_length = true, .seed = true, .stops = true},
    .probe = fake_probe,
    .open = fake_open,
    .generate = fake_generate,
    .score = fake_score,
    .tokenize = fake_tokenize,
    .detokenize = fake_detokenize,
    .memory = fake_memory,
    .now = fake_now,
    .guess_ms = fake_guess_ms,
    .close = fake_close,
};
