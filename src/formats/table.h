/* table.h - the table behind a model_file, for the readers of formats/ only.
 *
 * A reader maps files (table_map), walks their headers with a cursor, and adds tensors and metadata. table_finish then
 * sorts the names and refuses duplicates. Names handed in must live as long as the table: copy them into its arena.
 * Memory is proportional to the headers: a reader checks a count against the bytes left before it allocates for it.
 */
#ifndef FORMATS_TABLE_H
#define FORMATS_TABLE_H

#include "base/arena.h"
#include "base/file.h"
#include "formats/model_file.h"

struct source {
    struct file_map map;
    bool borrowed; /* bytes of the caller: not unmapped */
};

struct named {
    const char *name;
    size_t i;
};

struct model_file {
    const struct format *format;
    char *path, *dir;
    struct arena arena; /* names, tables of strings */
    struct source *sources;
    size_t n_sources, cap_sources;
    struct tensor *tensors;
    size_t n_tensors, cap_tensors;
    struct meta *metas;
    size_t n_metas, cap_metas;
    struct named *tensor_names, *meta_names; /* sorted */
    json_t *config, *generation_config;
};

/* Maps one more file: its index in `sources`, or -1. */
int table_map(struct model_file *f, const char *path, struct err *err);

/* Room for one more, zeroed; NULL and err on failure. Pointers move with the next addition. */
struct tensor *table_add_tensor(struct model_file *f, struct err *err);
struct meta *table_add_meta(struct model_file *f, struct err *err);

/* Bytes that the tensor's type and dims ask for, into t->bytes: checks whole blocks and overflow, and names the tensor. */
int tensor_set_bytes(struct tensor *t, const char *path, struct err *err);

/* -1 and err when two of the tensors [from, n) share a byte. Empty tensors share none. */
int table_check_overlap(const struct model_file *f, size_t from, const char *path, struct err *err);

int table_finish(struct model_file *f, struct err *err);

/* Reads DIR/config.json and DIR/generation_config.json where they are there. */
int table_read_configs(struct model_file *f, const char *dir, struct err *err);

/* A JSON object from a file of at most `max` bytes; duplicate keys are refused. Gives a reference; NULL and err. */
json_t *read_json_object(const char *path, size_t max, struct err *err);

/* A name from a file, fit for a message: cut to 80 bytes, what is not plain text as '?'. */
struct shown {
    char text[84];
};
struct shown shown(const char *name, size_t len);

/* safetensors.c for a folder: adds the tensors of source `i`. With a map, a tensor that it gives to another file than
 * `file` is left out. */
int safetensors_add(struct model_file *f, size_t i, const json_t *weight_map, const char *file, struct err *err);

/* torch_file.c: the same for a PyTorch file. */
int pytorch_add(struct model_file *f, size_t i, const json_t *weight_map, const char *file, struct err *err);

/* folder.c: weights and configs of a Hugging Face folder. */
int folder_read(struct model_file *f, struct err *err);

extern const struct format format_safetensors, format_pytorch, format_tokenizer;

#endif
