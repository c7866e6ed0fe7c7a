/* token_map.h - from what a server says of a token to the id that the reference tokenizer gives it.
 *
 *     struct token_map *m;
 *     TRY(token_map_open(&m, tokenizer, err));             // the tokenizer is borrowed
 *     int32_t id;
 *     switch (token_map_text(m, "\u0120the", 5, &id)) ...
 *
 * Servers name tokens by id ("token_id:123"), by their bytes, by their text, or by the vocabulary's own spelling of it
 * ("\u0120the", "\u2581the", "<0x0A>"). Different tokens may have the same text: then the lowest id is given and said to
 * be ambiguous. A text that no token has (half a character that became U+FFFD, two tokens at once) is not guessed.
 */
#ifndef ENGINES_TOKEN_MAP_H
#define ENGINES_TOKEN_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "tokenizers/tokenizer.h"

enum token_match { TOKEN_SURE, TOKEN_AMBIGUOUS, TOKEN_UNKNOWN };

struct token_map;
int token_map_open(struct token_map **out, const struct tokenizer *t, struct err *err);
void token_map_close(struct token_map *m); /* NULL is fine */

/* The token with exactly these bytes. *id is -1 where none has. */
enum token_match token_map_bytes(const struct token_map *m, const char *bytes, size_t len, int32_t *id);
/* Any of the ways above: an id in words, the vocabulary's spelling, the bytes; a text without the space that the
 * vocabulary puts before a word counts where nothing else fits. */
enum token_match token_map_text(const struct token_map *m, const char *text, size_t len, int32_t *id);

#endif
