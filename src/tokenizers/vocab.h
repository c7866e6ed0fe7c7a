/* vocab.h - the pieces of a vocabulary by id, and ids by piece.
 *
 * Invariants. Texts are borrowed (from a mapped file or from `strings`) and live as long as the vocabulary. Ids may have
 * holes (text NULL). When two ids have the same text, vocab_find gives the one that was put last.
 */
#ifndef TOKENIZERS_VOCAB_H
#define TOKENIZERS_VOCAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

enum { VOCAB_MAX = 1 << 22 }; /* ids; the largest vocabulary in use has 2^18 */

struct piece {
    const char *text; /* not NUL-terminated; NULL: no such id */
    uint32_t len;
};

struct vocab_slot {
    uint32_t hash;
    int32_t id1; /* id + 1; 0: free */
};

struct vocab {
    struct piece *pieces;
    size_t n, cap; /* ids are 0 .. n-1 */
    struct vocab_slot *slots;
    size_t n_slots, n_used; /* n_slots is a power of two, or 0 */
    size_t longest;         /* bytes of the longest piece */
    struct arena strings;   /* for texts that lie nowhere else */
};

#define VOCAB_INIT {.strings = ARENA_INIT((size_t)1 << 30)}

/* Room for n pieces at once: filling is faster then. */
int vocab_reserve(struct vocab *v, size_t n, struct err *err);
/* Borrows `text`. An id that is taken or outside 0 .. VOCAB_MAX-1 is ERR_INPUT. */
int vocab_put(struct vocab *v, int64_t id, const char *text, size_t len, struct err *err);
/* The id of exactly this text, or -1. */
int32_t vocab_find(const struct vocab *v, const char *text, size_t len);
void vocab_release(struct vocab *v);

uint32_t hash_bytes(const char *s, size_t len);

#endif
