/* chat_formats.h - the rows behind chat.h: one known chat template each. */
#ifndef TOKENIZERS_CHAT_FORMATS_H
#define TOKENIZERS_CHAT_FORMATS_H

#include "tokenizers/chat.h"

/* What a row's function writes with. */
struct chat_writer {
    struct chat_text *out;
    const struct chat_style *style;
    const char *bos, *eos; /* as the vocabulary writes them; "" where it has none */
    const struct chat_message *messages;
    size_t n;
    bool reply;
    struct err *err;
};

struct chat_format {
    const char *name;
    /* What a template of this kind has in it and what it must not have, each list ended by NULL. They are compared with
     * the template's text without its comments and the white space outside strings; strings stand in ' and have \n for a
     * line's end. */
    const char *const *has, *const *lacks;
    const char *end; /* the token that ends an answer; NULL: the model's end of text */
    bool bos;        /* where the format is forced: the text begins with BOS */
    int (*render)(struct chat_writer *w);
};

/* As chat_render, with BOS and EOS as the vocabulary writes them. */
int chat_render_with(struct chat_text *out, const struct chat_style *s, const char *bos, const char *eos,
                     const struct chat_message *m, size_t n, bool reply, struct err *err);

extern const struct chat_format chat_formats[];
extern const size_t chat_n_formats;

#endif
