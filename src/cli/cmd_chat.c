#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/native_switches.h"
#include "cli/own_model.h"
#include "cli/profile.h"
#include "cli/sampling_options.h"
#include "models/generate.h"
#include "tokenizers/chat.h"

struct chat {
    const struct invocation *in;
    struct model *model;
    const struct tokenizer *tokenizer;
    struct session *session;
    struct sampling sampling;
    struct logit_bias *bias;
    const char **stops;
    size_t n_stops;
    struct chat_style style;
    int32_t end; /* -1: only the model's own end of text */
    struct chat_message *messages; /* their texts are owned */
    size_t n_messages, cap;
    struct ids held; /* what the session has seen */
    struct profile profile;
};

static int add_message(struct chat *c, enum chat_role role, const char *text, size_t len, struct err *err)
{
    TRY(mem_grow(&c->messages, &c->cap, c->n_messages, sizeof *c->messages, err));
    char *copy = mem_strndup(text, len, err);
    if (!copy)
        return -1;
    c->messages[c->n_messages++] = (struct chat_message){role, copy, len};
    return 0;
}

static void forget_messages(struct chat *c, size_t from)
{
    while (c->n_messages > from)
        free((char *)c->messages[--c->n_messages].text);
}

static int begin_anew(struct chat *c, struct err *err)
{
    const char *system = opt_string(c->in, "system");
    forget_messages(c, 0);
    return system ? add_message(c, CHAT_SYSTEM, system, strlen(system), err) : 0;
}

/* The conversation as ids. What the session has seen of it stays there: returns how many, at least one fewer than all. */
static int prepare(struct chat *c, struct ids *ids, struct err *err)
{
    struct chat_text text = CHAT_TEXT_INIT;
    int rc = chat_render(&text, &c->style, c->tokenizer, c->messages, c->n_messages, true, err);
    if (rc == 0)
        rc = chat_encode(c->tokenizer, &text, ids, err);
    chat_text_release(&text);
    TRY(rc);
    size_t same = 0;
    while (same + 1 < ids->n && same < c->held.n && ids->data[same] == c->held.data[same])
        same++;
    return (int)same;
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

static int reply(struct chat *c, const struct ids *ids, size_t same, int room, struct err *err)
{
    struct generation g;
    int most = (int)opt_int(c->in, "max-tokens");
    struct generation_request r = {
        .prompt = ids->data + same, .n_prompt = ids->n - same, .max_tokens = most < room ? most : room,
        .ends = &c->end, .n_ends = c->end >= 0, .sampling = c->sampling, .stops = c->stops, .n_stops = c->n_stops,
        .on_text = show_text, .on_token = show_token, .user = c, .interrupted = &interrupted,
    };
    TRY(session_rollback(c->session, 0, (int)same, err));
    c->held.n = 0; /* until it is known what the session holds */
    TRY(generate(&g, c->session, c->model, c->tokenizer, &r, err));
    printf("\n");
    fflush(stdout);
    int rc = add_message(c, CHAT_ASSISTANT, g.text.data ? g.text.data : "", g.text.len, err);
    for (size_t i = 0; i < ids->n && rc == 0; i++)
        rc = ids_add(&c->held, ids->data[i], err);
    for (size_t i = 0; i + 1 < g.n && rc == 0; i++)
        rc = ids_add(&c->held, g.ids[i], err);
    c->sampling.seed++; /* the same question twice need not get the same answer */
    generation_release(&g);
    return rc;
}

/* 1: the question does not fit; the conversation stays as it was. */
static int answer(struct chat *c, const char *line, size_t len, struct err *err)
{
    struct ids ids = {0};
    size_t before = c->n_messages;
    TRY(add_message(c, CHAT_USER, line, len, err));
    int same = prepare(c, &ids, err), rc = -1;
    if (same >= 0) {
        int room = session_context(c->session) - (int)ids.n;
        if (room >= 1) {
            rc = reply(c, &ids, (size_t)same, room, err);
        } else {
            fprintf(stderr, "prony: %zu tokens are longer than the context of %d; /reset begins anew\n", ids.n,
                    session_context(c->session));
            forget_messages(c, before);
            rc = 1;
        }
    }
    ids_release(&ids);
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

/* Where the template is a stranger to the vocabulary its tokens are text, and so is what ends an answer. */
static int find_end(struct chat *c, struct err *err)
{
    const char *text;
    c->end = chat_style_end(&c->style, c->tokenizer, &text);
    if (c->end >= 0 || !text)
        return 0;
    fprintf(stderr, "prony: the vocabulary has no '%s', with which an answer ends in the chat template '%s'\n", text,
            chat_style_name(&c->style));
    const char **more = mem_realloc(c->stops, c->n_stops + 1, sizeof *more, err);
    if (!more)
        return -1;
    c->stops = more;
    c->stops[c->n_stops++] = text;
    return 0;
}

static int work(struct chat *c, struct err *err)
{
    struct model_facts facts;
    TRY(own_model_open(&c->model, c->in, err));
    TRY(model_need_tokenizer(&c->tokenizer, c->model, err));
    TRY(chat_style_choose(&c->style, c->tokenizer, opt_string(c->in, "chat-template"), err));
    TRY(sampling_read(&c->sampling, &c->bias, c->in, err));
    TRY(stops_read(&c->stops, &c->n_stops, c->in, err));
    TRY(find_end(c, err));
    model_facts(c->model, &facts);
    struct session_options o = {0};
    TRY(native_switches_apply(&o, c->model, c->in, err));
    o.context = opt_given(c->in, "context") ? (int)opt_int(c->in, "context") : facts.context;
    if (opt_flag(c->in, "profile"))
        o.observer = &c->profile.observer;
    TRY(session_open(&c->session, c->model, &o, err));
    own_model_describe(c->in, c->model, c->session);
    if (c->in->verbose || c->in->debug)
        fprintf(stderr, "prony: chat template %s\n", chat_style_name(&c->style));
    interrupt_catch();
    TRY(begin_anew(c, err));
    int status = converse(c, err);
    TRY(status);
    if (opt_flag(c->in, "profile"))
        TRY(profile_report(&c->profile, c->session, c->in->out, err));
    return status;
}

static int run(struct invocation *in, struct err *err)
{
    struct chat c = {.in = in};
    profile_init(&c.profile);
    int status = work(&c, err);
    session_close(c.session);
    model_close(c.model);
    forget_messages(&c, 0);
    free(c.messages);
    ids_release(&c.held);
    free(c.bias);
    free(c.stops);
    profile_release(&c.profile);
    return status;
}

static const struct option_row options[] = {
    {.name = "system", .kind = OPT_STRING, .argument = "TEXT", .help = "a message that stands before the first question"},
    {.name = "chat-template", .kind = OPT_STRING, .argument = "NAME", .help = "instead of the model's own", .choices = CHAT_FORMATS},
    {.name = "max-tokens", .letter = 'n', .kind = OPT_INT, .argument = "N", .help = "tokens of an answer at most",
     .initial = DEFAULT_CHAT_MAX_TOKENS, .lo = 1, .hi = 1e8},
    SAMPLING_OPTIONS,
    NATIVE_SWITCHES,
    {.name = "context", .kind = OPT_INT, .argument = "N", .help = "positions of a conversation", .lo = 1, .hi = 1 << 28},
    {.name = "timing", .kind = OPT_FLAG, .help = "every token's time"},
    PROFILE_OPTION,
    {0}};

static const struct example examples[] = {
    {"prony chat", "with llama3-1b, or the built-in model"},
    {"prony chat llama.gguf --chat-template llama-3 --system 'Be brief.'", "a model whose template is unknown"},
    {"echo 'What is 2+2?' | prony chat models/student --temperature 0", "one question through a pipe"},
    {0}};

const struct command command_chat = {
    .name = "chat",
    .summary = "questions and answers at a prompt",
    .synopsis = "[MODEL]",
    .description = "A line is a question. /reset begins anew, /quit ends. Without MODEL llama3-1b answers, or "
                   "where that is not at hand the built-in teacher, fluently and wrongly: it is for trying out.",
    .options = options,
    .examples = examples,
    .globals = GLOBAL_SEED | GLOBAL_THREADS | GLOBAL_OUT,
    .models = 1,
    .min_args = 0,
    .max_args = 1,
    .run = run,
};
