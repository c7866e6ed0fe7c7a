/* Every lie a GGUF can tell has its own error, and none is believed: inputs are exact copies on the heap, so that a
 * sanitizer sees a read past their end. */
#include "support/testing.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/gguf_write.h"
#include "formats/model_file.h"
#include "support/alloc_fail.h"

static int open_copy(struct model_file **f, const void *bytes, size_t n, uint8_t **copy, struct err *err)
{
    *copy = malloc(n ? n : 1);
    if (n)
        memcpy(*copy, bytes, n);
    int rc = model_file_open_bytes(f, *copy, n, "x.gguf", err);
    if (rc < 0) {
        assert_null(*f);
        free(*copy);
    }
    return rc;
}

/* ---- a file by hand ---------------------------------------------------------------------------------------------- */

static void u32(struct buf *b, uint32_t v)
{
    buf_add(b, &v, sizeof v);
}

static void u64(struct buf *b, uint64_t v)
{
    buf_add(b, &v, sizeof v);
}

static void text(struct buf *b, const char *s)
{
    u64(b, strlen(s));
    buf_str(b, s);
}

static void head(struct buf *b, uint64_t tensors, uint64_t metas)
{
    buf_str(b, "GGUF");
    u32(b, 3);
    u64(b, tensors);
    u64(b, metas);
}

static void key(struct buf *b, const char *name, uint32_t type)
{
    text(b, name);
    u32(b, type);
}

static void tensor(struct buf *b, const char *name, uint32_t type, uint64_t rows, uint64_t columns, uint64_t offset)
{
    text(b, name);
    u32(b, 2);
    u64(b, columns);
    u64(b, rows);
    u32(b, type);
    u64(b, offset);
}

static void data(struct buf *b, size_t n)
{
    while (b->len % 32)
        buf_char(b, '\0');
    for (size_t i = 0; i < n; i++)
        buf_char(b, (char)i);
}

#define CASE(name) static void name(struct buf *b)

CASE(empty)
{
    (void)b;
}
CASE(three_bytes)
{
    buf_str(b, "GGU");
}
CASE(magic_alone)
{
    buf_str(b, "GGUF");
}
CASE(version_1)
{
    buf_str(b, "GGUF");
    u32(b, 1);
    u32(b, 0);
    u32(b, 0);
}
CASE(version_4)
{
    buf_str(b, "GGUF");
    u32(b, 4);
    u64(b, 0);
    u64(b, 0);
}
CASE(big_endian)
{
    buf_str(b, "GGUF");
    u32(b, 3u << 24);
    u64(b, 0);
    u64(b, 0);
}
CASE(many_metas)
{
    head(b, 0, 1ull << 63);
}
CASE(many_tensors)
{
    head(b, UINT64_MAX, 0);
}
CASE(long_key)
{
    head(b, 0, 1);
    u64(b, 1ull << 63);
    data(b, 64);
}
CASE(key_wraps)
{
    head(b, 0, 1);
    u64(b, UINT64_MAX - 7);
    data(b, 64);
}
CASE(key_empty)
{
    head(b, 0, 1);
    key(b, "", META_U32);
    u32(b, 1);
}
CASE(key_with_zero)
{
    head(b, 0, 1);
    u64(b, 3);
    buf_add(b, "a\0b", 3);
    u32(b, META_U32);
    u32(b, 1);
}
CASE(key_twice)
{
    head(b, 0, 2);
    key(b, "a.b", META_U32);
    u32(b, 1);
    key(b, "a.b", META_U32);
    u32(b, 1);
}
CASE(meta_type_13)
{
    head(b, 0, 1);
    key(b, "k", 13);
    u64(b, 0);
}
CASE(bool_2)
{
    head(b, 0, 1);
    key(b, "k", META_BOOL);
    buf_char(b, 2);
}
CASE(string_long)
{
    head(b, 0, 1);
    key(b, "k", META_STRING);
    u64(b, 100);
    buf_str(b, "short");
}
CASE(array_long)
{
    head(b, 0, 1);
    key(b, "k", META_ARRAY);
    u32(b, META_F64);
    u64(b, 1ull << 61); /* times 8 is 0 in 64 bits */
    data(b, 64);
}
CASE(array_of_strings_long)
{
    head(b, 0, 1);
    key(b, "k", META_ARRAY);
    u32(b, META_STRING);
    u64(b, 1ull << 40);
    data(b, 64);
}
CASE(array_string_long)
{
    head(b, 0, 1);
    key(b, "tokens", META_ARRAY);
    u32(b, META_STRING);
    u64(b, 2);
    text(b, "fine");
    u64(b, 1ull << 62);
}
CASE(array_of_arrays)
{
    head(b, 0, 1);
    key(b, "k", META_ARRAY);
    u32(b, META_ARRAY);
    u64(b, 1);
    u32(b, META_U8);
    u64(b, 0);
}
CASE(array_unknown)
{
    head(b, 0, 1);
    key(b, "k", META_ARRAY);
    u32(b, 77);
    u64(b, 1);
}
CASE(array_bool_2)
{
    head(b, 0, 1);
    key(b, "k", META_ARRAY);
    u32(b, META_BOOL);
    u64(b, 2);
    buf_add(b, "\1\2", 2);
}
CASE(alignment_0)
{
    head(b, 0, 1);
    key(b, "general.alignment", META_U32);
    u32(b, 0);
}
CASE(alignment_48)
{
    head(b, 0, 1);
    key(b, "general.alignment", META_U32);
    u32(b, 48);
}
CASE(alignment_huge)
{
    head(b, 1, 1);
    key(b, "general.alignment", META_U64);
    u64(b, 1ull << 63);
    tensor(b, "t", 0, 1, 1, 0);
}
CASE(alignment_text)
{
    head(b, 0, 1);
    key(b, "general.alignment", META_STRING);
    text(b, "32");
}
CASE(name_empty)
{
    head(b, 1, 0);
    tensor(b, "", 0, 1, 1, 0);
    data(b, 64);
}
CASE(dims_5)
{
    head(b, 1, 0);
    text(b, "t");
    u32(b, 5);
    data(b, 128);
}
CASE(dim_zero)
{
    head(b, 1, 0);
    tensor(b, "t", 0, 0, 4, 0);
    data(b, 64);
}
CASE(dims_overflow)
{
    head(b, 1, 0);
    tensor(b, "t", 0, 1ull << 33, 1ull << 33, 0);
    data(b, 64);
}
CASE(dims_overflow_bytes)
{
    head(b, 1, 0);
    tensor(b, "t", 0, 1ull << 31, 1ull << 31, 0); /* values fit into 63 bits, their bytes do not */
    data(b, 64);
}
CASE(type_unknown)
{
    head(b, 1, 0);
    tensor(b, "blk.0.attn_q.weight", 99, 1, 1, 0);
    data(b, 64);
}
CASE(type_iq2)
{
    head(b, 1, 0);
    tensor(b, "blk.0.attn_q.weight", 16, 1, 256, 0);
    data(b, 128);
}
CASE(row_not_whole)
{
    head(b, 1, 0);
    tensor(b, "t", 2, 2, 48, 0);
    data(b, 128);
}
CASE(offset_misaligned)
{
    head(b, 1, 0);
    tensor(b, "t", 0, 1, 1, 4);
    data(b, 64);
}
CASE(offset_beyond)
{
    head(b, 1, 0);
    tensor(b, "t", 0, 1, 1, 1ull << 40);
    data(b, 64);
}
CASE(offset_wraps)
{
    head(b, 1, 0);
    tensor(b, "t", 0, 4, 4, UINT64_MAX - 31);
    data(b, 64);
}
CASE(data_short)
{
    head(b, 1, 0);
    tensor(b, "t", 0, 4, 4, 0);
    data(b, 63);
}
CASE(data_absent)
{
    head(b, 1, 0);
    tensor(b, "t", 0, 4, 4, 0);
}
CASE(tensors_overlap)
{
    head(b, 3, 0);
    tensor(b, "first", 0, 1, 16, 64);
    tensor(b, "second", 0, 1, 24, 0);
    tensor(b, "third", 0, 1, 1, 128);
    data(b, 192);
}
CASE(tensors_same)
{
    head(b, 2, 0);
    tensor(b, "first", 0, 1, 8, 0);
    tensor(b, "second", 0, 1, 8, 0);
    data(b, 32);
}
CASE(tensor_twice)
{
    head(b, 2, 0);
    tensor(b, "same", 0, 1, 8, 0);
    tensor(b, "same", 0, 1, 8, 32);
    data(b, 64);
}
CASE(split_without_name)
{
    head(b, 0, 1);
    key(b, "split.count", META_U16);
    buf_add(b, "\3\0", 2);
}
CASE(control_characters)
{
    head(b, 1, 0);
    tensor(b, "a\033[2J\nb", 99, 1, 1, 0);
    data(b, 64);
}

static const struct {
    void (*build)(struct buf *b);
    enum err_code code;
    const char *part;
} cases[] = {
    {empty, ERR_INPUT, "the file is empty"},
    {three_bytes, ERR_INPUT, "does not begin with 'GGUF'"},
    {magic_alone, ERR_INPUT, "offset 4: the file ends inside the header (4 bytes in all)"},
    {version_1, ERR_UNSUPPORTED, "GGUF version 1, prony reads 2 and 3"},
    {version_4, ERR_UNSUPPORTED, "GGUF version 4"},
    {big_endian, ERR_UNSUPPORTED, "big-endian"},
    {many_metas, ERR_INPUT, "counts 9223372036854775808 metadata"},
    {many_tensors, ERR_INPUT, "18446744073709551615 tensors"},
    {long_key, ERR_INPUT, "a metadata key says it has 9223372036854775808 bytes"},
    {key_wraps, ERR_INPUT, "a metadata key says it has"},
    {key_empty, ERR_INPUT, "a metadata key is empty"},
    {key_with_zero, ERR_INPUT, "a metadata key is cut by a zero byte"},
    {key_twice, ERR_INPUT, "metadata key 'a.b' occurs twice"},
    {meta_type_13, ERR_INPUT, "metadata 'k': type 13 is unknown"},
    {bool_2, ERR_INPUT, "metadata 'k': a bool is 0 or 1, found 2"},
    {string_long, ERR_INPUT, "a metadata string says it has 100 bytes, but only 5 are left"},
    {array_long, ERR_INPUT, "metadata 'k': 2305843009213693952 items do not fit"},
    {array_of_strings_long, ERR_INPUT, "metadata 'k': 1099511627776 items do not fit"},
    {array_string_long, ERR_INPUT, "metadata 'tokens', item 1"},
    {array_of_arrays, ERR_INPUT, "metadata 'k': arrays of arrays are not read"},
    {array_unknown, ERR_INPUT, "an array of an unknown type (type 77)"},
    {array_bool_2, ERR_INPUT, "a bool is 0 or 1, found 2"},
    {alignment_0, ERR_INPUT, "general.alignment is 0, expected a power of two"},
    {alignment_48, ERR_INPUT, "general.alignment is 48"},
    {alignment_huge, ERR_INPUT, "general.alignment is 9223372036854775808"},
    {alignment_text, ERR_INPUT, "'general.alignment': expected a whole number from 0, found string"},
    {name_empty, ERR_INPUT, "a tensor's name is empty"},
    {dims_5, ERR_INPUT, "tensor 't': 5 dimensions, GGUF has at most 4"},
    {dim_zero, ERR_INPUT, "tensor 't': a dimension is 0"},
    {dims_overflow, ERR_INPUT, "tensor 't': the product of its dimensions overflows"},
    {dims_overflow_bytes, ERR_INPUT, "tensor 't': the product of its dimensions overflows"},
    {type_unknown, ERR_UNSUPPORTED, "tensor 'blk.0.attn_q.weight' has type 99 (unknown)"},
    {type_iq2, ERR_UNSUPPORTED, "has type 16 (iq2_xxs), which prony does not read"},
    {row_not_whole, ERR_INPUT, "tensor 't': a row of 48 values is not a whole number of q4_0 blocks of 32"},
    {offset_misaligned, ERR_INPUT, "tensor 't': offset 4 is not a multiple of the alignment 32"},
    {offset_beyond, ERR_INPUT, "tensor 't': 4 bytes at offset 1099511627776 of the data"},
    {offset_wraps, ERR_INPUT, "exceed the file's"},
    {data_short, ERR_INPUT, "tensor 't': 64 bytes at offset 0 of the data"},
    {data_absent, ERR_INPUT, "exceed the file's"},
    {tensors_overlap, ERR_INPUT, "tensors 'second' and 'first' overlap"},
    {tensors_same, ERR_INPUT, "overlap"},
    {tensor_twice, ERR_INPUT, "tensor 'same' occurs twice"},
    {split_without_name, ERR_INPUT, "one of 3 parts, but its name does not say so"},
    {control_characters, ERR_UNSUPPORTED, "tensor 'a?[2J?b' has type 99"},
};

static void every_lie_is_named(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf b = BUF_INIT(1 << 20);
        struct model_file *f;
        uint8_t *copy;
        cases[i].build(&b);
        assert_ok(buf_check(&b, &err));
        assert_err(open_copy(&f, b.data, b.len, &copy, &err), cases[i].code, cases[i].part);
        if (cases[i].build != empty)
            assert_non_null(strstr(err.text, "'x.gguf'"));
        buf_release(&b);
    }
}

/* ---- a good file, bent ------------------------------------------------------------------------------------------- */

static void sample(struct buf *out)
{
    struct err err = ERR_INIT;
    struct gguf_writer w;
    gguf_writer_init(&w);
    gguf_put_str(&w, "general.architecture", "test");
    gguf_put_bool(&w, "bool", true);
    gguf_put_f32(&w, "f32", 1.5f);
    gguf_put_strings(&w, "words", (struct meta_string[]){{"alpha", 5}, {"", 0}}, 2);
    gguf_put_array(&w, "shorts", META_I16, (int16_t[]){-1, 2, 3}, 3);
    gguf_put_tensor(&w, "a", DTYPE_F32, 2, (uint64_t[]){2, 4});
    gguf_put_tensor(&w, "b", DTYPE_Q4_K, 2, (uint64_t[]){1, 256});
    assert_ok(gguf_writer_header(&w, out, &err));
    for (uint64_t i = 0; i < w.ends[1]; i++)
        buf_char(out, (char)(i * 37 & 0x3F));
    gguf_writer_release(&w);
}

static void cut_anywhere_is_an_error(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct buf b = BUF_INIT(1 << 20);
    struct model_file *f;
    uint8_t *copy;
    sample(&b);
    for (size_t n = 0; n < b.len; n++) {
        err_clear(&err);
        if (open_copy(&f, b.data, n, &copy, &err) == 0)
            fail_msg("cut to %zu of %zu bytes it still opens", n, b.len);
        assert_true(err.code == ERR_INPUT || (err.code == ERR_UNSUPPORTED && n < 8));
    }
    assert_ok(open_copy(&f, b.data, b.len, &copy, &err));
    assert_ok(model_file_verify(f, NULL, NULL, &err));
    model_file_close(f);
    free(copy);
    buf_release(&b);
}

/* What opens must lie inside the file, whatever bit was turned; reading all of it shows a pointer that does not. */
static void any_byte_changed_is_safe(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct buf b = BUF_INIT(1 << 20);
    struct model_file *f;
    uint8_t *copy;
    size_t opened = 0, refused = 0;
    sample(&b);
    for (size_t at = 0; at < b.len; at++) {
        const char old = b.data[at];
        const char bent[] = {(char)~old, (char)(old ^ 0x80), (char)(old ^ 1), (char)0xFF, 0};
        for (size_t k = 0; k < sizeof bent; k++) {
            b.data[at] = bent[k];
            err_clear(&err);
            if (open_copy(&f, b.data, b.len, &copy, &err) < 0) {
                assert_true(err.text[0] != '\0');
                refused++;
                continue;
            }
            opened++;
            for (size_t i = 0; i < model_file_n_tensors(f); i++) {
                const struct tensor *t = model_file_tensor_at(f, i);
                assert_true((const uint8_t *)t->data >= copy && (const uint8_t *)t->data + t->bytes <= copy + b.len);
            }
            model_file_verify(f, NULL, NULL, NULL);
            model_file_close(f);
            free(copy);
        }
        b.data[at] = old;
    }
    assert_true(opened > 100 && refused > 100); /* both ways were walked */
    buf_release(&b);
}

static int open_sample(void *arg, struct err *err)
{
    struct buf *b = arg;
    struct model_file *f;
    TRY(model_file_open_bytes(&f, b->data, b->len, "x.gguf", err));
    model_file_close(f);
    return 0;
}

static void memory_may_run_out(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(1 << 20);
    sample(&b);
    assert_true(assert_survives_out_of_memory(open_sample, &b) >= 8);
    buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_lie_is_named),
        cmocka_unit_test(cut_anywhere_is_an_error),
        cmocka_unit_test(any_byte_changed_is_safe),
        cmocka_unit_test(memory_may_run_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
