/* product_body.h - the matrix product of a vector instruction set. Included once by product_NAME.c after vec_NAME.h.
 *
 * Lanes are rows of x. A vector of LANES lanes serves LANES/S rows ("tokens"), each with S neighbouring lanes, which take
 * S neighbouring units of k; so one broadcast of S units of a weight row meets all of them, and nothing is transposed:
 *
 *     S = 1   16 tokens (32 with two vectors a step): prompts
 *     S = 8    2 tokens: what is lost with one token only is half of the arithmetic, which memory hides
 *
 * A tile is what one step of the inner loop serves. Its packed activations are one run, in the order they are read:
 *
 *   integers   for 32 values: their 32/QUADS units in steps of S, [vectors][LANES] each; then for each group of weights
 *              [vectors][LANES] of -offset*sum (integers) or of sums (floats, for minima); then the scales
 *              [vectors][LANES] if there is one for 32. A scale for WIDE = 128 comes after every fourth block.
 *   floats     units in steps of S, [vectors][LANES] each; k is filled up to whole records with zeros
 *
 * The panel (panel_body.h) of INT_ROWS or FLOAT_ROWS rows of w is decoded for KC values of k at a time, so that the second
 * cache holds it while many tiles pass. With few tiles it is FEW_KC, so that memory works while products are computed: what
 * is decoded now was asked for a group of rows before. Results collect in `work` as
 * [tile][row of w][lane]; the end adds the S lanes of each token and turns the square.
 *
 * Bits: an output depends on the type, k, S and nothing else. row_invariant fixes S.
 */
#include "kernels/kernels.h"
#include "kernels/panel_body.h"
#include "kernels/quantize_body.h"

enum {
    VB = 4 * LANES,   /* bytes of a vector */
    KC = 2048,        /* values of k decoded at a time */
    NC = 48,          /* rows of w in a chunk: whole groups of every INT_ROWS, FLOAT_ROWS and LANES */
    MANY = 4,         /* more tiles than this: decode a whole chunk before multiplying */
    FEW_KC = 512,
    STRIPE = 512,     /* values of k packed at a time */
    STEADY = LANES >= 4 ? LANES / 4 : 1, /* the S of row_invariant: four tokens */
};

struct arithmetic {
    struct integer_kind integer; /* group 0: floats */
    bool bf16;
};

static struct arithmetic arithmetic_of(const struct product *p)
{
    enum dtype t = p->w.type;
    struct arithmetic a = {.integer = integer_kind(t)};
    bool half = t == DTYPE_BF16 || (p->math == MATH_BF16 && (t == DTYPE_F16 || t == DTYPE_F32));
    a.bf16 = HAS_BF16 && half;
    return a;
}

/* Values of k that one step of S lanes takes. */
static size_t unit_values(struct arithmetic a)
{
    return a.integer.group ? QUADS : a.bf16 ? 2 : 1;
}

/* Packed bytes of k values of a tile. */
INLINE size_t tile_bytes(struct arithmetic a, size_t k, int vectors, int split)
{
    size_t v = (size_t)vectors * VB;
    if (!a.integer.group) {
        size_t units = (k / unit_values(a) + FLOAT_UNITS - 1) / FLOAT_UNITS * FLOAT_UNITS;
        if (k % unit_values(a) && k / unit_values(a) % FLOAT_UNITS == 0)
            units += FLOAT_UNITS;
        return units / (size_t)split * v;
    }
    size_t sums = a.integer.minima || UNSIGNED_WEIGHTS ? 32 / (size_t)a.integer.group : 0;
    size_t block = (INT_BLOCK / QUADS / (size_t)split + sums + (a.integer.scaled == 32)) * v;
    return k / INT_BLOCK * block + (a.integer.scaled == WIDE ? k / WIDE * v : 0);
}

/* The smallest tile for `rows` <= LANES rows. A step of S lanes must not leave its group of weights. */
static int split_for(struct arithmetic a, size_t rows)
{
    int split = 1, most = a.integer.group ? a.integer.group / QUADS : FLOAT_UNITS;
    most = most < LANES ? most : LANES;
    most = most < 8 || !a.integer.group ? most : 8; /* a block has 32/QUADS units: 8 lanes are the widest used */
    while (2 * split <= most && (size_t)LANES / (2 * (size_t)split) >= rows)
        split *= 2;
    return split;
}

static void plan_product(const struct product *p, struct product_plan *plan)
{
    struct arithmetic a = arithmetic_of(p);
    size_t full = 2 * LANES, rest;
    int vectors = 2, split = 1;
    if (p->row_invariant) {
        full = LANES / STEADY;
        vectors = 1;
        split = STEADY;
    }
    plan->full_tile = full;
    plan->full_bytes = tile_bytes(a, p->w.k, vectors, split);
    plan->stripes = (p->w.k + STRIPE - 1) / STRIPE;
    plan->tiles = (p->rows + full - 1) / full;
    rest = p->rows - (plan->tiles - 1) * full;
    if (!p->row_invariant && rest <= LANES) {
        vectors = 1;
        split = split_for(a, rest);
    }
    plan->last_vectors = vectors;
    plan->last_split = split;
    plan->packed_bytes = (plan->tiles - 1) * plan->full_bytes + tile_bytes(a, p->w.k, vectors, split);
    const bool few = plan->tiles <= MANY;
    const size_t rows = a.integer.group ? INT_ROWS : FLOAT_ROWS;
    const size_t values = a.integer.group ? (size_t)record_values(a.integer) : FLOAT_UNITS * unit_values(a);
    const size_t record = a.integer.group ? integer_record(a.integer) : FLOAT_RECORD;
    const size_t most = few ? FEW_KC : KC, k = p->w.k < most ? p->w.k : most;
    const size_t panel = (k + values - 1) / values * record * (few ? 1 : NC / rows);
    plan->work_bytes = (panel + 63) / 64 * 64 + plan->tiles * NC * 2 * VB;
    plan->chunk = NC;
    plan->kind = 1u + (unsigned)a.bf16 + 4u * (unsigned)a.integer.group + 256u * (unsigned)a.integer.scaled +
                 (a.integer.minima ? 1u << 20 : UNSIGNED_WEIGHTS ? (unsigned)a.integer.offset << 21 : 0);
}

/* ---- packing ------------------------------------------------------------------------------------------------------- */

/* What one stretch of every token of a tile looks like before it is interleaved. */
struct stretch {
    _Alignas(64) uint32_t units[2 * LANES][SUPER / QUADS + 16];
    float scale[2 * LANES][8];
    int32_t sum[2 * LANES][16];
};

/* Puts units [from, from + n) of all tokens in steps of `split` lanes at `out`; n is a whole number of steps. */
INLINE void interleave_split(const struct stretch *s, size_t from, size_t n, int vectors, const int split, uint8_t *out)
{
    const size_t step = (size_t)split;
    for (size_t u = 0; u < n; u += step)
        for (int v = 0; v < vectors; v++)
            UNROLL for (size_t t = 0; t < LANES / step; t++)
                memcpy(out + (u / step * (size_t)vectors + (size_t)v) * VB + t * step * 4,
                       &s->units[(size_t)v * (LANES / step) + t][from + u], step * 4);
}

INLINE void interleave(const struct stretch *s, size_t from, size_t n, int vectors, int split, uint8_t *out)
{
    if (split == 1 && from % LANES == 0 && n % LANES == 0) {
        for (int v = 0; v < vectors; v++) {
            for (size_t u = 0; u < n; u += LANES) {
                vf square[LANES];
                UNROLL for (int i = 0; i < LANES; i++)
                    square[i] = vf_load(&s->units[v * LANES + i][from + u]);
                vf_transpose(square);
                UNROLL for (int i = 0; i < LANES; i++)
                    vf_store(out + ((u + (size_t)i) * (size_t)vectors + (size_t)v) * VB, square[i]);
            }
        }
        return;
    }
    switch (split) { /* each copy is compiled for its size */
    case 1: interleave_split(s, from, n, vectors, 1, out); break;
    case 2: interleave_split(s, from, n, vectors, 2, out); break;
    case 4: interleave_split(s, from, n, vectors, 4, out); break;
    case 8: interleave_split(s, from, n, vectors, LANES >= 8 ? 8 : 1, out); break;
    default: interleave_split(s, from, n, vectors, LANES, out); break;
    }
}

/* One value a token, in the first of its lanes, zero in the others; or in all of them. */
INLINE void spread(uint32_t *out, const uint32_t *values, size_t stride, int tokens, int split, bool all)
{
    for (int t = 0; t < tokens; t++)
        for (int s = 0; s < split; s++)
            out[t * split + s] = s == 0 || all ? values[(size_t)t * stride] : 0;
}

static uint8_t *pack_integers(const struct stretch *s, size_t n, struct integer_kind kind, int vectors, int split,
                              uint8_t *out)
{
    int tokens = vectors * LANES / split;
    size_t v = (size_t)vectors * VB;
    uint32_t value[2 * LANES];
    for (size_t b = 0; b < n / INT_BLOCK; b++) {
        interleave(s, b * INT_BLOCK / QUADS, INT_BLOCK / QUADS, vectors, split, out);
        out += INT_BLOCK / QUADS / (size_t)split * v;
        for (int g = 0; g < 32 / kind.group && (kind.minima || UNSIGNED_WEIGHTS); g++) {
            for (int t = 0; t < tokens; t++) {
                int32_t sum = kind.group == 16 ? s->sum[t][2 * b + (size_t)g] : s->sum[t][2 * b] + s->sum[t][2 * b + 1];
                float real = (float)sum * (kind.scaled == 32 ? s->scale[t][b] : 1.0f);
                int32_t start = -kind.offset * sum;
                memcpy(&value[t], kind.minima ? (void *)&real : (void *)&start, 4);
            }
            spread((uint32_t *)out, value, 1, tokens, split, false);
            out += v;
        }
        if (kind.scaled == 32) {
            spread((uint32_t *)out, (const uint32_t *)&s->scale[0][b], 8, tokens, split, true);
            out += v;
        }
        if (kind.scaled == WIDE && (b + 1) % (WIDE / INT_BLOCK) == 0) {
            spread((uint32_t *)out, (const uint32_t *)&s->scale[0][b + 1 - WIDE / INT_BLOCK], 8, tokens, split, true);
            out += v;
        }
    }
    return out;
}

static void pack_piece(const struct product *p, const struct product_plan *plan, size_t piece, void *packed)
{
    struct arithmetic a = arithmetic_of(p);
    const size_t tile = piece / plan->stripes, begin = piece % plan->stripes * STRIPE;
    bool last = tile + 1 == plan->tiles;
    int vectors = last ? plan->last_vectors : p->row_invariant ? 1 : 2;
    int split = last ? plan->last_split : p->row_invariant ? STEADY : 1;
    int tokens = vectors * LANES / split;
    size_t first = tile * plan->full_tile, k = p->w.k - begin < STRIPE ? p->w.k : begin + STRIPE;
    size_t per_unit = unit_values(a), record = FLOAT_UNITS * per_unit;
    size_t step = a.integer.group ? SUPER : 64 * per_unit;
    uint8_t *out = (uint8_t *)packed + tile * plan->full_bytes + tile_bytes(a, begin, vectors, split);
    struct stretch s;
    for (size_t i = begin; i < k; i += step) {
        size_t n = k - i < step ? k - i : step;
        size_t whole = a.integer.group ? n : (n + record - 1) / record * record;
        for (int t = 0; t < tokens; t++) {
            if (first + (size_t)t >= p->rows) {
                memset(s.units[t], 0, sizeof s.units[t]);
                memset(s.scale[t], 0, sizeof s.scale[t]);
                memset(s.sum[t], 0, sizeof s.sum[t]);
                continue;
            }
            const float *x = p->x + (first + (size_t)t) * p->x_stride + i;
            if (a.integer.group && a.integer.scaled == WIDE) {
                quantize(x, n, WIDE, (quant_a *)s.units[t], s.scale[t], s.sum[t]);
            } else if (a.integer.group) {
                quantize(x, n, INT_BLOCK, (quant_a *)s.units[t], s.scale[t], s.sum[t]);
            } else {
                float rest[64 * 2];
                if (whole > n) {
                    memcpy(rest, x, n * 4);
                    memset(rest + n, 0, (whole - n) * 4);
                    x = rest;
                }
                if (a.bf16)
                    for (size_t j = 0; j < whole; j += LANES)
                        vf_store_bf16((uint8_t *)s.units[t] + 2 * j, vf_load(x + j));
                else
                    memcpy(s.units[t], x, whole * 4);
            }
        }
        if (a.integer.group) {
            out = pack_integers(&s, n, a.integer, vectors, split, out);
        } else {
            size_t units = whole / per_unit;
            interleave(&s, 0, units, vectors, split, out);
            out += units / (size_t)split * (size_t)vectors * VB;
        }
    }
}

/* ---- tiles --------------------------------------------------------------------------------------------------------- */

/* c[row][vectors*LANES] += the product of a tile with INT_ROWS rows of a panel, over n records. */
INLINE void integer_tile(const uint8_t *a, const uint8_t *w, float *c, size_t n, const int V, const int S,
                         const int group, const bool minima, const int scaled)
{
    const int groups = 32 / group, blocks = scaled == WIDE ? SUPER / 32 : 1, units = INT_BLOCK / QUADS, per_group = units / groups;
    const int row_bytes = INT_BLOCK * (int)sizeof(quant_w);
    vf sum[INT_ROWS][2];
    UNROLL for (int r = 0; r < INT_ROWS; r++)
        UNROLL for (int v = 0; v < V; v++)
            sum[r][v] = scaled == 32 ? vf_load(c + (r * V + v) * LANES) : vf_zero();
    for (size_t i = 0; i < n; i++) {
        const float *scales = (const float *)(const void *)(w + blocks * RECORD_VALUES);
        for (int b = 0; b < blocks; b++) {
            const uint8_t *starts = a + units / S * V * VB;
            const uint8_t *scale_a = starts + (minima || UNSIGNED_WEIGHTS ? groups * V * VB : 0);
            UNROLL for (int g = 0; g < groups; g++) {
                vi dot[INT_ROWS][2];
                UNROLL for (int r = 0; r < INT_ROWS; r++)
                    UNROLL for (int v = 0; v < V; v++)
                        dot[r][v] = UNSIGNED_WEIGHTS && !minima ? vi_load(starts + (g * V + v) * VB) : vi_zero();
                UNROLL for (int u = g * per_group; u < (g + 1) * per_group; u += S) {
                    vi x[2];
                    UNROLL for (int v = 0; v < V; v++)
                        x[v] = vi_load(a + (u / S * V + v) * VB);
                    UNROLL for (int r = 0; r < INT_ROWS; r++) {
                        vi y = vi_bcast(w + r * row_bytes + u * 4, S);
                        UNROLL for (int v = 0; v < V; v++)
                            dot[r][v] = vi_dot(dot[r][v], y, x[v]);
                    }
                }
                UNROLL for (int r = 0; r < INT_ROWS; r++) {
                    vf scale = vf_set1(scales[r * blocks * groups + g]);
                    UNROLL for (int v = 0; v < V; v++) {
                        vf part = vf_from_vi(dot[r][v]);
                        if (scaled == 32)
                            part = vf_mul(part, vf_load(scale_a + v * VB));
                        sum[r][v] = vf_fma(part, scale, sum[r][v]);
                        if (minima) {
                            vf minimum = vf_set1(-scales[(INT_ROWS + r) * blocks * groups + g]);
                            sum[r][v] = vf_fma(minimum, vf_load(starts + (g * V + v) * VB), sum[r][v]);
                        }
                    }
                }
            }
            a = scale_a + (scaled == 32 ? V * VB : 0);
            w += RECORD_VALUES;
            scales += groups;
            if (scaled == WIDE && b % (WIDE / 32) == WIDE / 32 - 1) {
                UNROLL for (int r = 0; r < INT_ROWS; r++)
                    UNROLL for (int v = 0; v < V; v++) {
                        float *at = c + (r * V + v) * LANES;
                        vf_store(at, vf_fma(sum[r][v], vf_load(a + v * VB), vf_load(at)));
                        sum[r][v] = vf_zero();
                    }
                a += V * VB;
            }
        }
        w += (minima ? 2 : 1) * blocks * groups * INT_ROWS * 4;
    }
    if (scaled == 32)
        UNROLL for (int r = 0; r < INT_ROWS; r++)
            UNROLL for (int v = 0; v < V; v++)
                vf_store(c + (r * V + v) * LANES, sum[r][v]);
}

/* The same for FLOAT_ROWS rows of a float panel, over `records` records of 16 units. */
INLINE void float_tile(const uint8_t *a, const uint8_t *w, float *c, size_t records, const int V, const int S,
                       const bool bf16)
{
    vf sum[FLOAT_ROWS][2];
    UNROLL for (int r = 0; r < FLOAT_ROWS; r++)
        UNROLL for (int v = 0; v < V; v++)
            sum[r][v] = vf_load(c + (r * V + v) * LANES);
    for (size_t i = 0; i < records; i++) {
        UNROLL for (int u = 0; u < FLOAT_UNITS; u += S) {
            vf x[2];
            UNROLL for (int v = 0; v < V; v++)
                x[v] = vf_load(a + v * VB);
            a += V * VB;
            UNROLL for (int r = 0; r < FLOAT_ROWS; r++) {
                vf y = vf_bcast(w + r * FLOAT_UNITS * 4 + u * 4, S);
                UNROLL for (int v = 0; v < V; v++)
                    sum[r][v] = bf16 ? vf_dot_bf16(sum[r][v], vi_of_vf(y), vi_of_vf(x[v])) : vf_fma(y, x[v], sum[r][v]);
            }
        }
        w += FLOAT_RECORD;
    }
    UNROLL for (int r = 0; r < FLOAT_ROWS; r++)
        UNROLL for (int v = 0; v < V; v++)
            vf_store(c + (r * V + v) * LANES, sum[r][v]);
}

typedef void tile_fn(const uint8_t *a, const uint8_t *w, float *c, size_t n, int vectors, int split);

/* One function a kind, in which every shape is compiled. Shapes that the instruction set or the kind cannot have
 * (split_for never asks for them) vanish. */
#define SHAPES(BODY)                                              \
    if (vectors == 2)                                             \
        BODY(2, 1);                                               \
    else if (split == 1)                                          \
        BODY(1, 1);                                               \
    else if (split == 2)                                          \
        BODY(1, 2);                                               \
    else if (split == 4)                                          \
        BODY(1, 4);                                               \
    else if (LANES >= 8 && split == 8)                            \
        BODY(1, 8);

#define INTEGER_TILE(name, group, minima, scaled)                                                                  \
    static void name(const uint8_t *a, const uint8_t *w, float *c, size_t n, int vectors, int split)              \
    {                                                                                                              \
        SHAPES(INTEGER_SHAPE_##group##_##minima##_##scaled)                                                        \
    }

#define INTEGER_SHAPE_32_0_32(V, S) integer_tile(a, w, c, n, V, S, 32, false, 32)
#define INTEGER_SHAPE_32_1_32(V, S) integer_tile(a, w, c, n, V, S, 32, true, 32)
#define INTEGER_SHAPE_32_0_128(V, S) integer_tile(a, w, c, n, V, S, 32, false, WIDE)
#define INTEGER_SHAPE_32_1_128(V, S) integer_tile(a, w, c, n, V, S, 32, true, WIDE)
#define INTEGER_SHAPE_16_0_128(V, S) integer_tile(a, w, c, n, V, (S) <= 16 / QUADS ? (S) : 1, 16, false, WIDE)
#define INTEGER_SHAPE_16_1_128(V, S) integer_tile(a, w, c, n, V, (S) <= 16 / QUADS ? (S) : 1, 16, true, WIDE)
#define FLOAT_SHAPE(V, S) float_tile(a, w, c, n, V, S, false)
#define BF16_SHAPE(V, S) float_tile(a, w, c, n, V, S, true)

INTEGER_TILE(tile_32_0_32, 32, 0, 32)
INTEGER_TILE(tile_32_1_32, 32, 1, 32)
INTEGER_TILE(tile_32_0_128, 32, 0, 128)
INTEGER_TILE(tile_32_1_128, 32, 1, 128)
INTEGER_TILE(tile_16_0_128, 16, 0, 128)
INTEGER_TILE(tile_16_1_128, 16, 1, 128)

static void tile_float(const uint8_t *a, const uint8_t *w, float *c, size_t n, int vectors, int split)
{
    SHAPES(FLOAT_SHAPE)
    if (LANES >= 16 && split == 16)
        FLOAT_SHAPE(1, 16);
}

static void tile_bf16(const uint8_t *a, const uint8_t *w, float *c, size_t n, int vectors, int split)
{
    SHAPES(BF16_SHAPE)
    if (LANES >= 16 && split == 16)
        BF16_SHAPE(1, 16);
}

static tile_fn *tile_for(struct arithmetic a)
{
    bool m = a.integer.minima;
    if (a.integer.group == 16)
        return m ? tile_16_1_128 : tile_16_0_128;
    if (a.integer.group == 32 && a.integer.scaled == 32)
        return m ? tile_32_1_32 : tile_32_0_32;
    if (a.integer.group == 32)
        return m ? tile_32_1_128 : tile_32_0_128;
    return a.bf16 ? tile_bf16 : tile_float;
}

/* ---- a chunk of rows of w ------------------------------------------------------------------------------------------ */

/* y rows of one tile from its results c[row of w][vectors][LANES], for rows [from, to) of w. */
static void write_tile(const struct product *p, size_t first, int vectors, int split, const float *c, size_t from,
                       size_t to)
{
    for (int v = 0; v < vectors; v++) {
        for (size_t j = from; j < to; j += LANES) {
            size_t n = to - j < LANES ? to - j : LANES;
            vf square[LANES];
            UNROLL for (int i = 0; i < LANES; i++)
                square[i] = vf_load(c + ((j - from + (size_t)i) * (size_t)vectors + (size_t)v) * LANES);
            vf_transpose(square);
            float lanes[LANES][LANES];
            UNROLL for (int i = 0; i < LANES; i++)
                vf_store(lanes[i], square[i]);
            for (int t = 0; t < LANES / split; t++) {
                size_t row = first + (size_t)(v * LANES + t);
                if (row >= p->rows)
                    break;
                vf sum = vf_load(lanes[t * split]);
                for (int s = 1; s < split; s++)
                    sum = vf_add(sum, vf_load(lanes[t * split + s]));
                if (n == LANES)
                    vf_store(p->y + row * p->y_stride + j, sum);
                else
                    vf_store_part(p->y + row * p->y_stride + j, n, sum);
            }
        }
    }
}

static void multiply_chunk(const struct product *p, const struct product_plan *plan, const void *packed, void *work,
                           size_t from, size_t to)
{
    const struct arithmetic a = arithmetic_of(p);
    const bool integers = a.integer.group != 0;
    tile_fn *const tile = tile_for(a);
    const size_t k = p->w.k, block = dtype_block(p->w.type), block_bytes = dtype_block_bytes(p->w.type);
    const size_t rows = integers ? INT_ROWS : FLOAT_ROWS;
    const size_t record = integers ? integer_record(a.integer) : FLOAT_RECORD;
    const size_t values = integers ? (size_t)record_values(a.integer) : FLOAT_UNITS * unit_values(a);
    float *c = (float *)((uint8_t *)work + plan->work_bytes - plan->tiles * NC * 2 * VB);
    uint8_t *panel = work;
    /* Few tiles: each group of rows is multiplied as soon as it is decoded. */
    const bool few = plan->tiles <= MANY;
    const size_t batch = few ? rows : NC, kc = few ? FEW_KC : KC, ahead = rows * p->w.stride;

    memset(c, 0, plan->tiles * NC * 2 * VB);
    for (size_t j0 = from; j0 < to; j0 += batch) {
        const size_t groups = ((to - j0 < batch ? to - j0 : batch) + rows - 1) / rows;
        for (size_t k0 = 0; k0 < k; k0 += kc) {
            const size_t kn = k - k0 < kc ? k - k0 : kc;
            const size_t records = (kn + values - 1) / values;
            const size_t group_bytes = records * record;
            for (size_t r = 0; r < groups * rows; r++) {
                uint8_t *group = panel + r / rows * group_bytes;
                const uint8_t *src = (const uint8_t *)p->w.data + (j0 + r) * p->w.stride + k0 / block * block_bytes;
                if (j0 + r < to && integers)
                    decode_integers(p->w.type, src, kn, group, r % rows, ahead);
                else if (j0 + r < to)
                    decode_floats(p->w.type, src, kn, group, r % rows, a.bf16, ahead);
                else if (integers)
                    clear_integers(p->w.type, kn, group, r % rows);
                else
                    clear_floats(kn, group, r % rows, a.bf16);
            }
            for (size_t t = 0; t < plan->tiles; t++) {
                const bool last = t + 1 == plan->tiles;
                const int vectors = last ? plan->last_vectors : p->row_invariant ? 1 : 2;
                const int split = last ? plan->last_split : p->row_invariant ? STEADY : 1;
                const uint8_t *x = (const uint8_t *)packed + t * plan->full_bytes + tile_bytes(a, k0, vectors, split);
                float *out = c + (t * NC * 2 + (j0 - from) * (size_t)vectors) * LANES;
                for (size_t g = 0; g < groups; g++)
                    tile(x, panel + g * group_bytes, out + g * rows * (size_t)vectors * LANES, records, vectors, split);
            }
        }
    }
    for (size_t t = 0; t < plan->tiles; t++) {
        const bool last = t + 1 == plan->tiles;
        write_tile(p, t * plan->full_tile, last ? plan->last_vectors : p->row_invariant ? 1 : 2,
                   last ? plan->last_split : p->row_invariant ? STEADY : 1, c + t * NC * 2 * LANES, from, to);
    }
}
