/* CSV as RFC 4180 has it: what is quoted, what is read back, and which line a fault is on. */
#include "base/csv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support/alloc_fail.h"
#include "support/testing.h"

static void quotes_only_where_needed(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(1000);
    static const char *const cells[] = {"plain", "a,b", "say \"x\"", "two\nlines", "", " led", "ends ", "caf\xc3\xa9 x"};
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++) {
        csv_field(&b, cells[i]);
        buf_char(&b, ',');
    }
    csv_number(&b, 0.1);
    buf_char(&b, ',');
    csv_number(&b, NAN);
    buf_char(&b, ',');
    csv_number(&b, INFINITY);
    assert_string_equal(b.data, "plain,\"a,b\",\"say \"\"x\"\"\",\"two\nlines\",,\" led\",\"ends \",caf\xc3\xa9 x,0.1,,");
    buf_release(&b);
}

static void reads_both_line_ends_and_counts_lines(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct csv_reader r;
    struct csv_text f[4];
    const char text[] = "name,\"x\"\r\n\"a,\"\"b\"\"\",\"two\r\nlines\"\n\nlast,";
    csv_reader_init(&r, text, sizeof text - 1, "t.csv");
    assert_int_equal(csv_next(&r, f, 4, &err), 2);
    assert_int_equal(r.line, 1);
    assert_string_equal(f[1].data, "x");
    assert_int_equal(csv_next(&r, f, 4, &err), 2);
    assert_int_equal(r.line, 2);
    assert_string_equal(f[0].data, "a,\"b\"");
    assert_string_equal(f[1].data, "two\r\nlines");
    assert_int_equal(f[1].len, 10);
    assert_int_equal(csv_next(&r, f, 4, &err), 2);
    assert_int_equal(r.line, 5); /* the record before took two lines, and an empty one followed */
    assert_string_equal(f[0].data, "last");
    assert_string_equal(f[1].data, "");
    assert_int_equal(csv_next(&r, f, 4, &err), 0);
    assert_int_equal(csv_next(&r, f, 4, &err), 0);
    csv_reader_release(&r);
}

static int read_all(const char *text, size_t len, struct err *err)
{
    struct csv_reader r;
    struct csv_text f[2];
    int n;
    csv_reader_init(&r, text, len, "t.csv");
    while ((n = csv_next(&r, f, 2, err)) > 0)
        for (int i = 0; i < n; i++)
            if (f[i].data[f[i].len] != '\0')
                fail_msg("a field without its NUL");
    csv_reader_release(&r);
    return n;
}

static void names_the_line_of_a_fault(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    static const struct {
        const char *text, *fault;
    } cases[] = {
        {"a,b\n1,2\n\"x\ny,3\n4,5\n", "'t.csv':3: a quote opens"},
        {"a,b\n\"\n\"1,3\n", "'t.csv':3: text behind a closing quote"},
        {"a,b\n\"\n\",1\n1,2,3\n", "'t.csv':4: more than 2 fields"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_err(read_all(cases[i].text, strlen(cases[i].text), &err), ERR_INPUT, cases[i].fault);
}

/* Each cut lies in memory of just its size: the sanitizers see a read behind it. */
static void survives_every_cut(void **state)
{
    (void)state;
    const char text[] = "a,\"b\"\r\n\"x\"\"\",1\r\n\xc3\xa9,2\n\r";
    for (size_t len = 0; len < sizeof text; len++) {
        char *copy = malloc(len + !len);
        assert_non_null(copy);
        memcpy(copy, text, len);
        struct err err = ERR_INIT;
        if (read_all(copy, len, &err) < 0)
            assert_true(err.text[0] != '\0');
        free(copy);
    }
}

static void what_is_written_reads_back(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    static const double values[] = {0.1, 1.0 / 3, 5e-324, 1.7976931348623157e308, -0.0, 123456789012345678.0};
    static const char *const texts[] = {"a,b", "\"", "\"\"", "\r\n", " ", ",\n\"", "x"};
    struct buf b = BUF_INIT(4000);
    struct csv_reader r;
    struct csv_text f[20];
    for (size_t i = 0; i < 6; i++) {
        csv_number(&b, values[i]);
        buf_char(&b, ',');
    }
    for (size_t i = 0; i < 7; i++) {
        csv_field(&b, texts[i]);
        buf_char(&b, i < 6 ? ',' : '\n');
    }
    csv_reader_init(&r, b.data, b.len, "t.csv");
    assert_int_equal(csv_next(&r, f, 20, &err), 13);
    for (size_t i = 0; i < 6; i++) {
        double x = strtod(f[i].data, NULL);
        assert_memory_equal(&x, &values[i], sizeof x);
    }
    for (size_t i = 0; i < 7; i++)
        assert_string_equal(f[6 + i].data, texts[i]);
    csv_reader_release(&r);
    buf_release(&b);
}

static int attempt(void *arg, struct err *err)
{
    (void)arg;
    const char text[] = "first,second\nsome text,1\nmore of it,2\n";
    return read_all(text, sizeof text - 1, err);
}

static void survives_out_of_memory(void **state)
{
    (void)state;
    assert_true(assert_survives_out_of_memory(attempt, NULL) >= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quotes_only_where_needed),
        cmocka_unit_test(reads_both_line_ends_and_counts_lines),
        cmocka_unit_test(names_the_line_of_a_fault),
        cmocka_unit_test(survives_every_cut),
        cmocka_unit_test(what_is_written_reads_back),
        cmocka_unit_test(survives_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
