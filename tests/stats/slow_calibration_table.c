/* test_calibration.c with 10 000 trials a row, printed as the table of docs/STATISTICS.md:
 *     ctest --test-dir build -C full -R stats/calibration_table -V */
#include "support/testing.h"

#include <stdio.h>

#include "support/calibration.h"

static void the_table(void **state)
{
    (void)state;
    static struct calibration_row rows[CALIBRATION_MAX_ROWS];
    size_t n = calibration_run(rows, 10000), wrong = 0;
    const char *group = "";
    for (size_t i = 0; i < n; i++) {
        const struct calibration_row *r = &rows[i];
        if (group != r->group) {
            printf("\n**%s**\n\n| what | nominal | measured | must lie in |\n|---|---|---|---|\n", r->group);
            group = r->group;
        }
        int ok = r->measured >= r->lo && r->measured <= r->hi;
        printf("| %s | %.3f | %.4f | %.4f to %.4f%s |\n", r->what, r->nominal, r->measured, r->lo, r->hi,
               ok ? "" : " **it does not**");
        wrong += !ok;
    }
    fflush(stdout);
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_table)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
