#include "base/json.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json_out.h"
#include "base/mem.h"

json_t *json_parse(const char *text, size_t len, const char *name, struct err *err)
{
    json_error_t e;
    if (len == 0) {
        err_set(err, ERR_INPUT, "'%s': nothing there, expected JSON", name);
        return NULL;
    }
    json_t *v = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &e);
    if (!v && json_error_code(&e) == json_error_out_of_memory)
        err_set(err, ERR_MEMORY, "'%s': out of memory", name);
    else if (!v)
        err_set(err, ERR_INPUT, "'%s':%d:%d: %s", name, e.line, e.column, e.text);
    return v;
}

json_t *json_read(const char *path, size_t max, struct err *err)
{
    struct buf text = BUF_INIT(max + 65536);
    json_t *v = NULL;
    if (file_read(&text, path, max, err) == 0)
        v = json_parse(text.data ? text.data : "", text.len, strcmp(path, "-") ? path : "standard input", err);
    buf_release(&text);
    return v;
}

const char *json_kind_name(const json_t *v)
{
    if (!v)
        return "nothing";
    switch (json_typeof(v)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return "a text";
    case JSON_INTEGER:
        return "an integer";
    case JSON_REAL:
        return "a number with a fraction";
    case JSON_TRUE:
        return "true";
    case JSON_FALSE:
        return "false";
    case JSON_NULL:
        return "null";
    }
    return "something unknown";
}

static int wrong(const json_t *v, const char *key, const char *expected, const char *what, struct err *err)
{
    return err_set(err, ERR_INPUT, "%s: '%s' is %s, expected %s", what, key, v ? json_kind_name(v) : "missing", expected);
}

int json_get_int(int64_t *out, const json_t *object, const char *key, int64_t lo, int64_t hi, const char *what,
                 struct err *err)
{
    const json_t *v = json_object_get(object, key);
    if (!json_is_integer(v))
        return wrong(v, key, "an integer", what, err);
    int64_t n = json_integer_value(v);
    if (n < lo || n > hi)
        return err_set(err, ERR_INPUT, "%s: '%s' is %lld, outside %lld to %lld", what, key, (long long)n, (long long)lo,
                       (long long)hi);
    *out = n;
    return 0;
}

int json_get_number(double *out, const json_t *object, const char *key, const char *what, struct err *err)
{
    const json_t *v = json_object_get(object, key);
    if (!json_is_number(v))
        return wrong(v, key, "a number", what, err);
    *out = json_number_value(v);
    return 0;
}

int json_get_bool(bool *out, const json_t *object, const char *key, const char *what, struct err *err)
{
    const json_t *v = json_object_get(object, key);
    if (!json_is_boolean(v))
        return wrong(v, key, "true or false", what, err);
    *out = json_is_true(v);
    return 0;
}

int json_get_text(const char **out, const json_t *object, const char *key, const char *what, struct err *err)
{
    const json_t *v = json_object_get(object, key);
    if (!json_is_string(v))
        return wrong(v, key, "a text", what, err);
    if (strlen(json_string_value(v)) != json_string_length(v))
        return err_set(err, ERR_INPUT, "%s: '%s' holds a NUL character", what, key);
    *out = json_string_value(v);
    return 0;
}

int json_get_array(const json_t **out, const json_t *object, const char *key, const char *what, struct err *err)
{
    const json_t *v = json_object_get(object, key);
    if (!json_is_array(v))
        return wrong(v, key, "an array", what, err);
    *out = v;
    return 0;
}

int json_get_object(const json_t **out, const json_t *object, const char *key, const char *what, struct err *err)
{
    const json_t *v = json_object_get(object, key);
    if (!json_is_object(v))
        return wrong(v, key, "an object", what, err);
    *out = v;
    return 0;
}

static bool absent(const json_t *object, const char *key)
{
    const json_t *v = json_object_get(object, key);
    return !v || json_is_null(v);
}

int json_opt_int(int64_t *out, const json_t *object, const char *key, int64_t lo, int64_t hi, const char *what,
                 struct err *err)
{
    return absent(object, key) ? 0 : json_get_int(out, object, key, lo, hi, what, err);
}

int json_opt_number(double *out, const json_t *object, const char *key, const char *what, struct err *err)
{
    return absent(object, key) ? 0 : json_get_number(out, object, key, what, err);
}

int json_opt_bool(bool *out, const json_t *object, const char *key, const char *what, struct err *err)
{
    return absent(object, key) ? 0 : json_get_bool(out, object, key, what, err);
}

int json_opt_text(const char **out, const json_t *object, const char *key, const char *what, struct err *err)
{
    return absent(object, key) ? 0 : json_get_text(out, object, key, what, err);
}

enum { DEPTH_MAX = 60 }; /* json_out has room for 64 */

static int write_value(struct json_out *j, const json_t *v, bool sorted, int depth, struct err *err);

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int write_object(struct json_out *j, const json_t *v, bool sorted, int depth, struct err *err)
{
    size_t n = json_object_size(v), at = 0;
    const char **keys = mem_alloc(n, sizeof *keys, err);
    if (!keys)
        return -1;
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)v, key, value) /* jansson's iterator takes no const */
        keys[at++] = key;
    if (sorted)
        qsort(keys, n, sizeof *keys, by_bytes);
    int rc = 0;
    json_out_open(j, '{');
    for (size_t i = 0; i < n && rc == 0; i++) {
        json_out_key(j, keys[i]);
        rc = write_value(j, json_object_get(v, keys[i]), sorted, depth + 1, err);
    }
    json_out_close(j);
    free(keys);
    return rc;
}

static int write_value(struct json_out *j, const json_t *v, bool sorted, int depth, struct err *err)
{
    if (depth > DEPTH_MAX)
        return err_set(err, ERR_INPUT, "JSON nested more than %d levels deep", DEPTH_MAX);
    if (json_is_object(v))
        return write_object(j, v, sorted, depth, err);
    if (json_is_array(v)) {
        json_out_open(j, '[');
        for (size_t i = 0; i < json_array_size(v); i++)
            TRY(write_value(j, json_array_get(v, i), sorted, depth + 1, err));
        json_out_close(j);
    } else if (json_is_string(v)) {
        json_out_text_len(j, json_string_value(v), json_string_length(v));
    } else if (json_is_integer(v)) {
        json_out_int(j, json_integer_value(v));
    } else if (json_is_real(v)) {
        json_out_number(j, json_real_value(v));
    } else if (json_is_boolean(v)) {
        json_out_bool(j, json_is_true(v));
    } else {
        json_out_null(j);
    }
    return 0;
}

static int write_as(struct buf *out, const json_t *v, int indent, bool sorted, struct err *err)
{
    struct json_out j = {.out = out, .indent = indent};
    TRY(write_value(&j, v, sorted, 0, err));
    return buf_check(out, err);
}

int json_write(struct buf *out, const json_t *v, struct err *err)
{
    return write_as(out, v, 0, false, err);
}

int json_write_pretty(struct buf *out, const json_t *v, struct err *err)
{
    return write_as(out, v, 2, false, err);
}

int json_write_canonical(struct buf *out, const json_t *v, struct err *err)
{
    return write_as(out, v, 0, true, err);
}
