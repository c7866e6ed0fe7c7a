/* charsmap.h - SentencePiece's precompiled map: longest prefixes of the text to what replaces them.
 *
 * The blob: u32 bytes of a trie; the trie, a Darts double array of u32 units; then the replacements, each ended by NUL.
 */
#ifndef TOKENIZERS_CHARSMAP_H
#define TOKENIZERS_CHARSMAP_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

struct charsmap;

/* Copies the blob. Gives *out to the caller. */
int charsmap_new(struct charsmap **out, const char *blob, size_t len, struct err *err);
void charsmap_free(struct charsmap *m); /* NULL is fine */
/* Appends valid UTF-8 with every longest mapped prefix replaced. */
void charsmap_apply(const struct charsmap *m, const char *s, size_t len, struct buf *out);

#endif
