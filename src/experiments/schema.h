/* schema.h - what a manifest may hold, as tables; and the checker that finds everything wrong with one at once.
 *
 *     static const struct schema_row config[] = {
 *         {.key = "prompt_lengths", .type = SCHEMA_LIST, .item = SCHEMA_INT, .required = true, .lo = 1, .hi = 1e6,
 *          .help = "prompt lengths to test"},
 *         {.key = "timed_runs", .type = SCHEMA_INT, .initial = "10", .lo = 1, .hi = 1e6, .help = "timed iterations"},
 *         {0}};
 *     struct schema_report report = SCHEMA_REPORT_INIT("demo.yaml");
 *     json_t *checked = schema_check(node, config, "targets[0].benchmarks[1].config", &report);
 *
 * The result is plain JSON with every default filled in and every alias resolved, so that nothing behind the checker
 * knows YAML. The same rows print docs/MANIFEST.md.
 *
 * Typing is the schema's, as YAML scalars are text: 42 is an integer where one is expected, `yes` is no boolean, and a
 * quoted scalar is always a string.
 */
#ifndef EXPERIMENTS_SCHEMA_H
#define EXPERIMENTS_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "base/alias.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/yaml.h"

enum schema_type {
    SCHEMA_TEXT,   /* any scalar that is not empty */
    SCHEMA_BOOL,   /* true, false */
    SCHEMA_INT,    /* in [lo, hi] */
    SCHEMA_NUMBER, /* in [lo, hi] */
    SCHEMA_WORD,   /* one of `words` */
    SCHEMA_LIST,   /* of `item` */
    SCHEMA_MAP,    /* of `rows` */
    SCHEMA_TABLE,  /* any keys, each a mapping of `rows` */
    SCHEMA_ANY     /* not looked into */
};

struct schema_report;

struct schema_row {
    const char *key;            /* the row without one ends the table */
    enum schema_type type;
    enum schema_type item;      /* of a LIST: a scalar type, MAP or ANY */
    bool required;
    const char *initial;        /* the default as it would be written: a scalar, or "[a, b]"; NULL: left out */
    double lo, hi;              /* of numbers; of a LIST: of its numbers */
    const char *words;          /* "a|b|c" for WORD */
    enum alias_kind alias;      /* names of other tools for the words, if has_alias */
    bool has_alias;
    const struct schema_row *rows; /* of MAP, TABLE, LIST of MAP */
    const char *short_key;      /* a MAP written as a scalar is a mapping with only this key */
    bool may_be_empty;          /* a LIST without items is fine */
    /* MAY. Checks one value further when it is well-formed, and may change it: a MAP's or LIST's item, or the value
     * itself. `node` is where it stands. */
    void (*check)(json_t *value, const struct yaml_node *node, const char *path, struct schema_report *report);
    const char *help;           /* one line */
};

/* Everything wrong, in the order of the file's reading. */
struct schema_report {
    const char *file;
    size_t n_errors;
    struct buf text; /* "FILE:LINE:COL: PATH: what" a line */
};
#define SCHEMA_REPORT_INIT(name) {.file = (name), .n_errors = 0, .text = BUF_INIT(1 << 18)}

void schema_complain(struct schema_report *r, const struct yaml_node *at, const char *path, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* A new object, or NULL when there is no memory. With errors in the report it holds what could be read. `extra` is a
 * key that is allowed beside the rows and not looked at (NULL: none). */
json_t *schema_check(const struct yaml_node *map, const struct schema_row *rows, const char *extra, const char *path,
                     struct schema_report *report);

/* Any node as JSON: scalars become numbers, booleans and null where they look like them and are not quoted. */
json_t *schema_any(const struct yaml_node *node);

/* The rows as a Markdown table. */
void schema_markdown(struct buf *b, const struct schema_row *rows);

#endif
