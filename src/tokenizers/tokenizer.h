/* tokenizer.h - bytes to ids and back.
 *
 *     struct tokenizer *t;
 *     TRY(tokenizer_open(&t, "models/teacher", err));
 *     struct ids ids = {0};
 *     TRY(tokenizer_encode(t, text, len, TOKENIZE_SPECIAL, &ids, err));
 *     ...
 *     ids_release(&ids);
 *     tokenizer_close(t);
 *
 * Invariants. A tokenizer is immutable after opening and may be used by several threads at once. Text is any bytes,
 * zeros included; what is not UTF-8 is treated as the reference (the HF tokenizers library) treats it after a lossy
 * decode, or byte by byte where the vocabulary has bytes (docs/TOKENIZERS.md says which). Ids are those of the model.
 */
#ifndef TOKENIZERS_TOKENIZER_H
#define TOKENIZERS_TOKENIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "formats/model_file.h"
#include "tokenizers/span.h"

struct ids {
    int32_t *data;
    size_t n, cap;
};

int ids_add(struct ids *ids, int32_t id, struct err *err);
void ids_release(struct ids *ids);

enum tokenize_flags {
    TOKENIZE_PLAIN = 0,
    TOKENIZE_SPECIAL = 1, /* special tokens written out in the text ("<|eos|>") become their ids */
    TOKENIZE_BOS = 2,     /* what the model's own settings put around a text (BOS, EOS), if they do */
};

struct tokenizer;

/* A file (tokenizer.json, tokenizer.model, GGUF, tok512-style .bin), or a folder: tokenizer.json decides, then
 * tokenizer.model, then its one GGUF. */
int tokenizer_open(struct tokenizer **out, const char *path, struct err *err);
/* From a model that is open already; the file must outlive the tokenizer. */
int tokenizer_open_from(struct tokenizer **out, const struct model_file *f, struct err *err);
void tokenizer_close(struct tokenizer *t);

int tokenizer_encode(const struct tokenizer *t, const char *text, size_t len, unsigned flags, struct ids *out,
                     struct err *err);

/* As with TOKENIZE_SPECIAL, but what stands in one of `words` (in order, apart from each other) never becomes a special
 * token, nor a part of one. */
int tokenizer_encode_around(const struct tokenizer *t, const char *text, size_t len, const struct span *words,
                            size_t n_words, struct ids *out, struct err *err);

/* Appends the text of all ids. `special` shows special tokens, otherwise they are left out. An id outside the
 * vocabulary is ERR_INPUT. */
int tokenizer_decode(const struct tokenizer *t, const int32_t *ids, size_t n, bool special, struct buf *out,
                     struct err *err);

/* Streaming: what can be shown after one more token. Never emits half a character; detok_finish emits what is left. */
struct detok {
    const struct tokenizer *t;
    bool special, started;
    size_t n_pending;
    char pending[64];
};
void detok_init(struct detok *d, const struct tokenizer *t, bool special);
int detok_push(struct detok *d, int32_t id, struct buf *out, struct err *err);
void detok_finish(struct detok *d, struct buf *out);

size_t tokenizer_vocabulary(const struct tokenizer *t); /* ids are 0 .. n-1 */
const char *tokenizer_kind(const struct tokenizer *t);  /* "byte-level bpe", "sentencepiece bpe", "unigram" */
/* The raw bytes that one id stands for (as decoded in the middle of a text). */
int tokenizer_piece(const struct tokenizer *t, int32_t id, struct buf *out, struct err *err);
bool tokenizer_is_special(const struct tokenizer *t, int32_t id);
/* The id of a token given by its exact vocabulary entry ("<|eos|>"), or -1. */
int32_t tokenizer_lookup(const struct tokenizer *t, const char *entry);
int32_t tokenizer_bos(const struct tokenizer *t); /* -1: none */
int32_t tokenizer_eos(const struct tokenizer *t); /* -1: none */
/* The chat template's source text as the model ships it, or NULL. */
const char *tokenizer_chat_template(const struct tokenizer *t);

#endif
