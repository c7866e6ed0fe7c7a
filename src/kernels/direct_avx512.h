/* direct_avx512.h - a few rows of activations, weights broadcast from where they lie in the file. Included once, by
 * product_avx512.c, after product_body.h.
 *
 * With one vector of tokens a panel (panel_body.h) costs as much as the products it saves work for, and memory idles while
 * they are done. Here the S units of a weight row that a step needs are broadcast from the file and taken apart in registers,
 * for some rows side by side, while the same lines of the next rows are on their way. Layouts of the activations, results,
 * and the order of every sum are those of product_body.h, so that a result has the same bits either way.
 */
enum { SIDE = 8, SIDE_SUPER = 4 /* rows of w side by side; with blocks of 256 more would not fit the registers */ };

/* Whether product p goes this way. Blocks of 256 but Q4_K take more to take apart than a panel does. */
static bool is_direct(const struct product *p, const struct product_plan *plan)
{
    const int split = p->row_invariant ? STEADY : plan->last_split;
    if (plan->last_vectors != 1 || plan->tiles > (p->row_invariant ? MANY : 1))
        return false;
    switch (p->w.type) {
    case DTYPE_Q8_0: case DTYPE_Q4_0: case DTYPE_Q4_K: return true;
    case DTYPE_BF16: return p->w.k % (2 * FLOAT_UNITS) == 0;
    case DTYPE_F16: return p->math == MATH_NATIVE && split >= 4 && p->w.k % FLOAT_UNITS == 0;
    default: return false;
    }
}

INLINE vi low_nibbles(vi x)
{
    return _mm512_and_si512(x, _mm512_set1_epi8(15));
}
INLINE vi high_nibbles(vi x)
{
    return low_nibbles(_mm512_srli_epi16(x, 4));
}

/* A float16 in all lanes. */
INLINE vf half_everywhere(const void *p)
{
    int16_t h;
    memcpy(&h, p, 2);
    return _mm512_cvtph_ps(_mm256_set1_epi16(h));
}

/* Each function below: c[row][LANES] = the product of a tile with n rows of w, `stride` bytes apart. */

INLINE void direct_q8(const uint8_t *w, size_t stride, const uint8_t *a, float *c, size_t k, const int S, const int n)
{
    const size_t next = (size_t)n * stride;
    vf sum[SIDE];
    UNROLL for (int r = 0; r < n; r++)
        sum[r] = vf_zero();
    for (size_t i = 0; i < k; i += 32, w += 34) {
        const uint8_t *starts = a + 8 / S * VB;
        vi dot[SIDE];
        UNROLL for (int r = 0; r < n; r++) {
            dot[r] = vi_load(starts);
            prefetch_far(w + (size_t)r * stride + next);
        }
        UNROLL for (int u = 0; u < 8; u += S) {
            const vi x = vi_load(a + u / S * VB);
            UNROLL for (int r = 0; r < n; r++) {
                const vi y = vi_bcast(w + (size_t)r * stride + 2 + 4 * u, S);
                dot[r] = vi_dot(dot[r], _mm512_xor_si512(y, _mm512_set1_epi8((char)0x80)), x);
            }
        }
        const vf scale = vf_load(starts + VB);
        UNROLL for (int r = 0; r < n; r++)
            sum[r] = vf_fma(vf_mul(vf_from_vi(dot[r]), scale), half_everywhere(w + (size_t)r * stride), sum[r]);
        a = starts + 2 * VB;
    }
    UNROLL for (int r = 0; r < n; r++)
        vf_store(c + r * LANES, sum[r]);
}

INLINE void direct_q4(const uint8_t *w, size_t stride, const uint8_t *a, float *c, size_t k, const int S, const int n)
{
    const vi halves = _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_setr_epi64x(0, 0, 0x0004000400040004, 0x0004000400040004)),
                                         _mm256_setr_epi64x(0, 0, 0x0004000400040004, 0x0004000400040004), 1);
    const size_t next = (size_t)n * stride;
    vf sum[SIDE];
    UNROLL for (int r = 0; r < n; r++)
        sum[r] = vf_zero();
    for (size_t i = 0; i < k; i += 32, w += 18) {
        const uint8_t *starts = a + 8 / S * VB;
        vi dot[SIDE];
        UNROLL for (int r = 0; r < n; r++) {
            dot[r] = vi_load(starts);
            prefetch_far(w + (size_t)r * stride + next);
        }
        if (S == 8) {
            const vi x = vi_load(a);
            UNROLL for (int r = 0; r < n; r++) {
                const vi y = vi_bcast(w + (size_t)r * stride + 2, 4);
                dot[r] = vi_dot(dot[r], low_nibbles(_mm512_srlv_epi16(y, halves)), x);
            }
        } else {
            UNROLL for (int u = 0; u < 4; u += S) {
                const vi x = vi_load(a + u / S * VB), z = vi_load(a + (u + 4) / S * VB);
                UNROLL for (int r = 0; r < n; r++) {
                    const vi y = vi_bcast(w + (size_t)r * stride + 2 + 4 * u, S);
                    dot[r] = vi_dot(vi_dot(dot[r], low_nibbles(y), x), high_nibbles(y), z);
                }
            }
        }
        const vf scale = vf_load(starts + VB);
        UNROLL for (int r = 0; r < n; r++)
            sum[r] = vf_fma(vf_mul(vf_from_vi(dot[r]), scale), half_everywhere(w + (size_t)r * stride), sum[r]);
        a = starts + 2 * VB;
    }
    UNROLL for (int r = 0; r < n; r++)
        vf_store(c + r * LANES, sum[r]);
}

INLINE void direct_k4(const uint8_t *w, size_t stride, const uint8_t *a, float *c, size_t k, const int S, const int n)
{
    const size_t next = (size_t)n * stride;
    vf all[SIDE_SUPER], sum[SIDE_SUPER];
    UNROLL for (int r = 0; r < n; r++)
        all[r] = sum[r] = vf_zero();
    for (size_t i = 0; i < k; i += SUPER, w += 144) {
        float scales[SIDE_SUPER][8], minima[SIDE_SUPER][8];
        UNROLL for (int r = 0; r < n; r++) {
            const uint8_t *row = w + (size_t)r * stride;
            uint8_t scale[8], minimum[8];
            for (int line = 0; line < 144; line += 64)
                prefetch_far(row + next + line);
            scales_k4(row + 4, scale, minimum);
            put_scales_u8(scales[r], scale, half_float(row));
            put_scales_u8(minima[r], minimum, half_float(row + 2));
        }
        for (int j = 0; j < 4; j++) { /* blocks 2j and 2j + 1: low and high nibbles of the same 32 bytes */
            const uint8_t *other = a + (8 / S + 1) * VB, *after = other + (8 / S + 1) * VB;
            vi dot[SIDE_SUPER][2];
            UNROLL for (int r = 0; r < n; r++)
                dot[r][0] = dot[r][1] = vi_zero();
            UNROLL for (int u = 0; u < 8; u += S) {
                const vi x = vi_load(a + u / S * VB), z = vi_load(other + u / S * VB);
                UNROLL for (int r = 0; r < n; r++) {
                    const vi y = vi_bcast(w + (size_t)r * stride + 16 + 32 * j + 4 * u, S);
                    dot[r][0] = vi_dot(dot[r][0], low_nibbles(y), x);
                    dot[r][1] = vi_dot(dot[r][1], high_nibbles(y), z);
                }
            }
            UNROLL for (int b = 0; b < 2; b++) {
                const vf sums = vf_load((b ? after : other) - VB);
                UNROLL for (int r = 0; r < n; r++) {
                    sum[r] = vf_fma(vf_from_vi(dot[r][b]), vf_set1(scales[r][2 * j + b]), sum[r]);
                    sum[r] = vf_fma(vf_set1(-minima[r][2 * j + b]), sums, sum[r]);
                }
            }
            a = after;
            if (j % 2) {
                const vf scale = vf_load(a);
                UNROLL for (int r = 0; r < n; r++) {
                    all[r] = vf_fma(sum[r], scale, all[r]);
                    sum[r] = vf_zero();
                }
                a += VB;
            }
        }
    }
    UNROLL for (int r = 0; r < n; r++)
        vf_store(c + r * LANES, all[r]);
}

/* S float16 as float32, repeated over the vector. */
INLINE vf halves_bcast(const uint8_t *p, const int S)
{
    int64_t eight;
    memcpy(&eight, p, 8);
    return _mm512_cvtph_ps(S == 4 ? _mm256_set1_epi64x(eight) :
                           S == 8 ? _mm256_broadcastsi128_si256(_mm_loadu_si128((const void *)p)) :
                                    _mm256_loadu_si256((const void *)p));
}

INLINE void direct_floats(const bool bf16, const uint8_t *w, size_t stride, const uint8_t *a, float *c, size_t k, const int S,
                          const int n)
{
    const size_t next = (size_t)n * stride, units = bf16 ? k / 2 : k, width = bf16 ? 4 : 2;
    vf sum[SIDE];
    UNROLL for (int r = 0; r < n; r++)
        sum[r] = vf_zero();
    for (size_t i = 0; i < units; i += 16, w += 16 * width) {
        UNROLL for (int r = 0; r < n; r++)
            prefetch_far(w + (size_t)r * stride + next);
        UNROLL for (int u = 0; u < 16; u += S) {
            const vf x = vf_load(a);
            a += VB;
            UNROLL for (int r = 0; r < n; r++) {
                const uint8_t *row = w + (size_t)r * stride + (size_t)u * width;
                sum[r] = bf16 ? vf_dot_bf16(sum[r], vi_bcast(row, S), vi_of_vf(x)) : vf_fma(halves_bcast(row, S), x, sum[r]);
            }
        }
    }
    UNROLL for (int r = 0; r < n; r++)
        vf_store(c + r * LANES, sum[r]);
}

/* ---- a chunk ------------------------------------------------------------------------------------------------------- */

/* n and S are constants where it is called. Shapes that is_direct and split_for never let through vanish. */
INLINE void direct_rows(enum dtype t, const uint8_t *w, size_t stride, const uint8_t *a, float *c, size_t k, const int S,
                        const int n)
{
    switch (t) {
    case DTYPE_Q8_0: if (S <= 8) direct_q8(w, stride, a, c, k, S <= 8 ? S : 1, n); break;
    case DTYPE_Q4_0: if (S <= 8) direct_q4(w, stride, a, c, k, S <= 8 ? S : 1, n); break;
    case DTYPE_Q4_K: if (S <= 8) direct_k4(w, stride, a, c, k, S <= 8 ? S : 1, n); break;
    case DTYPE_BF16: direct_floats(true, w, stride, a, c, k, S, n); break;
    default: if (S >= 4) direct_floats(false, w, stride, a, c, k, S >= 4 ? S : 4, n); break;
    }
}

INLINE void direct_split(enum dtype t, const struct product *p, const struct product_plan *plan, const void *packed, float *c,
                         size_t from, size_t to, const int S)
{
    const size_t side = t == DTYPE_Q4_K ? SIDE_SUPER : SIDE;
    for (size_t j = from, n; j < to; j += n) {
        const uint8_t *w = (const uint8_t *)p->w.data + j * p->w.stride;
        n = j + side <= to ? side : 1;
        for (size_t tile = 0; tile < plan->tiles; tile++) {
            const uint8_t *a = (const uint8_t *)packed + tile * plan->full_bytes;
            float *out = c + (tile * NC * 2 + (j - from)) * LANES;
            if (n > 1)
                direct_rows(t, w, p->w.stride, a, out, p->w.k, S, t == DTYPE_Q4_K ? SIDE_SUPER : SIDE);
            else
                direct_rows(t, w, p->w.stride, a, out, p->w.k, S, 1);
        }
    }
}

/* multiply_chunk for products that is_direct. */
static void direct_chunk(const struct product *p, const struct product_plan *plan, const void *packed, void *work,
                         size_t from, size_t to)
{
    const int split = p->row_invariant ? STEADY : plan->last_split;
    float *c = (float *)((uint8_t *)work + plan->work_bytes - plan->tiles * NC * 2 * VB);
    switch (p->w.type) { /* each call is compiled for its type and split */
#define CASE(t, S) if (split == S) direct_split(DTYPE_##t, p, plan, packed, c, from, to, S)
    case DTYPE_Q8_0: CASE(Q8_0, 1); CASE(Q8_0, 2); CASE(Q8_0, 4); CASE(Q8_0, 8); break;
    case DTYPE_Q4_0: CASE(Q4_0, 1); CASE(Q4_0, 2); CASE(Q4_0, 4); CASE(Q4_0, 8); break;
    case DTYPE_Q4_K: CASE(Q4_K, 1); CASE(Q4_K, 2); CASE(Q4_K, 4); CASE(Q4_K, 8); break;
    case DTYPE_BF16: CASE(BF16, 1); CASE(BF16, 2); CASE(BF16, 4); CASE(BF16, 8); CASE(BF16, 16); break;
    default: CASE(F16, 4); CASE(F16, 8); CASE(F16, 16); break;
#undef CASE
    }
    for (size_t tile = 0; tile < plan->tiles; tile++)
        write_tile(p, tile * plan->full_tile, 1, split, c + tile * NC * 2 * LANES, from, to);
}
