/* parts.h - what a tokenizer consists of: for the loaders, which fill it, and tokenizer.c, which runs it. */
#ifndef TOKENIZERS_PARTS_H
#define TOKENIZERS_PARTS_H

#include "base/arena.h"
#include "base/file.h"
#include "tokenizers/added.h"
#include "tokenizers/bpe.h"
#include "tokenizers/pipeline.h"
#include "tokenizers/tokenizer.h"
#include "tokenizers/unigram.h"
#include "tokenizers/vocab.h"

enum { STEPS_MAX = 32 };

struct tokenizer {
    const char *kind;
    struct vocab vocab;
    bool is_unigram;
    struct bpe bpe;
    struct unigram unigram;

    struct added_set raw, normalized; /* looked for before and after the normalizer */
    bool *special;                    /* by id */
    size_t n_special;                 /* ids that `special` covers */

    struct norm_step norms[STEPS_MAX];
    struct pre_step pres[STEPS_MAX];
    struct decode_step decodes[STEPS_MAX];
    size_t n_norms, n_pres, n_decodes;

    struct ids before, behind; /* what the settings put around a text */
    int32_t bos, eos;
    const char *chat_template;

    struct arena arena; /* strings of all of the above */
    struct file_map map; /* the file that the vocabulary's texts lie in */
    struct model_file *file; /* the same for GGUF, owned; NULL when it is the caller's */
};

/* Marks the id as special (growing `special`). */
int tokenizer_mark_special(struct tokenizer *t, int32_t id, struct err *err);

/* A kind of tokenizer file: a row of list.h. */
struct vocabulary {
    const char *name;
    /* MUST. Whether a file of this name and beginning is of the kind. The last row takes what nobody else does. */
    bool (*probe)(const char *path, const char *bytes, size_t len);
    /* MUST. Fills a zeroed tokenizer; `bytes` outlive it. `name` stands for the file in messages. */
    int (*load)(struct tokenizer *t, const char *bytes, size_t len, const char *name, struct err *err);
    bool has_settings; /* tokenizer_config.json and its like beside it count */
};

int load_gguf_vocabulary(struct tokenizer *t, const struct model_file *f, struct err *err);

/* As tokenizer_open of a file of the kind with these bytes (borrowed). For tests and fuzzing. */
int tokenizer_open_bytes(struct tokenizer **out, const char *kind, const char *bytes, size_t len, struct err *err);

/* tokenizer_config.json and its like beside tokenizer.json: BOS, EOS, chat template. Absent files are fine. */
int load_folder_settings(struct tokenizer *t, const char *dir, struct err *err);

/* Steps that several loaders add. -1 when there are too many. */
int add_norm(struct tokenizer *t, struct norm_step step, struct err *err);
int add_pre(struct tokenizer *t, struct pre_step step, struct err *err);
int add_decode(struct tokenizer *t, struct decode_step step, struct err *err);
/* A pre-tokenizer step that splits by a regular expression. */
int add_split(struct tokenizer *t, const char *regex, size_t len, enum split_behaviour behaviour, bool invert,
              struct err *err);
struct text text_of(const char *s); /* of a literal */

#endif
