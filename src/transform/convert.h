/* convert.h - the same model in another format.
 *
 *     struct convert_report r;
 *     TRY(convert_model("llama.gguf", "llama-hf", &(struct convert_options){.type = "bf16"}, &r, err));
 *
 * Whatever the native engine opens becomes a GGUF (OUT ends in .gguf) or a Hugging Face folder (config.json, tokenizer.json,
 * model.safetensors and what belongs to them). The way leads over the model as it was bound: its configuration and its tensors
 * are written under the names that the architecture's row has for the other format, so what is written here is read here, and
 * what llama.cpp's converter and transformers do with the same model is the same.
 */
#ifndef TRANSFORM_CONVERT_H
#define TRANSFORM_CONVERT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/tick.h"

struct convert_options {
    const char *type; /* f32, f16 or bf16 of the matrices; NULL: what most of them have, f16 for quantized ones */
    tick_fn tick; /* tensors; NULL: none */
    void *tick_arg;
};

struct convert_report {
    bool to_gguf;
    const char *architecture, *type;
    uint64_t tensors, bytes;
    bool has_tokenizer;
    char lost[160]; /* what the new format has no word for; "" nothing */
};

int convert_model(const char *from, const char *to, const struct convert_options *o, struct convert_report *report,
                  struct err *err);

#endif
