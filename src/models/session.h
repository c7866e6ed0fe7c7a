/* session.h - one mutable timeline of a model, owned by one thread.
 *
 * One entry point does prefill, decode, batched decode, scoring and tree verification:
 *
 *     struct row rows[] = {{.seq = 0, .pos = 0, .token = 1, .parent = ROW_NONE, .want = ROW_LOGITS}};
 *     TRY(session_forward(s, rows, 1, err));
 *     const float *logits = session_logits(s, 0);          // borrowed until the next forward
 *
 * A row is (sequence, position, token, parent, what is wanted). It sees the committed KV of its sequence at positions
 * below its own root, and its ancestors among the new rows. ROW_CHAIN as parent means "the row before me in this call if
 * it has my sequence, else the committed past": a prompt is n rows with ROW_CHAIN. After a forward the rows' KV stays
 * as the tail of their sequence if they form a chain; a tree stays pending until session_commit keeps one path of it.
 */
#ifndef MODELS_SESSION_H
#define MODELS_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "models/model.h"
#include "models/observe.h"

enum { ROW_CHAIN = -1, ROW_NONE = -2 };
enum row_want { ROW_LOGITS = 1, ROW_HIDDEN = 2 };

struct row {
    int32_t seq;    /* 0 .. sequences-1 */
    int32_t pos;    /* position in the sequence: its length plus the row's depth */
    int32_t token;
    int32_t parent; /* index of a row of this call, ROW_CHAIN or ROW_NONE (child of the committed past) */
    uint32_t want;  /* enum row_want flags */
};

struct session_options {
    const char *variant;   /* "ref" or "fast"; NULL: fast where it is built, else ref */
    int context;           /* positions a sequence; 0: the model's own limit. More than that only with rotary positions */
    int sequences;         /* 0: 1 */
    int threads;           /* 0: the processors this process may use */
    const char *kv;        /* type of the KV cache, NULL: f32 for ref, f16 for fast */
    bool bf16;             /* --math bf16: F16 and F32 weights rounded to bfloat16, for speed; ref ignores it */
    bool row_invariant;    /* the same bits for a row in any company (fast; with ref that is always so) */
    const struct session_observer *observer; /* told how long each operation took; borrowed; NULL: none */
};

struct session;

int session_open(struct session **out, const struct model *m, const struct session_options *o, struct err *err);
void session_close(struct session *s);

/* Rows may belong to several sequences. Refused without any change: a position that does not follow, a token outside the
 * vocabulary, more rows than the context holds (both numbers named). */
int session_forward(struct session *s, const struct row *rows, size_t n, struct err *err);

const float *session_logits(const struct session *s, size_t row); /* [vocabulary]; NULL if not wanted */
/* Hidden states of a row after each layer: [layers + 1][hidden], 0 = embeddings, last = after the final norm. */
const float *session_hidden(const struct session *s, size_t row);

int session_length(const struct session *s, int32_t seq);
/* Keeps of the last forward's tree the path that ends in row `leaf` (an index of that call); the rest is forgotten. */
int session_commit(struct session *s, size_t leaf, struct err *err);
/* Forgets everything at and after `length` of a sequence. */
int session_rollback(struct session *s, int32_t seq, int length, struct err *err);
/* Makes sequence `to` a copy of the first `length` positions of `from`. */
int session_copy(struct session *s, int32_t from, int32_t to, int length, struct err *err);

/* "ref" or "fast": what the variant asked for turned out to be. */
const char *session_variant(const struct session *s);
int session_context(const struct session *s);
enum dtype session_kv_type(const struct session *s);

/* Bytes of memory by kind; weights are the mapped file's, of which only touched pages are resident. */
struct session_memory {
    uint64_t weights, model, kv, scratch, logits;
};
void session_memory(const struct session *s, struct session_memory *out);
uint64_t session_kv_bytes(const struct session *s);

#endif
