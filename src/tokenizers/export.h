/* export.h - a tokenizer as something to write into another file.
 *
 *     struct vocabulary_table v;
 *     TRY(vocabulary_table(&v, tokenizer, err));
 *     ... v.pieces[i], v.types[i], v.merges ...
 *     vocabulary_table_release(&v);
 *
 * What GGUF and tokenizer.json say of a vocabulary in different words is said here once: made from the tokenizer as it runs, so
 * that what is written cuts a text as what was read. A tokenizer that GGUF has no words for is a named error.
 */
#ifndef TOKENIZERS_EXPORT_H
#define TOKENIZERS_EXPORT_H

#include "tokenizers/pieces.h"

struct token_pair {
    int32_t left, right;
};

struct vocabulary_table {
    bool scored;                /* SentencePiece's: GGUF's "llama"; else byte-level: "gpt2" */
    size_t n;
    const struct piece *pieces; /* [n] spaces as ▁ if scored; text NULL: no such id */
    uint8_t *types;             /* [n] enum piece_type */
    float *scores;              /* [n] if scored, else NULL: minus the place in the order of merging */
    struct token_pair *merges;  /* in their order */
    size_t n_merges;
    char pre[32];               /* GGUF's name for how text is cut; "" if scored */
    int32_t bos, eos, unk;      /* -1: none */
    bool add_bos, add_eos, space_prefix;
    const char *chat_template;  /* or NULL */
    struct piece *own;          /* where the tokenizer's own have plain spaces (llama2.c) */
    struct arena strings;
};

int vocabulary_table(struct vocabulary_table *out, const struct tokenizer *t, struct err *err);
void vocabulary_table_release(struct vocabulary_table *v);

/* The same tokenizer as a tokenizer.json that the HF tokenizers library reads. */
int tokenizer_write_json(struct buf *out, const struct tokenizer *t, struct err *err);

/* gguf_vocab.c: the name under which GGUF knows how this tokenizer cuts text before its model sees it; false: none. */
bool gguf_pre_name(char out[32], const struct tokenizer *t);

#endif
