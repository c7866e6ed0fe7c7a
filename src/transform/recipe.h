/* recipe.h - which type each tensor of a quantized file gets.
 *
 * A recipe is what people call a quantization: a base type, and exceptions for the tensors that hurt most when they are
 * coarse. The names and the exceptions are llama.cpp's, so that a file made here and one made there hold the same types.
 */
#ifndef TRANSFORM_RECIPE_H
#define TRANSFORM_RECIPE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/dtype.h"
#include "base/err.h"
#include "formats/model_file.h"

struct recipe;

/* By name, case-blind ("q4_k_m"; "q4_k" means q4_k_m, as in llama.cpp). -1 and err with the nearest name. */
int recipe_find(const struct recipe **out, const char *name, struct err *err);
const char *recipe_name(const struct recipe *r);
int recipe_file_type(const struct recipe *r); /* general.file_type of GGUF */
/* The names, for help texts. NULL past the end. */
const char *recipe_name_at(size_t i);

/* What the choice depends on beside the tensor itself. */
struct recipe_model {
    int layers, heads, kv_heads, experts;
    bool tied;           /* no output.weight: the embeddings are the output too */
    bool has_importance;
};

struct recipe_choice {
    enum dtype type;
    enum dtype wanted; /* differs from `type` when the rows do not divide into its blocks */
};

/* `t` by its GGUF name. One-dimensional tensors, norms, positions and routers stay as they are. */
struct recipe_choice recipe_choose(const struct recipe *r, const struct recipe_model *m, const struct tensor *t);

#endif
