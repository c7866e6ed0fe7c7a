#include "engines/register.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "engines/server.h"
#include "net/http.h"

enum { REGISTRY_MAX = 16 << 20, URL_ROOM = 700 };

char *register_lemonade_path(struct err *err)
{
    const char *cache = getenv("LEMONADE_CACHE_DIR"), *home = getenv("HOME");
    if (cache && *cache)
        return path_join(cache, "user_models.json", err);
    if (!home || !*home) {
        err_set(err, ERR_MISSING, "the environment has no 'HOME'");
        return NULL;
    }
    return mem_printf(err, "%s/.cache/lemonade/user_models.json", home);
}

static int make_folder_of(const char *path, struct err *err)
{
    char *dir = mem_strndup(path, (size_t)(path_base(path) - path), err);
    int rc = !dir ? -1 : *dir ? file_mkdirs(dir, err) : 0;
    free(dir);
    return rc;
}

int register_lemonade(const char *registry, const char *name, const char *gguf, bool *changed, struct err *err)
{
    char real[PATH_MAX];
    struct buf text = BUF_INIT(REGISTRY_MAX);
    if (!realpath(gguf, real))
        return err_set(err, ERR_IO, "'%s' cannot be found", gguf);
    json_t *all = file_exists(registry) ? json_read(registry, REGISTRY_MAX, err) : json_object();
    json_t *entry = json_pack("{ss ss}", "checkpoint", real, "recipe", "llamacpp");
    int rc = all && entry ? 0 : -1;
    if (rc == 0 && !json_is_object(all))
        rc = err_set(err, ERR_INPUT, "'%s' is %s, expected an object of models", registry, json_kind_name(all));
    const json_t *old = json_object_get(all, name);
    *changed = rc == 0 && (strcmp(json_text_or(old, "checkpoint", ""), real) != 0 ||
                           strcmp(json_text_or(old, "recipe", ""), "llamacpp") != 0);
    if (rc == 0 && *changed) {
        json_object_set(all, name, entry);
        rc = make_folder_of(registry, err);
        if (rc == 0)
            rc = json_write_pretty(&text, all, err);
        buf_char(&text, '\n');
        if (rc == 0)
            rc = file_write(registry, text.data, text.len, err);
    }
    json_decref(entry);
    json_decref(all);
    buf_release(&text);
    return rc;
}

/* Does the stream of states that follows a creation end well? */
static int check_states(const struct http_reply *r, const char *url, struct err *err)
{
    const char *body = r->body.data ? r->body.data : "";
    if (r->status < 200 || r->status > 299)
        return server_error(r->status, r->location, body, r->body.len, url, err);
    if (!strstr(body, "\"success\""))
        return server_error(r->status, "", body, r->body.len, url, err);
    return 0;
}

static int send_blob(struct http *h, const char *url, const char *gguf, struct http_reply *r, bool *sent, struct err *err)
{
    *sent = false;
    TRY(http_fetch(h, &(struct http_request){.url = url, .method = "HEAD"}, r, err));
    if (r->status == 200)
        return 0;
    *sent = true;
    TRY(http_fetch(h, &(struct http_request){.url = url, .body_file = gguf}, r, err));
    if (r->status != 200 && r->status != 201)
        return server_error(r->status, r->location, r->body.data, r->body.len, url, err);
    return 0;
}

int register_ollama(const char *url, const char *name, const char *gguf, const char sha256[65], bool *sent, struct err *err)
{
    struct http *h = NULL;
    struct http_reply r = {0};
    struct buf body = BUF_INIT(1 << 20);
    char at[URL_ROOM], digest[80];
    snprintf(digest, sizeof digest, "sha256:%s", sha256);
    snprintf(at, sizeof at, "%s/api/blobs/%s", url, digest);
    json_t *create = json_pack("{ss s{ss} sb}", "model", name, "files", path_base(gguf), digest, "stream", 1);
    int rc = create ? http_open(&h, err) : err_set(err, ERR_USAGE, "'%s' is not UTF-8", name);
    if (rc == 0)
        rc = send_blob(h, at, gguf, &r, sent, err);
    if (rc == 0)
        rc = json_write(&body, create, err);
    snprintf(at, sizeof at, "%s/api/create", url);
    if (rc == 0)
        rc = http_fetch(h, &(struct http_request){.url = at, .body = body.data, .body_len = body.len}, &r, err);
    if (rc == 0)
        rc = check_states(&r, at, err);
    json_decref(create);
    buf_release(&body);
    http_reply_release(&r);
    http_close(h);
    return rc;
}
