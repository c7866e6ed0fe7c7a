/* json.h - reads JSON by jansson into json_t, and gets typed values out of it with errors that help.
 *
 *     json_t *root = json_read(path, 64 << 20, err);                  // NULL: err names file, line and column
 *     TRY(json_get_int(&n, root, "layers", 1, 1024, "'config.json'", err));
 *     TRY(json_get_text(&name, root, "name", "'config.json'", err));  // borrowed from root
 *     json_decref(root);
 *
 * Duplicate keys are refused. A key that must be there and is not, or has another type, is ERR_INPUT naming the key,
 * what was found and what was expected. `what` says whose key it is. The `_opt_` forms leave *out alone when the key is
 * absent or null.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"

/* A new reference; NULL and err. `name` is what errors call the text. */
json_t *json_parse(const char *text, size_t len, const char *name, struct err *err);
json_t *json_read(const char *path, size_t max, struct err *err); /* "-": standard input */

int json_get_int(int64_t *out, const json_t *object, const char *key, int64_t lo, int64_t hi, const char *what,
                 struct err *err);
int json_get_number(double *out, const json_t *object, const char *key, const char *what, struct err *err);
int json_get_bool(bool *out, const json_t *object, const char *key, const char *what, struct err *err);
/* Borrowed from the object. A text with a NUL in it is refused. */
int json_get_text(const char **out, const json_t *object, const char *key, const char *what, struct err *err);
int json_get_array(const json_t **out, const json_t *object, const char *key, const char *what, struct err *err);
int json_get_object(const json_t **out, const json_t *object, const char *key, const char *what, struct err *err);

int json_opt_int(int64_t *out, const json_t *object, const char *key, int64_t lo, int64_t hi, const char *what,
                 struct err *err);
int json_opt_number(double *out, const json_t *object, const char *key, const char *what, struct err *err);
int json_opt_bool(bool *out, const json_t *object, const char *key, const char *what, struct err *err);
int json_opt_text(const char **out, const json_t *object, const char *key, const char *what, struct err *err);

/* "an object", "a text", ... for messages; NULL gives "nothing". */
const char *json_kind_name(const json_t *v);

/* Appends the value, numbers as json_out writes them: in one line, or with an indent of two spaces. The canonical form
 * is one line with keys sorted by their bytes: equal values give equal bytes, for hashing. At most 60 levels deep. */
int json_write(struct buf *out, const json_t *v, struct err *err);
int json_write_pretty(struct buf *out, const json_t *v, struct err *err);
int json_write_canonical(struct buf *out, const json_t *v, struct err *err);

#endif
