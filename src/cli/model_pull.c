#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_out.h"
#include "cli/command.h"
#include "cli/pull.h"
#include "formats/model_keys.h"
#include "formats/resolve.h"

static int no_such_name(const char *text, struct err *err)
{
    struct model_keys *keys;
    struct buf names = BUF_INIT(1 << 16);
    TRY(model_keys_open(&keys, err));
    const char *near = model_keys_nearest(keys, text);
    model_keys_list(keys, &names);
    err_set(err, ERR_USAGE, "'%s' is neither ORG/REPO nor ORG/REPO:FILE nor one of the keys %s", text, names.data ? names.data : "");
    if (near)
        err_hint(err, "did you mean '%s'?", near);
    buf_release(&names);
    model_keys_close(keys);
    return -1;
}

static int run(struct invocation *in, struct err *err)
{
    const char *text = in->args[0];
    char *repo = NULL, *file = NULL, *path = NULL;
    struct buf json = BUF_INIT(1 << 16);
    struct json_out j = JSON_OUT_INIT(&json);
    TRY(hub_name(&repo, &file, text, err));
    if (!repo)
        return no_such_name(text, err);
    int rc = pull_model(&path, in, repo, file, opt_string(in, "revision"), err);
    if (rc == 0 && in->json) {
        json_out_open(&j, '{');
        json_out_key(&j, "repo");
        json_out_text(&j, repo);
        json_out_key(&j, "path");
        json_out_text(&j, path);
        json_out_close(&j);
        rc = buf_check(&json, err);
        if (rc == 0)
            printf("%s\n", json.data);
    } else if (rc == 0) {
        printf("%s\n", path);
    }
    free(path);
    buf_release(&json);
    free(repo);
    free(file);
    return rc < 0 ? -1 : EXIT_DONE;
}

static const struct option_row options[] = {
    {.name = "revision", .kind = OPT_STRING, .argument = "REV", .help = "a branch, tag or commit", .initial = "main"},
    {0},
};

static const struct example examples[] = {
    {"prony model pull opt-125m", "a key of configs/models.yaml: the original weights"},
    {"prony model pull Qwen/Qwen3-0.6B", "a repository of the hub: weights, configuration, tokenizer"},
    {"prony model pull bartowski/Llama-3.2-1B-Instruct-GGUF:Llama-3.2-1B-Instruct-Q4_K_M.gguf", "one file of it"},
    {0},
};

const struct command model_pull = {
    .name = "pull",
    .summary = "fetch a model from the hub",
    .synopsis = "KEY|ORG/REPO[:FILE]",
    .description = "The files go to the cache that the Hugging Face tools use (HF_HOME, ~/.cache/huggingface), and where they lie is "
                   "printed. Each is checked against the checksum that the hub gives; what is there already is not fetched "
                   "again, what was broken off is gone on with. Of a repository the safetensors are taken, else "
                   "pytorch_model*.bin, else its one GGUF, with configuration and tokenizer.\n\n"
                   "HF_ENDPOINT names another hub. HF_TOKEN, or the token that the Hugging Face tools keep, is needed for private and "
                   "gated models.",
    .options = options,
    .examples = examples,
    .globals = GLOBAL_JSON,
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
