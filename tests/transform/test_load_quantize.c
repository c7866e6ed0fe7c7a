/* INT8 and NF4 against bitsandbytes (tools/gen_load_quantization.py), and whole models quantized when they are loaded. */
#include "support/testing.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/mem.h"
#include "kernels/decode.h"
#include "kernels/halffloat.h"
#include "models/arch.h"
#include "models/session.h"
#include "transform/load_quantize.h"
#include "transform/low_bit.h"

enum { ROWS = 72, COLUMNS = 256, BLOCKS = ROWS * COLUMNS / NF4_BLOCK };

static void fill(float *x)
{
    for (uint64_t i = 0; i < ROWS * COLUMNS; i++) {
        uint32_t u = (uint32_t)(i * 2654435761u + 777);
        double v = ((double)(u >> 8) - 8388608) / 8388608;
        x[i] = (float)(v * v * v * ldexp(1, (int)(i / COLUMNS % 5) - 4));
    }
}

static void nf4_is_that_of_bitsandbytes(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    static float x[ROWS * COLUMNS], magnitudes[BLOCKS];
    static uint8_t codes[BLOCKS][32];
    uint8_t block[NF4_BYTES];
    char hex[65];
    json_t *golden = json_read(SOURCE_DIR "/tests/transform/golden/load_quantization.json", 1 << 20, &err);
    assert_non_null(golden);
    fill(x);
    for (size_t b = 0; b < BLOCKS; b++)
        magnitudes[b] = nf4_magnitude(x + b * NF4_BLOCK);
    nf4_double_quantize(magnitudes, BLOCKS);
    for (size_t b = 0; b < BLOCKS; b++) {
        double want = json_number_value(json_array_get(json_object_get(golden, "nf4_magnitudes"), b));
        assert_close((double)magnitudes[b], want, 1e-7, "a magnitude"); /* the mean is summed in another order */
        nf4_encode_block(x + b * NF4_BLOCK, magnitudes[b], block);
        memcpy(codes[b], block + 4, 32);
    }
    assert_ok(sha256_bytes(hex, codes, sizeof codes, NULL, NULL, &err));
    assert_string_equal(hex, json_string_value(json_object_get(golden, "nf4_codes")));
    json_decref(golden);
}

static void int8_is_that_of_bitsandbytes(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    static float x[ROWS * COLUMNS];
    static uint8_t out[ROWS][COLUMNS / INT8_BLOCK * INT8_BYTES], codes[ROWS][COLUMNS];
    char hex[65];
    json_t *golden = json_read(SOURCE_DIR "/tests/transform/golden/load_quantization.json", 1 << 20, &err);
    assert_non_null(golden);
    fill(x);
    for (size_t i = 0; i < ROWS * COLUMNS; i++) /* the library takes float16 */
        x[i] = f16_to_f32(f16_from_f32(x[i]));
    for (size_t r = 0; r < ROWS; r++) {
        float scale, want = (float)json_number_value(json_array_get(json_object_get(golden, "int8_scales"), r)) / 127.0f;
        int8_encode_row(x + r * COLUMNS, COLUMNS, NULL, out[r]);
        for (size_t b = 0; b < COLUMNS / INT8_BLOCK; b++) {
            memcpy(&scale, out[r] + b * INT8_BYTES, sizeof scale);
            assert_true(scale == want);
            memcpy(codes[r] + b * INT8_BLOCK, out[r] + b * INT8_BYTES + 4, INT8_BLOCK);
        }
    }
    assert_ok(sha256_bytes(hex, codes, sizeof codes, NULL, NULL, &err));
    assert_string_equal(hex, json_string_value(json_object_get(golden, "int8_codes")));
    json_decref(golden);
}

/* A column left out has no part in the scale, and its place is zero. */
static void int8_leaves_columns_out(void **state)
{
    (void)state;
    float x[64], back[64];
    bool out[64] = {[7] = true};
    uint8_t blocks[2 * INT8_BYTES];
    for (int i = 0; i < 64; i++)
        x[i] = (float)(i - 32) / 32;
    x[7] = 1000;
    int8_encode_row(x, 64, out, blocks);
    assert_int_equal(decode_row(DTYPE_INT8, blocks, back, 64), 0);
    for (int i = 0; i < 64; i++)
        assert_close((double)back[i], i == 7 ? 0 : (double)x[i], 0.5 / 127 + 1e-7, "a value");
    memset(x, 0, sizeof x);
    int8_encode_row(x, 64, NULL, blocks);
    decode_row(DTYPE_INT8, blocks, back, 64);
    for (int i = 0; i < 64; i++)
        assert_true(back[i] == 0);
}

/* ---- models ----------------------------------------------------------------------------------------------------- */

static const char teacher[] = SOURCE_DIR "/models/teacher";
static const int32_t ids[] = {84, 104, 101, 32, 114, 105, 118, 101, 114, 32};
enum { N_IDS = sizeof ids / sizeof ids[0] };

static float *logits_of(struct model *m, const char *variant)
{
    struct err err = ERR_INIT;
    struct session *s;
    struct row rows[N_IDS];
    struct model_facts f;
    model_facts(m, &f);
    assert_ok(session_open(&s, m, &(struct session_options){.variant = variant, .context = 32, .threads = 1}, &err));
    for (int i = 0; i < N_IDS; i++)
        rows[i] = (struct row){.pos = i, .token = ids[i], .parent = ROW_CHAIN, .want = i + 1 == N_IDS ? ROW_LOGITS : 0};
    assert_ok(session_forward(s, rows, N_IDS, &err));
    float *out = malloc((size_t)f.vocabulary * sizeof *out);
    memcpy(out, session_logits(s, N_IDS - 1), (size_t)f.vocabulary * sizeof *out);
    session_close(s);
    return out;
}

static double divergence(const float *p, const float *q, size_t n)
{
    double sum_p = 0, sum_q = 0, kl = 0;
    for (size_t i = 0; i < n; i++) {
        sum_p += exp((double)p[i]);
        sum_q += exp((double)q[i]);
    }
    for (size_t i = 0; i < n; i++)
        kl += exp((double)p[i]) / sum_p * ((double)p[i] - log(sum_p) - (double)q[i] + log(sum_q));
    return kl;
}

/* Each type: near the file's own weights, by as much as the type allows, and the same in both variants of the engine. */
static void models_are_near_what_they_were(void **state)
{
    (void)state;
    static const struct {
        const char *name, *called;
        double least, most; /* KL to the file's weights: more than nothing, and not too much */
        int kept;
    } cases[] = {{"float16", "f16 at load", 0, 1e-5, 0}, {"q8_0", "q8_0 at load", 1e-8, 2e-3, 0},
                 {"int8", "int8 at load", 1e-8, 2e-2, 1}, {"nf4", "nf4 at load", 1e-5, 0.5, 1},
                 {"q4_k_m", "q4_k_m at load", 1e-5, 0.5, 0}};
    struct err err = ERR_INIT;
    struct model *plain;
    struct model_facts f;
    assert_ok(model_open_weights(&plain, teacher, &err));
    float *want = logits_of(plain, "ref");
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        struct model *m;
        struct load_report r;
        struct model_step before, after;
        assert_ok(model_open_weights(&m, teacher, &err));
        model_step(m, &before);
        assert_ok(load_quantize(m, cases[c].name, 2, &r, &err));
        model_step(m, &after);
        model_facts(m, &f);
        assert_string_equal(f.quantization, cases[c].called);
        assert_int_equal(r.kept, cases[c].kept);
        assert_true(r.quantized > 20);
        assert_true(cases[c].least == 0 ? after.bytes == before.bytes : after.bytes < before.bytes);
        assert_true(after.row_ops == before.row_ops);
        float *ref = logits_of(m, "ref"), *fast = logits_of(m, "fast");
        double kl = divergence(want, ref, (size_t)f.vocabulary), apart = divergence(ref, fast, (size_t)f.vocabulary);
        if (!(kl >= cases[c].least && kl <= cases[c].most))
            fail_msg("%s: KL %g to the file's weights, expected %g to %g", cases[c].name, kl, cases[c].least, cases[c].most);
        if (!(apart < 5e-3))
            fail_msg("%s: KL %g between ref and fast", cases[c].name, apart);
        free(ref);
        free(fast);
        model_close(m);
    }
    free(want);
    model_close(plain);
}

/* Columns of outliers: what int8 and they hold together is the weight, to half a step of its row. */
static void outliers_are_kept_in_float16(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct model *plain, *m;
    struct load_report r;
    size_t found = 0;
    assert_ok(model_open_weights(&plain, teacher, &err));
    assert_ok(model_open_weights(&m, teacher, &err));
    assert_ok(load_quantize(m, "int8", 1, &r, &err));
    assert_true(r.outlier_columns > 0); /* the built-in model has some: else this would test nothing */
    for (int l = 0; l < m->config.layers; l++) {
        const struct weight *was = &plain->weights.layers[l].down, *is = &m->weights.layers[l].down;
        float *x = malloc(was->k * sizeof *x), *y = malloc(was->k * sizeof *y), *o = malloc(was->k * sizeof *o);
        assert_int_equal(is->type, DTYPE_INT8);
        for (size_t row = 0; row < was->n; row++) {
            float scale;
            decode_row(was->type, (const char *)was->data + row * was->stride, x, was->k);
            decode_row(is->type, (const char *)is->data + row * is->stride, y, is->k);
            memcpy(&scale, (const char *)is->data + row * is->stride, sizeof scale);
            if (is->outliers)
                decode_row(DTYPE_F16, (const char *)is->outliers->data + row * is->outliers->stride, o, is->outliers->k);
            for (size_t i = 0; is->outliers && i < is->outliers->k; i++, found++) {
                assert_true(y[is->columns[i]] == 0);
                assert_true(o[i] == f16_to_f32(f16_from_f32(x[is->columns[i]])));
                y[is->columns[i]] = x[is->columns[i]];
            }
            for (size_t i = 0; i < was->k; i++)
                assert_close((double)y[i], (double)x[i], 0.501 * (double)scale, "a weight");
        }
        free(x);
        free(y);
        free(o);
    }
    assert_true(found > 0);
    model_close(m);
    model_close(plain);
}

static void names_are_checked(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    assert_ok(load_quantize_check("fp16", &err));
    assert_ok(load_quantize_check("Q4_K_M", &err));
    assert_err(load_quantize_check("q4_k_n", &err), ERR_USAGE, "is not a quantization");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nf4_is_that_of_bitsandbytes), cmocka_unit_test(int8_is_that_of_bitsandbytes),
        cmocka_unit_test(int8_leaves_columns_out), cmocka_unit_test(models_are_near_what_they_were),
        cmocka_unit_test(outliers_are_kept_in_float16), cmocka_unit_test(names_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
