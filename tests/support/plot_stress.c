#include "support/plot_stress.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "report/plot_palette.h"
#include "report/results_build.h"
#include "store/record.h"
#include "support/testing.h"

static struct err err;

struct making {
    struct results *r;
    const struct plot_stress *how;
    struct rng rng;
    size_t made;
};

static const char *text(struct results *r, const char *s)
{
    const char *out = arena_strdup(&r->arena, s, &err);
    assert_non_null(out);
    return out;
}

static const char *engine_name(struct making *m, size_t e)
{
    static const char *const hostile[] = {"<script>alert(1)</script>", "a&b", "100%", "back\\slash", "under_score", "\"quoted\" 'twice'",
                                          "\xF0\x9F\x9A\x80 rocket", "\xD7\xA9\xD7\x9C\xD7\x95\xD7\x9D", "two\nlines", "\xE2\x80\xAEturned",
                                          "broken \xFF\xFE", "tab\there", "", "$x_{1}$ #let ]["};
    char name[160];
    if (m->how->names == NAMES_HOSTILE)
        return text(m->r, hostile[e % 14]);
    snprintf(name, sizeof name, "%s%s", engine_colors[e % 14].engine,
             m->how->names == NAMES_LONG ? "@https://a-host-with-a-long-name.example.org:8443/an/even/longer/path" : "");
    return text(m->r, name);
}

/* About 1, the higher the later the engine. */
static double around(struct making *m, size_t e)
{
    double decades = m->how->spread > 0 ? m->how->spread : 1, last = m->how->engines > 1 ? (double)(m->how->engines - 1) : 1;
    if (m->how->zero)
        return 0;
    return pow(10, decades * ((double)e / last - 0.5)) * (1 + 0.06 * (rng_unit(&m->rng) - 0.5));
}

static struct result_cell *cell(struct making *m, const char *experiment, size_t e, const char *model, const char *quantize,
                                json_t *params)
{
    char key[32];
    snprintf(key, sizeof key, "%zu", m->made++);
    struct result_cell *c = results_cell(m->r, m->r->runs[0].id, key, &err);
    assert_non_null(c);
    c->experiment = experiment;
    c->engine = engine_name(m, e);
    c->model = model;
    c->quantize = quantize;
    c->device = "cpu";
    c->checked_against = "made up";
    assert_ok(results_object(m->r, &c->params, params, &err));
    json_decref(params);
    return c;
}

/* A cell that failed: true, and it has its reason. */
static bool hole(struct making *m, struct result_cell *c)
{
    if (!m->how->holes || m->made % 3)
        return false;
    struct result_launch *launch = results_launch(m->r, c, 0, &err);
    launch->status = "missing";
    launch->reason = "the engine is not installed on this machine, and nothing that could stand in for it was found";
    return true;
}

static size_t launches(const struct making *m)
{
    return m->how->launches ? m->how->launches : 6;
}

static void value(struct making *m, struct result_cell *c, const char *name, size_t launch, size_t index, double x)
{
    assert_ok(results_grow(m->r, &c->values, &c->cap_values, c->n_values, sizeof *c->values, &err));
    bool lost = m->how->holes && (m->made + index) % 5 == 0;
    c->values[c->n_values++] = (struct result_value){.launch = (int64_t)launch, .index = (int64_t)index, .name = name, .x = lost ? NAN : x};
}

/* One value a launch, a little apart. */
static void values(struct making *m, struct result_cell *c, const char *name, double x)
{
    for (size_t i = 0; i < launches(m); i++)
        value(m, c, name, i, 0, x * (1 + 0.05 * rng_unit(&m->rng)));
}

static void latency(struct making *m, size_t e, const char *model, int prompt_len)
{
    struct result_cell *c = cell(m, "latency", e, model, "f16",
                                 json_pack("{si si si}", "prompt_len", prompt_len, "gen_len", 24, "batch_size", 1));
    if (hole(m, c))
        return;
    for (size_t launch = 0; launch < launches(m); launch++) {
        assert_ok(results_grow(m->r, &c->requests, &c->cap_requests, c->n_requests, sizeof *c->requests, &err));
        double *ms = arena_alloc(&m->r->arena, 24, sizeof *ms, &err);
        struct result_request q = {.launch = (int64_t)launch, .prefill_ms = prompt_len * 0.4 * around(m, e), .tokens = 24,
                                   .decode_tokens = 23, .batch = 1, .prompt_positions = prompt_len, .step_bytes = 500 << 20,
                                   .position_bytes = 32768, .step_parameters = 1000000000, .step_ms = ms, .n_steps = 24};
        ms[0] = q.prefill_ms;
        for (int i = 1; i < 24; i++)
            q.decode_ms += ms[i] = (20 + prompt_len * 0.004) * around(m, e) * (i == 11 ? 2.5 : 1);
        if (m->how->holes)
            ms[3] = NAN;
        q.total_ms = q.prefill_ms + q.decode_ms;
        c->requests[c->n_requests++] = q;
        struct result_launch *l = results_launch(m->r, c, (int64_t)launch, &err);
        assert_non_null(l);
        l->status = "ok";
        l->peak_bytes = (int64_t)(1e9 * (m->how->zero ? 0 : 1 + 0.1 * (double)e));
        l->load_ns = (int64_t)(1e9 * around(m, e));
    }
}

static void memory(struct making *m, size_t e, int length, const char *kind)
{
    struct result_cell *c = cell(m, "memory", e, "llama3-1b", "f16",
                                 json_pack("{si si ss}", "seq_len", length, "batch_size", 1, "quantization", kind));
    if (hole(m, c))
        return;
    values(m, c, "peak_mb", 2400 * around(m, e) + length * (kind[0] == 'f' ? 0.1 : 0.03));
    values(m, c, "kvcache_mb", length * (kind[0] == 'f' ? 0.1 : 0.03) * around(m, e));
}

/* JSON holds no broken UTF-8: what comes out of a manifest cannot be broken either. */
static json_t *pair(const char *against, const char *reference)
{
    json_t *p = json_object(), *a = json_string(against), *b = json_string(reference);
    json_object_set_new(p, "against", a ? a : json_string("broken"));
    json_object_set_new(p, "reference", b ? b : json_string("broken"));
    return p;
}

/* One value a prompt: against itself an engine agrees. */
static void agreement(struct making *m, size_t e, size_t other)
{
    const char *names[2] = {engine_name(m, other), engine_name(m, 0)};
    double far = e == other ? 0 : fabs(log(around(m, e) / around(m, other))) * 0.01 + 1e-6;
    if (m->how->zero)
        far = 0;
    struct result_cell *c = cell(m, "distribution", e, "llama3-1b", "f16",
                                 pair(names[0], names[1]));
    for (size_t i = 0; i < 8 * launches(m) && !hole(m, c); i++) {
        value(m, c, "kl", 0, i, far * (0.5 + rng_unit(&m->rng)));
        value(m, c, "top10_overlap", 0, i, 1 - fmin(far * 10 * rng_unit(&m->rng), 1));
        value(m, c, "spearman", 0, i, 1 - fmin(far * 5 * rng_unit(&m->rng), 2));
    }
    c = cell(m, "greedy", e, "llama3-1b", "f16", pair(names[0], names[1]));
    for (size_t i = 0; i < 8 * launches(m) && !hole(m, c); i++) {
        bool parts = rng_unit(&m->rng) < far * 20;
        value(m, c, "exact_match", 0, i, !parts);
        value(m, c, "diverged", 0, i, parts);
        value(m, c, "lcp", 0, i, parts ? floor(64 * rng_unit(&m->rng)) : 64);
    }
}

static void speculation(struct making *m, size_t e, int k)
{
    struct result_cell *c = cell(m, "speculate", e, "gpt2", "f16", json_pack("{si ss}", "K", k, "policy", "longest_prefix"));
    if (hole(m, c))
        return;
    values(m, c, "latency_ms", (5600 - 250 * k * (5 - k)) * around(m, e));
    values(m, c, "tokens_per_sec", (5.9 + 0.2 * k) / (m->how->zero ? 1 : around(m, e)));
    values(m, c, "acceptance_rate", 0.6 / k);
    values(m, c, "peak_mb", (500 + 20 * k) * around(m, e));
}

static void speed(struct making *m, size_t e, const char *quantize, double bits, const char *device)
{
    struct result_cell *c = cell(m, "speed", e, "llama3-1b", quantize,
                                 json_pack("{si si si ss}", "prompt_len", 512, "gen_len", 128, "batch_size", 1, "quantize", quantize));
    double slow = around(m, e), *ms = arena_alloc(&m->r->arena, 2, sizeof *ms, &err);
    c->device = device;
    if (hole(m, c))
        return;
    for (size_t i = 0; i < launches(m); i++) {
        assert_ok(results_grow(m->r, &c->requests, &c->cap_requests, c->n_requests, sizeof *c->requests, &err));
        ms[0] = 900 * slow;
        ms[1] = bits * slow;
        c->requests[c->n_requests++] = (struct result_request){
            .launch = (int64_t)i, .prefill_ms = 900 * slow, .decode_ms = 128 * bits * slow * (1 + 0.01 * (double)i), .total_ms = 900, .tokens = 129,
            .decode_tokens = 128, .batch = 1, .prompt_positions = 512, .step_bytes = (int64_t)(bits * 1.25e8), .position_bytes = 32768,
            .step_parameters = 1000000000, .step_ms = ms, .n_steps = 2};
    }
    values(m, c, "machine_read_gb_s", 40);
    values(m, c, "machine_gops", 200);
    values(m, c, "share_of_bandwidth", fmin(0.9 / (slow > 0 ? slow : 1), 1) * (m->how->zero ? 0 : 1));
    values(m, c, "share_of_arithmetic", fmin(0.5 / (slow > 0 ? slow : 1), 1) * (m->how->zero ? 0 : 1));
    values(m, c, "cold_start_ms", 2500 * slow);
    values(m, c, "steady_ms_per_token", bits * slow);
    c = cell(m, "perplexity", e, "llama3-1b", quantize, json_pack("{ss ss}", "dataset", "wikitext-2", "quantize", quantize));
    values(m, c, "perplexity", 8.4 + pow(2, 5 - bits) * slow);
}

static void layers(struct making *m, size_t e)
{
    struct result_cell *c = cell(m, "layers", e, "llama3-1b", "f16", json_pack("{ss}", "reference", "transformers"));
    for (size_t layer = 0; layer < 16 && !hole(m, c); layer++)
        for (size_t prompt = 0; prompt < launches(m); prompt++) {
            value(m, c, "attention_error", prompt, layer, 1e-7 * pow(1.4, (double)layer) * around(m, e));
            value(m, c, "hidden_error", prompt, layer, 2e-7 * pow(1.3, (double)layer) * around(m, e));
        }
}

void plot_stress(struct results *r, const struct plot_stress *how)
{
    static const char *const models[] = {"llama3-1b", "llama3-8b"};
    struct making m = {.r = r, .how = how};
    rng_init(&m.rng, 42);
    assert_ok(results_begin(r, &err));
    struct result_run *run = results_run(r, "made-up", &err);
    assert_non_null(run);
    run->host = "nowhere";
    run->started = "2026-01-01T00:00:00Z";
    for (size_t e = 0; e < how->engines; e++)
        for (size_t k = 0; k < 2; k++)
            for (int prompt_len = 128; prompt_len <= 2048; prompt_len *= 4)
                latency(&m, e, models[k], prompt_len);
    for (size_t e = 0; e < how->engines; e++) {
        for (int length = 512; length <= 4096; length *= 2) {
            memory(&m, e, length, "f16");
            memory(&m, e, length, "q8_0");
        }
        for (size_t other = 0; other < how->engines; other++)
            agreement(&m, e, other);
        for (int k = 1; k <= 4; k++)
            speculation(&m, e, k);
        speed(&m, e, "f16", 16, "cpu");
        speed(&m, e, "q8_0", 8.5, "cpu");
        speed(&m, e, "q4_k_m", 4.8, "cpu");
        speed(&m, e, "q4_k_m", 4.8, "cuda");
        layers(&m, e);
    }
    assert_ok(results_finish(r, "all", &err));
}
