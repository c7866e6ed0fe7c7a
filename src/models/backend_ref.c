/* backend_ref.c - the oracle: weights decoded to float32, every sum in float64 from left to right, results rounded to
 * float32 once. It is written to be obviously right first. What speed there is comes from keeping many independent sums
 * going at once, and from threads that take outputs each of their own; each single sum is one thread's and has one fixed
 * order, so that no result depends on how rows are grouped or on the number of threads. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/team.h"
#include "kernels/decode.h"
#include "models/backend.h"

enum {
    TILE = 8,          /* sums that are kept going at once */
    ALONE = 1 << 15,   /* multiplications that are not worth a meeting of the team */
    GRAIN = 4 * TILE,  /* rows of a weight that a thread takes at a time */
};

/* What a thread needs for itself. */
struct scratch {
    float *decoded;   /* TILE rows of a weight */
    double *scores;   /* one for each slot a row can see */
    double *weighted; /* [head_dim] */
};

struct ref {
    struct team *team;
    struct scratch *scratch; /* of each member */
    double *packed;          /* [width][TILE] numbers of TILE rows of x */
};

static bool ref_has_kv(enum dtype t)
{
    return t == DTYPE_F32;
}

static void ref_close(void *state)
{
    struct ref *r = state;
    if (!r)
        return;
    for (int i = 0; r->scratch && i < team_size(r->team); i++) {
        free(r->scratch[i].decoded);
        free(r->scratch[i].scores);
        free(r->scratch[i].weighted);
    }
    free(r->scratch);
    free(r->packed);
    team_close(r->team);
    free(r);
}

static int ref_open(void **state, const struct backend_needs *needs, struct err *err)
{
    struct ref *r = mem_zalloc(1, sizeof *r, err);
    if (!r)
        return -1;
    if (team_open(&r->team, needs->threads, err) < 0)
        goto failed;
    r->packed = mem_alloc(needs->width, TILE * sizeof(double), err);
    r->scratch = mem_zalloc((size_t)team_size(r->team), sizeof *r->scratch, err);
    if (!r->packed || !r->scratch)
        goto failed;
    for (int i = 0; i < team_size(r->team); i++) {
        struct scratch *s = &r->scratch[i];
        s->decoded = mem_alloc(needs->width, TILE * sizeof(float), err);
        s->scores = s->decoded ? mem_alloc(needs->slots, sizeof(double), err) : NULL;
        s->weighted = s->scores ? mem_alloc((size_t)needs->head_dim, sizeof(double), err) : NULL;
        if (!s->weighted)
            goto failed;
    }
    *state = r;
    return 0;
failed:
    ref_close(r);
    return -1;
}

/* fn for pieces 0 .. n-1, which are `work` multiplications in all. */
static void share(struct ref *r, size_t n, size_t work, team_piece_fn *fn, void *arg)
{
    if (work >= ALONE)
        team_each(r->team, n, fn, arg);
    else
        for (size_t i = 0; i < n; i++)
            fn(arg, 0, i);
}

static const float *weight_row(const struct weight *w, size_t i, float *buffer)
{
    const char *row = (const char *)w->data + i * w->stride;
    if (w->type == DTYPE_F32 && (uintptr_t)row % _Alignof(float) == 0)
        return (const float *)row;
    decode_row(w->type, row, buffer, w->k);
    return buffer;
}

/* TILE rows of x against one row of w: eight sums side by side. */
static void dot_rows(double sums[TILE], const float *w, const double *packed, size_t k)
{
    double s[TILE] = {0};
    for (size_t j = 0; j < k; j++) {
        double wj = (double)w[j];
        for (int t = 0; t < TILE; t++)
            s[t] += packed[j * TILE + (size_t)t] * wj;
    }
    memcpy(sums, s, sizeof s);
}

/* One row of x against TILE rows of w. */
static void dot_weights(double sums[TILE], const float *const w[TILE], const float *x, size_t k)
{
    double s0 = 0, s1 = 0, s2 = 0, s3 = 0, s4 = 0, s5 = 0, s6 = 0, s7 = 0;
    for (size_t j = 0; j < k; j++) {
        double xj = (double)x[j];
        s0 += xj * (double)w[0][j];
        s1 += xj * (double)w[1][j];
        s2 += xj * (double)w[2][j];
        s3 += xj * (double)w[3][j];
        s4 += xj * (double)w[4][j];
        s5 += xj * (double)w[5][j];
        s6 += xj * (double)w[6][j];
        s7 += xj * (double)w[7][j];
    }
    memcpy(sums, (double[TILE]){s0, s1, s2, s3, s4, s5, s6, s7}, TILE * sizeof *sums);
}

static float with_bias(const struct weight *w, size_t i, double sum)
{
    return (float)(w->bias ? sum + (double)w->bias[i] : sum);
}

/* GRAIN rows of w against one row of x, or against the tile of rows that is packed. */
struct product {
    struct ref *ref;
    const struct weight *w;
    const float *x;
    float *y;
    size_t rows; /* in the tile */
};

static void one_piece(void *arg, int rank, size_t piece)
{
    const struct product *p = arg;
    const struct weight *w = p->w;
    float *decoded = p->ref->scratch[rank].decoded;
    size_t to = piece * GRAIN + GRAIN < w->n ? piece * GRAIN + GRAIN : w->n;
    for (size_t i = piece * GRAIN; i < to; i += TILE) {
        const float *rows[TILE];
        double sums[TILE];
        size_t n = to - i < TILE ? to - i : TILE;
        for (size_t t = 0; t < TILE; t++)
            rows[t] = t < n ? weight_row(w, i + t, decoded + t * w->k) : rows[0];
        dot_weights(sums, rows, p->x, w->k);
        for (size_t t = 0; t < n; t++)
            p->y[i + t] = with_bias(w, i + t, sums[t]);
    }
}

static void tile_piece(void *arg, int rank, size_t piece)
{
    const struct product *p = arg;
    const struct weight *w = p->w;
    size_t to = piece * GRAIN + GRAIN < w->n ? piece * GRAIN + GRAIN : w->n;
    for (size_t i = piece * GRAIN; i < to; i++) {
        double sums[TILE];
        dot_rows(sums, weight_row(w, i, p->ref->scratch[rank].decoded), p->ref->packed, w->k);
        for (size_t t = 0; t < p->rows; t++)
            p->y[t * w->n + i] = with_bias(w, i, sums[t]);
    }
}

static void ref_matmul(void *state, float *y, const float *x, size_t rows, const struct weight *w)
{
    struct ref *r = state;
    struct product p = {.ref = r, .w = w};
    const size_t k = w->k, pieces = (w->n + GRAIN - 1) / GRAIN, few = rows < TILE / 2 ? 1 : TILE;
    for (size_t from = 0; from < rows; from += few) {
        p.x = x + from * k;
        p.y = y + from * w->n;
        p.rows = rows - from < few ? rows - from : few;
        for (size_t j = 0; few == TILE && j < k; j++)
            for (size_t t = 0; t < TILE; t++)
                r->packed[j * TILE + t] = t < p.rows ? (double)p.x[t * k + j] : 0;
        share(r, pieces, w->n * k * p.rows, few == TILE ? tile_piece : one_piece, &p);
    }
}

static void ref_gather(void *state, float *y, const struct weight *w, const int32_t *ids, size_t rows)
{
    (void)state;
    for (size_t r = 0; r < rows; r++)
        decode_row(w->type, (const char *)w->data + (size_t)ids[r] * w->stride, y + r * w->k, w->k);
}

static void ref_rms_norm(void *state, float *y, const float *x, const float *weight, size_t rows, size_t n, float epsilon)
{
    (void)state;
    for (size_t r = 0; r < rows; r++, x += n, y += n) {
        double sum = 0;
        for (size_t i = 0; i < n; i++)
            sum += (double)x[i] * (double)x[i];
        double scale = 1 / sqrt(sum / (double)n + (double)epsilon);
        for (size_t i = 0; i < n; i++)
            y[i] = (float)((double)x[i] * scale * (weight ? (double)weight[i] : 1));
    }
}

static void ref_layer_norm(void *state, float *y, const float *x, const float *weight, const float *bias, size_t rows,
                           size_t n, float epsilon)
{
    (void)state;
    for (size_t r = 0; r < rows; r++, x += n, y += n) {
        double sum = 0, squares = 0;
        for (size_t i = 0; i < n; i++)
            sum += (double)x[i];
        double mean = sum / (double)n;
        for (size_t i = 0; i < n; i++)
            squares += ((double)x[i] - mean) * ((double)x[i] - mean);
        double scale = 1 / sqrt(squares / (double)n + (double)epsilon);
        for (size_t i = 0; i < n; i++)
            y[i] = (float)(((double)x[i] - mean) * scale * (weight ? (double)weight[i] : 1) +
                           (bias ? (double)bias[i] : 0));
    }
}

static void ref_rope(void *state, float *x, const float *cos_sin, size_t rows, int heads, int head_dim, int n_pairs,
                     bool adjacent)
{
    (void)state;
    int step = adjacent ? 2 : 1, apart = adjacent ? 1 : n_pairs;
    for (size_t r = 0; r < rows; r++, cos_sin += 2 * n_pairs) {
        for (int h = 0; h < heads; h++, x += head_dim) {
            for (int i = 0; i < n_pairs; i++) {
                float *a = x + i * step, *b = a + apart;
                double c = (double)cos_sin[2 * i], s = (double)cos_sin[2 * i + 1], va = (double)*a, vb = (double)*b;
                *a = (float)(va * c - vb * s);
                *b = (float)(vb * c + va * s);
            }
        }
    }
}

static void ref_store(void *state, const struct kv_span *kv, int32_t slot, const float *k, const float *v, size_t width)
{
    (void)state;
    memcpy(kv->k + (size_t)slot * kv->stride, k, width * sizeof *k);
    memcpy(kv->v + (size_t)slot * kv->stride, v, width * sizeof *v);
}

static int32_t seen_slot(const struct attention_row *row, int32_t i)
{
    int32_t first = row->to - row->from;
    return i < first ? row->from + i : row->more[i - first];
}

static const float *head_of(const char *base, const struct kv_span *kv, int32_t slot, int head, int head_dim)
{
    return (const float *)(const void *)(base + (size_t)slot * kv->stride) + (size_t)head * (size_t)head_dim;
}

static void attend(struct scratch *r, const struct attention *a, const struct attention_row *row, const float *q,
                   float *out, int kv_head)
{
    int32_t n = row->to - row->from + row->n_more;
    double most = -INFINITY, total = 0;
    for (int32_t i = 0; i < n; i++) {
        const float *k = head_of(row->kv.k, &row->kv, seen_slot(row, i), kv_head, a->head_dim);
        double dot = 0;
        for (int d = 0; d < a->head_dim; d++)
            dot += (double)q[d] * (double)k[d];
        r->scores[i] = dot * (double)a->scale;
        if (a->softcap > 0)
            r->scores[i] = (double)a->softcap * tanh(r->scores[i] / (double)a->softcap);
        if (r->scores[i] > most)
            most = r->scores[i];
    }
    memset(r->weighted, 0, (size_t)a->head_dim * sizeof *r->weighted);
    for (int32_t i = 0; i < n; i++) {
        const float *v = head_of(row->kv.v, &row->kv, seen_slot(row, i), kv_head, a->head_dim);
        double p = exp(r->scores[i] - most);
        total += p;
        for (int d = 0; d < a->head_dim; d++)
            r->weighted[d] += p * (double)v[d];
    }
    for (int d = 0; d < a->head_dim; d++)
        out[d] = (float)(r->weighted[d] / total);
}

struct heads {
    struct ref *ref;
    const struct attention *a;
};

static void head_piece(void *arg, int rank, size_t piece)
{
    const struct heads *p = arg;
    const struct attention *a = p->a;
    size_t row = piece / (size_t)a->heads, at = piece * (size_t)a->head_dim;
    int head = (int)(piece % (size_t)a->heads);
    attend(&p->ref->scratch[rank], a, &a->rows[row], a->q + at, a->out + at, head / (a->heads / a->kv_heads));
}

static void ref_attention(void *state, const struct attention *a)
{
    struct heads p = {state, a};
    size_t seen = 0;
    for (size_t i = 0; i < a->n_rows; i++)
        seen += (size_t)(a->rows[i].to - a->rows[i].from + a->rows[i].n_more);
    share(state, a->n_rows * (size_t)a->heads, 2 * seen * (size_t)a->heads * (size_t)a->head_dim, head_piece, &p);
}

static double silu(double x)
{
    return x / (1 + exp(-x));
}

static double gelu(double x)
{
    return 0.5 * x * (1 + erf(x * M_SQRT1_2));
}

static double gelu_tanh(double x)
{
    return 0.5 * x * (1 + tanh(0.79788456080286535588 * (x + 0.044715 * x * x * x))); /* sqrt(2/pi) */
}

static double quick_gelu(double x)
{
    return x / (1 + exp(-1.702 * x));
}

static double relu(double x)
{
    return x > 0 ? x : x < 0 ? 0 : x; /* NaN stays NaN */
}

static void ref_activate(void *state, enum activation f, float *y, const float *gate, const float *up, size_t n)
{
    static double (*const functions[ACT_COUNT])(double) = {
        [ACT_SILU] = silu, [ACT_GELU] = gelu, [ACT_GELU_TANH] = gelu_tanh, [ACT_QUICK_GELU] = quick_gelu,
        [ACT_RELU] = relu,
    };
    (void)state;
    for (size_t i = 0; i < n; i++)
        y[i] = (float)(functions[f]((double)gate[i]) * (up ? (double)up[i] : 1));
}

static void ref_add(void *state, float *y, const float *x, size_t n)
{
    (void)state;
    for (size_t i = 0; i < n; i++)
        y[i] += x[i];
}

const struct backend backend_ref = {
    .name = "ref",
    .what = "plain float32 with float64 sums: the oracle",
    .has_kv = ref_has_kv,
    .kv = DTYPE_F32,
    .open = ref_open,
    .close = ref_close,
    .matmul = ref_matmul,
    .gather = ref_gather,
    .rms_norm = ref_rms_norm,
    .layer_norm = ref_layer_norm,
    .rope = ref_rope,
    .store = ref_store,
    .attention = ref_attention,
    .activate = ref_activate,
    .add = ref_add,
};
