/* The fake engine against its own header: distributions, sampling, times and faults, all in closed form. */
#include "support/testing.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "engines/engine.h"
#include "engines/fake.h"

static struct engine *open_fake(const char *options, const char *model, uint64_t seed, uint64_t launch)
{
    struct err err = ERR_INIT;
    struct engine_name name;
    struct engine *e = NULL;
    json_t *o = options ? json_loads(options, 0, NULL) : NULL;
    assert_true(!options || o);
    assert_ok(engine_name_parse(&name, "fake", &err));
    assert_ok(engine_open(&e, &(struct engine_spec){.name = &name, .model = model, .options = o, .seed = seed,
                                                    .launch = launch}, &err));
    json_decref(o);
    return e;
}

static void ask(struct engine *e, struct engine_reply *reply, size_t n_prompt, size_t n_new, double temperature,
                uint64_t seed, int n_top, uint64_t ordinal)
{
    struct err err = ERR_INIT;
    int32_t *ids = calloc(n_prompt, sizeof *ids);
    for (size_t i = 0; i < n_prompt; i++)
        ids[i] = (int32_t)(i % 5);
    struct engine_prompt prompt = {.ids = ids, .n_ids = n_prompt};
    assert_ok(engine_generate(e, &(struct engine_request){.prompts = &prompt, .n_prompts = 1, .max_tokens = n_new,
                                                          .ignore_eos = true, .n_top = n_top, .ordinal = ordinal,
                                                          .sampling = {.temperature = temperature, .seed = seed}},
                              reply, &err));
    free(ids);
}

/* The probability of rank r as the header has it, computed the slow way: by summing all powers. */
static double p_of_rank(double q, int v, int r)
{
    double sum = 0;
    for (int i = 0; i < v; i++)
        sum += pow(q, i);
    return pow(q, r) / sum;
}

static void greedy_follows_the_head(void **unused)
{
    (void)unused;
    struct engine *e = open_fake("{\"vocabulary\": 11, \"decay\": 0.6, \"model_seed\": 7}", NULL, 1, 0);
    struct engine_reply reply = {0};
    ask(e, &reply, 4, 20, 0, 0, 11, 0);
    uint64_t state = 7, s = splitmix64(&state); /* by hand, not through fake.h */
    for (int i = 0; i < 4; i++) {
        state = s + (uint64_t)i + 1;
        s = splitmix64(&state);
    }
    for (size_t i = 0; i < reply.n_steps; i++) {
        assert_int_equal(reply.steps[i].id, s % 10);
        assert_close(reply.steps[i].logprob, log(p_of_rank(0.6, 11, 0)), 1e-14, "log-probability of the head");
        for (int k = 0; k < 11; k++) {
            assert_int_equal(reply.tops[i * 11 + (size_t)k].id, (s % 10 + (uint64_t)k) % 11);
            assert_close(reply.tops[i * 11 + (size_t)k].logprob, log(p_of_rank(0.6, 11, k)), 1e-13, "of a rank");
        }
        state = s + s % 10 + 1;
        s = splitmix64(&state);
    }
    engine_reply_release(&reply);
    engine_close(e);
}

/* Sampled ranks against the exact distribution, with temperature and both cuts. */
static void sampling_is_the_distribution(void **unused)
{
    (void)unused;
    static const struct {
        double temperature, top_p;
        int top_k, n; /* n: ranks that stay */
        double q;
    } cases[] = {{1, 0, 0, 9, 0.5}, {2, 0, 0, 9, 0.70710678118654752}, {1, 0, 3, 3, 0.5}, {1, 0.8, 0, 3, 0.5},
                 {0.5, 1, 0, 9, 0.25}};
    struct err err = ERR_INIT;
    struct engine *e = open_fake("{\"vocabulary\": 9, \"decay\": 0.5, \"model_seed\": 3}", NULL, 1, 0);
    struct engine_prompt prompt = {.ids = (int32_t[]){2, 5}, .n_ids = 2};
    uint64_t s = fake_state_push(fake_state_push(fake_state_init(3), 2), 5);
    int head = fake_head(s, 9, 0);
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        enum { DRAWS = 20000 };
        int count[9] = {0};
        struct engine_reply reply = {0};
        for (int i = 0; i < DRAWS; i++) {
            assert_ok(engine_generate(e, &(struct engine_request){.prompts = &prompt, .n_prompts = 1, .max_tokens = 1,
                                      .ignore_eos = true, .sampling = {.temperature = cases[c].temperature,
                                      .top_k = cases[c].top_k, .top_p = cases[c].top_p, .seed = (uint64_t)i}},
                                      &reply, &err));
            count[(reply.steps[0].id - head + 9) % 9]++;
        }
        for (int r = 0; r < 9; r++) {
            double p = r < cases[c].n ? p_of_rank(cases[c].q, cases[c].n, r) : 0;
            double sd = sqrt(p * (1 - p) / DRAWS);
            if (fabs((double)count[r] / DRAWS - p) > 4.5 * sd)
                fail_msg("case %zu: rank %d came %d of %d times, expected %.5f", c, r, count[r], DRAWS, p);
        }
        engine_reply_release(&reply);
    }
    engine_close(e);
}

static void time_is_the_script(void **unused)
{
    (void)unused;
    struct engine *e = open_fake("{\"load_ms\": 300, \"enqueue_ms\": 0.5, \"prompt_token_ms\": 2, \"token_ms\": 10,"
                                 "\"position_ms\": 0.25}", "m", 1, 0);
    struct engine_reply reply = {0};
    assert_int_equal(engine_facts(e)->load_ns, 300000000);
    assert_int_equal(engine_now(e), 300000000);
    ask(e, &reply, 8, 4, 0, 0, 0, 0);
    assert_int_equal(reply.submitted, 300000000);
    assert_int_equal(reply.steps[0].began - reply.steps[0].handed, 500000);
    assert_int_equal(reply.prefilled - reply.submitted, 16500000);
    for (int i = 1; i < 4; i++) {
        assert_int_equal(reply.steps[i].handed, reply.steps[i - 1].done);
        assert_int_equal(reply.steps[i].done - reply.steps[i].handed, 500000 + 10000000 + 250000 * (8 + i - 1));
    }
    engine_reply_release(&reply);
    engine_close(e);
}

static double request_ms(struct engine *e, uint64_t ordinal)
{
    struct engine_reply reply = {0};
    ask(e, &reply, 1, 2, 0, 0, 0, ordinal);
    double ms = (double)(reply.steps[1].done - reply.steps[1].handed) / 1e6;
    engine_reply_release(&reply);
    return ms;
}

/* A launch that is taken up again at request n gives what it would have given, and launches differ. */
static void noise_hangs_on_numbers_only(void **unused)
{
    (void)unused;
    const char *o = "{\"token_ms\": 10, \"launch_cv\": 0.1, \"request_cv\": 0.05, \"token_cv\": 0.02, \"rho\": 0.7}";
    struct engine *whole = open_fake(o, "m", 99, 0), *again = open_fake(o, "m", 99, 0);
    struct engine *other = open_fake(o, "m", 100, 1);
    double ms[40];
    for (uint64_t i = 0; i < 40; i++)
        ms[i] = request_ms(whole, i);
    for (uint64_t i = 25; i < 40; i++)
        assert_true(request_ms(again, i) == ms[i]);
    assert_true(request_ms(again, 3) == ms[3]);
    assert_true(request_ms(other, 0) != ms[0]);
    engine_close(whole);
    engine_close(again);
    engine_close(other);
}

/* The noise has the spread and the correlation that the script names; drift grows with the launch. */
static void noise_has_its_shape(void **unused)
{
    (void)unused;
    enum { N = 4000 };
    struct engine *e = open_fake("{\"token_ms\": 1000, \"request_cv\": 0.05, \"rho\": 0.6}", "m", 5, 0);
    static double x[N];
    double mean = 0, var = 0, lag = 0;
    for (uint64_t i = 0; i < N; i++)
        mean += (x[i] = request_ms(e, i)) / N;
    for (int i = 0; i < N; i++) {
        var += (x[i] - mean) * (x[i] - mean) / N;
        lag += i ? (x[i] - mean) * (x[i - 1] - mean) / N : 0;
    }
    assert_close(mean / 1000, 1, 0.01, "mean");
    assert_close(sqrt(var) / 1000, 0.05, 0.005, "spread");
    assert_close(lag / var, 0.6, 0.06, "correlation");
    engine_close(e);
    for (uint64_t launch = 0; launch < 5; launch++) {
        e = open_fake("{\"token_ms\": 1000, \"drift\": 0.01}", "m", 5, launch);
        assert_close(request_ms(e, 0), 1000 * (1 + 0.01 * (double)launch), 1e-9, "drift");
        engine_close(e);
    }
    int slow = 0;
    e = open_fake("{\"token_ms\": 1000, \"shape\": \"bimodal\", \"request_cv\": 0.001, \"mode_share\": 0.1,"
                  "\"mode_shift\": 0.2}", "m", 5, 0);
    for (uint64_t i = 0; i < N; i++)
        slow += request_ms(e, i) > 1100;
    assert_close((double)slow / N, 0.1, 0.02, "share of the slow mode");
    engine_close(e);
}

static void a_text_ends(void **unused)
{
    (void)unused;
    struct err err = ERR_INIT;
    struct engine *e = open_fake("{\"eos_every\": 10}", "m", 1, 0);
    struct engine_prompt prompts[3] = {{.text = "one"}, {.text = "two, longer"}, {.ids = (int32_t[]){1, 2, 3}, .n_ids = 3}};
    struct engine_request request = {.prompts = prompts, .n_prompts = 3, .max_tokens = 500};
    struct engine_reply replies[3] = {{0}};
    assert_ok(engine_generate(e, &request, replies, &err));
    for (int i = 0; i < 3; i++) { /* each alone gives the same as in the batch */
        struct engine_reply alone = {0};
        request.prompts = &prompts[i];
        request.n_prompts = 1;
        assert_ok(engine_generate(e, &request, &alone, &err));
        assert_int_equal(alone.finish, FINISH_EOS);
        assert_int_equal(alone.steps[alone.n_steps - 1].id, 256);
        assert_int_equal(alone.n_steps, replies[i].n_steps);
        for (size_t k = 0; k < alone.n_steps; k++)
            assert_int_equal(alone.steps[k].id, replies[i].steps[k].id);
        engine_reply_release(&alone);
    }
    engine_close(e);
    e = open_fake(NULL, "m", 1, 0);
    request = (struct engine_request){.prompts = prompts, .n_prompts = 1, .max_tokens = 20};
    assert_ok(engine_generate(e, &request, &replies[0], &err));
    char stop[] = {replies[0].text.data[1], replies[0].text.data[2], '\0'};
    const char *stops[] = {"never this", stop};
    request = (struct engine_request){.prompts = prompts, .n_prompts = 1, .max_tokens = 500, .stops = stops, .n_stops = 2};
    assert_ok(engine_generate(e, &request, &replies[1], &err));
    assert_int_equal(replies[1].finish, FINISH_STOP);
    assert_int_equal(replies[1].text.len, 1);
    assert_int_equal(replies[1].n_steps, 3);
    for (int i = 0; i < 3; i++)
        engine_reply_release(&replies[i]);
    engine_close(e);
}

/* What the engine gets wrong is caught by the wrapper. (die, hang, stubborn and allocate need a process: the runner's
 * tests.) */
static void faults_are_caught(void **unused)
{
    (void)unused;
    struct err err = ERR_INIT;
    struct engine_name name;
    struct engine *e;
    struct engine_reply reply = {0};
    struct engine_prompt prompt = {.text = "x"};
    struct engine_request request = {.prompts = &prompt, .n_prompts = 1, .max_tokens = 4, .ordinal = 2};
    assert_ok(engine_name_parse(&name, "fake", &err));
    json_t *o = json_pack("{ss}", "fault", "open");
    assert_err(engine_open(&e, &(struct engine_spec){.name = &name, .options = o}, &err), ERR_ENGINE, "told to fail");
    json_decref(o);
    static const char *const cases[][2] = {{"counts", "counts 5 new tokens, 4 came"}, {"nan", "step 1: nan is not"}};
    for (int i = 0; i < 2; i++) {
        o = json_pack("{sssisi}", "fault", cases[i][0], "fault_request", 2, "fault_token", 1);
        assert_ok(engine_open(&e, &(struct engine_spec){.name = &name, .options = o}, &err));
        assert_err(engine_generate(e, &request, &reply, &err), ERR_ENGINE, cases[i][1]);
        request.ordinal = 3;
        assert_ok(engine_generate(e, &request, &reply, &err));
        request.ordinal = 2;
        engine_close(e);
        json_decref(o);
    }
    engine_reply_release(&reply);
}

static void wrong_options_are_named_at_once(void **unused)
{
    (void)unused;
    struct err err = ERR_INIT;
    struct engine_name name;
    struct engine *e;
    assert_ok(engine_name_parse(&name, "fake", &err));
    json_t *o = json_pack("{sisssssfsi}", "token_mss", 1, "clock", "sundial", "token_ms", "fast", "decay", 1.5,
                          "vocabulary", 1);
    assert_err(engine_open(&e, &(struct engine_spec){.name = &name, .options = o}, &err), ERR_USAGE,
               "unknown key 'token_mss', did you mean 'token_ms'?");
    assert_non_null(strstr(err.text, "options.clock: expected one of virtual|real"));
    assert_non_null(strstr(err.text, "options.token_ms: expected a number in [0, 1000000000]"));
    assert_non_null(strstr(err.text, "options.decay"));
    assert_non_null(strstr(err.text, "options.vocabulary: expected an integer in [2, 1048576]"));
    json_decref(o);
}

static void names_are_parsed(void **unused)
{
    (void)unused;
    struct err err = ERR_INIT;
    struct engine_name name;
    char label[ENGINE_LABEL_MAX];
    assert_ok(engine_name_parse(&name, "Fake", &err));
    assert_string_equal(engine_name_label(&name, label), "fake");
    assert_err(engine_name_parse(&name, "fakke", &err), ERR_USAGE, "'fakke' is not an engine");
    assert_string_equal(err.hint, "did you mean 'fake'?");
    assert_ok(engine_name_parse(&name, "vllm@https://example.org/v1", &err));
    assert_string_equal(name.url, "https://example.org/v1");
    assert_err(engine_name_parse(&name, "vllm@example.org", &err), ERR_USAGE, "is not a URL, expected http://HOST:PORT");
    assert_ok(engine_name_parse(&name, "hf", &err));
    assert_string_equal(name.class->name, "transformers");
    assert_err(engine_name_parse(&name, "trt", &err), ERR_UNSUPPORTED, "engine 'tensorrt' is not built");
    assert_err(engine_name_parse(&name, "", &err), ERR_USAGE, "expected NAME[:VARIANT][@URL]");
    assert_err(engine_name_parse(&name, ":x", &err), ERR_USAGE, "expected NAME[:VARIANT][@URL]");
    assert_err(engine_name_parse(&name, "fake:opt", &err), ERR_USAGE, "has no variants");
    assert_err(engine_name_parse(&name, "fake:", &err), ERR_USAGE, "the name of a variant");
    assert_err(engine_name_parse(&name, "fake@http://x", &err), ERR_USAGE, "takes no URL");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(greedy_follows_the_head),
        cmocka_unit_test(sampling_is_the_distribution),
        cmocka_unit_test(time_is_the_script),
        cmocka_unit_test(noise_hangs_on_numbers_only),
        cmocka_unit_test(noise_has_its_shape),
        cmocka_unit_test(a_text_ends),
        cmocka_unit_test(faults_are_caught),
        cmocka_unit_test(wrong_options_are_named_at_once),
        cmocka_unit_test(names_are_parsed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
