/* Scanners: each family cuts as its regular expression does, and gaps and odd spaces fall where they should. */
#include "support/testing.h"

#include <stdio.h>
#include <string.h>

#include "tokenizers/scan.h"

/* Cuts `text` and compares with `wanted`, whose pieces are separated by '|'. */
static void check_cut(const char *regex, const char *text, const char *wanted)
{
    struct err err = ERR_INIT;
    struct scanner *s;
    struct scan_state st = {0};
    char got[512] = "";
    size_t at = 0, from, to, len = strlen(text);
    assert_ok(scanner_new(&s, regex, strlen(regex), &err));
    while (scanner_find(s, &st, text, len, at, &from, &to, &err) > 0) {
        size_t n = strlen(got);
        snprintf(got + n, sizeof got - n, "%s%.*s", n ? "|" : "", (int)(to - from), text + from);
        at = to;
    }
    assert_string_equal(got, wanted);
    scan_state_release(&st);
    scanner_free(s);
}

static void test_families(void **state)
{
    (void)state;
    check_cut(SCAN_GPT2, "I'll  go\n\n now 12'S!?", "I|'ll| | go|\n\n| now| 12|'|S|!?");
    check_cut(SCAN_GPT2, "a  ", "a|  ");
    check_cut(SCAN_LLAMA3, "I'LL see\xE2\x80\x93it 12345 (x)\r\n\r\n  y ", "I|'LL| see|\xE2\x80\x93it| |123|45| (|x|)\r\n\r\n| | y| ");
    check_cut(SCAN_LLAMA3, "it'\xC5\xBF", "it|'\xC5\xBF"); /* the long s is an s to a pattern blind to case */
    check_cut(SCAN_QWEN2, "a123  b\t\n c", "a|1|2|3| | b|\t\n| c");
    check_cut(SCAN_GPT4O, "HelloWorld HTTPServer's x/", "Hello|World| HTTPServer's| x|/");
    check_cut(SCAN_TEKKEN, "it's 12", "it|'s| |1|2");
    check_cut(SCAN_DEEPSEEK3, "a+b .foo\n\n12", "a|+b| .|foo|\n\n");
}

static void test_classes(void **state)
{
    (void)state;
    check_cut("\\s?\\p{L}+", "ab cd  1e", "ab| cd|e");
    check_cut("\\p{N}{1,3}", "1234567 89", "123|456|7|89");
    check_cut("[0-9][0-9][0-9]", "1234567 89", "123|456");
    check_cut("[^a-c\\s]+", "abxy zc", "xy|z");
    check_cut("\\s+$", "a  b \n  ", " \n  ");
    check_cut("\\s+$", "  \n x", "  ");
}

static void test_fallback(void **state)
{
    (void)state;
    check_cut("a(?=b)|c{2}", "abaccc", "a|cc");
    struct err err = ERR_INIT;
    struct scanner *s;
    assert_err(scanner_new(&s, "(a", 2, &err), ERR_UNSUPPORTED, "regular expression");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_families), cmocka_unit_test(test_classes),
                                       cmocka_unit_test(test_fallback)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
