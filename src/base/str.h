/* str.h - text helpers that the C library lacks. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

bool str_eq(const char *a, const char *b); /* NULL equals only NULL */
bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);

/* The whole of `s` must be a number in [lo, hi]; `what` names it in the error ("--threads", "'x.yaml':3:7: seed"). */
int str_to_int(int64_t *out, const char *s, int64_t lo, int64_t hi, const char *what, struct err *err);
int str_to_double(double *out, const char *s, double lo, double hi, const char *what, struct err *err);

/* The candidate nearest to `word` by edit distance (transpositions count one), or NULL when none is near enough to be
 * meant. Case does not matter. `name_of(candidates, i)` lets a caller search any table. */
const char *str_nearest(const char *word, const void *candidates, size_t n,
                        const char *(*name_of)(const void *candidates, size_t i));
/* The same over a plain array of strings. */
const char *str_nearest_of(const char *word, const char *const *candidates, size_t n);

/* Bytes of the valid UTF-8 character at `s` (1-4), or 0 when the bytes there are not one. RFC 3629: no surrogates, no
 * overlong forms, nothing above U+10FFFF. `cp`, if given, receives the code point. */
size_t utf8_decode(const char *s, size_t len, uint32_t *cp);
/* Writes the code point and returns its length (1-4); 0 for one that UTF-8 cannot carry. */
size_t utf8_encode(uint32_t cp, char out[4]);
/* The length of the longest prefix that ends on a character boundary: what follows may be the start of a character. */
size_t utf8_whole(const char *s, size_t len);
bool utf8_valid(const char *s, size_t len);
/* Does the environment promise a terminal that shows UTF-8? By the name of its locale. */
bool utf8_locale(void);

#endif
