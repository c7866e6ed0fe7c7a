/* facts.h - what a model file says of itself, whether or not prony can run it: for `prony model info` and reports. */
#ifndef FORMATS_FACTS_H
#define FORMATS_FACTS_H

#include "formats/model_file.h"

struct file_facts {
    char architecture[88];    /* GGUF's general.architecture, config.json's model_type; "" unknown */
    char quantization[64];    /* what most weights are stored as: "bf16", "mixed q4_k/q6_k"; "" unknown */
    int64_t parameters;       /* values of all weights, tables and buffers left out. Here and below -1 is unknown: for
                                 parameters, where most bytes are packed integers */
    int64_t context, vocabulary, layers, hidden, heads, kv_heads;
    int tied;                 /* 1 the output is the embedding, 0 it has its own weights */
    char *chat_template;      /* owned: the template's text, or NULL */
};

/* Give back with file_facts_release, also after a failure. A metadata value of the wrong type or a sidecar that is no JSON is
 * an error; one that is not there is not. */
int file_facts(struct file_facts *out, const struct model_file *f, struct err *err);
void file_facts_release(struct file_facts *facts);

#endif
