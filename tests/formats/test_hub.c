/* Pulling models from a hub, against one on the loopback interface that does what hubs do, and what they do wrong. */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "formats/hub.h"
#include "formats/model_keys.h"
#include "formats/resolve.h"
#include "support/hub_server.h"
#include "support/testing.h"

enum { LARGE = 300000 };

static struct hub_server *hub;
static char large[LARGE];
static int rounds;

/* A fresh cache and a hub with one model, well behaved. */
static int set_up(void **state)
{
    (void)state;
    char home[512];
    for (size_t i = 0; i < LARGE; i++)
        large[i] = (char)(i * 2654435761u >> 13);
    if (!hub)
        hub = hub_server_start();
    hub_server_clear(hub);
    *hub_server_faults(hub) = (struct hub_faults){0};
    *hub_server_requests(hub) = (struct hub_requests){0};
    snprintf(home, sizeof home, "%s/home%d", test_dir(), rounds++);
    setenv("HF_HOME", home, 1);
    setenv("HF_ENDPOINT", hub_server_url(hub), 1);
    setenv("NO_PROXY", "*", 1);
    unsetenv("HF_HUB_CACHE");
    unsetenv("HF_TOKEN");
    unsetenv("HF_TOKEN_PATH");
    hub_server_put(hub, "config.json", "{\"model_type\":\"llama\"}", 22, false);
    hub_server_put(hub, "model.safetensors", large, LARGE, true);
    hub_server_put(hub, "pytorch_model.bin", large, 1000, true);
    hub_server_put(hub, "README.md", "hello", 5, false);
    hub_server_put(hub, "onnx/model.onnx", large, 2000, true);
    return 0;
}

static int stop_hub(void **state)
{
    (void)state;
    hub_server_stop(hub);
    return 0;
}

static char *pulled(const char *repo, const char *file)
{
    struct err err = ERR_INIT;
    char *path;
    struct hub_pull p = {.repo = repo, .file = file};
    assert_ok(hub_pull(&path, &p, &err));
    return path;
}

static int attempt(const char *file, struct err *err)
{
    char *path = NULL;
    int rc = hub_pull(&path, &(struct hub_pull){.repo = "Org/Repo", .file = file}, err);
    hub_server_rest(hub); /* it may still read what it was told to answer */
    if (rc == 0)
        free(path);
    return rc;
}

static void holds(const char *dir, const char *name, const char *bytes, size_t len)
{
    struct err err = ERR_INIT;
    char path[1024];
    struct file_map m;
    snprintf(path, sizeof path, "%s%s%s", dir, name ? "/" : "", name ? name : "");
    assert_ok(file_map(&m, path, &err));
    assert_int_equal(m.size, len);
    assert_memory_equal(m.data, bytes, len);
    file_unmap(&m);
}

static int files_below(const char *part)
{
    char path[1024];
    int n = 0;
    snprintf(path, sizeof path, "%s/hub/models--Org--Repo/%s", getenv("HF_HOME"), part);
    DIR *d = opendir(path);
    for (struct dirent *e; d && (e = readdir(d));)
        n += e->d_name[0] != '.';
    if (d)
        closedir(d);
    return n;
}

static void a_model_comes_once_and_where_others_look(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    char *path = pulled("Org/Repo", NULL), *found;
    bool folder;
    holds(path, "config.json", "{\"model_type\":\"llama\"}", 22);
    holds(path, "model.safetensors", large, LARGE);
    assert_int_equal(files_below("snapshots/0123456789abcdef0123456789abcdef01234567"), 2);
    assert_int_equal(files_below("blobs"), 2);
    holds(getenv("HF_HOME"), "hub/models--Org--Repo/refs/main", "0123456789abcdef0123456789abcdef01234567", 40);
    assert_ok(model_resolve(&found, &folder, "Org/Repo", &err));
    assert_true(folder);
    assert_string_equal(found, path);
    free(found);
    assert_int_equal(hub_server_requests(hub)->files, 2);
    *hub_server_requests(hub) = (struct hub_requests){0};
    free(path);
    path = pulled("Org/Repo", NULL);
    assert_int_equal(hub_server_requests(hub)->files, 0);
    assert_int_equal(hub_server_requests(hub)->listings, 1);
    free(path);
}

static void what_was_broken_off_is_gone_on_with(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    hub_server_faults(hub)->drop_after = 100000;
    hub_server_faults(hub)->drops = 2;
    char *path = pulled("Org/Repo", "model.safetensors");
    holds(path, NULL, large, LARGE);
    assert_int_equal(hub_server_requests(hub)->ranges, 2);
    assert_int_equal(hub_server_requests(hub)->file_bytes, LARGE);
    free(path);
    /* a server without ranges sends all of it again */
    set_up(NULL);
    hub_server_faults(hub)->drop_after = 100000;
    hub_server_faults(hub)->drops = 1;
    hub_server_faults(hub)->no_ranges = true;
    path = pulled("Org/Repo", "model.safetensors");
    holds(path, NULL, large, LARGE);
    assert_int_equal(hub_server_requests(hub)->file_bytes, LARGE + 100000);
    free(path);
    /* one that sends another part is not believed */
    set_up(NULL);
    hub_server_faults(hub)->drop_after = 100000;
    hub_server_faults(hub)->drops = 1;
    hub_server_faults(hub)->wrong_range = true;
    assert_err(attempt("model.safetensors", &err), ERR_INPUT, "asked for bytes from 100000");
    assert_int_equal(files_below("blobs"), 1); /* .incomplete */
    /* and half a model is none: nothing is in the snapshot before all of it came */
    assert_err(attempt(NULL, &err), ERR_INPUT, "asked for bytes from 100000");
    assert_int_equal(files_below("snapshots"), 0);
    hub_server_faults(hub)->wrong_range = false;
    path = pulled("Org/Repo", "model.safetensors");
    holds(path, NULL, large, LARGE);
    free(path);
}

static void damage_is_found(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    hub_server_faults(hub)->wrong_bytes = true;
    assert_err(attempt("model.safetensors", &err), ERR_INPUT, "has the checksum");
    assert_err(attempt("config.json", &err), ERR_INPUT, "has the checksum");
    assert_int_equal(files_below("blobs"), 2); /* .incomplete, emptied */
    assert_int_equal(files_below("snapshots"), 0);
    hub_server_faults(hub)->wrong_bytes = false;
    assert_ok(attempt("config.json", &err));
}

static void refusals_say_what_to_do(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct hub_faults *f = hub_server_faults(hub);
    f->listing_status = 401;
    f->reason = "RepoNotFound";
    f->text = "Invalid username or password.";
    assert_err(attempt(NULL, &err), ERR_MISSING, "no such public repository");
    assert_non_null(strstr(err.hint, "HF_TOKEN"));
    *f = (struct hub_faults){.file_status = 403, .reason = "GatedRepo", .text = "Access to model Org/Repo is restricted."};
    assert_err(attempt(NULL, &err), ERR_MISSING, "is a gated model: Access to model Org/Repo is restricted.");
    assert_non_null(strstr(err.hint, "/Org/Repo, then set HF_TOKEN"));
    f->file_status = 401;
    assert_err(attempt(NULL, &err), ERR_MISSING, "is a gated model");
    *f = (struct hub_faults){.listing_status = 404, .reason = "RevisionNotFound", .text = "Invalid rev id: main"};
    assert_err(attempt(NULL, &err), ERR_INPUT, "no such repository or revision: Invalid rev id");
    *f = (struct hub_faults){.busy = 1000};
    assert_err(attempt(NULL, &err), ERR_IO, "the hub is busy (429)");
    *f = (struct hub_faults){.busy = 2};
    assert_ok(attempt(NULL, &err));
    *f = (struct hub_faults){.endless_redirect = true};
    set_up(NULL);
    f->endless_redirect = true;
    assert_err(attempt(NULL, &err), ERR_IO, "redirects");
    *f = (struct hub_faults){0};
    assert_err(attempt("model.safetensor", &err), ERR_INPUT, "has no file 'model.safetensor'");
    assert_non_null(strstr(err.hint, "'model.safetensors'"));
    setenv("HF_ENDPOINT", "ftp://127.0.0.1", 1);
    assert_err(attempt(NULL, &err), ERR_IO, "ftp");
}

static void a_token_goes_to_the_hub_only(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    hub_server_faults(hub)->token = "hf_secret";
    assert_err(attempt(NULL, &err), ERR_MISSING, "no such public repository");
    setenv("HF_TOKEN", "hf_secret", 1);
    assert_ok(attempt(NULL, &err));
    assert_false(hub_server_requests(hub)->token_to_storage);
    unsetenv("HF_TOKEN");
    set_up(NULL);
    hub_server_faults(hub)->token = "hf_kept";
    char path[600];
    snprintf(path, sizeof path, "%s/token", getenv("HF_HOME"));
    assert_ok(file_mkdirs(getenv("HF_HOME"), &err));
    assert_ok(file_write(path, "hf_kept\n", 8, &err));
    assert_ok(attempt(NULL, &err));
    hub_server_faults(hub)->token = "another";
    assert_err(attempt("README.md", &err), ERR_MISSING, "or the token is not valid");
    assert_null(strstr(err.text, "hf_kept"));
    assert_null(strstr(err.hint, "hf_kept"));
}

static void a_full_disk_keeps_what_came(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct rlimit before, small;
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    small = before;
    small.rlim_cur = 100000;
    setrlimit(RLIMIT_FSIZE, &small);
    int rc = attempt("model.safetensors", &err);
    setrlimit(RLIMIT_FSIZE, &before);
    assert_int_equal(rc, -1);
    assert_int_equal(err.code, ERR_IO);
    assert_non_null(strstr(err.text, "cannot write"));
    *hub_server_requests(hub) = (struct hub_requests){0};
    assert_ok(attempt("model.safetensors", &err));
    assert_true(hub_server_requests(hub)->file_bytes <= LARGE - 90000);
}

static void a_hub_cannot_lead_outside(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    static const char *const names[] = {"../x.gguf", "/etc/x.gguf", "a/../../x.gguf", "a//x.gguf", "./x.gguf", "a/./x.gguf", "a\\\\x.gguf",
                                        "a\\nx.gguf", ""};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char listing[512];
        snprintf(listing, sizeof listing,
                 "{\"sha\":\"0123456789abcdef0123456789abcdef01234567\",\"siblings\":[{\"rfilename\":\"%s\","
                 "\"blobId\":\"0123456789abcdef0123456789abcdef01234567\",\"size\":1}]}", names[i]);
        hub_server_faults(hub)->listing = listing;
        assert_err(attempt(NULL, &err), ERR_INPUT, "impossible name");
    }
    static const struct {
        const char *listing, *says;
    } wrong[] = {
        {"{\"sha\":\"../../../x\",\"siblings\":[]}", "impossible commit"},
        {"{\"sha\":\"0123456789abcdef0123456789abcdef01234567\",\"siblings\":[{\"rfilename\":\"x.gguf\",\"blobId\":\"../../x\"}]}",
         "impossible checksum"},
        {"{\"sha\":\"0123456789abcdef0123456789abcdef01234567\"}", "siblings"},
        {"<html>", "revision/main"},
        {"{\"sha\":\"0123456789abcdef0123456789abcdef01234567\",\"siblings\":[]}", "holds no model"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        hub_server_faults(hub)->listing = wrong[i].listing;
        assert_err(attempt(NULL, &err), ERR_INPUT, wrong[i].says);
    }
    assert_err(hub_pull(&(char *){NULL}, &(struct hub_pull){.repo = "Org/Repo", .revision = "../../x"}, &err), ERR_USAGE, "no revision");
    assert_err(hub_pull(&(char *){NULL}, &(struct hub_pull){.repo = "Org"}, &err), ERR_USAGE, "expected ORG/REPO");
}

static void one_gguf_of_several_is_named(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    hub_server_clear(hub);
    hub_server_put(hub, "m-Q4_0.gguf", large, 1000, true);
    hub_server_put(hub, "config.json", "{}", 2, false);
    char *path = pulled("Org/Repo", NULL);
    holds(path, "m-Q4_0.gguf", large, 1000);
    free(path);
    hub_server_put(hub, "big/m-F16-00001-of-00002.gguf", large, 2000, true);
    hub_server_put(hub, "big/m-F16-00002-of-00002.gguf", large + 7, 2000, true);
    assert_err(attempt(NULL, &err), ERR_USAGE, "holds 2 GGUF models: m-Q4_0.gguf, big/m-F16-00001-of-00002.gguf");
    path = pulled("Org/Repo", "big/m-F16-00001-of-00002.gguf");
    holds(path, NULL, large, 2000);
    *strstr(path, "00001-of") = '\0';
    char second[1024];
    snprintf(second, sizeof second, "%s00002-of-00002.gguf", path);
    holds(second, NULL, large + 7, 2000);
    free(path);
}

static void keys_are_read(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct model_keys *k;
    char *repo, *file;
    assert_ok(model_keys_open(&k, &err));
    assert_string_equal(model_keys_find(k, "opt-125m")->hf, "facebook/opt-125m");
    assert_true(model_keys_find(k, "llama3-405b")->gated && !model_keys_find(k, "gpt2")->gated);
    assert_string_equal(model_keys_find(k, "Llama-3.2-1B-Instruct")->hf, model_keys_find(k, "llama3-1b")->hf);
    assert_string_equal(model_key_served(k, "TinyLlama-1.1B-Chat", "lemonade"), "user.TinyLlama");
    assert_null(model_key_served(k, "opt-125m", "lemonade"));
    assert_null(model_keys_find(k, "gpt3"));
    assert_string_equal(model_keys_nearest(k, "gpt3"), "gpt2");
    model_keys_close(k);
    assert_ok(hub_name(&repo, &file, "tiny-gpt2", &err));
    assert_string_equal(repo, "sshleifer/tiny-gpt2");
    assert_null(file);
    free(repo);
    assert_ok(hub_name(&repo, &file, "A/b:c/d.gguf", &err));
    assert_string_equal(repo, "A/b");
    assert_string_equal(file, "c/d.gguf");
    free(repo);
    free(file);
    assert_ok(hub_name(&repo, &file, "models/a/b", &err));
    assert_null(repo);
    static const struct {
        const char *text, *says;
    } wrong[] = {
        {"models: {a: {hf: x}}", "'m':1:18: expected ORG/REPO"},
        {"models: {a: {gated: true}}", "'hf' is missing"},
        {"models: {a: {hf: x/y, gated: yes}}", "expected true or false"},
        {"models: {a: {hf: x/y, size: 3}}", "expected one of hf, gated, folder, gguf, served"},
        {"models: {a: {hf: x/y, gguf: {q8: z}}}", "expected one of f16 and q4_k_m"},
        {"models: {a: [1]}", "expected hf, gated"},
        {"more: {}", "expected 'models:'"},
        {"[1]", "expected 'models:'"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_err(model_keys_parse(&k, wrong[i].text, strlen(wrong[i].text), "m", &err), ERR_INPUT, wrong[i].says);
}

static void a_key_finds_what_was_pulled(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    char *found, *repo, *file, *path = pulled("facebook/opt-125m", NULL);
    bool folder;
    assert_ok(model_resolve(&found, &folder, "opt-125m", &err));
    assert_string_equal(found, path);
    free(found);
    assert_ok(model_resolve(&found, &folder, "facebook/opt-125m:config.json", &err));
    assert_non_null(strstr(found, "/config.json"));
    free(found);
    free(path);
    assert_int_equal(model_missing(&repo, &file, "opt-125m", &err), 0);
    assert_int_equal(model_missing(&repo, &file, "gpt2", &err), 1);
    assert_string_equal(repo, "openai-community/gpt2");
    free(repo);
    assert_err(model_resolve(&found, &folder, "gpt2", &err), ERR_IO, "'gpt2' (openai-community/gpt2) is not here");
    assert_non_null(strstr(err.hint, "prony model pull gpt2"));
    assert_err(model_resolve(&found, &folder, "gpt-2", &err), ERR_IO, "no such file or folder");
    assert_non_null(strstr(err.hint, "'gpt2'"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_model_comes_once_and_where_others_look, set_up),
        cmocka_unit_test_setup(what_was_broken_off_is_gone_on_with, set_up),
        cmocka_unit_test_setup(damage_is_found, set_up),
        cmocka_unit_test_setup(refusals_say_what_to_do, set_up),
        cmocka_unit_test_setup(a_token_goes_to_the_hub_only, set_up),
        cmocka_unit_test_setup(a_full_disk_keeps_what_came, set_up),
        cmocka_unit_test_setup(a_hub_cannot_lead_outside, set_up),
        cmocka_unit_test_setup(one_gguf_of_several_is_named, set_up),
        cmocka_unit_test_setup(keys_are_read, set_up),
        cmocka_unit_test_setup(a_key_finds_what_was_pulled, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, stop_hub);
}
