#include "tokenizers/chat.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "tokenizers/chat_formats.h"
#include "tokenizers/parts.h"

enum { TEMPLATE_MAX = 1 << 20 };

/* ---- which ------------------------------------------------------------------------------------------------------- */

/* Two authors write the same template with other quotes, spaces, comments and line ends. White space outside tags does
 * count in a template; a known one that differs from another in that alone has not been met. */
static void squeeze(struct buf *out, const char *template)
{
    bool in_tag = false;
    char quote = 0;
    for (const char *p = template; *p; p++) {
        bool space = *p == ' ' || *p == '\t' || *p == '\r' || *p == '\n';
        if (quote && *p == quote) {
            buf_char(out, '\'');
            quote = 0;
        } else if (quote && *p == '\\' && p[1]) {
            buf_add(out, p++, 2);
        } else if (quote) {
            buf_str(out, *p == '\n' ? "\\n" : (char[]){*p, '\0'});
        } else if (!in_tag && p[0] == '{' && p[1] == '#') {
            const char *end = strstr(p, "#}");
            p = end ? end + 1 : p + strlen(p) - 1;
        } else if (in_tag && (*p == '\'' || *p == '"')) {
            quote = *p;
            buf_char(out, '\'');
        } else if (!space) {
            if (*p == '{' && (p[1] == '{' || p[1] == '%'))
                in_tag = true;
            if ((*p == '}' || *p == '%') && p[1] == '}')
                in_tag = false;
            buf_char(out, *p);
        }
    }
}

static bool fits(const struct chat_format *f, const char *squeezed)
{
    if (!f->has)
        return false;
    for (const char *const *mark = f->has; *mark; mark++)
        if (!strstr(squeezed, *mark))
            return false;
    for (const char *const *mark = f->lacks; mark && *mark; mark++)
        if (strstr(squeezed, *mark))
            return false;
    return true;
}

/* ChatML templates differ in what they say when nobody gave a system message: that text stands in them. False when it is
 * there and cannot be read off. */
static bool read_default_system(struct chat_style *s, const char *template)
{
    static const char begin[] = "<|im_start|>system", end[] = "<|im_end|>";
    s->system[0] = '\0';
    for (const char *p = template; (p = strstr(p, begin)); p += strlen(begin)) {
        const char *from = p + strlen(begin), *to;
        if (*from == '\n')
            from += 1;
        else if (from[0] == '\\' && from[1] == 'n')
            from += 2;
        else
            return false;
        if (*from == '\'' || *from == '"')
            continue; /* an expression follows: the given one */
        to = strstr(from, end);
        size_t len = to ? (size_t)(to - from) : sizeof s->system;
        if (len >= sizeof s->system || memchr(from, '\\', len) || memchr(from, '{', len))
            return false;
        memcpy(s->system, from, len);
        s->system[len] = '\0';
    }
    return true;
}

int chat_style_recognise(struct chat_style *out, const char *template)
{
    struct buf text = BUF_INIT(TEMPLATE_MAX);
    const struct chat_format *found = NULL;
    squeeze(&text, template);
    for (size_t i = 0; i < chat_n_formats && !found && !text.failed && text.data; i++)
        if (fits(&chat_formats[i], text.data))
            found = &chat_formats[i];
    *out = (struct chat_style){.format = found};
    if (found) {
        out->bos = strstr(text.data, "bos_token") != NULL;
        if (found->end && strcmp(found->end, "<|im_end|>") == 0 && !read_default_system(out, template))
            found = NULL;
    }
    buf_release(&text);
    return found != NULL;
}

int chat_style_choose(struct chat_style *out, const struct tokenizer *t, const char *forced, struct err *err)
{
    if (forced) {
        for (size_t i = 0; i < chat_n_formats; i++) {
            if (strcmp(chat_formats[i].name, forced) == 0) {
                *out = (struct chat_style){.format = &chat_formats[i], .bos = chat_formats[i].bos};
                return 0;
            }
        }
        return err_set(err, ERR_USAGE, "'%s' is no chat template that prony knows: " CHAT_FORMATS, forced);
    }
    if (!t->chat_template) {
        err_set(err, ERR_UNSUPPORTED, "the model has no chat template: it may not have been made to answer");
        return err_hint(err, "force one with --chat-template (" CHAT_FORMATS "), or continue a text with 'prony generate'");
    }
    if (chat_style_recognise(out, t->chat_template))
        return 0;
    err_set(err, ERR_UNSUPPORTED, "the model's chat template is none that prony knows");
    return err_hint(err, "force one with --chat-template: " CHAT_FORMATS);
}

const char *chat_style_name(const struct chat_style *s)
{
    return s->format->name;
}

int32_t chat_style_end(const struct chat_style *s, const struct tokenizer *t, const char **text)
{
    *text = s->format->end;
    return s->format->end ? tokenizer_lookup(t, s->format->end) : t->eos;
}

/* ---- text and ids ------------------------------------------------------------------------------------------------ */

void chat_text_release(struct chat_text *t)
{
    buf_release(&t->text);
    free(t->words);
    t->words = NULL;
    t->n_words = t->cap = 0;
}

static char *entry(const struct tokenizer *t, int32_t id, struct err *err)
{
    bool there = id >= 0 && (size_t)id < t->vocab.n && t->vocab.pieces[id].text;
    return mem_strndup(there ? t->vocab.pieces[id].text : "", there ? t->vocab.pieces[id].len : 0, err);
}

int chat_render_with(struct chat_text *out, const struct chat_style *s, const char *bos, const char *eos,
                     const struct chat_message *m, size_t n, bool reply, struct err *err)
{
    struct chat_writer w = {.out = out, .style = s, .bos = bos, .eos = eos, .messages = m, .n = n, .reply = reply, .err = err};
    buf_clear(&out->text);
    out->n_words = 0;
    for (size_t i = 0; i < n; i++)
        if (!utf8_valid(m[i].text, m[i].len))
            return err_set(err, ERR_INPUT, "message %zu is not UTF-8", i + 1);
    TRY(s->format->render(&w));
    return buf_check(&out->text, err);
}

int chat_render(struct chat_text *out, const struct chat_style *s, const struct tokenizer *t, const struct chat_message *m,
                size_t n, bool reply, struct err *err)
{
    char *bos = entry(t, t->bos, err), *eos = bos ? entry(t, t->eos, err) : NULL;
    int rc = eos ? chat_render_with(out, s, bos, eos, m, n, reply, err) : -1;
    free(bos);
    free(eos);
    return rc;
}

int chat_encode(const struct tokenizer *t, const struct chat_text *text, struct ids *out, struct err *err)
{
    return tokenizer_encode_around(t, text->text.data ? text->text.data : "", text->text.len, text->words, text->n_words,
                                   out, err);
}
