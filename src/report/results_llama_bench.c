/* results_llama_bench.c - what llama.cpp's llama-bench wrote with -o json (an array) or -o jsonl (an object a line), as the
 * cells of one run of `speed`, so that it stands beside prony's own rows. A test is a cell; its repeats are requests of one
 * launch, because one process ran them all. Times are those of llama-bench: it knows no first token, so that its prompt
 * processing ends before the token that prony's prefill includes is sampled. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/str.h"
#include "report/results_build.h"
#include "store/record.h"

#define LLAMA_BENCH_MAX ((size_t)256 << 20)

struct import {
    struct results *r;
    struct result_run *run;
    const char *path;
    char what[512]; /* the test being read, for messages */
    size_t n;       /* tests so far */
};

/* "llama 1B Q4_K - Medium" -> "Q4_K - Medium": what follows the architecture and the size. */
static const char *quantize_of(const char *type)
{
    for (int words = 0; words < 2; words++) {
        type = strchr(type, ' ');
        if (!type)
            return NULL;
        type++;
    }
    return type;
}

/* The first test says when and by what the run was made. */
static int begin_run(struct import *at, const json_t *test, struct err *err)
{
    const char *started, *commit;
    char id[160];
    TRY(json_get_text(&started, test, "test_time", at->what, err));
    TRY(json_get_text(&commit, test, "build_commit", at->what, err));
    snprintf(id, sizeof id, "llama-bench %.64s %.64s", started, commit);
    at->run = results_run(at->r, id, err);
    if (!at->run)
        return -1;
    TRY(results_text(at->r, &at->run->started, started, err));
    TRY(results_text(at->r, &at->run->status, "done", err));
    at->run->seed = RECORD_UNKNOWN;
    json_t *made = json_object();
    static const char *const fields[] = {"build_commit", "build_number", "backends", "cpu_info", "gpu_info", "devices"};
    for (size_t i = 0; made && i < sizeof fields / sizeof fields[0]; i++)
        if (json_object_get(test, fields[i]))
            json_object_set(made, fields[i], json_object_get(test, fields[i]));
    json_t *fingerprint = json_pack("{so}", "llama_bench", made);
    int result = fingerprint ? results_object(at->r, &at->run->fingerprint, fingerprint, err) : err_set(err, ERR_MEMORY, "out of memory");
    json_decref(fingerprint);
    return result;
}

static int add_value(struct import *at, struct result_cell *cell, const char *name, size_t index, double x, struct err *err)
{
    TRY(results_grow(at->r, &cell->values, &cell->cap_values, cell->n_values, sizeof *cell->values, err));
    struct result_value *value = &cell->values[cell->n_values];
    *value = (struct result_value){.launch = 0, .index = (int64_t)index, .x = x};
    TRY(results_text(at->r, &value->name, name, err));
    cell->n_values++;
    return 0;
}

/* Prompt alone, generation alone, or both in one time. */
static int add_samples(struct import *at, struct result_cell *cell, const json_t *test, int64_t prompt, int64_t gen,
                       struct err *err)
{
    const json_t *samples;
    json_t *v;
    size_t i;
    TRY(json_get_array(&samples, test, "samples_ns", at->what, err));
    json_array_foreach((json_t *)samples, i, v) {
        double ns = json_number_value(v);
        if (!(ns > 0))
            return err_set(err, ERR_INPUT, "%s: 'samples_ns' has %s in place of a time above zero", at->what, json_kind_name(v));
        if (gen == 0)
            TRY(add_value(at, cell, "prefill_ms", i, ns / 1e6, err));
        if (gen == 0)
            TRY(add_value(at, cell, "prefill_tps", i, (double)prompt * 1e9 / ns, err));
        if (prompt == 0)
            TRY(add_value(at, cell, "decode_ms", i, ns / 1e6, err));
        if (prompt == 0)
            TRY(add_value(at, cell, "tokens_per_sec", i, (double)gen * 1e9 / ns, err));
        TRY(add_value(at, cell, "total_s", i, ns / 1e9, err));
    }
    struct result_launch *launch = results_launch(at->r, cell, 0, err);
    return launch ? results_text(at->r, &launch->status, "ok", err) : -1;
}

static json_t *params_of(const struct import *at, const json_t *test, int64_t prompt, int64_t gen, struct err *err)
{
    int64_t depth = 0, threads;
    const char *cache;
    if (json_opt_int(&depth, test, "n_depth", 0, INT32_MAX, at->what, err) < 0 ||
        json_get_int(&threads, test, "n_threads", 1, INT32_MAX, at->what, err) < 0 ||
        json_get_text(&cache, test, "type_k", at->what, err) < 0)
        return NULL;
    json_t *params = json_pack("{sI sI si sI sI}", "prompt_len", (json_int_t)prompt, "gen_len", (json_int_t)gen, "batch_size", 1, "depth",
                               (json_int_t)depth, "threads", (json_int_t)threads);
    if (params && strcmp(cache, "f16") != 0) /* its default */
        json_object_set_new(params, "cache_kind", json_string(cache));
    if (!params)
        err_set(err, ERR_MEMORY, "out of memory");
    return params;
}

static struct result_cell *cell_of(struct import *at, const char *model, const json_t *params, struct err *err)
{
    char key[CELL_KEY_TEXT];
    if (record_cell_key(key, "speed", "llamacpp", NULL, model, params, err) < 0)
        return NULL;
    struct result_cell *cell = results_cell(at->r, at->run->id, key, err);
    if (cell && cell->n_values) {
        err_set(err, ERR_INPUT, "%s is there twice", at->what);
        err_hint(err, "repeats of one process belong into one test: use -r");
        return NULL;
    }
    return cell && results_object(at->r, &cell->params, params, err) == 0 ? cell : NULL;
}

static int take_test(struct import *at, const json_t *test, struct err *err)
{
    const char *model, *type, *commit;
    int64_t prompt, gen, build;
    char checked[128];
    snprintf(at->what, sizeof at->what, "'%.400s': test %zu", at->path, at->n + 1);
    if (!json_is_object(test) || !json_object_get(test, "samples_ns")) {
        err_set(err, ERR_INPUT, "%s is not one of llama-bench: it has no 'samples_ns'", at->what);
        return err_hint(err, "make the file with 'llama-bench -o json' or '-o jsonl'");
    }
    TRY(json_get_text(&model, test, "model_filename", at->what, err));
    TRY(json_get_text(&type, test, "model_type", at->what, err));
    TRY(json_get_text(&commit, test, "build_commit", at->what, err));
    TRY(json_get_int(&build, test, "build_number", 0, INT32_MAX, at->what, err));
    TRY(json_get_int(&prompt, test, "n_prompt", 0, INT32_MAX, at->what, err));
    TRY(json_get_int(&gen, test, "n_gen", 0, INT32_MAX, at->what, err));
    if (!at->run)
        TRY(begin_run(at, test, err));
    json_t *params = params_of(at, test, prompt, gen, err);
    struct result_cell *cell = params ? cell_of(at, model, params, err) : NULL;
    json_decref(params);
    if (!cell)
        return -1;
    snprintf(checked, sizeof checked, "real llama-bench %lld (%.64s)", (long long)build, commit);
    TRY(results_text(at->r, &cell->experiment, "speed", err));
    TRY(results_text(at->r, &cell->target, "bench", err));
    TRY(results_text(at->r, &cell->benchmark, "bench", err));
    TRY(results_text(at->r, &cell->engine, "llamacpp", err));
    TRY(results_text(at->r, &cell->model, model, err));
    TRY(results_text(at->r, &cell->quantize, quantize_of(type), err));
    TRY(results_text(at->r, &cell->version, commit, err));
    TRY(results_text(at->r, &cell->checked_against, checked, err));
    TRY(results_text(at->r, &cell->clock, "monotonic", err));
    TRY(add_samples(at, cell, test, prompt, gen, err));
    at->n++;
    return 0;
}

static int take_array(struct import *at, const json_t *all, struct err *err)
{
    size_t i;
    json_t *test;
    json_array_foreach((json_t *)all, i, test)
        TRY(take_test(at, test, err));
    return 0;
}

static int take_lines(struct import *at, const char *text, struct err *err)
{
    for (const char *s = text; *s;) {
        size_t len = strcspn(s, "\n");
        if (strspn(s, " \t\r") < len) {
            json_t *test = json_parse(s, len, at->path, err);
            int result = test ? take_test(at, test, err) : -1;
            json_decref(test);
            if (result < 0)
                return -1;
        }
        s += len + (s[len] == '\n');
    }
    return 0;
}

int results_read_llama_bench(struct results *r, const char *path, struct err *err)
{
    struct import at = {.r = r, .path = path};
    struct buf text = BUF_INIT(LLAMA_BENCH_MAX);
    int result = file_read(&text, path, LLAMA_BENCH_MAX, err);
    const char *s = text.data ? text.data : "";
    bool array = s[strspn(s, " \t\r\n")] == '[';
    json_t *whole = result == 0 ? json_parse(s, text.len, path, array ? err : NULL) : NULL; /* or lines of which each is one */
    if (result == 0)
        result = json_is_array(whole) ? take_array(&at, whole, err) : whole ? take_test(&at, whole, err)
                 : array              ? -1 : take_lines(&at, s, err);
    if (result == 0 && at.n == 0)
        result = err_set(err, ERR_INPUT, "'%s': no test is in it", path);
    json_decref(whole);
    buf_release(&text);
    return result;
}
