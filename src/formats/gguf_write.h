/* gguf_write.h - writes a GGUF v3 file: metadata first, then tensors, streamed.
 *
 *     struct gguf_writer w;
 *     gguf_writer_init(&w);
 *     gguf_put_str(&w, "general.architecture", "llama");
 *     gguf_put_u32(&w, "llama.block_count", 4);
 *     gguf_put_tensor(&w, "token_embd.weight", DTYPE_F16, 2, (uint64_t[]){vocabulary, hidden});   // row-major, as struct tensor
 *     TRY(gguf_writer_begin(&w, "out.gguf", err));          // header on disk; nothing can be put any more
 *     TRY(gguf_writer_data(&w, bytes, n, err));             // all tensors' bytes in the order they were put, in any pieces
 *     TRY(gguf_writer_finish(&w, err));                     // complete: fsync and rename into place
 *     gguf_writer_release(&w);                              // always; before finish it removes what was begun
 *
 * Padding between tensors is the writer's. Additions that fail (memory) are reported by begin.
 */
#ifndef FORMATS_GGUF_WRITE_H
#define FORMATS_GGUF_WRITE_H

#include "base/buf.h"
#include "base/new_file.h"
#include "formats/model_file.h"

struct gguf_writer {
    struct buf metas, tensors; /* encoded entries */
    uint64_t n_metas, n_tensors;
    uint64_t alignment;   /* 32; set it before the first tensor (any other is written as general.alignment) */
    uint64_t data_bytes;  /* of the data section so far, padded */
    uint64_t *ends;       /* where each tensor ends in the data section, without padding */
    size_t cap_ends;
    struct err failed;    /* the first failure of a put */
    struct new_file file;
    uint64_t at;          /* bytes of the data section written */
    size_t current;       /* tensor being written */
};

void gguf_writer_init(struct gguf_writer *w);
void gguf_writer_release(struct gguf_writer *w);

void gguf_put_u32(struct gguf_writer *w, const char *key, uint32_t v);
void gguf_put_u64(struct gguf_writer *w, const char *key, uint64_t v);
void gguf_put_f32(struct gguf_writer *w, const char *key, float v);
void gguf_put_bool(struct gguf_writer *w, const char *key, bool v);
void gguf_put_str(struct gguf_writer *w, const char *key, const char *v);
void gguf_put_bytes(struct gguf_writer *w, const char *key, const void *v, uint64_t len); /* a string of any bytes */
/* Any scalar type: `v` points at its value in native order. */
void gguf_put_scalar(struct gguf_writer *w, const char *key, enum meta_type type, const void *v);
void gguf_put_array(struct gguf_writer *w, const char *key, enum meta_type type, const void *items, uint64_t n);
void gguf_put_strings(struct gguf_writer *w, const char *key, const struct meta_string *items, uint64_t n);
/* As it was read; strings and arrays included. */
void gguf_put_meta(struct gguf_writer *w, const struct meta *m);

void gguf_put_tensor(struct gguf_writer *w, const char *name, enum dtype type, int n_dims, const uint64_t *dims);

int gguf_writer_begin(struct gguf_writer *w, const char *path, struct err *err);
int gguf_writer_data(struct gguf_writer *w, const void *bytes, size_t n, struct err *err);
int gguf_writer_finish(struct gguf_writer *w, struct err *err);

/* The header as bytes, padded to where the data begin: what begin would write. For tests and for sizes. */
int gguf_writer_header(const struct gguf_writer *w, struct buf *out, struct err *err);

#endif
