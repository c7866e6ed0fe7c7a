/* scan.h - cutting text into words as the regular expressions of known tokenizers do, by hand.
 *
 * A scanner is made from the text of a regular expression. Those of the model families are recognised by their exact text,
 * simple ones (one class, repeated) by their shape; anything else goes to PCRE2, whose Unicode tables are older (14.0 in
 * PCRE2 10.42), so that a few rare letters can be cut differently there: docs/TOKENIZERS.md.
 *
 * Text given to a scanner is valid UTF-8. Patterns mean what they mean to Oniguruma's Ruby syntax ($ is the end of a line).
 */
#ifndef TOKENIZERS_SCAN_H
#define TOKENIZERS_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct scanner;

/* Gives *out to the caller. A pattern that PCRE2 does not take is ERR_UNSUPPORTED. */
int scanner_new(struct scanner **out, const char *regex, size_t len, struct err *err);
void scanner_free(struct scanner *s); /* NULL is fine */

/* The regular expression that it was made from. */
const char *scanner_regex(const struct scanner *s, size_t *len);
bool scanner_is_fallback(const struct scanner *s); /* PCRE2 */
/* Whether every character is part of a match: there are no gaps. */
bool scanner_covers(const struct scanner *s);

/* What one thread needs while it scans with PCRE2; zero it first. */
struct scan_state {
    void *match_data, *context;
};
void scan_state_release(struct scan_state *st);

/* The first match of at least one byte at or after `at`: 1 and [*from, *to), 0 when there is none, -1 and err. */
int scanner_find(const struct scanner *s, struct scan_state *st, const char *text, size_t len, size_t at, size_t *from,
                 size_t *to, struct err *err);

/* For a scanner that covers: the end of the match that begins at `at` < len. */
size_t scanner_end(const struct scanner *s, const char *text, size_t len, size_t at);

/* The regular expressions of the families, as tokenizer.json has them. */
extern const char SCAN_GPT2[], SCAN_LLAMA3[], SCAN_QWEN2[], SCAN_QWEN35[], SCAN_GPT4O[], SCAN_TEKKEN[], SCAN_DEEPSEEK3[],
    SCAN_DEEPSEEK_LETTERS[], SCAN_DEEPSEEK_PUNCTUATION[], SCAN_DEEPSEEK_CJK[];

#endif
