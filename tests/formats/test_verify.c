/* model_file_verify finds a NaN or infinity wherever one can hide, for every type, and says where. */
#include "support/testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/gguf_write.h"
#include "formats/model_file.h"

/* A GGUF of one sound tensor and one of three rows of two blocks, of which the fifth block is bent. */
static void build(struct buf *b, enum dtype t, const char *bytes, size_t n, size_t at)
{
    struct err err = ERR_INIT;
    struct gguf_writer w;
    gguf_writer_init(&w);
    gguf_put_tensor(&w, "sound", DTYPE_F32, 1, (uint64_t[]){8});
    gguf_put_tensor(&w, "bent", t, 2, (uint64_t[]){3, 2 * dtype_block(t)});
    assert_ok(gguf_writer_header(&w, b, &err));
    size_t start = b->len;
    for (uint64_t i = 0; i < w.ends[1]; i++)
        buf_char(b, (char)(i & 0x3B)); /* no exponent of all ones anywhere */
    memcpy(b->data + start + 32 + 4 * dtype_block_bytes(t) + at, bytes, n);
    gguf_writer_release(&w);
}

static void wherever_it_hides(void **state)
{
    (void)state;
    static const struct {
        enum dtype type;
        size_t at;
        const char *bytes;
        size_t n;
        const char *part; /* NULL: sound */
    } cases[] = {
        {DTYPE_F32, 0, "\0\0\x80\x7F", 4, "(f32), row 2, column 0: NaN or infinite"},
        {DTYPE_F32, 0, "\1\0\x80\xFF", 4, "NaN or infinite"},
        {DTYPE_F32, 0, "\xFF\xFF\x7F\x7F", 4, NULL},
        {DTYPE_F16, 0, "\0\x7C", 2, "(f16), row 2, column 0"},
        {DTYPE_F16, 0, "\1\xFC", 2, "(f16)"},
        {DTYPE_F16, 0, "\xFF\x7B", 2, NULL},
        {DTYPE_BF16, 0, "\x80\x7F", 2, "(bf16), row 2, column 0"},
        {DTYPE_BF16, 0, "\x81\xFF", 2, "(bf16)"},
        {DTYPE_BF16, 0, "\x7F\x7F", 2, NULL},
        {DTYPE_F64, 0, "\0\0\0\0\0\0\xF0\x7F", 8, "(f64), row 2, column 0"},
        {DTYPE_F64, 0, "\0\0\0\0\0\0\xEF\x7F", 8, NULL},
        {DTYPE_I8, 0, "\xFF", 1, NULL},
        {DTYPE_I32, 0, "\xFF\xFF\xFF\x7F", 4, NULL},
        {DTYPE_Q4_0, 0, "\0\x7C", 2, "(q4_0), row 2, block 0: a scale is NaN or infinite"},
        {DTYPE_Q4_0, 2, "\xFF\xFF", 2, NULL},
        {DTYPE_Q4_1, 0, "\0\x7C", 2, "(q4_1), row 2, block 0"},
        {DTYPE_Q4_1, 2, "\1\xFE", 2, "(q4_1), row 2, block 0"},
        {DTYPE_Q5_0, 0, "\0\xFC", 2, "(q5_0)"},
        {DTYPE_Q5_1, 0, "\0\x7C", 2, "(q5_1)"},
        {DTYPE_Q5_1, 2, "\0\x7C", 2, "(q5_1)"},
        {DTYPE_Q8_0, 0, "\0\x7E", 2, "(q8_0), row 2, block 0"},
        {DTYPE_Q2_K, 80, "\0\x7C", 2, "(q2_k)"},
        {DTYPE_Q2_K, 82, "\0\x7C", 2, "(q2_k)"},
        {DTYPE_Q3_K, 108, "\0\x7C", 2, "(q3_k)"},
        {DTYPE_Q3_K, 96, "\xFF\xFF", 2, NULL},
        {DTYPE_Q4_K, 0, "\0\x7C", 2, "(q4_k)"},
        {DTYPE_Q4_K, 2, "\0\x7C", 2, "(q4_k)"},
        {DTYPE_Q5_K, 0, "\0\x7C", 2, "(q5_k)"},
        {DTYPE_Q5_K, 2, "\0\x7C", 2, "(q5_k)"},
        {DTYPE_Q6_K, 208, "\0\x7C", 2, "(q6_k), row 2, block 0"},
        {DTYPE_IQ4_NL, 0, "\0\x7C", 2, "(iq4_nl)"},
        {DTYPE_IQ4_XS, 0, "\0\x7C", 2, "(iq4_xs)"},
        {DTYPE_IQ4_XS, 2, "\xFF\xFF", 2, NULL},
    };
    struct err err = ERR_INIT;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf b = BUF_INIT(1 << 20);
        struct model_file *f;
        build(&b, cases[i].type, cases[i].bytes, cases[i].n, cases[i].at);
        assert_ok(model_file_open_bytes(&f, b.data, b.len, "x.gguf", &err));
        if (cases[i].part) {
            assert_err(model_file_verify(f, NULL, NULL, &err), ERR_INPUT, cases[i].part);
            assert_non_null(strstr(err.text, "tensor 'bent'"));
        } else {
            assert_ok(model_file_verify(f, NULL, NULL, &err));
        }
        model_file_close(f);
        buf_release(&b);
    }
}

static void types_that_only_safetensors_has(void **state)
{
    (void)state;
    static const struct {
        const char *dtype, *bytes, *part;
    } cases[] = {
        {"F8_E4M3", "\1\2\x7F\3", "tensor 'w' (f8_e4m3), row 1, column 0: NaN or infinite"},
        {"F8_E4M3", "\1\2\3\xFF", "row 1, column 1"},
        {"F8_E4M3", "\1\xFE\x7E\3", NULL},
        {"BOOL", "\1\0\1\2", "tensor 'w' (bool), row 1, column 1: a bool is neither 0 nor 1"},
        {"BOOL", "\1\0\1\1", NULL},
        {"U8", "\xFF\xFF\xFF\xFF", NULL},
    };
    struct err err = ERR_INIT;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char file[256];
        int n = snprintf(file + 8, sizeof file - 8, "{\"w\":{\"dtype\":\"%s\",\"shape\":[2,2],\"data_offsets\":[0,4]}}",
                         cases[i].dtype);
        memcpy(file, &(uint64_t){(uint64_t)n}, 8);
        memcpy(file + 8 + n, cases[i].bytes, 4);
        struct model_file *f;
        assert_ok(model_file_open_bytes(&f, file, (size_t)n + 12, "x.safetensors", &err));
        if (cases[i].part)
            assert_err(model_file_verify(f, NULL, NULL, &err), ERR_INPUT, cases[i].part);
        else
            assert_ok(model_file_verify(f, NULL, NULL, &err));
        model_file_close(f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wherever_it_hides),
        cmocka_unit_test(types_that_only_safetensors_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
