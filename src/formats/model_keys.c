#include "formats/model_keys.h"

#include <stdlib.h>
#include <string.h>

#include "base/data_path.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/yaml.h"
#include "formats/resolve.h"

enum { FILE_MAX = 1 << 20 };

struct model_keys {
    struct yaml *yaml; /* the texts' owner */
    const struct yaml_node *models;
    struct model_key *items;
    size_t n;
};

static int wrong(const struct yaml_node *at, const char *name, const char *what, struct err *err)
{
    return err_set(err, ERR_INPUT, "'%s':%d:%d: %s", name, at->line, at->col, what);
}

static int read_text(const char **out, const struct yaml_node *v, const char *name, struct err *err)
{
    if (v->kind != YAML_SCALAR || !v->text[0])
        return wrong(v, name, "expected a text", err);
    *out = v->text;
    return 0;
}

static int read_files(struct model_key *k, const struct yaml_node *map, const char *name, struct err *err)
{
    if (map->kind != YAML_MAP)
        return wrong(map, name, "expected f16: PATH and q4_k_m: PATH", err);
    for (size_t i = 0; i < map->n; i++) {
        bool f16 = strcmp(map->keys[i]->text, "f16") == 0;
        if (!f16 && strcmp(map->keys[i]->text, "q4_k_m") != 0)
            return wrong(map->keys[i], name, "expected one of f16 and q4_k_m", err);
        TRY(read_text(f16 ? &k->f16 : &k->q4_k_m, map->items[i], name, err));
    }
    return 0;
}

static int read_served(const struct yaml_node *map, const char *name, struct err *err)
{
    const char *text;
    if (map->kind != YAML_MAP)
        return wrong(map, name, "expected SERVER: NAME", err);
    for (size_t i = 0; i < map->n; i++)
        TRY(read_text(&text, map->items[i], name, err));
    return 0;
}

static int read_key(struct model_key *k, const struct yaml_node *map, const char *name, struct err *err)
{
    if (map->kind != YAML_MAP)
        return wrong(map, name, "expected hf, gated, folder, gguf, served", err);
    for (size_t i = 0; i < map->n; i++) {
        const char *what = map->keys[i]->text;
        const struct yaml_node *v = map->items[i];
        if (strcmp(what, "hf") == 0) {
            TRY(read_text(&k->hf, v, name, err));
            if (!is_hub_repo(k->hf))
                return wrong(v, name, "expected ORG/REPO", err);
        } else if (strcmp(what, "folder") == 0) {
            TRY(read_text(&k->folder, v, name, err));
        } else if (strcmp(what, "gguf") == 0) {
            TRY(read_files(k, v, name, err));
        } else if (strcmp(what, "served") == 0) {
            TRY(read_served(v, name, err));
        } else if (strcmp(what, "gated") == 0) {
            if (v->kind != YAML_SCALAR || (strcmp(v->text, "true") != 0 && strcmp(v->text, "false") != 0))
                return wrong(v, name, "expected true or false", err);
            k->gated = v->text[0] == 't';
        } else {
            return wrong(map->keys[i], name, "expected one of hf, gated, folder, gguf, served", err);
        }
    }
    return k->hf ? 0 : wrong(map, name, "'hf' is missing", err);
}

int model_keys_parse(struct model_keys **out, const char *text, size_t len, const char *name, struct err *err)
{
    struct model_keys *k = mem_zalloc(1, sizeof *k, err);
    if (!k)
        return -1;
    int rc = yaml_parse(&k->yaml, text, len, name, err);
    const struct yaml_node *root = rc == 0 ? yaml_root(k->yaml) : NULL;
    if (rc == 0 && (root->kind != YAML_MAP || root->n != 1 || !(k->models = yaml_get(root, "models")) ||
                    k->models->kind != YAML_MAP))
        rc = wrong(root, name, "expected 'models:' and a map of keys, nothing else", err);
    if (rc == 0 && !(k->items = mem_zalloc(k->models->n, sizeof *k->items, err)))
        rc = -1;
    for (size_t i = 0; rc == 0 && i < k->models->n; i++) {
        k->items[k->n].key = k->models->keys[i]->text;
        rc = read_key(&k->items[k->n++], k->models->items[i], name, err);
    }
    if (rc < 0)
        model_keys_close(k);
    else
        *out = k;
    return rc;
}

int model_keys_open(struct model_keys **out, struct err *err)
{
    struct buf text = BUF_INIT(2 * FILE_MAX);
    char *path = data_path("configs/models.yaml", err);
    int rc = path ? file_read(&text, path, FILE_MAX, err) : -1;
    if (rc == 0)
        rc = model_keys_parse(out, text.data ? text.data : "", text.len, path, err);
    free(path);
    buf_release(&text);
    return rc;
}

void model_keys_close(struct model_keys *k)
{
    if (!k)
        return;
    yaml_free(k->yaml);
    free(k->items);
    free(k);
}

const struct model_key *model_keys_find(const struct model_keys *k, const char *key)
{
    for (size_t i = 0; i < k->n; i++)
        if (strcmp(k->items[i].key, key) == 0)
            return &k->items[i];
    return NULL;
}

static const char *name_at(const void *keys, size_t i)
{
    return ((const struct model_keys *)keys)->items[i].key;
}

const char *model_keys_nearest(const struct model_keys *k, const char *word)
{
    return str_nearest(word, k, k->n, name_at);
}

void model_keys_list(const struct model_keys *k, struct buf *out)
{
    for (size_t i = 0; i < k->n; i++)
        buf_printf(out, "%s%s", i ? ", " : "", k->items[i].key);
}

const char *model_key_served(const struct model_keys *k, const char *key, const char *server)
{
    const struct yaml_node *model = yaml_get(k->models, key), *served = model ? yaml_get(model, "served") : NULL;
    const struct yaml_node *name = served ? yaml_get(served, server) : NULL;
    return name ? name->text : NULL;
}
