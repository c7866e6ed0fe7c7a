/* bpe.h - byte-pair encoding of one word: merge the neighbours of lowest rank, leftmost first, until none is left.
 *
 * One core serves three kinds of vocabulary:
 *   ranked   a table of merges (GPT-2 and its kin, tokenizer.json): rank is the place in the list
 *   bytes    the same over raw bytes, a vocabulary whose texts are GPT-2's printable stand-ins for bytes
 *   scored   SentencePiece: any two neighbours whose joined text is a piece may merge, highest score first
 *
 * Words up to a few dozen symbols are merged by scanning, longer ones with a heap: n log n, so that a megabyte without a
 * space is slow for nobody. Words of one call are remembered with their ids (struct bpe_scratch): text repeats itself.
 *
 * SentencePiece and Gemma have no pre-tokenizer: a whole text is one word. Where no piece that a merge can make holds a
 * space (▁) behind something else, nothing ever merges across such a place, and the word is cut there first, exactly.
 */
#ifndef TOKENIZERS_BPE_H
#define TOKENIZERS_BPE_H

#include "tokenizers/tokenizer.h"
#include "tokenizers/vocab.h"

struct merge {
    uint32_t left, right; /* left UINT32_MAX: free slot */
    uint32_t rank;
    int32_t id;
};

struct bpe {
    const struct vocab *vocab; /* borrowed */
    bool bytes;                /* words are raw bytes */
    bool scored;
    bool ignore_merges; /* a word that is a token is that token */
    bool byte_fallback, fuse_unk;
    int32_t unk;           /* -1: characters without a token are dropped */
    int32_t byte_ids[256]; /* `bytes`: the token of each byte; else of <0xXX>; -1: none */
    const char *prefix, *suffix; /* continuing_subword_prefix, end_of_word_suffix; NULL: none */
    uint32_t *ranks;             /* scored: by id, UINT32_MAX: never merged to */
    bool *frozen;                /* scored: by id: a piece that the user defined, matched first; NULL: there is none */
    struct merge *merges;
    size_t n_merges, n_slots; /* slots are a power of two */
    const char *cut; /* a word may be cut before this, where something else stands before it; NULL: nowhere */
};

/* Zero it first; one a thread. */
struct bpe_scratch {
    struct symbol *symbols;
    struct heap_entry *heap;
    size_t symbols_cap, heap_cap, heap_n;
    struct cached *slots; /* words seen, open addressing */
    size_t n_slots, n_used;
    struct buf words;
    struct ids ids;
    struct buf mapped;
};

/* Fills byte_ids from the vocabulary. */
void bpe_find_bytes(struct bpe *b);
int bpe_reserve_merges(struct bpe *b, size_t n, struct err *err);
/* The merge of two tokens into a third; a pair given twice keeps its last rank. */
int bpe_add_merge(struct bpe *b, int32_t left, int32_t right, int32_t id, uint32_t rank, struct err *err);
/* "left right" as two texts, their joined text being in the vocabulary: else ERR_INPUT naming them. */
int bpe_add_merge_texts(struct bpe *b, const char *left, size_t left_len, const char *right, size_t right_len,
                        uint32_t rank, struct err *err);
/* Ranks from scores, one a piece: equal scores rank alike. `mergeable[id]` false: never the result of a merge. */
int bpe_rank_scores(struct bpe *b, const float *scores, const bool *mergeable, struct err *err);
/* Finds `cut`, once all else is there. */
void bpe_find_cut(struct bpe *b);
void bpe_release(struct bpe *b);

int bpe_encode(const struct bpe *b, struct bpe_scratch *s, const char *word, size_t len, struct ids *out, struct err *err);
void bpe_scratch_release(struct bpe_scratch *s);

/* GPT-2's stand-in for a byte: a printable code point, and back (-1: stands for none). */
uint32_t byte_char(unsigned char byte);
int char_byte(uint32_t cp);

#endif
