/* pipeline.h - what stands around the model: normalizers, pre-tokenizers, decoders, as lists of primitive steps.
 *
 * tokenizer.json names some twenty components; each becomes one or more of the few steps here (ByteLevel, say, is a space
 * in front, a split, and a mapping of bytes). A step is immutable; what it works on is the caller's.
 */
#ifndef TOKENIZERS_PIPELINE_H
#define TOKENIZERS_PIPELINE_H

#include "base/arena.h"
#include "base/buf.h"
#include "tokenizers/scan.h"
#include "tokenizers/span.h"
#include "tokenizers/unicode.h"

struct text {
    const char *data;
    size_t len;
};

struct charsmap;

enum norm_kind {
    NORM_FORM,          /* `form` */
    NORM_LOWERCASE,
    NORM_STRIP,         /* white space `left`, `right` */
    NORM_STRIP_ACCENTS, /* combining marks */
    NORM_REPLACE,       /* every match of `scanner`, or of the literal `what`, by `with` */
    NORM_PREPEND,       /* `with` in front of text that is not empty */
    NORM_MAP_BYTES,     /* bytes to their printable stand-ins */
    NORM_CHARSMAP,      /* SentencePiece's precompiled map */
    NORM_SPACES,        /* SentencePiece: runs of spaces become one, none at the ends; `what` counts as
                         * one at the end */
};

struct norm_step {
    enum norm_kind kind;
    enum normal_form form;
    bool left, right;
    struct text what, with;
    struct scanner *scanner; /* owned */
    struct charsmap *map;    /* owned */
};

enum pre_kind {
    PRE_PREFIX,    /* `with` in front of every span (only of the text's first one: `first`) that does not begin with it */
    PRE_REPLACE,   /* the literal `what` by `with` */
    PRE_SPLIT,     /* by `scanner`, the literal `what`, or runs/characters of `mask` */
    PRE_MAP_BYTES,
};

enum split_behaviour { SPLIT_REMOVED, SPLIT_ISOLATED, SPLIT_CONTIGUOUS, SPLIT_WITH_PREVIOUS, SPLIT_WITH_NEXT };

struct pre_step {
    enum pre_kind kind;
    enum split_behaviour behaviour;
    bool invert, first;
    bool words;    /* PRE_SPLIT: \w+|[^\w\s]+ */
    uint32_t mask; /* PRE_SPLIT: each character with one of these bits */
    struct text what, with;
    struct scanner *scanner; /* owned */
};

enum decode_kind {
    DECODE_BYTES,         /* printable stand-ins to bytes */
    DECODE_REPLACE,       /* `what` (or matches of `scanner`) by `with` in every piece */
    DECODE_FIRST_SPACE,   /* Metaspace: every `what` becomes a space, in the first piece nothing if `start` */
    DECODE_BYTE_FALLBACK, /* <0xXX> to bytes, runs that are not UTF-8 to U+FFFD */
    DECODE_FUSE,          /* all pieces become one */
    DECODE_STRIP,         /* up to `start` times `what` in front of every piece, `stop` times behind */
    DECODE_SUFFIX,        /* BPEDecoder: `what` becomes a space, in the last piece nothing */
    DECODE_WORDPIECE,     /* `what` in front joins; else a space goes between */
    DECODE_JOIN,          /* no decoder: spaces between pieces */
};

struct decode_step {
    enum decode_kind kind;
    size_t start, stop;
    bool cleanup;
    struct text what, with;
    struct scanner *scanner; /* owned */
};

/* The text of one segment on its way through the pre-tokenizers; zero it first. */
struct spans {
    struct span *items;
    size_t n, cap;
    struct span *spare;
    size_t spare_cap;
    struct piece_match *matches;
    size_t n_matches, matches_cap;
    struct buf text[2]; /* rewritten text, in turn */
    int turn;
    struct scan_state scan;
};

/* Appends `s` normalized by all steps. */
int normalize(const struct norm_step *steps, size_t n, const char *s, size_t len, struct buf *out, struct scan_state *scan,
              struct err *err);
/* Cuts `s` into spans; *text is what they refer to (s itself or a rewritten text). `at_start`: s begins the input. */
int pre_tokenize(const struct pre_step *steps, size_t n, const char *s, size_t len, bool at_start, struct spans *spans,
                 const char **text, struct err *err);
void spans_release(struct spans *s);

/* Turns pieces (offsets into *text) into text, appended to out. */
int decode_pieces(const struct decode_step *steps, size_t n, struct buf *text, struct span *pieces, size_t n_pieces,
                  struct buf *out, struct err *err);

void norm_step_release(struct norm_step *s);
void pre_step_release(struct pre_step *s);
void decode_step_release(struct decode_step *s);

/* One step on one piece, the first of a text or one in its middle: for streaming. Not for the steps that join pieces. */
int decode_middle(const struct decode_step *step, const char *s, size_t len, bool first, struct buf *out, struct err *err);
/* Printable stand-ins to bytes; a piece with any other character stays as it is. */
void decode_bytes(const char *s, size_t len, struct buf *out);

/* <0xXX>: the byte, or -1. */
int byte_token(const char *s, size_t len);

#endif
