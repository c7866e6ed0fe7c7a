/* yaml.h - reads YAML into a tree that knows where everything stood.
 *
 * Aliases and merge keys are resolved within a budget of nodes, so that an alias bomb is refused in bounded memory.
 * Scalars stay text: what type they have is the reader's to decide. Duplicate keys, tabs and a second document are errors.
 */
#ifndef BASE_YAML_H
#define BASE_YAML_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };

struct yaml_node {
    enum yaml_kind kind;
    int line, col;
    const char *text;
    bool quoted;
    size_t n;
    struct yaml_node **keys, **items;
};

struct yaml;
int yaml_parse(struct yaml **out, const char *text, size_t len, const char *name, struct err *err);
const struct yaml_node *yaml_root(const struct yaml *y);
const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key);
bool yaml_is_null(const struct yaml_node *n);
void yaml_free(struct yaml *y);

#endif
