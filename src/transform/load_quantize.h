/* load_quantize.h - a model that was just opened gets its matrices in another type, in memory; the file stays as it is.
 *
 *     TRY(model_open(&m, "f16.gguf", err));
 *     TRY(load_quantize(m, "nf4", 0, &report, err));           // before any session is open
 *
 * A name is one of recipe.h ("q4_k_m": the types that a file of that name would have), or "int8" or "nf4" (low_bit.h), which
 * leave embeddings and output as they are, as the libraries do that these come from.
 */
#ifndef TRANSFORM_LOAD_QUANTIZE_H
#define TRANSFORM_LOAD_QUANTIZE_H

#include "base/err.h"
#include "models/model.h"

struct load_report {
    int quantized, kept;      /* matrices */
    int fallen_back;          /* whose rows did not divide into the blocks of their type */
    uint64_t outlier_columns; /* int8: of all matrices */
};

/* `name` may be another tool's (base/alias.h: float16). threads 0: as many as this process may use. What model_facts calls
 * the quantization is then "NAME at load". */
int load_quantize(struct model *m, const char *name, int threads, struct load_report *report, struct err *err);

/* Is there a quantization of that name? ERR_USAGE with the nearest. */
int load_quantize_check(const char *name, struct err *err);

#endif
