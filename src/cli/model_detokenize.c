/* model_detokenize.c - ids to text. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/file.h"
#include "cli/command.h"
#include "tokenizers/tokenizer.h"

enum { INPUT_MAX = 1 << 30 };

static int bad_line(size_t number, const char *found, struct err *err)
{
    return err_set(err, ERR_INPUT, "standard input:%zu: expected a JSON array of ids%s", number, found);
}

static int detokenize_line(const struct tokenizer *t, const char *line, size_t len, size_t number, bool special,
                           struct err *err)
{
    struct ids ids = {0};
    struct buf text = BUF_INIT(INPUT_MAX);
    json_error_t why;
    json_t *list = json_loadb(line, len, JSON_DECODE_ANY, &why);
    int rc = json_is_array(list) ? 0 : bad_line(number, "", err);
    for (size_t i = 0; rc == 0 && i < json_array_size(list); i++) {
        const json_t *id = json_array_get(list, i);
        json_int_t v = json_integer_value(id);
        rc = json_is_integer(id) && v >= 0 && v <= INT32_MAX ? ids_add(&ids, (int32_t)v, err)
                                                             : bad_line(number, ", found something else in it", err);
    }
    if (rc == 0)
        rc = tokenizer_decode(t, ids.data, ids.n, special, &text, err);
    if (rc == 0) {
        json_t *out = json_stringn(text.data ? text.data : "", text.len);
        char *dump = out ? json_dumps(out, JSON_ENCODE_ANY | JSON_ENSURE_ASCII) : NULL;
        rc = dump ? puts(dump), 0 : err_set(err, ERR_MEMORY, "out of memory");
        free(dump);
        json_decref(out);
    }
    json_decref(list);
    ids_release(&ids);
    buf_release(&text);
    return rc;
}

static int detokenize_lines(const struct tokenizer *t, bool special, struct err *err)
{
    char *line = NULL;
    size_t cap = 0, number = 0;
    ssize_t len;
    int rc = 0;
    while (rc == 0 && (len = getline(&line, &cap, stdin)) >= 0 && !ferror(stdout)) {
        number++;
        if (len > 0 && !(len == 1 && line[0] == '\n'))
            rc = detokenize_line(t, line, (size_t)len, number, special, err);
    }
    free(line);
    return rc;
}

/* Numbers with anything else between them: commas, spaces, brackets. */
static int parse_ids(struct ids *ids, const char *s, struct err *err)
{
    while (*s) {
        if (*s == ',' || *s == ' ' || *s == '[' || *s == ']' || *s == '\n' || *s == '\t' || *s == '\r') {
            s++;
            continue;
        }
        char *end;
        errno = 0;
        long v = strtol(s, &end, 10);
        if (end == s || errno || v < 0 || v > INT32_MAX)
            return err_set(err, ERR_USAGE, "expected token ids, found '%.20s'", s);
        TRY(ids_add(ids, (int32_t)v, err));
        s = end;
    }
    return 0;
}

static int detokenize_text(const struct tokenizer *t, const char *list, bool special, struct err *err)
{
    struct ids ids = {0};
    struct buf text = BUF_INIT(INPUT_MAX);
    int rc = parse_ids(&ids, list, err);
    if (rc == 0)
        rc = tokenizer_decode(t, ids.data, ids.n, special, &text, err);
    if (rc == 0 && text.len) {
        fwrite(text.data, 1, text.len, stdout);
        putchar('\n');
    }
    ids_release(&ids);
    buf_release(&text);
    return rc;
}

static int run(struct invocation *in, struct err *err)
{
    struct tokenizer *t;
    struct buf list = BUF_INIT(INPUT_MAX);
    bool special = opt_flag(in, "special");
    if (opt_flag(in, "jsonl") && in->n_args > 1)
        return err_set(err, ERR_USAGE, "--jsonl reads ids from standard input, and '%s' was given too", in->args[1]);
    TRY(tokenizer_open(&t, in->args[0], err));
    int rc;
    if (opt_flag(in, "jsonl"))
        rc = detokenize_lines(t, special, err);
    else if (in->n_args > 1)
        rc = detokenize_text(t, in->args[1], special, err);
    else
        rc = file_read(&list, "-", INPUT_MAX, err) < 0 ? -1 : detokenize_text(t, list.data ? list.data : "", special, err);
    buf_release(&list);
    tokenizer_close(t);
    return rc < 0 ? -1 : EXIT_DONE;
}

static const struct option_row options[] = {
    {.name = "jsonl", .kind = OPT_FLAG, .help = "standard input has a JSON array of ids a line; print a JSON string for each"},
    {.name = "special", .kind = OPT_FLAG, .help = "show special tokens; otherwise they are left out"},
    {0},
};

static const struct example examples[] = {
    {"prony model detokenize models/teacher 12,345,67", "the text of three tokens"},
    {"prony model tokenize m.gguf --jsonl <a.jsonl | prony model detokenize m.gguf --jsonl", "there and back"},
    {0},
};

const struct command model_detokenize = {
    .name = "detokenize",
    .summary = "turn the model's token ids into text",
    .synopsis = "MODEL [IDS]",
    .description = "Without IDS they are read from standard input, separated by commas or spaces. What is not a whole "
                   "UTF-8 character is shown as U+FFFD.",
    .examples = examples,
    .options = options,
    .models = 1,
    .min_args = 1,
    .max_args = 2,
    .run = run,
};
