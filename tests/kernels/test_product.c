/* The matrix product of every set, type and shape against the scalar one, within bounds that follow from the arithmetic.
 * Weights, activations and results end at guard pages. */
#include "kernels/product.h"

#include "kernel_cases.h"

#include "base/mem.h"

static const struct kernel_set *oracle(void)
{
    struct err err = ERR_INIT;
    const struct kernel_set *k;
    assert_ok(kernels_choose(&k, "scalar", &err));
    return k;
}

static void run(const struct kernel_set *k, struct team *t, const struct product *p, size_t n)
{
    size_t bytes = product_scratch(k, p, n, team_size(t));
    char *scratch = mem_alloc_aligned(bytes + 64, 1, 64, NULL);
    assert_non_null(scratch);
    memset(scratch, 0xff, bytes + 64); /* NaNs: what is read before it is written shows */
    mem_forbid("a product");
    product_run(k, t, p, n, scratch);
    mem_permit();
    for (size_t i = 0; i < 64; i++) /* asked for as much as it used */
        assert_int_equal((unsigned char)scratch[bytes + i], 0xff);
    free(scratch);
}

/* How far a result may be from the exact one: rounding of activations, of weights, and of float sums.
 *   8-bit activations: each is off by at most half a scale, scale = largest of 32 (128 for types with blocks of 256) / 127;
 *   bfloat16: 2^-9 of the activation, and of the weight if that had to be rounded;
 *   float32 sums: 2^-24 of the sum of magnitudes for each addition of the longest chain. */
static double bound(const struct product *p, const float *x, const float *w)
{
    const size_t k = p->w.k;
    const enum dtype t = p->w.type;
    double magnitude = 0, most_w = 0, sum_x = 0, quantized = 0;
    for (size_t i = 0; i < k; i++) {
        magnitude += fabs((double)x[i] * (double)w[i]);
        most_w = fmax(most_w, fabs((double)w[i]));
        sum_x += fabs((double)x[i]);
    }
    const double ulp = ldexp(1, -24), half = ldexp(1, -9);
    const bool is_float = dtype_block(t) == 1;
    if (is_float) {
        double rounding = 0;
        if (t == DTYPE_BF16)
            rounding = half;
        else if (p->math == MATH_BF16 && (t == DTYPE_F32 || t == DTYPE_F16))
            rounding = 2 * half + half * half;
        return (rounding + ((double)k + 4) * ulp) * magnitude + 1e-37;
    }
    const size_t scaled = dtype_block(t) == 256 ? 128 : 32;
    for (size_t i = 0; i < k; i += scaled) {
        double most = 0, weights = 0;
        for (size_t j = i; j < i + scaled; j++) {
            most = fmax(most, fabs((double)x[j]));
            weights += fabs((double)w[j]);
        }
        quantized += (most / 127 / 2 * (1 + 1e-5) + 1e-30) * weights;
    }
    /* minima and quants are summed apart: each may be four times the weight it gives (random blocks) */
    return quantized + ((double)k / 16 + 32) * ulp * 4 * most_w * sum_x + 1e-37;
}

struct shape {
    size_t rows, n, blocks; /* k = blocks * dtype_block */
};

static void check(const struct kernel_set *k, struct team *team, enum dtype t, struct shape s, enum math math,
                  bool invariant, double sd)
{
    struct rng r;
    rng_init(&r, s.rows * 7919 + s.n * 104729 + s.blocks + t);
    const size_t cols = s.blocks * dtype_block(t), row_bytes = s.blocks * dtype_block_bytes(t);
    /* rows of w may lie further apart than they are long */
    const size_t gap = s.n % 3 == 1 ? 6 : 0, stride = row_bytes + gap;
    struct guarded w = guarded_alloc((s.n - 1) * stride + row_bytes);
    random_weights(&r, t, w.data, row_bytes);
    for (size_t j = 1; j < s.n; j++)
        random_weights(&r, t, w.data + j * stride, row_bytes);
    struct guarded x = guarded_alloc(s.rows * cols * 4), y = guarded_alloc(s.rows * s.n * 4);
    random_floats(&r, (float *)x.data, s.rows * cols, sd);
    if (s.rows > 2) /* a row of zeros among the others */
        memset(x.data + cols * 4, 0, cols * 4);
    float *want = mem_alloc(s.rows * s.n, 4, NULL), *decoded = mem_alloc(cols, 4, NULL);
    struct product p = {.w = {t, w.data, stride, s.n, cols}, .x = (float *)x.data, .x_stride = cols, .y = want,
                        .y_stride = s.n, .rows = s.rows, .math = math, .row_invariant = invariant};
    run(oracle(), team, &p, 1);
    p.y = (float *)y.data;
    memset(y.data, 0xff, s.rows * s.n * 4);
    run(k, team, &p, 1);
    for (size_t j = 0; j < s.n; j++) {
        assert_int_equal(decode_row(t, w.data + j * stride, decoded, cols), 0);
        for (size_t i = 0; i < s.rows; i++) {
            double limit = bound(&p, p.x + i * cols, decoded);
            double off = fabs((double)p.y[i * s.n + j] - (double)want[i * s.n + j]);
            if (!(off <= limit + fabs((double)want[i * s.n + j]) * ldexp(1, -24)))
                fail_msg("%s %s%s: %zu rows, n %zu, k %zu: y[%zu][%zu] is %.9g, exactly %.9g, off by %.3g, allowed %.3g",
                         k->name, dtype_name(t), math ? " in bfloat16" : "", s.rows, s.n, cols, i, j,
                         (double)p.y[i * s.n + j], (double)want[i * s.n + j], off, limit);
        }
    }
    free(want);
    free(decoded);
    guarded_free(&w);
    guarded_free(&x);
    guarded_free(&y);
}

static const enum dtype types[] = {
    DTYPE_F32,  DTYPE_F16,  DTYPE_BF16, DTYPE_Q8_0, DTYPE_Q4_0, DTYPE_Q4_1, DTYPE_Q5_0, DTYPE_Q5_1,   DTYPE_Q2_K,
    DTYPE_Q3_K, DTYPE_Q4_K, DTYPE_Q5_K, DTYPE_Q6_K, DTYPE_IQ4_NL, DTYPE_IQ4_XS, DTYPE_I8, DTYPE_F8_E4M3, DTYPE_F64,
};
enum { N_TYPES = sizeof types / sizeof types[0] };

static void every_type_and_shape_is_within_its_bound(void **state)
{
    (void)state;
    static const struct shape shapes[] = {
        {1, 1, 1},  {1, 48, 2},  {1, 49, 9},  {2, 7, 3},   {3, 100, 1}, {4, 6, 8},   {5, 47, 5},  {7, 13, 2},  {8, 12, 4},
        {9, 50, 1}, {15, 5, 3},  {16, 16, 8}, {17, 31, 2}, {24, 3, 1},  {31, 33, 2}, {32, 48, 3}, {33, 2, 1},  {40, 49, 2},
        {48, 7, 1}, {64, 14, 2}, {65, 97, 1}, {70, 53, 4}, {130, 50, 2}, {150, 7, 1}, {200, 48, 1},
    };
    struct err err = ERR_INIT;
    struct team *team;
    assert_ok(team_open(&team, 2, &err));
    for (size_t s = 0; fast_set(s); s++)
        for (size_t t = 0; t < N_TYPES; t++) {
            const size_t block = dtype_block(types[t]);
            for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
                struct shape shape = shapes[i];
                if (block == 1) /* lengths that are not whole vectors, too */
                    shape.blocks = shape.blocks * 32 + i * 3 - 17 * (i % 2);
                for (enum math m = MATH_NATIVE; m <= MATH_BF16; m++)
                    if (m == MATH_NATIVE || types[t] == DTYPE_F32 || types[t] == DTYPE_F16)
                        check(fast_set(s), team, types[t], shape, m, false, 1);
            }
            for (size_t rows = 1; rows <= 37; rows += 3)
                check(fast_set(s), team, types[t], (struct shape){rows, 11, 256 / block * 2}, MATH_NATIVE, true, 1);
        }
    team_close(team);
}

static void long_rows_are_summed_in_stretches(void **state)
{
    (void)state;
    static const size_t lengths[] = {2048, 2048 + 256, 4096 + 512, 8192};
    struct err err = ERR_INIT;
    struct team *team;
    assert_ok(team_open(&team, 1, &err));
    for (size_t s = 0; fast_set(s); s++)
        for (size_t t = 0; t < N_TYPES; t++)
            for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
                size_t blocks = lengths[i] / dtype_block(types[t]);
                if (dtype_block(types[t]) == 1 && i == 1)
                    blocks += 5;
                check(fast_set(s), team, types[t], (struct shape){3 + 31 * (i == 2), 13, blocks}, MATH_NATIVE, false, 1);
            }
    team_close(team);
}

static void extreme_values_keep_their_bounds(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct team *team;
    assert_ok(team_open(&team, 1, &err));
    for (size_t s = 0; fast_set(s); s++)
        for (size_t t = 0; t < N_TYPES; t++) {
            static const double sizes[] = {1e30, 1e-25, 1e-33, 1e-41};
            for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
                if (types[t] == DTYPE_F64 && sizes[i] > 1)
                    continue;
                check(fast_set(s), team, types[t], (struct shape){5, 9, 256 / dtype_block(types[t])}, MATH_NATIVE, false,
                      sizes[i]);
            }
        }
    team_close(team);
}

static void what_is_not_finite_is_not_hidden(void **state)
{
    (void)state;
    enum { K = 512, N = 5, ROWS = 6 };
    struct err err = ERR_INIT;
    struct team *team;
    struct rng r;
    static float x[ROWS * K], y[ROWS * N];
    static char w[N * K * 8];
    assert_ok(team_open(&team, 1, &err));
    for (size_t s = 0; fast_set(s); s++)
        for (size_t t = 0; t < N_TYPES; t++) {
            rng_init(&r, t);
            size_t bytes = K / dtype_block(types[t]) * dtype_block_bytes(types[t]);
            random_weights(&r, types[t], w, N * bytes);
            random_floats(&r, x, ROWS * K, 1);
            x[2 * K + 77] = NAN;
            x[4 * K + 401] = INFINITY;
            struct product p = {.w = {types[t], w, bytes, N, K}, .x = x, .x_stride = K, .y = y, .y_stride = N, .rows = ROWS};
            run(fast_set(s), team, &p, 1);
            for (size_t i = 0; i < ROWS * N; i++) {
                bool bad = i / N == 2 || i / N == 4;
                if (bad != !isfinite(y[i]))
                    fail_msg("%s %s: y[%zu][%zu] is %g", fast_set(s)->name, dtype_name(types[t]), i / N, i % N, (double)y[i]);
            }
        }
    team_close(team);
}

/* Several products that share x, other strides than widths, and more rows than one pass takes. */
static void products_together_are_products_alone(void **state)
{
    (void)state;
    enum { K = 512, N = 61, ROWS = 600 };
    static const enum dtype kinds[] = {DTYPE_Q4_K, DTYPE_Q6_K, DTYPE_Q4_K, DTYPE_F16, DTYPE_Q8_0};
    struct err err = ERR_INIT;
    struct rng r;
    rng_init(&r, 5);
    float *x = mem_alloc(ROWS * (K + 3), 4, NULL), *together = mem_alloc(5 * ROWS * (N + 2), 4, NULL),
          *alone = mem_alloc(5 * ROWS * (N + 2), 4, NULL);
    char *w = mem_alloc(5 * N * K, 2, NULL);
    random_floats(&r, x, ROWS * (K + 3), 1);
    for (size_t s = 0; fast_set(s); s++) {
        for (int threads = 1; threads <= 4; threads++) {
            struct team *team;
            assert_ok(team_open(&team, threads, &err));
            struct product p[5];
            for (size_t i = 0; i < 5; i++) {
                size_t bytes = K / dtype_block(kinds[i]) * dtype_block_bytes(kinds[i]);
                random_weights(&r, kinds[i], w + i * N * K * 2, N * bytes);
                p[i] = (struct product){.w = {kinds[i], w + i * N * K * 2, bytes, N - i, K}, .x = x, .x_stride = K + 3,
                                        .y = together + i * ROWS * (N + 2), .y_stride = N + 2, .rows = ROWS};
            }
            memset(together, 0, 5 * ROWS * (N + 2) * 4);
            memset(alone, 0, 5 * ROWS * (N + 2) * 4);
            run(fast_set(s), team, p, 5);
            team_close(team);
            assert_ok(team_open(&team, 1, &err));
            for (size_t i = 0; i < 5; i++) {
                p[i].y = alone + i * ROWS * (N + 2);
                run(fast_set(s), team, &p[i], 1);
            }
            team_close(team);
            assert_memory_equal(together, alone, 5 * ROWS * (N + 2) * 4);
            for (size_t i = 0; i < 5; i++) /* nothing beyond a row's n outputs */
                assert_true(together[i * ROWS * (N + 2) + N - i] == 0);
        }
    }
    free(x);
    free(together);
    free(alone);
    free(w);
}

static void row_invariant_rows_have_the_same_bits_in_any_company(void **state)
{
    (void)state;
    enum { K = 2304, N = 50, ROWS = 37 };
    struct err err = ERR_INIT;
    struct rng r;
    struct team *team;
    rng_init(&r, 11);
    float *x = mem_alloc(ROWS * K, 4, NULL), *all = mem_alloc(ROWS * N, 4, NULL), *some = mem_alloc(ROWS * N, 4, NULL);
    char *w = mem_alloc(N * K, 8, NULL);
    random_floats(&r, x, ROWS * K, 1);
    assert_ok(team_open(&team, 2, &err));
    for (size_t s = 0; fast_set(s); s++)
        for (size_t t = 0; t < N_TYPES; t++) {
            size_t bytes = K / dtype_block(types[t]) * dtype_block_bytes(types[t]);
            random_weights(&r, types[t], w, N * bytes);
            struct product p = {.w = {types[t], w, bytes, N, K}, .x = x, .x_stride = K, .y = all, .y_stride = N,
                                .rows = ROWS, .row_invariant = true};
            run(fast_set(s), team, &p, 1);
            for (size_t first = 0; first < ROWS; first += 5) {
                for (size_t rows = 1; rows <= 32 && first + rows <= ROWS; rows = rows * 2 + 1) {
                    p.x = x + first * K;
                    p.y = some;
                    p.rows = rows;
                    run(fast_set(s), team, &p, 1);
                    assert_memory_equal(some, all + first * N, rows * N * 4);
                }
            }
        }
    team_close(team);
    free(x);
    free(all);
    free(some);
    free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_and_shape_is_within_its_bound),
        cmocka_unit_test(long_rows_are_summed_in_stretches),
        cmocka_unit_test(extreme_values_keep_their_bounds),
        cmocka_unit_test(what_is_not_finite_is_not_hidden),
        cmocka_unit_test(products_together_are_products_alone),
        cmocka_unit_test(row_invariant_rows_have_the_same_bits_in_any_company),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
