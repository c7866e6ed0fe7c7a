/* Any bytes as YAML: a tree whose every node can be walked, or an error. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t walk(const struct yaml_node *n)
{
    size_t total = n->kind == YAML_SCALAR ? strlen(n->text) : 1;
    for (size_t i = 0; n->kind != YAML_SCALAR && i < n->n; i++) {
        if (n->kind == YAML_MAP && !yaml_get(n, n->keys[i]->text))
            abort();
        total += walk(n->items[i]);
    }
    return total;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = ERR_INIT;
    struct yaml *y;
    if (yaml_parse(&y, (const char *)data, size, "fuzz", &err) < 0) {
        if (err.code == ERR_NONE)
            abort();
        return 0;
    }
    walk(yaml_root(y));
    yaml_free(y);
    return 0;
}
