/* Every storage type against vectors that other implementations decoded (tools/gen_decode_goldens.py), bit for bit; the
 * narrow floats over all their values. */
#include "support/testing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/rng.h"
#include "kernels/decode.h"
#include "kernels/halffloat.h"

static void every_type_decodes_as_others_do(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct file_map m;
    bool seen[DTYPE_COUNT] = {false};
    assert_ok(file_map(&m, SOURCE_DIR "/tests/kernels/golden/decode.bin", &err));
    for (size_t at = 0; at < m.size;) {
        char name[16];
        size_t blocks;
        int used;
        assert_int_equal(sscanf((const char *)m.data + at, "%15s %zu%n", name, &blocks, &used), 2);
        at += (size_t)used + 1;
        enum dtype t;
        assert_ok(dtype_from_name(&t, name, &err));
        size_t n = blocks * dtype_block(t), bytes = blocks * dtype_block_bytes(t);
        assert_true(at + bytes + n * sizeof(float) <= m.size);
        /* an odd address, and exactly as many bytes as belong to it */
        uint8_t *raw = malloc(bytes + 1), *src = raw + 1;
        float *got = malloc(n * sizeof *got);
        memcpy(src, m.data + at, bytes);
        assert_int_equal(decode_row(t, src, got, n), 0);
        for (size_t i = 0; i < n; i++) {
            float want;
            memcpy(&want, m.data + at + bytes + i * sizeof want, sizeof want);
            if (f32_to_bits(got[i]) != f32_to_bits(want))
                fail_msg("%s value %zu: got %a, expected %a", name, i, (double)got[i], (double)want);
        }
        if (dtype_block(t) > 1)
            assert_int_equal(decode_row(t, src, got, n - 1), -1);
        free(raw);
        free(got);
        at += bytes + n * sizeof(float);
        seen[t] = true;
    }
    for (int t = 0; t < DTYPE_COUNT; t++) {
        if (!seen[t])
            fail_msg("no golden for %s", dtype_name((enum dtype)t));
    }
    file_unmap(&m);
}

/* Narrowing must find the nearest of all narrow values, ties to the even one: checked by search over the neighbours. */
static void narrowing_rounds_to_nearest_even(void **state)
{
    (void)state;
    struct rng r;
    rng_init(&r, 7);
    for (int i = 0; i < 65536; i++) {
        uint16_t h = (uint16_t)i;
        float f = f16_to_f32(h), b = bf16_to_f32(h);
        if (!isnan(f))
            assert_int_equal(f16_from_f32(f), h);
        else
            assert_true((f16_from_f32(f) & 0x7E00) == 0x7E00);
        if (!isnan(b))
            assert_int_equal(bf16_from_f32(b), h);
        else
            assert_true(isnan(bf16_to_f32(bf16_from_f32(b))));
        if ((h & 0x7FFF) >= 0x7BFF)
            continue;
        /* the middle between two neighbours goes to the even one, a hair beside it to the nearer one */
        double next = (double)f16_to_f32((uint16_t)(h + 1)), mid = ((double)f + next) / 2;
        uint16_t even = h & 1 ? (uint16_t)(h + 1) : h;
        assert_true((double)(float)mid == mid);
        assert_int_equal(f16_from_f32((float)mid), even);
        assert_int_equal(f16_from_f32(nextafterf((float)mid, f)), h);
        assert_int_equal(f16_from_f32(nextafterf((float)mid, (float)next)), h + 1);
    }
    assert_int_equal(f16_from_f32(65519.99f), 0x7BFF);
    assert_int_equal(f16_from_f32(65520.0f), 0x7C00);
    assert_int_equal(f16_from_f32(-INFINITY), 0xFC00);
    for (int i = 0; i < 100000; i++) {
        float f = f32_from_bits((uint32_t)rng_next(&r));
        if (!isfinite(f) || fabsf(f) > 3.38e38f)
            continue;
        uint16_t got = bf16_from_f32(f);
        double here = fabs((double)bf16_to_f32(got) - (double)f);
        double up = fabs((double)bf16_to_f32((uint16_t)(got + 1)) - (double)f);
        double down = (got & 0x7FFF) ? fabs((double)bf16_to_f32((uint16_t)(got - 1)) - (double)f) : INFINITY;
        assert_true(here <= up && here <= down && (!(got & 1) || (here < up && here < down)));
    }
}

static void f8_narrows_as_torch_does(void **state)
{
    (void)state;
    for (int i = 0; i < 256; i++) {
        float f = f8_e4m3_to_f32((uint8_t)i);
        if ((i & 127) == 127) {
            assert_true(isnan(f));
            assert_int_equal(f8_e4m3_from_f32(f) & 127, 127);
            continue;
        }
        assert_int_equal(f8_e4m3_from_f32(f), i);
        if ((i & 127) == 126)
            continue;
        float next = f8_e4m3_to_f32((uint8_t)(i + 1)), mid = (f + next) / 2;
        assert_int_equal(f8_e4m3_from_f32(mid), i & 1 ? i + 1 : i);
        assert_int_equal(f8_e4m3_from_f32(nextafterf(mid, f)), i);
        assert_int_equal(f8_e4m3_from_f32(nextafterf(mid, next)), i + 1);
    }
    assert_true(f8_e4m3_to_f32(0x7E) == 448 && f8_e4m3_to_f32(0x01) == 0x1p-9f && f8_e4m3_to_f32(0x08) == 0x1p-6f);
    assert_int_equal(f8_e4m3_from_f32(464), 0x7E);
    assert_int_equal(f8_e4m3_from_f32(464.01f), 0x7F);
    assert_int_equal(f8_e4m3_from_f32(-INFINITY), 0xFF);
}

static void nan_scales_reach_the_values(void **state)
{
    (void)state;
    uint8_t block[34] = {0x00, 0x7E, 1, 2, 3};
    float y[32];
    assert_int_equal(decode_row(DTYPE_Q8_0, block, y, 32), 0);
    assert_true(isnan(y[0]) && isnan(y[31]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_decodes_as_others_do),
        cmocka_unit_test(narrowing_rounds_to_nearest_even),
        cmocka_unit_test(f8_narrows_as_torch_does),
        cmocka_unit_test(nan_scales_reach_the_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
