/* An importance matrix: collected from a text, kept, read back, and of use to the quantizer. */
#include "support/testing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "formats/gguf_write.h"
#include "formats/model_file.h"
#include "kernels/decode.h"
#include "transform/imatrix.h"
#include "transform/quantize.h"
#include "transform/synth.h"

static char dir[] = "/tmp/prony-imatrix-XXXXXX";

static const char *in_dir(const char *name)
{
    static char paths[4][256];
    static int at;
    char *path = paths[at++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", dir, name);
    return path;
}

static int make_model(void **state)
{
    struct err err = ERR_INIT;
    const struct synth_shape *known;
    (void)state;
    assert_non_null(mkdtemp(dir));
    assert_ok(synth_find(&known, "llama-3.2-1b", &err));
    struct synth_shape shape = *known;
    assert_ok(synth_parse_dims(&shape, "hidden=256,layers=2,heads=4,kv_heads=2,ffn=512,vocabulary=1024,context=64", &err));
    assert_ok(synth_write(&shape, "f16", 7, in_dir("f16.gguf"), NULL, NULL, &err));
    static const char text[] = "the tea was at the inn and then the rain sat on the tree; one note more, and another, until the end of it\n";
    assert_ok(file_write(in_dir("text"), text, sizeof text - 1, &err));
    return 0;
}

static int remove_all(void **state)
{
    char command[300];
    (void)state;
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    return system(command);
}

static struct importance *collect(int chunk, struct imatrix_done *done)
{
    struct err err = ERR_INIT;
    struct importance *im;
    assert_ok(imatrix_collect(&im, in_dir("f16.gguf"), in_dir("text"), &(struct imatrix_options){.chunk = chunk, .threads = 1},
                              done, &err));
    return im;
}

/* Every matrix of the layers is there with the width of its inputs; those that share an input have the same sums; the
 * inputs of q are normalised, so that their mean square is that of the norm's weights. */
static void holds_what_the_matrices_met(void **state)
{
    (void)state;
    struct imatrix_done done;
    struct importance *im = collect(16, &done);
    assert_int_equal(importance_count(im), 2 * 7);
    assert_true(done.chunks > 1 && done.tokens > 16 && done.chunk == 16);
    const float *w = importance_of(im, "blk.0.attn_q.weight", 256);
    float q[256];
    double mean = 0;
    assert_non_null(w);
    memcpy(q, w, sizeof q);
    assert_memory_equal(q, importance_of(im, "blk.0.attn_v.weight", 256), sizeof q);
    for (int i = 0; i < 256; i++)
        mean += (double)q[i] / 256;
    assert_true(mean > 0.5 && mean < 2);
    assert_non_null(importance_of(im, "blk.1.ffn_down.weight", 512));
    assert_null(importance_of(im, "blk.1.ffn_down.weight", 256));
    assert_null(importance_of(im, "token_embd.weight", 256));
    importance_free(im);
}

static void comes_back_from_its_file(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct imatrix_done done;
    struct importance *im = collect(16, &done), *back;
    struct importance_entry a, b;
    assert_ok(imatrix_save(im, in_dir("im.gguf"), "text", &done, &err));
    assert_true(imatrix_is_file(in_dir("im.gguf")) && !imatrix_is_file(in_dir("text")) && !imatrix_is_file(in_dir("none")));
    assert_ok(imatrix_load(&back, in_dir("im.gguf"), &err));
    assert_int_equal(importance_count(back), importance_count(im));
    for (size_t i = 0; importance_at(im, i, &a); i++) {
        const float *x = importance_of(im, a.name, a.columns), *y = importance_of(back, a.name, a.columns);
        assert_non_null(y);
        for (size_t k = 0; k < a.columns; k++)
            assert_close((double)y[k], (double)x[k], 1e-6 * (double)x[k], "a mean");
    }
    assert_true(importance_at(back, 0, &b) && b.rows == (uint64_t)done.tokens);
    importance_free(im);
    importance_free(back);
}

/* The weighted error of what was quantized with the matrix is below that of what was quantized without. */
static double weighted_error(const char *path, const char *name, const float *w, size_t columns)
{
    struct err err = ERR_INIT;
    struct model_file *a, *b;
    double sum = 0;
    assert_ok(model_file_open(&a, in_dir("f16.gguf"), &err));
    assert_ok(model_file_open(&b, path, &err));
    const struct tensor *x = model_file_tensor(a, name), *y = model_file_tensor(b, name);
    size_t n = x->dims[0], before = x->bytes / n, after = y->bytes / n;
    float *u = malloc(columns * sizeof *u), *v = malloc(columns * sizeof *v);
    for (size_t r = 0; r < n; r++) {
        decode_row(x->type, (const char *)x->data + r * before, u, columns);
        decode_row(y->type, (const char *)y->data + r * after, v, columns);
        for (size_t i = 0; i < columns; i++)
            sum += (double)w[i] * ((double)u[i] - (double)v[i]) * ((double)u[i] - (double)v[i]);
    }
    free(u);
    free(v);
    model_file_close(a);
    model_file_close(b);
    return sum;
}

static void helps_the_quantizer(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct imatrix_done done;
    struct quantize_report r;
    struct importance *im = collect(16, &done);
    const char *name = "blk.0.ffn_down.weight";
    assert_ok(quantize_file(in_dir("f16.gguf"), in_dir("plain.gguf"), &(struct quantize_options){.recipe = "q4_k_s"}, &r, &err));
    assert_ok(quantize_file(in_dir("f16.gguf"), in_dir("im-q.gguf"),
                            &(struct quantize_options){.recipe = "q4_k_s", .importance = im}, &r, &err));
    assert_int_equal(r.without_importance, 1); /* the table, which is the output too */
    const float *w = importance_of(im, name, 512);
    double plain = weighted_error(in_dir("plain.gguf"), name, w, 512), with = weighted_error(in_dir("im-q.gguf"), name, w, 512);
    if (!(with < 0.99 * plain))
        fail_msg("the weighted error is %g with the matrix, %g without", with, plain);
    importance_free(im);
}

static void refuses_what_is_none(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct importance *im;
    struct imatrix_done done;
    struct gguf_writer w;
    assert_err(imatrix_load(&im, in_dir("f16.gguf"), &err), ERR_INPUT, "no tensor ends in .in_sum2");
    assert_err(imatrix_collect(&im, in_dir("f16.gguf"), in_dir("none"), &(struct imatrix_options){.chunk = 0}, &done, &err),
               ERR_IO, "none");
    gguf_writer_init(&w);
    gguf_put_str(&w, "general.type", "imatrix");
    gguf_put_tensor(&w, "a.in_sum2", DTYPE_F32, 2, (uint64_t[]){1, 2});
    gguf_put_tensor(&w, "a.counts", DTYPE_F32, 2, (uint64_t[]){1, 1});
    assert_ok(gguf_writer_begin(&w, in_dir("bad.gguf"), &err));
    assert_ok(gguf_writer_data(&w, (float[]){1, NAN}, 8, &err));
    assert_ok(gguf_writer_data(&w, (float[]){3}, 4, &err));
    assert_ok(gguf_writer_finish(&w, &err));
    gguf_writer_release(&w);
    assert_err(imatrix_load(&im, in_dir("bad.gguf"), &err), ERR_INPUT, "column 1 of 'a' is nan");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holds_what_the_matrices_met), cmocka_unit_test(comes_back_from_its_file),
        cmocka_unit_test(helps_the_quantizer), cmocka_unit_test(refuses_what_is_none),
    };
    return cmocka_run_group_tests(tests, make_model, remove_all);
}
