/* safetensors_write.h - writes one safetensors file: the header first, then tensors, streamed.
 *
 *     struct safetensors_writer w;
 *     safetensors_writer_init(&w);
 *     safetensors_put(&w, "model.norm.weight", DTYPE_F32, 1, (uint64_t[]){hidden});
 *     TRY(safetensors_writer_begin(&w, "out/model.safetensors", err));
 *     TRY(safetensors_writer_data(&w, bytes, n, err));     // all tensors' bytes in the order they were put, in any pieces
 *     TRY(safetensors_writer_finish(&w, err));             // complete: fsync and rename into place
 *     safetensors_writer_release(&w);                      // always
 *
 * Put the widest types first: then every tensor is aligned without holes, which the format forbids. The metadata say that
 * PyTorch wrote it, without which transformers refuses the file.
 */
#ifndef FORMATS_SAFETENSORS_WRITE_H
#define FORMATS_SAFETENSORS_WRITE_H

#include "base/json_out.h"
#include "base/new_file.h"
#include "formats/model_file.h"

struct safetensors_writer {
    struct buf header;
    struct json_out json;
    uint64_t data_bytes, at; /* in all; written */
    struct err failed;       /* the first failure of a put */
    struct new_file file;
};

void safetensors_writer_init(struct safetensors_writer *w);
void safetensors_writer_release(struct safetensors_writer *w);
void safetensors_put(struct safetensors_writer *w, const char *name, enum dtype type, int n_dims, const uint64_t *dims);
int safetensors_writer_begin(struct safetensors_writer *w, const char *path, struct err *err);
int safetensors_writer_data(struct safetensors_writer *w, const void *bytes, size_t n, struct err *err);
int safetensors_writer_finish(struct safetensors_writer *w, struct err *err);

#endif
