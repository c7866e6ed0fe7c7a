/* Verdicts: who is said to be best, who is not, and what is left out of the ranking, on results whose answer is known. */
#include <string.h>

#include "report/rows.h"
#include "report/verdict.h"
#include "support/testing.h"

static struct err err;
static struct report_doc doc;
static struct result_cell cells[64];
static struct result_request requests[64][64];
static struct result_run runs[] = {{.id = "r1", .host = "a"}, {.id = "r2", .host = "b"}};
static struct results results;

static void begin(void)
{
    memset(cells, 0, sizeof cells);
    results = (struct results){.arena = ARENA_INIT(1 << 20), .kept = json_array(), .runs = runs, .n_runs = 1, .cells = cells};
    report_doc_init(&doc, 64 << 20);
}

/* A cell of `launches` launches of `per` requests; the prefill of launch i is ms * (1 + i / 100), decode is 10 of it. */
static struct result_cell *cell(const char *engine, const char *model, int prompt_len, double ms, int launches, int per)
{
    struct result_cell *c = &cells[results.n_cells];
    json_t *params = json_pack("{si si si}", "prompt_len", prompt_len, "gen_len", 8, "batch_size", 1);
    json_array_append_new(results.kept, params);
    *c = (struct result_cell){.run = "r1", .key = engine, .experiment = "latency", .engine = engine, .model = model,
                              .clock = "monotonic", .params = params, .requests = requests[results.n_cells]};
    for (int i = 0; i < launches; i++)
        for (int k = 0; k < per; k++) {
            double x = ms * (1 + i / 100.0);
            c->requests[c->n_requests++] = (struct result_request){.launch = i, .index = k, .prefill_ms = x, .decode_ms = 10 * x,
                                                                   .total_ms = 11 * x, .tokens = 8, .decode_tokens = 7};
        }
    results.n_cells++;
    return c;
}

static void finish(void)
{
    assert_ok(rows_document(&doc, &results, &err));
}

static void end(void)
{
    report_doc_release(&doc);
    json_decref(results.kept);
    arena_release(&results.arena);
}

static bool said(enum finding_kind kind, const char *part)
{
    for (size_t i = 0; i < doc.n_findings; i++)
        if (doc.findings[i].kind == kind && strstr(doc.findings[i].text, part))
            return true;
    return false;
}

static void all_findings(void)
{
    for (size_t i = 0; i < doc.n_findings; i++)
        print_message("%d %s\n", (int)doc.findings[i].kind, doc.findings[i].text);
}

#define assert_said(kind, part)   \
    do {                          \
        if (!said(kind, part)) {  \
            all_findings();       \
            fail_msg("not said: %s", part); \
        }                         \
    } while (0)

static void test_best(void **state)
{
    (void)state;
    begin();
    cell("slow", "m", 64, 20, 6, 2);
    cell("quick", "m", 64, 10, 6, 2);
    cell("middle", "m", 64, 15, 6, 2);
    finish();
    /* launches pair up exactly: the ratio is 1.5 in each */
    assert_said(FINDING_SHOWN, "Prefill: quick is best, ahead of middle by 1.50\xC3\x97 [1.50, 1.50]");
    assert_said(FINDING_SHOWN, "Decode speed: quick is best, ahead of middle by 1.50\xC3\x97");
    const struct report_table *t = &doc.tables[doc.n_tables - 1];
    assert_string_equal(t->name, "verdicts");
    assert_int_equal(t->n_rows, 2);
    assert_string_equal(t->rows[0][3].text, "quick");
    assert_string_equal(t->rows[0][5].text, "middle");
    assert_close(t->rows[0][6].number, 1.5, 1e-9, "ratio");
    assert_string_equal(t->rows[0][12].text, "blocks");
    end();
}

/* Settings are told apart by what differs; the best of each is counted. */
static void test_settings(void **state)
{
    (void)state;
    begin();
    cell("a", "m", 64, 10, 6, 1);
    cell("b", "m", 64, 20, 6, 1);
    cell("a", "m", 512, 80, 6, 1);
    cell("b", "m", 512, 40, 6, 1);
    finish();
    assert_said(FINDING_SHOWN, "a is best in 1 of 2 settings, ahead of the next by 2.00\xC3\x97; b is best in 1 of 2");
    assert_string_equal(doc.tables[1].rows[0][2].text, "prompt_len 64");
    end();
}

/* Equal engines: no best one. Twice the same numbers is shown to be equivalent. */
static void test_equal(void **state)
{
    (void)state;
    begin();
    struct result_cell *a = cell("a", "m", 64, 10, 8, 1), *b = cell("b", "m", 64, 10, 8, 1);
    for (size_t i = 0; i < 8; i++) { /* either one wins half of the launches */
        a->requests[i].prefill_ms = i % 2 ? 10 : 12;
        b->requests[i].prefill_ms = i % 4 < 2 ? 10 : 12;
    }
    finish();
    assert_said(FINDING_OPEN, "Prefill: no best one was shown");
    assert_said(FINDING_OPEN, "Decode speed: a and b are equivalent");
    end();
}

/* A clock of its own, one sample, nothing measured: not ranked, and said so. */
static void test_left_out(void **state)
{
    (void)state;
    begin();
    cell("invented", "m", 64, 1, 6, 1)->clock = "virtual";
    cell("a", "m", 64, 10, 6, 1);
    cell("b", "m", 64, 20, 6, 1);
    cell("once", "m", 64, 5, 1, 1);
    cell("never", "m", 64, 5, 0, 0);
    finish();
    assert_said(FINDING_SHOWN, "Prefill: a is best, ahead of b");
    assert_said(FINDING_NOTE, "invented is not ranked");
    end();
    begin();
    cell("a", "m", 64, 10, 1, 1);
    cell("b", "m", 64, 20, 1, 1);
    finish();
    assert_said(FINDING_OPEN, "one sample each");
    end();
    begin();
    finish();
    assert_int_equal(doc.n_findings, 0);
    end();
}

/* One engine alone: its models are ranked. Requests of one launch: ranked, with a warning. */
static void test_models(void **state)
{
    (void)state;
    begin();
    cell("a", "small", 64, 10, 1, 9);
    cell("a", "large", 64, 30, 1, 9);
    finish();
    assert_said(FINDING_SHOWN, "small is best, ahead of large by 3.00\xC3\x97");
    assert_said(FINDING_NOTE, "2 of 2 comparisons are between requests of one launch");
    end();
}

/* Two machines: the contenders are told apart by their host. */
static void test_runs(void **state)
{
    (void)state;
    begin();
    results.n_runs = 2;
    cell("a", "m", 64, 10, 6, 1);
    cell("a", "m", 64, 20, 6, 1)->run = "r2";
    finish();
    assert_said(FINDING_SHOWN, "Prefill: a a is best, ahead of a b by 2.00\xC3\x97");
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_best),     cmocka_unit_test(test_settings), cmocka_unit_test(test_equal),
        cmocka_unit_test(test_left_out), cmocka_unit_test(test_models),   cmocka_unit_test(test_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
