/* synth.h - a model of a known shape with made-up weights: speed can be measured on any machine without a download.
 *
 *     const struct synth_shape *shape;
 *     TRY(synth_find(&shape, "llama-3.2-1b", err));
 *     TRY(synth_write(shape, "q4_k_m", 42, "synth.gguf", NULL, NULL, err));
 *
 * Time and memory depend on shapes and types, not on values, so these stand in for the real weights there and only
 * there: the text is noise. Weights are normal, scaled so that activations stay near one through all layers; a file
 * repeats a pool of encoded blocks in random order, which keeps writing at the speed of the disk. The vocabulary is
 * made up too, with merges, so that any text can be tokenized.
 */
#ifndef TRANSFORM_SYNTH_H
#define TRANSFORM_SYNTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/tick.h"

struct synth_shape {
    const char *name, *architecture; /* GGUF's name: llama, qwen2, gpt2 */
    uint32_t hidden, layers, heads, kv_heads, head_dim, ffn, vocabulary, context;
    float theta, eps;
    bool tied;
};

int synth_find(const struct synth_shape **out, const char *name, struct err *err);
const struct synth_shape *synth_shape_at(size_t i); /* NULL past the end */

/* "hidden=512,layers=4,heads=8,..." over the fields of a llama; what is left out keeps the value in *shape. */
int synth_parse_dims(struct synth_shape *shape, const char *dims, struct err *err);

/* Writes a GGUF of the shape in a quantization of recipe.h. Ticks in bytes; one that stops leaves no file behind. */
int synth_write(const struct synth_shape *shape, const char *recipe, uint64_t seed, const char *path, tick_fn tick,
                void *arg, struct err *err);

#endif
