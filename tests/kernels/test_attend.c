/* Attention of every set against the scalar one: shapes of heads, types of cache, masks, trees, threads. */
#include "kernels/attention.h"

#include "kernel_cases.h"

#include "base/mem.h"

enum { SLOTS = 300 };

struct problem {
    struct attend a;
    struct sight *sight;
    struct guarded k, v;
    float *q, *out;
    int32_t more[8];
};

static void make(struct problem *p, struct rng *r, enum dtype type, size_t rows, size_t heads, size_t heads_kv, size_t dim)
{
    size_t head_bytes = dim / dtype_block(type) * dtype_block_bytes(type), stride = heads_kv * head_bytes + 2;
    float *row = mem_alloc(heads_kv * dim, 4, NULL);
    memset(p, 0, sizeof *p);
    p->k = guarded_alloc(SLOTS * stride - 2);
    p->v = guarded_alloc(SLOTS * stride - 2);
    for (size_t s = 0; s < 2 * SLOTS; s++) {
        random_floats(r, row, heads_kv * dim, 1);
        kernels_scalar.store_row(type, (s & 1 ? p->k.data : p->v.data) + s / 2 * stride, row, heads_kv * dim);
    }
    free(row);
    p->sight = mem_zalloc(rows, sizeof *p->sight, NULL);
    p->q = mem_alloc(rows * heads * dim, 4, NULL);
    p->out = mem_alloc(rows * heads * dim, 4, NULL);
    random_floats(r, p->q, rows * heads * dim, 1.5);
    for (size_t i = 0; i < rows; i++)
        p->sight[i] = (struct sight){.k = p->k.data, .v = p->v.data, .stride_k = stride, .stride_v = stride};
    p->a = (struct attend){.sight = p->sight, .rows = rows, .heads = heads, .heads_kv = heads_kv, .dim = dim, .q = p->q,
                           .out = p->out, .type = type, .scale = (float)(1 / sqrt((double)dim))};
}

static void clear(struct problem *p)
{
    guarded_free(&p->k);
    guarded_free(&p->v);
    free(p->sight);
    free(p->q);
    free(p->out);
}

static void run(const struct kernel_set *k, const struct attend *a, int threads)
{
    struct err err = ERR_INIT;
    struct team *team;
    assert_ok(team_open(&team, threads, &err));
    size_t bytes = attend_scratch(k, a->heads, a->heads_kv, a->dim, threads);
    char *scratch = mem_alloc_aligned(bytes + 64, 1, 64, NULL);
    memset(scratch, 0xff, bytes + 64);
    memset(a->out, 0xff, a->rows * a->heads * a->dim * 4);
    mem_forbid("attention");
    attend_run(k, team, a, scratch);
    mem_permit();
    for (size_t i = 0; i < 64; i++)
        assert_int_equal((unsigned char)scratch[bytes + i], 0xff);
    free(scratch);
    team_close(team);
}

/* Scores are sums of dim products of numbers below 6 with chains of float32 additions; their error e enters a weight as
 * its relative error, values are below 6: 6 * 2 * e with e = dim * 2^-24 * 36 / sqrt(dim) at the very worst, and 2^-22 for
 * exp and the sum of weights. */
static void compare(const struct kernel_set *k, struct problem *p, const char *what)
{
    struct attend *a = &p->a;
    size_t n = a->rows * a->heads * a->dim;
    float *want = mem_alloc(n, 4, NULL), *again = mem_alloc(n, 4, NULL);
    a->out = want;
    run(&kernels_scalar, a, 2);
    a->out = p->out;
    run(k, a, 1);
    double limit = 12 * (sqrt((double)a->dim) * 36 * ldexp(1, -24) + ldexp(1, -22));
    for (size_t i = 0; i < n; i++)
        if (!(fabs((double)p->out[i] - (double)want[i]) <= limit))
            fail_msg("%s %s %s: %zu rows, %zu/%zu heads of %zu: row %zu, number %zu is %g, exactly %g", k->name, what,
                     dtype_name(a->type), a->rows, a->heads, a->heads_kv, a->dim, i / (a->heads * a->dim),
                     i % (a->heads * a->dim), (double)p->out[i], (double)want[i]);
    a->out = again;
    run(k, a, 3);
    assert_memory_equal(again, p->out, n * 4);
    free(want);
    free(again);
}

static const enum dtype types[] = {DTYPE_F32, DTYPE_F16, DTYPE_BF16, DTYPE_Q8_0, DTYPE_Q4_0};
static const struct {
    size_t rows, heads, heads_kv, dim;
} shapes[] = {
    {1, 1, 1, 64},  {1, 32, 8, 64},  {3, 9, 3, 64},  {40, 4, 1, 64},  {33, 8, 8, 32},  {70, 6, 2, 96},
    {5, 12, 1, 128}, {20, 40, 2, 32}, {2, 3, 1, 256}, {17, 14, 2, 64}, {100, 2, 1, 32},
};

static void every_shape_type_and_mask_agrees_with_scalar(void **state)
{
    (void)state;
    struct rng r;
    rng_init(&r, 3);
    for (size_t s = 0; fast_set(s); s++)
        for (size_t t = 0; t < sizeof types / sizeof types[0]; t++)
            for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
                struct problem p;
                make(&p, &r, types[t], shapes[i].rows, shapes[i].heads, shapes[i].heads_kv, shapes[i].dim);
                const int32_t rows = (int32_t)shapes[i].rows;
                for (int32_t j = 0; j < rows; j++) { /* a prompt behind 130 slots */
                    p.sight[j].from = 0;
                    p.sight[j].to = 130 + j + 1;
                }
                compare(fast_set(s), &p, "causal");
                p.a.row_invariant = true;
                compare(fast_set(s), &p, "causal, row by row");
                p.a.row_invariant = false;
                for (int32_t j = 0; j < rows; j++)
                    p.sight[j].from = p.sight[j].to > 77 ? p.sight[j].to - 77 : 0;
                p.a.softcap = 2;
                compare(fast_set(s), &p, "sliding window, capped");
                p.a.softcap = 0;
                for (int32_t j = 0; j < 8; j++)
                    p.more[j] = 131 + 20 * j;
                for (int32_t j = 0; j < rows; j++) {
                    p.sight[j].from = 5;
                    p.sight[j].to = 130;
                    p.sight[j].more = p.more;
                    p.sight[j].n_more = j % 9;
                }
                compare(fast_set(s), &p, "tree");
                clear(&p);
            }
}

static void any_dim_is_possible(void **state)
{
    (void)state;
    static const size_t dims[] = {1, 2, 7, 15, 17, 24, 40, 80, 100};
    struct rng r;
    rng_init(&r, 4);
    for (size_t s = 0; fast_set(s); s++)
        for (size_t i = 0; i < sizeof dims / sizeof dims[0]; i++)
            for (size_t rows = 1; rows < 60; rows += 29) {
                struct problem p;
                make(&p, &r, types[i % 3], rows, 4, 2, dims[i]);
                for (size_t j = 0; j < rows; j++)
                    p.sight[j].to = (int32_t)(j * 3 % 90 + 1);
                compare(fast_set(s), &p, "odd dim");
                clear(&p);
            }
}

static void a_row_that_sees_nothing_gives_zeros(void **state)
{
    (void)state;
    struct rng r;
    rng_init(&r, 5);
    for (size_t s = 0; fast_set(s); s++) {
        struct problem p;
        make(&p, &r, DTYPE_F16, 40, 4, 1, 64);
        for (int32_t j = 0; j < 40; j++) {
            p.sight[j].from = 100;
            p.sight[j].to = j % 3 ? 100 + j : 20;
        }
        compare(fast_set(s), &p, "blind");
        for (size_t i = 0; i < 4 * 64; i++)
            assert_true(p.out[3 * 4 * 64 + i] == 0);
        clear(&p);
    }
}

/* Scores far apart and far from zero: the running maximum must hold in every order. */
static void large_scores_do_not_overflow(void **state)
{
    (void)state;
    struct rng r;
    rng_init(&r, 6);
    for (size_t s = 0; fast_set(s); s++)
        for (int rising = 0; rising < 2; rising++) {
            struct problem p;
            make(&p, &r, DTYPE_F32, 33, 4, 4, 16);
            for (size_t i = 0; i < SLOTS; i++) {
                const float key = (float)(rising ? i : SLOTS - i);
                for (size_t j = 0; j < 64; j++)
                    memcpy(p.k.data + i * p.sight[0].stride_k + 4 * j, &key, 4);
            }
            for (size_t i = 0; i < 33 * 64; i++)
                p.q[i] = i % 2 ? 3.0f : 2.5f;
            for (int32_t j = 0; j < 33; j++)
                p.sight[j].to = 200 + j;
            compare(fast_set(s), &p, "large");
            clear(&p);
        }
}

static void a_row_by_itself_has_the_same_bits_in_any_company(void **state)
{
    (void)state;
    struct rng r;
    rng_init(&r, 7);
    for (size_t s = 0; fast_set(s); s++) {
        struct problem p;
        make(&p, &r, DTYPE_F16, 32, 8, 2, 64);
        p.a.row_invariant = true;
        for (int32_t j = 0; j < 32; j++)
            p.sight[j].to = 150 + j;
        run(fast_set(s), &p.a, 2);
        float alone[8 * 64];
        struct attend one = p.a;
        one.rows = 1;
        one.out = alone;
        for (size_t j = 0; j < 32; j++) {
            one.sight = &p.sight[j];
            one.q = p.q + j * 8 * 64;
            run(fast_set(s), &one, 1);
            assert_memory_equal(alone, p.out + j * 8 * 64, sizeof alone);
        }
        clear(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_shape_type_and_mask_agrees_with_scalar),
        cmocka_unit_test(any_dim_is_possible),
        cmocka_unit_test(a_row_that_sees_nothing_gives_zeros),
        cmocka_unit_test(large_scores_do_not_overflow),
        cmocka_unit_test(a_row_by_itself_has_the_same_bits_in_any_company),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
