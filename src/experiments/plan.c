#include "experiments/plan.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"
#include "experiments/manifest_path.h"

enum { PLAN_MEMORY = 256 << 20, CELLS_MAX = 1000000, LAUNCHES_MAX = 10000000 };

static const char *text_at(const json_t *o, const char *key)
{
    return json_string_value(json_object_get(o, key));
}

static uint64_t hash(const char *s)
{
    uint64_t h = 14695981039346656037u;
    for (; *s; s++)
        h = (h ^ (unsigned char)*s) * 1099511628211u;
    return h;
}

/* ---- cells ------------------------------------------------------------------------------------------------------ */

struct builder {
    struct plan *p;
    const json_t *manifest;
    const char *manifest_file;
    const struct plan_choice *choice;
    size_t cap_cells, cap_launches, cap_commands;
    const json_t *target, *benchmark;
};

static bool among(const char *const *words, size_t n, const char *word)
{
    for (size_t i = 0; i < n; i++)
        if (word && strcmp(words[i], word) == 0)
            return true;
    return false;
}

static json_t *merged(const json_t *below, const json_t *above, struct err *err)
{
    json_t *out = below ? json_copy((json_t *)below) : json_object();
    if (!out || (above && json_object_update(out, (json_t *)above) < 0)) {
        json_decref(out);
        err_set(err, ERR_MEMORY, "out of memory for the plan");
        return NULL;
    }
    return out;
}

/* What the plan keeps is in one array that is released with it. */
static const json_t *keep(struct plan *p, json_t *value, struct err *err)
{
    if (!value || json_array_append_new(p->json, value) < 0) {
        err_set(err, ERR_MEMORY, "out of memory for the plan");
        return NULL;
    }
    return value;
}

/* "batch_size=1 gen_len=64 ...": the parameters in the order of their names. */
static const char *params_text(struct plan *p, const json_t *params, struct err *err)
{
    char *text = json_dumps(params, JSON_COMPACT | JSON_SORT_KEYS);
    const char *kept = text ? arena_strdup(&p->memory, text, err) : NULL;
    free(text);
    return kept;
}

/* A cell that can never be run is found out here, before anything is launched. */
static void judge(struct plan_cell *c)
{
    struct engine_name name;
    struct engine_probe probe = {0};
    if (!c->what->cells) {
        err_set(&c->why, ERR_UNSUPPORTED, "experiment '%s' is not built into this prony yet", c->experiment);
        return;
    }
    if (engine_name_parse(&name, c->engine, &c->why) < 0)
        return;
    name.class->probe(&name, &probe);
    if (probe.status == ENGINE_MISSING || probe.status == ENGINE_UNSUPPORTED)
        err_set(&c->why, probe.status == ENGINE_MISSING ? ERR_MISSING : ERR_UNSUPPORTED, "engine '%s' is %s: %s",
                name.class->name, engine_status_name(probe.status), probe.why);
    else if (name.class->needs_model && !c->model_path)
        err_set(&c->why, ERR_MISSING, "model '%s' has no path: 'models:' of the manifest does not name it", c->model);
    else if (c->what->needs)
        c->what->needs(&name.class->can, c->params, &c->why);
}

/* A model that is no file may be one by another name (a key, ORG/REPO), which its engine knows; if it does not, a person
 * wants to know where was looked. */
static int note_places(struct builder *b, struct plan_cell *c, struct err *err)
{
    struct buf text = BUF_INIT(1 << 16);
    struct engine_name name;
    if (!c->model_path || file_exists(c->model_path) || engine_name_parse(&name, c->engine, NULL) < 0 ||
        !name.class->needs_model)
        return 0;
    manifest_path_places(&text, b->manifest_file, c->model_path);
    int rc = buf_check(&text, err);
    c->model_nowhere = rc == 0 ? arena_strdup(&b->p->memory, text.data, err) : NULL;
    buf_release(&text);
    return c->model_nowhere ? 0 : -1;
}

static int add_cell(struct builder *b, const json_t *engine, const json_t *model, const json_t *params, struct err *err)
{
    struct plan *p = b->p;
    const json_t *config = json_object_get(b->benchmark, "config");
    const char *experiment = text_at(config, "type"), *checkpoint = text_at(config, "checkpoint");
    const char *text = params_text(p, params, err);
    json_t *options = merged(json_object_get(engine, "options"), json_object_get(model, "options"), err);
    if (!text || !options)
        return -1;
    if (p->n_cells >= CELLS_MAX)
        return err_set(err, ERR_INPUT, "the manifest asks for more than %d cells", CELLS_MAX);
    TRY(mem_grow(&p->cells, &b->cap_cells, p->n_cells, sizeof *p->cells, err));
    struct plan_cell *c = &p->cells[p->n_cells];
    *c = (struct plan_cell){.target = text_at(b->target, "name"), .benchmark = text_at(b->benchmark, "id"),
                            .experiment = experiment, .engine = text_at(engine, "name"), .model = text_at(model, "key"),
                            .model_path = checkpoint ? checkpoint : text_at(model, "path"),
                            .what = experiment_find(experiment), .params = params};
    c->options = keep(p, options, err);
    c->group = arena_printf(&p->memory, err, "%s/%s/%s", c->target, c->benchmark, text);
    c->key = arena_printf(&p->memory, err, "%s/%s/%s/%s/%s", c->target, c->benchmark, c->engine, c->model, text);
    if (!c->options || !c->group || !c->key || note_places(b, c, err) < 0)
        return -1;
    judge(c);
    if (c->why.code == ERR_NONE) {
        c->launches = (size_t)json_integer_value(json_object_get(b->benchmark, "repeats"));
        c->samples = c->what->samples(params);
        p->n_samples += c->samples * c->launches;
    }
    p->n_cells++;
    return 0;
}

static int add_benchmark(struct builder *b, const json_t *engines, const json_t *models, struct err *err)
{
    json_t *config = json_object_get(b->benchmark, "config"), *params, *engine, *model;
    const struct experiment *x = experiment_find(text_at(config, "type"));
    size_t i, j, k;
    config = json_copy(config);
    if (config && b->choice->num_prompts && json_object_get(config, "timed_runs"))
        json_object_set_new(config, "timed_runs", json_integer((json_int_t)b->choice->num_prompts));
    if (config && b->choice->num_prompts && json_object_get(config, "num_prompts"))
        json_object_set_new(config, "num_prompts", json_integer((json_int_t)b->choice->num_prompts));
    if (!keep(b->p, config, err))
        return -1;
    json_t *all = x->cells ? x->cells(config, err) : json_pack("[O]", config);
    if (!keep(b->p, all, err))
        return -1;
    json_array_foreach(all, i, params)
        json_array_foreach(json_object_get(b->benchmark, "models"), j, model) {
            const json_t *m = json_object_get(models, json_string_value(model));
            const char *role = text_at(m, "role");
            if (b->choice->n_models && !among(b->choice->models, b->choice->n_models, json_string_value(model)) &&
                !among(b->choice->models, b->choice->n_models, role))
                continue;
            json_array_foreach((json_t *)engines, k, engine)
                TRY(add_cell(b, engine, m, params, err));
        }
    return 0;
}

static int add_commands(struct builder *b, struct err *err)
{
    size_t i;
    json_t *run;
    json_array_foreach(json_object_get(b->target, "runs"), i, run) {
        const char *command = text_at(run, "command"), *id = text_at(run, "id");
        if (!command)
            continue;
        TRY(mem_grow(&b->p->commands, &b->cap_commands, b->p->n_commands, sizeof *b->p->commands, err));
        b->p->commands[b->p->n_commands++] =
            (struct plan_command){.target = text_at(b->target, "name"), .id = id ? id : "", .command = command};
    }
    return 0;
}

/* The engines of the switch, each with the options that the manifest has for it. */
static json_t *chosen_engines(struct builder *b, struct err *err)
{
    const struct plan_choice *ch = b->choice;
    json_t *listed = json_object_get(b->manifest, "engines"), *out, *row;
    size_t k;
    if (ch->n_engines == 0)
        return json_incref(listed);
    out = json_array();
    for (size_t i = 0; out && i < ch->n_engines; i++) {
        json_t *found = NULL;
        struct engine_name name;
        struct err unknown = ERR_INIT;
        if (engine_name_parse(&name, ch->engines[i], &unknown) < 0 && unknown.code == ERR_USAGE) {
            json_decref(out);
            err_set(err, ERR_USAGE, "--engines: %s", unknown.text);
            if (*unknown.hint)
                err_hint(err, "%s", unknown.hint);
            return NULL;
        }
        json_array_foreach(listed, k, row)
            if (!found && str_eq(text_at(row, "name"), ch->engines[i]))
                found = row;
        if (json_array_append_new(out, found ? json_incref(found) : json_pack("{ss}", "name", ch->engines[i])) < 0) {
            json_decref(out);
            out = NULL;
        }
    }
    if (!out)
        err_set(err, ERR_MEMORY, "out of memory for the plan");
    return out;
}

static int check_choice(const struct builder *b, struct err *err)
{
    const struct plan_choice *ch = b->choice;
    const char *words[64];
    size_t n = 0, i;
    json_t *target, *model;
    const char *key;
    bool found = !ch->target;
    json_array_foreach(json_object_get(b->manifest, "targets"), i, target) {
        found |= str_eq(text_at(target, "name"), ch->target);
        if (n < 64)
            words[n++] = text_at(target, "name");
    }
    if (!found) {
        const char *near = str_nearest_of(ch->target, words, n);
        err_set(err, ERR_USAGE, "--target: the manifest has no target '%s'", ch->target);
        return err_hint(err, "%s '%s'", near ? "did you mean" : "the first one is", near ? near : words[0]);
    }
    for (i = 0; i < ch->n_models; i++) {
        bool known = false;
        json_object_foreach(json_object_get(b->manifest, "models"), key, model)
            known |= str_eq(key, ch->models[i]) || str_eq(text_at(model, "role"), ch->models[i]);
        if (!known)
            return err_set(err, ERR_USAGE, "--models: the manifest has no model '%s'", ch->models[i]);
    }
    return 0;
}

/* ---- order ------------------------------------------------------------------------------------------------------ */

static int by_group(const void *a, const void *b, void *cells)
{
    const struct plan_cell *c = cells;
    size_t i = *(const size_t *)a, j = *(const size_t *)b;
    int order = strcmp(c[i].group, c[j].group);
    return order ? order : (i > j) - (i < j);
}

/* A new order of all cells: groups shuffled, then the cells inside each. `sorted` has them by group. */
static void draw_pass(const struct plan *p, const size_t *sorted, size_t *starts, size_t n_groups, size_t *pass,
                      struct rng *rng)
{
    size_t at = 0;
    rng_shuffle(rng, starts, n_groups, sizeof *starts);
    for (size_t g = 0; g < n_groups; g++) {
        size_t first = at;
        for (size_t i = starts[g]; i < p->n_cells && strcmp(p->cells[sorted[i]].group,
                                                            p->cells[sorted[starts[g]]].group) == 0; i++)
            pass[at++] = sorted[i];
        rng_shuffle(rng, pass + first, at - first, sizeof *pass);
    }
}

static int add_launch(struct builder *b, size_t cell, size_t repeat, struct err *err)
{
    struct plan *p = b->p;
    if (p->n_launches >= LAUNCHES_MAX)
        return err_set(err, ERR_INPUT, "the manifest asks for more than %d launches", LAUNCHES_MAX);
    TRY(mem_grow(&p->launches, &b->cap_launches, p->n_launches, sizeof *p->launches, err));
    uint64_t state = b->choice->seed ^ hash(p->cells[cell].key) ^ (repeat * 0x9e3779b97f4a7c15u);
    p->launches[p->n_launches++] = (struct plan_launch){.cell = cell, .repeat = repeat, .seed = splitmix64(&state) >> 1};
    return 0;
}

static int order_launches(struct builder *b, struct err *err)
{
    struct plan *p = b->p;
    size_t n = p->n_cells, most = 0, n_groups = 0;
    size_t *sorted = mem_alloc(n, sizeof *sorted, err), *starts = mem_alloc(n, sizeof *starts, err);
    size_t *pass = mem_alloc(n, sizeof *pass, err);
    struct rng rng;
    int rc = sorted && starts && pass ? 0 : -1;
    rng_init(&rng, b->choice->seed);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        sorted[i] = i;
        most = p->cells[i].launches > most ? p->cells[i].launches : most;
    }
    if (rc == 0)
        qsort_r(sorted, n, sizeof *sorted, by_group, p->cells);
    for (size_t i = 0; rc == 0 && i < n; i++)
        if (i == 0 || strcmp(p->cells[sorted[i]].group, p->cells[sorted[i - 1]].group) != 0)
            starts[n_groups++] = i;
    for (size_t repeat = 0; repeat < most && rc == 0; repeat++) {
        if (repeat % 2 == 0)
            draw_pass(p, sorted, starts, n_groups, pass, &rng);
        for (size_t i = 0; i < n && rc == 0; i++) {
            size_t cell = repeat % 2 == 0 ? pass[i] : pass[n - 1 - i];
            if (repeat < p->cells[cell].launches)
                rc = add_launch(b, cell, repeat, err);
        }
    }
    free(sorted);
    free(starts);
    free(pass);
    return rc;
}

/* ---- time ------------------------------------------------------------------------------------------------------- */

enum { START_MS = 60 };

/* What is in the file, or in the files of the folder. */
static double bytes_of(const char *path)
{
    struct stat st;
    double sum = 0;
    if (!path || stat(path, &st) < 0)
        return 0;
    if (!S_ISDIR(st.st_mode))
        return (double)st.st_size;
    DIR *dir = opendir(path);
    for (struct dirent *d; dir && (d = readdir(dir));)
        if (fstatat(dirfd(dir), d->d_name, &st, 0) == 0 && S_ISREG(st.st_mode))
            sum += (double)st.st_size;
    if (dir)
        closedir(dir);
    return sum;
}

/* A new token reads the weights once, at 10 GB/s as a small machine does; a token of a prompt, one of many, costs an eighth.
 * Of a model that is not here nothing is known but that it is a large one. */
static void guess_tokens(const char *model, double *new_token_ms, double *prompt_token_ms)
{
    double bytes = bytes_of(model);
    *new_token_ms = bytes > 0 ? 0.1 + bytes / 10e6 : 20;
    *prompt_token_ms = *new_token_ms / 8;
}

static void guess(struct plan *p)
{
    bool guessed = false;
    double ms = 0;
    for (size_t i = 0; i < p->n_cells; i++) {
        const struct plan_cell *c = &p->cells[i];
        struct engine_name name;
        uint64_t requests;
        size_t prompt, new_tokens, batch;
        if (c->launches == 0 || engine_name_parse(&name, c->engine, NULL) < 0)
            continue;
        c->what->load(c->params, &requests, &prompt, &new_tokens, &batch);
        double token_ms, prompt_token_ms;
        guess_tokens(c->model_path, &token_ms, &prompt_token_ms);
        double request = prompt_token_ms * (double)(prompt * batch) + token_ms * (double)new_tokens;
        double launch = START_MS;
        if (name.class->guess_ms)
            launch += name.class->guess_ms(c->options, requests, prompt, new_tokens, batch);
        else {
            guessed = true;
            launch += (double)requests * request;
        }
        ms += launch * (double)c->launches;
    }
    p->guess_s = ms / 1000;
    p->guess_why = guessed ? "guessed from the models' sizes" : "by the engines' own scripts";
}

/* ---- all of it -------------------------------------------------------------------------------------------------- */

static int build(struct builder *b, struct err *err)
{
    size_t i, j;
    json_t *models = json_object_get(b->manifest, "models");
    TRY(check_choice(b, err));
    json_t *engines = chosen_engines(b, err);
    if (!keep(b->p, engines, err))
        return -1;
    json_t *target, *benchmark;
    json_array_foreach(json_object_get(b->manifest, "targets"), i, target) {
        if (b->choice->target && !str_eq(b->choice->target, text_at(target, "name")))
            continue;
        b->target = target;
        TRY(add_commands(b, err));
        json_array_foreach(json_object_get(target, "benchmarks"), j, benchmark) {
            b->benchmark = benchmark;
            TRY(add_benchmark(b, engines, models, err));
        }
    }
    if (b->p->n_cells == 0)
        return err_set(err, ERR_USAGE, "nothing to run: no benchmark is left of the manifest and the switches");
    return order_launches(b, err);
}

int plan_make(struct plan *out, const struct manifest *m, const struct plan_choice *choice, struct err *err)
{
    struct builder b = {.p = out, .manifest = manifest_json(m), .manifest_file = manifest_file(m), .choice = choice};
    *out = (struct plan){.memory = ARENA_INIT(PLAN_MEMORY)};
    out->json = json_array();
    if (!out->json || build(&b, err) < 0) {
        plan_release(out);
        return err_set(err, ERR_MEMORY, "out of memory for the plan");
    }
    guess(out);
    return 0;
}

void plan_release(struct plan *p)
{
    free(p->cells);
    free(p->launches);
    free(p->commands);
    json_decref(p->json);
    arena_release(&p->memory);
    *p = (struct plan){0};
}
