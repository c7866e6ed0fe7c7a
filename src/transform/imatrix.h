/* imatrix.h - an importance matrix from a text, and its file.
 *
 *     struct importance *im;
 *     TRY(imatrix_collect(&im, "f16.gguf", "text.txt", &(struct imatrix_options){.chunk = 512}, &done, err));
 *     TRY(imatrix_save(im, "model.imatrix.gguf", "text.txt", &done, err));   // llama-quantize --imatrix reads it
 *     TRY(imatrix_load(&im, "from-llama-imatrix.gguf", err));
 *
 * The text is cut into chunks, each of which begins anew (with a beginning-of-sequence token where the tokenizer wants one),
 * and runs through the model as it is; of each matrix's inputs the squares are added up by column. The output matrix is left
 * out, as llama-imatrix leaves it out.
 */
#ifndef TRANSFORM_IMATRIX_H
#define TRANSFORM_IMATRIX_H

#include <stdint.h>

#include "base/tick.h"
#include "transform/importance.h"

struct imatrix_options {
    int chunk;       /* tokens; 0: 512. No more than the model's context */
    int64_t chunks;  /* at most; 0: all of the text */
    int threads;     /* 0: as many as this process may use */
    tick_fn tick;    /* in chunks */
    void *tick_arg;
};

struct imatrix_done {
    int64_t chunks, tokens;
    int chunk;
};

/* Gives *out; to be ended by importance_free. `model` is a GGUF, whose names of tensors are kept. */
int imatrix_collect(struct importance **out, const char *model, const char *text, const struct imatrix_options *o,
                    struct imatrix_done *done, struct err *err);

/* A GGUF as llama-imatrix writes it: NAME.in_sum2 and NAME.counts for each matrix. */
int imatrix_save(struct importance *im, const char *path, const char *text, const struct imatrix_done *done, struct err *err);
int imatrix_load(struct importance **out, const char *path, struct err *err);
/* Does the file begin as a GGUF does? Then it is a matrix, else a text. */
bool imatrix_is_file(const char *path);

#endif
