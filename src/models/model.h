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

/* ---- matrices: what transform/ quantizes when a model is loaded ---------------------------------------------------- */

enum { MODEL_MATRIX_NAME = 80 };

/* n rows of k values, row i at data + i*stride: as in backend.h. data NULL: this model has none in that place. */
struct model_matrix {
    char name[MODEL_MATRIX_NAME]; /* GGUF's: "blk.0.attn_q.weight" */
    enum dtype type;
    const void *data;
    size_t stride, n, k;
};

/* Place i of those where a model may have a matrix; false past the last. Embeddings that are the output too come once. */
bool model_matrix_at(const struct model *m, size_t i, struct model_matrix *out);
/* Zeroed memory that lives as long as the model. */
void *model_memory(struct model *m, size_t bytes, struct err *err);
/* Other storage of the same n and k in place i, from model_memory; before any session is open. With outliers, those columns
 * [outliers->k] of the matrix are left out of `with` and kept apart, [n][outliers->k]; columns and outlier_memory (one
 * struct weight of backend.h) are from model_memory too. */
struct weight;
void model_matrix_replace(struct model *m, size_t i, const struct model_matrix *with, const struct model_matrix *outliers,
                          const int32_t *columns, struct weight *outlier_memory);
/* What model_facts says of the quantization from now on. */
void model_set_quantization(struct model *m, const char *name);

/* What one token's step takes. */
struct model_step {
    uint64_t bytes;        /* of matrices that are read: all but tables that are only looked up */
    uint64_t row_ops;      /* multiplications and additions through all layers */
    uint64_t logits_ops;   /* of one row of logits */
    uint64_t position_ops; /* of attention, for each position that is seen */
};
void model_step(const struct model *m, struct model_step *out);

/* Is `id` one that ends a text for this model (config, generation_config, GGUF: there may be several)? */
bool model_is_eos(const struct model *m, int32_t id);

#endif
