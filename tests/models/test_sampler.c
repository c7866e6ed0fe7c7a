/* The sampler's distributions against those of transformers' processors; draws; greedy and its ties. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "models/sampler.h"
#include "support/golden.h"
#include "support/testing.h"

static double optional(json_t *how, const char *key)
{
    json_t *v = json_object_get(how, key);
    return v ? json_number_value(v) : 0;
}

static size_t read_ids(int32_t out[64], json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        out[i] = (int32_t)json_integer_value(json_array_get(list, i));
    return json_array_size(list);
}

static void check_case(json_t *c, size_t at)
{
    struct err err = ERR_INIT;
    json_t *how = json_object_get(c, "how"), *bias = json_object_get(how, "bias"), *want = json_object_get(c, "p");
    struct logit_bias biases[8];
    for (size_t i = 0; i < json_array_size(bias); i++) {
        json_t *pair = json_array_get(bias, i);
        biases[i] = (struct logit_bias){(int32_t)json_integer_value(json_array_get(pair, 0)),
                                        json_number_value(json_array_get(pair, 1))};
    }
    struct sampling sampling = {
        .temperature = optional(how, "temperature"), .top_k = (int)optional(how, "top_k"), .top_p = optional(how, "top_p"),
        .min_p = optional(how, "min_p"), .typical = optional(how, "typical"),
        .repetition_penalty = optional(how, "repetition_penalty"), .presence_penalty = optional(how, "presence_penalty"),
        .frequency_penalty = optional(how, "frequency_penalty"), .bias = biases, .n_bias = json_array_size(bias),
    };
    int32_t ids[64];
    float logits[64];
    double p[64];
    int n = (int)json_array_size(want);
    for (int i = 0; i < n; i++)
        logits[i] = (float)json_number_value(json_array_get(json_object_get(c, "logits"), (size_t)i));
    struct sampler s;
    assert_ok(sampler_init(&s, &sampling, n, &err));
    sampler_see(&s, ids, read_ids(ids, json_object_get(c, "prompt")));
    size_t n_text = read_ids(ids, json_object_get(c, "text"));
    for (size_t i = 0; i < n_text; i++)
        sampler_accept(&s, ids[i]);
    sampler_distribution(&s, logits, p);
    for (int i = 0; i < n; i++) {
        double expected = json_number_value(json_array_get(want, (size_t)i));
        if (fabs(p[i] - expected) > 1e-9)
            fail_msg("case %zu: token %d has probability %.12g, expected %.12g", at, i, p[i], expected);
    }
    sampler_release(&s);
}

static void distributions_are_those_of_transformers(void **state)
{
    (void)state;
    json_t *g = golden_load("tests/models/sampler.json"), *cases = golden_at(g, "cases");
    assert_true(json_array_size(cases) >= 20);
    for (size_t i = 0; i < json_array_size(cases); i++)
        check_case(json_array_get(cases, i), i);
    json_decref(g);
}

/* 20000 draws: each share within five standard errors of its probability. */
static void draws_follow_the_distribution(void **state)
{
    (void)state;
    enum { N = 6, DRAWS = 20000 };
    struct err err = ERR_INIT;
    float logits[N] = {0.5f, -1, 2, 0, 1.5f, -3};
    double p[N];
    int count[N] = {0};
    struct sampler s;
    assert_ok(sampler_init(&s, &(struct sampling){.temperature = 0.85, .top_p = 0.97, .seed = 3}, N, &err));
    sampler_distribution(&s, logits, p);
    assert_true(p[5] == 0);
    for (int i = 0; i < DRAWS; i++)
        count[sampler_pick(&s, logits)]++;
    for (int i = 0; i < N; i++) {
        double error = sqrt(p[i] * (1 - p[i]) / DRAWS);
        assert_true(fabs(count[i] / (double)DRAWS - p[i]) <= 5 * error);
    }
    sampler_release(&s);
}

static void a_seed_repeats_and_another_differs(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    float logits[32] = {0};
    int32_t ids[3][20];
    for (int k = 0; k < 3; k++) {
        struct sampler s;
        assert_ok(sampler_init(&s, &(struct sampling){.temperature = 1, .seed = k == 2 ? 43 : 42}, 32, &err));
        for (int i = 0; i < 20; i++)
            ids[k][i] = sampler_pick(&s, logits);
        sampler_release(&s);
    }
    assert_memory_equal(ids[0], ids[1], sizeof ids[0]);
    assert_memory_not_equal(ids[0], ids[2], sizeof ids[0]);
}

static void greedy_takes_the_lowest_id_of_equals(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    float logits[5] = {1, 4, 4, -2, 4};
    double p[5];
    struct sampler s;
    struct logit_bias forbid = {1, -(double)INFINITY};
    assert_int_equal(logits_best(logits, 5), 1);
    assert_close(logits_logprob(logits, 5, 0), 1 - 4 - log(3 + exp(-3) + exp(-6)), 1e-12, "logprob");
    assert_ok(sampler_init(&s, &(struct sampling){.bias = &forbid, .n_bias = 1}, 5, &err));
    sampler_distribution(&s, logits, p);
    assert_true(p[2] == 1 && p[1] == 0);
    assert_int_equal(sampler_pick(&s, logits), 2);
    sampler_release(&s);
    assert_ok(sampler_init(&s, &(struct sampling){.frequency_penalty = 1}, 5, &err));
    assert_int_equal(sampler_pick(&s, logits), 1);
    assert_int_equal(sampler_pick(&s, logits), 2);
    assert_int_equal(sampler_pick(&s, logits), 4);
    assert_int_equal(sampler_pick(&s, logits), 1);
    sampler_release(&s);
}

static void nonsense_is_refused(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct sampler s;
    struct logit_bias bias = {5, 1};
    assert_err(sampler_init(&s, &(struct sampling){.temperature = -1}, 5, &err), ERR_USAGE, "temperature is -1");
    assert_err(sampler_init(&s, &(struct sampling){.top_p = 1.5}, 5, &err), ERR_USAGE, "top-p is 1.5");
    assert_err(sampler_init(&s, &(struct sampling){.min_p = (double)NAN}, 5, &err), ERR_USAGE, "min-p");
    assert_err(sampler_init(&s, &(struct sampling){.bias = &bias, .n_bias = 1}, 5, &err), ERR_USAGE, "token 5");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distributions_are_those_of_transformers), cmocka_unit_test(draws_follow_the_distribution),
        cmocka_unit_test(a_seed_repeats_and_another_differs),      cmocka_unit_test(greedy_takes_the_lowest_id_of_equals),
        cmocka_unit_test(nonsense_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
