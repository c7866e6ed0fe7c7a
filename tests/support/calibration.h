/* calibration.h - the statistics put to the test on data whose truth is known: false positives and coverage.
 *
 * Each row is a share measured over seeded trials, with the band in which it must lie. A row whose band starts above
 * the nominal level is a wrong analysis that must be caught being wrong: it shows that the check can fail.
 */
#ifndef SUPPORT_CALIBRATION_H
#define SUPPORT_CALIBRATION_H

#include <stddef.h>

struct calibration_row {
    const char *group; /* heading of the table */
    char what[128];
    double nominal, measured, lo, hi;
};

#define CALIBRATION_MAX_ROWS 96

/* Runs all of it with so many trials a row; returns the number of rows. */
size_t calibration_run(struct calibration_row rows[CALIBRATION_MAX_ROWS], size_t trials);

#endif
