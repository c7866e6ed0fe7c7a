#include "cli/options.h"

#include <ctype.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alias.h"
#include "base/defaults.h"
#include "base/str.h"
#include "formats/model_type.h"

struct opt_value {
    bool given, set; /* typed; has a value, typed or by default */
    int64_t i;
    double d;
    const char *s;
    const char **items;
    size_t n, cap;
};

static const struct {
    unsigned mask; /* 0: on every command */
    struct option_row row;
} global_rows[] = {
    {GLOBAL_JSON, {.name = "json", .kind = OPT_FLAG, .help = "write JSON to standard output"}},
    {GLOBAL_OUT, {.name = "out", .kind = OPT_STRING, .argument = "DIR", .help = "folder for what is written", .files = true}},
    {GLOBAL_SEED,
     {.name = "seed", .kind = OPT_INT, .argument = "N", .help = "seed of everything random", .initial = DEFAULT_SEED, .hi = 9e18}},
    {GLOBAL_THREADS,
     {.name = "threads", .kind = OPT_INT, .argument = "N", .help = "threads; not given, one a processor", .lo = 1, .hi = 4096}},
    {GLOBAL_DEVICE,
     {.name = "device", .kind = OPT_STRING, .argument = "D", .help = "where to compute", .initial = DEFAULT_DEVICE, .choices = "cpu"}},
    {GLOBAL_MEMORY,
     {.name = "memory-limit", .kind = OPT_INT, .argument = "MB", .help = "memory that a cell may use", .lo = 1, .hi = 1e9}},
    {GLOBAL_MODELS, {.name = "download", .kind = OPT_FLAG, .help = "fetch a model that is not here, without asking"}},
    {GLOBAL_MODELS,
     {.name = "model-type", .kind = OPT_STRING, .argument = "T", .help = "refuse a model of another type", .choices = MODEL_TYPES}},
    {0, {.name = "quiet", .letter = 'q', .kind = OPT_FLAG, .help = "no progress, no notes; errors only"}},
    {0, {.name = "verbose", .letter = 'v', .kind = OPT_FLAG, .help = "say more on standard error"}},
    {0, {.name = "debug", .kind = OPT_FLAG, .help = "say everything on standard error"}},
    {0, {.name = "help", .letter = 'h', .kind = OPT_FLAG, .help = "show this"}},
};

static size_t own_count(const struct command *c)
{
    size_t n = 0;
    while (c->options && c->options[n].name)
        n++;
    return n;
}

static bool global_applies(const struct command *c, size_t g)
{
    unsigned globals = c->globals | (c->models > 0 ? GLOBAL_MODELS : 0);
    return global_rows[g].mask == 0 || (globals & global_rows[g].mask);
}

size_t option_count(const struct command *c)
{
    size_t n = own_count(c);
    for (size_t g = 0; g < sizeof global_rows / sizeof global_rows[0]; g++)
        n += global_applies(c, g);
    return n;
}

bool option_is_global(const struct command *c, size_t i)
{
    return i >= own_count(c);
}

const struct option_row *option_at(const struct command *c, size_t i)
{
    size_t own = own_count(c);
    if (i < own)
        return &c->options[i];
    i -= own;
    for (size_t g = 0; g < sizeof global_rows / sizeof global_rows[0]; g++)
        if (global_applies(c, g) && i-- == 0)
            return &global_rows[g].row;
    return NULL;
}

const struct option_row *option_find(const struct command *c, const char *name)
{
    for (size_t i = 0, n = option_count(c); i < n; i++)
        if (strcmp(option_at(c, i)->name, name) == 0)
            return option_at(c, i);
    return NULL;
}

/* ---- values ---- */

static int check_choice(const struct option_row *row, const char *text, struct err *err)
{
    const char *names[64] = {NULL};
    char copy[512];
    size_t n = 0;
    if (!row->choices)
        return 0;
    snprintf(copy, sizeof copy, "%s", row->choices);
    for (char *save = NULL, *word = strtok_r(copy, ",", &save); word && n < 64; word = strtok_r(NULL, ",", &save)) {
        if (strcmp(word, text) == 0)
            return 0;
        names[n++] = word;
    }
    const char *nearest = str_nearest_of(text, names, n);
    err_set(err, ERR_USAGE, "--%s: '%s' is not one of %s", row->name, text, row->choices);
    return nearest ? err_hint(err, "did you mean '%s'?", nearest) : -1;
}

static int add_item(struct opt_value *v, const char *item, struct arena *arena, struct err *err)
{
    if (v->n == v->cap) {
        size_t cap = v->cap ? v->cap * 2 : 8;
        const char **items = arena_alloc(arena, cap, sizeof *items, err);
        if (!items)
            return -1;
        if (v->n)
            memcpy(items, v->items, v->n * sizeof *items);
        v->items = items;
        v->cap = cap;
    }
    v->items[v->n++] = item;
    return 0;
}

static int set_list(const struct option_row *row, struct opt_value *v, const char *text, struct arena *arena,
                    struct err *err)
{
    for (const char *at = text;; at++) {
        size_t len = strcspn(at, ",");
        char *item = arena_strndup(arena, at, len, err);
        if (!item)
            return -1;
        if (len == 0)
            return err_set(err, ERR_USAGE, "--%s: '%s' has an empty item", row->name, text);
        TRY(check_choice(row, item, err));
        TRY(add_item(v, item, arena, err));
        at += len;
        if (!*at)
            return 0;
    }
}

static int set_value(const struct option_row *row, struct opt_value *v, const char *text, bool typed,
                     struct arena *arena, struct err *err)
{
    char what[80];
    bool any = row->lo == 0 && row->hi == 0;
    snprintf(what, sizeof what, "--%s", row->name);
    if (typed && !v->given)
        v->n = 0; /* what is typed replaces a default list, and is added to what was typed before */
    switch (row->kind) {
    case OPT_FLAG:
        break;
    case OPT_INT:
        if (str_to_int(&v->i, text, any ? INT64_MIN : (int64_t)row->lo, any ? INT64_MAX : (int64_t)row->hi, what, err) < 0)
            goto usage;
        break;
    case OPT_DOUBLE:
        if (str_to_double(&v->d, text, any ? -1e308 : row->lo, any ? 1e308 : row->hi, what, err) < 0)
            goto usage;
        break;
    case OPT_STRING:
        TRY(check_choice(row, text, err));
        v->s = text;
        break;
    case OPT_LIST:
        TRY(set_list(row, v, text, arena, err));
        break;
    }
    v->set = true;
    v->given = typed;
    return 0;
usage:
    if (err)
        err->code = ERR_USAGE; /* what is typed wrong is wrong usage, whatever str.h calls a wrong number */
    return -1;
}

/* The value of the row of that name; a wrong name or kind is our own mistake. */
static const struct opt_value *value_of(const struct invocation *in, const char *name, enum option_kind kind, bool any)
{
    for (size_t i = 0, n = own_count(in->command); i < n; i++) {
        const struct option_row *row = &in->command->options[i];
        if (strcmp(row->name, name) == 0 && (any || row->kind == kind))
            return &in->values[i];
    }
    fprintf(stderr, "prony: bug: command '%s' asks for option '%s', which its table does not have in that kind\n",
            in->command->name, name);
    abort();
}

bool opt_given(const struct invocation *in, const char *name)
{
    for (size_t i = own_count(in->command), n = option_count(in->command); i < n; i++)
        if (strcmp(option_at(in->command, i)->name, name) == 0)
            return in->values[i].given;
    return value_of(in, name, OPT_FLAG, true)->given;
}

bool opt_flag(const struct invocation *in, const char *name)
{
    return value_of(in, name, OPT_FLAG, false)->set;
}

int64_t opt_int(const struct invocation *in, const char *name)
{
    return value_of(in, name, OPT_INT, false)->i;
}

double opt_double(const struct invocation *in, const char *name)
{
    return value_of(in, name, OPT_DOUBLE, false)->d;
}

const char *opt_string(const struct invocation *in, const char *name)
{
    return value_of(in, name, OPT_STRING, false)->s;
}

size_t opt_count(const struct invocation *in, const char *name)
{
    return value_of(in, name, OPT_LIST, false)->n;
}

const char *opt_item(const struct invocation *in, const char *name, size_t i)
{
    const struct opt_value *v = value_of(in, name, OPT_LIST, false);
    return i < v->n ? v->items[i] : NULL;
}

enum log_level command_log_level(const struct invocation *in)
{
    return in->quiet ? LOG_LEVEL_ERROR : in->debug ? LOG_LEVEL_DEBUG : in->verbose ? LOG_LEVEL_INFO : LOG_LEVEL_WARN;
}

int opt_item_int(int64_t *out, const struct invocation *in, const char *name, size_t i, int64_t lo, int64_t hi,
                 struct err *err)
{
    char what[80];
    snprintf(what, sizeof what, "--%s", name);
    if (str_to_int(out, opt_item(in, name, i), lo, hi, what, err) == 0)
        return 0;
    if (err)
        err->code = ERR_USAGE;
    return -1;
}

/* ---- parsing ---- */

#define FIRST_OPTION 256
#define FIRST_ALIAS 4096

struct parse {
    const struct command *c;
    struct invocation *in;
    struct opt_value *values;
    const char **args;
    size_t n_options;
    struct arena *arena;
};

static size_t index_of(const struct command *c, const char *name)
{
    size_t n = option_count(c);
    for (size_t i = 0; i < n; i++)
        if (strcmp(option_at(c, i)->name, name) == 0)
            return i;
    return n;
}

static int unknown_switch(const struct parse *p, const char *typed, struct err *err)
{
    const char *names[256] = {NULL};
    char text[96];
    size_t n = 0;
    for (size_t i = 0; i < p->n_options && n < 256; i++)
        names[n++] = option_at(p->c, i)->name;
    snprintf(text, sizeof text, "%.*s", (int)strcspn(typed, "="), typed);
    err_set(err, ERR_USAGE, "'%s' is not a switch of this command", text);
    const char *word = text + strspn(text, "-"), *nearest = str_nearest_of(word, names, n);
    for (size_t i = 0; i < n && !nearest && strlen(word) > 1; i++)
        if (str_starts(names[i], word))
            nearest = names[i];
    return nearest ? err_hint(err, "did you mean '--%s'?", nearest) : err_hint(err, "'--help' lists its switches");
}

static int apply_alias(struct parse *p, const struct alias *alias, const char *value, struct err *err)
{
    switch (alias->kind) {
    case ALIAS_SWITCH: {
        size_t i = index_of(p->c, alias->target);
        if (i == p->n_options)
            return err_set(err, ERR_USAGE, "'--%s' stands for '--%s', which this command does not take", alias->name,
                           alias->target);
        return set_value(option_at(p->c, i), &p->values[i], value, true, p->arena, err);
    }
    case ALIAS_ARGUMENT: {
        const char *hole = strstr(alias->target, "%s");
        char *text = arena_printf(p->arena, err, "%.*s%s", (int)(hole - alias->target), alias->target, value);
        if (!text)
            return -1;
        for (char *c = text; hole > alias->target && *c; c++)
            *c = (char)tolower((unsigned char)*c);
        if (p->c->max_args == 0)
            return err_set(err, ERR_USAGE, "'--%s' stands for an argument, and this command takes none", alias->name);
        p->args[p->in->n_args++] = text;
        return 0;
    }
    case ALIAS_IGNORED:
        if (!p->in->quiet)
            fprintf(stderr, "prony: '--%s' is ignored: %s\n", alias->name, alias->why);
        return 0;
    case ALIAS_REFUSED:
        err_set(err, ERR_USAGE, "'--%s' is not a switch of prony", alias->name);
        return err_hint(err, "%s", alias->why);
    default:
        return err_set(err, ERR_BUG, "alias '%s' is not a switch", alias->name);
    }
}

static int has_argument(const struct option_row *row)
{
    return row->kind == OPT_FLAG ? no_argument : required_argument;
}

static struct option *long_options(const struct parse *p, struct err *err)
{
    struct option *out = arena_alloc(p->arena, p->n_options + alias_count + 1, sizeof *out, err);
    size_t n = 0;
    if (!out)
        return NULL;
    for (size_t i = 0; i < p->n_options; i++) {
        const struct option_row *row = option_at(p->c, i);
        out[n++] = (struct option){row->name, has_argument(row), NULL, FIRST_OPTION + (int)i};
    }
    for (size_t a = 0; a < alias_count; a++) {
        const struct alias *alias = &alias_table[a];
        int has = alias->kind == ALIAS_ARGUMENT ? required_argument : optional_argument;
        if (alias->kind > ALIAS_REFUSED || index_of(p->c, alias->name) < p->n_options)
            continue;
        if (alias->kind == ALIAS_SWITCH && index_of(p->c, alias->target) < p->n_options)
            has = has_argument(option_at(p->c, index_of(p->c, alias->target)));
        out[n++] = (struct option){alias->name, has, NULL, FIRST_ALIAS + (int)a};
    }
    return out;
}

static char *short_options(const struct parse *p, struct err *err)
{
    char *out = arena_alloc(p->arena, 2 * p->n_options + 3, 1, err), *at = out;
    if (!out)
        return NULL;
    *at++ = '-'; /* arguments come in the order typed */
    *at++ = ':'; /* a missing value is told apart */
    for (size_t i = 0; i < p->n_options; i++) {
        const struct option_row *row = option_at(p->c, i);
        if (!row->letter)
            continue;
        *at++ = row->letter;
        if (has_argument(row) == required_argument)
            *at++ = ':';
    }
    return out;
}

static size_t index_of_letter(const struct parse *p, int letter)
{
    for (size_t i = 0; i < p->n_options; i++)
        if (option_at(p->c, i)->letter == letter)
            return i;
    return p->n_options;
}

static int parse_words(struct parse *p, int argc, char **argv, bool *help, struct err *err)
{
    struct option *longs = long_options(p, err);
    char *shorts = short_options(p, err);
    if (!longs || !shorts)
        return -1;
    size_t spaced = p->n_options; /* the list that names separated by spaces go to */
    opterr = 0;
    optind = 0; /* glibc: start anew */
    for (;;) {
        int at = optind > 0 ? optind : 1;
        int code = getopt_long(argc, argv, shorts, longs, NULL);
        if (code == -1)
            break;
        const char *typed = at < argc ? argv[at] : "";
        if (code == 1) {
            if (spaced < p->n_options && p->in->n_args > 0)
                TRY(set_value(option_at(p->c, spaced), &p->values[spaced], optarg, true, p->arena, err));
            else
                p->args[p->in->n_args++] = optarg;
            continue;
        }
        spaced = p->n_options;
        if (code == ':')
            return err_set(err, ERR_USAGE, "'%s' needs a value", typed);
        if (code == '?') {
            if (optopt >= FIRST_OPTION)
                return err_set(err, ERR_USAGE, "'%.*s' takes no value", (int)strcspn(typed, "="), typed);
            if (optopt) {
                char letter[3] = {'-', (char)optopt, 0};
                return unknown_switch(p, letter, err);
            }
            return unknown_switch(p, typed, err);
        }
        /* getopt_long takes any unambiguous beginning of a name; a script that relies on one breaks with the next
         * switch that is added, so only whole names count. */
        size_t i = code >= FIRST_ALIAS ? 0 : code >= FIRST_OPTION ? (size_t)(code - FIRST_OPTION) : index_of_letter(p, code);
        if (code >= FIRST_OPTION) {
            const char *name = code >= FIRST_ALIAS ? alias_table[code - FIRST_ALIAS].name : option_at(p->c, i)->name;
            size_t len = strcspn(typed + 2, "=");
            if (strlen(name) != len || strncmp(name, typed + 2, len) != 0)
                return unknown_switch(p, typed, err);
        }
        if (code >= FIRST_ALIAS) {
            const struct alias *alias = &alias_table[code - FIRST_ALIAS];
            TRY(apply_alias(p, alias, optarg, err));
            i = alias->kind == ALIAS_SWITCH ? index_of(p->c, alias->target) : p->n_options;
        } else {
            TRY(set_value(option_at(p->c, i), &p->values[i], optarg, true, p->arena, err));
        }
        if (i < p->n_options && option_at(p->c, i)->spaced)
            spaced = i;
        if (i < p->n_options && strcmp(option_at(p->c, i)->name, "help") == 0) {
            *help = true;
            return 0;
        }
    }
    while (optind < argc)
        p->args[p->in->n_args++] = argv[optind++];
    return 0;
}

static const struct opt_value *global_value(const struct parse *p, const char *name)
{
    static const struct opt_value none;
    size_t i = index_of(p->c, name);
    return i < p->n_options && option_is_global(p->c, i) ? &p->values[i] : &none;
}

static void take_globals(struct parse *p)
{
    struct invocation *in = p->in;
    in->json = global_value(p, "json")->set;
    in->quiet = global_value(p, "quiet")->set;
    in->verbose = global_value(p, "verbose")->set;
    in->debug = global_value(p, "debug")->set;
    in->out = global_value(p, "out")->s;
    in->seed = p->c->globals & GLOBAL_SEED ? (uint64_t)global_value(p, "seed")->i : 42;
    in->threads = (int)global_value(p, "threads")->i;
    in->download = p->c->models > 0 && global_value(p, "download")->set;
    in->model_type = p->c->models > 0 ? global_value(p, "model-type")->s : NULL;
    in->device = p->c->globals & GLOBAL_DEVICE ? global_value(p, "device")->s : "cpu";
    in->memory_limit = global_value(p, "memory-limit")->i;
}

int options_parse(struct invocation *in, bool *help, const struct command *c, int argc, char **argv,
                  struct arena *arena, struct err *err)
{
    struct parse p = {.c = c, .in = in, .n_options = option_count(c), .arena = arena};
    *help = false;
    in->command = c;
    in->n_args = 0;
    p.values = arena_alloc(arena, p.n_options, sizeof *p.values, err);
    p.args = arena_alloc(arena, (size_t)argc + 1, sizeof *p.args, err);
    if (!p.values || !p.args)
        return -1;
    in->values = p.values;
    in->args = p.args;
    for (size_t i = 0; i < p.n_options; i++)
        if (option_at(c, i)->initial)
            TRY(set_value(option_at(c, i), &p.values[i], option_at(c, i)->initial, false, arena, err));
    TRY(parse_words(&p, argc, argv, help, err));
    take_globals(&p);
    if (*help)
        return 0;
    if (in->n_args < c->min_args) {
        err_set(err, ERR_USAGE, in->n_args ? "too few arguments" : "an argument is missing");
        return err_hint(err, "'--help' shows what it takes: %s", c->synopsis);
    }
    if (in->n_args > c->max_args) {
        err_set(err, ERR_USAGE, "'%s' is one argument too many", in->args[c->max_args]);
        return *c->synopsis ? err_hint(err, "it takes: %s", c->synopsis) : err_hint(err, "it takes no arguments");
    }
    return 0;
}
