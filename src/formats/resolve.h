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
 *   a folder with safetensors or PyTorch files   itself (*folder is true)
 *   a folder with exactly one GGUF  that file, the first part of a split one; several: an error that lists them
 *   a folder with only a tokenizer  itself
 *   ORG/REPO that is no path        its snapshot in the Hugging Face cache, then as above; ORG/REPO:FILE that file of it
 *   a key of configs/models.yaml    the folder named there, else its repository in the cache, else its F16 GGUF
 */
int model_resolve(char **out, bool *folder, const char *path, struct err *err);

/* What a hub calls it: a key's repository, ORG/REPO, ORG/REPO:FILE. *repo NULL: none of these. *file NULL: all of it. */
int hub_name(char **repo, char **file, const char *text, struct err *err);
/* What a hub would have to give for `path` when it is not at hand. 1: gives *repo, and *file (NULL: the whole model); 0: it is
 * at hand, or is nothing that a hub knows. */
int model_missing(char **repo, char **file, const char *path, struct err *err);

bool is_hub_repo(const char *text); /* may it be an ORG/REPO of the hub? */
/* Where the cache is: HF_HUB_CACHE, HF_HOME/hub, XDG_CACHE_HOME/huggingface/hub, ~/.cache/huggingface/hub, the first whose
 * variable is set, as huggingface_hub has it. 1 found (gives *out), 0 none is set, -1 and err. */
int hf_cache_folder(char **out, struct err *err);
/* The snapshot folder of ORG/REPO there. 1 found (gives *out), 0 not there, -1 and err. */
int hf_cache_find(char **out, const char *repo, struct err *err);

/* "x-00002-of-00003.gguf": the length of "x" with *no 2 and *count 3; 0 if it is not such a name. */
size_t gguf_split_stem(const char *path, unsigned *no, unsigned *count);

/* The names in a folder, hidden ones left out, sorted. *out is to free(), the names are the arena's. */
int list_folder(const char ***out, size_t *n, const char *dir, struct arena *a, struct err *err);

#endif
