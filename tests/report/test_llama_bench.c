/* What llama-bench wrote becomes rows of their own: cells, samples and rates as they stand in its files (data/README.md),
 * alone, with each other, and beside what is not of llama-bench. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "report/rows.h"
#include "support/testing.h"

#define DATA SOURCE_DIR "/tests/report/data/"

static struct err err;

static double param(const struct result_cell *c, const char *name)
{
    return json_number_value(json_object_get(c->params, name));
}

static const struct result_cell *find(const struct results *r, int prompt, int gen, int depth)
{
    for (size_t i = 0; i < r->n_cells; i++)
        if (param(&r->cells[i], "prompt_len") == prompt && param(&r->cells[i], "gen_len") == gen && param(&r->cells[i], "depth") == depth)
            return &r->cells[i];
    fail_msg("no cell of prompt %d, gen %d, depth %d", prompt, gen, depth);
    return NULL;
}

static void check_samples(const struct result_cell *c, const char *metric, size_t n, double first)
{
    double *x;
    size_t got;
    bool launches;
    assert_ok(rows_samples(&x, &got, &launches, c, metric, &err));
    assert_int_equal(got, n);
    if (n)
        assert_close(x[0], first, 1e-9, metric);
    assert_false(launches); /* one process ran them all */
    free(x);
}

static void test_array(void **state)
{
    (void)state;
    struct results r;
    assert_ok(results_read(&r, DATA "llama_bench.json", NULL, &err));
    assert_int_equal(r.n_runs, 1);
    assert_string_equal(r.runs[0].started, "2026-11-21T12:13:03Z");
    assert_int_equal(r.n_cells, 4);
    const struct result_cell *pp = find(&r, 64, 0, 0), *tg = find(&r, 0, 16, 64);
    assert_string_equal(pp->engine, "llamacpp");
    assert_string_equal(pp->model, "tiny.gguf");
    assert_string_equal(pp->quantize, "Q4_0");
    assert_string_equal(pp->checked_against, "real llama-bench 1 (0c1e570)");
    check_samples(pp, "prefill_ms", 5, 97.583397);
    check_samples(pp, "prefill_tps", 5, 64 / 0.097583397);
    check_samples(pp, "tokens_per_sec", 0, 0);
    check_samples(tg, "prefill_ms", 0, 0);
    assert_true(param(tg, "threads") == 2);
    results_release(&r);
}

static void test_lines(void **state)
{
    (void)state;
    struct results r;
    assert_ok(results_read(&r, DATA "llama_bench.jsonl", NULL, &err));
    assert_int_equal(r.n_cells, 3);
    const struct result_cell *both = find(&r, 64, 16, 0); /* one time for prompt and generation */
    check_samples(both, "prefill_ms", 0, 0);
    check_samples(both, "decode_ms", 0, 0);
    results_release(&r);
}

/* Two files are two runs, told apart; the same one twice is one. */
static void test_together(void **state)
{
    (void)state;
    static const char *const two[] = {DATA "llama_bench.json", DATA "llama_bench.jsonl"}, *const same[] = {DATA "llama_bench.json",
                                                                                                           DATA "llama_bench.json"};
    struct results r;
    struct report_doc doc;
    assert_ok(results_read_all(&r, two, 2, NULL, &err));
    assert_int_equal(r.n_runs, 2);
    assert_int_equal(r.n_cells, 7);
    report_doc_init(&doc, 64 << 20);
    assert_ok(rows_document(&doc, &r, &err));
    assert_int_equal(doc.n_tables, 2); /* all in one, and the verdicts */
    assert_string_equal(doc.tables[0].contenders[0], "llamacpp 2026-11-21T12:13:03Z");
    report_doc_release(&doc);
    results_release(&r);
    assert_ok(results_read_all(&r, same, 2, NULL, &err));
    assert_int_equal(r.n_runs, 1);
    assert_int_equal(r.n_cells, 4);
    results_release(&r);
}

static void refused(const char *content, const char *part)
{
    struct results r;
    char *path = path_join(test_dir(), "bench.json", &err);
    assert_ok(file_write(path, content, strlen(content), &err));
    assert_int_equal(results_read(&r, path, NULL, &err), -1);
    if (!strstr(err.text, part))
        fail_msg("'%s' is not in: %s", part, err.text);
    err_clear(&err);
    free(path);
}

static void test_refused(void **state)
{
    (void)state;
    static const char test[] = "{\"build_commit\":\"c\",\"build_number\":1,\"model_filename\":\"m\",\"model_type\":\"llama 1B F16\","
                               "\"n_threads\":1,\"type_k\":\"f16\",\"n_prompt\":%s,\"n_gen\":0,\"test_time\":\"t\",\"samples_ns\":%s}";
    char text[1024];
    refused("", "no test is in it");
    refused("[]", "no test is in it");
    refused("[1", "bench.json':1:");
    refused("{\"tables\": []}", "test 1 is not one of llama-bench: it has no 'samples_ns'");
    refused("[{\"samples_ns\": [1]}]", "'model_filename'");
    snprintf(text, sizeof text, test, "\"64\"", "[1]");
    refused(text, "'n_prompt'");
    snprintf(text, sizeof text, test, "64", "[1, null]");
    refused(text, "'samples_ns' has null in place of a time");
    snprintf(text, sizeof text, test, "64", "[1, -1]");
    refused(text, "'samples_ns' has");
    size_t used = (size_t)snprintf(text, sizeof text, test, "64", "[1]");
    text[used++] = '\n';
    snprintf(text + used, sizeof text - used, test, "64", "[1]");
    refused(text, "test 2 is there twice");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_array), cmocka_unit_test(test_lines), cmocka_unit_test(test_together), cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
