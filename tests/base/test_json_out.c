/* JSON that is written: exact bytes, and read back by jansson it is what was meant. */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "base/json_out.h"
#include "base/rng.h"
#include "support/testing.h"

static struct buf text = BUF_INIT(1 << 20);
static struct err err;

static void test_bytes(void **state)
{
    (void)state;
    struct json_out j = JSON_OUT_INIT(&text);
    buf_clear(&text);
    json_out_open(&j, '{');
    json_out_key(&j, "a\"b");
    json_out_open(&j, '[');
    json_out_int(&j, -3);
    json_out_number(&j, 0.1);
    json_out_number(&j, NAN);
    json_out_number(&j, -INFINITY);
    json_out_bool(&j, true);
    json_out_text(&j, NULL);
    json_out_open(&j, '[');
    json_out_close(&j);
    json_out_close(&j);
    json_out_key(&j, "t");
    json_out_text_len(&j, "x\0\n\x1b\\\xff\xed\xa0\x80y", 10);
    json_out_key(&j, "o");
    json_out_open(&j, '{');
    json_out_close(&j);
    json_out_close(&j);
    assert_ok(buf_check(&text, &err));
    assert_string_equal(text.data, "{\"a\\\"b\":[-3,0.1,null,null,true,null,[]],\"t\":\"x\\u0000\\n\\u001b\\\\"
                                   "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBDy\",\"o\":{}}");
}

static void test_pretty(void **state)
{
    (void)state;
    struct json_out j = JSON_OUT_PRETTY(&text);
    buf_clear(&text);
    json_out_open(&j, '{');
    json_out_key(&j, "a");
    json_out_open(&j, '[');
    json_out_int(&j, 1);
    json_out_int(&j, 2);
    json_out_close(&j);
    json_out_key(&j, "e");
    json_out_open(&j, '[');
    json_out_close(&j);
    json_out_close(&j);
    assert_string_equal(text.data, "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"e\": []\n}");
}

/* Any double and any bytes: jansson reads the document, and the number is the same bits. */
static void test_round_trip(void **state)
{
    (void)state;
    struct rng rng;
    rng_init(&rng, 1);
    for (int i = 0; i < 2000; i++) {
        uint64_t bits = rng_next(&rng);
        double x;
        char bytes[24];
        memcpy(&x, &bits, 8);
        if (!isfinite(x))
            continue;
        for (size_t k = 0; k < sizeof bytes; k++)
            bytes[k] = (char)(1 + rng_below(&rng, 255));
        struct json_out j = JSON_OUT_INIT(&text);
        buf_clear(&text);
        json_out_open(&j, '[');
        json_out_number(&j, x);
        json_out_text_len(&j, bytes, sizeof bytes);
        json_out_close(&j);
        assert_ok(buf_check(&text, &err));
        json_t *read = json_loadb(text.data, text.len, 0, NULL);
        assert_non_null(read);
        double back = json_number_value(json_array_get(read, 0));
        assert_true(back == x);
        assert_true(json_is_string(json_array_get(read, 1)));
        json_decref(read);
    }
}

static void test_too_deep(void **state)
{
    (void)state;
    struct json_out j = JSON_OUT_INIT(&text);
    buf_clear(&text);
    for (int i = 0; i < 100; i++)
        json_out_open(&j, '[');
    assert_int_equal(buf_check(&text, &err), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_bytes), cmocka_unit_test(test_pretty),
                                       cmocka_unit_test(test_round_trip), cmocka_unit_test(test_too_deep)};
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    buf_release(&text);
    return failed;
}
