/* From raw logs to a report: figures computed by hand, launches as samples, failed cells with their reason, and the same
 * bytes whatever order the cells ran in. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "report/report_files.h"
#include "report/rows.h"
#include "store/collate.h"
#include "store/rawlog.h"
#include "support/testing.h"

static struct err err;

static json_t *params(int prompt_len)
{
    return json_pack("{si si si ss}", "prompt_len", prompt_len, "gen_len", 4, "batch_size", 1, "cache_kind", "f16");
}

static void key_of(char out[CELL_KEY_TEXT], const char *variant, int prompt_len)
{
    json_t *p = params(prompt_len);
    assert_ok(record_cell_key(out, "latency", "fake", variant, "m|1", p, &err));
    json_decref(p);
}

/* A request of five tokens: one out of the prefill, four in decode_ms. */
static void request(struct rawlog *log, int prompt_len, int launch, int index, const char *phase, int prefill_ms, int decode_ms)
{
    struct sample_step steps[5];
    char key[CELL_KEY_TEXT];
    for (int i = 0; i < 5; i++)
        steps[i] = (struct sample_step){.id = i, .enqueue_ns = RECORD_UNKNOWN, .total_ns = 1000, .logprob = -1, .text = "a", .text_len = 1};
    struct sample_reply reply = {.prompt_len = prompt_len, .finish = "length", .n_steps = 5, .steps = steps};
    key_of(key, NULL, prompt_len);
    struct sample_request q = {.cell = key, .launch = launch, .index = index, .phase = phase, .clock = "virtual",
                               .prefill_ns = prefill_ms * 1000000LL, .decode_ns = decode_ms * 1000000LL,
                               .total_ns = (prefill_ms + decode_ms) * 1000000LL, .server_prefill_ms = 0, .server_decode_ms = 0,
                               .n_replies = 1, .replies = &reply};
    assert_ok(rawlog_request(log, &q, &err));
}

static void ended(struct rawlog *log, const char *variant, int prompt_len, int launch, const char *status, const char *reason)
{
    char key[CELL_KEY_TEXT];
    json_t *p = params(prompt_len);
    key_of(key, variant, prompt_len);
    struct cell_record c = {.key = key, .experiment = "latency", .engine = "fake", .variant = variant, .model = "m|1",
                            .params = p, .launch = launch, .status = status, .reason = reason, .samples = 3,
                            .peak_bytes = (100 + launch) << 20, .checked_against = "real 1"};
    assert_ok(rawlog_cell(log, &c, &err));
    json_decref(p);
}

static void three_launches(struct rawlog *log)
{
    for (int launch = 0; launch < 3; launch++) {
        request(log, 128, launch, 0, "warmup", 999, 999);
        for (int i = 0; i < 3; i++)
            request(log, 128, launch, i, "timed", 10 + 10 * launch + i, 40);
        ended(log, NULL, 128, launch, "ok", NULL);
    }
}

static void one_launch(struct rawlog *log)
{
    request(log, 64, 0, 1, "timed", 6, 20);
    request(log, 64, 0, 0, "timed", 5, 20);
    request(log, 64, 0, 1, "timed", 600, 20); /* once more after a restart: the first counts */
    ended(log, NULL, 64, 0, "ok", NULL);
}

static char *write_run(const char *name, bool reversed)
{
    char *dir = path_join(test_dir(), name, &err);
    json_t *fingerprint = json_pack("{s{ss si sn}}", "cpu", "model", "A<B>", "cores", 2, "flags");
    struct record_open open = {.run = "0193-run", .started = "2026-01-02T03:04:05Z", .engine = "fake", .model = "m|1",
                               .size = "1B", .quantize = "f32", .seed = 42, .host = "h", .command = "prony run x.yaml",
                               .fingerprint = fingerprint};
    struct rawlog *log;
    assert_ok(rawlog_open(&log, dir, &open, &err));
    if (reversed) {
        ended(log, "x", 128, 0, "limit", "memory limit of 5 MB crossed");
        one_launch(log);
        three_launches(log);
    } else {
        three_launches(log);
        one_launch(log);
        ended(log, "x", 128, 0, "limit", "memory limit of 5 MB crossed");
    }
    struct record_close close = {.ended = "2026-01-02T03:05:00Z", .status = "done"};
    assert_ok(rawlog_close(log, &close, &err));
    json_decref(fingerprint);
    return dir;
}

static char *report_of(const char *dir, const char *format)
{
    struct results r;
    struct report_doc doc;
    struct buf out = BUF_INIT(1 << 20);
    assert_ok(results_read(&r, dir, NULL, &err));
    report_doc_init(&doc, 64 << 20);
    assert_ok(rows_document(&doc, &r, &err));
    assert_ok(report_write(&out, report_format_find(format, NULL), &doc, &(struct report_style){0}, &err));
    report_doc_release(&doc);
    results_release(&r);
    return buf_take(&out, &err);
}

static json_t *field(json_t *row, const char *figure, const char *key)
{
    return json_object_get(json_object_get(row, figure), key);
}

static void test_figures(void **state)
{
    (void)state;
    char *dir = write_run("a", false), *text = report_of(dir, "json");
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL), *table;
    assert_non_null(root);
    assert_int_equal(json_array_size(json_object_get(root, "tables")), 1);
    table = json_array_get(json_object_get(root, "tables"), 0);
    assert_string_equal(json_string_value(json_object_get(table, "name")), "latency");
    json_t *rows = json_object_get(table, "rows"), *one = json_array_get(rows, 0), *three = json_array_get(rows, 1),
           *failed = json_array_get(rows, 2);
    assert_int_equal(json_array_size(rows), 3);

    /* 64 before 128; a single launch shows its requests, the repeated one once. */
    assert_int_equal(json_integer_value(json_object_get(one, "prompt_len")), 64);
    assert_string_equal(json_string_value(json_object_get(one, "unit")), "requests of one launch");
    assert_int_equal(json_integer_value(field(one, "prefill_ms", "n")), 2);
    assert_true(json_number_value(field(one, "prefill_ms", "median")) == 5.5);
    assert_true(json_number_value(field(one, "tokens_per_sec", "median")) == 200);

    /* Three launches: 10 11 12, 20 21 22, 30 31 32 give 11 21 31; the warm-up is not among them. */
    assert_string_equal(json_string_value(json_object_get(three, "unit")), "launches");
    assert_int_equal(json_integer_value(field(three, "prefill_ms", "n")), 3);
    assert_true(json_number_value(field(three, "prefill_ms", "median")) == 21);
    for (size_t i = 0; i < 3; i++)
        assert_true(json_number_value(json_array_get(field(three, "prefill_ms", "samples"), i)) == 11 + 10.0 * (double)i);
    assert_true(json_number_value(field(three, "decode_ms", "median")) == 40);
    assert_true(json_number_value(field(three, "tokens_per_sec", "median")) == 100);
    assert_true(json_number_value(field(three, "total_s", "median")) == 0.061);
    assert_true(json_number_value(field(three, "peak_mb", "median")) == 101);
    assert_string_equal(json_string_value(json_object_get(three, "checked_against")), "real 1");
    assert_null(json_object_get(three, "cache_kind")); /* the same in every cell */

    assert_string_equal(json_string_value(json_object_get(failed, "engine")), "fake:x");
    assert_true(json_is_null(json_object_get(failed, "prefill_ms")));
    assert_string_equal(json_string_value(field(failed, "why", "prefill_ms")), "memory limit of 5 MB crossed");

    json_t *facts = json_object_get(root, "facts");
    assert_string_equal(json_string_value(json_object_get(facts, "cpu.model")), "A<B>");
    assert_true(json_is_null(json_object_get(facts, "cpu.flags")) && json_object_get(facts, "cpu.flags"));
    assert_string_equal(json_string_value(json_object_get(facts, "seed")), "42");
    assert_string_equal(json_string_value(json_object_get(root, "command")), "prony run x.yaml");
    json_decref(root);
    free(text);
    free(dir);
}

static void test_order(void **state)
{
    (void)state;
    char *a = write_run("b", false), *b = write_run("c", true);
    for (size_t i = 0; i < report_format_count(); i++) {
        char *x = report_of(a, report_format_at(i)->name), *y = report_of(b, report_format_at(i)->name);
        assert_string_equal(x, y);
        free(x);
        free(y);
    }
    free(a);
    free(b);
}

/* The database that was collated from the logs gives the same report, byte for byte; an unfinished cell too. */
static void test_database(void **state)
{
    (void)state;
    char *dir = write_run("h", false), *db = path_join(dir, "results/prony.db", &err);
    struct collate_report done;
    struct collate_options options = {.dir = dir};
    struct record_open open = {.run = "0193-run", .started = "2026-01-02T03:04:05Z", .engine = "fake", .variant = "late",
                               .model = "m|2", .seed = 42, .host = "h", .command = "prony run x.yaml"};
    struct rawlog *log;
    assert_ok(rawlog_open(&log, dir, &open, &err));
    request(log, 32, 0, 0, "timed", 5, 20);
    assert_ok(rawlog_close(log, NULL, &err));
    assert_ok(collate(&done, &options, &err));
    for (size_t i = 0; i < report_format_count(); i++) {
        char *x = report_of(dir, report_format_at(i)->name), *y = report_of(db, report_format_at(i)->name);
        assert_string_equal(x, y);
        free(x);
        free(y);
    }
    struct results r;
    assert_err(results_read(&r, db, "no such run", &err), ERR_INPUT, "run 'no such run'");
    assert_ok(file_write(db, "this is text", 12, &err));
    assert_err(results_read(&r, db, NULL, &err), ERR_INPUT, "prony.db");
    assert_ok(file_write(db, "", 0, &err)); /* which SQLite takes for an empty database */
    assert_err(results_read(&r, db, NULL, &err), ERR_INPUT, "not a database that 'prony collate' made");
    free(db);
    free(dir);
}

static void test_files(void **state)
{
    (void)state;
    char *dir = write_run("d", false), *out = path_join(dir, "report", &err), *path = path_join(out, "latency.csv", &err);
    struct results r;
    struct report_doc doc;
    struct buf text = BUF_INIT(1 << 20);
    assert_ok(results_read(&r, dir, NULL, &err));
    report_doc_init(&doc, 64 << 20);
    assert_ok(rows_document(&doc, &r, &err));
    for (size_t i = 0; i < report_format_count(); i++)
        assert_ok(report_files_write(out, report_format_at(i), &doc, &r, &err));
    assert_ok(file_read(&text, path, 1 << 20, &err));
    assert_string_equal(text.data, "model,prompt_len,gen_len,batch_size,tokens_per_sec,prefill_ms,decode_ms\n"
                                   "m|1,64,4,1,200,5.5,20\n"
                                   "m|1,128,4,1,100,21,40\n");
    static const char *const names[] = {"report.txt", "report.json", "report.md", "latency_figures.csv"};
    for (size_t i = 0; i < 4; i++) {
        char *file = path_join(out, names[i], &err);
        if (!file_exists(file))
            fail_msg("'%s' was not written", names[i]);
        free(file);
    }
    buf_release(&text);
    report_doc_release(&doc);
    results_release(&r);
    free(path);
    free(out);
    free(dir);
}

/* A log that was cut off: what is whole counts, and the report says what is missing. */
static void test_cut_off(void **state)
{
    (void)state;
    char *dir = path_join(test_dir(), "e", &err);
    struct record_open open = {.run = "r", .engine = "fake", .seed = 1};
    struct rawlog *log;
    assert_ok(rawlog_open(&log, dir, &open, &err));
    request(log, 64, 0, 0, "timed", 5, 20);
    char *path = strdup(rawlog_file(log));
    assert_ok(rawlog_close(log, NULL, &err));
    FILE *f = fopen(path, "a");
    assert_non_null(f);
    fputs("{\"t\":\"requ", f);
    fclose(f);
    char *text = report_of(dir, "md");
    if (!strstr(text, "was cut off") || !strstr(text, "torn line") || !strstr(text, "## unfinished"))
        fail_msg("%s", text);
    free(text);
    free(path);
    free(dir);
}

/* Two runs in one folder: the later is shown unless another is named, and each run's own folder names itself. */
static void test_runs(void **state)
{
    (void)state;
    char *dir = path_join(test_dir(), "g", &err), *own = path_join(dir, "artifacts/x_1", &err);
    static const char *const ids[] = {"zzz", "aaa"}, *const starts[] = {"2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"};
    struct results r;
    for (int i = 0; i < 2; i++) {
        struct record_open open = {.run = ids[i], .started = starts[i], .engine = "fake", .seed = 1};
        struct rawlog *log;
        assert_ok(rawlog_open(&log, dir, &open, &err));
        request(log, 64, 0, 0, "timed", 5 + i, 20);
        ended(log, NULL, 64, 0, "ok", NULL);
        assert_ok(rawlog_close(log, NULL, &err));
    }
    assert_ok(results_read(&r, dir, NULL, &err));
    assert_int_equal(r.n_runs, 1);
    assert_string_equal(r.runs[0].id, "aaa");
    assert_int_equal(r.n_cells, 1);
    assert_true(r.cells[0].requests[0].prefill_ms == 6);
    assert_int_equal(r.n_other_runs, 1);
    results_release(&r);
    assert_ok(results_read(&r, dir, "all", &err));
    assert_int_equal(r.n_cells, 2);
    results_release(&r);
    assert_err(results_read(&r, dir, "mmm", &err), ERR_INPUT, "run 'mmm'");
    assert_ok(file_mkdirs(own, &err));
    char *file = path_join(own, "run.json", &err);
    assert_ok(file_write(file, "{\"run\": \"zzz\"}", 14, &err));
    assert_ok(results_read(&r, own, NULL, &err));
    assert_string_equal(r.runs[0].id, "zzz");
    assert_true(r.cells[0].requests[0].prefill_ms == 5);
    results_release(&r);
    assert_ok(file_write(file, "{", 1, &err));
    assert_err(results_read(&r, own, NULL, &err), ERR_INPUT, "run.json");
    free(file);
    free(own);
    free(dir);
}

static void test_refused(void **state)
{
    (void)state;
    struct results r;
    char *dir = path_join(test_dir(), "f", &err), *raw = path_join(dir, "raw", &err);
    assert_err(results_read(&r, dir, NULL, &err), ERR_INPUT, "not the folder of a run");
    assert_ok(file_mkdirs(raw, &err));
    assert_err(results_read(&r, dir, NULL, &err), ERR_INPUT, "no log was found");
    free(raw);
    free(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_figures), cmocka_unit_test(test_order), cmocka_unit_test(test_database), cmocka_unit_test(test_files),
                                       cmocka_unit_test(test_cut_off), cmocka_unit_test(test_runs), cmocka_unit_test(test_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
