/* model.h - weights bound to an architecture.
 *
 *     struct model *m;
 *     TRY(model_open(&m, "models/teacher", err));
 *     struct session *s;
 *     TRY(session_open(&s, m, &(struct session_options){.context = 1024}, err));     // session.h
 *
 * A model is immutable; its weights are borrowed from the mapped file in their on-disk layout. Several sessions may share
 * it, each owned by one thread.
 */
#ifndef MODELS_MODEL_H
#define MODELS_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "formats/model_file.h"
#include "tokenizers/tokenizer.h"

/* What an architecture row (models/list.h) fills from GGUF metadata or config.json. One struct for all: a field that an
 * architecture does not have keeps its neutral value. */
struct model_config;
struct model;

/* A tokenizer that cannot be read does not fail it: ids still work, and model_need_tokenizer tells why. */
int model_open(struct model **out, const char *path, struct err *err);
/* Without looking for a tokenizer: for who needs only ids. */
int model_open_weights(struct model **out, const char *path, struct err *err);
void model_close(struct model *m);

const char *model_architecture(const struct model *m);  /* "llama", "qwen2", ... as in models/list.h */
const struct model_file *model_source(const struct model *m);
/* NULL if the model has no tokenizer beside it; ids still work then. Borrowed. */
const struct tokenizer *model_tokenizer(const struct model *m);
/* The same, or -1 and the reason why there is none. */
int model_need_tokenizer(const struct tokenizer **out, const struct model *m, struct err *err);

struct model_facts {
    uint64_t parameters, bytes;
    const char *quantization; /* "bf16", "q4_k", "mixed q4_k/q6_k": what most weights are stored as */
    int context, vocabulary, layers, hidden, heads, kv_heads, head_dim;
    bool tied;
};
void model_facts(const struct model *m, struct model_facts *out);

/* Is `id` one that ends a text for this model (config, generation_config, GGUF: there may be several)? */
bool model_is_eos(const struct model *m, int32_t id);

#endif
