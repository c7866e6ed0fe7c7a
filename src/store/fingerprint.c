#include "store/fingerprint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <curl/curl.h>
#include <libfyaml.h>
#include <openssl/crypto.h>
#include <sqlite3.h>

#include "base/build.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include "formats/model_file.h"
#include "machine/machine.h"

json_t *fingerprint_build(struct err *err)
{
    const curl_version_info_data *curl = curl_version_info(CURLVERSION_NOW);
    json_t *v = json_pack("{ss ss ss ss ss s{ss ss ss ss ss}}", "version", build_version(), "commit", build_commit(),
                          "compiler", build_compiler(), "flags", build_flags(), "type", build_type(), "libraries", "jansson",
                          jansson_version_str(), "libfyaml", fy_library_version(), "sqlite", sqlite3_libversion(), "curl",
                          curl->version, "openssl", OpenSSL_version(OPENSSL_VERSION_STRING));
    if (!v)
        err_set(err, ERR_MEMORY, "out of memory for the fingerprint");
    return v;
}

/* ---- the model's digest ----------------------------------------------------------------------------------------- */

/* "DIR/prony/sha256/HEX" where HEX stands for what stat says of all files; NULL when there is no cache folder. */
static char *cache_path(const struct model_file *f, struct err *err)
{
    const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    struct buf key = BUF_INIT(1 << 20);
    char name[65];
    char *path = NULL;
    bool all = model_file_n_files(f) > 0;
    for (size_t i = 0; i < model_file_n_files(f); i++) {
        struct stat st;
        char *real = realpath(model_file_file_at(f, i), NULL);
        if (real && stat(real, &st) == 0)
            buf_printf(&key, "%s %lld %lld.%09ld %llu\n", real, (long long)st.st_size, (long long)st.st_mtim.tv_sec,
                       st.st_mtim.tv_nsec, (unsigned long long)st.st_ino);
        else
            all = false;
        free(real);
    }
    if (all && !key.failed && sha256_bytes(name, key.data, key.len, NULL, NULL, NULL) == 0) {
        name[32] = '\0';
        if (xdg && *xdg == '/')
            path = mem_printf(err, "%s/prony/sha256/%s", xdg, name);
        else if (home && *home == '/')
            path = mem_printf(err, "%s/.cache/prony/sha256/%s", home, name);
    }
    buf_release(&key);
    return path;
}

static bool is_digest(const char *s)
{
    return strlen(s) == 64 && strspn(s, "0123456789abcdef") == 64;
}

int fingerprint_model_sha256(const char *path, char hex[65], tick_fn tick, void *arg, struct err *err)
{
    struct model_file *f;
    TRY(model_file_open(&f, path, err));
    char *cached = cache_path(f, NULL);
    struct buf text = BUF_INIT(1 << 17);
    int rc = 0;
    if (cached && file_exists(cached) && file_read(&text, cached, 1000, NULL) == 0 && text.data && is_digest(text.data)) {
        memcpy(hex, text.data, 65);
    } else {
        rc = model_file_sha256(f, hex, tick, arg, err);
        if (rc == 0 && cached) {
            char *dir = mem_strndup(cached, (size_t)(path_base(cached) - cached), NULL);
            if (dir && file_mkdirs(dir, NULL) == 0)
                file_write(cached, hex, 64, NULL); /* next time it is read again: no harm */
            free(dir);
        }
    }
    buf_release(&text);
    free(cached);
    model_file_close(f);
    return rc;
}

/* ---- all of it -------------------------------------------------------------------------------------------------- */

static json_t *text_or_null(const char *s)
{
    return s && *s ? json_string(s) : json_null();
}

static json_t *model_facts(const struct fingerprint_input *in)
{
    char hex[65] = "";
    struct stat st;
    if (!in->model && !(in->model_sha256 && *in->model_sha256))
        return json_null();
    if (in->model_sha256 && *in->model_sha256)
        snprintf(hex, sizeof hex, "%s", in->model_sha256);
    else if (fingerprint_model_sha256(in->model, hex, in->tick, in->tick_arg, NULL) < 0)
        hex[0] = '\0';
    bool is_file = in->model && stat(in->model, &st) == 0 && S_ISREG(st.st_mode);
    return json_pack("{so so so}", "path", text_or_null(in->model), "bytes",
                     is_file ? json_integer(st.st_size) : json_null(), "sha256", text_or_null(hex));
}

json_t *fingerprint(const struct fingerprint_input *in, struct err *err)
{
    char now[32];
    json_t *machine = machine_facts(in->root, err), *build = fingerprint_build(err), *all = NULL;
    if (machine && build)
        all = json_pack("{ss so sI sO sO so s{so so so}}", "started", clock_iso(clock_real_ms(), now), "command",
                        text_or_null(in->command), "seed", (json_int_t)in->seed, "build", build, "machine", machine, "model",
                        model_facts(in), "engine", "name", text_or_null(in->engine), "version",
                        text_or_null(in->engine_version), "checked_against", text_or_null(in->checked_against));
    if (!all)
        err_set(err, ERR_MEMORY, "out of memory for the fingerprint");
    json_decref(machine);
    json_decref(build);
    return all;
}
