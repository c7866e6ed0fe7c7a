/* added.h - tokens that are found in the text before any model sees it: special ones and those a user added.
 *
 * The rules are those of HF tokenizers: leftmost, then longest; tokens that are not `normalized` are looked for in the raw
 * text, the others in what the normalizer made of it; lstrip and rstrip take the space around with them; single_word
 * wants no letter or digit on either side.
 */
#ifndef TOKENIZERS_ADDED_H
#define TOKENIZERS_ADDED_H

#include "tokenizers/vocab.h"

struct added_token {
    const char *text; /* borrowed: what is looked for */
    uint32_t len;
    int32_t id;
    bool special, lstrip, rstrip, single_word;
};

struct added_set {
    struct added_token *tokens;
    size_t n, cap;
    int32_t *slots; /* index + 1 by hash of the text */
    size_t n_slots;
    uint32_t *lengths; /* distinct lengths by first byte, longest first */
    uint32_t first[257]; /* lengths[first[b] .. first[b + 1]) */
};

struct added_match {
    size_t from, to; /* with the space that it takes */
    const struct added_token *token;
};

int added_set_add(struct added_set *s, const struct added_token *t, struct err *err);
/* After the last addition. */
int added_set_build(struct added_set *s, struct err *err);
/* The first at or after `at`: false if there is none. `edge` is where the text not yet taken begins. */
bool added_set_find(const struct added_set *s, const char *text, size_t len, size_t at, size_t edge, bool with_special,
                    struct added_match *m, size_t *resume);
void added_set_release(struct added_set *s);

#endif
