/* unigram.h - the segmentation of greatest summed score (Viterbi), as SentencePiece's unigram model.
 *
 * Kudo 2018, "Subword Regularization". A character that no piece covers costs the lowest score less 10 and becomes the
 * unknown token (a run of them once) or, with byte fallback, its bytes.
 */
#ifndef TOKENIZERS_UNIGRAM_H
#define TOKENIZERS_UNIGRAM_H

#include "tokenizers/tokenizer.h"
#include "tokenizers/vocab.h"

struct unigram {
    const struct vocab *vocab; /* borrowed */
    double *scores;            /* by id */
    uint32_t *sorted;          /* ids by text, those that text can become */
    size_t n_sorted;
    bool single; /* sums in float, as SentencePiece itself; else in double, as HF tokenizers: ties fall differently */
    double min_score;
    int32_t unk; /* -1: none */
    bool byte_fallback;
    int32_t byte_ids[256];
};

struct unigram_scratch {
    struct unigram_node *nodes;
    size_t cap;
    struct ids ids; /* of one call, back to front */
};

/* Takes `scores` (one a piece of the vocabulary; NaN: text never becomes that piece), which is to free(). */
int unigram_build(struct unigram *u, double *scores, struct err *err);
void unigram_release(struct unigram *u);
int unigram_encode(const struct unigram *u, struct unigram_scratch *s, const char *text, size_t len, struct ids *out,
                   struct err *err);
void unigram_scratch_release(struct unigram_scratch *s);

#endif
