#include "tokenizers/pipeline.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "tokenizers/bpe.h"
#include "tokenizers/charsmap.h"

enum { TEXT_MAX = 1 << 30 };

struct piece_match {
    size_t from, to;
    bool match;
};

/* ---- normalizers ------------------------------------------------------------------------------------------------ */

static const char *find_literal(const char *s, size_t len, struct text what)
{
    return what.len && what.len <= len ? memmem(s, len, what.data, what.len) : NULL;
}

static void replace_literal(const char *s, size_t len, struct text what, struct text with, struct buf *out)
{
    const char *end = s + len, *hit;
    while ((hit = find_literal(s, (size_t)(end - s), what))) {
        buf_add(out, s, (size_t)(hit - s));
        buf_add(out, with.data, with.len);
        s = hit + what.len;
    }
    buf_add(out, s, (size_t)(end - s));
}

static int replace_matches(const struct scanner *sc, struct scan_state *st, const char *s, size_t len, struct text with,
                           struct buf *out, struct err *err)
{
    size_t at = 0, from, to;
    int rc;
    while ((rc = scanner_find(sc, st, s, len, at, &from, &to, err)) > 0) {
        buf_add(out, s + at, from - at);
        buf_add(out, with.data, with.len);
        at = to;
    }
    buf_add(out, s + at, len - at);
    return rc;
}

static void strip(bool left, bool right, const char *s, size_t len, struct buf *out)
{
    uint32_t cp;
    size_t n;
    while (left && len && (n = utf8_next(s, &cp)) && (unicode_bits(cp) & UC_SPACE)) {
        s += n;
        len -= n;
    }
    while (right && len) {
        size_t back = len - 1;
        while (back > 0 && ((unsigned char)s[back] & 0xC0) == 0x80)
            back--;
        utf8_next(s + back, &cp);
        if (!(unicode_bits(cp) & UC_SPACE))
            break;
        len = back;
    }
    buf_add(out, s, len);
}

static void map_bytes(const char *s, size_t len, struct buf *out)
{
    for (size_t i = 0; i < len; i++) {
        char text[4];
        buf_add(out, text, utf8_encode(byte_char((unsigned char)s[i]), text));
    }
}

/* SentencePiece writes spaces as ▁ before it cuts those at the end, so that ▁ of the text itself go with them. */
static void squeeze_spaces(const char *s, size_t len, struct text mark, struct buf *out)
{
    while (len > 0 && (s[len - 1] == ' ' ||
                       (mark.len && len >= mark.len && memcmp(s + len - mark.len, mark.data, mark.len) == 0)))
        len -= s[len - 1] == ' ' ? 1 : mark.len;
    bool pending = false, any = false;
    for (size_t i = 0; i < len; i++) {
        if (s[i] == ' ') {
            pending = any;
            continue;
        }
        if (pending)
            buf_char(out, ' ');
        pending = false;
        any = true;
        buf_char(out, s[i]);
    }
}

static int apply(const struct norm_step *step, const char *s, size_t len, struct buf *out, struct scan_state *scan,
                 struct err *err)
{
    switch (step->kind) {
    case NORM_FORM:
        return unicode_normalize(step->form, s, len, out, err);
    case NORM_LOWERCASE:
        unicode_lowercase(s, len, out);
        break;
    case NORM_STRIP:
        strip(step->left, step->right, s, len, out);
        break;
    case NORM_STRIP_ACCENTS:
        for (size_t i = 0, n; i < len; i += n) {
            uint32_t cp;
            n = utf8_next(s + i, &cp);
            if (!unicode_is_accent(cp))
                buf_add(out, s + i, n);
        }
        break;
    case NORM_REPLACE:
        if (step->scanner)
            TRY(replace_matches(step->scanner, scan, s, len, step->with, out, err));
        else
            replace_literal(s, len, step->what, step->with, out);
        break;
    case NORM_PREPEND:
        if (len)
            buf_add(out, step->with.data, step->with.len);
        buf_add(out, s, len);
        break;
    case NORM_MAP_BYTES:
        map_bytes(s, len, out);
        break;
    case NORM_CHARSMAP:
        charsmap_apply(step->map, s, len, out);
        break;
    case NORM_SPACES:
        squeeze_spaces(s, len, step->what, out);
        break;
    }
    return buf_check(out, err);
}

int normalize(const struct norm_step *steps, size_t n, const char *s, size_t len, struct buf *out, struct scan_state *scan,
              struct err *err)
{
    struct buf turn[2] = {BUF_INIT(TEXT_MAX), BUF_INIT(TEXT_MAX)};
    int rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++) {
        struct buf *to = i + 1 == n ? out : &turn[i % 2];
        buf_clear(to);
        rc = apply(&steps[i], s, len, to, scan, err);
        s = to->data ? to->data : "";
        len = to->len;
    }
    if (n == 0) {
        buf_clear(out);
        buf_add(out, s, len);
        rc = buf_check(out, err);
    }
    buf_release(&turn[0]);
    buf_release(&turn[1]);
    return rc;
}

/* ---- pre-tokenizers --------------------------------------------------------------------------------------------- */

static int add_match(struct spans *s, size_t from, size_t to, bool match, struct err *err)
{
    if (from == to)
        return 0;
    TRY(mem_grow(&s->matches, &s->matches_cap, s->n_matches, sizeof *s->matches, err));
    s->matches[s->n_matches++] = (struct piece_match){from, to, match};
    return 0;
}

/* The next match of a step that needs no scanner. */
static bool find_simple(const struct pre_step *step, const char *s, size_t len, size_t at, size_t *from, size_t *to)
{
    uint32_t cp, bits;
    if (!step->mask && !step->words) {
        const char *hit = find_literal(s + at, len - at, step->what);
        if (!hit)
            return false;
        *from = (size_t)(hit - s);
        *to = *from + step->what.len;
        return true;
    }
    for (size_t n; at < len; at += n) {
        n = utf8_next(s + at, &cp);
        bits = unicode_bits(cp);
        if (step->mask ? !(bits & step->mask) : (bits & UC_SPACE) != 0)
            continue;
        *from = at;
        *to = at + n;
        uint32_t want = bits & UC_WORD;
        while (step->words && *to < len) {
            n = utf8_next(s + *to, &cp);
            bits = unicode_bits(cp);
            if ((bits & UC_WORD) != want || (!want && (bits & UC_SPACE)))
                break;
            *to += n;
        }
        return true;
    }
    return false;
}

static int add_span(struct spans *s, size_t from, size_t to, struct err *err)
{
    if (from == to)
        return 0;
    TRY(mem_grow(&s->items, &s->cap, s->n, sizeof *s->items, err));
    s->items[s->n++] = (struct span){from, to};
    return 0;
}

/* Joins matches and what is between them as the behaviour says. */
static int add_pieces(const struct pre_step *step, struct spans *s, struct err *err)
{
    struct piece_match *m = s->matches;
    size_t n = s->n_matches, first = s->n;
    bool previous = false;
    switch (step->behaviour) {
    case SPLIT_REMOVED:
    case SPLIT_ISOLATED:
        for (size_t i = 0; i < n; i++)
            if (!m[i].match || step->behaviour == SPLIT_ISOLATED)
                TRY(add_span(s, m[i].from, m[i].to, err));
        break;
    case SPLIT_CONTIGUOUS:
        for (size_t i = 0; i < n; previous = m[i++].match)
            if (i > 0 && m[i].match == previous)
                s->items[s->n - 1].to = m[i].to;
            else
                TRY(add_span(s, m[i].from, m[i].to, err));
        break;
    case SPLIT_WITH_PREVIOUS:
        for (size_t i = 0; i < n; previous = m[i++].match)
            if (m[i].match && !previous && s->n > first)
                s->items[s->n - 1].to = m[i].to;
            else
                TRY(add_span(s, m[i].from, m[i].to, err));
        break;
    case SPLIT_WITH_NEXT:
        for (size_t i = n; i-- > 0; previous = m[i].match)
            if (m[i].match && !previous && i + 1 < n)
                m[i + 1].from = m[i].from, m[i].to = m[i].from;
        /* a match joined to what follows is empty now; several in a row join only the last */
        for (size_t i = 0; i < n; i++)
            TRY(add_span(s, m[i].from, m[i].to, err));
        break;
    }
    return 0;
}

static int split_span(const struct pre_step *step, struct spans *s, const char *text, struct span span, struct err *err)
{
    const char *base = text + span.from;
    size_t len = span.to - span.from, at = 0, from = 0, to = 0;
    int rc;
    s->n_matches = 0;
    while (at < len && (rc = step->scanner ? scanner_find(step->scanner, &s->scan, base, len, at, &from, &to, err)
                                           : find_simple(step, base, len, at, &from, &to)) != 0) {
        if (rc < 0)
            return -1;
        TRY(add_match(s, span.from + at, span.from + from, step->invert, err));
        TRY(add_match(s, span.from + from, span.from + to, !step->invert, err));
        at = to;
    }
    TRY(add_match(s, span.from + at, span.to, step->invert, err));
    return add_pieces(step, s, err);
}

static int pre_apply(const struct pre_step *step, struct spans *s, const char **text, bool at_start, struct err *err)
{
    struct span *old = s->items;
    size_t n = s->n, old_cap = s->cap;
    s->items = s->spare;
    s->cap = s->spare_cap;
    s->spare = old;
    s->spare_cap = old_cap;
    s->n = 0;
    struct buf *to = &s->text[s->turn];
    if (step->kind != PRE_SPLIT) {
        if (!to->max)
            buf_init(to, TEXT_MAX);
        buf_clear(to);
        s->turn = !s->turn;
    }
    for (size_t i = 0; i < n; i++) {
        const char *p = *text + old[i].from;
        size_t len = old[i].to - old[i].from, from = to->len;
        switch (step->kind) {
        case PRE_SPLIT:
            TRY(split_span(step, s, *text, old[i], err));
            continue;
        case PRE_PREFIX:
            if ((!step->first || (at_start && old[i].from == 0)) &&
                (len < step->with.len || memcmp(p, step->with.data, step->with.len) != 0))
                buf_add(to, step->with.data, step->with.len);
            buf_add(to, p, len);
            break;
        case PRE_REPLACE:
            replace_literal(p, len, step->what, step->with, to);
            break;
        case PRE_MAP_BYTES:
            map_bytes(p, len, to);
            break;
        }
        TRY(add_span(s, from, to->len, err));
    }
    if (step->kind != PRE_SPLIT) {
        TRY(buf_check(to, err));
        *text = to->data ? to->data : "";
    }
    return 0;
}

int pre_tokenize(const struct pre_step *steps, size_t n, const char *s, size_t len, bool at_start, struct spans *spans,
                 const char **text, struct err *err)
{
    spans->n = 0;
    *text = s;
    TRY(add_span(spans, 0, len, err));
    for (size_t i = 0; i < n; i++)
        TRY(pre_apply(&steps[i], spans, text, at_start, err));
    return 0;
}

void spans_release(struct spans *s)
{
    free(s->items);
    free(s->spare);
    free(s->matches);
    buf_release(&s->text[0]);
    buf_release(&s->text[1]);
    scan_state_release(&s->scan);
    *s = (struct spans){0};
}

/* ---- decoders --------------------------------------------------------------------------------------------------- */

int byte_token(const char *s, size_t len)
{
    if (len != 6 || memcmp(s, "<0x", 3) != 0 || s[5] != '>')
        return -1;
    int v = 0;
    for (int i = 3; i < 5; i++) {
        char c = s[i];
        int d = c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (d < 0)
            return -1;
        v = v * 16 + d;
    }
    return v;
}

/* Stand-ins to bytes; a piece with any other character stays as it is. */
void decode_bytes(const char *s, size_t len, struct buf *out)
{
    size_t start = out->len;
    for (size_t i = 0; i < len;) {
        uint32_t cp;
        size_t n = utf8_decode(s + i, len - i, &cp);
        int byte = n ? char_byte(cp) : -1;
        if (byte < 0) {
            if (!out->failed)
                out->len = start;
            buf_add(out, s, len);
            return;
        }
        buf_char(out, (char)byte);
        i += n;
    }
}

static void fall_back(const char *text, const struct span *p, size_t n, struct buf *out)
{
    char bytes[64];
    size_t start = out->len;
    for (size_t i = 0; i < n; i++) {
        bytes[0] = (char)byte_token(text + p[i].from, p[i].to - p[i].from);
        buf_add(out, bytes, 1);
    }
    if (out->failed || utf8_valid(out->data + start, out->len - start))
        return;
    out->len = start;
    for (size_t i = 0; i < n; i++)
        buf_str(out, "\xEF\xBF\xBD");
}

static void clean_up(struct buf *out, size_t from)
{
    static const char *const pairs[][2] = {{" .", "."},     {" ?", "?"},       {" !", "!"},     {" ,", ","},
                                           {" ' ", "'"},    {" n't", "n't"},   {" 'm", "'m"},   {" do not", " don't"},
                                           {" 's", "'s"},   {" 've", "'ve"},   {" 're", "'re"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs && !out->failed; i++) {
        struct buf copy = BUF_INIT(TEXT_MAX);
        replace_literal(out->data + from, out->len - from, (struct text){pairs[i][0], strlen(pairs[i][0])},
                        (struct text){pairs[i][1], strlen(pairs[i][1])}, &copy);
        out->len = from;
        if (copy.data)
            buf_add(out, copy.data, copy.len);
        out->failed = out->failed || copy.failed;
        buf_release(&copy);
    }
}

static int decode_one(const struct decode_step *step, struct scan_state *scan, const char *s, size_t len, size_t i,
                      size_t n, struct buf *out, struct err *err)
{
    static const struct text space = {" ", 1}, nothing = {"", 0};
    size_t start = out->len;
    switch (step->kind) {
    case DECODE_BYTES:
        decode_bytes(s, len, out);
        break;
    case DECODE_REPLACE:
        if (step->scanner)
            return replace_matches(step->scanner, scan, s, len, step->with, out, err);
        replace_literal(s, len, step->what, step->with, out);
        break;
    case DECODE_FIRST_SPACE:
        replace_literal(s, len, step->what, i == 0 && step->start ? nothing : space, out);
        break;
    case DECODE_STRIP:
        for (size_t k = 0; k < step->start && len >= step->what.len && step->what.len &&
                           memcmp(s, step->what.data, step->what.len) == 0; k++) {
            s += step->what.len;
            len -= step->what.len;
        }
        for (size_t k = 0; k < step->stop && len >= step->what.len && step->what.len &&
                           memcmp(s + len - step->what.len, step->what.data, step->what.len) == 0; k++)
            len -= step->what.len;
        buf_add(out, s, len);
        break;
    case DECODE_SUFFIX:
        replace_literal(s, len, step->what, i + 1 == n ? nothing : space, out);
        break;
    case DECODE_WORDPIECE:
        if (i > 0 && len >= step->what.len && memcmp(s, step->what.data, step->what.len) == 0) {
            s += step->what.len;
            len -= step->what.len;
        } else if (i > 0) {
            buf_char(out, ' ');
        }
        buf_add(out, s, len);
        if (step->cleanup)
            clean_up(out, start);
        break;
    case DECODE_JOIN:
        if (i > 0)
            buf_char(out, ' ');
        buf_add(out, s, len);
        break;
    case DECODE_FUSE:
        buf_add(out, s, len);
        break;
    case DECODE_BYTE_FALLBACK:
        break;
    }
    return 0;
}

static int decode_step(const struct decode_step *step, struct scan_state *scan, const char *text, struct span *p, size_t *n,
                       struct buf *out, struct err *err)
{
    size_t kept = 0;
    for (size_t i = 0; i < *n;) {
        size_t start = out->len, run = i;
        if (step->kind == DECODE_BYTE_FALLBACK) {
            while (run < *n && byte_token(text + p[run].from, p[run].to - p[run].from) >= 0)
                run++;
            if (run > i)
                fall_back(text, p + i, run - i, out);
            else
                buf_add(out, text + p[i].from, p[i].to - p[i].from);
        } else {
            TRY(decode_one(step, scan, text + p[i].from, p[i].to - p[i].from, i, *n, out, err));
        }
        i = run > i ? run : i + 1;
        p[kept++] = (struct span){start, out->len};
    }
    /* What the bytes of several tokens make together becomes text here, as in the reference. */
    if (step->kind == DECODE_FUSE || step->kind == DECODE_BYTES) {
        p[0] = (struct span){0, out->len};
        kept = *n > 0;
    }
    *n = kept;
    return buf_check(out, err);
}

int decode_pieces(const struct decode_step *steps, size_t n, struct buf *text, struct span *pieces, size_t n_pieces,
                  struct buf *out, struct err *err)
{
    struct buf next = BUF_INIT(TEXT_MAX);
    struct scan_state scan = {0};
    int rc = 0;
    for (size_t i = 0; i < n && n_pieces && rc == 0; i++) {
        buf_clear(&next);
        rc = decode_step(&steps[i], &scan, text->data ? text->data : "", pieces, &n_pieces, &next, err);
        struct buf swap = *text;
        *text = next;
        next = swap;
        if (rc == 0 && steps[i].kind == DECODE_BYTES && text->len && !utf8_valid(text->data, text->len)) {
            buf_clear(&next);
            utf8_lossy(text->data, text->len, &next);
            rc = buf_check(&next, err);
            swap = *text;
            *text = next;
            next = swap;
            pieces[0] = (struct span){0, text->len};
        }
    }
    for (size_t i = 0; i < n_pieces && rc == 0; i++)
        if (pieces[i].to > pieces[i].from)
            buf_add(out, text->data + pieces[i].from, pieces[i].to - pieces[i].from);
    buf_release(&next);
    scan_state_release(&scan);
    return rc < 0 ? -1 : buf_check(out, err);
}

int decode_middle(const struct decode_step *step, const char *s, size_t len, bool first, struct buf *out, struct err *err)
{
    struct scan_state scan = {0};
    int rc = decode_one(step, &scan, s, len, first ? 0 : 1, SIZE_MAX, out, err);
    scan_state_release(&scan);
    return rc;
}

void norm_step_release(struct norm_step *s)
{
    scanner_free(s->scanner);
    charsmap_free(s->map);
}

void pre_step_release(struct pre_step *s)
{
    scanner_free(s->scanner);
}

void decode_step_release(struct decode_step *s)
{
    scanner_free(s->scanner);
}
