/* resolve.h - from what a user types to the file or folder that is meant. Touches names, not contents. */
#ifndef FORMATS_RESOLVE_H
#define FORMATS_RESOLVE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"

/* Gives *out, a path to free().
 *   a file                          itself; but one that belongs to a Hugging Face folder (config.json, tokenizer.json,
 *                                   model.safetensors, a shard of an index) stands for that folder
 *   a folder with safetensors       itself (*folder is true)
 *   a folder with exactly one GGUF  that file, the first part of a split one; several: an error that lists them
 *   a folder with only a tokenizer  itself
 *   ORG/REPO that is no path        its snapshot in the Hugging Face cache, then as above
 */
int model_resolve(char **out, bool *folder, const char *path, struct err *err);

/* The snapshot folder of ORG/REPO: HF_HUB_CACHE, HF_HOME/hub, XDG_CACHE_HOME/huggingface/hub, ~/.cache/huggingface/hub.
 * 1 found (gives *out), 0 not there, -1 and err. */
int hf_cache_find(char **out, const char *repo, struct err *err);

/* "x-00002-of-00003.gguf": the length of "x" with *no 2 and *count 3; 0 if it is not such a name. */
size_t gguf_split_stem(const char *path, unsigned *no, unsigned *count);

/* The names in a folder, hidden ones left out, sorted. *out is to free(), the names are the arena's. */
int list_folder(const char ***out, size_t *n, const char *dir, struct arena *a, struct err *err);

#endif
