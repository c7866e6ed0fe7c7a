/* golden.h - expected numbers from a JSON file of the tree, compared with a tolerance; null stands for NaN. */
#ifndef SUPPORT_GOLDEN_H
#define SUPPORT_GOLDEN_H

#include <jansson.h>
#include <stddef.h>

/* The file under the source tree ("tests/stats/stat_vectors.json"); the test fails if it cannot be read. */
json_t *golden_load(const char *path);

/* A path of keys and indices, "expected.steps.2.S"; the test fails, naming the path, if nothing is there. */
json_t *golden_at(json_t *root, const char *path);

double golden_number(json_t *root, const char *path); /* a number, a boolean as 0 or 1, null as NaN */
const char *golden_text(json_t *root, const char *path);
size_t golden_count(json_t *root, const char *path);
/* The numbers of an array, in new memory that lives until the process ends; *n receives how many. */
const double *golden_numbers(size_t *n, json_t *root, const char *path);

/* got against the number at the path: |got - want| <= tol max(1, |want|), tol 0 exact, NaN equals null. */
void golden_check(double got, json_t *root, const char *path, double tol);

#endif
