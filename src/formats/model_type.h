/* model_type.h - "llama" or "gpt": the two families that tools told models apart by.
 *
 * llama: rotary positions, root-mean-square norms, gated feed-forward (Llama, Mistral, Qwen, Phi-3, Gemma and their mixtures);
 * gpt: layer norms and a plain feed-forward (GPT-2, GPT-NeoX, OPT). What a model's own configuration says decides; where it
 * says nothing, the names of its files do; then its own name.
 */
#ifndef FORMATS_MODEL_TYPE_H
#define FORMATS_MODEL_TYPE_H

#include "base/err.h"

#define MODEL_TYPES "llama,gpt"

/* "llama", "gpt" or "unknown". `path` is a model as a user names it. */
const char *model_type_detect(const char *path);

/* ERR_USAGE unless the model is of that type. One that is not there is left to whoever opens it. */
int model_type_check(const char *path, const char *expected, struct err *err);

#endif
