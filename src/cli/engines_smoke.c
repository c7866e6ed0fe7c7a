#include "cli/engines_smoke.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/data_path.h"
#include "cli/command.h"
#include "engines/engine.h"

enum { NEW_TOKENS = 12 };

static int generate(struct engine *e, struct err *err)
{
    static const int32_t some[] = {1, 3, 2, 7};
    int32_t *ids = NULL;
    size_t n = 0;
    struct engine_reply reply = {0};
    if (engine_can(e)->tokenization)
        TRY(engine_tokenize(e, "The river", strlen("The river"), &ids, &n, err));
    struct engine_prompt prompt = {.ids = n ? ids : some, .n_ids = n ? n : sizeof some / sizeof *some};
    struct engine_request r = {.prompts = &prompt, .n_prompts = 1, .max_tokens = NEW_TOKENS};
    int rc = engine_generate(e, &r, &reply, err);
    if (rc == 0) {
        const char *text = reply.text.data ? reply.text.data : "";
        printf("  %zu tokens in %.1f ms:", reply.n_steps, (double)(reply.steps[reply.n_steps - 1].done - reply.submitted) / 1e6);
        for (const char *p = text; *p; p++)
            putchar((unsigned char)*p < ' ' ? ' ' : *p);
        putchar('\n');
    }
    engine_reply_release(&reply);
    free(ids);
    return rc;
}

int engine_smoke(const char *text, struct err *err)
{
    struct engine_name name;
    struct engine *e;
    char label[ENGINE_LABEL_MAX];
    TRY(engine_name_parse(&name, text, err));
    char *model = name.class->needs_model ? data_path("models/teacher", err) : NULL;
    if (name.class->needs_model && !model)
        return -1;
    int rc = engine_open(&e, &(struct engine_spec){.name = &name, .model = model, .context = 128}, err);
    free(model);
    TRY(rc);
    printf("%s: %s, loaded in %.1f s\n", engine_name_label(&name, label), engine_facts(e)->version,
           (double)engine_facts(e)->load_ns / 1e9);
    rc = generate(e, err);
    engine_close(e);
    return rc;
}

static int run(struct invocation *in, struct err *err)
{
    for (size_t i = 0; i < in->n_args; i++)
        TRY(engine_smoke(in->args[i], err));
    return EXIT_DONE;
}

static const struct example examples[] = {{"prony engines smoke native transformers", "a few tokens of the built-in teacher from each"}, {0}};

const struct command engines_smoke = {
    .name = "smoke",
    .summary = "let an engine write a few tokens",
    .synopsis = "NAME...",
    .examples = examples,
    .min_args = 1,
    .max_args = ARGS_MAX,
    .run = run,
};
