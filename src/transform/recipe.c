#include "transform/recipe.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"

/* Which layers an exception holds for. */
enum where {
    NOWHERE,
    EVERYWHERE,
    FIRST_SIXTEENTH,
    FIRST_EIGHTH,
    FIRST_TWO,
    FIRST_FOUR,
    ENDS_AND_THIRDS, /* the first and last eighth, and each third layer between */
};

struct exception {
    enum where where;
    enum dtype type;
};

struct recipe {
    const char *name;
    int file_type;
    enum dtype base;
    enum dtype other_v, other_down; /* where the exception does not hold; DTYPE_COUNT: the base */
    struct exception v, down;
    enum dtype attn_output; /* DTYPE_COUNT: the base */
};

#define BASE DTYPE_COUNT
#define NONE {NOWHERE, BASE}

static const struct recipe recipes[] = {
    {"f16", 1, DTYPE_F16, BASE, BASE, NONE, NONE, BASE},
    {"bf16", 32, DTYPE_BF16, BASE, BASE, NONE, NONE, BASE},
    {"q8_0", 7, DTYPE_Q8_0, BASE, BASE, NONE, NONE, BASE},
    {"q4_0", 2, DTYPE_Q4_0, BASE, BASE, NONE, NONE, BASE},
    {"q4_1", 3, DTYPE_Q4_1, BASE, BASE, NONE, NONE, BASE},
    {"q5_0", 8, DTYPE_Q5_0, BASE, BASE, NONE, NONE, BASE},
    {"q5_1", 9, DTYPE_Q5_1, BASE, BASE, NONE, NONE, BASE},
    {"q2_k", 10, DTYPE_Q2_K, DTYPE_Q3_K, BASE, NONE, {EVERYWHERE, DTYPE_Q3_K}, DTYPE_Q3_K},
    {"q3_k_s", 11, DTYPE_Q3_K, BASE, BASE, NONE, NONE, BASE},
    {"q3_k_m", 12, DTYPE_Q3_K, DTYPE_Q4_K, DTYPE_Q4_K, {FIRST_TWO, DTYPE_Q5_K}, {FIRST_SIXTEENTH, DTYPE_Q5_K}, DTYPE_Q4_K},
    {"q3_k_l", 13, DTYPE_Q3_K, BASE, BASE, {EVERYWHERE, DTYPE_Q5_K}, {EVERYWHERE, DTYPE_Q5_K}, DTYPE_Q5_K},
    {"q4_k_s", 14, DTYPE_Q4_K, BASE, BASE, {FIRST_FOUR, DTYPE_Q5_K}, {FIRST_EIGHTH, DTYPE_Q5_K}, BASE},
    {"q4_k_m", 15, DTYPE_Q4_K, BASE, BASE, {ENDS_AND_THIRDS, DTYPE_Q6_K}, {ENDS_AND_THIRDS, DTYPE_Q6_K}, BASE},
    {"q5_k_s", 16, DTYPE_Q5_K, BASE, BASE, NONE, NONE, BASE},
    {"q5_k_m", 17, DTYPE_Q5_K, BASE, BASE, {ENDS_AND_THIRDS, DTYPE_Q6_K}, {ENDS_AND_THIRDS, DTYPE_Q6_K}, BASE},
    {"q6_k", 18, DTYPE_Q6_K, BASE, BASE, NONE, NONE, BASE},
};
enum { N_RECIPES = sizeof recipes / sizeof recipes[0] };

static const char *const short_names[][2] = {{"q3_k", "q3_k_m"}, {"q4_k", "q4_k_m"}, {"q5_k", "q5_k_m"}};

static const char *name_at(const void *table, size_t i)
{
    return ((const struct recipe *)table)[i].name;
}

int recipe_find(const struct recipe **out, const char *name, struct err *err)
{
    for (size_t i = 0; i < sizeof short_names / sizeof short_names[0]; i++)
        if (strcasecmp(name, short_names[i][0]) == 0)
            name = short_names[i][1];
    for (size_t i = 0; i < N_RECIPES; i++) {
        if (strcasecmp(recipes[i].name, name) == 0) {
            *out = &recipes[i];
            return 0;
        }
    }
    err_set(err, ERR_USAGE, "'%s' is not a quantization that prony writes", name);
    const char *near = str_nearest(name, recipes, N_RECIPES, name_at);
    return near ? err_hint(err, "did you mean '%s'?", near) : err_hint(err, "try q8_0, q6_k, q5_k_m, q4_k_m or q4_0");
}

const char *recipe_name(const struct recipe *r)
{
    return r->name;
}

int recipe_file_type(const struct recipe *r)
{
    return r->file_type;
}

const char *recipe_name_at(size_t i)
{
    return i < N_RECIPES ? recipes[i].name : NULL;
}

static bool holds(enum where where, int layer, int layers)
{
    switch (where) {
    case NOWHERE:
        return false;
    case EVERYWHERE:
        return true;
    case FIRST_SIXTEENTH:
        return layer < layers / 16;
    case FIRST_EIGHTH:
        return layer < layers / 8;
    case FIRST_TWO:
        return layer < 2;
    case FIRST_FOUR:
        return layer < 4;
    case ENDS_AND_THIRDS:
        return layer < layers / 8 || layer >= 7 * layers / 8 || (layer - layers / 8) % 3 == 2;
    }
    return false;
}

static enum dtype excepted(const struct exception *e, enum dtype other, enum dtype base, int layer, int layers)
{
    if (holds(e->where, layer, layers))
        return e->type;
    return other == BASE ? base : other;
}

static bool has(const char *name, const char *part)
{
    return strstr(name, part) != NULL;
}

static bool stays(const struct tensor *t)
{
    bool number = t->type == DTYPE_F32 || t->type == DTYPE_F16 || t->type == DTYPE_BF16 || dtype_block(t->type) > 1;
    return !number || t->n_dims < 2 || !str_ends(t->name, "weight") || has(t->name, "_norm.weight") ||
           has(t->name, "ffn_gate_inp.weight") || str_eq(t->name, "position_embd.weight") ||
           str_eq(t->name, "token_types.weight");
}

static enum dtype wanted(const struct recipe *r, const struct recipe_model *m, const struct tensor *t)
{
    const char *name = t->name;
    int layer = 0;
    bool plain = dtype_block(r->base) == 1;
    if (sscanf(name, "blk.%d.", &layer) != 1)
        layer = 0;
    if (str_eq(name, "output.weight") || (m->tied && str_eq(name, "token_embd.weight"))) {
        if (plain || r->base == DTYPE_Q8_0)
            return r->base;
        return t->dims[t->n_dims - 1] % dtype_block(r->base) == 0 ? DTYPE_Q6_K : DTYPE_Q8_0;
    }
    if (plain)
        return r->base;
    if (has(name, "attn_v.weight") || has(name, "attn_qkv.weight")) {
        enum dtype type = excepted(&r->v, r->other_v, r->base, layer, m->layers);
        bool shared = m->kv_heads > 0 && m->heads / m->kv_heads >= 4;
        if (r->base == DTYPE_Q2_K && shared)
            type = DTYPE_Q4_K; /* few values serve many heads: they may cost more */
        if (m->layers == 80 && m->kv_heads > 0 && m->heads / m->kv_heads == 8 && (type == DTYPE_Q3_K || type == DTYPE_Q4_K))
            type = DTYPE_Q5_K;
        return m->experts == 8 ? DTYPE_Q8_0 : type;
    }
    if (has(name, "attn_k.weight"))
        return m->experts == 8 ? DTYPE_Q8_0 : r->base;
    if (has(name, "ffn_down")) {
        if (m->has_importance && layer < m->layers / 8 && (r->base == DTYPE_Q4_0 || r->base == DTYPE_Q5_0))
            return r->base == DTYPE_Q4_0 ? DTYPE_Q4_1 : DTYPE_Q5_1;
        return excepted(&r->down, r->other_down, r->base, layer, m->layers);
    }
    if (has(name, "attn_output.weight")) {
        if (m->experts == 8 && (r->base == DTYPE_Q2_K || r->base == DTYPE_Q3_K || r->base == DTYPE_Q4_K))
            return DTYPE_Q5_K;
        return r->attn_output == BASE ? r->base : r->attn_output;
    }
    return r->base;
}

/* Rows that do not divide into super-blocks take the nearest type of 32 values a block, or float16. */
static enum dtype fallback(enum dtype type, uint64_t row)
{
    static const enum dtype smaller[DTYPE_COUNT] = {
        [DTYPE_Q2_K] = DTYPE_Q4_0, [DTYPE_Q3_K] = DTYPE_Q4_0, [DTYPE_Q4_K] = DTYPE_Q5_0,
        [DTYPE_Q5_K] = DTYPE_Q5_1, [DTYPE_Q6_K] = DTYPE_Q8_0,
    };
    if (row % dtype_block(type) == 0)
        return type;
    if (dtype_block(type) == 256 && row % 32 == 0)
        return smaller[type];
    return DTYPE_F16;
}

struct recipe_choice recipe_choose(const struct recipe *r, const struct recipe_model *m, const struct tensor *t)
{
    if (stays(t))
        return (struct recipe_choice){t->type, t->type};
    enum dtype type = wanted(r, m, t);
    return (struct recipe_choice){fallback(type, t->dims[t->n_dims - 1]), type};
}
