/* model_tokenize.c - text to ids: for people one text, for programs (--jsonl) a text a line. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json_out.h"
#include "base/str.h"
#include "cli/command.h"
#include "tokenizers/json_scan.h"
#include "tokenizers/tokenizer.h"

enum { LINE_MAX_BYTES = 1 << 30 };

static unsigned flags_of(const struct invocation *in)
{
    return (opt_flag(in, "special") ? TOKENIZE_SPECIAL : 0u) | (opt_flag(in, "bos") ? TOKENIZE_BOS : 0u);
}

static void print_ids(const struct ids *ids)
{
    putchar('[');
    for (size_t i = 0; i < ids->n; i++)
        printf(i ? ", %d" : "%d", ids->data[i]);
    puts("]");
}

/* One line of input. Half a surrogate pair, which JSON can write, is no character: it becomes U+FFFD. */
static int tokenize_line(const struct tokenizer *t, const char *line, size_t len, size_t number, struct arena *arena,
                         unsigned flags, struct ids *ids, struct err *err)
{
    struct json_scan j = {.text = line, .at = line, .end = line + len, .lossy = true, .arena = arena,
                          .name = "standard input", .lines_before = number - 1};
    struct json_text text;
    TRY(json_scan_string(&j, &text, err));
    if (json_scan_peek(&j) != '\0')
        return json_scan_error(&j, err, "something follows the string");
    ids->n = 0;
    TRY(tokenizer_encode(t, text.data, text.len, flags, ids, err));
    print_ids(ids);
    return 0;
}

static int tokenize_lines(const struct tokenizer *t, unsigned flags, struct err *err)
{
    struct ids ids = {0};
    struct arena arena = ARENA_INIT((size_t)1 << 31);
    char *line = NULL;
    size_t cap = 0, number = 0;
    ssize_t len;
    int rc = 0;
    while (rc == 0 && (len = getline(&line, &cap, stdin)) >= 0 && !ferror(stdout)) {
        number++;
        if (len == 0 || (len == 1 && line[0] == '\n'))
            continue;
        rc = tokenize_line(t, line, (size_t)len, number, &arena, flags, &ids, err);
        arena_release(&arena);
    }
    free(line);
    arena_release(&arena);
    ids_release(&ids);
    return rc;
}

/* A piece as it can be shown on one line: what does not print is escaped as JSON does, half a character by its bytes. */
static void print_piece(const char *s, size_t len)
{
    struct buf shown = BUF_INIT(1 << 20);
    struct json_out j = JSON_OUT_INIT(&shown);
    if (utf8_valid(s, len)) {
        json_out_text_len(&j, s, len);
    } else {
        buf_char(&shown, '"');
        for (size_t i = 0; i < len; i++)
            buf_printf(&shown, s[i] > ' ' && s[i] < 0x7F ? "%c" : "\\x%02X", (unsigned char)s[i]);
        buf_char(&shown, '"');
    }
    fputs(shown.data ? shown.data : "", stdout);
    buf_release(&shown);
}

static int tokenize_text(const struct tokenizer *t, const char *text, size_t len, const struct invocation *in, struct err *err)
{
    struct ids ids = {0};
    struct buf piece = BUF_INIT(1 << 24);
    int rc = tokenizer_encode(t, text, len, flags_of(in), &ids, err);
    if (rc == 0 && in->json)
        print_ids(&ids);
    for (size_t i = 0; i < ids.n && rc == 0 && !in->json; i++) {
        buf_clear(&piece);
        rc = tokenizer_piece(t, ids.data[i], &piece, err);
        if (rc < 0)
            break;
        printf("%8d  ", ids.data[i]);
        print_piece(piece.data ? piece.data : "", piece.len);
        putchar('\n');
    }
    if (rc == 0 && !in->quiet)
        fprintf(stderr, "%zu tokens, %zu bytes\n", ids.n, len);
    buf_release(&piece);
    ids_release(&ids);
    return rc;
}

static int run(struct invocation *in, struct err *err)
{
    struct tokenizer *t;
    struct buf text = BUF_INIT(LINE_MAX_BYTES);
    if (opt_flag(in, "jsonl") && in->n_args > 1) {
        err_set(err, ERR_USAGE, "--jsonl reads texts from standard input, and '%s' was given too", in->args[1]);
        return -1;
    }
    TRY(tokenizer_open(&t, in->args[0], err));
    int rc;
    if (opt_flag(in, "jsonl"))
        rc = tokenize_lines(t, flags_of(in), err);
    else if (in->n_args > 1)
        rc = tokenize_text(t, in->args[1], strlen(in->args[1]), in, err);
    else
        rc = file_read(&text, "-", LINE_MAX_BYTES, err) < 0
                 ? -1
                 : tokenize_text(t, text.data ? text.data : "", text.len, in, err);
    buf_release(&text);
    tokenizer_close(t);
    return rc < 0 ? -1 : EXIT_DONE;
}

static const struct option_row options[] = {
    {.name = "jsonl", .kind = OPT_FLAG, .help = "standard input has a JSON string a line; print a JSON array of ids for each"},
    {.name = "special", .kind = OPT_FLAG, .help = "special tokens written out in the text become their ids"},
    {.name = "bos", .kind = OPT_FLAG, .help = "add what the model's settings put around a text"},
    {0},
};

static const struct example examples[] = {
    {"prony model tokenize models/teacher 'Hello world'", "ids and pieces of one text"},
    {"prony model tokenize llama.gguf --jsonl <texts.jsonl", "a line of ids for each line"},
    {0},
};

const struct command model_tokenize = {
    .name = "tokenize",
    .summary = "turn text into the model's token ids",
    .synopsis = "MODEL [TEXT]",
    .description = "Without TEXT the text is read from standard input. MODEL may also be a folder with only a tokenizer.json "
                   "or a tokenizer.model, such a file itself, or a GGUF without tensors. Of tokenizer.json and "
                   "tokenizer.model the former decides.",
    .examples = examples,
    .options = options,
    .globals = GLOBAL_JSON,
    .models = 1,
    .min_args = 1,
    .max_args = 2,
    .run = run,
};
