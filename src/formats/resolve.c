#include "formats/resolve.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/data_path.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "formats/model_keys.h"

enum { NAMES_MAX_BYTES = 64 << 20 };

size_t gguf_split_stem(const char *path, unsigned *no, unsigned *count)
{
    size_t len = strlen(path), tail = strlen("-00001-of-00003.gguf");
    if (len <= tail)
        return 0;
    const char *p = path + len - tail;
    int end = 0;
    char a[6], b[6];
    if (sscanf(p, "-%5[0-9]-of-%5[0-9].gguf%n", a, b, &end) != 2 || (size_t)end != tail)
        return 0;
    *no = (unsigned)strtoul(a, NULL, 10);
    *count = (unsigned)strtoul(b, NULL, 10);
    return *no >= 1 && *no <= *count ? len - tail : 0;
}

/* ---- the Hugging Face cache -------------------------------------------------------------------------------------- */

bool is_hub_repo(const char *s)
{
    const char *slash = strchr(s, '/');
    if (!slash || slash == s || !slash[1] || strchr(slash + 1, '/') || s[0] == '.' || s[0] == '~' || slash[1] == '.')
        return false;
    for (const char *p = s; *p; p++) {
        if (!isalnum((unsigned char)*p) && !strchr("/-_.", *p))
            return false;
    }
    return true;
}

int hf_cache_folder(char **out, struct err *err)
{
    static const struct {
        const char *variable, *below;
    } places[] = {
        {"HF_HUB_CACHE", ""}, {"HF_HOME", "/hub"}, {"XDG_CACHE_HOME", "/huggingface/hub"}, {"HOME", "/.cache/huggingface/hub"},
    };
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        const char *v = getenv(places[i].variable);
        if (v && *v) {
            *out = mem_printf(err, "%s%s", v, places[i].below);
            return *out ? 1 : -1;
        }
    }
    return 0;
}

/* The one folder in `dir`, or 0 when there is none or more than one. */
static int only_snapshot(char **out, const char *dir, struct err *err)
{
    DIR *d = opendir(dir);
    if (!d)
        return 0;
    char *found = NULL;
    int n = 0, rc = 0;
    for (struct dirent *e; (e = readdir(d)) && rc == 0;) {
        if (e->d_name[0] == '.')
            continue;
        char *path = path_join(dir, e->d_name, err);
        if (!path) {
            rc = -1;
        } else if (file_is_dir(path) && n++ == 0) {
            found = path;
        } else {
            free(path);
        }
    }
    closedir(d);
    if (rc < 0 || n != 1) {
        free(found);
        return rc;
    }
    *out = found;
    return 1;
}

int hf_cache_find(char **out, const char *repo, struct err *err)
{
    if (!is_hub_repo(repo))
        return 0;
    char *hub;
    int rc = hf_cache_folder(&hub, err);
    if (rc <= 0)
        return rc;
    rc = -1;
    char *refs = NULL, *snapshots = NULL, *path = NULL;
    struct buf ref = BUF_INIT(128 << 10); /* file_read asks for room in whole pieces */
    const char *slash = strchr(repo, '/');
    int org = (int)(slash - repo);
    snapshots = mem_printf(err, "%s/models--%.*s--%s/snapshots", hub, org, repo, slash + 1);
    refs = mem_printf(err, "%s/models--%.*s--%s/refs/main", hub, org, repo, slash + 1);
    if (!snapshots || !refs)
        goto out;
    if (file_exists(refs)) {
        if (file_read(&ref, refs, 4096, err) < 0)
            goto out;
        while (ref.len > 0 && isspace((unsigned char)ref.data[ref.len - 1]))
            ref.data[--ref.len] = '\0';
        if (ref.len == 0 || strspn(ref.data, "0123456789abcdef") != ref.len) {
            err_set(err, ERR_INPUT, "'%s': expected a commit in hexadecimal", refs);
            goto out;
        }
        path = path_join(snapshots, ref.data, err);
        if (!path)
            goto out;
        rc = file_is_dir(path);
    } else {
        rc = only_snapshot(&path, snapshots, err);
    }
    if (rc == 1) {
        *out = path;
        path = NULL;
    }
out:
    free(hub);
    free(refs);
    free(snapshots);
    free(path);
    buf_release(&ref);
    return rc;
}

/* ---- folders ----------------------------------------------------------------------------------------------------- */

static bool has(const char *dir, const char *name)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof path, "%s/%s", dir, name);
    return n > 0 && (size_t)n < sizeof path && file_exists(path);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int list_folder(const char ***out, size_t *n, const char *dir, struct arena *a, struct err *err)
{
    DIR *d = opendir(dir);
    if (!d)
        return err_set_errno(err, errno, "cannot read folder '%s'", dir);
    const char **names = NULL;
    size_t cap = 0;
    int rc = 0;
    *n = 0;
    for (struct dirent *e; rc == 0 && (e = readdir(d));) {
        if (e->d_name[0] == '.')
            continue;
        rc = mem_grow(&names, &cap, *n, sizeof *names, err);
        if (rc == 0) {
            names[*n] = arena_strdup(a, e->d_name, err);
            rc = names[(*n)++] ? 0 : -1;
        }
    }
    closedir(d);
    if (rc < 0) {
        free(names);
        return -1;
    }
    if (names)
        qsort(names, *n, sizeof *names, by_text);
    *out = names;
    return 0;
}

struct census {
    int safetensors, gguf, pytorch;
    const char *first_gguf; /* name */
    struct buf ggufs;       /* for the message */
};

static int count_files(struct census *n, const char *dir, struct arena *a, struct err *err)
{
    const char **names;
    size_t n_names;
    TRY(list_folder(&names, &n_names, dir, a, err));
    for (size_t i = 0; i < n_names; i++) {
        const char *name = names[i];
        unsigned no, count;
        if (str_ends(name, ".safetensors"))
            n->safetensors++;
        else if (str_starts(name, "pytorch_model") || str_ends(name, ".pt") || str_ends(name, ".pth"))
            n->pytorch++;
        if (!str_ends(name, ".gguf") || (gguf_split_stem(name, &no, &count) && no != 1))
            continue; /* a split model counts once, by its first part */
        buf_printf(&n->ggufs, "%s'%s'", n->gguf++ ? ", " : "", name);
        if (!n->first_gguf)
            n->first_gguf = name;
    }
    free(names);
    return buf_check(&n->ggufs, err);
}

static int resolve_folder(char **out, bool *folder, const char *dir, struct err *err)
{
    struct census n = {.ggufs = BUF_INIT(NAMES_MAX_BYTES)};
    struct arena arena = ARENA_INIT(NAMES_MAX_BYTES);
    int rc = -1;
    if (count_files(&n, dir, &arena, err) < 0)
        goto out;
    if (n.safetensors == 0 && n.gguf == 1) {
        *out = path_join(dir, n.first_gguf, err);
        rc = *out ? 0 : -1;
    } else if (n.safetensors == 0 && n.gguf > 1) {
        err_set(err, ERR_USAGE, "folder '%s' holds %d GGUF models: %s", dir, n.gguf, n.ggufs.data);
        err_hint(err, "name one of them");
    } else if (n.safetensors > 0 || n.pytorch > 0 || has(dir, "tokenizer.json") || has(dir, "tokenizer.model")) {
        *out = mem_strdup(dir, err);
        *folder = true;
        rc = *out ? 0 : -1;
    } else {
        err_set(err, ERR_INPUT, "folder '%s' holds no model: neither *.safetensors nor *.gguf nor pytorch_model.bin nor a tokenizer", dir);
    }
out:
    arena_release(&arena);
    buf_release(&n.ggufs);
    return rc;
}

/* Does this file stand for the folder it lies in? */
static bool stands_for_folder(const char *path, const char *dir)
{
    static const char *const members[] = {"config.json",       "generation_config.json",
                                          "model.safetensors", "model.safetensors.index.json",
                                          "tokenizer.json",    "tokenizer_config.json",
                                          "pytorch_model.bin", "pytorch_model.bin.index.json",
                                          "params.json",       "consolidated.00.pth"};
    const char *name = path_base(path);
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        if (strcmp(name, members[i]) == 0)
            return true;
    }
    return str_starts(name, "model-") && str_ends(name, ".safetensors") && has(dir, "model.safetensors.index.json");
}

/* A file of a repository in the cache. 1 found, 0 not there. */
static int find_in_repo(char **out, const char *repo, const char *file, struct err *err)
{
    char *snapshot = NULL;
    int found = hf_cache_find(&snapshot, repo, err);
    if (found <= 0)
        return found;
    *out = path_join(snapshot, file, err);
    free(snapshot);
    if (!*out)
        return -1;
    if (file_exists(*out))
        return 1;
    free(*out);
    *out = NULL;
    return 0;
}

/* A path of configs/models.yaml: below the folder we are in, else among prony's data. 1 found, 0 not there. */
static int find_kept(char **out, const char *path, struct err *err)
{
    if (!path)
        return 0;
    if (file_exists(path) || file_is_dir(path)) {
        *out = mem_strdup(path, err);
        return *out ? 1 : -1;
    }
    *out = data_path(path, NULL);
    return *out != NULL;
}

static int find_key(char **out, const struct model_key *k, struct err *err)
{
    int found = find_kept(out, k->folder, err);
    if (found == 0)
        found = hf_cache_find(out, k->hf, err);
    if (found == 0)
        found = find_kept(out, k->f16, err);
    return found;
}

/* "ORG/REPO:FILE": where the colon is. NULL: not of that form. */
static const char *file_of_repo(const char *text)
{
    const char *colon = strchr(text, ':');
    if (!colon || !colon[1] || (size_t)(colon - text) >= PATH_MAX)
        return NULL;
    char repo[PATH_MAX];
    memcpy(repo, text, (size_t)(colon - text));
    repo[colon - text] = '\0';
    return is_hub_repo(repo) ? colon : NULL;
}

int hub_name(char **repo, char **file, const char *text, struct err *err)
{
    const char *colon = file_of_repo(text);
    struct model_keys *keys;
    *repo = *file = NULL;
    if (colon) {
        *repo = mem_strndup(text, (size_t)(colon - text), err);
        *file = mem_strdup(colon + 1, err);
        if (*repo && *file)
            return 0;
        free(*repo);
        free(*file);
        *repo = *file = NULL;
        return -1;
    }
    if (is_hub_repo(text)) {
        *repo = mem_strdup(text, err);
        return *repo ? 0 : -1;
    }
    if (strchr(text, '/') || model_keys_open(&keys, NULL) < 0) /* a program moved away from its data knows no keys */
        return 0;
    const struct model_key *k = model_keys_find(keys, text);
    int rc = k && !(*repo = mem_strdup(k->hf, err)) ? -1 : 0;
    model_keys_close(keys);
    return rc;
}

static int find_key_named(char **out, const char *text, struct err *err)
{
    struct model_keys *keys;
    TRY(model_keys_open(&keys, err));
    int rc = find_key(out, model_keys_find(keys, text), err);
    model_keys_close(keys);
    return rc;
}

/* Where something that is no path is kept here. 1 found (gives *out), 0 not. *repo and *file as hub_name gives them. */
static int find_named(char **out, char **repo, char **file, const char *text, struct err *err)
{
    *out = NULL;
    TRY(hub_name(repo, file, text, err));
    int rc = *file                           ? find_in_repo(out, *repo, *file, err)
             : *repo && strchr(text, '/')    ? hf_cache_find(out, *repo, err)
             : *repo                         ? find_key_named(out, text, err)
                                             : 0;
    if (rc < 0) {
        free(*repo);
        free(*file);
        *repo = *file = NULL;
    }
    return rc;
}

int model_missing(char **repo, char **file, const char *path, struct err *err)
{
    char *found = NULL;
    *repo = *file = NULL;
    if (file_exists(path) || file_is_dir(path))
        return 0;
    int rc = find_named(&found, repo, file, path, err);
    free(found);
    if (rc == 0 && *repo)
        return 1;
    free(*repo);
    free(*file);
    *repo = *file = NULL;
    return rc < 0 ? -1 : 0;
}

static int not_here(const char *text, const char *repo, struct err *err)
{
    if (repo) {
        err_set(err, ERR_IO, strcmp(text, repo) == 0 || strchr(text, ':') ? "'%s': no such file or folder, and the hub's cache does not have it"
                                                     : "'%s' (%s) is not here", text, repo);
        return err_hint(err, "`prony model pull %s` fetches it, or --download", text);
    }
    err_set(err, ERR_IO, "'%s': no such file or folder", text);
    struct model_keys *keys;
    if (strchr(text, '/') || model_keys_open(&keys, NULL) < 0)
        return -1;
    const char *near = model_keys_nearest(keys, text);
    if (near)
        err_hint(err, "did you mean '%s'?", near);
    model_keys_close(keys);
    return -1;
}

static int resolve_named(char **out, bool *folder, const char *text, struct err *err)
{
    char *found, *repo, *file;
    int rc = find_named(&found, &repo, &file, text, err);
    if (rc == 0)
        rc = not_here(text, repo, err);
    else if (rc > 0 && file_is_dir(found))
        rc = resolve_folder(out, folder, found, err);
    else if (rc > 0) {
        *out = found;
        found = NULL;
        rc = 0;
    }
    free(found);
    free(repo);
    free(file);
    return rc;
}

int model_resolve(char **out, bool *folder, const char *path, struct err *err)
{
    *out = NULL;
    *folder = false;
    if (file_is_dir(path)) {
        size_t len = strlen(path);
        while (len > 1 && path[len - 1] == '/')
            len--;
        char *dir = mem_strndup(path, len, err);
        int rc = dir ? resolve_folder(out, folder, dir, err) : -1;
        free(dir);
        return rc;
    }
    if (!file_exists(path))
        return resolve_named(out, folder, path, err);
    const char *base = path_base(path);
    size_t len = (size_t)(base - path);
    char *dir = len == 0 ? mem_strdup(".", err) : mem_strndup(path, len > 1 ? len - 1 : 1, err);
    if (!dir)
        return -1;
    int rc = 0;
    if (stands_for_folder(path, dir)) {
        rc = resolve_folder(out, folder, dir, err);
    } else {
        *out = mem_strdup(path, err);
        rc = *out ? 0 : -1;
    }
    free(dir);
    return rc;
}
