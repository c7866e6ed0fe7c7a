/* attend_body.h - attention of a vector instruction set. Included once by attend_NAME.c after vec_NAME.h.
 *
 * Keys and values of ATTENTION_BLOCK slots are decoded to float32 once for all query heads that share them. Then either
 *
 *   tile   many rows of one cache (a prompt): lanes are queries, 2*LANES to a tile. Scores are [slot][lane], so that maximum
 *          and sum of the online softmax are lane by lane, and both products read keys and values by broadcast.
 *   row    one row (a token, a branch of a tree, row_invariant): for the scores lanes are (head, part of dim) as in
 *          product_body.h, for the sum over values they are dim.
 *
 * dim is filled up with zeros to whole vectors.
 */
#include <math.h>

#include "kernels/attention.h"
#include "kernels/decode.h"
#include "kernels/exp_body.h"
#include "kernels/sets.h"

enum {
    BLOCK = ATTENTION_BLOCK,
    QUERIES = 2 * LANES, /* of a tile */
    TILES = 4,           /* of a piece: they share decoded keys and values */
    AT_ONCE = LANES >= 16 ? 8 : 4, /* rows of keys or columns of values in registers, times two vectors */
};

static size_t padded(size_t dim)
{
    return (dim + 15) / 16 * 16;
}

size_t ISA(attend_bytes)(size_t heads, size_t heads_kv, size_t dim)
{
    size_t d = padded(dim), group = (heads / heads_kv + LANES - 1) / LANES * LANES;
    size_t tile = 2 * BLOCK * d + QUERIES * BLOCK + TILES * QUERIES * (2 * d + 4);
    size_t row = LANES * d + group * (2 * d + BLOCK + 2);
    return (tile > row ? tile : row) * 4 + 256;
}

/* Keys or values of one slot as float32. */
INLINE void load_slot(enum dtype type, const char *src, float *out, size_t dim, size_t d)
{
    size_t i = 0;
    if (type == DTYPE_F16) {
        for (; i + LANES <= dim; i += LANES)
            vf_store(out + i, vf_load_f16(src + 2 * i));
    } else if (type == DTYPE_BF16) {
        for (; i + LANES <= dim; i += LANES)
            vf_store(out + i, vf_load_bf16(src + 2 * i));
    } else if (type == DTYPE_F32) {
        for (; i + LANES <= dim; i += LANES)
            vf_store(out + i, vf_load(src + 4 * i));
    } else if (type == DTYPE_Q8_0) {
        for (; i < dim; i += 32, src += 34)
            UNROLL for (int j = 0; j < 32; j += LANES)
                vf_store(out + i + j, vf_mul(vf_load_i8(src + 2 + j), vf_set1(half_float(src))));
    } else if (type == DTYPE_Q4_0) {
        for (; i < dim; i += 32, src += 18) {
            int8_t q[32];
            bytes_store(q, bytes_nibbles(src + 2));
            UNROLL for (int j = 0; j < 32; j += LANES)
                vf_store(out + i + j, vf_mul(vf_sub(vf_load_i8(q + j), vf_set1(8)), vf_set1(half_float(src))));
        }
    }
    if (i < dim)
        decode_row(type, src + i * dtype_block_bytes(type), out + i, dim - i);
    for (i = dim; i < d; i++)
        out[i] = 0;
}

static void load_slots(enum dtype type, const char *src, size_t stride, size_t n, float *out, size_t dim, size_t d)
{
    for (size_t s = 0; s < n; s++)
        load_slot(type, src + s * stride, out + s * d, dim, d);
}

INLINE vf capped(vf x, float cap)
{
    vf e = vf_exp(vf_mul(x, vf_set1(2.0f / cap))); /* c tanh(x/c) = c - 2c/(1 + e^(2x/c)) */
    return vf_sub(vf_set1(cap), vf_div(vf_set1(2 * cap), vf_add(vf_set1(1), e)));
}

/* ---- one row ------------------------------------------------------------------------------------------------------- */

/* Scores of LANES slots of keys [LANES][d] for the heads packed in q, `split` lanes a head: out[head*BLOCK + slot]. */
INLINE void score_slots(const float *q, const float *keys, size_t d, int split, float scale, float cap, float *out)
{
    vf sum[LANES];
    for (int first = 0; first < LANES; first += AT_ONCE) {
        vf part[AT_ONCE];
        UNROLL for (int s = 0; s < AT_ONCE; s++)
            part[s] = vf_zero();
        for (size_t i = 0; i < d / (size_t)split; i++) {
            vf x = vf_load(q + i * LANES);
            UNROLL for (int s = 0; s < AT_ONCE; s++)
                part[s] = vf_fma(vf_bcast(keys + (size_t)(first + s) * d + i * (size_t)split, split), x, part[s]);
        }
        UNROLL for (int s = 0; s < AT_ONCE; s++)
            sum[first + s] = part[s];
    }
    vf_transpose(sum);
    const int heads = LANES / split; /* outside: a sanitizer's check of the division would keep the loop from unrolling */
    UNROLL for (int h = 0; h < heads; h++) {
        vf x = sum[h * split];
        for (int s = 1; s < split; s++)
            x = vf_add(x, sum[h * split + s]);
        x = vf_mul(x, vf_set1(scale));
        vf_store(out + h * BLOCK, cap > 0 ? capped(x, cap) : x);
    }
}

struct row_state {
    float *q;      /* packed for each LANES/split heads: [d/split][LANES] */
    float *sum;    /* [group][d] */
    float *scores; /* [group][BLOCK] */
    float *top, *total; /* [group] */
    float *slots;  /* [LANES][d] */
};

static void score_block(const float *q, const float *keys, size_t d, int split, float scale, float cap, float *out)
{
    if (split == 1)
        score_slots(q, keys, d, 1, scale, cap, out);
    else if (split == 2)
        score_slots(q, keys, d, 2, scale, cap, out);
    else if (split == 4)
        score_slots(q, keys, d, 4, scale, cap, out);
    else if (LANES >= 8 && split == 8)
        score_slots(q, keys, d, LANES >= 8 ? 8 : 1, scale, cap, out);
    else
        score_slots(q, keys, d, LANES, scale, cap, out);
}

/* sum[h][d] += p[h][slot] * values[slot][d] for four heads (or fewer) at a time and all of dim. */
INLINE void add_values(float *sum, const float *p, const float *values, size_t n, size_t d, const int heads)
{
    for (size_t i = 0; i < d; i += 2 * LANES) {
        const bool two = i + LANES < d;
        vf a[4], b[4];
        UNROLL for (int h = 0; h < heads; h++) {
            a[h] = vf_load(sum + (size_t)h * d + i);
            b[h] = two ? vf_load(sum + (size_t)h * d + i + LANES) : vf_zero();
        }
        for (size_t s = 0; s < n; s++) {
            vf v = vf_load(values + s * d + i), w = two ? vf_load(values + s * d + i + LANES) : v;
            UNROLL for (int h = 0; h < heads; h++) {
                vf x = vf_set1(p[h * BLOCK + (int)s]);
                a[h] = vf_fma(x, v, a[h]);
                b[h] = vf_fma(x, w, b[h]);
            }
        }
        UNROLL for (int h = 0; h < heads; h++) {
            vf_store(sum + (size_t)h * d + i, a[h]);
            if (two)
                vf_store(sum + (size_t)h * d + i + LANES, b[h]);
        }
    }
}

static void attend_row(const struct attend *a, size_t head_kv, size_t r, void *work)
{
    const struct sight *sight = &a->sight[r];
    const size_t dim = a->dim, d = padded(dim), group = a->heads / a->heads_kv;
    const size_t head_bytes = head_kv * (dim / dtype_block(a->type)) * dtype_block_bytes(a->type);
    int split = LANES;
    while (split > 1 && (size_t)(LANES / split) < group)
        split /= 2;
    const size_t pack = (size_t)(LANES / split), packs = (group + pack - 1) / pack;
    struct row_state st;
    st.q = work;
    st.sum = st.q + packs * pack * d;
    st.scores = st.sum + packs * pack * d;
    st.top = st.scores + packs * pack * BLOCK;
    st.total = st.top + packs * pack;
    st.slots = st.total + packs * pack;
    const float *q = a->q + (r * a->heads + head_kv * group) * dim;
    for (size_t h = 0; h < packs * pack; h++) {
        float *to = st.q + h / pack * pack * d + h % pack * (size_t)split;
        for (size_t i = 0; i < d; i++)
            to[i / (size_t)split * LANES + i % (size_t)split] = h < group && i < dim ? q[h * dim + i] : 0;
        st.top[h] = -INFINITY;
        st.total[h] = 0;
    }
    memset(st.sum, 0, packs * pack * d * 4);

    const size_t run = sight->to > sight->from ? (size_t)(sight->to - sight->from) : 0, n = run + (size_t)sight->n_more;
    for (size_t at = 0; at < n; at += BLOCK) {
        const size_t m = n - at < BLOCK ? n - at : BLOCK;
        for (size_t s = 0; s < m; s += LANES) {
            for (size_t i = 0; i < LANES; i++) {
                size_t slot = at + s + i;
                if (slot >= n) {
                    memset(st.slots + i * d, 0, d * 4);
                    continue;
                }
                slot = slot < run ? (size_t)sight->from + slot : (size_t)sight->more[slot - run];
                const char *src = sight->k + slot * sight->stride_k + head_bytes;
                prefetch_far(src + 16 * sight->stride_k);
                load_slot(a->type, src, st.slots + i * d, dim, d);
            }
            for (size_t p = 0; p < packs; p++)
                score_block(st.q + p * pack * d, st.slots, d, split, a->scale, a->softcap, st.scores + p * pack * BLOCK + s);
        }
        for (size_t h = 0; h < group; h++) { /* online softmax */
            float *p = st.scores + h * BLOCK;
            for (size_t s = m; s < BLOCK; s++)
                p[s] = -INFINITY;
            vf most = vf_load(p);
            for (size_t s = LANES; s < BLOCK; s += LANES)
                most = vf_max(vf_load(p + s), most);
            float top = fmaxf(vf_hmax(most), st.top[h]);
            if (top != st.top[h]) {
                float shrink[LANES];
                vf_store(shrink, vf_exp(vf_set1(st.top[h] - top)));
                st.total[h] *= shrink[0];
                for (size_t i = 0; i < d; i += LANES)
                    vf_store(st.sum + h * d + i, vf_mul(vf_load(st.sum + h * d + i), vf_set1(shrink[0])));
                st.top[h] = top;
            }
            vf total = vf_zero();
            for (size_t s = 0; s < BLOCK; s += LANES) {
                vf e = vf_exp(vf_sub(vf_load(p + s), vf_set1(top)));
                total = vf_add(total, e);
                vf_store(p + s, e);
            }
            st.total[h] += vf_hsum(total);
        }
        for (size_t s = 0; s < m; s += LANES) {
            const size_t some = m - s < LANES ? m - s : LANES;
            for (size_t i = 0; i < some; i++) {
                size_t slot = at + s + i;
                slot = slot < run ? (size_t)sight->from + slot : (size_t)sight->more[slot - run];
                const char *src = sight->v + slot * sight->stride_v + head_bytes;
                prefetch_far(src + 16 * sight->stride_v);
                load_slot(a->type, src, st.slots + i * d, dim, d);
            }
            size_t h = 0;
            for (; h + 4 <= group; h += 4)
                add_values(st.sum + h * d, st.scores + h * BLOCK + s, st.slots, some, d, 4);
            for (; h < group; h++)
                add_values(st.sum + h * d, st.scores + h * BLOCK + s, st.slots, some, d, 1);
        }
    }
    for (size_t h = 0; h < group; h++) {
        float *out = a->out + (r * a->heads + head_kv * group + h) * dim;
        float inverse = n > 0 ? 1.0f / st.total[h] : 0.0f;
        for (size_t i = 0; i < dim; i++)
            out[i] = st.sum[h * d + i] * inverse;
    }
}

/* ---- a tile of rows ------------------------------------------------------------------------------------------------ */

/* scores[slot][QUERIES] of BLOCK slots (rounded up to AT_ONCE) for q [d][QUERIES]. */
static void score_tile(const float *q, const float *keys, size_t n, size_t d, float scale, float *scores)
{
    for (size_t s = 0; s < n; s += AT_ONCE) {
        vf sum[AT_ONCE][2];
        UNROLL for (int i = 0; i < AT_ONCE; i++)
            sum[i][0] = sum[i][1] = vf_zero();
        for (size_t j = 0; j < d; j++) {
            vf x = vf_load(q + j * QUERIES), y = vf_load(q + j * QUERIES + LANES);
            UNROLL for (int i = 0; i < AT_ONCE; i++) {
                vf k = vf_set1(keys[(s + (size_t)i) * d + j]);
                sum[i][0] = vf_fma(k, x, sum[i][0]);
                sum[i][1] = vf_fma(k, y, sum[i][1]);
            }
        }
        UNROLL for (int i = 0; i < AT_ONCE; i++) {
            vf_store(scores + (s + (size_t)i) * QUERIES, vf_mul(sum[i][0], vf_set1(scale)));
            vf_store(scores + (s + (size_t)i) * QUERIES + LANES, vf_mul(sum[i][1], vf_set1(scale)));
        }
    }
}

/* sum[d][QUERIES] = sum * shrink + the n slots of values, weighted. */
static void add_tile(float *sum, const vf shrink[2], const float *p, const float *values, size_t n, size_t d)
{
    for (size_t j = 0; j < d; j += AT_ONCE) {
        vf s[AT_ONCE][2];
        UNROLL for (int i = 0; i < AT_ONCE; i++) {
            s[i][0] = vf_mul(vf_load(sum + (j + (size_t)i) * QUERIES), shrink[0]);
            s[i][1] = vf_mul(vf_load(sum + (j + (size_t)i) * QUERIES + LANES), shrink[1]);
        }
        for (size_t t = 0; t < n; t++) {
            vf x = vf_load(p + t * QUERIES), y = vf_load(p + t * QUERIES + LANES);
            UNROLL for (int i = 0; i < AT_ONCE; i++) {
                vf v = vf_set1(values[t * d + j + (size_t)i]);
                s[i][0] = vf_fma(v, x, s[i][0]);
                s[i][1] = vf_fma(v, y, s[i][1]);
            }
        }
        UNROLL for (int i = 0; i < AT_ONCE; i++) {
            vf_store(sum + (j + (size_t)i) * QUERIES, s[i][0]);
            vf_store(sum + (j + (size_t)i) * QUERIES + LANES, s[i][1]);
        }
    }
}

/* What one tile keeps from block to block. */
struct tile_state {
    float from[QUERIES], to[QUERIES], top[QUERIES], total[QUERIES]; /* slots as floats: exact below 2^24 */
};

/* Masks, exponentials, running maximum and sum of one block of scores. */
static void soften(struct tile_state *t, float *scores, size_t n, size_t first, bool masked, float cap, vf shrink[2])
{
    for (int v = 0; v < 2; v++) {
        const vf from = vf_load(t->from + v * LANES), to = vf_load(t->to + v * LANES), old = vf_load(t->top + v * LANES);
        vf top = old, total = vf_zero();
        for (size_t s = 0; s < n; s++) {
            float *at = scores + s * QUERIES + v * LANES;
            vf x = vf_load(at);
            if (cap > 0)
                x = capped(x, cap);
            if (masked)
                x = vf_within(vf_set1((float)(first + s)), from, to, x, vf_set1(-INFINITY));
            if (cap > 0 || masked)
                vf_store(at, x);
            top = vf_max(x, top);
        }
        /* a lane that has seen nothing has top -inf: its exponentials are of -inf less a finite number */
        const vf base = vf_max(vf_set1(-1e30f), top);
        for (size_t s = 0; s < n; s++) {
            float *at = scores + s * QUERIES + v * LANES;
            vf e = vf_exp(vf_sub(vf_load(at), base));
            total = vf_add(total, e);
            vf_store(at, e);
        }
        shrink[v] = vf_exp(vf_sub(vf_max(vf_set1(-1e30f), old), base));
        vf_store(t->total + v * LANES, vf_fma(vf_load(t->total + v * LANES), shrink[v], total));
        vf_store(t->top + v * LANES, top);
    }
}

static void attend_tiles(const struct attend *a, size_t head_kv, size_t from, size_t to, void *work)
{
    const size_t dim = a->dim, d = padded(dim), group = a->heads / a->heads_kv, queries = (to - from) * group;
    const size_t head_bytes = head_kv * (dim / dtype_block(a->type)) * dtype_block_bytes(a->type);
    const size_t tiles = (queries + QUERIES - 1) / QUERIES;
    float *keys = work, *values = keys + BLOCK * d, *scores = values + BLOCK * d, *q = scores + BLOCK * QUERIES,
          *sum = q + TILES * QUERIES * d;
    struct tile_state state[TILES];
    const struct sight *sight = &a->sight[from];
    size_t first = SIZE_MAX, last = 0;
    memset(sum, 0, TILES * QUERIES * d * 4);
    for (size_t i = 0; i < tiles * QUERIES; i++) { /* query i is row i / group, head i % group */
        struct tile_state *t = &state[i / QUERIES];
        const size_t lane = i % QUERIES, r = from + i / group;
        const bool real = i < queries;
        const float *src = real ? a->q + (r * a->heads + head_kv * group + i % group) * dim : NULL;
        t->from[lane] = real ? (float)a->sight[r].from : 0;
        t->to[lane] = real ? (float)a->sight[r].to : 0;
        t->top[lane] = -INFINITY;
        t->total[lane] = 0;
        for (size_t j = 0; j < d; j++)
            q[(i / QUERIES * d + j) * QUERIES + lane] = real && j < dim ? src[j] : 0;
        if (real && a->sight[r].to > a->sight[r].from) {
            first = (size_t)a->sight[r].from < first ? (size_t)a->sight[r].from : first;
            last = (size_t)a->sight[r].to > last ? (size_t)a->sight[r].to : last;
        }
    }
    for (size_t at = first; at < last; at += BLOCK) {
        const size_t n = last - at < BLOCK ? last - at : BLOCK, whole = (n + AT_ONCE - 1) / AT_ONCE * AT_ONCE;
        load_slots(a->type, sight->k + at * sight->stride_k + head_bytes, sight->stride_k, n, keys, dim, d);
        load_slots(a->type, sight->v + at * sight->stride_v + head_bytes, sight->stride_v, n, values, dim, d);
        memset(keys + n * d, 0, (whole - n) * d * 4);
        for (size_t t = 0; t < tiles; t++) {
            bool any = false, all = true;
            for (int l = 0; l < QUERIES; l++) {
                const float low = state[t].from[l], high = state[t].to[l];
                any |= high > (float)at && low < (float)(at + n) && low < high;
                all &= low <= (float)at && high >= (float)(at + n);
            }
            if (!any)
                continue;
            vf shrink[2];
            score_tile(q + t * d * QUERIES, keys, whole, d, a->scale, scores);
            soften(&state[t], scores, n, at, !all, a->softcap, shrink);
            add_tile(sum + t * d * QUERIES, shrink, scores, values, n, d);
        }
    }
    for (size_t i = 0; i < queries; i++) {
        const size_t lane = i % QUERIES;
        const float total = state[i / QUERIES].total[lane], inverse = total > 0 || total != total ? 1.0f / total : 0.0f;
        float *out = a->out + ((from + i / group) * a->heads + head_kv * group + i % group) * dim;
        for (size_t j = 0; j < dim; j++)
            out[j] = sum[(i / QUERIES * d + j) * QUERIES + lane] * inverse;
    }
}

/* Rows from `from` on that one tile can take: of the same cache, without single slots. */
size_t ISA(attend_rows)(const struct attend *a, size_t from)
{
    const size_t group = a->heads / a->heads_kv, most = group ? TILES * QUERIES / group : 0;
    size_t n = 0;
    while (!a->row_invariant && n < most && from + n < a->rows) {
        const struct sight *s = &a->sight[from + n], *first = &a->sight[from];
        if (s->n_more > 0 || s->k != first->k || s->v != first->v || s->stride_k != first->stride_k ||
            s->stride_v != first->stride_v || s->to >= 1 << 24)
            break;
        n++;
    }
    return n * group >= LANES && n > 1 ? n : 1;
}

void ISA(attend)(const struct attend *a, size_t head_kv, size_t from, size_t to, void *work)
{
    if (to - from > 1)
        attend_tiles(a, head_kv, from, to, work);
    else
        attend_row(a, head_kv, from, work);
}
