/* register.h - makes one and the same GGUF file known to servers that keep models of their own.
 *
 * Invariants. The weights are named by the SHA-256 of their file, and it is the file itself that a server is pointed to,
 * or given byte by byte: never a copy that it fetched or quantized by itself. Doing it again changes nothing.
 */
#ifndef ENGINES_REGISTER_H
#define ENGINES_REGISTER_H

#include <stdbool.h>

#include "base/err.h"

/* Puts NAME -> the file (an absolute path, recipe llamacpp) into Lemonade's registry, a JSON object that is made with its
 * folder if there is none; other entries stay. *changed: it was not there like this before. */
int register_lemonade(const char *registry, const char *name, const char *gguf, bool *changed, struct err *err);
/* Where Lemonade keeps it: $LEMONADE_CACHE_DIR or ~/.cache/lemonade, user_models.json. A new string to free(). */
char *register_lemonade_path(struct err *err);

/* Gives the file's bytes to Ollama under their digest, unless it has them, and makes NAME of them. */
int register_ollama(const char *url, const char *name, const char *gguf, const char sha256[65], bool *sent, struct err *err);

#endif
