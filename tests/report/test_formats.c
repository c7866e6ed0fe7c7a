/* The forms of a report: bytes written by hand for one small document. What becomes of hostile texts is in
 * test_hostile.c. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/str.h"
#include "report/format.h"
#include "support/testing.h"

static struct report_doc doc;
static struct buf out = BUF_INIT(8 << 20);
static struct err err;
static const struct report_style plain = {0};

static const char *write_as(const char *name, const struct report_style *style)
{
    const struct report_format *format = report_format_find(name, &err);
    assert_non_null(format);
    buf_clear(&out);
    assert_ok(report_write(&out, format, &doc, style, &err));
    return out.data ? out.data : "";
}

/* Two engines: one with five samples whose t interval is known by hand, one that could not run. */
static void small_doc(void)
{
    /* mean 12, sd sqrt(2.5), t(4, 0.975) = 2.776445: half width 1.963243 */
    static const double ms[] = {10, 11, 12, 13, 14};
    report_doc_init(&doc, 1 << 20);
    assert_ok(report_set_title(&doc, "small", &err));
    assert_ok(report_set_command(&doc, "prony run 'a b.yaml'", &err));
    assert_ok(report_fact_add(&doc, "seed", "42", &err));
    assert_ok(report_fact_add(&doc, "cpu", NULL, &err));
    assert_ok(report_note_add(&doc, &err, "%d cell failed", 1));
    struct report_table *t = report_table_add(&doc, "latency", "Latency", &err);
    assert_ok(report_column_add(&doc, t, COLUMN_TEXT, "engine", &err));
    assert_ok(report_column_add(&doc, t, COLUMN_COUNT, "prompt", &err));
    assert_ok(report_column_add(&doc, t, COLUMN_FIGURE, "prefill_ms", &err));
    assert_ok(report_column_add(&doc, t, COLUMN_NUMBER, "share", &err));
    struct report_cell *row = report_row_add(&doc, t, &err);
    assert_ok(report_set_text(&doc, &row[0], "native", &err));
    report_set_count(&row[1], 128);
    assert_ok(report_set_samples(&doc, &row[2], ms, 5, &err));
    report_set_number(&row[3], 0.5);
    row = report_row_add(&doc, t, &err);
    assert_ok(report_set_text(&doc, &row[0], "vllm", &err));
    report_set_count(&row[1], 128);
    assert_ok(report_set_why(&doc, &row[2], "not installed", &err));
}

static void assert_has(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("'%s' is not in:\n%s", part, text);
}

static void test_terminal(void **state)
{
    (void)state;
    small_doc();
    const char *text = write_as("terminal", &plain);
    assert_has(text, "small\n\nLatency\n");
    assert_has(text, "engine  prompt     prefill (ms) v   share\n"
                     "------  ------  -----------------  ------\n"
                     "native     128  12.0 [10.0, 14.0]  0.5000\n"
                     "vllm       128              - (1)       -\n"
                     "n = 5 in every cell\n"
                     "(1) not installed\n");
    assert_has(text, "note: 1 cell failed\nseed: 42\ncpu: not known\nto repeat: prony run 'a b.yaml'\n");
    assert_has(text, "prefill: from handing the request over to the first token\n");
    report_doc_release(&doc);
}

static void test_csv(void **state)
{
    (void)state;
    small_doc();
    const char *text = write_as("csv", &plain);
    /* The interval to all digits is the business of stats/; here the columns and what stands in them. */
    assert_has(text, "engine,prompt,prefill_ms,prefill_ms_mean,prefill_ms_sd,prefill_ms_lo,prefill_ms_hi,prefill_ms_n,"
                     "prefill_ms_interval,prefill_ms_why,share,share_why\nnative,128,12,12,1.5811388300841898,10.0367");
    assert_has(text, ",5,t of the mean,,0.5,\n");
    assert_has(text, "\nvllm,128,,,,,,,,not installed,,\n");
    report_doc_release(&doc);
}

static void test_md(void **state)
{
    (void)state;
    small_doc();
    const char *text = write_as("md", &plain);
    assert_has(text, "# small\n\n## Latency\n\n"
                     "| engine | prompt | prefill \\(ms\\) \xE2\x86\x93 | share |\n"
                     "|:---|---:|---:|---:|\n"
                     "| native | 128 | 12.0 [10.0, 14.0] n=5 | 0.5000 |\n"
                     "| vllm | 128 | \xE2\x80\x93 not installed | \xE2\x80\x93 |\n");
    assert_has(text, "| to repeat | prony run \\'a b.yaml\\' |\n");
    report_doc_release(&doc);
}

static json_t *read_json(void)
{
    json_error_t error;
    json_t *root = json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES, &error);
    if (!root)
        fail_msg("not JSON: %s at line %d\n%s", error.text, error.line, out.data);
    return root;
}

static json_t *first_row(json_t *root, size_t row)
{
    return json_array_get(json_object_get(json_array_get(json_object_get(root, "tables"), 0), "rows"), row);
}

static void test_json(void **state)
{
    (void)state;
    small_doc();
    write_as("json", &plain);
    json_t *root = read_json(), *figure = json_object_get(first_row(root, 0), "prefill_ms");
    assert_string_equal(json_string_value(json_object_get(root, "command")), "prony run 'a b.yaml'");
    assert_true(json_is_null(json_object_get(json_object_get(root, "facts"), "cpu")));
    assert_int_equal(json_object_size(figure), 8);
    assert_true(json_number_value(json_object_get(figure, "median")) == 12);
    assert_close(json_number_value(json_object_get(figure, "lo")), 12 - 1.963243, 1e-6, "lo");
    assert_close(json_number_value(json_object_get(figure, "hi")), 12 + 1.963243, 1e-6, "hi");
    assert_int_equal(json_integer_value(json_object_get(figure, "n")), 5);
    assert_int_equal(json_array_size(json_object_get(figure, "samples")), 5);
    assert_true(json_number_value(json_array_get(json_object_get(figure, "samples"), 1)) == 11);
    assert_true(json_is_null(json_object_get(first_row(root, 1), "prefill_ms")));
    assert_string_equal(json_string_value(json_object_get(json_object_get(first_row(root, 1), "why"), "prefill_ms")),
                        "not installed");
    json_decref(root);
    report_doc_release(&doc);
}

/* One sample has no interval, and says so in every form; none, or one that is no number, is missing with why. */
static void test_few_samples(void **state)
{
    (void)state;
    static const double one[] = {3.25}, bad[] = {1, NAN};
    report_doc_init(&doc, 1 << 20);
    struct report_table *t = report_table_add(&doc, "t", "T", &err);
    assert_ok(report_column_add(&doc, t, COLUMN_FIGURE, "ttft_ms", &err));
    for (int i = 0; i < 3; i++) {
        struct report_cell *row = report_row_add(&doc, t, &err);
        assert_ok(report_set_samples(&doc, row, i == 1 ? bad : one, i == 0 ? 1 : i == 1 ? 2 : 0, &err));
    }
    write_as("json", &plain);
    json_t *root = read_json(), *figure = json_object_get(first_row(root, 0), "ttft_ms");
    assert_true(json_is_null(json_object_get(figure, "lo")) && json_is_null(json_object_get(figure, "hi")));
    assert_true(json_is_null(json_object_get(figure, "sd")));
    assert_int_equal(json_integer_value(json_object_get(figure, "n")), 1);
    assert_string_equal(json_string_value(json_object_get(json_object_get(first_row(root, 1), "why"), "ttft_ms")),
                        "a sample is not a number");
    assert_string_equal(json_string_value(json_object_get(json_object_get(first_row(root, 2), "why"), "ttft_ms")),
                        "no samples");
    json_decref(root);
    assert_has(write_as("md", &plain), "| 3.250 n=1 |");
    assert_has(write_as("csv", &plain), "\n3.25,3.25,,,,1,none,\n");
    report_doc_release(&doc);
}

static void test_digits(void **state)
{
    (void)state;
    static const struct {
        double median, lo, hi;
        const char *text;
    } rows[] = {
        {12.3456, 12.1, 12.6, "12.35 [12.10, 12.60]"},  {12345.678, 12000, 12900, "12346 [12000, 12900]"},
        {0.001234, 0.00115, 0.00135, "0.00123 [0.00115, 0.00135]"}, {5, 5, 5, "5.000 [5.000, 5.000]"},
        {0, 0, 0, "0.000 [0.000, 0.000]"},              {3.14159, NAN, NAN, "3.142"},
        {1e20, NAN, NAN, "1.000e+20"},                  {1e-9, NAN, NAN, "1.000e-09"},
        {-2.5, -3, -2, "-2.5 [-3.0, -2.0]"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct figure f = {.median = rows[i].median, .lo = rows[i].lo, .hi = rows[i].hi, .n = 9};
        char text[FIGURE_TEXT_MAX];
        assert_string_equal(figure_text(&f, false, text), rows[i].text);
    }
}

/* No line is wider than asked, numbers stay whole. */
static void test_width(void **state)
{
    (void)state;
    static const double ms[] = {1234.5, 1234.75};
    report_doc_init(&doc, 1 << 20);
    struct report_table *t = report_table_add(&doc, "t", "T", &err);
    assert_ok(report_column_add(&doc, t, COLUMN_TEXT, "engine", &err));
    assert_ok(report_column_add(&doc, t, COLUMN_FIGURE, "ttft_ms", &err));
    struct report_cell *row = report_row_add(&doc, t, &err);
    assert_ok(report_set_text(&doc, &row[0], "a-model-with-a-very-long-name-indeed-0123456789", &err));
    assert_ok(report_set_samples(&doc, &row[1], ms, 2, &err));
    char number[FIGURE_TEXT_MAX];
    figure_text(&row[1].figure, false, number);
    for (size_t width = 12; width < 90; width += 13) {
        struct report_style style = {.width = width};
        const char *text = write_as("terminal", &style), *end = strstr(text, "\nn = 2");
        assert_has(text, number);
        assert_non_null(end);
        bool blocks = strstr(text, "\n* ") != NULL;
        assert_int_equal(blocks, width < 8 + 2 + strlen(number));
        for (const char *s = strstr(text, "T\n") + 2; s < end && !blocks; s += strcspn(s, "\n") + 1)
            if (strcspn(s, "\n") > width)
                fail_msg("a line of %zu columns for %zu:\n%s", strcspn(s, "\n"), width, text);
    }
    report_doc_release(&doc);
}

static void test_find(void **state)
{
    (void)state;
    assert_int_equal(report_format_find("jsno", &err) != NULL, 0);
    assert_int_equal(err.code, ERR_USAGE);
    assert_has(err.hint, "'json'");
    err_clear(&err);
    assert_null(report_format_find("docx", &err));
    assert_has(err.text, "'docx' is not a form of report");
    for (size_t i = 0; i < report_format_count(); i++)
        assert_ptr_equal(report_format_find(report_format_at(i)->name, NULL), report_format_at(i));
}

static void test_same_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < report_format_count(); i++) {
        small_doc();
        char *first = strdup(write_as(report_format_at(i)->name, &plain));
        report_doc_release(&doc);
        small_doc();
        assert_string_equal(first, write_as(report_format_at(i)->name, &plain));
        report_doc_release(&doc);
        free(first);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_terminal),     cmocka_unit_test(test_csv),          cmocka_unit_test(test_md),
        cmocka_unit_test(test_json),         cmocka_unit_test(test_few_samples),  cmocka_unit_test(test_digits),
        cmocka_unit_test(test_width),        cmocka_unit_test(test_find),
        cmocka_unit_test(test_same_bytes),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    buf_release(&out);
    return failed;
}
