#include "cli/bench_plan.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/mem.h"
#include "base/str.h"
#include "transform/load_quantize.h"

/* Switches whose items are a list of the experiment's config. */
static const struct {
    const char *option, *key;
    int64_t lo, hi; /* both 0: texts */
} lists[] = {{"prompt", "prompt_lengths", 1, 10000000}, {"gen", "generation_lengths", 0, 1000000}, {"pg", "pairs", 0, 0},
             {"depth", "depths", 0, 10000000}, {"batch", "batch_sizes", 1, 4096}, {"threads", "threads", 1, 256},
             {"kv", "cache_kinds", 0, 0}, {"math", "math", 0, 0}, {"quantize", "quantize", 0, 0}};

static int check_pair(const char *text, struct err *err)
{
    size_t prompt = strspn(text, "0123456789");
    size_t gen = text[prompt] == '+' ? strspn(text + prompt + 1, "0123456789") : 0;
    if (prompt > 0 && gen > 0 && text[prompt + 1 + gen] == '\0')
        return 0;
    return err_set(err, ERR_USAGE, "--pg: found '%s', expected PROMPT+GENERATION such as 512+128", text);
}

static int add_list(json_t *config, const struct invocation *in, size_t row, struct err *err)
{
    json_t *list = json_array();
    int rc = list && json_object_set_new(config, lists[row].key, list) == 0 ? 0 : err_set(err, ERR_MEMORY, "out of memory");
    for (size_t i = 0; rc == 0 && i < opt_count(in, lists[row].option); i++) {
        int64_t number = 0;
        if (str_eq(lists[row].option, "pg"))
            rc = check_pair(opt_item(in, "pg", i), err);
        if (str_eq(lists[row].option, "quantize"))
            rc = load_quantize_check(opt_item(in, "quantize", i), err);
        if (lists[row].hi > 0)
            rc = opt_item_int(&number, in, lists[row].option, i, lists[row].lo, lists[row].hi, err);
        json_array_append_new(list, lists[row].hi > 0 ? json_integer(number) : json_string(opt_item(in, lists[row].option, i)));
    }
    return rc;
}

static json_t *config_of(const struct invocation *in, struct err *err)
{
    json_t *config = json_pack("{ss si si sb}", "type", "speed", "warmup_runs", (int)opt_int(in, "warmup"), "timed_runs",
                               (int)opt_int(in, "iterations"), "row_invariant", opt_flag(in, "row-invariant"));
    for (size_t i = 0; config && i < sizeof lists / sizeof lists[0]; i++)
        if (opt_count(in, lists[i].option) > 0 && add_list(config, in, i, err) < 0) {
            json_decref(config);
            return NULL;
        }
    if (!config)
        err_set(err, ERR_MEMORY, "out of memory");
    return config;
}

/* "native", or with the variant that was asked for; the engines named otherwise. */
static json_t *engines_of(const struct invocation *in)
{
    const char *variant = opt_string(in, "variant");
    json_t *out = json_array();
    for (size_t i = 0; i < opt_count(in, "engines"); i++)
        json_array_append_new(out, variant && str_eq(opt_item(in, "engines", i), "native")
                                       ? json_sprintf("native:%s", variant) : json_string(opt_item(in, "engines", i)));
    return out;
}

int bench_manifest(struct manifest **out, const struct invocation *in, struct err *err)
{
    json_t *config = config_of(in, err);
    if (!config)
        return -1;
    json_t *models = json_object(), *names = json_array();
    for (size_t i = 0; i < in->n_args; i++) {
        json_object_set_new(models, in->args[i], json_pack("{ss}", "path", in->args[i]));
        json_array_append_new(names, json_string(in->args[i]));
    }
    json_t *all = json_pack("{ss sI so so s[{ss so so sI}]}", "name", "bench", "seed", (json_int_t)in->seed, "models", models,
                            "engines", engines_of(in), "benchmarks", "id", "bench", "config", config, "models", names,
                            "repeats", (json_int_t)opt_int(in, "launches"));
    char *text = all ? json_dumps(all, JSON_ENSURE_ASCII) : NULL;
    json_decref(all);
    if (!text)
        return err_set(err, ERR_INPUT, "the names of the models are not UTF-8");
    int rc = manifest_parse(out, text, strlen(text), "the switches", err);
    free(text);
    return rc;
}

static const char *engine_of(const struct plan_cell *c, struct engine_name *name)
{
    return engine_name_parse(name, c->engine, NULL) == 0 ? name->class->name : c->engine;
}

static int take_cell(struct bench_order *o, const struct invocation *in, const struct plan_cell *c, struct err *err)
{
    struct engine_name name = {0};
    struct bench_cell *cell = &o->cells[o->n];
    const char *engine = engine_of(c, &name);
    const char *variant = name.variant[0] ? name.variant : NULL;
    TRY(record_cell_key(o->keys[o->n], c->experiment, engine, variant, c->model, c->params, err));
    if (name.class && name.class->variants) { /* of the class's own words, which outlive `name` */
        const char *const *v = name.class->variants;
        while (variant && v[1] && strcmp(*v, variant) != 0)
            v++;
        variant = *v;
    }
    *cell = (struct bench_cell){.key = o->keys[o->n], .engine = engine, .variant = variant ? variant : "", .model = c->model,
                                .device = in->device, .params = c->params, .why = c->why.code ? c->why.text : NULL};
    o->n++;
    return 0;
}

int bench_order(struct bench_order *out, const struct invocation *in, const struct plan *plan, struct err *err)
{
    json_t *engines = engines_of(in), *engine;
    size_t e;
    *out = (struct bench_order){.cells = mem_zalloc(plan->n_cells, sizeof *out->cells, err),
                                .keys = mem_zalloc(plan->n_cells, sizeof *out->keys, err)};
    int rc = out->cells && out->keys && engines ? 0 : -1;
    for (size_t m = 0; m < in->n_args; m++)
        json_array_foreach(engines, e, engine)
            for (size_t i = 0; rc == 0 && i < plan->n_cells; i++)
                if (str_eq(plan->cells[i].model, in->args[m]) && str_eq(plan->cells[i].engine, json_string_value(engine)))
                    rc = take_cell(out, in, &plan->cells[i], err);
    json_decref(engines);
    return rc;
}

void bench_order_release(struct bench_order *o)
{
    free(o->cells);
    free(o->keys);
    *o = (struct bench_order){0};
}
