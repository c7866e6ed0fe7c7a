/* prony engines health - not only whether a server answers, but whether it does what a comparison needs of it: one token,
 * and the log-probability of it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/data_path.h"
#include "base/json.h"
#include "cli/command.h"
#include "engines/engine.h"

struct health {
    struct engine_name name;
    struct engine_probe probe;
    bool generates;
    int logprobs;  /* 1 they came, 0 they did not, -1 the protocol has none */
    double ms;     /* of the whole request; NaN: there was none */
    struct err err;
};

/* One token of a prompt that every vocabulary has. */
static int ask(struct engine *e, struct health *h, struct err *err)
{
    const struct engine_capabilities *can = engine_can(e);
    struct engine_prompt prompt = {.ids = (int32_t[]){1}, .n_ids = 1};
    struct engine_reply reply = {0};
    if (!can->token_ids)
        prompt = (struct engine_prompt){.text = "The"};
    struct engine_request request = {.prompts = &prompt, .n_prompts = 1, .max_tokens = 1, .n_top = can->top_k > 0};
    int64_t began = clock_ns();
    int rc = engine_generate(e, &request, &reply, err);
    h->ms = (double)(clock_ns() - began) / 1e6;
    h->generates = rc == 0;
    h->logprobs = can->top_k == 0 ? -1 : rc == 0 && isfinite(reply.steps[0].logprob) && isfinite(reply.tops[0].logprob);
    engine_reply_release(&reply);
    return rc;
}

static void examine(struct health *h, const char *model, const json_t *options)
{
    struct engine *e = NULL;
    h->ms = NAN;
    h->logprobs = -1;
    h->name.class->probe(&h->name, &h->probe);
    if (h->probe.status != ENGINE_INSTALLED && h->probe.status != ENGINE_REACHABLE) {
        err_set(&h->err, ERR_MISSING, "%s", h->probe.why);
        return;
    }
    struct engine_spec spec = {.name = &h->name, .model = model, .context = 0, .options = h->name.class->takes_url ? options : NULL};
    if (engine_open(&e, &spec, &h->err) == 0)
        ask(e, h, &h->err);
    engine_close(e);
}

static const char *verdict(const struct health *h)
{
    if (h->probe.status == ENGINE_MISSING || h->probe.status == ENGINE_UNSUPPORTED)
        return engine_status_name(h->probe.status);
    return !h->generates ? "fails" : h->logprobs == 0 ? "no logprobs" : "healthy";
}

static const char *logprobs_word(const struct health *h)
{
    return !h->generates ? "" : h->logprobs > 0 ? "yes" : h->logprobs == 0 ? "no" : "none in its protocol";
}

static json_t *row(const struct health *h)
{
    char label[ENGINE_LABEL_MAX];
    json_t *ms = isfinite(h->ms) ? json_real(h->ms) : json_null();
    json_t *logprobs = h->generates && h->logprobs >= 0 ? json_boolean(h->logprobs) : json_null();
    return json_pack("{ss ss ss ss* so so ss*}", "engine", engine_name_label(&h->name, label), "url", h->name.url, "health",
                     verdict(h), "version", *h->probe.version ? h->probe.version : NULL, "logprobs", logprobs, "request_ms", ms,
                     "why", *h->err.text ? h->err.text : NULL);
}

static int show(const struct invocation *in, const struct health *all, size_t n, struct err *err)
{
    struct buf text = BUF_INIT(1 << 20);
    json_t *list = json_array();
    int rc = 0;
    if (!in->json)
        printf("%-20s %-12s %-20s %-22s %9s  %s\n", "ENGINE", "HEALTH", "VERSION", "LOG-PROBABILITIES", "MS", "WHY");
    for (size_t i = 0; i < n; i++) {
        char label[ENGINE_LABEL_MAX], ms[32] = "";
        if (isfinite(all[i].ms))
            snprintf(ms, sizeof ms, "%.1f", all[i].ms);
        if (in->json)
            json_array_append_new(list, row(&all[i]));
        else
            printf("%-20s %-12s %-20.20s %-22s %9s  %s\n", engine_name_label(&all[i].name, label), verdict(&all[i]),
                   all[i].probe.version, logprobs_word(&all[i]), ms, all[i].err.text);
    }
    if (in->json && (rc = json_write_pretty(&text, list, err)) == 0)
        printf("%s\n", text.data);
    json_decref(list);
    buf_release(&text);
    return rc;
}

/* The engines named, or all that are in the list but the scripted one. */
static int choose(struct health all[], size_t *n, const struct invocation *in, struct err *err)
{
    *n = 0;
    for (size_t i = 0; i < in->n_args; i++)
        TRY(engine_name_parse(&all[(*n)++].name, in->args[i], err));
    for (size_t i = 0; in->n_args == 0 && engine_class_at(i); i++)
        if (strcmp(engine_class_at(i)->name, "fake") != 0)
            all[(*n)++].name.class = engine_class_at(i);
    return 0;
}

static int run(struct invocation *in, struct err *err)
{
    struct health all[64] = {0};
    size_t n;
    char *teacher = data_path("models/teacher", NULL);
    const char *model = opt_string(in, "model");
    json_t *options = json_object();
    int rc = choose(all, &n, in, err);
    if (opt_string(in, "key"))
        json_object_set_new(options, "key", json_string(opt_string(in, "key")));
    bool healthy = true;
    for (size_t i = 0; i < n && rc == 0; i++) {
        examine(&all[i], model ? model : all[i].name.class->needs_model ? teacher : NULL, options);
        bool is_asked = in->n_args > 0 || all[i].probe.status == ENGINE_REACHABLE || all[i].probe.status == ENGINE_INSTALLED;
        healthy &= !is_asked || strcmp(verdict(&all[i]), "healthy") == 0;
    }
    if (rc == 0)
        rc = show(in, all, n, err);
    json_decref(options);
    free(teacher);
    return rc < 0 ? -1 : healthy ? EXIT_DONE : EXIT_FAILED;
}

static const struct option_row options[] = {
    {.name = "model", .kind = OPT_STRING, .argument = "MODEL", .help = "what to ask with; default: the server's own, or the built-in teacher", .files = true},
    {.name = "key", .kind = OPT_STRING, .argument = "WHERE", .help = "where the servers' key is: env:NAME or file:PATH"},
    {0}};

static const struct example examples[] = {
    {"prony engines health", "all engines that are here: one token and its log-probability from each"},
    {"prony engines health llamacpp@http://127.0.0.1:8003", "one server; the exit status tells a script"},
    {0},
};

const struct command engines_health = {
    .name = "health",
    .summary = "ask each engine for one token and its log-probability",
    .synopsis = "[NAME[:VARIANT][@URL]...]",
    .description = "Without names, every engine is looked for; those that are not here are listed as missing and do not count.\n\n"
                   "Exit status 1 if one that was named, or one that is here, does not answer as a comparison needs it to.",
    .examples = examples,
    .options = options,
    .globals = GLOBAL_JSON,
    .max_args = 64,
    .run = run,
};
