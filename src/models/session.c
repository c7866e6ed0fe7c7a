/* session.c - sequences, their KV cache, and the one forward.
 *
 * Each sequence has `context` slots for keys and values in each layer. The committed past fills slots 0 .. length-1, slot =
 * position. The rows of a call take the slots behind it in the order of the call; for a chain that is their position, and
 * they are committed at once. For a tree, commit moves the slots of one path together.
 *
 * A call is worked off in pieces of at most PIECE rows, layer by layer, so that scratch memory does not grow with the
 * prompt. A later piece sees the keys and values of an earlier one in their slots, so pieces change nothing.
 */
#include "models/session.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/team.h"
#include "models/arch.h"

enum { PIECE = 256, SEQUENCES_MAX = 4096 };

struct sequence {
    int length;    /* committed positions */
    int pending;   /* rows of a tree that waits for commit */
    int in_call;   /* rows of the call being checked */
    int32_t last;  /* its last row of that call, -1: none */
    bool chain;    /* whether they form a chain so far */
    int longest;   /* last position of the call + 1 */
};

/* What is remembered of a row of the last call. */
struct placed {
    int32_t seq, pos, slot, parent;   /* parent: a row of the call, or -1: the committed past */
    int32_t to, more_at, n_more;      /* it sees slots [.., to), then more[more_at ..] */
    int64_t logits, hidden;           /* where its results are, -1: not wanted */
    bool gone;                        /* committed away or rolled back */
};

struct session {
    const struct model *model;
    const struct backend *backend;
    void *state;
    const struct session_observer *observer;
    int context, n_sequences;
    struct sequence *sequences;

    char *kv;
    size_t kv_stride, kv_span;
    enum dtype kv_type;

    struct call {
        struct placed *rows;
        size_t n, cap;
        int32_t *more;
        size_t n_more, cap_more;
    } calls[2], *last, *next; /* a call is placed in `next`: one that is refused leaves the last as it was */

    float *logits, *hidden;
    size_t cap_logits, cap_hidden; /* rows */

    /* scratch of a piece */
    float *x, *h, *q, *k, *v, *att, *gate, *up, *picked, *normed, *projected, *cos_sin, *cos_sin_local, *frequencies;
    float *kept, *down, *routed, *outlier_x, *outlier_y;
    int32_t *tokens, *pos, *seqs, *slots, *choice;
    struct attention_row *seen, *seen_window;
    size_t scratch_bytes;
};

static void *scratch(struct session *s, size_t n, size_t size, struct err *err)
{
    void *p = mem_alloc_aligned(n ? n : 1, size, 64, err);
    s->scratch_bytes += p ? n * size : 0;
    return p;
}

/* The widest row inside an MLP. */
static size_t inner_width(const struct model_config *c)
{
    return (size_t)(c->intermediate > c->expert_intermediate ? c->intermediate : c->expert_intermediate);
}

static int alloc_scratch(struct session *s, struct err *err)
{
    const struct model_config *c = &s->model->config;
    size_t n = PIECE, hidden = (size_t)c->hidden, embedding = (size_t)c->embedding;
    size_t wide = hidden > embedding ? hidden : embedding, q = (size_t)c->heads * (size_t)c->head_dim;
    size_t kv = (size_t)c->kv_heads * (size_t)c->head_dim, ffn = inner_width(c), pairs = (size_t)c->rope.dims / 2;
    struct {
        float **to;
        size_t width;
    } floats[] = {{&s->x, hidden}, {&s->h, wide}, {&s->q, q}, {&s->k, kv}, {&s->v, kv}, {&s->att, q}, {&s->gate, ffn},
                  {&s->up, ffn}, {&s->picked, hidden}, {&s->normed, hidden}, {&s->projected, embedding},
                  {&s->cos_sin, 2 * pairs}, {&s->cos_sin_local, c->rope_local.dims > 0 ? 2 * pairs : 0},
                  {&s->kept, c->parallel || c->experts > 0 ? hidden : 0}, {&s->down, c->experts > 0 ? hidden : 0},
                  {&s->routed, (size_t)c->experts}, {&s->outlier_x, s->model->most_outliers},
                  {&s->outlier_y, s->model->most_outputs}};
    for (size_t i = 0; i < sizeof floats / sizeof floats[0]; i++)
        if (!(*floats[i].to = scratch(s, n * floats[i].width, sizeof(float), err)))
            return -1;
    s->frequencies = scratch(s, pairs, sizeof(float), err);
    s->tokens = scratch(s, n, sizeof(int32_t), err);
    s->pos = scratch(s, n, sizeof(int32_t), err);
    s->seqs = scratch(s, n, sizeof(int32_t), err);
    s->slots = scratch(s, n, sizeof(int32_t), err);
    s->choice = scratch(s, n * (size_t)c->experts_used, sizeof(int32_t), err);
    s->seen = scratch(s, n, sizeof *s->seen, err);
    s->seen_window = scratch(s, n, sizeof *s->seen_window, err);
    return s->frequencies && s->tokens && s->pos && s->seqs && s->slots && s->choice && s->seen && s->seen_window ? 0 : -1;
}

static int alloc_kv(struct session *s, struct err *err)
{
    const struct model_config *c = &s->model->config;
    uint64_t spans = 2 * (uint64_t)c->layers * (uint64_t)s->n_sequences;
    size_t bytes;
    TRY(dtype_row_bytes(&s->kv_stride, s->kv_type, (uint64_t)c->kv_heads * (uint64_t)c->head_dim, err));
    if (__builtin_mul_overflow((size_t)s->context, s->kv_stride, &s->kv_span) ||
        __builtin_mul_overflow(s->kv_span, (size_t)spans, &bytes))
        return err_set(err, ERR_MEMORY, "a KV cache of %d positions is beyond any memory", s->context);
    /* untouched pages cost nothing: a long context is paid for as it fills */
    s->kv = mem_alloc_aligned(bytes, 1, 64, err);
    if (!s->kv) {
        err_context(err, "a KV cache of %d positions and %d sequence%s needs %" PRIu64 " MB", s->context, s->n_sequences,
                    s->n_sequences == 1 ? "" : "s", (uint64_t)bytes >> 20);
        return err_hint(err, "ask for a shorter context");
    }
    return 0;
}

static size_t widest(const struct model_config *c)
{
    size_t widths[] = {(size_t)c->hidden, (size_t)c->embedding, inner_width(c), (size_t)c->experts,
                       (size_t)c->heads * (size_t)c->head_dim};
    size_t most = 0;
    for (size_t i = 0; i < sizeof widths / sizeof widths[0]; i++)
        most = widths[i] > most ? widths[i] : most;
    return most;
}

static int session_init(struct session *s, const struct session_options *o, struct err *err)
{
    const struct model_config *c = &s->model->config;
    if (o->context < 0 || o->sequences < 0 || o->sequences > SEQUENCES_MAX || o->threads < 0)
        return err_set(err, ERR_USAGE, "a session of %d positions, %d sequences and %d threads makes no sense", o->context,
                       o->sequences, o->threads);
    if (c->positions > 0 && o->context > c->context)
        return err_set(err, ERR_USAGE, "a context of %d is longer than the %d positions that the model has learned", o->context,
                       c->context);
    TRY(backend_choose(&s->backend, o->variant, err));
    s->context = o->context > 0 ? o->context : c->context;
    s->n_sequences = o->sequences > 0 ? o->sequences : 1;
    s->observer = o->observer;
    s->kv_type = s->backend->kv;
    if (o->kv) {
        TRY(dtype_from_name(&s->kv_type, o->kv, err));
        if (!s->backend->has_kv(s->kv_type))
            return err_set(err, ERR_UNSUPPORTED, "a KV cache of '%s' is not one that native:%s has", o->kv, s->backend->name);
        if ((size_t)c->head_dim % dtype_block(s->kv_type) != 0)
            return err_set(err, ERR_UNSUPPORTED, "a KV cache of '%s' needs heads of whole blocks of %zu, these have %d", o->kv,
                           dtype_block(s->kv_type), c->head_dim);
    }
    s->sequences = mem_zalloc((size_t)s->n_sequences, sizeof *s->sequences, err);
    if (!s->sequences)
        return -1;
    TRY(alloc_scratch(s, err));
    TRY(alloc_kv(s, err));
    struct backend_needs needs = {
        .threads = o->threads > 0 ? o->threads : team_processors(), .rows = PIECE, .width = widest(c),
        .slots = (size_t)s->context, .heads = c->heads, .kv_heads = c->kv_heads, .head_dim = c->head_dim,
        .bf16 = o->bf16, .row_invariant = o->row_invariant,
    };
    return s->backend->open(&s->state, &needs, err);
}

int session_open(struct session **out, const struct model *m, const struct session_options *o, struct err *err)
{
    static const struct session_options none;
    struct session *s = mem_zalloc(1, sizeof *s, err);
    if (!s)
        return -1;
    s->model = m;
    s->last = &s->calls[0];
    s->next = &s->calls[1];
    if (session_init(s, o ? o : &none, err) < 0) {
        session_close(s);
        return -1;
    }
    *out = s;
    return 0;
}

void session_close(struct session *s)
{
    if (!s)
        return;
    if (s->backend)
        s->backend->close(s->state);
    void *owned[] = {s->sequences, s->kv, s->calls[0].rows, s->calls[0].more, s->calls[1].rows, s->calls[1].more, s->logits, s->hidden, s->x, s->h, s->q, s->k, s->v, s->att, s->gate,
                     s->up, s->picked, s->normed, s->projected, s->cos_sin, s->cos_sin_local, s->frequencies, s->kept, s->down, s->routed, s->outlier_x, s->outlier_y, s->choice, s->tokens, s->pos, s->seqs,
                     s->slots, s->seen, s->seen_window, s};
    for (size_t i = 0; i < sizeof owned / sizeof owned[0]; i++)
        free(owned[i]);
}

/* ---- placing the rows of a call ---------------------------------------------------------------------------------- */

/* Finds parent and slot of row i and checks it. */
static int place_row(struct session *s, const struct row *rows, size_t i, struct err *err)
{
    const struct row *row = &rows[i];
    struct placed *p = &s->next->rows[i];
    if (row->seq < 0 || row->seq >= s->n_sequences)
        return err_set(err, ERR_USAGE, "row %zu: sequence %d is not one of %d", i, row->seq, s->n_sequences);
    struct sequence *q = &s->sequences[row->seq];
    if (q->pending > 0)
        return err_set(err, ERR_USAGE, "row %zu: a tree of %d rows in sequence %d waits to be committed", i, q->pending,
                       row->seq);
    if (row->token < 0 || row->token >= s->model->config.vocabulary)
        return err_set(err, ERR_INPUT, "row %zu: token %d is not in the vocabulary of %d", i, row->token,
                       s->model->config.vocabulary);
    int32_t parent = row->parent;
    if (parent == ROW_CHAIN)
        parent = i > 0 && rows[i - 1].seq == row->seq ? (int32_t)(i - 1) : ROW_NONE;
    if (parent < ROW_NONE || parent >= (int32_t)i || (parent >= 0 && rows[parent].seq != row->seq))
        return err_set(err, ERR_USAGE, "row %zu: its parent %d is not an earlier row of the same sequence", i, row->parent);
    *p = (struct placed){.seq = row->seq, .pos = row->pos, .parent = parent < 0 ? -1 : parent,
                         .slot = q->length + q->in_call, .logits = -1, .hidden = -1};
    int32_t expected = parent < 0 ? q->length : s->next->rows[parent].pos + 1;
    if (row->pos != expected)
        return err_set(err, ERR_USAGE, "row %zu: position %d does not follow, expected %d", i, row->pos, expected);
    q->chain = q->chain && p->parent == q->last;
    q->last = (int32_t)i;
    q->in_call++;
    q->longest = row->pos + 1 > q->longest ? row->pos + 1 : q->longest;
    return 0;
}

/* What row i sees: its chain of slots as far as it is one, then single slots. */
static int place_sight(struct session *s, size_t i, struct err *err)
{
    struct placed *p = &s->next->rows[i], *up = p->parent < 0 ? NULL : &s->next->rows[p->parent];
    int length = s->sequences[p->seq].length;
    if (up ? up->n_more == 0 && up->slot + 1 == p->slot : p->slot == length) {
        p->to = p->slot + 1;
        return 0;
    }
    int32_t run = up ? up->to - length : 0; /* slots of ancestors that were a chain */
    p->to = length;
    p->more_at = (int32_t)s->next->n_more;
    p->n_more = 1 + (up ? run + up->n_more : 0);
    while (s->next->n_more + (size_t)p->n_more > s->next->cap_more) {
        size_t cap = s->next->cap_more ? 2 * s->next->cap_more : 1024;
        int32_t *grown = mem_realloc(s->next->more, cap, sizeof *grown, err);
        if (!grown)
            return -1;
        s->next->more = grown;
        s->next->cap_more = cap;
    }
    int32_t *to = s->next->more + s->next->n_more;
    for (int32_t j = 0; j < run; j++)
        *to++ = length + j;
    for (int32_t j = 0; up && j < up->n_more; j++)
        *to++ = s->next->more[up->more_at + j];
    *to = p->slot;
    s->next->n_more += (size_t)p->n_more;
    return 0;
}

static int grow_floats(float **p, size_t *cap, size_t n, size_t width, struct err *err)
{
    if (n <= *cap)
        return 0;
    size_t floats;
    if (__builtin_mul_overflow(n, width, &floats))
        return err_set(err, ERR_MEMORY, "results of %zu rows are beyond any memory", n);
    float *grown = mem_realloc(*p, floats, sizeof *grown, err);
    if (!grown)
        return -1;
    *p = grown;
    *cap = n;
    return 0;
}

static size_t hidden_width(const struct session *s)
{
    return ((size_t)s->model->config.layers + 1) * (size_t)s->model->config.hidden;
}

static int check_room(const struct session *s, struct err *err)
{
    for (int i = 0; i < s->n_sequences; i++) {
        const struct sequence *q = &s->sequences[i];
        if (q->length + q->in_call > s->context) {
            err_set(err, ERR_INPUT, "%d tokens are longer than the context of %d", q->length + q->in_call, s->context);
            return err_hint(err, "a shorter prompt, or a longer context where the model allows it");
        }
    }
    return 0;
}

/* Everything that can fail, before anything changes. */
static int place(struct session *s, const struct row *rows, size_t n, struct err *err)
{
    size_t n_logits = 0, n_hidden = 0;
    struct call *call = s->next;
    call->n_more = 0;
    if (n > (size_t)s->context * (size_t)s->n_sequences)
        return err_set(err, ERR_INPUT, "%zu tokens are longer than the context of %d", n, s->context);
    if (n > call->cap) {
        struct placed *grown = mem_realloc(call->rows, n, sizeof *grown, err);
        if (!grown)
            return -1;
        call->rows = grown;
        call->cap = n;
    }
    for (int i = 0; i < s->n_sequences; i++) {
        struct sequence *q = &s->sequences[i];
        q->in_call = q->longest = 0;
        q->last = -1;
        q->chain = true;
    }
    for (size_t i = 0; i < n; i++)
        TRY(place_row(s, rows, i, err));
    TRY(check_room(s, err));
    for (size_t i = 0; i < n; i++) {
        TRY(place_sight(s, i, err));
        s->next->rows[i].logits = rows[i].want & ROW_LOGITS ? (int64_t)n_logits++ : -1;
        s->next->rows[i].hidden = rows[i].want & ROW_HIDDEN ? (int64_t)n_hidden++ : -1;
    }
    TRY(grow_floats(&s->logits, &s->cap_logits, n_logits, (size_t)s->model->config.vocabulary, err));
    return grow_floats(&s->hidden, &s->cap_hidden, n_hidden, hidden_width(s), err);
}

/* ---- forward ----------------------------------------------------------------------------------------------------- */

static void fill_angles(struct session *s, float *cos_sin, const struct rope_config *rope, const float *divisors, size_t from,
                        size_t n)
{
    int pairs = rope->dims / 2, length = -1;
    float factor = 1;
    for (size_t i = 0; i < n; i++) {
        const struct placed *p = &s->last->rows[from + i];
        int longest = rope_depends_on_length(rope) ? s->sequences[p->seq].longest : 0;
        if (longest != length)
            factor = rope_frequencies(s->frequencies, rope, length = longest, divisors);
        rope_angles(cos_sin + i * 2 * (size_t)pairs, s->frequencies, pairs, p->pos, factor);
    }
}

static void keep_hidden(struct session *s, size_t from, size_t n, int index, const float *x)
{
    size_t hidden = (size_t)s->model->config.hidden;
    for (size_t i = 0; i < n; i++) {
        int64_t at = s->last->rows[from + i].hidden;
        if (at >= 0)
            memcpy(s->hidden + (size_t)at * hidden_width(s) + (size_t)index * hidden, x + i * hidden, hidden * sizeof *x);
    }
}

/* Final norm of the rows that someone wants, then the logits of those that want them. */
static void finish_rows(struct session *s, struct run *r, size_t from, size_t n)
{
    const struct model *m = s->model;
    const struct weights *w = &m->weights;
    size_t hidden = (size_t)m->config.hidden, vocabulary = (size_t)m->config.vocabulary, picked = 0;
    int64_t first = -1;
    for (size_t i = 0; i < n; i++) { /* rows wanting logits lie together in s->logits */
        const struct placed *p = &s->last->rows[from + i];
        if (p->logits < 0)
            continue;
        first = first < 0 ? p->logits : first;
        memcpy(s->picked + picked++ * hidden, r->x + i * hidden, hidden * sizeof(float));
    }
    if (picked > 0) {
        m->arch->head(r, s->normed, s->picked, picked);
        const float *y = s->normed;
        double began = observe_begin(s->observer);
        if (w->project_out.data) {
            s->backend->matmul(s->state, s->projected, y, picked, &w->project_out);
            y = s->projected;
        }
        s->backend->matmul(s->state, s->logits + (size_t)first * vocabulary, y, picked, &w->output);
        if (m->config.softcap_output > 0)
            run_softcap(s->logits + (size_t)first * vocabulary, picked * vocabulary, m->config.softcap_output);
        observe_end(s->observer, "logits", -1, began);
    }
    for (size_t i = 0; i < n; i++) {
        int64_t at = s->last->rows[from + i].hidden;
        if (at >= 0)
            m->arch->head(r, s->hidden + (size_t)at * hidden_width(s) + (size_t)m->config.layers * hidden, r->x + i * hidden, 1);
    }
}

static void forward_piece(struct session *s, const struct row *rows, size_t from, size_t n)
{
    const struct model *m = s->model;
    struct run r = {
        .model = m, .backend = s->backend, .state = s->state, .n = n, .tokens = s->tokens, .pos = s->pos, .seqs = s->seqs,
        .slots = s->slots, .cos_sin = s->cos_sin, .cos_sin_local = s->cos_sin_local, .seen = s->seen, .seen_window = s->seen_window, .kv = s->kv,
        .kv_stride = s->kv_stride, .kv_span = s->kv_span, .kv_type = s->kv_type, .n_seqs = s->n_sequences, .x = s->x, .h = s->h,
        .q = s->q, .k = s->k, .v = s->v, .att = s->att, .gate = s->gate, .up = s->up, .kept = s->kept, .picked = s->picked, .down = s->down,
        .routed = s->routed, .choice = s->choice,
        .outlier_x = s->outlier_x, .outlier_y = s->outlier_y, .layer = -1, .observer = s->observer,
    };
    for (size_t i = 0; i < n; i++) {
        const struct placed *p = &s->last->rows[from + i];
        s->tokens[i] = rows[from + i].token;
        s->pos[i] = p->pos;
        s->seqs[i] = p->seq;
        s->slots[i] = p->slot;
        s->seen[i] = (struct attention_row){.to = p->to, .more = p->n_more ? s->last->more + p->more_at : NULL,
                                            .n_more = p->n_more};
    }
    if (m->config.rope.dims > 0)
        fill_angles(s, s->cos_sin, &m->config.rope, m->weights.rope_divisors, from, n);
    if (m->config.rope_local.dims > 0)
        fill_angles(s, s->cos_sin_local, &m->config.rope_local, NULL, from, n);
    m->arch->embed(&r);
    for (r.layer = 0; r.layer < m->config.layers; r.layer++) {
        keep_hidden(s, from, n, r.layer, r.x);
        m->arch->layer(&r, &m->weights.layers[r.layer]);
    }
    r.layer = -1;
    finish_rows(s, &r, from, n);
}

int session_forward(struct session *s, const struct row *rows, size_t n, struct err *err)
{
    TRY(place(s, rows, n, err));
    struct call *placed = s->next;
    s->next = s->last;
    s->last = placed;
    placed->n = n;
    mem_forbid("forward");
    for (size_t from = 0; from < n; from += PIECE)
        forward_piece(s, rows, from, n - from < PIECE ? n - from : PIECE);
    mem_permit();
    for (int i = 0; i < s->n_sequences; i++) {
        struct sequence *q = &s->sequences[i];
        if (q->chain)
            q->length += q->in_call;
        else
            q->pending = q->in_call;
    }
    return 0;
}

const float *session_logits(const struct session *s, size_t row)
{
    if (row >= s->last->n || s->last->rows[row].logits < 0)
        return NULL;
    return s->logits + (size_t)s->last->rows[row].logits * (size_t)s->model->config.vocabulary;
}

const float *session_hidden(const struct session *s, size_t row)
{
    if (row >= s->last->n || s->last->rows[row].hidden < 0)
        return NULL;
    return s->hidden + (size_t)s->last->rows[row].hidden * hidden_width(s);
}

/* ---- sequences --------------------------------------------------------------------------------------------------- */

static char *span_at(const struct session *s, int layer, int32_t seq)
{
    return s->kv + ((size_t)layer * (size_t)s->n_sequences + (size_t)seq) * 2 * s->kv_span;
}

static void move_slot(struct session *s, int32_t seq, int32_t from, int32_t to)
{
    for (int layer = 0; layer < s->model->config.layers; layer++) {
        char *keys = span_at(s, layer, seq), *values = keys + s->kv_span;
        memcpy(keys + (size_t)to * s->kv_stride, keys + (size_t)from * s->kv_stride, s->kv_stride);
        memcpy(values + (size_t)to * s->kv_stride, values + (size_t)from * s->kv_stride, s->kv_stride);
    }
}

int session_length(const struct session *s, int32_t seq)
{
    return seq >= 0 && seq < s->n_sequences ? s->sequences[seq].length : 0;
}

static void forget_rows(struct session *s, int32_t seq)
{
    for (size_t i = 0; i < s->last->n; i++)
        if (s->last->rows[i].seq == seq)
            s->last->rows[i].gone = true;
}

int session_commit(struct session *s, size_t leaf, struct err *err)
{
    if (leaf >= s->last->n || s->last->rows[leaf].gone)
        return err_set(err, ERR_USAGE, "row %zu is not one of the last forward that can be kept", leaf);
    int32_t seq = s->last->rows[leaf].seq, end = s->last->rows[leaf].pos + 1, row = (int32_t)leaf;
    struct sequence *q = &s->sequences[seq];
    /* Rows come after their parents, so slots only move down. Going up from the leaf, each row's target slot (its position)
     * could still hold a row of the path; so the path is walked from its root: the parents are remembered in `to`. */
    int32_t next = -1;
    for (; row >= 0; next = row, row = s->last->rows[row].parent)
        s->last->rows[row].to = next;
    for (row = next; row >= 0; row = s->last->rows[row].to)
        if (s->last->rows[row].slot != s->last->rows[row].pos)
            move_slot(s, seq, s->last->rows[row].slot, s->last->rows[row].pos);
    q->length = end;
    q->pending = 0;
    forget_rows(s, seq);
    return 0;
}

int session_rollback(struct session *s, int32_t seq, int length, struct err *err)
{
    if (seq < 0 || seq >= s->n_sequences)
        return err_set(err, ERR_USAGE, "sequence %d is not one of %d", seq, s->n_sequences);
    struct sequence *q = &s->sequences[seq];
    if (length < 0 || length > q->length)
        return err_set(err, ERR_USAGE, "sequence %d cannot be rolled back to %d: it has %d positions", seq, length, q->length);
    q->length = length;
    q->pending = 0;
    forget_rows(s, seq);
    return 0;
}

int session_copy(struct session *s, int32_t from, int32_t to, int length, struct err *err)
{
    if (from < 0 || from >= s->n_sequences || to < 0 || to >= s->n_sequences)
        return err_set(err, ERR_USAGE, "sequence %d or %d is not one of %d", from, to, s->n_sequences);
    if (length < 0 || length > s->sequences[from].length)
        return err_set(err, ERR_USAGE, "sequence %d has %d positions, not %d", from, s->sequences[from].length, length);
    if (from == to)
        return session_rollback(s, to, length, err);
    for (int layer = 0; layer < s->model->config.layers; layer++) {
        char *source = span_at(s, layer, from), *target = span_at(s, layer, to);
        memcpy(target, source, (size_t)length * s->kv_stride);
        memcpy(target + s->kv_span, source + s->kv_span, (size_t)length * s->kv_stride);
    }
    s->sequences[to].length = length;
    s->sequences[to].pending = 0;
    forget_rows(s, to);
    return 0;
}

const char *session_variant(const struct session *s)
{
    return s->backend->name;
}

enum dtype session_kv_type(const struct session *s)
{
    return s->kv_type;
}

int session_context(const struct session *s)
{
    return s->context;
}

uint64_t session_kv_bytes(const struct session *s)
{
    return 2 * (uint64_t)s->model->config.layers * (uint64_t)s->n_sequences * s->kv_span;
}

void session_memory(const struct session *s, struct session_memory *out)
{
    *out = (struct session_memory){
        .weights = model_file_bytes(s->model->file) - s->model->replaced_bytes, .model = s->model->arena.used, .kv = session_kv_bytes(s),
        .scratch = s->scratch_bytes + (s->calls[0].cap + s->calls[1].cap) * sizeof(struct placed) +
                   (s->calls[0].cap_more + s->calls[1].cap_more) * sizeof(int32_t),
        .logits = (s->cap_logits * (size_t)s->model->config.vocabulary + s->cap_hidden * hidden_width(s)) * sizeof(float),
    };
}
