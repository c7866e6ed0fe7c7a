/* json, clock, uuid: reading with positions, typed getters, canonical bytes. */
#include "support/testing.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/uuid.h"

#define PARSE(text) json_parse(text, strlen(text), "f.json", &err)

static void errors_name_file_line_and_column(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    assert_null(PARSE("{\"a\": 1,\n \"a\": 2}"));
    assert_non_null(strstr(err.text, "'f.json':2:"));
    assert_non_null(strstr(err.text, "duplicate"));
    const char *bad[] = {"", "{", "[1,]", "{\"a\" 1}", "nul", "\"\xff\"", "[1] 2", "{\"a\":1e999}", "\x01"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        err_clear(&err);
        assert_null(PARSE(bad[i]));
        assert_int_equal(err.code, ERR_INPUT);
    }
    char *deep = malloc(100000);
    assert_non_null(deep);
    memset(deep, '[', 100000);
    err_clear(&err);
    assert_null(json_parse(deep, 100000, "deep", &err));
    free(deep);
    err_clear(&err);
    assert_null(json_read("/no/such/file.json", 100, &err));
    assert_int_equal(err.code, ERR_IO);
}

static void getters_say_what_was_found(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    json_t *v = PARSE("{\"n\": 7, \"x\": 1.5, \"s\": \"t\", \"z\": \"a\\u0000b\", \"b\": true, \"nothing\": null, \"l\": []}");
    assert_non_null(v);
    int64_t n = 0;
    double x = 0;
    const char *s = NULL;
    bool b = false;
    const json_t *part = NULL;
    assert_ok(json_get_int(&n, v, "n", 0, 7, "'f.json'", &err));
    assert_int_equal(n, 7);
    assert_ok(json_get_number(&x, v, "n", "'f.json'", &err));
    assert_true(x == 7);
    assert_ok(json_get_text(&s, v, "s", "'f.json'", &err));
    assert_string_equal(s, "t");
    assert_ok(json_get_bool(&b, v, "b", "'f.json'", &err));
    assert_true(b);
    assert_ok(json_get_array(&part, v, "l", "'f.json'", &err));
    assert_err(json_get_int(&n, v, "n", 0, 6, "'f.json'", &err), ERR_INPUT, "'n' is 7, outside 0 to 6");
    assert_err(json_get_int(&n, v, "x", 0, 6, "'f.json'", &err), ERR_INPUT, "'x' is a number with a fraction");
    assert_err(json_get_text(&s, v, "q", "'f.json'", &err), ERR_INPUT, "'f.json': 'q' is missing, expected a text");
    assert_err(json_get_text(&s, v, "z", "'f.json'", &err), ERR_INPUT, "NUL");
    assert_err(json_get_bool(&b, v, "s", "'f.json'", &err), ERR_INPUT, "'s' is a text, expected true or false");
    assert_err(json_get_object(&part, v, "l", "'f.json'", &err), ERR_INPUT, "'l' is an array");
    n = 3;
    assert_ok(json_opt_int(&n, v, "nothing", 0, 9, "'f.json'", &err));
    assert_ok(json_opt_int(&n, v, "absent", 0, 9, "'f.json'", &err));
    assert_int_equal(n, 3);
    assert_err(json_opt_int(&n, v, "s", 0, 9, "'f.json'", &err), ERR_INPUT, "expected an integer");
    json_decref(v);
}

static void canonical_form_does_not_depend_on_order_or_spelling(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct buf a = BUF_INIT(1000), b = BUF_INIT(1000);
    json_t *v = PARSE("{\"b\": [1, 0.1, 1e2], \"a\": {\"z\": null, \"y\": \"\\u00e9\"}}");
    json_t *w = PARSE("{\"a\":{\"y\":\"\xc3\xa9\",\"z\":null},\"b\":[1,0.10,100.0]}");
    assert_ok(json_write_canonical(&a, v, &err));
    assert_ok(json_write_canonical(&b, w, &err));
    assert_string_equal(a.data, b.data);
    assert_non_null(strstr(a.data, "\"b\":[1,0.1,1"));
    assert_true(a.data[2] == 'a');
    buf_clear(&a);
    assert_ok(json_write(&a, v, &err));
    assert_true(a.data[2] == 'b'); /* without sorting: the order it was read in */
    json_decref(v);
    json_decref(w);
    json_t *deep = json_array();
    for (int i = 0; i < 70; i++) {
        json_t *outer = json_array();
        json_array_append_new(outer, deep);
        deep = outer;
    }
    assert_err(json_write(&a, deep, &err), ERR_INPUT, "levels");
    json_decref(deep);
    buf_release(&a);
    buf_release(&b);
}

static void uuid_is_the_one_of_the_standard(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    char text[UUID_TEXT], other[UUID_TEXT];
    /* RFC 9562, appendix A.6 */
    const uint8_t random[10] = {0x0C, 0xC3, 0x18, 0xC4, 0xDC, 0x0C, 0x0C, 0x07, 0x39, 0x8F};
    uuid_from(text, 0x017F22E279B0, random);
    assert_string_equal(text, "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
    assert_ok(uuid_make(text, &err));
    assert_ok(uuid_make(other, &err));
    assert_string_not_equal(text, other);
    assert_int_equal(text[14], '7');
    assert_non_null(strchr("89ab", text[19]));
}

static void clocks_run_forward_and_dates_are_utc(void **state)
{
    (void)state;
    char text[32];
    assert_string_equal(clock_iso(0, text), "1970-01-01T00:00:00.000Z");
    assert_string_equal(clock_iso(1709210096789, text), "2024-02-29T12:34:56.789Z");
    assert_string_equal(clock_iso(-1, text), "1969-12-31T23:59:59.999Z");
    int64_t before = clock_ns();
    clock_sleep_ns(2000000);
    assert_true(clock_ns() - before >= 2000000);
    assert_true(clock_resolution_ns() > 0);
    assert_true(clock_overhead_ns() >= 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_name_file_line_and_column),
        cmocka_unit_test(getters_say_what_was_found),
        cmocka_unit_test(canonical_form_does_not_depend_on_order_or_spelling),
        cmocka_unit_test(uuid_is_the_one_of_the_standard),
        cmocka_unit_test(clocks_run_forward_and_dates_are_utc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
