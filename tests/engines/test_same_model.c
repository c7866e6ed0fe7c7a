/* One model, two engines: the teacher in native:ref and in transformers (where check.sh --peers installed it) write the same
 * greedy ids, and their distributions agree. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/data_path.h"
#include "engines/engine.h"
#include "support/testing.h"

enum { PROMPTS = 20, NEW = 32 };

static struct engine *open_engine(const char *text)
{
    struct err err = ERR_INIT;
    struct engine_name name;
    struct engine *e;
    char *model = data_path("models/teacher", &err);
    assert_ok(engine_name_parse(&name, text, &err));
    assert_ok(engine_open(&e, &(struct engine_spec){.name = &name, .model = model, .context = 256, .threads = 2}, &err));
    free(model);
    return e;
}

static const char *const texts[PROMPTS] = {
    "The river", "In 1912", "Once upon a time", "def add(a, b):", "What is 2+2?", "The capital of", "He said that", "She was born in",
    "import os", "A total of", "The film was", "1, 2, 3,", "Janet has 3 apples and", "According to", "for i in range(", "The species is",
    "During the war", "If x is", "The album", "Question:"};

struct want {
    const float *logits; /* of the position at hand */
    double kl;           /* summed, over the first's 50 likeliest and a rest */
    size_t n, width;
    float *kept;         /* [positions][width] of the first engine */
};

static int keep(void *arg, size_t i, const float *logits, size_t n, struct err *err)
{
    struct want *w = arg;
    (void)err;
    w->width = n;
    memcpy(w->kept + i * n, logits, n * sizeof *logits);
    return 0;
}

static double log_sum(const float *logits, size_t n)
{
    double most = logits[0], sum = 0;
    for (size_t i = 1; i < n; i++)
        most = logits[i] > most ? logits[i] : most;
    for (size_t i = 0; i < n; i++)
        sum += exp(logits[i] - most);
    return most + log(sum);
}

static int compare(void *arg, size_t i, const float *logits, size_t n, struct err *err)
{
    struct want *w = arg;
    const float *p = w->kept + i * n;
    double zp = log_sum(p, n), zq = log_sum(logits, n), kl = 0;
    (void)err;
    for (size_t k = 0; k < n; k++)
        kl += exp(p[k] - zp) * ((p[k] - zp) - (logits[k] - zq));
    w->kl += kl;
    w->n++;
    return 0;
}

static void same_text_and_distributions(struct engine *a, struct engine *b, double limit)
{
    struct err err = ERR_INIT;
    struct engine_reply x = {0}, y = {0};
    struct want w = {0};
    int near_ties = 0;
    w.kept = calloc((size_t)256 * (size_t)engine_facts(a)->vocabulary, sizeof *w.kept);
    for (size_t i = 0; i < PROMPTS; i++) {
        int32_t *ids, all[64];
        size_t n;
        assert_ok(engine_tokenize(a, texts[i], strlen(texts[i]), &ids, &n, &err));
        struct engine_prompt prompt = {.ids = ids, .n_ids = n};
        struct engine_request r = {.prompts = &prompt, .n_prompts = 1, .max_tokens = NEW, .ignore_eos = true, .n_top = 2};
        assert_ok(engine_generate(a, &r, &x, &err));
        assert_ok(engine_generate(b, &r, &y, &err));
        for (size_t k = 0; k < x.n_steps; k++) {
            if (x.steps[k].id == y.steps[k].id)
                continue;
            double margin = x.tops[2 * k].logprob - x.tops[2 * k + 1].logprob;
            if (margin >= 1e-3)
                fail_msg("'%s': id %zu is %d and %d, and no near-tie (margin %g)", texts[i], k, x.steps[k].id, y.steps[k].id, margin);
            near_ties++;
            break;
        }
        memcpy(all, ids, n * sizeof *ids);
        for (size_t k = 0; k < 16; k++)
            all[n + k] = x.steps[k].id;
        double *logprobs = calloc(n + 16, sizeof *logprobs);
        assert_ok(engine_score(a, &(struct engine_score){.ids = all, .n_ids = n + 16, .logprobs = logprobs, .on_logits = keep,
                                                         .on_logits_arg = &w}, &err));
        assert_ok(engine_score(b, &(struct engine_score){.ids = all, .n_ids = n + 16, .logprobs = logprobs, .on_logits = compare,
                                                         .on_logits_arg = &w}, &err));
        free(logprobs);
        free(ids);
    }
    printf("  mean KL %.3g nats over %zu positions, %d near-ties in %d texts\n", w.kl / (double)w.n, w.n, near_ties, PROMPTS);
    assert_true(w.n > 300 && w.kl / (double)w.n < limit);
    engine_reply_release(&x);
    engine_reply_release(&y);
    free(w.kept);
}

static void the_same_model(void **state)
{
    (void)state;
    if (!getenv("PRONY_TEST_PEERS")) {
        printf("  SKIPPED: check.sh --peers installs transformers for it\n");
        skip();
    }
    struct engine *a = open_engine("native:ref"), *b = open_engine("transformers:float32");
    same_text_and_distributions(a, b, 1e-9);
    engine_close(a);
    engine_close(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_same_model)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
