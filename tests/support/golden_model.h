/* golden_model.h - the tiny models of tests/models/golden, rebuilt on disk from their names and seeds. */
#ifndef SUPPORT_GOLDEN_MODEL_H
#define SUPPORT_GOLDEN_MODEL_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

/* Names of all of them, ended by NULL; the strings live until the process ends. */
const char *const *golden_model_names(void);
json_t *golden_model_load(const char *name);

/* Writes config.json (form 0: transformers 5, 1: transformers 4) and the safetensors of a golden into a fresh folder and
 * returns its path, which lives until the process ends. */
const char *golden_model_build(json_t *golden, size_t form);

/* The prompt's ids, in memory that lives until the process ends. */
const int32_t *golden_model_ids(json_t *golden, const char *key, size_t *n);

#endif
