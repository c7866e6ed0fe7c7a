#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/data_path.h"
#include "base/mem.h"
#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/sampling_options.h"
#include "models/generate.h"

/* The template of the models that come with prony. Others are told apart by their text: a template is a program, and what
 * this one means is written here in C. */
static const char builtin_template[] =
    "{{ bos_token }}{% for m in messages %}{{ '<|' + m['role'] + '|>' + m['content'] + '<|end|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}";

struct chat {
    const struct invocation *in;
    struct model *model;
    const struct tokenizer *tokenizer;
    struct session *session;
    struct sampling sampling;
    struct logit_bias *bias;
    const char **stops;
    size_t n_stops;
    struct ids next; /* what the session has not seen yet: the end of the last answer, then the next question */
    int32_t end, user, assistant, system;
};

static int find_tokens(struct chat *c, struct err *err)
{
    const struct {
        int32_t *id;
        const char *entry;
    } all[] = {{&c->end, "<|end|>"}, {&c->user, "<|user|>"}, {&c->assistant, "<|assistant|>"}, {&c->system, "<|system|>"}};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        *all[i].id = tokenizer_lookup(c->tokenizer, all[i].entry);
        if (*all[i].id < 0)
            return err_set(err, ERR_INPUT, "'%s': the vocabulary lacks '%s', which its chat template uses",
                           model_file_path(model_source(c->model)), all[i].entry);
    }
    return 0;
}

static int check_template(const struct chat *c, struct err *err)
{
    const char *template = tokenizer_chat_template(c->tokenizer), *path = model_file_path(model_source(c->model));
    if (!template) {
        err_set(err, ERR_UNSUPPORTED, "'%s' has no chat template: it was not made to answer", path);
        return err_hint(err, "'prony generate' continues a text with it");
    }
    if (strcmp(template, builtin_template) != 0) {
        err_set(err, ERR_UNSUPPORTED, "'%s': its chat template is not one that prony has; it has that of the built-in models",
                path);
        return err_hint(err, "write the template out yourself: prony generate MODEL --special --prompt TEXT");
    }
    return 0;
}

static int add_message(struct chat *c, int32_t role, const char *text, size_t len, struct err *err)
{
    TRY(ids_add(&c->next, role, err));
    TRY(tokenizer_encode(c->tokenizer, text, len, TOKENIZE_PLAIN, &c->next, err));
    return ids_add(&c->next, c->end, err);
}

static int begin_anew(struct chat *c, struct err *err)
{
    const char *system = opt_string(c->in, "system");
    c->next.n = 0;
    TRY(session_rollback(c->session, 0, 0, err));
    if (tokenizer_bos(c->tokenizer) >= 0)
        TRY(ids_add(&c->next, tokenizer_bos(c->tokenizer), err));
    return system ? add_message(c, c->system, system, strlen(system), err) : 0;
}

static void show_text(void *user, const char *text, size_t len)
{
    (void)user;
    fwrite(text, 1, len, stdout);
    fflush(stdout);
    if (ferror(stdout))
        interrupted = 1;
}

static void show_token(void *user, size_t i, int32_t id, double logprob, double seconds)
{
    const struct chat *c = user;
    if (opt_flag(c->in, "timing"))
        fprintf(stderr, "token %zu  id %d  logprob %.4f  %.3f ms\n", i, id, logprob, seconds * 1e3);
}

/* 1: the question does not fit; the conversation stays as it was. */
static int answer(struct chat *c, const char *line, size_t len, struct err *err)
{
    struct generation g;
    size_t before = c->next.n;
    TRY(add_message(c, c->user, line, len, err));
    TRY(ids_add(&c->next, c->assistant, err));
    int room = session_context(c->session) - session_length(c->session, 0) - (int)c->next.n;
    int most = (int)opt_int(c->in, "max-tokens");
    if (room < 1) {
        fprintf(stderr, "prony: %d tokens are longer than the context of %d; /reset begins anew\n",
                session_length(c->session, 0) + (int)c->next.n, session_context(c->session));
        c->next.n = before;
        return 1;
    }
    struct generation_request r = {
        .prompt = c->next.data, .n_prompt = c->next.n, .max_tokens = most < room ? most : room, .sampling = c->sampling,
        .stops = c->stops, .n_stops = c->n_stops, .on_text = show_text, .on_token = show_token, .user = c,
        .interrupted = &interrupted,
    };
    TRY(generate(&g, c->session, c->model, c->tokenizer, &r, err));
    printf("\n");
    fflush(stdout);
    /* every answer is ended as the template ends it, whatever ended it here */
    c->next.n = 0;
    int rc = g.finish == FINISH_EOS ? 0 : ids_add(&c->next, g.ids[g.n - 1], err);
    if (rc == 0)
        rc = ids_add(&c->next, c->end, err);
    c->sampling.seed++; /* the same question twice need not get the same answer */
    generation_release(&g);
    return rc;
}

static int converse(struct chat *c, struct err *err)
{
    bool terminal = isatty(STDIN_FILENO);
    char *line = NULL;
    size_t cap = 0;
    int rc = 0;
    if (terminal && !c->in->quiet)
        fprintf(stderr, "/reset begins anew, /quit or Ctrl-D ends\n");
    while (rc >= 0 && !interrupted) {
        if (terminal)
            fprintf(stderr, "> ");
        errno = 0;
        ssize_t len = getline(&line, &cap, stdin);
        if (len < 0) {
            if (ferror(stdin) && errno != EINTR)
                rc = err_set_errno(err, errno, "standard input");
            break;
        }
        while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r'))
            line[--len] = '\0';
        if (strcmp(line, "/quit") == 0)
            break;
        if (strcmp(line, "/reset") == 0)
            rc = begin_anew(c, err);
        else if (line[0] == '/' && terminal)
            fprintf(stderr, "prony: '%s' is not one of /reset and /quit\n", line);
        else if (len > 0)
            rc = answer(c, line, (size_t)len, err);
    }
    free(line);
    return rc < 0 ? -1 : interrupted ? EXIT_FAILED : EXIT_DONE;
}

static int work(struct chat *c, struct err *err)
{
    struct model_facts facts;
    char *builtin = c->in->n_args > 0 ? NULL : data_path("models/teacher", err);
    if (c->in->n_args == 0 && !builtin)
        return -1;
    int rc = model_open(&c->model, builtin ? builtin : c->in->args[0], err);
    free(builtin);
    TRY(rc);
    TRY(model_need_tokenizer(&c->tokenizer, c->model, err));
    TRY(check_template(c, err));
    TRY(find_tokens(c, err));
    TRY(sampling_read(&c->sampling, &c->bias, c->in, err));
    TRY(stops_read(&c->stops, &c->n_stops, c->in, err));
    model_facts(c->model, &facts);
    struct session_options o = {.variant = opt_string(c->in, "variant"), .threads = c->in->threads,
                                .context = opt_given(c->in, "context") ? (int)opt_int(c->in, "context") : facts.context};
    TRY(session_open(&c->session, c->model, &o, err));
    if (c->in->verbose)
        fprintf(stderr, "prony: native:%s\n", session_variant(c->session));
    interrupt_catch();
    TRY(begin_anew(c, err));
    return converse(c, err);
}

static int run(struct invocation *in, struct err *err)
{
    struct chat c = {.in = in};
    int status = work(&c, err);
    session_close(c.session);
    model_close(c.model);
    ids_release(&c.next);
    free(c.bias);
    free(c.stops);
    return status;
}

static const struct option_row options[] = {
    {.name = "system", .kind = OPT_STRING, .argument = "TEXT", .help = "a message that stands before the first question"},
    {.name = "max-tokens", .letter = 'n', .kind = OPT_INT, .argument = "N", .help = "tokens of an answer at most",
     .initial = "256", .lo = 1, .hi = 1e8},
    SAMPLING_OPTIONS,
    {.name = "variant", .kind = OPT_STRING, .argument = "V", .help = "of the native engine", .choices = "ref,fast"},
    {.name = "context", .kind = OPT_INT, .argument = "N", .help = "positions of a conversation", .lo = 1, .hi = 1 << 28},
    {.name = "timing", .kind = OPT_FLAG, .help = "every token's time"},
    {0}};

static const struct example examples[] = {
    {"prony chat", "with the built-in model"},
    {"echo 'What is 2+2?' | prony chat models/student --temperature 0", "one question through a pipe"},
    {0}};

const struct command command_chat = {
    .name = "chat",
    .summary = "questions and answers at a prompt",
    .synopsis = "[MODEL]",
    .description = "A line is a question. /reset begins anew, /quit ends. Without MODEL the built-in teacher answers, fluently and "
                   "wrongly: it is for trying out.",
    .options = options,
    .examples = examples,
    .globals = GLOBAL_SEED | GLOBAL_THREADS,
    .min_args = 0,
    .max_args = 1,
    .run = run,
};
