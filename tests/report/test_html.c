/* The HTML report: one file, complete, from which every text comes back as it went in; raw rows up to the limit, quantiles
 * beyond it. That it works in a browser is tested by tests/peers/html_report.sh. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "report/format.h"
#include "report/html_series.h"
#include "support/testing.h"

static struct report_doc doc;
static struct buf out = BUF_INIT(64 << 20);
static struct err err;

static const char *const hostile[] = {
    "</script><script>alert(1)</script>", "<!--", "a&b", "\"quoted\" 'twice'", "{{title}}", "\xD7\xA9\xD7\x9C\xD7\x95\xD7\x9D",
    ("\xE2\x80\xAE" "reversed"), "two\nlines", "\x1b[31m", "%s%n\\_", "\xF0\x9F\x98\x80",
};
#define N_HOSTILE (sizeof hostile / sizeof hostile[0])

static void make_doc(size_t raw_rows)
{
    static const char *const names[] = {"launch", "index", "prefill_ms"};
    static const double ms[] = {10, 11, 12, 13, 14, 15};
    report_doc_init(&doc, 256 << 20);
    assert_ok(report_set_title(&doc, hostile[0], &err));
    assert_ok(report_set_command(&doc, "prony run 'a<b>.yaml'", &err));
    assert_ok(report_fact_add(&doc, "host", hostile[1], &err));
    assert_ok(report_detail_add(&doc, "machine.cpu.model", "A<B>", &err));
    assert_ok(report_note_add(&doc, &err, "%s", hostile[0]));
    assert_ok(report_finding_add(&doc, FINDING_SHOWN, hostile[0], &err));
    struct report_table *t = report_table_add(&doc, "latency", "a<b>", &err);
    assert_ok(report_column_add(&doc, t, COLUMN_TEXT, "engine", &err));
    assert_ok(report_column_add(&doc, t, COLUMN_FIGURE, "prefill_ms", &err));
    for (size_t i = 0; i < N_HOSTILE; i++) {
        struct report_cell *row = report_row_add(&doc, t, &err);
        assert_ok(report_set_text(&doc, &row[0], hostile[i], &err));
        assert_ok(i ? report_set_samples(&doc, &row[1], ms, 6, &err) : report_set_why(&doc, &row[1], hostile[0], &err));
    }
    assert_ok(report_raw_begin(&doc, &t->raw, names, 3, raw_rows, &err));
    for (size_t i = 0; i < raw_rows; i++) {
        t->raw.row[i] = (uint32_t)(1 + i * (N_HOSTILE - 1) / raw_rows);
        t->raw.columns[0][i] = 0;
        t->raw.columns[1][i] = (double)i;
        t->raw.columns[2][i] = 10 + (double)(i % 997) / 100;
    }
}

static const char *write_html(void)
{
    buf_clear(&out);
    assert_ok(report_write(&out, report_format_find("html", &err), &doc, &(struct report_style){.files = true}, &err));
    return out.data;
}

/* The text between two marks, in a new string. */
static char *between(const char *text, const char *from, const char *to)
{
    const char *start = strstr(text, from), *stop = start ? strstr(start + strlen(from), to) : NULL;
    if (!stop)
        fail_msg("'%s' ... '%s' is not there", from, to);
    start += strlen(from);
    return strndup(start, (size_t)(stop - start));
}

static json_t *read_data(void)
{
    json_error_t error;
    char *text = between(out.data, "<script type=\"application/json\" id=\"data\">", "</script>");
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    if (!root)
        fail_msg("%s at %d", error.text, error.position);
    free(text);
    return root;
}

static size_t count(const char *text, const char *part)
{
    size_t n = 0;
    for (const char *s = text; (s = strstr(s, part)); s += strlen(part))
        n++;
    return n;
}

static void test_whole(void **state)
{
    (void)state;
    make_doc(100);
    const char *text = write_html();
    static const char *const places[] = {"{{version}}", "{{style}}", "{{tables}}", "{{data}}", "{{d3}}"};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        assert_null(strstr(text, places[i]));
    /* the template's own scripts and no other; no text of the rows as a tag */
    assert_int_equal(count(text, "<script"), 3);
    assert_int_equal(count(text, "</script>"), 3);
    assert_null(strstr(text, "alert(1)</script>"));
    assert_null(strstr(text, "<b>"));
    assert_null(strchr(text, '\x1b'));
    /* nothing is fetched: no address but in the licence and the names of the SVG and XML dialects */
    char *page = between(text, "<!doctype html>", "<script type=\"application/json\"");
    assert_null(strstr(page, "http:"));
    assert_null(strstr(page, "https:"));
    assert_null(strstr(page, "src="));
    free(page);
    assert_non_null(strstr(text, "<pre>prony run &#39;a&lt;b&gt;.yaml&#39;</pre>"));
    assert_non_null(strstr(text, "from handing the request over to the first token. Less is better."));
    assert_non_null(strstr(text, "n = 6 in every cell"));
    assert_non_null(strstr(text, "The 100 raw rows behind it"));
    report_doc_release(&doc);
}

static void test_data(void **state)
{
    (void)state;
    make_doc(100);
    write_html();
    json_t *root = read_data(), *table = json_array_get(json_object_get(root, "tables"), 0), *rows = json_object_get(table, "rows");
    assert_int_equal(json_array_size(rows), N_HOSTILE);
    for (size_t i = 0; i < N_HOSTILE; i++)
        assert_string_equal(json_string_value(json_array_get(json_array_get(rows, i), 0)), hostile[i]);
    json_t *raw = json_object_get(table, "raw");
    assert_int_equal(json_array_size(json_object_get(raw, "row")), 100);
    assert_true(json_number_value(json_array_get(json_array_get(json_object_get(raw, "columns"), 2), 7)) == 10.07);
    assert_null(json_object_get(table, "spread"));
    json_decref(root);
    report_doc_release(&doc);
}

static void test_too_many(void **state)
{
    (void)state;
    make_doc(HTML_RAW_MAX + 1);
    const char *text = write_html();
    assert_non_null(strstr(text, "There are 50001 raw rows behind it"));
    assert_non_null(strstr(text, "<a href=\"latency_samples.csv\">"));
    assert_true(out.len < 500000);
    json_t *root = read_data(), *table = json_array_get(json_object_get(root, "tables"), 0);
    assert_null(json_object_get(table, "raw"));
    json_t *spread = json_object_get(json_object_get(table, "spread"), "prefill_ms");
    assert_int_equal(json_array_size(json_array_get(spread, 0)), 0); /* the row without observations */
    assert_int_equal(json_array_size(json_array_get(spread, 1)), 101);
    assert_true(json_number_value(json_array_get(json_array_get(spread, 1), 0)) == 10);
    assert_true(json_number_value(json_array_get(json_array_get(spread, 1), 100)) == 19.96);
    json_decref(root);
    report_doc_release(&doc);
}

/* Exactly at the limit all are there; a second table has no room left and falls back. */
static void test_limit(void **state)
{
    (void)state;
    make_doc(HTML_RAW_MAX);
    struct report_table *t = report_table_add(&doc, "more", "more", &err);
    static const char *const names[] = {"launch", "index"};
    assert_ok(report_raw_begin(&doc, &t->raw, names, 2, 1, &err));
    assert_true(html_embeds(&doc, 0));
    assert_false(html_embeds(&doc, 1));
    report_doc_release(&doc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole), cmocka_unit_test(test_data), cmocka_unit_test(test_too_many), cmocka_unit_test(test_limit),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    buf_release(&out);
    return failed;
}
