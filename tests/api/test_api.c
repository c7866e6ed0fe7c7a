/* The public API over the fake engine: ids, texts, probabilities and times as its closed forms say; errors that name
 * what is wrong; structures of older and newer headers. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "engines/fake.h"
#include "prony.h"
#include "support/testing.h"

static struct prony_error error;

static struct prony_engine *open_fake(const char *options)
{
    struct prony_engine *engine = NULL;
    struct prony_engine_options o = PRONY_ENGINE_OPTIONS_INIT;
    o.options_json = options;
    if (prony_engine_open(&engine, "fake", "m", &o, &error) < 0)
        fail_msg("%s", error.text);
    return engine;
}

/* What greedy takes after these ids, from the definition in engines/fake.h. */
static void expect_greedy(const struct prony_reply *reply, const int32_t *ids, size_t n, int vocabulary)
{
    uint64_t state = fake_state_init(fake_model_seed("m"));
    for (size_t i = 0; i < n; i++)
        state = fake_state_push(state, ids[i]);
    for (size_t i = 0; i < prony_reply_count(reply); i++) {
        int32_t head = fake_head(state, vocabulary, 0);
        assert_int_equal(prony_reply_id(reply, i), head);
        state = fake_state_push(state, head);
    }
}

struct heard {
    char text[256];
    size_t len, pieces, stop_after;
};

static int hear(void *arg, const char *piece, size_t len)
{
    struct heard *h = arg;
    memcpy(h->text + h->len, piece, len);
    h->len += len;
    h->pieces++;
    return h->stop_after == 0 || h->pieces < h->stop_after;
}

static void test_generate(void **state)
{
    (void)state;
    struct prony_engine *engine = open_fake("{\"load_ms\": 5, \"prompt_token_ms\": 1, \"token_ms\": 10}");
    static const int32_t ids[] = {72, 105, 33};
    struct heard heard = {.len = 0};
    struct prony_request r = PRONY_REQUEST_INIT;
    struct prony_reply *reply;
    r.ids = ids;
    r.n_ids = 3;
    r.max_tokens = 7;
    r.on_text = hear;
    r.on_text_arg = &heard;
    assert_int_equal(prony_generate(engine, &r, &reply, &error), 0);
    assert_int_equal(prony_reply_count(reply), 7);
    assert_string_equal(prony_reply_finish(reply), "length");
    expect_greedy(reply, ids, 3, prony_engine_vocabulary(engine));
    size_t len;
    const char *text = prony_reply_text(reply, &len);
    assert_int_equal(len, strlen(text));
    assert_int_equal(len, heard.len);
    assert_memory_equal(text, heard.text, len);
    assert_int_equal(heard.pieces, 7);
    for (size_t i = 1; i < 7; i++) /* noise is off unless asked for */
        assert_close(prony_reply_ms(reply, i) - prony_reply_ms(reply, i - 1), 10, 1e-9, "a token step");
    assert_true(prony_reply_logprob(reply, 0) < 0);
    assert_true(isnan(prony_reply_logprob(reply, 7)) && isnan(prony_reply_ms(reply, 7)));
    assert_int_equal(prony_reply_id(reply, 7), -1);
    prony_reply_free(reply);

    /* The same as a text, whose bytes are its ids. */
    r.ids = NULL;
    r.n_ids = 0;
    r.prompt = "Hi!";
    heard = (struct heard){.stop_after = 2};
    assert_int_equal(prony_generate(engine, &r, &reply, &error), 0);
    assert_int_equal(prony_reply_count(reply), 2);
    assert_string_equal(prony_reply_finish(reply), "caller");
    expect_greedy(reply, ids, 3, prony_engine_vocabulary(engine));
    prony_reply_free(reply);
    prony_engine_close(engine);
}

static void test_score(void **state)
{
    (void)state;
    struct prony_engine *engine = open_fake(NULL);
    struct prony_request r = PRONY_REQUEST_INIT;
    struct prony_reply *reply;
    int32_t *ids, all[16];
    size_t n, len;
    double logprobs[16];
    char *text;
    assert_int_equal(prony_tokenize(engine, "abc", 3, &ids, &n, &error), 0);
    assert_int_equal(n, 3);
    r.ids = ids;
    r.n_ids = n;
    r.max_tokens = 5;
    assert_int_equal(prony_generate(engine, &r, &reply, &error), 0);
    memcpy(all, ids, n * sizeof *ids);
    for (size_t i = 0; i < 5; i++)
        all[n + i] = prony_reply_id(reply, i);
    assert_int_equal(prony_score(engine, all, n + 5, logprobs, &error), 0);
    assert_true(isnan(logprobs[0]));
    for (size_t i = 0; i < 5; i++) /* what it scores is what it said when it generated */
        assert_close(logprobs[n + i], prony_reply_logprob(reply, i), 1e-12, "log-probability");
    assert_int_equal(prony_detokenize(engine, ids, n, &text, &len, &error), 0);
    assert_int_equal(len, 3);
    assert_string_equal(text, "abc");
    prony_free(text);
    assert_int_equal(prony_detokenize(engine, ids, 0, &text, &len, &error), 0);
    assert_string_equal(text, "");
    prony_free(text);
    prony_free(ids);
    prony_reply_free(reply);
    assert_int_equal(prony_score(engine, all, 1, logprobs, &error), -1); /* nothing to score */
    prony_engine_close(engine);
}

static void check_fails(int code, const char *part, int result)
{
    assert_int_equal(result, -1);
    if (error.code != code || !strstr(error.text, part))
        fail_msg("error %d '%s', expected %d with '%s'", error.code, error.text, code, part);
    memset(&error, 0, sizeof error);
}

static void test_errors(void **state)
{
    (void)state;
    struct prony_engine *engine = (void *)1;
    struct prony_engine_options o = PRONY_ENGINE_OPTIONS_INIT;
    check_fails(PRONY_USAGE, "fkae", prony_engine_open(&engine, "fkae", NULL, NULL, &error));
    assert_null(engine);
    check_fails(PRONY_USAGE, "no engine", prony_engine_open(&engine, NULL, NULL, NULL, &error));
    o.options_json = "[1]";
    check_fails(PRONY_USAGE, "expected a JSON object", prony_engine_open(&engine, "fake", NULL, &o, &error));
    o.options_json = "{";
    check_fails(PRONY_USAGE, "expected a JSON object", prony_engine_open(&engine, "fake", NULL, &o, &error));
    assert_int_equal(prony_engine_open(&engine, "fkae", NULL, NULL, NULL), -1);

    engine = open_fake(NULL);
    struct prony_request r = PRONY_REQUEST_INIT;
    struct prony_reply *reply = (void *)1;
    check_fails(PRONY_USAGE, "neither", prony_generate(engine, &r, &reply, &error));
    assert_null(reply);
    check_fails(PRONY_USAGE, "neither", prony_generate(engine, NULL, &reply, &error));
    int32_t id = 65;
    r.prompt = "x";
    r.ids = &id;
    r.n_ids = 1;
    check_fails(PRONY_USAGE, "not both", prony_generate(engine, &r, &reply, &error));
    r.ids = NULL;
    r.size = 0;
    check_fails(PRONY_USAGE, "size of 0 bytes", prony_generate(engine, &r, &reply, &error));
    prony_engine_close(engine);
    prony_engine_close(NULL);
    prony_reply_free(NULL);
    prony_free(NULL);
}

/* A program built with a shorter header goes on working; one built with a longer, as long as it asks nothing new. */
static void test_sizes(void **state)
{
    (void)state;
    struct prony_engine *engine = open_fake(NULL);
    struct {
        struct prony_request known;
        uint64_t later;
    } newer = {.known = PRONY_REQUEST_INIT};
    struct prony_reply *reply;
    newer.known.size = sizeof newer;
    newer.known.prompt = "x";
    newer.known.max_tokens = 1;
    assert_int_equal(prony_generate(engine, &newer.known, &reply, &error), 0);
    prony_reply_free(reply);
    newer.later = 1;
    check_fails(PRONY_UNSUPPORTED, "does not know", prony_generate(engine, &newer.known, &reply, &error));
    struct prony_request older = PRONY_REQUEST_INIT;
    older.prompt = "x";
    older.max_tokens = 1;
    older.size = offsetof(struct prony_request, ignore_eos);
    older.temperature = -1; /* lies behind its end */
    assert_int_equal(prony_generate(engine, &older, &reply, &error), 0);
    prony_reply_free(reply);
    prony_engine_close(engine);
}

/* Two logged launches, read back: launches are the samples, texts and numbers are those of the log. */
static void test_results(void **state)
{
    (void)state;
    static const char log[] =
        "{\"t\":\"open\",\"format\":1,\"run\":\"r1\",\"engine\":\"fake\",\"model\":\"m\",\"seed\":42}\n"
        "{\"t\":\"value\",\"cell\":\"k\",\"launch\":0,\"index\":0,\"values\":{\"perplexity\":3}}\n"
        "{\"t\":\"value\",\"cell\":\"k\",\"launch\":1,\"index\":0,\"values\":{\"perplexity\":5}}\n"
        "{\"t\":\"cell\",\"cell\":\"k\",\"experiment\":\"perplexity\",\"engine\":\"fake\",\"model\":\"m\",\"params\":"
        "{\"block_size\":64,\"dataset\":\"w\"},\"launch\":0,\"status\":\"ok\",\"samples\":1,\"peak_bytes\":null}\n";
    char dir[512], path[600], *json;
    struct prony_results *r;
    struct prony_figure f;
    snprintf(dir, sizeof dir, "%s/raw/fake_m", test_dir());
    assert_int_equal(file_mkdirs(dir, NULL), 0);
    snprintf(path, sizeof path, "%s/log.txt", dir);
    assert_int_equal(file_write(path, log, sizeof log - 1, NULL), 0);

    if (prony_results_open(&r, test_dir(), NULL, &error) < 0)
        fail_msg("%s", error.text);
    assert_int_equal(prony_results_count(r), 1);
    assert_string_equal(prony_results_text(r, 0, "engine"), "fake");
    assert_string_equal(prony_results_text(r, 0, "dataset"), "w");
    assert_null(prony_results_text(r, 0, "reason"));
    assert_null(prony_results_text(r, 1, "engine"));
    assert_true(prony_results_number(r, 0, "block_size") == 64);
    assert_true(isnan(prony_results_number(r, 0, "nothing")));
    assert_int_equal(prony_results_figure(r, 0, "perplexity", &f, &error), 0);
    assert_true(f.n == 2 && f.median == 4 && f.mean == 4);
    assert_close(f.sd, sqrt(2), 1e-12, "sd");
    check_fails(PRONY_MISSING, "no samples of 'ttft_ms'", prony_results_figure(r, 0, "ttft_ms", &f, &error));
    check_fails(PRONY_USAGE, "no cell 1", prony_results_figure(r, 1, "perplexity", &f, &error));
    assert_int_equal(prony_results_json(r, &json, &error), 0);
    assert_non_null(strstr(json, "\"perplexity\""));
    prony_free(json);
    prony_results_close(r);
    prony_results_close(NULL);
    check_fails(PRONY_INPUT, "run 'r2'", prony_results_open(&r, test_dir(), "r2", &error));
    assert_null(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_generate), cmocka_unit_test(test_score),
                                       cmocka_unit_test(test_errors), cmocka_unit_test(test_sizes),
                                       cmocka_unit_test(test_results)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
