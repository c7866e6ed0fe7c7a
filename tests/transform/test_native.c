/* What the fast variant's arithmetic costs: mean KL(ref || fast) and perplexity on a text, each type of weights against ref on
 * the same quantized weights. And what it must not cost: a bit, whatever the number of threads, and in row_invariant whatever
 * the number of rows. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "models/session.h"
#include "support/testing.h"
#include "transform/convert.h"
#include "transform/quantize.h"

enum { TOKENS = 160 };

static const char text[] =
    "The old bridge across the river was built in the late nineteenth century , when the town was still a small port . It has "
    "five arches of stone , and the middle one is the largest of them . During the war it was damaged twice , and after the "
    "second time the government decided to rebuild it with steel . Many people of the town worked on it for more than three "
    "years . Today the bridge is used by about 4 @,@ 000 cars a day , and it is known for the view of the harbour . "
    "Question: A farmer has 12 cows and each of them gives 18 liters of milk a day . He sells two thirds of the milk for 2 "
    "dollars a liter and keeps the rest . How much money does he make in a week ? Answer: Each day the cows give 12 * 18 = 216 "
    "liters of milk . He sells 216 * 2 / 3 = 144 liters , and for these he gets 144 * 2 = 288 dollars a day . In a week he "
    "makes 288 * 7 = 2016 dollars . The river floods in most springs , and in 1936 the water rose so high that the lower part "
    "of the town could only be reached by boat for eleven days . In the following years walls were built along both banks .";

static int32_t ids[TOKENS];
static struct model_facts facts;

static char *gguf(const char *recipe)
{
    struct err err = ERR_INIT;
    struct convert_report converted;
    struct quantize_report quantized;
    char name[64];
    snprintf(name, sizeof name, "teacher-%s.gguf", recipe);
    char *f32 = path_join(test_dir(), "teacher-f32.gguf", &err), *path = path_join(test_dir(), name, &err);
    if (!file_exists(f32))
        assert_ok(convert_model(SOURCE_DIR "/models/teacher", f32, &(struct convert_options){.type = "f32"}, &converted, &err));
    if (strcmp(recipe, "f32") != 0)
        assert_ok(quantize_file(f32, path, &(struct quantize_options){.recipe = recipe}, &quantized, &err));
    free(f32);
    return path;
}

static int tokenize(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct model *m;
    struct ids all = {0};
    assert_ok(model_open(&m, SOURCE_DIR "/models/teacher", &err));
    model_facts(m, &facts);
    assert_ok(tokenizer_encode(model_tokenizer(m), text, strlen(text), 0, &all, &err));
    assert_true(all.n >= TOKENS - 1);
    ids[0] = 0; /* <|bos|> */
    memcpy(ids + 1, all.data, (TOKENS - 1) * sizeof *ids);
    ids_release(&all);
    model_close(m);
    return 0;
}

/* Logits of all tokens, fed in calls of sizes[0], sizes[1], ... rows; the last size is repeated. */
static float *run(const char *path, const struct session_options *o, const int *sizes, int n_sizes)
{
    struct err err = ERR_INIT;
    struct model *m;
    struct session *s;
    struct row rows[TOKENS];
    const size_t wide = (size_t)facts.vocabulary;
    float *out = malloc(TOKENS * wide * sizeof *out);
    assert_non_null(out);
    assert_ok(model_open_weights(&m, path, &err));
    assert_ok(session_open(&s, m, o, &err));
    for (int from = 0, call = 0, n; from < TOKENS; from += n, call++) {
        n = sizes[call < n_sizes ? call : n_sizes - 1];
        n = n < TOKENS - from ? n : TOKENS - from;
        for (int i = 0; i < n; i++)
            rows[i] = (struct row){.pos = from + i, .token = ids[from + i], .parent = ROW_CHAIN, .want = ROW_LOGITS};
        assert_ok(session_forward(s, rows, (size_t)n, &err));
        for (int i = 0; i < n; i++)
            memcpy(out + (size_t)(from + i) * wide, session_logits(s, (size_t)i), wide * sizeof *out);
    }
    session_close(s);
    model_close(m);
    return out;
}

static double log_sum(const float *x, int n)
{
    double top = -INFINITY, sum = 0;
    for (int i = 0; i < n; i++)
        top = x[i] > top ? x[i] : top;
    for (int i = 0; i < n; i++)
        sum += exp(x[i] - top);
    return top + log(sum);
}

/* Mean KL in nats; relative change of the perplexity, and its standard error: so few tokens do not tell it to 0.1 %. */
struct cost {
    double kl, perplexity, error;
};

static struct cost compare(const float *ref, const float *fast)
{
    const int wide = facts.vocabulary;
    double kl = 0, more = 0, squares = 0;
    for (int t = 0; t < TOKENS; t++, ref += wide, fast += wide) {
        const double a = log_sum(ref, wide), b = log_sum(fast, wide);
        for (int i = 0; i < wide; i++)
            kl += exp(ref[i] - a) * ((ref[i] - a) - (fast[i] - b));
        if (t + 1 < TOKENS) {
            const double d = (ref[ids[t + 1]] - a) - (fast[ids[t + 1]] - b);
            more += d;
            squares += d * d;
        }
    }
    return (struct cost){kl / TOKENS, expm1(more / (TOKENS - 1)), sqrt(squares) / (TOKENS - 1)};
}

static void fast_arithmetic_stays_within_its_bounds(void **state)
{
    (void)state;
    static const struct {
        const char *recipe;
        double kl, perplexity;
        bool bf16;
    } bounds[] = {
        {"f32", 1e-6, 1e-3, false},    {"f16", 1e-6, 1e-3, false},    {"bf16", 2e-5, 1e-3, false},   {"f16", 2e-5, 1e-3, true},
        {"q8_0", 2e-4, 1e-3, false},   {"q4_0", 2e-4, 1e-3, false},   {"q2_k", 5e-4, 2e-3, false},   {"q3_k_m", 5e-4, 2e-3, false},
        {"q4_k_m", 5e-4, 2e-3, false}, {"q5_k_m", 5e-4, 2e-3, false}, {"q6_k", 5e-4, 2e-3, false},
    };
    /* one row, a few, many: each goes another way through the kernels */
    static const int sizes[] = {1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 3, 4, 5, 7, 8, 11, 16, 17, 32, 1}, whole[] = {TOKENS};
    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
        char *path = gguf(bounds[i].recipe);
        const struct session_options o = {.variant = "fast", .context = TOKENS, .bf16 = bounds[i].bf16};
        float *ref = run(path, &(struct session_options){.variant = "ref", .context = TOKENS}, whole, 1);
        float *parts = run(path, &o, sizes, sizeof sizes / sizeof sizes[0]), *prompt = run(path, &o, whole, 1);
        const struct cost a = compare(ref, parts), b = compare(ref, prompt);
        print_message("%-6s%s mean KL %.1e in parts, %.1e as a prompt; perplexity %+.3f %%, %+.3f %% (+- %.3f)\n", bounds[i].recipe,
                      bounds[i].bf16 ? " bf16" : "     ", a.kl, b.kl, a.perplexity * 100, b.perplexity * 100, b.error * 100);
        if (!(fmax(a.kl, b.kl) <= bounds[i].kl))
            fail_msg("%s: mean KL %g and %g, at most %g expected", bounds[i].recipe, a.kl, b.kl, bounds[i].kl);
        if (!(fmax(fabs(a.perplexity), fabs(b.perplexity)) <= bounds[i].perplexity + 2 * fmax(a.error, b.error)))
            fail_msg("%s: perplexity moves by %g and %g", bounds[i].recipe, a.perplexity, b.perplexity);
        free(ref);
        free(parts);
        free(prompt);
        free(path);
    }
}

static void the_same_bits(const char *what, const char *recipe, int n, float *a, float *b)
{
    if (memcmp(a, b, (size_t)TOKENS * (size_t)facts.vocabulary * sizeof *a) != 0)
        fail_msg("%s: other bits with %d %s", recipe, n, what);
    free(b);
}

static void threads_and_company_change_no_bit(void **state)
{
    (void)state;
    static const char *const recipes[] = {"bf16", "q8_0", "q4_k_m"};
    static const int counts[] = {2, 3, 5, 8, 32}, sizes[] = {1, 1, 3, 16, 40, 256}, one[] = {1};
    for (size_t i = 0; i < sizeof recipes / sizeof recipes[0]; i++) {
        char *path = gguf(recipes[i]);
        struct session_options o = {.variant = "fast", .context = TOKENS, .threads = 1};
        float *first = run(path, &o, sizes, 6);
        for (o.threads = 2; o.threads <= 4; o.threads += 2)
            the_same_bits("threads", recipes[i], o.threads, first, run(path, &o, sizes, 6));
        free(first);
        o = (struct session_options){.variant = "fast", .context = TOKENS, .row_invariant = true};
        first = run(path, &o, one, 1);
        for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++)
            the_same_bits("rows", recipes[i], counts[c], first, run(path, &o, &counts[c], 1));
        free(first);
        free(path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fast_arithmetic_stays_within_its_bounds),
        cmocka_unit_test(threads_and_company_change_no_bit),
    };
    return cmocka_run_group_tests(tests, tokenize, NULL);
}
