/* python_model.h - the model as a Python engine can load it. */
#ifndef ENGINES_PYTHON_MODEL_H
#define ENGINES_PYTHON_MODEL_H

#include <stdbool.h>

#include "base/err.h"

/* Gives *path, to free(): a Hugging Face folder, or the GGUF itself where the engine takes one. Any other model is converted
 * first, once, into the cache folder (its name there holds the checksum of the weights), and standard error is told. */
int python_model(char **path, const char *model, bool takes_gguf, const char *engine, struct err *err);

#endif
