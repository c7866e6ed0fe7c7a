/* quantize.h - a GGUF in, the same model in other types out.
 *
 *     struct quantize_report r;
 *     TRY(quantize_file("f16.gguf", "q4_k_m.gguf", &(struct quantize_options){.recipe = "q4_k_m"}, &r, err));
 *
 * Metadata are copied; general.file_type and general.quantization_version are set. Rows are decoded, fitted and written
 * in order, so memory stays at a few rows a thread whatever the model's size, and the bytes are the same for any number
 * of threads.
 */
#ifndef TRANSFORM_QUANTIZE_H
#define TRANSFORM_QUANTIZE_H

#include <stdint.h>

#include "base/tick.h"
#include "formats/model_file.h"

/* Mean squared activation of each column of each weight (imatrix.h). NULL where a tensor was never used. */
struct importance;

struct quantize_options {
    const char *recipe;                  /* recipe.h */
    struct importance *importance;       /* NULL: none */
    int threads;                         /* 0: as many as there are processors */
    tick_fn tick;                        /* in bytes read; one that stops leaves no file behind */
    void *tick_arg;
};

struct quantize_report {
    uint64_t bytes_before, bytes_after; /* of all tensors */
    int quantized, kept;                /* tensors */
    int fallen_back;                    /* whose rows did not divide into the blocks of the type they should have had */
    int without_importance;             /* quantized although an importance was given that lacks them */
    char fallen_example[128];           /* the first: "blk.0.ffn_down.weight: 1000 columns, q5_0 instead of q4_k" */
};

int quantize_file(const char *from, const char *to, const struct quantize_options *o, struct quantize_report *report,
                  struct err *err);

#endif
