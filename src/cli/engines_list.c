#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "engines/engine.h"

static json_t *capabilities(const struct engine_capabilities *can)
{
    json_t *top = can->top_k == ENGINE_TOP_ALL ? json_string("all") : json_integer(can->top_k);
    json_t *batch = can->batch == 0 ? json_string("any") : json_integer(can->batch);
    return json_pack("{sb so sb sb sb sb sb sb sb sb so}", "token_ids", can->token_ids, "top_k", top, "prompt_logprobs",
                     can->prompt_logprobs, "full_logits", can->full_logits, "streaming", can->streaming,
                     "server_timings", can->server_timings, "tokenization", can->tokenization, "fixed_length",
                     can->fixed_length, "seed", can->seed, "stops", can->stops, "batch", batch);
}

static json_t *text_or_null(const char *text)
{
    return text && *text ? json_string(text) : json_null();
}

static json_t *row(const struct engine_class *class, const char *variant)
{
    struct engine_name name = {.class = class};
    struct engine_probe probe = {.status = ENGINE_MISSING};
    strncpy(name.variant, variant ? variant : "", sizeof name.variant - 1);
    class->probe(&name, &probe);
    return json_pack("{ss so ss so so ss so ss}", "engine", class->name, "variant", text_or_null(variant), "status",
                     engine_status_name(probe.status), "version", text_or_null(probe.version), "why",
                     text_or_null(probe.why), "checked_against", class->checked_against, "capabilities",
                     capabilities(&class->can), "what", class->what);
}

static json_t *rows(void)
{
    json_t *out = json_array();
    for (size_t i = 0; engine_class_at(i); i++) {
        const struct engine_class *class = engine_class_at(i);
        if (!class->variants)
            json_array_append_new(out, row(class, NULL));
        for (size_t v = 0; class->variants && class->variants[v]; v++)
            json_array_append_new(out, row(class, class->variants[v]));
    }
    return out;
}

static const char *text_at(const json_t *o, const char *key)
{
    const char *text = json_string_value(json_object_get(o, key));
    return text ? text : "";
}

static int run(struct invocation *in, struct err *err)
{
    json_t *all = rows(), *r;
    size_t i;
    if (!all)
        return err_set(err, ERR_MEMORY, "out of memory");
    if (in->json) {
        char *text = json_dumps(all, JSON_INDENT(2));
        printf("%s\n", text ? text : "[]");
        free(text);
    } else {
        printf("%-20s %-12s %-24s %-16s %s\n", "ENGINE", "STATUS", "VERSION", "CHECKED AGAINST", "WHAT");
        json_array_foreach(all, i, r) {
            char label[ENGINE_LABEL_MAX];
            snprintf(label, sizeof label, "%s%s%s", text_at(r, "engine"), *text_at(r, "variant") ? ":" : "",
                     text_at(r, "variant"));
            printf("%-20s %-12s %-24s %-16s %s\n", label, text_at(r, "status"), text_at(r, "version"),
                   text_at(r, "checked_against"), *text_at(r, "why") ? text_at(r, "why") : text_at(r, "what"));
        }
    }
    json_decref(all);
    return EXIT_DONE;
}

static const struct example examples[] = {
    {"prony engines list", "each engine, whether it is here, and what its numbers were checked against"},
    {"prony engines list --json", "the same with all capabilities, for scripts"},
    {0},
};

const struct command engines_list = {
    .name = "list",
    .summary = "show the engines of this prony, which of them are here, and what each can do",
    .synopsis = "",
    .examples = examples,
    .globals = GLOBAL_JSON,
    .run = run,
};
