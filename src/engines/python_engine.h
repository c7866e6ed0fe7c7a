/* python_engine.h - the engines that are Python workers: one core, one row each.
 *
 * A row names its variants and what each sends along when the model is opened; engines/NAME/worker.py does the rest. The
 * worker runs in the virtual environment that `prony engines install NAME` made below the user's cache folder
 * (PRONY_CACHE_DIR, XDG_CACHE_HOME/prony, ~/.cache/prony).
 */
#ifndef ENGINES_PYTHON_ENGINE_H
#define ENGINES_PYTHON_ENGINE_H

#include "engines/engine.h"

struct python_variant {
    const char *name;  /* as in the class's variants; "" where there are none */
    const char *dtype; /* "float32", "float16", "bfloat16" */
    bool compile;
};

struct python_row {
    const struct python_variant *variants; /* ended by a NULL name; the first is the default */
    bool takes_gguf;                       /* else a GGUF is converted first */
};

void python_probe(const struct engine_name *name, struct engine_probe *out);
int python_open(void **self, const struct engine_spec *spec, struct engine_facts *facts, struct engine_capabilities *can,
                struct err *err);
int python_generate(void *self, const struct engine_request *request, struct engine_reply *replies, struct err *err);
int python_score(void *self, const struct engine_score *score, struct err *err);
int python_tokenize(void *self, const char *text, size_t len, int32_t **ids, size_t *n_ids, struct err *err);
int python_detokenize(void *self, const int32_t *ids, size_t n_ids, struct buf *text, struct err *err);
void python_memory(void *self, struct engine_memory *out);
void python_close(void *self);

/* What every row has in common. */
#define PYTHON_ENGINE_CALLS                                                                                             \
    .needs_model = true, .probe = python_probe, .open = python_open, .generate = python_generate,                      \
    .score = python_score, .tokenize = python_tokenize, .detokenize = python_detokenize, .memory = python_memory,      \
    .close = python_close

/* The folder of an installed engine ("~/.cache/prony/engines/transformers"), to free(). */
char *engine_home(const char *name, struct err *err);

#endif
