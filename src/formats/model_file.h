/* model_file.h - a file or folder on disk becomes a read-only table of named tensors and metadata.
 *
 *     struct model_file *f;
 *     TRY(model_file_open(&f, "llama.gguf", err));
 *     const struct tensor *t = model_file_tensor(f, "token_embd.weight");
 *     const struct meta *m = model_file_meta(f, "llama.block_count");
 *     ...
 *     model_file_close(f);
 *
 * Invariants. Everything is borrowed from the mapped file(s): tensor data, strings and arrays live until
 * model_file_close. Opening reads headers only; no weight page is touched. Every offset, length and count has been
 * checked against the mapping before a caller sees it: `data .. data + bytes` of any tensor lies inside the map.
 * Tensor names are the file's own; mapping them to an architecture is models/' work.
 *
 * A path may be a file, a Hugging Face folder (config.json beside weights; one without weights but with a tokenizer opens
 * without tensors), a folder with exactly one GGUF (several: an error that lists them), any part of a split model, or
 * ORG/REPO in the Hugging Face cache (resolve.h). A format is one file here and one line in list.h.
 */
#ifndef FORMATS_MODEL_FILE_H
#define FORMATS_MODEL_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/dtype.h"
#include "base/tick.h"

enum { TENSOR_DIMS_MAX = 8 }; /* a 3-D convolution has 5; GGUF itself stops at 4 */

/* dims are row-major, outermost first, as in PyTorch: a Linear weight is [out, in], its rows contiguous. (GGUF stores
 * them reversed; its reader turns them round.) n_dims 0 is a scalar. Unused dims are 1. A dim of 0 occurs in
 * safetensors only (an empty tensor: bytes 0, data not to be read). */
struct tensor {
    const char *name;
    enum dtype type;
    int n_dims;
    uint64_t dims[TENSOR_DIMS_MAX];
    const void *data; /* not aligned in general: blocks of 18 or 34 bytes never are */
    size_t bytes;
};

/* One metadata value as GGUF types it. Other formats that have typed metadata use the same. */
enum meta_type {
    META_U8, META_I8, META_U16, META_I16, META_U32, META_I32, META_F32, META_BOOL, META_STRING, META_ARRAY, META_U64,
    META_I64, META_F64 /* in GGUF's numbering */
};

struct meta_string {
    const char *data; /* not NUL-terminated, may hold any bytes */
    uint64_t len;
};

struct meta {
    const char *key; /* NUL-terminated */
    enum meta_type type;
    union {
        uint64_t u; /* U8..U64, BOOL */
        int64_t i;  /* I8..I64 */
        double f;   /* F32, F64 */
        struct meta_string string;
        struct {
            enum meta_type type; /* of the items; arrays of arrays are refused */
            uint64_t n;
            const void *data;                  /* packed little-endian items, not aligned; NULL for strings */
            const struct meta_string *strings; /* for strings */
        } array;
    };
};

/* Item i < n of an array of numbers or bools, whatever its width. Of an array of strings: 0. */
int64_t meta_item_i64(const struct meta *m, uint64_t i); /* floats cut to whole numbers; a U64 above INT64_MAX: that */
double meta_item_f64(const struct meta *m, uint64_t i);
const char *meta_type_name(enum meta_type t); /* "u32", "string", ... */

struct model_file;

/* Recognises the format from contents (names only break ties) and opens it. Gives *out to the caller. */
int model_file_open(struct model_file **out, const char *path, struct err *err);
void model_file_close(struct model_file *f); /* NULL is fine */

/* As model_file_open for the bytes of one file, borrowed until close; `name` stands for its path in messages. */
int model_file_open_bytes(struct model_file **out, const void *bytes, size_t size, const char *name, struct err *err);

const char *model_file_format(const struct model_file *f); /* "gguf", "safetensors", "pytorch", "llama2c"; "tokenizer": no weights */
const char *model_file_path(const struct model_file *f);   /* as given to open, resolved to the file or folder used */
const char *model_file_dir(const struct model_file *f);    /* the folder of config.json, tokenizer.json and their like */
uint64_t model_file_bytes(const struct model_file *f);     /* sum of all weight files */
/* The weight files in order (for safetensors by name); a folder without weights has none. */
size_t model_file_n_files(const struct model_file *f);
const char *model_file_file_at(const struct model_file *f, size_t i);
/* SHA-256 in hex of what the weights are: of the one file (as `sha256sum` and the hub print it), or of the lines
 * "HEX  NAME\n" of several in order (as `sha256sum FILE... | sha256sum` in their folder). Reads every byte, and ticks in bytes. */
int model_file_sha256(const struct model_file *f, char hex[65], tick_fn tick, void *arg, struct err *err);

size_t model_file_n_tensors(const struct model_file *f);
const struct tensor *model_file_tensor_at(const struct model_file *f, size_t i);
const struct tensor *model_file_tensor(const struct model_file *f, const char *name); /* NULL if there is none */

/* GGUF's typed metadata. NULL if the key is not there or the format has none. */
const struct meta *model_file_meta(const struct model_file *f, const char *key);
size_t model_file_n_metas(const struct model_file *f);
const struct meta *model_file_meta_at(const struct model_file *f, size_t i);

/* Typed readers: 1 found, 0 absent (*out untouched), -1 and err when it has another type or does not fit. */
int model_file_meta_u64(const struct model_file *f, const char *key, uint64_t *out, struct err *err);
int model_file_meta_f64(const struct model_file *f, const char *key, double *out, struct err *err);
int model_file_meta_bool(const struct model_file *f, const char *key, bool *out, struct err *err);
int model_file_meta_str(const struct model_file *f, const char *key, struct meta_string *out, struct err *err);

/* A Hugging Face folder's config.json and generation_config.json as read (borrowed), or NULL. For llama2.c checkpoints
 * a config equivalent to its header is made up in the same vocabulary, so that models/ needs one reader less; its tensors
 * carry transformers' names, and "rope_interleave": true says that q and k rotate neighbouring pairs (as llama2.c and
 * Meta's own checkpoints do) instead of halves. */
const json_t *model_file_config(const struct model_file *f);
const json_t *model_file_generation_config(const struct model_file *f);

/* Checks what open leaves alone because it would touch every page: NaN or infinite scales and weights, unnormal block
 * contents. Names tensor and row of the first finding. Ticks in bytes of tensors. */
int model_file_verify(const struct model_file *f, tick_fn tick, void *arg, struct err *err);

/* ---- for the formats themselves (their side of the table is table.h) ------------------------------------------- */

struct format {
    const char *name;
    const char *what; /* for help texts: "GGUF v2/v3, also split" */
    /* MUST. How sure: 0 not mine, 1 by name, 2 by contents. Reads a few bytes of the file at `data`; touches nothing
     * else. */
    int (*probe)(const uint8_t *data, size_t size, const char *path);
    /* MUST. Fills the table from the file that was mapped first, adding the further files of a split model. */
    int (*read)(struct model_file *f, struct err *err);
};

#endif
