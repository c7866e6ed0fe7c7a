#include "experiments/manifest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/data_path.h"
#include "base/defaults.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/yaml.h"
#include "engines/engine.h"
#include "experiments/experiment.h"
#include "experiments/manifest_path.h"
#include "experiments/schema.h"

struct manifest {
    struct buf text, errors;
    json_t *json;
    char *file;
    char sha256[65];
};

/* ---- the tables ------------------------------------------------------------------------------------------------- */

static void check_benchmark(json_t *value, const struct yaml_node *node, const char *path, struct schema_report *r);
static void check_run(json_t *value, const struct yaml_node *node, const char *path, struct schema_report *r);
static void check_engine(json_t *value, const struct yaml_node *node, const char *path, struct schema_report *r);

static const struct schema_row benchmark_rows[] = {
    {.key = "id", .type = SCHEMA_TEXT, .required = true, .help = "unique benchmark identifier"},
    {.key = "config", .type = SCHEMA_ANY, .required = true, .help = "`type: EXPERIMENT`, and the keys of that experiment"},
    {.key = "models", .type = SCHEMA_LIST, .item = SCHEMA_TEXT, .initial = DEFAULT_MANIFEST_MODELS,
     .help = "keys of `models:`, or the roles `teacher`, `student`"},
    {.key = "repeats", .type = SCHEMA_INT, .initial = DEFAULT_MANIFEST_REPEATS, .lo = 1, .hi = 100000,
     .help = "launches of each cell, each a fresh process: the unit that statistics count"},
    {0}};

static const struct schema_row target_rows[] = {
    {.key = "type", .type = SCHEMA_WORD, .words = "experiment", .initial = "experiment", .help = "what it is"},
    {.key = "name", .type = SCHEMA_TEXT, .required = true, .help = "names the folder of its artifacts"},
    {.key = "runs", .type = SCHEMA_LIST, .item = SCHEMA_ANY, .may_be_empty = true, .check = check_run,
     .help = "what other tools did or will do; an entry with `command:` is executed first, by a shell"},
    {.key = "benchmarks", .type = SCHEMA_LIST, .item = SCHEMA_MAP, .rows = benchmark_rows, .check = check_benchmark,
     .required = true, .help = "what to measure"},
    {0}};

static const struct schema_row model_rows[] = {
    {.key = "path", .type = SCHEMA_TEXT, .help = "file, folder, key or ORG/REPO"},
    {.key = "role", .type = SCHEMA_WORD, .words = "teacher|student", .help = "the role it plays in benchmarks"},
    {.key = "options", .type = SCHEMA_ANY, .help = "options of the engine, for this model"},
    {0}};

static const struct schema_row engine_rows[] = {
    {.key = "name", .type = SCHEMA_TEXT, .required = true, .help = "NAME[:VARIANT][@URL]"},
    {.key = "options", .type = SCHEMA_ANY, .help = "the engine's own options (docs/ENGINES.md)"},
    {0}};

static const struct schema_row top_rows[] = {
    {.key = "name", .type = SCHEMA_TEXT, .help = "of the manifest, for people"},
    {.key = "version", .type = SCHEMA_ANY, .help = "of the manifest, for people"},
    {.key = "notes", .type = SCHEMA_ANY, .help = "for people"},
    {.key = "seed", .type = SCHEMA_INT, .initial = DEFAULT_SEED,
     .lo = 0, .hi = 9007199254740992.0, .help = "of order and noise"},
    {.key = "threads", .type = SCHEMA_INT, .initial = DEFAULT_THREADS,
     .lo = 0, .hi = 4096, .help = "0: as many as there are"},
    {.key = "device", .type = SCHEMA_TEXT, .initial = DEFAULT_DEVICE, .help = "where engines compute"},
    {.key = "output", .type = SCHEMA_TEXT, .help = "common parent of `raw/`, `results/`, `artifacts/`"},
    {.key = "models", .type = SCHEMA_TABLE, .rows = model_rows, .short_key = "path",
     .help = "KEY: PATH, or KEY with the keys below"},
    {.key = "engines", .type = SCHEMA_LIST, .item = SCHEMA_MAP, .rows = engine_rows, .short_key = "name",
     .check = check_engine, .help = "names, or mappings with the keys below; without it: `native`"},
    {.key = "targets", .type = SCHEMA_LIST, .item = SCHEMA_MAP, .rows = target_rows, .help = "what to do"},
    {.key = "benchmarks", .type = SCHEMA_LIST, .item = SCHEMA_MAP, .rows = benchmark_rows, .check = check_benchmark,
     .help = "short for one target that has the manifest's name"},
    {0}};

void manifest_markdown(struct buf *b)
{
    static const struct {
        const char *title;
        const struct schema_row *rows;
    } parts[] = {{"Top", top_rows}, {"`models.KEY`", model_rows}, {"`engines[]`", engine_rows},
                 {"`targets[]`", target_rows}, {"`targets[].benchmarks[]`", benchmark_rows}};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        buf_printf(b, "### %s\n\n", parts[i].title);
        schema_markdown(b, parts[i].rows);
        buf_char(b, '\n');
    }
    for (size_t i = 0; experiment_at(i); i++) {
        const struct experiment *x = experiment_at(i);
        buf_printf(b, "### `config` with `type: %s`\n\n%s%s.\n\n", x->name, x->what,
                   x->cells ? "" : " (not built yet: checked, then a row that says so)");
        schema_markdown(b, x->config);
        buf_char(b, '\n');
    }
}

/* ---- beyond the tables ------------------------------------------------------------------------------------------ */

static const char *experiment_name(const void *unused, size_t i)
{
    (void)unused;
    return experiment_at(i)->name;
}

static size_t experiment_count(void)
{
    size_t n = 0;
    while (experiment_at(n))
        n++;
    return n;
}

static void check_benchmark(json_t *value, const struct yaml_node *node, const char *path, struct schema_report *r)
{
    char config_path[512];
    const struct yaml_node *config = yaml_get(node, "config");
    if (!config)
        return;
    snprintf(config_path, sizeof config_path, "%s.config", path);
    if (config->kind != YAML_MAP) {
        schema_complain(r, config, config_path, "expected a mapping with 'type' and the keys of that experiment");
        return;
    }
    const struct yaml_node *type = yaml_get(config, "type");
    if (!type || type->kind != YAML_SCALAR) {
        schema_complain(r, config, config_path, "the key 'type' is missing: the experiment ('latency', ...)");
        return;
    }
    const struct experiment *x = experiment_find(type->text);
    if (!x) {
        const char *near = str_nearest(type->text, "", experiment_count(), experiment_name);
        snprintf(config_path, sizeof config_path, "%s.config.type", path);
        schema_complain(r, type, config_path, "'%.60s' is not an experiment%s%s%s", type->text,
                        near ? ", did you mean '" : "", near ? near : "", near ? "'?" : "");
        return;
    }
    json_t *checked = schema_check(config, x->config, "type", config_path, r);
    if (checked) {
        json_object_set_new(checked, "type", json_string(x->name));
        json_object_set_new(value, "config", checked);
    }
}

static void check_run(json_t *value, const struct yaml_node *node, const char *path, struct schema_report *r)
{
    static const char *const keys[] = {"id", "command"};
    (void)value;
    for (size_t i = 0; node->kind == YAML_MAP && i < 2; i++) {
        const struct yaml_node *n = yaml_get(node, keys[i]);
        if (n && (n->kind != YAML_SCALAR || !*n->text))
            schema_complain(r, n, path, "'%s' must be a text", keys[i]);
    }
}

/* A name that prony will know is a row with a reason later; a name that nobody knows is a mistake. */
static void check_engine(json_t *value, const struct yaml_node *node, const char *path, struct schema_report *r)
{
    struct engine_name name;
    struct err err = ERR_INIT;
    const char *text = json_string_value(json_object_get(value, "name"));
    const json_t *options = json_object_get(value, "options");
    if (text && engine_name_parse(&name, text, &err) < 0 && err.code == ERR_USAGE)
        schema_complain(r, node, path, "%s%s%s", err.text, *err.hint ? "; " : "", err.hint);
    if (options && !json_is_object(options))
        schema_complain(r, node, path, "'options' must be a mapping");
}

/* The n-th item of a list of the file, for messages about what the tables already took. */
static const struct yaml_node *item(const struct yaml_node *list, size_t i)
{
    return list && list->kind == YAML_LIST && i < list->n ? list->items[i] : NULL;
}

static const struct yaml_node *child(const struct yaml_node *map, const char *key)
{
    return map && map->kind == YAML_MAP ? yaml_get(map, key) : NULL;
}

/* The key of the model that plays this part: itself, or the first with that role. */
static const char *model_named(const json_t *models, const char *word)
{
    const char *key;
    json_t *m;
    if (json_object_get(models, word))
        return word;
    json_object_foreach((json_t *)models, key, m)
        if (str_eq(json_string_value(json_object_get(m, "role")), word))
            return key;
    return NULL;
}

static bool is_role(const char *word)
{
    return str_eq(word, "teacher") || str_eq(word, "student");
}

/* A role that no model of the manifest plays is played by the one that comes with prony, where there is one. */
static void add_role(json_t *models, const char *role)
{
    char relative[64];
    snprintf(relative, sizeof relative, "models/%s", role);
    char *path = data_path(relative, NULL);
    json_t *m = json_pack("{ss}", "role", role);
    if (path)
        json_object_set_new(m, "path", json_string(path));
    json_object_set_new(models, role, m);
    free(path);
}

struct seen {
    const char *words[256];
    size_t n;
};

static bool seen_before(struct seen *s, const char *word)
{
    for (size_t i = 0; word && i < s->n; i++)
        if (strcmp(s->words[i], word) == 0)
            return true;
    if (word && s->n < sizeof s->words / sizeof s->words[0])
        s->words[s->n++] = word;
    return false;
}

static void resolve_models(json_t *benchmark, json_t *models, const struct yaml_node *node, const char *path,
                           struct schema_report *r)
{
    json_t *list = json_object_get(benchmark, "models"), *word;
    size_t i;
    json_array_foreach(list, i, word) {
        const char *text = json_string_value(word);
        const char *key = text ? model_named(models, text) : NULL;
        if (text && !key && is_role(text)) {
            add_role(models, text);
            key = text;
        }
        const struct yaml_node *at = item(child(node, "models"), i);
        if (text && !key)
            schema_complain(r, at ? at : node, path, "models[%zu]: there is no model '%.60s' in 'models:', and it is no role",
                            i, text);
        else if (key)
            json_array_set_new(list, i, json_string(key));
    }
}

/* What the tables took as a text becomes the path that it means. */
static void place(json_t *object, const char *key, const char *manifest)
{
    const char *text = json_string_value(json_object_get(object, key));
    char *path = text ? manifest_path(manifest, text, NULL) : NULL;
    if (path)
        json_object_set_new(object, key, json_string(path));
    free(path);
}

static void check_target(json_t *target, json_t *models, const struct yaml_node *node, size_t t, struct schema_report *r)
{
    struct seen ids = {.n = 0};
    char path[128];
    json_t *benchmark;
    size_t i;
    json_array_foreach(json_object_get(target, "benchmarks"), i, benchmark) {
        const struct yaml_node *at = item(child(node, "benchmarks"), i);
        const char *id = json_string_value(json_object_get(benchmark, "id"));
        snprintf(path, sizeof path, "targets[%zu].benchmarks[%zu]", t, i);
        if (seen_before(&ids, id))
            schema_complain(r, at ? at : node, path, "the id '%.60s' is there twice in this target", id);
        resolve_models(benchmark, models, at ? at : node, path, r);
        place(json_object_get(benchmark, "config"), "checkpoint", r->file);
    }
}

static void check_models(json_t *models, const struct yaml_node *node, struct schema_report *r)
{
    const char *key;
    json_t *m;
    json_object_foreach(models, key, m) {
        const struct yaml_node *at = child(node, key);
        if (json_object_get(m, "options") && !json_is_object(json_object_get(m, "options")))
            schema_complain(r, at ? at : node, "models", "%s: 'options' must be a mapping", key);
        if (!json_object_get(m, "role") && is_role(key))
            json_object_set_new(m, "role", json_string(key));
        place(m, "path", r->file);
    }
}

static void check_whole(json_t *top, const struct yaml_node *root, struct schema_report *r)
{
    struct seen names = {.n = 0}, engine_names = {.n = 0};
    json_t *models = json_object_get(top, "models"), *target, *engines = json_object_get(top, "engines");
    json_t *targets = json_object_get(top, "targets"), *loose = json_object_get(top, "benchmarks");
    const char *key, *name = json_string_value(json_object_get(top, "name"));
    json_t *m;
    size_t i;
    if (!models)
        json_object_set_new(top, "models", models = json_object());
    if (!engines)
        json_object_set_new(top, "engines", json_pack("[{ss}]", "name", "native"));
    if (!targets && !loose)
        schema_complain(r, root, "", "neither 'targets' nor 'benchmarks': there is nothing to measure");
    if (!targets)
        json_object_set_new(top, "targets", targets = json_array());
    check_models(models, child(root, "models"), r);
    json_array_foreach(json_object_get(top, "engines"), i, m) {
        const struct yaml_node *at = item(child(root, "engines"), i);
        const char *engine = json_string_value(json_object_get(m, "name"));
        if (seen_before(&engine_names, engine))
            schema_complain(r, at ? at : root, "engines", "'%.60s' is there twice: its samples could not be told apart",
                            engine);
    }
    if (loose) {
        json_array_append_new(targets, json_pack("{ssss sO}", "type", "experiment", "name", name ? name : "benchmarks",
                                                 "benchmarks", loose));
        json_object_del(top, "benchmarks");
    }
    json_array_foreach(targets, i, target) {
        const struct yaml_node *at = item(child(root, "targets"), i);
        const char *target_name = json_string_value(json_object_get(target, "name"));
        if (seen_before(&names, target_name))
            schema_complain(r, at ? at : root, "targets", "the name '%.60s' is there twice", target_name);
        check_target(target, models, at ? at : root, i, r);
    }
    json_object_foreach(models, key, m)
        json_object_set_new(m, "key", json_string(key));
}

/* ---- opening ---------------------------------------------------------------------------------------------------- */

/* The first error in err; all of them in m->errors. */
static int refuse(struct manifest *m, struct schema_report *r, struct err *err)
{
    size_t first = strcspn(r->text.data, "\n");
    m->errors = r->text;
    r->text = (struct buf)BUF_INIT(1);
    if (r->n_errors == 1)
        return err_set(err, ERR_INPUT, "%.*s", (int)first, m->errors.data);
    return err_set(err, ERR_INPUT, "%zu errors in '%s', the first at %.*s", r->n_errors, r->file, (int)first,
                   m->errors.data);
}

static int check(struct manifest *m, const char *name, struct err *err)
{
    struct yaml *doc = NULL;
    struct schema_report r = SCHEMA_REPORT_INIT(name);
    m->file = mem_strdup(name, err);
    if (!m->file)
        return -1;
    TRY(sha256_bytes(m->sha256, m->text.data, m->text.len, NULL, NULL, err));
    TRY(yaml_parse(&doc, m->text.data ? m->text.data : "", m->text.len, name, err));
    const struct yaml_node *root = yaml_root(doc);
    int rc = 0;
    m->json = schema_check(root, top_rows, NULL, "", &r);
    if (m->json)
        check_whole(m->json, root, &r);
    if (r.n_errors)
        rc = refuse(m, &r, err);
    else if (!m->json)
        rc = err_set(err, ERR_MEMORY, "out of memory for '%s'", name);
    buf_release(&r.text);
    yaml_free(doc);
    return rc;
}

int manifest_parse(struct manifest **out, const char *text, size_t len, const char *name, struct err *err)
{
    struct manifest *m = mem_zalloc(1, sizeof *m, err);
    *out = m;
    if (!m)
        return -1;
    buf_init(&m->text, MANIFEST_MAX + 65536);
    buf_add(&m->text, text, len);
    if (buf_check(&m->text, err) < 0)
        return -1;
    return check(m, name, err);
}

int manifest_open(struct manifest **out, const char *path, struct err *err)
{
    struct manifest *m = mem_zalloc(1, sizeof *m, err);
    *out = m;
    if (!m)
        return -1;
    buf_init(&m->text, MANIFEST_MAX + 65536);
    TRY(file_read(&m->text, path, MANIFEST_MAX, err));
    return check(m, path, err);
}

void manifest_close(struct manifest *m)
{
    if (!m)
        return;
    json_decref(m->json);
    free(m->file);
    buf_release(&m->text);
    buf_release(&m->errors);
    free(m);
}

const json_t *manifest_json(const struct manifest *m)
{
    return m->json;
}

const char *manifest_file(const struct manifest *m)
{
    return m->file;
}

const char *manifest_text(const struct manifest *m)
{
    return m->text.data ? m->text.data : "";
}

const char *manifest_sha256(const struct manifest *m)
{
    return m->sha256;
}

const char *manifest_errors(const struct manifest *m)
{
    return m->errors.len ? m->errors.data : NULL;
}
