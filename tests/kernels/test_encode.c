/* encode_row: what is written decodes near, nearer than the obvious way, and never to nonsense. */
#include "support/testing.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "kernels/decode.h"
#include "kernels/encode.h"

enum { N = 256 * 64 };

static const enum dtype blocks[] = {DTYPE_Q4_0, DTYPE_Q4_1, DTYPE_Q5_0, DTYPE_Q5_1, DTYPE_Q8_0,
                                    DTYPE_Q2_K, DTYPE_Q3_K, DTYPE_Q4_K, DTYPE_Q5_K, DTYPE_Q6_K};
enum { N_BLOCKS = sizeof blocks / sizeof blocks[0] };

struct data {
    float x[N], y[N], importance[N];
    unsigned char bytes[N * 4];
};

static void *new_data(void)
{
    struct data *d = malloc(sizeof *d);
    assert_non_null(d);
    struct rng r;
    rng_init(&r, 1);
    for (int i = 0; i < N; i++) {
        /* one value in fifty is five times as wide: weights have tails */
        d->x[i] = (float)(0.02 * rng_normal(&r) * (rng_below(&r, 50) == 0 ? 5 : 1));
        d->importance[i] = (float)exp(2 * rng_normal(&r));
    }
    return d;
}

static double error_of(const struct data *d, const float *weights)
{
    double e = 0;
    for (int i = 0; i < N; i++) {
        double diff = (double)d->x[i] - (double)d->y[i];
        e += (weights ? (double)weights[i] : 1) * diff * diff;
    }
    return e;
}

static void round_trip(struct data *d, enum dtype t, const float *importance)
{
    encode_row(t, d->x, importance, d->bytes, N);
    assert_int_equal(decode_row(t, d->bytes, d->y, N), 0);
}

static void plain_types_round_once(void **state)
{
    (void)state;
    struct data *d = new_data();
    round_trip(d, DTYPE_F32, NULL);
    assert_memory_equal(d->x, d->y, sizeof d->x);
    round_trip(d, DTYPE_F16, NULL);
    for (int i = 0; i < N; i++)
        assert_true(fabsf(d->x[i] - d->y[i]) <= fabsf(d->x[i]) * 0x1p-11f + 0x1p-25f);
    round_trip(d, DTYPE_BF16, NULL);
    for (int i = 0; i < N; i++)
        assert_true(fabsf(d->x[i] - d->y[i]) <= fabsf(d->x[i]) * 0x1p-8f);
    d->x[0] = FLT_MAX; /* the largest finite number of float16, not infinity */
    round_trip(d, DTYPE_F16, NULL);
    assert_true(d->y[0] == 65504.0f);
    free(d);
}

/* What a first attempt would do with as many levels for each 32 (or 16) values: one scale that reaches the largest
 * value, or the least and the largest; scales in full precision, so even favoured. */
static double obvious_error(const struct data *d, int len, int levels, bool affine)
{
    double e = 0;
    for (int b = 0; b < N; b += len) {
        float lo = d->x[b], hi = d->x[b];
        for (int i = 0; i < len; i++) {
            lo = fminf(lo, d->x[b + i]);
            hi = fmaxf(hi, d->x[b + i]);
        }
        float most = fmaxf(fabsf(lo), fabsf(hi));
        float offset = affine ? lo : -most;
        float step = affine ? (hi - lo) / (float)(levels - 1) : 2 * most / (float)(levels - 1);
        for (int i = 0; i < len; i++) {
            double diff = (double)d->x[b + i] - (double)(offset + step * roundf((d->x[b + i] - offset) / step));
            e += diff * diff;
        }
    }
    return e;
}

static void blocks_beat_the_obvious_way(void **state)
{
    (void)state;
    static const struct {
        enum dtype t;
        int len, levels;
        bool affine;
        double share; /* of the obvious error that may remain */
    } cases[] = {
        {DTYPE_Q4_0, 32, 16, false, 0.85}, {DTYPE_Q4_1, 32, 16, true, 0.9},  {DTYPE_Q5_0, 32, 32, false, 0.95},
        {DTYPE_Q5_1, 32, 32, true, 0.95},  {DTYPE_Q8_0, 32, 255, false, 1.02}, {DTYPE_Q2_K, 16, 4, true, 0.9},
        {DTYPE_Q3_K, 16, 8, false, 0.85},  {DTYPE_Q4_K, 32, 16, true, 0.95}, {DTYPE_Q5_K, 32, 32, true, 1.0},
        {DTYPE_Q6_K, 16, 64, false, 1.0},
    };
    struct data *d = new_data();
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        round_trip(d, cases[c].t, NULL);
        double share = error_of(d, NULL) / obvious_error(d, cases[c].len, cases[c].levels, cases[c].affine);
        printf("%-5s error / obvious error %.3f\n", dtype_name(cases[c].t), share);
        if (!(share <= cases[c].share))
            fail_msg("%s: %.3f of the obvious error, at most %.2f expected", dtype_name(cases[c].t), share, cases[c].share);
    }
    free(d);
}

static void importance_moves_the_error_where_it_matters_less(void **state)
{
    (void)state;
    struct data *d = new_data();
    for (int i = 0; i < N_BLOCKS; i++) {
        if (blocks[i] == DTYPE_Q8_0)
            continue; /* fine enough: its one scale is not searched */
        round_trip(d, blocks[i], NULL);
        double blind = error_of(d, d->importance);
        round_trip(d, blocks[i], d->importance);
        double seeing = error_of(d, d->importance);
        if (!(seeing < 0.95 * blind))
            fail_msg("%s: %.3f of the weighted error remains", dtype_name(blocks[i]), seeing / blind);
    }
    free(d);
}

static void values_that_fit_exactly_come_back_exactly(void **state)
{
    (void)state;
    struct data *d = new_data();
    struct rng r;
    rng_init(&r, 2);
    /* multiples of 1/64 that use all levels of a 4-bit block, so that only one scale is right */
    for (int i = 0; i < N; i++)
        d->x[i] = (float)(i % 32 == 0 ? -8 : i % 32 == 1 ? 7 : (int)rng_below(&r, 16) - 8) / 64;
    for (int i = 0; i < N_BLOCKS; i++) {
        enum dtype t = blocks[i];
        if (t == DTYPE_Q2_K || t == DTYPE_Q3_K || t == DTYPE_Q8_0 || t == DTYPE_Q4_K || t == DTYPE_Q5_K || t == DTYPE_Q6_K)
            continue; /* too few levels, or a scale that is a product */
        round_trip(d, t, NULL);
        for (int k = 0; k < N; k++)
            if (d->x[k] != d->y[k])
                fail_msg("%s: value %d was %g and is %g", dtype_name(t), k, (double)d->x[k], (double)d->y[k]);
    }
    free(d);
}

static void extremes_stay_finite(void **state)
{
    (void)state;
    struct data *d = new_data();
    static const float magnitudes[] = {0, FLT_TRUE_MIN, 1e-30f, 1e-12f, 6e-8f, 1, 1e4f, 65504, 1e6f, 1e30f};
    struct rng r;
    rng_init(&r, 3);
    for (size_t m = 0; m < sizeof magnitudes / sizeof magnitudes[0]; m++) {
        for (int shape = 0; shape < 4; shape++) {
            for (int i = 0; i < N; i++) {
                float unit = shape == 0   ? 1                                     /* all equal */
                             : shape == 1 ? (i % 256 == 7 ? 1.0f : 0.0f)          /* one in a super-block */
                             : shape == 2 ? -(float)rng_unit(&r)                  /* one sign */
                                          : (float)(2 * rng_unit(&r) - 1);
                d->x[i] = magnitudes[m] * unit;
            }
            for (int b = 0; b < N_BLOCKS; b++) {
                round_trip(d, blocks[b], shape == 3 ? d->importance : NULL);
                for (int i = 0; i < N; i++) {
                    if (!isfinite(d->y[i]))
                        fail_msg("%s: %g became %g (shape %d)", dtype_name(blocks[b]), (double)d->x[i], (double)d->y[i], shape);
                    if (magnitudes[m] == 0)
                        assert_true(d->y[i] == 0);
                }
            }
        }
    }
    for (int i = 0; i < N; i++)
        d->importance[i] = 0; /* columns that no text ever used */
    for (int b = 0; b < N_BLOCKS; b++) {
        round_trip(d, blocks[b], d->importance);
        for (int i = 0; i < N; i++)
            assert_true(isfinite(d->y[i]));
    }
    free(d);
}

static void blocks_do_not_depend_on_their_neighbours(void **state)
{
    (void)state;
    struct data *d = new_data();
    unsigned char *pieces = malloc(sizeof d->bytes);
    assert_non_null(pieces);
    for (int b = 0; b < N_BLOCKS; b++) {
        enum dtype t = blocks[b];
        round_trip(d, t, d->importance);
        for (int i = 0; i < N; i += 256)
            encode_row(t, d->x + i, d->importance + i, pieces + (size_t)i / dtype_block(t) * dtype_block_bytes(t), 256);
        assert_memory_equal(pieces, d->bytes, N / dtype_block(t) * dtype_block_bytes(t));
    }
    free(pieces);
    free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_types_round_once),
        cmocka_unit_test(blocks_beat_the_obvious_way),
        cmocka_unit_test(importance_moves_the_error_where_it_matters_less),
        cmocka_unit_test(values_that_fit_exactly_come_back_exactly),
        cmocka_unit_test(extremes_stay_finite),
        cmocka_unit_test(blocks_do_not_depend_on_their_neighbours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
