/* pieces.h - what GGUF and SentencePiece vocabularies have in common: typed, scored pieces. */
#ifndef TOKENIZERS_PIECES_H
#define TOKENIZERS_PIECES_H

#include "tokenizers/parts.h"

enum piece_type { PIECE_NORMAL = 1, PIECE_UNKNOWN, PIECE_CONTROL, PIECE_USER_DEFINED, PIECE_UNUSED, PIECE_BYTE };

struct sentencepiece {
    bool is_unigram, byte_fallback;
    bool dummy_prefix, squeeze;      /* a space in front; runs of spaces become one */
    bool literal_spaces;             /* pieces have spaces instead of ▁ (llama2.c) */
    bool freeze;                     /* user-defined pieces are symbols of the model, not tokens found in the raw text */
    const char *charsmap;            /* borrowed blob, NULL: none */
    size_t charsmap_len;
    const float *scores;             /* by id, borrowed */
    const uint8_t *types;            /* by id, borrowed */
};

/* Makes model, steps and added tokens for the pieces that the vocabulary has already. t->bpe.unk is set by the caller. */
int build_sentencepiece(struct tokenizer *t, const struct sentencepiece *sp, int32_t unk, struct err *err);

/* Tokens of type CONTROL and UNKNOWN (special) and USER_DEFINED (unless `controls_only`) are looked for in the raw text. */
int add_typed_tokens(struct tokenizer *t, const uint8_t *types, bool controls_only, struct err *err);

#endif
