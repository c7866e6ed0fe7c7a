/* Built from libfyaml's events, not its documents: those copy what an alias points to, which lets nine lines of aliases
 * take gigabytes. Here an alias is the same node again, and what a tree would be if it were written out is counted. */
#include "base/yaml.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libfyaml.h>

#include "base/arena.h"
#include "base/mem.h"
#include "base/str.h"

enum { DEPTH_MAX = 64, ANCHORS_MAX = 1000, MEMORY_MAX = 512 << 20 };
static const uint64_t expanded_max = 1000000;

struct anchor {
    const char *name;
    struct yaml_node *node;
};

struct yaml {
    struct arena memory;
    struct yaml_node *root;
};

/* A node while the tree is built: how many nodes it is, written out. */
struct building {
    struct yaml_node node; /* first: the two are one pointer */
    uint64_t expanded;
};

struct reader {
    struct yaml *y;
    const char *name, *text;
    size_t len;
    struct fy_parser *parser;
    struct fy_diag *diag;
    struct anchor *anchors;
    size_t n_anchors, cap_anchors;
    uint64_t n_merged; /* pairs that `<<` brought in, in all */
    int depth;
    struct err *err;
};

static int wrong(struct reader *r, const struct fy_mark *at, const char *what, const char *subject)
{
    return err_set(r->err, ERR_INPUT, "'%s':%d:%d: %s%s%.60s%s", r->name, at ? at->line + 1 : 1, at ? at->column + 1 : 1,
                   what, subject ? " '" : "", subject ? subject : "", subject ? "'" : "");
}

/* The first line that is indented with a tab, or 0. */
static int tabbed_line(const struct reader *r)
{
    int line = 1;
    bool indent = true;
    for (size_t i = 0; i < r->len; i++) {
        if (indent && r->text[i] == '\t')
            return line;
        indent = r->text[i] == '\n' || (indent && r->text[i] == ' ');
        line += r->text[i] == '\n';
    }
    return 0;
}

static int syntax(struct reader *r)
{
    void *at = NULL;
    struct fy_diag_error *e = fy_diag_errors_iterate(r->diag, &at);
    if (!e)
        return err_set(r->err, ERR_INPUT, "'%s' is not YAML", r->name);
    err_set(r->err, ERR_INPUT, "'%s':%d:%d: %s", r->name, e->line, e->column, e->msg);
    int tab = tabbed_line(r);
    return tab ? err_hint(r->err, "line %d is indented with a tab: YAML wants blanks", tab) : -1;
}

static struct building *new_node(struct reader *r, enum yaml_kind kind, struct fy_token *at)
{
    const struct fy_mark *mark = at ? fy_token_start_mark(at) : NULL;
    struct building *b = arena_alloc(&r->y->memory, 1, sizeof *b, r->err);
    if (b) {
        b->node = (struct yaml_node){.kind = kind, .line = mark ? mark->line + 1 : 1, .col = mark ? mark->column + 1 : 1};
        b->expanded = 1;
    }
    return b;
}

static char *token_text(struct reader *r, struct fy_token *token)
{
    size_t len = 0;
    const char *text = token ? fy_token_get_text(token, &len) : "";
    if (text && memchr(text, '\0', len)) {
        wrong(r, fy_token_start_mark(token), "a text with a zero byte in it", NULL);
        return NULL;
    }
    return arena_strndup(&r->y->memory, text ? text : "", text ? len : 0, r->err);
}

static int remember(struct reader *r, struct fy_token *anchor, struct building *b)
{
    if (!anchor)
        return 0;
    char *name = token_text(r, anchor);
    if (!name)
        return -1;
    if (r->n_anchors == ANCHORS_MAX) /* each alias looks through them */
        return wrong(r, fy_token_start_mark(anchor), "more anchors than the 1000 allowed", name);
    TRY(mem_grow(&r->anchors, &r->cap_anchors, r->n_anchors, sizeof *r->anchors, r->err));
    r->anchors[r->n_anchors++] = (struct anchor){.name = name, .node = &b->node};
    return 0;
}

static struct building *find_anchor(struct reader *r, struct fy_token *token)
{
    char *name = token_text(r, token);
    for (size_t i = r->n_anchors; name && i-- > 0;)
        if (strcmp(r->anchors[i].name, name) == 0)
            return (struct building *)r->anchors[i].node;
    if (name)
        wrong(r, fy_token_start_mark(token), "there is no anchor above for the alias", name);
    return NULL;
}

static int grow(struct reader *r, struct building *parent, const struct building *child, const struct fy_mark *at)
{
    parent->expanded += child->expanded;
    if (parent->expanded > expanded_max) {
        wrong(r, at, "with its aliases written out this is more than a million values", NULL);
        return err_hint(r->err, "aliases of aliases multiply");
    }
    return 0;
}

static struct building *read_node(struct reader *r, struct fy_event *e);

/* The children in a growing array that ends up in the arena. */
struct items {
    struct yaml_node **data;
    size_t n, cap;
};

static int add(struct reader *r, struct items *list, struct building *b)
{
    if (!b)
        return -1;
    TRY(mem_grow(&list->data, &list->cap, list->n, sizeof *list->data, r->err));
    list->data[list->n++] = &b->node;
    return 0;
}

static int settle(struct reader *r, struct yaml_node ***out, const struct items *list)
{
    *out = arena_alloc(&r->y->memory, list->n ? list->n : 1, sizeof **out, r->err);
    if (!*out)
        return -1;
    if (list->n)
        memcpy(*out, list->data, list->n * sizeof **out);
    return 0;
}

static struct fy_event *next(struct reader *r)
{
    struct fy_event *e = fy_parser_parse(r->parser);
    if (!e)
        syntax(r);
    return e;
}

/* A key of a map, its own or merged in; of two with one text the lower rank stays. */
struct ranked {
    struct yaml_node *key, *item;
    size_t rank;
};

static int by_text(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    int c = strcmp(x->key->text, y->key->text);
    return c ? c : (x->rank > y->rank) - (x->rank < y->rank);
}

static int by_rank(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    return (x->rank > y->rank) - (x->rank < y->rank);
}

struct pairs {
    struct ranked *data;
    size_t n, cap;
};

static int add_pair(struct reader *r, struct pairs *p, struct yaml_node *key, struct yaml_node *item)
{
    TRY(mem_grow(&p->data, &p->cap, p->n, sizeof *p->data, r->err));
    p->data[p->n] = (struct ranked){key, item, p->n};
    p->n++;
    return 0;
}

/* `<<: *base` or `<<: [*a, *b]`: what is not there yet comes from there. */
static int merge_one(struct reader *r, const struct yaml_node *from, struct pairs *to)
{
    if (from->kind != YAML_MAP)
        return err_set(r->err, ERR_INPUT, "'%s':%d:%d: '<<' takes mappings", r->name, from->line, from->col);
    r->n_merged += from->n;
    if (r->n_merged > expanded_max)
        return err_set(r->err, ERR_INPUT, "'%s':%d:%d: '<<' brings in more than a million values", r->name, from->line, from->col);
    for (size_t i = 0; i < from->n; i++)
        TRY(add_pair(r, to, from->keys[i], from->items[i]));
    return 0;
}

static int merge(struct reader *r, const struct yaml_node *from, struct pairs *to)
{
    if (from->kind != YAML_LIST)
        return merge_one(r, from, to);
    for (size_t i = 0; i < from->n; i++)
        TRY(merge_one(r, from->items[i], to));
    return 0;
}

/* Sorted, so that a large map takes no longer than its reading: of each text the first stays, a second own one is wrong. */
static int keep_first(struct reader *r, struct pairs *p, size_t n_own)
{
    size_t kept = 0;
    if (p->n)
        qsort(p->data, p->n, sizeof *p->data, by_text);
    for (size_t i = 0; i < p->n; i++) {
        const struct ranked *now = &p->data[i], *last = kept ? &p->data[kept - 1] : NULL;
        if (!last || strcmp(last->key->text, now->key->text) != 0)
            p->data[kept++] = *now;
        else if (now->rank < n_own)
            return err_set(r->err, ERR_INPUT, "'%s':%d:%d: the key '%.60s' is there already, in line %d", r->name, now->key->line,
                           now->key->col, now->key->text, last->key->line);
    }
    p->n = kept;
    if (kept)
        qsort(p->data, kept, sizeof *p->data, by_rank);
    return 0;
}

static int read_pairs(struct reader *r, struct building *b, struct pairs *pairs, struct items *merges)
{
    for (;;) {
        struct fy_event *e = next(r);
        if (!e)
            return -1;
        if (e->type == FYET_MAPPING_END) {
            fy_parser_event_free(r->parser, e);
            return 0;
        }
        struct building *key = read_node(r, e);
        if (!key)
            return -1;
        if (key->node.kind != YAML_SCALAR)
            return err_set(r->err, ERR_INPUT, "'%s':%d:%d: a key must be a text", r->name, key->node.line, key->node.col);
        e = next(r);
        if (!e)
            return -1;
        struct building *value = read_node(r, e);
        if (!value)
            return -1;
        struct fy_mark at = {.line = key->node.line - 1, .column = key->node.col - 1};
        TRY(grow(r, b, value, &at));
        if (!key->node.quoted && strcmp(key->node.text, "<<") == 0)
            TRY(add(r, merges, value));
        else
            TRY(add_pair(r, pairs, &key->node, &value->node));
    }
}

static int read_map(struct reader *r, struct building *b)
{
    struct pairs pairs = {0};
    struct items merges = {0};
    struct yaml_node **both = NULL;
    int rc = read_pairs(r, b, &pairs, &merges);
    size_t n_own = pairs.n;
    for (size_t i = 0; i < merges.n && rc == 0; i++)
        rc = merge(r, merges.data[i], &pairs);
    if (rc == 0)
        rc = keep_first(r, &pairs, n_own);
    if (rc == 0 && !(both = arena_alloc(&r->y->memory, 2 * pairs.n + 1, sizeof *both, r->err)))
        rc = -1;
    for (size_t i = 0; i < pairs.n && rc == 0; i++) {
        both[i] = pairs.data[i].key;
        both[pairs.n + i] = pairs.data[i].item;
    }
    if (rc == 0) {
        b->node.keys = both;
        b->node.items = both + pairs.n;
        b->node.n = pairs.n;
    }
    free(pairs.data);
    free(merges.data);
    return rc;
}

static int read_list(struct reader *r, struct building *b)
{
    struct items items = {0};
    int rc = 0;
    while (rc == 0) {
        struct fy_event *e = next(r);
        if (!e) {
            rc = -1;
        } else if (e->type == FYET_SEQUENCE_END) {
            fy_parser_event_free(r->parser, e);
            break;
        } else {
            struct building *child = read_node(r, e);
            struct fy_mark at = {.line = b->node.line - 1, .column = b->node.col - 1};
            rc = child ? grow(r, b, child, &at) : -1;
            if (rc == 0)
                rc = add(r, &items, child);
        }
    }
    if (rc == 0)
        rc = settle(r, &b->node.items, &items);
    b->node.n = items.n;
    free(items.data);
    return rc;
}

/* Reads the node that begins with this event, and frees the event. */
static struct building *read_node(struct reader *r, struct fy_event *e)
{
    struct building *b = NULL;
    int rc = -1;
    if (++r->depth > DEPTH_MAX) {
        err_set(r->err, ERR_INPUT, "'%s': nested deeper than %d", r->name, DEPTH_MAX);
    } else if (e->type == FYET_ALIAS) {
        b = find_anchor(r, e->alias.anchor);
        rc = b ? 0 : -1;
    } else if (e->type == FYET_SCALAR) {
        b = new_node(r, YAML_SCALAR, e->scalar.value);
        if (b) {
            enum fy_scalar_style style = e->scalar.value ? fy_token_scalar_style(e->scalar.value) : FYSS_PLAIN;
            b->node.text = token_text(r, e->scalar.value);
            b->node.quoted = style != FYSS_PLAIN;
            if (style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED)
                b->node.col--; /* the mark is behind the quote */
            rc = b->node.text ? remember(r, e->scalar.anchor, b) : -1;
        }
    } else if (e->type == FYET_MAPPING_START) { /* its anchor counts only when it is whole: no node can hold itself */
        b = new_node(r, YAML_MAP, e->mapping_start.mapping_start);
        rc = b && read_map(r, b) == 0 ? remember(r, e->mapping_start.anchor, b) : -1;
    } else if (e->type == FYET_SEQUENCE_START) {
        b = new_node(r, YAML_LIST, e->sequence_start.sequence_start);
        rc = b && read_list(r, b) == 0 ? remember(r, e->sequence_start.anchor, b) : -1;
    } else {
        syntax(r);
    }
    r->depth--;
    fy_parser_event_free(r->parser, e);
    return rc < 0 ? NULL : b;
}

static int read_stream(struct reader *r)
{
    for (;;) {
        struct fy_event *e = next(r);
        if (!e)
            return -1;
        enum fy_event_type type = e->type;
        if (type == FYET_STREAM_END) {
            fy_parser_event_free(r->parser, e);
            return 0;
        }
        if (type == FYET_STREAM_START || type == FYET_DOCUMENT_END) {
            fy_parser_event_free(r->parser, e);
        } else if (type == FYET_DOCUMENT_START) {
            fy_parser_event_free(r->parser, e);
            if (r->y->root)
                return err_set(r->err, ERR_INPUT, "'%s': there is a second document behind '---', expected one", r->name);
        } else {
            struct building *b = read_node(r, e);
            if (!b)
                return -1;
            r->y->root = &b->node;
        }
    }
}

/* Before the parser sees it: libfyaml 0.7.12 never comes back from bytes that are no UTF-8 behind a '%' (a PDF, say). */
static int refuse_binary(const char *text, size_t len, const char *name, struct err *err)
{
    int line = 1;
    size_t first = 0, n; /* first: of this line */
    for (size_t i = 0; i < len; i += n) {
        n = utf8_decode(text + i, len - i, NULL);
        if (text[i] == '\0')
            return err_set(err, ERR_INPUT, "'%s': byte %zu is zero: this is a binary file, expected YAML", name, i);
        if (n == 0)
            return err_set(err, ERR_INPUT, "'%s':%d:%zu: the byte 0x%02x is no UTF-8, expected YAML", name, line, i - first + 1,
                           (unsigned char)text[i]);
        if (text[i] == '\n') {
            line++;
            first = i + 1;
        }
    }
    return 0;
}

int yaml_parse(struct yaml **out, const char *text, size_t len, const char *name, struct err *err)
{
    struct reader r = {.name = name, .text = text, .len = len, .err = err};
    const struct fy_diag_cfg quiet = {.fp = NULL, .level = FYET_ERROR, .module_mask = ~0u};
    int rc = -1;
    *out = NULL;
    TRY(refuse_binary(text, len, name, err));
    r.y = mem_zalloc(1, sizeof *r.y, err);
    if (!r.y)
        return -1;
    r.y->memory = (struct arena)ARENA_INIT(MEMORY_MAX);
    r.diag = fy_diag_create(&quiet);
    struct fy_parse_cfg cfg = {.flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG, .diag = r.diag};
    if (r.diag)
        fy_diag_set_collect_errors(r.diag, true);
    r.parser = r.diag ? fy_parser_create(&cfg) : NULL;
    if (!r.parser || fy_parser_set_string(r.parser, len ? text : " ", len ? len : 1) < 0)
        err_set(err, ERR_MEMORY, "out of memory for '%s'", name);
    else
        rc = read_stream(&r);
    if (rc == 0 && (!r.y->root || (r.y->root->kind == YAML_SCALAR && yaml_is_null(r.y->root))))
        rc = err_set(err, ERR_INPUT, "'%s' is empty, expected a mapping", name);
    if (r.parser)
        fy_parser_destroy(r.parser);
    if (r.diag)
        fy_diag_destroy(r.diag);
    free(r.anchors);
    if (rc < 0) {
        yaml_free(r.y);
        return -1;
    }
    *out = r.y;
    return 0;
}

const struct yaml_node *yaml_root(const struct yaml *y)
{
    return y->root;
}

const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key)
{
    for (size_t i = 0; map->kind == YAML_MAP && i < map->n; i++)
        if (strcmp(map->keys[i]->text, key) == 0)
            return map->items[i];
    return NULL;
}

bool yaml_is_null(const struct yaml_node *n)
{
    return n->kind == YAML_SCALAR && !n->quoted &&
           (!*n->text || strcmp(n->text, "~") == 0 || strcmp(n->text, "null") == 0);
}

void yaml_free(struct yaml *y)
{
    if (!y)
        return;
    arena_release(&y->memory);
    free(y);
}
