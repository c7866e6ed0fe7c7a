#include "support/golden.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/testing.h"

json_t *golden_load(const char *path)
{
    char full[4096];
    snprintf(full, sizeof full, "%s/%s", SOURCE_DIR, path);
    json_error_t e;
    json_t *root = json_load_file(full, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &e);
    if (!root)
        fail_msg("'%s':%d:%d: %s", full, e.line, e.column, e.text);
    return root;
}

json_t *golden_at(json_t *root, const char *path)
{
    json_t *at = root;
    const char *p = path;
    while (at && *p) {
        char key[128];
        size_t len = strcspn(p, ".");
        assert_true(len < sizeof key);
        memcpy(key, p, len);
        key[len] = '\0';
        if (json_is_array(at)) {
            char *end;
            size_t i = (size_t)strtoul(key, &end, 10);
            at = *end ? NULL : json_array_get(at, i);
        } else {
            at = json_object_get(at, key);
        }
        p += len + (p[len] == '.');
    }
    if (!at)
        fail_msg("nothing at '%s'", path);
    return at;
}

static double number(json_t *v, const char *path)
{
    if (json_is_null(v))
        return NAN;
    if (json_is_boolean(v))
        return json_is_true(v);
    if (!json_is_number(v))
        fail_msg("'%s' is not a number", path);
    return json_number_value(v);
}

double golden_number(json_t *root, const char *path)
{
    return number(golden_at(root, path), path);
}

const char *golden_text(json_t *root, const char *path)
{
    const char *s = json_string_value(golden_at(root, path));
    if (!s)
        fail_msg("'%s' is not a text", path);
    return s;
}

size_t golden_count(json_t *root, const char *path)
{
    return json_array_size(golden_at(root, path));
}

/* What golden_numbers gave, to free at exit: the leak checker must stay quiet about everything else. */
static double **given;
static size_t given_count;

static void free_given(void)
{
    for (size_t i = 0; i < given_count; i++)
        free(given[i]);
    free(given);
}

const double *golden_numbers(size_t *n, json_t *root, const char *path)
{
    json_t *a = golden_at(root, path);
    if (!json_is_array(a))
        fail_msg("'%s' is not an array", path);
    *n = json_array_size(a);
    double *x = malloc((*n ? *n : 1) * sizeof *x);
    double **more = realloc(given, (given_count + 1) * sizeof *given);
    if (!x || !more)
        abort();
    given = more;
    if (given_count++ == 0)
        atexit(free_given);
    given[given_count - 1] = x;
    for (size_t i = 0; i < *n; i++)
        x[i] = number(json_array_get(a, i), path);
    return x;
}

void golden_check(double got, json_t *root, const char *path, double tol)
{
    assert_close(got, golden_number(root, path), tol, path);
}
