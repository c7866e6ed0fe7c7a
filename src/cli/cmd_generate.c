#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json_out.h"
#include "base/mem.h"
#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/list_ids.h"
#include "cli/native_switches.h"
#include "cli/own_model.h"
#include "cli/profile.h"
#include "cli/sampling_options.h"
#include "models/generate.h"

enum { PROMPTS_MAX_BYTES = 1 << 28 };

struct job {
    const struct invocation *in;
    struct model *model;
    const struct tokenizer *tokenizer; /* NULL: ids only */
    struct session *session;
    struct ids *prompts;
    size_t n_prompts, cap_prompts;
    struct sampling sampling;
    struct logit_bias *bias;
    const char **stops;
    size_t n_stops;
    struct profile profile;
    double load_seconds;
};

/* ---- what to continue -------------------------------------------------------------------------------------------- */

static struct ids *add_prompt(struct job *j, struct err *err)
{
    if (mem_grow(&j->prompts, &j->cap_prompts, j->n_prompts, sizeof *j->prompts, err) < 0)
        return NULL;
    j->prompts[j->n_prompts] = (struct ids){0};
    return &j->prompts[j->n_prompts++];
}

static int add_text(struct job *j, const char *text, size_t len, struct err *err)
{
    struct ids *ids = add_prompt(j, err);
    if (!ids)
        return -1;
    unsigned flags = TOKENIZE_BOS | (opt_flag(j->in, "special") ? TOKENIZE_SPECIAL : 0u);
    TRY(tokenizer_encode(j->tokenizer, text, len, flags, ids, err));
    if (ids->n == 0)
        return err_set(err, ERR_USAGE, "the prompt is empty: there is nothing to continue");
    return 0;
}

static int add_lines(struct job *j, const char *path, struct err *err)
{
    struct buf text = BUF_INIT(PROMPTS_MAX_BYTES + (1 << 17));
    int rc = file_read(&text, path, PROMPTS_MAX_BYTES, err);
    const char *at = text.data, *end = at + text.len;
    for (size_t line = 1; rc == 0 && at < end; line++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t len = (size_t)((stop ? stop : end) - at);
        if (len > 0 && at[len - 1] == '\r')
            len--;
        if (add_text(j, at, len, err) < 0)
            rc = err_context(err, "'%s':%zu", path, line);
        at = stop ? stop + 1 : end;
    }
    if (rc == 0 && j->n_prompts == 0)
        rc = err_set(err, ERR_INPUT, "'%s': there are no prompts", path);
    buf_release(&text);
    return rc;
}

static int read_prompts(struct job *j, struct err *err)
{
    const struct invocation *in = j->in;
    int given = opt_given(in, "prompt") + opt_given(in, "tokens") + opt_given(in, "prompts");
    if (given != 1) {
        err_set(err, ERR_USAGE, given ? "more than one of --prompt, --tokens and --prompts" : "no prompt");
        return err_hint(err, "--prompt TEXT, --tokens 1,2,3, or --prompts FILE (- is standard input)");
    }
    if (opt_given(in, "tokens")) {
        struct id_list list = {0};
        struct ids *ids = add_prompt(j, err);
        if (!ids || id_list_read(&list, in, "tokens", err) < 0) {
            free(list.data);
            return -1;
        }
        *ids = (struct ids){.data = list.data, .n = list.n, .cap = list.n};
        return 0;
    }
    TRY(model_need_tokenizer(&j->tokenizer, j->model, err));
    if (opt_given(in, "prompt"))
        return add_text(j, opt_string(in, "prompt"), strlen(opt_string(in, "prompt")), err);
    return add_lines(j, opt_string(in, "prompts"), err);
}

/* ---- what is shown ----------------------------------------------------------------------------------------------- */

static void show_text(void *user, const char *text, size_t len)
{
    const struct job *j = user;
    if (j->in->json || opt_flag(j->in, "timing")) /* between lines of times nobody could read it: it follows them */
        return;
    fwrite(text, 1, len, stdout);
    fflush(stdout);
    if (ferror(stdout))
        interrupted = 1;
}

static void show_token(void *user, size_t i, int32_t id, double logprob, double seconds)
{
    const struct job *j = user;
    if (opt_flag(j->in, "timing"))
        fprintf(stderr, "token %zu  id %d  logprob %.4f  %.3f ms\n", i, id, logprob, seconds * 1e3);
}

static void figure(struct json_out *out, const char *key, double value)
{
    json_out_key(out, key);
    json_out_number(out, value);
}

static double rate(double n, double seconds)
{
    return seconds > 0 ? n / seconds : 0;
}

static void add_timings(struct json_out *out, const struct job *j, const struct generation *g, size_t n_prompt)
{
    double decode = 0;
    for (size_t i = 1; i < g->n; i++)
        decode += g->seconds[i];
    json_out_key(out, "timings");
    json_out_open(out, '{');
    figure(out, "load_s", j->load_seconds);
    figure(out, "prefill_ms", g->prefill_seconds * 1e3);
    figure(out, "prefill_tps", rate((double)n_prompt, g->prefill_seconds));
    figure(out, "ttft_ms", g->seconds[0] * 1e3);
    figure(out, "decode_ms", decode * 1e3);
    json_out_key(out, "decode_tps");
    if (g->n > 1)
        json_out_number(out, rate((double)(g->n - 1), decode));
    else
        json_out_null(out);
    if (opt_flag(j->in, "timing")) {
        json_out_key(out, "token_ms");
        json_out_open(out, '[');
        for (size_t i = 0; i < g->n; i++)
            json_out_number(out, g->seconds[i] * 1e3);
        json_out_close(out);
    }
    json_out_close(out);
}

static int print_json(const struct job *j, const struct generation *g, size_t n_prompt, struct err *err)
{
    struct buf text = BUF_INIT(SIZE_MAX / 2);
    struct json_out out = JSON_OUT_INIT(&text);
    json_out_open(&out, '{');
    json_out_key(&out, "ids");
    json_out_open(&out, '[');
    for (size_t i = 0; i < g->n; i++)
        json_out_int(&out, g->ids[i]);
    json_out_close(&out);
    json_out_key(&out, "text");
    if (j->tokenizer)
        json_out_text_len(&out, g->text.data ? g->text.data : "", g->text.len);
    else
        json_out_null(&out);
    json_out_key(&out, "logprobs");
    json_out_open(&out, '[');
    for (size_t i = 0; i < g->n; i++)
        json_out_number(&out, g->logprobs[i]);
    json_out_close(&out);
    json_out_key(&out, "finish");
    json_out_text(&out, finish_name(g->finish));
    json_out_key(&out, "prompt_tokens");
    json_out_int(&out, (int64_t)n_prompt);
    json_out_key(&out, "variant");
    json_out_text(&out, session_variant(j->session));
    add_timings(&out, j, g, n_prompt);
    json_out_close(&out);
    int rc = buf_check(&text, err);
    if (rc == 0)
        printf("%s\n", text.data);
    buf_release(&text);
    return rc;
}

static int print_plain(const struct job *j, const struct generation *g)
{
    if (!j->tokenizer) /* a model without a tokenizer: ids are all there is */
        for (size_t i = 0; i < g->n; i++)
            printf("%s%d", i ? "," : "", g->ids[i]);
    else if (opt_flag(j->in, "timing"))
        fwrite(g->text.data, 1, g->text.len, stdout);
    printf("\n");
    if (j->in->verbose)
        fprintf(stderr, "prony: %zu tokens, finish %s, loaded in %.3f s, first token after %.1f ms\n", g->n, finish_name(g->finish), j->load_seconds, g->seconds[0] * 1e3);
    return 0;
}

/* ---- work -------------------------------------------------------------------------------------------------------- */

static int open_session(struct job *j, struct err *err)
{
    struct model_facts facts;
    size_t longest = 0, most = (size_t)opt_int(j->in, "max-tokens");
    model_facts(j->model, &facts);
    for (size_t i = 0; i < j->n_prompts; i++)
        longest = j->prompts[i].n > longest ? j->prompts[i].n : longest;
    struct session_options o = {0};
    TRY(native_switches_apply(&o, j->model, j->in, err));
    /* the cache is as long as this needs; beyond the model's limit generate() refuses with both numbers */
    o.context = longest + most < (size_t)facts.context ? (int)(longest + most) : facts.context;
    if (opt_given(j->in, "context"))
        o.context = (int)opt_int(j->in, "context");
    if (opt_flag(j->in, "profile"))
        o.observer = &j->profile.observer;
    return session_open(&j->session, j->model, &o, err);
}

/* 1: interrupted. */
static int continue_one(struct job *j, size_t i, struct err *err)
{
    struct generation g;
    struct generation_request r = {
        .prompt = j->prompts[i].data, .n_prompt = j->prompts[i].n, .max_tokens = (int)opt_int(j->in, "max-tokens"),
        .ignore_eos = opt_flag(j->in, "ignore-eos"), .sampling = j->sampling, .stops = j->stops, .n_stops = j->n_stops,
        .on_text = show_text, .on_token = show_token, .user = j, .interrupted = &interrupted,
    };
    TRY(session_rollback(j->session, 0, 0, err));
    TRY(generate(&g, j->session, j->model, j->tokenizer, &r, err));
    int rc = j->in->json ? print_json(j, &g, r.n_prompt, err) : print_plain(j, &g);
    if (rc == 0 && g.finish == FINISH_INTERRUPTED)
        rc = 1;
    generation_release(&g);
    return rc;
}

static int work(struct job *j, struct err *err)
{
    double began = steady_seconds();
    int rc = 0;
    TRY(own_model_open(&j->model, j->in, err));
    j->load_seconds = steady_seconds() - began;
    j->tokenizer = model_tokenizer(j->model);
    TRY(sampling_read(&j->sampling, &j->bias, j->in, err));
    TRY(stops_read(&j->stops, &j->n_stops, j->in, err));
    TRY(read_prompts(j, err));
    TRY(open_session(j, err));
    own_model_describe(j->in, j->model, j->session);
    interrupt_catch();
    for (size_t i = 0; i < j->n_prompts && rc == 0; i++) {
        rc = continue_one(j, i, err);
        TRY(rc);
    }
    if (opt_flag(j->in, "profile"))
        TRY(profile_report(&j->profile, j->session, j->in->out, err));
    return rc == 0 ? EXIT_DONE : EXIT_FAILED;
}

static int run(struct invocation *in, struct err *err)
{
    struct job j = {.in = in};
    profile_init(&j.profile);
    int status = work(&j, err);
    session_close(j.session);
    model_close(j.model);
    for (size_t i = 0; i < j.n_prompts; i++)
        ids_release(&j.prompts[i]);
    free(j.prompts);
    free(j.bias);
    free(j.stops);
    profile_release(&j.profile);
    return status;
}

static const struct option_row options[] = {
    {.name = "prompt", .letter = 'p', .kind = OPT_STRING, .argument = "TEXT", .help = "the text to continue"},
    {.name = "tokens", .kind = OPT_LIST, .argument = "1,2,3", .help = "ids to continue, used as they are"},
    {.name = "prompts", .kind = OPT_STRING, .argument = "FILE", .help = "one prompt a line; - is standard input",
     .files = true},
    {.name = "special", .kind = OPT_FLAG, .help = "special tokens written in the prompt are meant as such"},
    {.name = "max-tokens", .letter = 'n', .kind = OPT_INT, .argument = "N", .help = "new tokens at most",
     .initial = DEFAULT_GENERATE_MAX_TOKENS, .lo = 1, .hi = 1e8},
    {.name = "ignore-eos", .kind = OPT_FLAG, .help = "go on after an end-of-text token"},
    SAMPLING_OPTIONS,
    NATIVE_SWITCHES,
    {.name = "context", .kind = OPT_INT, .argument = "N", .help = "positions, where more than the model's own are wanted",
     .lo = 1, .hi = 1 << 28},
    {.name = "timing", .kind = OPT_FLAG, .help = "every token's time"},
    PROFILE_OPTION,
    {0}};

static const struct example examples[] = {
    {"prony generate --prompt 'The river' --max-tokens 40", "with the built-in model"},
    {"prony generate llama.gguf --prompt 'The river' --temperature 0 --json", "the likeliest text, as JSON"},
    {"prony generate models/teacher --prompts questions.txt --json", "a line of JSON for each line of the file"},
    {0}};

const struct command command_generate = {
    .name = "generate",
    .summary = "continue a prompt with the native engine",
    .synopsis = "[MODEL]",
    .description = "Text goes to standard output as it comes. Without MODEL llama3-1b is run, or the built-in teacher where that is not at hand.",
    .options = options,
    .examples = examples,
    .globals = GLOBAL_JSON | GLOBAL_OUT | GLOBAL_SEED | GLOBAL_THREADS,
    .models = 1,
    .min_args = 0,
    .max_args = 1,
    .run = run,
};
