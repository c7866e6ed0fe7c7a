/* The models that come with prony, and stories260K, against independent computations of them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "models/sampler.h"
#include "models/session.h"
#include "support/golden.h"
#include "support/golden_model.h"
#include "support/testing.h"

static struct session *run_prompt(const struct model *m, const int32_t *ids, size_t n)
{
    struct err err = ERR_INIT;
    struct session *s;
    struct row *rows = calloc(n, sizeof *rows);
    assert_ok(session_open(&s, m, &(struct session_options){.variant = "ref", .context = 256}, &err));
    for (size_t i = 0; i < n; i++)
        rows[i] = (struct row){.pos = (int)i, .token = ids[i], .parent = ROW_CHAIN, .want = ROW_LOGITS};
    assert_ok(session_forward(s, rows, n, &err));
    free(rows);
    return s;
}

/* Greedy from the session's last row on; with logprobs, each id's too. */
static void check_greedy(struct session *s, int vocabulary, size_t n_prompt, json_t *ids, json_t *logprobs, const char *name)
{
    struct err err = ERR_INIT;
    size_t last = n_prompt - 1;
    for (size_t i = 0; i < json_array_size(ids); i++, last = 0) {
        const float *logits = session_logits(s, last);
        int32_t next = logits_best(logits, vocabulary), want = (int32_t)json_integer_value(json_array_get(ids, i));
        if (next != want)
            fail_msg("%s: greedy id %zu is %d, expected %d", name, i, next, want);
        if (logprobs)
            assert_close(logits_logprob(logits, vocabulary, next), json_number_value(json_array_get(logprobs, i)), 1e-4, name);
        struct row row = {.pos = (int)(n_prompt + i), .token = next, .parent = ROW_CHAIN, .want = ROW_LOGITS};
        assert_ok(session_forward(s, &row, 1, &err));
    }
}

static void check_logits(const float *got, json_t *want, const char *name)
{
    for (size_t i = 0; i < json_array_size(want); i++) {
        double d = fabs((double)got[i] - json_number_value(json_array_get(want, i)));
        if (!(d <= 1e-4))
            fail_msg("%s: logit %zu is %g away", name, i, d);
    }
}

static struct model *open_of(json_t *g)
{
    struct err err = ERR_INIT;
    struct model *m;
    char path[512];
    snprintf(path, sizeof path, "%s/%s", SOURCE_DIR, golden_text(g, "model"));
    assert_ok(model_open_weights(&m, path, &err));
    return m;
}

static void builtin_models_equal_transformers(void **state)
{
    (void)state;
    json_t *all = golden_load("tests/models/builtin.json");
    assert_int_equal(golden_count(all, "models"), 3);
    for (size_t k = 0; k < 3; k++) {
        json_t *g = json_array_get(golden_at(all, "models"), k);
        struct model *m = open_of(g);
        struct model_facts facts;
        size_t n;
        const int32_t *ids = golden_model_ids(g, "prompt", &n);
        model_facts(m, &facts);
        assert_int_equal(facts.parameters, (uint64_t)golden_number(g, "parameters"));
        assert_string_equal(facts.quantization, "bf16");
        assert_true(facts.tied && facts.context == 8192);
        assert_true(model_is_eos(m, 1) && model_is_eos(m, 6) && !model_is_eos(m, 0));
        struct session *s = run_prompt(m, ids, n);
        check_logits(session_logits(s, n - 1), golden_at(g, "logits_of_last"), golden_text(g, "model"));
        for (size_t i = 0; i + 1 < n; i++)
            assert_close(logits_logprob(session_logits(s, i), facts.vocabulary, ids[i + 1]),
                         json_number_value(json_array_get(golden_at(g, "logprobs"), i)), 1e-4, golden_text(g, "model"));
        check_greedy(s, facts.vocabulary, n, golden_at(g, "greedy"), NULL, golden_text(g, "model"));
        session_close(s);
        model_close(m);
        free((void *)ids);
    }
    json_decref(all);
}

static void stories_equal_a_recomputation(void **state)
{
    (void)state;
    json_t *all = golden_load("tests/models/builtin.json"), *g = golden_at(all, "stories");
    struct model *m = open_of(g);
    size_t n;
    const int32_t *ids = golden_model_ids(g, "prompt", &n);
    struct session *s = run_prompt(m, ids, n);
    struct model_facts facts;
    model_facts(m, &facts);
    check_logits(session_logits(s, 0), golden_at(g, "logits_of_last"), "stories260K");
    check_greedy(s, facts.vocabulary, n, golden_at(g, "greedy"), golden_at(g, "greedy_logprobs"), "stories260K");
    session_close(s);
    model_close(m);
    free((void *)ids);
    json_decref(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(builtin_models_equal_transformers),
        cmocka_unit_test(stories_equal_a_recomputation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
