/* Norms, activations, softmax, rotation, storing; the choice of a set. */
#include "kernel_cases.h"

#include "base/mem.h"

static const size_t sizes[] = {1, 2, 3, 7, 8, 15, 16, 17, 31, 33, 64, 65, 100, 2048, 2053};
enum { N_SIZES = sizeof sizes / sizeof sizes[0], MOST = 2053 };

struct vectors {
    struct guarded x, y, z, w, b;
};

static void make(struct vectors *v, struct rng *r, size_t n, double sd)
{
    struct guarded *all[] = {&v->x, &v->y, &v->z, &v->w, &v->b};
    for (size_t i = 0; i < 5; i++) {
        *all[i] = guarded_alloc(n * 4);
        random_floats(r, (float *)(void *)all[i]->data, n, i < 3 ? sd : 1);
    }
}

static void clear(struct vectors *v)
{
    guarded_free(&v->x);
    guarded_free(&v->y);
    guarded_free(&v->z);
    guarded_free(&v->w);
    guarded_free(&v->b);
}

static void compare(const char *what, const struct kernel_set *k, const float *got, const float *want, size_t n,
                    double relative, double absolute)
{
    for (size_t i = 0; i < n; i++) {
        if (isnan(want[i]) && isnan(got[i]))
            continue;
        if (isinf(want[i]) && got[i] == want[i])
            continue;
        if (!(fabs((double)got[i] - (double)want[i]) <= relative * fabs((double)want[i]) + absolute))
            fail_msg("%s of %s: number %zu of %zu is %.9g, exactly %.9g", what, k->name, i, n, (double)got[i], (double)want[i]);
    }
}

static void norms_agree(void **state)
{
    (void)state;
    struct rng r;
    rng_init(&r, 1);
    float want[MOST];
    for (size_t s = 0; fast_set(s); s++)
        for (size_t i = 0; i < N_SIZES; i++)
            for (int given = 0; given < 2; given++) {
                const struct kernel_set *k = fast_set(s);
                const size_t n = sizes[i];
                struct vectors v;
                make(&v, &r, n, 3);
                float *x = (void *)v.x.data, *y = (void *)v.y.data, *w = given ? (void *)v.w.data : NULL,
                      *b = given ? (void *)v.b.data : NULL;
                kernels_scalar.rms_norm(want, x, w, n, 1e-5f);
                k->rms_norm(y, x, w, n, 1e-5f);
                compare("rms_norm", k, y, want, n, 1e-6, 0);
                kernels_scalar.layer_norm(want, x, w, b, n, 1e-5f);
                k->layer_norm(y, x, w, b, n, 1e-5f);
                compare("layer_norm", k, y, want, n, 4e-6, n == 1 ? 1e-6 : 1e-5);
                memcpy(y, x, n * 4);
                memcpy(want, x, n * 4);
                k->add(y, (void *)v.z.data, n);
                kernels_scalar.add(want, (void *)v.z.data, n);
                compare("add", k, y, want, n, 0, 0);
                k->rms_norm(x, x, w, n, 1e-5f); /* in place */
                clear(&v);
            }
}

static void activations_agree_everywhere(void **state)
{
    (void)state;
    static const float edges[] = {0, -0.0f, 1e-40f, -1e-40f, 88, -88, 89, -89, 104, -104, 1e4f, -1e4f, 3e38f, -3e38f,
                                  INFINITY, NAN, 1e-4f, -1e-4f, 10, -10};
    enum { N_EDGES = sizeof edges / sizeof edges[0] };
    struct rng r;
    rng_init(&r, 2);
    float want[MOST];
    for (size_t s = 0; fast_set(s); s++)
        for (size_t i = 0; i < N_SIZES; i++) {
            const struct kernel_set *k = fast_set(s);
            const struct {
                const char *name;
                void (*fast)(float *, const float *, const float *, size_t);
                void (*plain)(float *, const float *, const float *, size_t);
            } all[] = {
                {"silu_mul", k->silu_mul, kernels_scalar.silu_mul},
                {"gelu_tanh_mul", k->gelu_tanh_mul, kernels_scalar.gelu_tanh_mul},
                {"gelu_erf_mul", k->gelu_erf_mul, kernels_scalar.gelu_erf_mul},
                {"gelu_quick_mul", k->gelu_quick_mul, kernels_scalar.gelu_quick_mul},
                {"relu_mul", k->relu_mul, kernels_scalar.relu_mul},
            };
            const size_t n = sizes[i];
            struct vectors v;
            make(&v, &r, n, 4);
            float *x = (void *)v.x.data, *y = (void *)v.y.data, *up = (void *)v.z.data;
            for (size_t j = 0; j < sizeof all / sizeof all[0]; j++) {
                all[j].plain(want, x, up, n);
                all[j].fast(y, x, up, n);
                compare(all[j].name, k, y, want, n, 3e-6, 1e-7);
                all[j].plain(want, x, NULL, n);
                all[j].fast(x, x, NULL, n); /* in place */
                compare(all[j].name, k, x, want, n, 3e-6, 1e-7);
                float e[N_EDGES];
                all[j].plain(want, edges, NULL, N_EDGES);
                all[j].fast(e, edges, NULL, N_EDGES);
                compare(all[j].name, k, e, want, N_EDGES, 4e-5, 1e-7); /* exp(x) near 100 has 100 ulps of x */
            }
            clear(&v);
        }
}

static void softmax_and_rotation_agree(void **state)
{
    (void)state;
    struct rng r;
    rng_init(&r, 3);
    float want[2 * MOST];
    for (size_t s = 0; fast_set(s); s++)
        for (size_t i = 0; i < N_SIZES; i++) {
            const struct kernel_set *k = fast_set(s);
            const size_t n = sizes[i];
            struct vectors v;
            make(&v, &r, 2 * n, 10);
            float *x = (void *)v.x.data, *y = (void *)v.y.data, *angle = (void *)v.w.data;
            if (n > 3)
                x[2] = -INFINITY;
            kernels_scalar.softmax(want, x, n);
            k->softmax(y, x, n);
            compare("softmax", k, y, want, n, 1e-5, 1e-37);
            if (n > 3)
                assert_true(y[2] == 0);
            random_floats(&r, x, 2 * n, 1);
            for (int pairs = 0; pairs < 2; pairs++) {
                memcpy(y, x, 8 * n);
                memcpy(want, x, 8 * n);
                (pairs ? k->rope_pairs : k->rope_halves)(y, angle, n);
                (pairs ? kernels_scalar.rope_pairs : kernels_scalar.rope_halves)(want, angle, n);
                compare(pairs ? "rope_pairs" : "rope_halves", k, y, want, 2 * n, 2e-7, 2e-6);
            }
            clear(&v);
        }
}

static void stored_rows_are_the_same_bytes(void **state)
{
    (void)state;
    static const enum dtype types[] = {DTYPE_F32, DTYPE_F16, DTYPE_BF16, DTYPE_Q8_0, DTYPE_Q4_0};
    struct rng r;
    rng_init(&r, 4);
    char want[MOST * 4], got[MOST * 4];
    for (size_t s = 0; fast_set(s); s++)
        for (size_t t = 0; t < 5; t++)
            for (size_t n = 32; n < 600; n += dtype_block(types[t]) == 1 ? 31 : 32) {
                struct vectors v;
                make(&v, &r, n, 1);
                float *x = (void *)v.x.data;
                if (n > 60) {
                    memset(x, 0, 32 * 4);
                    x[33] = 1e-40f;
                    x[34] = 70000; /* beyond float16 */
                }
                memset(want, 1, sizeof want);
                memset(got, 1, sizeof got);
                kernels_scalar.store_row(types[t], want, x, n);
                fast_set(s)->store_row(types[t], got, x, n);
                assert_memory_equal(got, want, sizeof got);
                clear(&v);
            }
}

static void a_set_is_chosen_by_name_and_completed_from_below(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    const struct kernel_set *k, *best;
    const char *from = NULL;
    assert_ok(kernels_choose(&k, "scalar", &err));
    assert_string_equal(k->name, "scalar");
    assert_err(kernels_choose(&k, "mmx", &err), ERR_USAGE, "'mmx'");
    assert_non_null(strstr(err.hint, "scalar"));
    setenv("PRONY_KERNELS", "scalar", 1);
    assert_ok(kernels_choose(&k, NULL, &err));
    assert_string_equal(k->name, "scalar");
    unsetenv("PRONY_KERNELS");
    assert_ok(kernels_choose(&best, NULL, &err));
    for (size_t i = 0; i < kernels_count(); i++)
        if (!kernels_at(i)->missing()) {
            assert_string_equal(best->name, kernels_at(i)->name);
            break;
        }
    size_t n = 0, plain = 0;
    for (const char *name; (name = kernels_operation(best, n, &from)); n++) {
        assert_non_null(from);
        if (strcmp(name, "gelu_erf_mul") == 0)
            assert_string_equal(from, "scalar");
        plain += strcmp(from, "scalar") == 0;
    }
    assert_true(n > 10);
    if (fast_set(0))
        assert_int_equal(plain, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(norms_agree),
        cmocka_unit_test(activations_agree_everywhere),
        cmocka_unit_test(softmax_and_rotation_agree),
        cmocka_unit_test(stored_rows_are_the_same_bytes),
        cmocka_unit_test(a_set_is_chosen_by_name_and_completed_from_below),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
