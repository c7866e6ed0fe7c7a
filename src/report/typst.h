/* typst.h - from a .typ file to PDF by typst, which is no part of prony: the program on PATH, or the Python package. */
#ifndef REPORT_TYPST_H
#define REPORT_TYPST_H

#include <stdbool.h>

#include "base/err.h"

#define TYPST_VERSION "0.15.0" /* of the package on PyPI that presentations are tested with */

/* Writes `pdf`. Without typst nothing is written and *found is false: not an error, and typst_how_to_get says more. */
int typst_compile(bool *found, const char *typ, const char *pdf, struct err *err);
const char *typst_how_to_get(void);

#endif
