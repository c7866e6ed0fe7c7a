/* speed - how fast an engine prefills and decodes, cold and warm, and how near that is to what the machine allows.
 *
 * timed.h says what a request is. The first of the process is kept apart as the cold one. Of each timed request the
 * experiment tells its rates, and its shares of two limits that were measured just before the launch:
 *     share_of_bandwidth    bytes of weights and of KV that the decode steps must read / decode time / plain read rate
 *     share_of_arithmetic   multiplications and additions of the prefill / its time / peak of the precision they are in
 * Both count what must be done, not what was done: an engine that computes more than it must is nearer its own limit than
 * these say. A batch reads its weights once a step.
 */
#include <math.h>
#include <stdio.h>

#include "experiments/timed.h"

static void check_pair(json_t *value, const struct yaml_node *node, const char *path, struct schema_report *report);

static const struct schema_row config[] = {
    {.key = "prompt_lengths", .type = SCHEMA_LIST, .item = SCHEMA_INT, .initial = "[512]", .lo = 1, .hi = 1e7,
     .help = "prompt lengths"},
    {.key = "generation_lengths", .type = SCHEMA_LIST, .item = SCHEMA_INT, .initial = "[128]", .lo = 0, .hi = 1e6,
     .help = "tokens to generate; 0: only the prompt"},
    {.key = "pairs", .type = SCHEMA_LIST, .item = SCHEMA_TEXT, .check = check_pair,
     .help = "PROMPT+GENERATION, as `512+128`: these pairs instead of each length with each"},
    {.key = "depths", .type = SCHEMA_LIST, .item = SCHEMA_INT, .initial = "[0]", .lo = 0, .hi = 1e7,
     .help = "tokens in the KV cache before the clock starts"},
    {.key = "batch_sizes", .type = SCHEMA_LIST, .item = SCHEMA_INT, .initial = "[1]", .lo = 1, .hi = 4096,
     .help = "sequences that advance together"},
    {.key = "threads", .type = SCHEMA_LIST, .item = SCHEMA_INT, .initial = "[0]", .lo = 0, .hi = 256,
     .help = "0: as the run has it"},
    {.key = "cache_kinds", .type = SCHEMA_LIST, .item = SCHEMA_WORD, .words = "f32|f16|bf16|q8_0|q4_0",
     .alias = ALIAS_CACHE_TYPE, .has_alias = true, .help = "types of the KV cache; without it: the engine's own"},
    {.key = "math", .type = SCHEMA_LIST, .item = SCHEMA_WORD, .words = "f32|bf16", .alias = ALIAS_TYPE, .has_alias = true,
     .help = "what F16 and F32 weights are multiplied in; without it: f32"},
    {.key = "quantize", .type = SCHEMA_LIST, .item = SCHEMA_TEXT,
     .help = "types that the weights get when the model is loaded (docs/QUANTIZATION.md); without it: as in the file"},
    {.key = "row_invariant", .type = SCHEMA_BOOL, .initial = "false",
     .help = "the same bits for a row whatever is computed beside it"},
    {.key = "warmup_runs", .type = SCHEMA_INT, .initial = "1", .lo = 0, .hi = 1e6, .help = "requests before those that count"},
    {.key = "timed_runs", .type = SCHEMA_INT, .initial = "5", .lo = 1, .hi = 1e6, .help = "timed requests of a launch"},
    {.key = "checkpoint", .type = SCHEMA_TEXT, .help = "weights to use instead of the model's own"},
    {0}};

/* ---- cells ------------------------------------------------------------------------------------------------------ */

static bool read_pair(const char *text, long long *prompt, long long *gen)
{
    char end;
    return sscanf(text, "%lld+%lld%c", prompt, gen, &end) == 2 && *prompt >= 1 && *prompt <= 10000000 && *gen >= 0 &&
           *gen <= 1000000;
}

static void check_pair(json_t *value, const struct yaml_node *node, const char *path, struct schema_report *report)
{
    long long prompt, gen;
    const char *text = json_string_value(value);
    if (text && !read_pair(text, &prompt, &gen))
        schema_complain(report, node, path, "found '%s', expected PROMPT+GENERATION such as 512+128", text);
}

/* Values that one parameter of the cells may have; the product of all axes are the cells. A value of null leaves the
 * parameter out. */
struct axis {
    const char *key;
    json_t *values;
};

static int add_cells(json_t *out, json_t *params, const struct axis *axes, size_t n, struct err *err)
{
    size_t i;
    json_t *value;
    if (n == 0) {
        json_t *copy = json_copy(params);
        return copy && json_array_append_new(out, copy) == 0 ? 0 : err_set(err, ERR_MEMORY, "out of memory for the cells");
    }
    json_array_foreach(axes->values, i, value) {
        if (!json_is_null(value) && json_object_set(params, axes->key, value) < 0)
            return err_set(err, ERR_MEMORY, "out of memory for the cells");
        TRY(add_cells(out, params, axes + 1, n - 1, err));
        json_object_del(params, axes->key);
    }
    return 0;
}

/* [[prompt, generation], ...]: the pairs named, or each length with each. */
static json_t *lengths(const json_t *c)
{
    json_t *out = json_array(), *prompt, *gen;
    size_t i, j;
    long long p, g;
    json_array_foreach(json_object_get(c, "pairs"), i, prompt)
        if (read_pair(json_string_value(prompt), &p, &g))
            json_array_append_new(out, json_pack("[II]", (json_int_t)p, (json_int_t)g));
    if (json_array_size(out) == 0)
        json_array_foreach(json_object_get(c, "prompt_lengths"), i, prompt)
            json_array_foreach(json_object_get(c, "generation_lengths"), j, gen)
                json_array_append_new(out, json_pack("[OO]", prompt, gen));
    return out;
}

static json_t *cells(const json_t *c, struct err *err)
{
    static const char *const axes_of[][2] = {{"depth", "depths"}, {"batch_size", "batch_sizes"}, {"threads", "threads"},
                                             {"cache_kind", "cache_kinds"}, {"math", "math"}, {"quantize", "quantize"}};
    enum { N_AXES = sizeof axes_of / sizeof axes_of[0] };
    struct axis axes[N_AXES];
    json_t *out = json_array(), *none = json_pack("[n]"), *all = lengths(c), *pair;
    size_t i;
    int rc = out && none && all ? 0 : err_set(err, ERR_MEMORY, "out of memory for the cells of 'speed'");
    for (i = 0; i < N_AXES; i++) {
        json_t *values = json_object_get(c, axes_of[i][1]);
        axes[i] = (struct axis){axes_of[i][0], json_array_size(values) ? values : none};
    }
    json_array_foreach(all, i, pair) {
        json_t *params = json_pack("{sO sO sO sO}", "prompt_len", json_array_get(pair, 0), "gen_len", json_array_get(pair, 1),
                                   "warmup_runs", json_object_get(c, "warmup_runs"), "timed_runs",
                                   json_object_get(c, "timed_runs"));
        if (params && json_is_true(json_object_get(c, "row_invariant")))
            json_object_set_new(params, "row_invariant", json_true());
        if (rc == 0)
            rc = params ? add_cells(out, params, axes, N_AXES, err) : err_set(err, ERR_MEMORY, "out of memory for the cells");
        json_decref(params);
    }
    json_decref(none);
    json_decref(all);
    if (rc == 0)
        return out;
    json_decref(out);
    return NULL;
}

/* ---- what a request means --------------------------------------------------------------------------------------- */

static json_t *known(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

static double limit(const struct cell *c, const char *precision)
{
    char key[32];
    snprintf(key, sizeof key, "%s_gops", precision);
    return json_number_value(json_object_get(c->limits, key)) * 1e9;
}

static double share_of_bandwidth(const struct cell *c, const struct timed *w, double seconds)
{
    const struct engine_facts *f = engine_facts(c->engine);
    double rate = json_number_value(json_object_get(c->limits, "read_gb_s")) * 1e9, steps = (double)w->gen_len;
    double before = (double)(w->depth + w->prompt_len); /* positions that the first decode step sees */
    double kv = (double)f->position_bytes * (double)w->batch * (steps * before + steps * (steps + 1) / 2);
    return rate > 0 && f->step_bytes > 0 && seconds > 0 && steps > 0 ? ((double)f->step_bytes * steps + kv) / seconds / rate : NAN;
}

static double share_of_arithmetic(const struct cell *c, const struct timed *w, double seconds)
{
    const struct engine_facts *f = engine_facts(c->engine);
    double peak = limit(c, f->precision), n = (double)w->prompt_len, seen = n * (double)w->depth + n * (n + 1) / 2;
    double ops = (double)w->batch * (n * (double)f->row_ops + (double)f->logits_ops + seen * (double)f->position_ops);
    return peak > 0 && f->row_ops > 0 && seconds > 0 ? ops / seconds / peak : NAN;
}

static int tell_request(struct cell *c, const struct timed *w, uint64_t sample, struct err *err)
{
    int64_t first = w->replies[0].submitted, last = first;
    double least = INFINITY, most = -INFINITY;
    for (size_t i = 0; i < w->batch; i++) {
        const struct engine_reply *r = &w->replies[i];
        first = r->steps[0].done > first ? r->steps[0].done : first;
        last = r->steps[r->n_steps - 1].done > last ? r->steps[r->n_steps - 1].done : last;
        for (size_t k = 1; k < r->n_steps; k++) {
            double ms = (double)(r->steps[k].done - r->steps[k - 1].done) / 1e6;
            least = ms < least ? ms : least;
            most = ms > most ? ms : most;
        }
    }
    double prefill = (double)(first - w->replies[0].submitted) / 1e9, decode = (double)(last - first) / 1e9;
    return cell_tell(c, sample,
                     json_pack("{so so so so so so}", "prefill_tps",
                               /* a clock that stands still has no rate */
                               known(prefill > 0 ? (double)(w->batch * w->prompt_len) / prefill : NAN), "steady_ms_per_token",
                               known(w->gen_len > 0 ? decode * 1e3 / (double)w->gen_len : NAN), "min_ms_per_token", known(least),
                               "max_ms_per_token", known(most), "share_of_bandwidth", known(share_of_bandwidth(c, w, decode)),
                               "share_of_arithmetic", known(share_of_arithmetic(c, w, prefill))), err);
}

static json_t *megabytes(int64_t bytes)
{
    return bytes < 0 ? json_null() : json_real((double)bytes / (1 << 20));
}

/* What holds for the whole launch; known after its first request. */
static int tell_launch(struct cell *c, const struct timed *w, struct err *err)
{
    const struct engine_facts *f = engine_facts(c->engine);
    struct engine_memory m;
    int64_t first = 0;
    double peak = limit(c, f->precision) / 1e9, read = json_number_value(json_object_get(c->limits, "read_gb_s"));
    for (size_t i = 0; i < w->batch; i++) {
        int64_t took = w->replies[i].steps[0].done - w->replies[i].submitted;
        first = took > first ? took : first;
    }
    engine_memory(c->engine, &m);
    TRY(cell_emit_cold(c, w->replies, w->batch, err));
    return cell_tell(c, 0,
                     json_pack("{sf so so so so ss? ss? so}", "cold_start_ms", (double)(f->load_ns + first) / 1e6, "model_mb",
                               megabytes(m.weights), "kv_mb", megabytes(m.kv), "machine_read_gb_s", known(read > 0 ? read : NAN),
                               "machine_gops", known(peak > 0 ? peak : NAN), "precision", *f->precision ? f->precision : NULL,
                               "kv", *f->kv ? f->kv : NULL, "threads_used",
                               f->threads > 0 ? json_sprintf("%d", f->threads) : json_null()), err);
}

static int after(struct cell *c, struct timed *t, uint64_t i, struct err *err)
{
    if (t->requests == 1)
        TRY(tell_launch(c, t, err));
    if (i < t->warmup)
        return 0;
    TRY(tell_request(c, t, i - t->warmup, err)); /* first: a request that is stored is not asked for again */
    return cell_emit(c, i - t->warmup, t->replies, t->batch, err);
}

static int run(struct cell *c, struct err *err)
{
    return timed_run(c, after, err);
}

const struct experiment experiment_speed = {
    .name = "speed",
    .what = "prefill and decode, cold and warm, beside what the machine allows",
    .config = config,
    .cells = cells,
    .samples = timed_samples,
    .load = timed_load,
    .needs = timed_needs,
    .run = run,
    .with_limits = true,
};
