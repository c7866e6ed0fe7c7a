/* chat.h - a conversation becomes the text, and the ids, that a model was trained to answer.
 *
 *     struct chat_style style;
 *     struct chat_text text = CHAT_TEXT_INIT;
 *     TRY(chat_style_choose(&style, tokenizer, "llama-3", err));      // NULL: told from the model's own template
 *     TRY(chat_render(&text, &style, tokenizer, messages, n, true, err));
 *     TRY(chat_encode(tokenizer, &text, &ids, err));
 *     chat_text_release(&text);
 *
 * A chat template is a program in a language of its own. Prony does not run it: it recognises the known ones by what
 * stands in them and has each one's meaning as a C function in chat_formats.c, equal to the template byte for byte. An
 * unknown one is an error, never a guess.
 *
 * Invariants. Messages are UTF-8. What a message says stays text: "<|end|>" typed by a user becomes letters, not the token that ends his turn.
 */
#ifndef TOKENIZERS_CHAT_H
#define TOKENIZERS_CHAT_H

#include "tokenizers/tokenizer.h"

enum chat_role { CHAT_SYSTEM, CHAT_USER, CHAT_ASSISTANT };

struct chat_message {
    enum chat_role role;
    const char *text;
    size_t len;
};

/* The text, and where in it stand the messages' own words. */
struct chat_text {
    struct buf text;
    struct span *words;
    size_t n_words, cap;
};
#define CHAT_TEXT_INIT {.text = BUF_INIT(1 << 30), .words = NULL, .n_words = 0, .cap = 0}
void chat_text_release(struct chat_text *t);

struct chat_format;

/* A format as one model uses it. */
struct chat_style {
    const struct chat_format *format;
    bool bos;            /* the text begins with the BOS token, where the format leaves that open */
    char system[256];    /* what stands for a system message that is not given; "": nothing */
};

/* The format named `forced`; NULL: the one that the model's own template means. An unknown name, a template that is not
 * known, and a model without one are errors that list the names. */
int chat_style_choose(struct chat_style *out, const struct tokenizer *t, const char *forced, struct err *err);
/* As a template's text means it: 1, or 0 when it is not known. */
int chat_style_recognise(struct chat_style *out, const char *template);

const char *chat_style_name(const struct chat_style *s);
/* The names of all rows, for switches and messages. */
#define CHAT_FORMATS                                                                                                    \
    "prony,llama-2,llama-3,llama-3.1,chatml,qwen3,mistral-v0,mistral-v1,mistral-v3,mistral-tekken,mistral-v7,gemma,"   \
    "gemma-3,phi-3,phi-3-first,phi-3-small,zephyr,none"
/* The token that ends an answer. -1: the vocabulary has none, and `*text` (NULL: nothing) is how it is written out. */
int32_t chat_style_end(const struct chat_style *s, const struct tokenizer *t, const char **text);

/* Replaces what `out` held. `reply`: ends where an answer begins. What the template refuses (two questions in a row,
 * a system message where it knows none) is ERR_INPUT. */
int chat_render(struct chat_text *out, const struct chat_style *s, const struct tokenizer *t, const struct chat_message *m,
                size_t n, bool reply, struct err *err);
int chat_encode(const struct tokenizer *t, const struct chat_text *text, struct ids *out, struct err *err);

#endif
