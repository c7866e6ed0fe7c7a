#include "formats/hub.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/download.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "formats/resolve.h"

enum { LISTING_MAX = 64 << 20, NAMES_MAX_BYTES = 64 << 20 };

/* A file as the hub lists it. */
struct entry {
    const char *name;
    const char *digest; /* SHA-256 of a large file, git's name of a small one: also its name in blobs/ */
    uint64_t size;
};

struct pull {
    const struct hub_pull *p;
    struct arena arena;
    const char *endpoint, *revision;
    char *token;   /* owned, NULL: none */
    char *folder;  /* owned: models--ORG--REPO in the cache */
    const char *commit;
    struct entry *entries; /* owned array; texts are the arena's */
    size_t n;
};

/* ---- who asks, and where ------------------------------------------------------------------------------------------- */

static const char *hub_endpoint(void)
{
    const char *v = getenv("HF_ENDPOINT");
    return v && *v ? v : "https://huggingface.co";
}

/* A variable, else the file that the hub's own tools keep. No token is no error. */
static int read_token(char **out, struct err *err)
{
    const char *v = getenv("HF_TOKEN"), *file = getenv("HF_TOKEN_PATH"), *home = getenv("HF_HOME");
    const char *cache = getenv("XDG_CACHE_HOME"), *user = getenv("HOME");
    struct buf text = BUF_INIT(1 << 17);
    *out = NULL;
    if (v && *v) {
        *out = mem_strdup(v, err);
        return *out ? 0 : -1;
    }
    char *path = file && *file ? mem_strdup(file, err)
                 : home && *home ? path_join(home, "token", err)
                 : cache && *cache ? mem_printf(err, "%s/huggingface/token", cache)
                                 : mem_printf(err, "%s/.cache/huggingface/token", user ? user : "");
    int rc = path ? 0 : -1;
    if (rc == 0 && file_exists(path)) {
        rc = file_read(&text, path, 4096, err);
        while (rc == 0 && text.len > 0 && isspace((unsigned char)text.data[text.len - 1]))
            text.data[--text.len] = '\0';
        if (rc == 0 && text.len > 0 && !(*out = mem_strdup(text.data, err)))
            rc = -1;
    }
    free(path);
    buf_release(&text);
    return rc;
}

static int refused(const struct pull *u, const char *what, const struct http_answer *a, struct err *err)
{
    const char *repo = u->p->repo;
    bool gated = strcmp(a->reason, "GatedRepo") == 0 || (a->status == 403 && !a->reason[0]);
    if (gated) {
        err_set(err, ERR_MISSING, "'%s' is a gated model: %s", repo, a->text[0] ? a->text : "its owner has to let you in first");
        return err_hint(err, "ask for access at %s/%s, then set HF_TOKEN to a token of that account%s", u->endpoint, repo,
                        u->token ? " (the one given has no access)" : "");
    }
    if (a->status == 401) { /* the hub does not tell a repository that is missing from one that is private */
        err_set(err, ERR_MISSING, "'%s': the hub has no such public repository, or the token is not valid%s%s", repo,
                a->text[0] ? ": " : "", a->text);
        return err_hint(err, "is the name right? For a private model set HF_TOKEN%s", u->token ? " to another token" : "");
    }
    if (a->status == 404)
        return err_set(err, ERR_INPUT, "'%s': the hub has no %s%s%s", repo, what, a->text[0] ? ": " : "", a->text);
    if (a->status == 429) {
        err_set(err, ERR_IO, "'%s': the hub is busy (429), it takes no more requests for now", repo);
        return err_hint(err, "try again later, or set HF_TOKEN: who is known may ask more");
    }
    return err_set(err, ERR_IO, "'%s': the hub answers %ld to the request for %s%s%s", repo, a->status, what,
                   a->text[0] ? ": " : "", a->text);
}

/* ---- what there is ------------------------------------------------------------------------------------------------- */

static bool is_hex(const char *s, size_t len)
{
    return strlen(s) == len && strspn(s, "0123456789abcdef") == len;
}

/* Whether a name from outside stays below the folder that it is put in. */
static bool is_inside(const char *name)
{
    if (!*name || *name == '/' || strlen(name) > 1024)
        return false;
    for (const char *p = name; *p; p++)
        if ((unsigned char)*p < ' ' || *p == '\\' || *p == 0x7F)
            return false;
    for (const char *p = name; p; p = strchr(p, '/')) {
        p += *p == '/';
        size_t len = strcspn(p, "/");
        if (len == 0 || (len == 1 && p[0] == '.') || (len == 2 && p[0] == '.' && p[1] == '.'))
            return false;
    }
    return true;
}

static int read_entry(struct entry *e, struct pull *u, const json_t *file, struct err *err)
{
    const char *name, *digest = NULL, *what = "the hub's list of files";
    int64_t size = -1;
    json_t *lfs = json_object_get(file, "lfs");
    TRY(json_get_text(&name, file, "rfilename", what, err));
    TRY(json_opt_int(&size, file, "size", 0, INT64_MAX, what, err));
    if (json_is_object(lfs)) {
        TRY(json_get_text(&digest, lfs, "sha256", what, err));
        TRY(json_opt_int(&size, lfs, "size", 0, INT64_MAX, what, err));
    } else {
        TRY(json_get_text(&digest, file, "blobId", what, err));
    }
    if (!is_inside(name))
        return err_set(err, ERR_INPUT, "'%s': the hub lists a file with the impossible name '%s'", u->p->repo, name);
    if (!is_hex(digest, 64) && !is_hex(digest, 40))
        return err_set(err, ERR_INPUT, "'%s': '%s' has the impossible checksum '%s'", u->p->repo, name, digest);
    e->name = arena_strdup(&u->arena, name, err);
    e->digest = arena_strdup(&u->arena, digest, err);
    e->size = size < 0 ? 0 : (uint64_t)size;
    return e->name && e->digest ? 0 : -1;
}

static int read_listing(struct pull *u, const json_t *root, struct err *err)
{
    const json_t *files;
    const char *commit, *what = "the hub's answer";
    TRY(json_get_text(&commit, root, "sha", what, err));
    TRY(json_get_array(&files, root, "siblings", what, err));
    if (!is_hex(commit, 40))
        return err_set(err, ERR_INPUT, "'%s': the hub gives the impossible commit '%s'", u->p->repo, commit);
    if (!(u->commit = arena_strdup(&u->arena, commit, err)) ||
        !(u->entries = mem_zalloc(json_array_size(files) + 1, sizeof *u->entries, err)))
        return -1;
    for (size_t i = 0; i < json_array_size(files); i++)
        TRY(read_entry(&u->entries[u->n++], u, json_array_get(files, i), err));
    return 0;
}

static int ask_listing(struct pull *u, struct err *err)
{
    struct http_answer answer;
    struct buf text = BUF_INIT(2 * LISTING_MAX);
    char *url = mem_printf(err, "%s/api/models/%s/revision/%s?blobs=true", u->endpoint, u->p->repo, u->revision);
    int rc = url ? download_text(&answer, &text, url, u->token, LISTING_MAX, err) : -1;
    if (rc == 0 && answer.status != 200)
        rc = refused(u, "such repository or revision", &answer, err);
    json_t *root = rc == 0 ? json_parse(text.data ? text.data : "", text.len, url, err) : NULL;
    if (rc == 0)
        rc = root ? read_listing(u, root, err) : -1;
    json_decref(root);
    buf_release(&text);
    free(url);
    return rc;
}

/* ---- what is wanted of it ------------------------------------------------------------------------------------------ */

static bool has_folder(const char *name)
{
    return strchr(name, '/') != NULL;
}

static bool is_sidecar(const char *name)
{
    static const char *const names[] = {
        "config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "tokenizer.model",
        "special_tokens_map.json", "added_tokens.json", "vocab.json", "merges.txt", "chat_template.jinja", "params.json",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

static bool is_safetensors(const char *name)
{
    return !has_folder(name) && str_starts(name, "model") && (str_ends(name, ".safetensors") || str_ends(name, ".safetensors.index.json"));
}

static bool is_pickle(const char *name)
{
    return !has_folder(name) && str_starts(name, "pytorch_model") && (str_ends(name, ".bin") || str_ends(name, ".bin.index.json"));
}

static bool is_gguf(const char *name)
{
    return str_ends(name, ".gguf");
}

static bool any(const struct pull *u, bool (*is)(const char *))
{
    for (size_t i = 0; i < u->n; i++)
        if (is(u->entries[i].name))
            return true;
    return false;
}

/* Whether both are parts of one split GGUF, or the same file. */
static bool belong_together(const char *a, const char *b)
{
    unsigned no, of_a, of_b;
    size_t stem = gguf_split_stem(a, &no, &of_a);
    return strcmp(a, b) == 0 ||
           (stem > 0 && gguf_split_stem(b, &no, &of_b) == stem && of_a == of_b && strncmp(a, b, stem) == 0);
}

static void keep(struct pull *u, bool (*a)(const char *), bool (*b)(const char *))
{
    size_t n = 0;
    for (size_t i = 0; i < u->n; i++)
        if (a(u->entries[i].name) || (b && b(u->entries[i].name)))
            u->entries[n++] = u->entries[i];
    u->n = n;
}

static int keep_file(struct pull *u, const char *file, struct err *err)
{
    size_t n = 0, n_names = 0;
    const char *names[64];
    bool there = false;
    for (size_t i = 0; i < u->n; i++) {
        if (n_names < 64)
            names[n_names++] = u->entries[i].name;
        there |= strcmp(u->entries[i].name, file) == 0;
        if (belong_together(u->entries[i].name, file))
            u->entries[n++] = u->entries[i];
    }
    if (!there) {
        const char *near = str_nearest_of(file, names, n_names);
        err_set(err, ERR_INPUT, "'%s' has no file '%s'", u->p->repo, file);
        return near ? err_hint(err, "did you mean '%s'?", near) : -1;
    }
    u->n = n;
    return 0;
}

/* One GGUF is a model; of several one has to be named. */
static int keep_gguf(struct pull *u, struct err *err)
{
    struct buf names = BUF_INIT(NAMES_MAX_BYTES);
    size_t models = 0;
    keep(u, is_gguf, NULL);
    for (size_t i = 0; i < u->n; i++) {
        bool first = true;
        for (size_t k = 0; k < i && first; k++)
            first = !belong_together(u->entries[i].name, u->entries[k].name);
        if (first && models++ < 12)
            buf_printf(&names, "%s%s", models > 1 ? ", " : "", u->entries[i].name);
    }
    int rc = buf_check(&names, err);
    if (rc == 0 && (models > 1 || has_folder(u->entries[0].name))) {
        rc = err_set(err, ERR_USAGE, "'%s' holds %zu GGUF models: %s%s", u->p->repo, models, names.data, models > 12 ? ", ..." : "");
        err_hint(err, "name one of them: %s:FILE", u->p->repo);
    }
    buf_release(&names);
    return rc;
}

static int choose(struct pull *u, struct err *err)
{
    if (u->p->file)
        return keep_file(u, u->p->file, err);
    if (any(u, is_safetensors))
        keep(u, is_safetensors, is_sidecar);
    else if (any(u, is_pickle))
        keep(u, is_pickle, is_sidecar);
    else if (any(u, is_gguf))
        return keep_gguf(u, err);
    else
        return err_set(err, ERR_INPUT, "'%s' holds no model: neither *.safetensors nor pytorch_model*.bin nor *.gguf", u->p->repo);
    return 0;
}

/* ---- fetching ------------------------------------------------------------------------------------------------------ */

static bool has_size(const char *path, uint64_t size)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && (size == 0 || (uint64_t)st.st_size == size);
}

static int check_digest(const struct entry *e, const char *path, struct err *err)
{
    char hex[65];
    TRY(strlen(e->digest) == 64 ? sha256_file(hex, path, NULL, NULL, err) : git_blob_file(hex, path, err));
    if (strcmp(hex, e->digest) == 0)
        return 0;
    if (truncate(path, 0) < 0) /* going on with it would never make it right; its lock stays the one that others wait for */
        unlink(path);
    err_set(err, ERR_INPUT, "'%s': what came has the checksum %s, the hub says %s", e->name, hex, e->digest);
    return err_hint(err, "the download was damaged and is thrown away: pull again");
}

static int fetch_to(struct pull *u, const struct entry *e, const char *url, const char *blob, const char *part, struct err *err)
{
    struct http_answer answer;
    struct download d = {.url = url, .token = u->token, .path = part, .size = e->size, .tick = u->p->on_bytes,
                         .arg = u->p->arg, .interrupted = u->p->interrupted};
    int lock = open(part, O_RDWR | O_CREAT | O_CLOEXEC, 0666), rc = 0;
    if (lock < 0)
        rc = err_set_errno(err, errno, "cannot write '%s'", part);
    while (rc == 0 && flock(lock, LOCK_EX) < 0) {
        if (errno != EINTR)
            rc = err_set_errno(err, errno, "cannot lock '%s'", part);
        else if (u->p->interrupted && *u->p->interrupted)
            rc = err_set(err, ERR_INTERRUPTED, "interrupted");
    }
    if (rc == 0 && !has_size(blob, e->size)) { /* another pull may have been quicker */
        rc = download_file(&answer, &d, err);
        if (rc == 0 && answer.status != 200 && answer.status != 206)
            rc = refused(u, e->name, &answer, err);
        if (rc == 0)
            rc = check_digest(e, part, err);
        if (rc == 0 && rename(part, blob) < 0)
            rc = err_set_errno(err, errno, "cannot make '%s'", blob);
    }
    if (lock >= 0)
        close(lock);
    return rc;
}

/* snapshots/COMMIT/NAME -> ../../blobs/DIGEST, a step up for each folder in NAME. */
static int put_link(const struct pull *u, const struct entry *e, struct err *err)
{
    struct buf target = BUF_INIT(1 << 16);
    char *path = mem_printf(err, "%s/snapshots/%s/%s", u->folder, u->commit, e->name), *dir = NULL;
    int rc = path && (dir = mem_strndup(path, (size_t)(path_base(path) - path) - 1, err)) ? file_mkdirs(dir, err) : -1;
    buf_str(&target, "../../");
    for (const char *p = e->name; (p = strchr(p, '/')); p++)
        buf_str(&target, "../");
    buf_printf(&target, "blobs/%s", e->digest);
    if (rc == 0)
        rc = buf_check(&target, err);
    if (rc == 0 && unlink(path) < 0 && errno != ENOENT)
        rc = err_set_errno(err, errno, "cannot replace '%s'", path);
    if (rc == 0 && symlink(target.data, path) < 0 && errno != EEXIST)
        rc = err_set_errno(err, errno, "cannot make '%s'", path);
    buf_release(&target);
    free(path);
    free(dir);
    return rc;
}

static char *file_url(const struct pull *u, const struct entry *e, struct err *err)
{
    struct buf url = BUF_INIT(1 << 16);
    buf_printf(&url, "%s/%s/resolve/%s/", u->endpoint, u->p->repo, u->commit);
    for (const char *p = e->name; *p; p++)
        buf_printf(&url, isalnum((unsigned char)*p) || strchr("/-_.~", *p) ? "%c" : "%%%02X", (unsigned char)*p);
    return buf_take(&url, err);
}

static int fetch(struct pull *u, size_t i, struct err *err)
{
    const struct entry *e = &u->entries[i];
    char *blob = mem_printf(err, "%s/blobs/%s", u->folder, e->digest), *part = NULL, *url = NULL;
    int rc = blob && (part = mem_printf(err, "%s.incomplete", blob)) && (url = file_url(u, e, err)) ? 0 : -1;
    if (rc == 0) {
        bool there = has_size(blob, e->size);
        if (u->p->on_file)
            u->p->on_file(u->p->arg, e->name, i, u->n, e->size, there);
        if (!there)
            rc = fetch_to(u, e, url, blob, part, err);
    }
    free(blob);
    free(part);
    free(url);
    return rc;
}

static int prepare_folder(struct pull *u, struct err *err)
{
    char *cache;
    int found = hf_cache_folder(&cache, err);
    TRY(found);
    if (!found)
        return err_set(err, ERR_MISSING, "no place for the download: neither HF_HOME nor HOME is set");
    const char *slash = strchr(u->p->repo, '/');
    u->folder = mem_printf(err, "%s/models--%.*s--%s", cache, (int)(slash - u->p->repo), u->p->repo, slash + 1);
    free(cache);
    if (!u->folder)
        return -1;
    static const char *const parts[] = {"blobs", "snapshots", "refs"};
    for (size_t i = 0; i < 3; i++) {
        char *path = path_join(u->folder, parts[i], err);
        int rc = path ? file_mkdirs(path, err) : -1;
        free(path);
        TRY(rc);
    }
    return 0;
}

static int pull(struct pull *u, char **path, struct err *err)
{
    TRY(read_token(&u->token, err));
    TRY(ask_listing(u, err));
    TRY(choose(u, err));
    TRY(prepare_folder(u, err));
    for (size_t i = 0; i < u->n; i++)
        TRY(fetch(u, i, err));
    for (size_t i = 0; i < u->n; i++) /* not before: half a model would look like one */
        TRY(put_link(u, &u->entries[i], err));
    char *ref = mem_printf(err, "%s/refs/%s", u->folder, u->revision);
    int rc = ref ? file_write(ref, u->commit, strlen(u->commit), err) : -1;
    free(ref);
    TRY(rc);
    *path = u->p->file ? mem_printf(err, "%s/snapshots/%s/%s", u->folder, u->commit, u->p->file)
                       : mem_printf(err, "%s/snapshots/%s", u->folder, u->commit);
    return *path ? 0 : -1;
}

int hub_pull(char **path, const struct hub_pull *p, struct err *err)
{
    struct pull u = {.p = p, .arena = ARENA_INIT(NAMES_MAX_BYTES), .endpoint = hub_endpoint(),
                     .revision = p->revision ? p->revision : "main"};
    if (!is_hub_repo(p->repo))
        return err_set(err, ERR_USAGE, "'%s' is no repository of a hub: expected ORG/REPO", p->repo);
    if (!is_inside(u.revision) || strpbrk(u.revision, "/?#% "))
        return err_set(err, ERR_USAGE, "'%s' is no revision: expected a branch, a tag or a commit", u.revision);
    int rc = pull(&u, path, err);
    arena_release(&u.arena);
    free(u.entries);
    free(u.token);
    free(u.folder);
    return rc;
}
