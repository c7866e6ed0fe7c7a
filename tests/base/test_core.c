/* err, mem, buf, arena, str, rng, dtype: the ground floor. */
#include "support/testing.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/dtype.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"

static void err_first_wins_and_context_goes_in_front(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    assert_int_equal(err_set(&err, ERR_INPUT, "tensor '%s' is short", "a"), -1);
    err_set(&err, ERR_IO, "later");
    err_context(&err, "'%s'", "file.gguf");
    err_hint(&err, "download it again");
    err_hint(&err, "not this");
    assert_int_equal(err.code, ERR_INPUT);
    assert_string_equal(err.text, "'file.gguf': tensor 'a' is short");
    assert_string_equal(err.hint, "download it again");
    assert_int_equal(err_set(NULL, ERR_IO, "nobody listens"), -1);

    char longest[600];
    memset(longest, 'x', sizeof longest);
    longest[599] = '\0';
    err_context(&err, "%s", longest); /* does not fit: the cause stays */
    assert_string_equal(err.text, "'file.gguf': tensor 'a' is short");
}

static void mem_refuses_products_that_overflow(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    assert_null(mem_alloc(SIZE_MAX / 2, 3, &err));
    assert_int_equal(err.code, ERR_MEMORY);
    void *p = mem_alloc(0, 8, NULL);
    assert_non_null(p);
    free(p);
}

static void buf_grows_to_its_maximum_and_no_further(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct buf b = BUF_INIT(10);
    buf_printf(&b, "%s-%d", "abc", 12);
    assert_string_equal(b.data, "abc-12");
    buf_add(&b, "7890", 4);
    assert_ok(buf_check(&b, &err));
    buf_char(&b, 'x');
    assert_err(buf_check(&b, &err), ERR_MEMORY, "at most 10 bytes");
    assert_string_equal(b.data, "abc-127890");
    buf_clear(&b);
    buf_str(&b, "again");
    char *taken = buf_take(&b, &err);
    assert_string_equal(taken, "again");
    free(taken);
    buf_release(&b);
}

static void arena_pointers_stay_and_the_maximum_holds(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct arena a = ARENA_INIT(1 << 20);
    char *first = arena_strdup(&a, "first", &err);
    for (int i = 0; i < 1000; i++) {
        double *d = arena_alloc(&a, 13, sizeof *d, &err);
        assert_non_null(d);
        assert_int_equal((uintptr_t)d % 64, 0);
        for (int k = 0; k < 13; k++)
            assert_true(d[k] == 0);
        memset(d, 0xFF, 13 * sizeof *d);
    }
    assert_string_equal(first, "first");
    assert_null(arena_alloc(&a, 2 << 20, 1, &err));
    assert_int_equal(err.code, ERR_MEMORY);
    arena_release(&a);
    assert_int_equal(a.used, 0);
}

static void numbers_are_whole_words(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    int64_t i;
    double d;
    assert_ok(str_to_int(&i, "-42", -100, 100, "--n", &err));
    assert_int_equal(i, -42);
    assert_err(str_to_int(&i, "4x", 0, 9, "--n", &err), ERR_USAGE, "--n: expected a whole number, found '4x'");
    assert_err(str_to_int(&i, "", 0, 9, "--n", &err), ERR_USAGE, "found ''");
    assert_err(str_to_int(&i, "99999999999999999999", 0, 9, "--n", &err), ERR_USAGE, "outside 0 to 9");
    assert_ok(str_to_double(&d, "0.25", 0, 1, "--p", &err));
    assert_true(d == 0.25);
    assert_err(str_to_double(&d, "nan", 0, 1, "--p", &err), ERR_USAGE, "expected a number");
    assert_err(str_to_double(&d, "2", 0, 1, "--p", &err), ERR_USAGE, "outside 0 to 1");
}

static void nearest_finds_slips_and_refuses_strangers(void **state)
{
    (void)state;
    const char *const words[] = {"bench", "generate", "perplexity", "query"};
    assert_string_equal(str_nearest_of("bnech", words, 4), "bench");
    assert_string_equal(str_nearest_of("perplexty", words, 4), "perplexity");
    assert_string_equal(str_nearest_of("gen", words, 4), "generate");
    assert_null(str_nearest_of("zzz", words, 4));
}

static void utf8_accepts_exactly_rfc3629(void **state)
{
    (void)state;
    uint32_t cp;
    for (uint32_t c = 0; c <= 0x110000; c++) {
        char bytes[4];
        size_t n = utf8_encode(c, bytes);
        bool lawful = c <= 0x10FFFF && !(c >= 0xD800 && c <= 0xDFFF);
        assert_int_equal(n != 0, lawful);
        if (!lawful)
            continue;
        assert_int_equal(utf8_decode(bytes, n, &cp), n);
        assert_int_equal(cp, c);
        for (size_t cut = 1; cut < n; cut++) {
            assert_int_equal(utf8_decode(bytes, cut, &cp), 0);
            assert_int_equal(utf8_whole(bytes, cut), 0);
        }
        assert_int_equal(utf8_whole(bytes, n), n);
    }
    assert_false(utf8_valid("\xC0\x80", 2));
    assert_false(utf8_valid("\xED\xA0\x80", 3));
    assert_false(utf8_valid("\xF4\x90\x80\x80", 4));
    assert_true(utf8_valid("h\xC3\xA9", 3));
}

static void rng_matches_published_vectors(void **state)
{
    (void)state;
    /* splitmix64 from seed 1234567: the vector of Vigna's reference and of Java's SplittableRandom tests */
    uint64_t s = 1234567;
    assert_true(splitmix64(&s) == 6457827717110365317u);
    assert_true(splitmix64(&s) == 3203168211198807973u);
    /* xoshiro256** from state {1, 2, 3, 4}: the vector of the rand_xoshiro crate */
    struct rng r = {.s = {1, 2, 3, 4}};
    assert_true(rng_next(&r) == 11520);
    assert_true(rng_next(&r) == 0);
    assert_true(rng_next(&r) == 1509978240);
    assert_true(rng_next(&r) == 1215971899390074240);
}

static void rng_draws_are_uniform_and_normal(void **state)
{
    (void)state;
    struct rng r;
    rng_init(&r, 42);
    int counts[7] = {0};
    double sum = 0, squares = 0;
    for (int i = 0; i < 70000; i++) {
        counts[rng_below(&r, 7)]++;
        double x = rng_normal(&r);
        sum += x;
        squares += x * x;
    }
    for (int i = 0; i < 7; i++)
        assert_in_range(counts[i], 10000 - 500, 10000 + 500);
    assert_close(sum / 70000, 0, 0.02, "mean");
    assert_close(squares / 70000, 1, 0.03, "variance");
}

static void dtypes_know_their_sizes(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    enum dtype t;
    size_t bytes;
    assert_ok(dtype_from_name(&t, "Q4_K", &err));
    assert_int_equal(t, DTYPE_Q4_K);
    assert_ok(dtype_row_bytes(&bytes, t, 512, &err));
    assert_int_equal(bytes, 288);
    assert_err(dtype_row_bytes(&bytes, t, 100, &err), ERR_INPUT, "not a whole number of q4_k blocks");
    assert_err(dtype_from_name(&t, "q4k", &err), ERR_USAGE, "'q4k'");
    assert_string_equal(err.hint, "did you mean 'q4_k'?");
    assert_true(dtype_from_gguf(&t, 30) && t == DTYPE_BF16);
    assert_false(dtype_from_gguf(&t, 31));
}

static void files_are_replaced_whole(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    char *dir = path_join(test_dir(), "a/b/c", &err), *file = path_join(dir, "f.txt", &err);
    assert_ok(file_mkdirs(dir, &err));
    assert_ok(file_write(file, "hello", 5, &err));
    struct file_map map;
    assert_ok(file_map(&map, file, &err));
    assert_int_equal(map.size, 5);
    assert_memory_equal(map.data, "hello", 5);
    file_unmap(&map);
    assert_ok(file_write(file, "", 0, &err));
    assert_ok(file_map(&map, file, &err));
    assert_int_equal(map.size, 0);
    file_unmap(&map);
    assert_err(file_map(&map, dir, &err), ERR_INPUT, "a folder, not a file");
    struct buf text = BUF_INIT(1 << 20);
    assert_err(file_read(&text, "/nonexistent", 10, &err), ERR_IO, "cannot open '/nonexistent': No such file");
    assert_err(file_mkdirs(file, &err), ERR_IO, "cannot make the folder");
    assert_string_equal(path_ext("a.b/model.gguf"), ".gguf");
    assert_string_equal(path_ext("a.b/.profile"), "");
    buf_release(&text);
    free(file);
    free(dir);
}

static void writing_on_ends_in_an_error_not_a_death(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    char *path = path_join(test_dir(), "full", &err), big[1000] = "";
    struct rlimit before, small = {.rlim_cur = 700};
    int ends[2], fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(file_write_all(ends[1], "abc", 3), 0);
    close(ends[0]);
    assert_int_equal(file_write_all(ends[1], "abc", 3), -1);
    assert_int_equal(errno, EPIPE);
    getrlimit(RLIMIT_FSIZE, &before);
    small.rlim_max = before.rlim_max;
    setrlimit(RLIMIT_FSIZE, &small);
    int rc = file_write_all(fd, big, sizeof big), cause = errno;
    setrlimit(RLIMIT_FSIZE, &before);
    assert_int_equal(rc, -1);
    assert_int_equal(cause, EFBIG);
    assert_int_equal(lseek(fd, 0, SEEK_CUR), 700); /* it wrote what fits */
    close(ends[1]);
    close(fd);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(err_first_wins_and_context_goes_in_front),
        cmocka_unit_test(mem_refuses_products_that_overflow),
        cmocka_unit_test(buf_grows_to_its_maximum_and_no_further),
        cmocka_unit_test(arena_pointers_stay_and_the_maximum_holds),
        cmocka_unit_test(numbers_are_whole_words),
        cmocka_unit_test(nearest_finds_slips_and_refuses_strangers),
        cmocka_unit_test(utf8_accepts_exactly_rfc3629),
        cmocka_unit_test(rng_matches_published_vectors),
        cmocka_unit_test(rng_draws_are_uniform_and_normal),
        cmocka_unit_test(dtypes_know_their_sizes),
        cmocka_unit_test(files_are_replaced_whole),
        cmocka_unit_test(writing_on_ends_in_an_error_not_a_death),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
