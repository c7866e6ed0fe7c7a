/* The generated Unicode tables hold together, and are of the version that unicode.h names. That they agree with the
 * reference, code point by code point, is checked by tools/gen_unicode.py, which writes them. */
#include "support/testing.h"

#include <string.h>

#include "base/str.h"
#include "tokenizers/unicode.h"
#include "tokenizers/unicode_data.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))
#define SURROGATE(cp) ((cp) >= 0xD800 && (cp) <= 0xDFFF)
#define CATEGORIES (UC_L | UC_M | UC_N | UC_P | UC_S | UC_Z | UC_C)

/* Two-stage tables: an index past the blocks would read another array. */
static void test_blocks(void **state)
{
    (void)state;
    assert_int_equal(COUNT(unicode_class_index) * 128, 0x110000);
    assert_int_equal(COUNT(unicode_ccc_index) * 128, 0x110000);
    for (size_t i = 0; i < COUNT(unicode_class_index); i++)
        assert_true((unicode_class_index[i] + 1u) * 128 <= COUNT(unicode_class_blocks));
    for (size_t i = 0; i < COUNT(unicode_ccc_index); i++)
        assert_true((unicode_ccc_index[i] + 1u) * 128 <= COUNT(unicode_ccc_blocks));
    for (size_t i = 0; i < COUNT(unicode_class_blocks); i++)
        assert_true((unicode_class_blocks[i] & 0x1F) < 30);
}

/* The numbers that the Unicode consortium publishes for 16.0.0; any other version has other ones. */
static void test_version(void **state)
{
    (void)state;
    size_t characters = 0, controls = 0, private_use = 0, spaces = 0, digits = 0;
    for (uint32_t cp = 0; cp <= 0x10FFFF; cp++) {
        uint32_t bits = unicode_bits(cp), category = bits & (uint32_t)CATEGORIES;
        if (SURROGATE(cp))
            continue;
        if (!category || (category & (category - 1)))
            fail_msg("U+%04X is of no or several categories: %08x", cp, bits);
        controls += (bits & UC_CC) != 0;
        private_use += (bits & UC_CO) != 0;
        spaces += (bits & UC_SPACE) != 0;
        digits += (bits & UC_ND) != 0;
        characters += !(bits & (UC_CN | UC_CC | UC_CO));
    }
    assert_int_equal(characters, 154998);
    assert_int_equal(controls, 65);
    assert_int_equal(private_use, 137468);
    assert_int_equal(spaces, 25);
    assert_int_equal(digits, 760);
    assert_int_equal(unicode_bits(0x110000), UC_CN);
    static const struct {
        uint32_t cp, bits;
    } known[] = {{'A', UC_LU}, {'z', UC_LL}, {'7', UC_ND}, {'_', UC_PC}, {'$', UC_SC}, {'^', UC_SK}, {'+', UC_SM}, {' ', UC_ZS},
                 {0x1C5, UC_LT}, {0x2B0, UC_LM}, {0x4E2D, UC_LO}, {0x301, UC_MN}, {0x903, UC_MC}, {0x20DD, UC_ME},
                 {0x2167, UC_NL}, {0xBD, UC_NO}, {0xAB, UC_PI}, {0xBB, UC_PF}, {0x2028, UC_ZL}, {0x2029, UC_ZP},
                 {0xAD, UC_CF}, {0xE000, UC_CO}, {0x378, UC_CN}, {0x1F642, UC_SO}, {0x1C89, UC_LU} /* new in 16.0 */};
    for (size_t i = 0; i < COUNT(known); i++)
        if (!(unicode_bits(known[i].cp) & known[i].bits))
            fail_msg("U+%04X: %08x lacks %08x", known[i].cp, unicode_bits(known[i].cp), known[i].bits);
    assert_false(unicode_bits(0x180E) & UC_SPACE); /* it was one before Unicode 6.3 */
    assert_true(unicode_bits(0x85) & UC_SPACE);
}

/* Searched by halves, so their first columns must rise. */
static void test_sorted(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(unicode_decompositions); i += 3) {
        const uint32_t *row = unicode_decompositions + i;
        assert_true(i == 0 || row[0] > row[-3]);
        assert_true(row[2] != 0); /* what has a canonical decomposition has a compatible one */
        for (int k = 1; k <= 2; k++)
            assert_true((row[k] == 0) || ((row[k] & 31) > 0 && (row[k] >> 5) + (row[k] & 31) <= COUNT(unicode_decomposed)));
    }
    for (size_t i = 3; i < COUNT(unicode_compositions); i += 3) {
        const uint32_t *row = unicode_compositions + i;
        assert_true(row[0] > row[-3] || (row[0] == row[-3] && row[1] > row[-2]));
    }
    for (size_t i = 2; i < COUNT(unicode_lower); i += 2)
        assert_true(unicode_lower[i] > unicode_lower[i - 2]);
    for (size_t i = 0; i < COUNT(unicode_odd_marks); i += 2) {
        assert_true(unicode_odd_marks[i] <= unicode_odd_marks[i + 1]);
        assert_true(i == 0 || unicode_odd_marks[i] > unicode_odd_marks[i - 1] + 1);
    }
}

static void form_of(enum normal_form form, const struct buf *from, struct buf *to)
{
    struct err err = ERR_INIT;
    buf_clear(to);
    assert_ok(unicode_normalize(form, from->data, from->len, to, &err));
}

/* The equalities that define the forms, for every code point behind a letter and before a mark. */
static void test_normal_forms(void **state)
{
    (void)state;
    struct buf text = BUF_INIT(256), c = BUF_INIT(256), d = BUF_INIT(256), kc = BUF_INIT(256), kd = BUF_INIT(256),
               again = BUF_INIT(256);
    const struct {
        enum normal_form form;
        const struct buf *of, *is;
    } laws[] = {{NORMAL_NFD, &d, &d},   {NORMAL_NFC, &c, &c},   {NORMAL_NFKD, &kd, &kd}, {NORMAL_NFKC, &kc, &kc},
                {NORMAL_NFC, &d, &c},   {NORMAL_NFD, &c, &d},   {NORMAL_NFKC, &kd, &kc}, {NORMAL_NFKD, &kc, &kd},
                {NORMAL_NFKD, &d, &kd}, {NORMAL_NFKC, &c, &kc}, {NORMAL_NFKC, &d, &kc},  {NORMAL_NFKD, &c, &kd}};
    for (uint32_t cp = 0; cp < 0x30000; cp++) {
        char bytes[4];
        if (SURROGATE(cp) || (cp >= 0x3400 && cp < 0xA000) || (cp >= 0x20000 && cp < 0x2F000)) /* Han: nothing there */
            continue;
        buf_clear(&text);
        buf_char(&text, 'a');
        buf_add(&text, bytes, utf8_encode(cp, bytes));
        buf_str(&text, "\xCC\x81\xCC\xA3");
        form_of(NORMAL_NFC, &text, &c);
        form_of(NORMAL_NFD, &text, &d);
        form_of(NORMAL_NFKC, &text, &kc);
        form_of(NORMAL_NFKD, &text, &kd);
        for (size_t i = 0; i < COUNT(laws); i++) {
            form_of(laws[i].form, laws[i].of, &again);
            if (again.len != laws[i].is->len || memcmp(again.data, laws[i].is->data, again.len) != 0)
                fail_msg("U+%04X: law %zu of the normal forms does not hold", cp, i);
        }
    }
    struct buf *all[] = {&text, &c, &d, &kc, &kd, &again};
    for (size_t i = 0; i < COUNT(all); i++)
        buf_release(all[i]);
}

static void test_lowercase(void **state)
{
    (void)state;
    struct buf once = BUF_INIT(64), twice = BUF_INIT(64);
    for (uint32_t cp = 0; cp <= 0x10FFFF; cp++) {
        char bytes[4];
        if (SURROGATE(cp))
            continue;
        buf_clear(&once);
        buf_clear(&twice);
        unicode_lowercase(bytes, utf8_encode(cp, bytes), &once);
        unicode_lowercase(once.data, once.len, &twice);
        if (once.len != twice.len || memcmp(once.data, twice.data, once.len) != 0)
            fail_msg("U+%04X: the lower case of its lower case is another", cp);
    }
    buf_release(&once);
    buf_release(&twice);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_blocks), cmocka_unit_test(test_version),
                                       cmocka_unit_test(test_sorted), cmocka_unit_test(test_normal_forms),
                                       cmocka_unit_test(test_lowercase)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
