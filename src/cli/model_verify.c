#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/json_out.h"
#include "cli/work.h"
#include "formats/model_file.h"

static int check_digest(const struct model_file *f, const struct invocation *in, const char *wanted, char found[65],
                        struct err *err)
{
    bool hex = strlen(wanted) == 64;
    for (const char *c = wanted; *c; c++)
        hex = hex && isxdigit((unsigned char)*c);
    if (!hex)
        return err_set(err, ERR_USAGE, "--sha256: expected 64 hexadecimal digits, found '%s'", wanted);
    if (model_file_n_files(f) == 0)
        return err_set(err, ERR_USAGE, "--sha256: '%s' has no weights", model_file_path(f));
    TRY(work_model_sha256(f, in, found, err));
    if (strcasecmp(found, wanted) != 0) {
        err_set(err, ERR_INPUT, "'%s': its SHA-256 is %s, expected %s", model_file_path(f), found, wanted);
        return err_hint(err, "it is another version of the model, or the download is damaged");
    }
    return 0;
}

static int check_numbers(const struct model_file *f, const struct invocation *in, struct err *err)
{
    struct work work;
    work_begin(&work, in, "checking", "bytes");
    int rc = model_file_verify(f, work_tick, &work, err);
    work_end(&work);
    return rc;
}

static int run(struct invocation *in, struct err *err)
{
    struct model_file *f;
    struct buf text = BUF_INIT(1 << 20);
    struct json_out j = JSON_OUT_PRETTY(&text);
    const char *wanted = opt_string(in, "sha256");
    char sha256[65] = "";
    TRY(model_file_open(&f, in->args[0], err));
    int rc = wanted ? check_digest(f, in, wanted, sha256, err) : 0;
    if (rc == 0)
        rc = check_numbers(f, in, err);
    if (rc == 0 && in->json) {
        json_out_open(&j, '{');
        json_out_key(&j, "verified");
        json_out_bool(&j, true);
        json_out_key(&j, "format");
        json_out_text(&j, model_file_format(f));
        json_out_key(&j, "tensors");
        json_out_int(&j, (int64_t)model_file_n_tensors(f));
        json_out_key(&j, "bytes");
        json_out_int(&j, (int64_t)model_file_bytes(f));
        json_out_key(&j, "sha256");
        json_out_text(&j, wanted ? sha256 : NULL);
        json_out_close(&j);
        rc = buf_check(&text, err);
        if (rc == 0)
            printf("%s\n", text.data);
    } else if (rc == 0) {
        printf("'%s': %s, %zu tensors, %" PRIu64 " bytes: structure and values are sound%s\n", model_file_path(f),
               model_file_format(f), model_file_n_tensors(f), model_file_bytes(f), wanted ? ", the checksum is the one given" : "");
    }
    buf_release(&text);
    model_file_close(f);
    return rc < 0 ? -1 : EXIT_DONE;
}

static const struct option_row options[] = {
    {.name = "sha256", .kind = OPT_STRING, .argument = "HEX", .help = "the weights must have this checksum"},
    {0},
};

static const struct example examples[] = {
    {"prony model verify llama.gguf", "every offset, length, scale and weight"},
    {"prony model verify models/teacher --sha256 4e6fb99ab66a29eeef8a116fb9c8ba726ac83b2ed1fab6dccc8d43e23b356562",
     "and that it is the model that it is said to be"},
    {0},
};

const struct command model_verify = {
    .name = "verify",
    .summary = "check a model's structure, its numbers, and its checksum",
    .synopsis = "MODEL",
    .description = "Structure: every count, offset and length of the file, as each opening of a model checks it. Numbers: no NaN "
                   "and no infinity among scales and weights; the first one is named with its tensor and row. Exit status 1 when "
                   "something is wrong.",
    .examples = examples,
    .options = options,
    .globals = GLOBAL_JSON,
    .models = 1,
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
