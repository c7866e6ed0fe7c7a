/* The harness on data whose truth is known: false positives and coverage within their bands, and wrong analyses caught.
 * slow_calibration_table.c does the same with ten times the trials and prints the table of docs/STATISTICS.md. */
#include "support/testing.h"

#include <string.h>

#include "support/calibration.h"

static void shares_lie_in_their_bands(void **state)
{
    (void)state;
    static struct calibration_row rows[CALIBRATION_MAX_ROWS];
    size_t n = calibration_run(rows, 1000), wrong = 0, teeth = 0;
    for (size_t i = 0; i < n; i++) {
        const struct calibration_row *r = &rows[i];
        teeth += strstr(r->what, "(naive)") && (r->lo > r->nominal || r->hi < r->nominal);
        if (r->measured < r->lo || r->measured > r->hi) {
            print_error("%s\n  %s: measured %.4f, expected %.4f to %.4f\n", r->group, r->what, r->measured, r->lo,
                        r->hi);
            wrong++;
        }
    }
    if (wrong)
        fail_msg("%zu of %zu rows are out of their bands", wrong, n);
    assert_int_equal(teeth, 3); /* naive on AR(1) and on drift, the plain bootstrap of dependent samples */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(shares_lie_in_their_bands)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
