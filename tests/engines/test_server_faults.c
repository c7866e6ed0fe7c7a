/* What can go wrong between prony and a server, each told in one line, in bounded time, with nothing left behind. */
#include "support/testing.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "engines/engine.h"
#include "support/stand_in_thread.h"

enum { BOUND_MS = 20000 }; /* no measurement: only that it ends */

static const struct engine_prompt prompt = {.ids = (int32_t[]){1, 3, 2, 7}, .n_ids = 4};

static int open_at(struct engine **e, const char *engine, const char *url, const char *options, struct err *err)
{
    char word[300];
    struct engine_name name;
    json_t *o = options ? json_loads(options, 0, NULL) : NULL;
    assert_true(!options || o);
    snprintf(word, sizeof word, "%s@%s", engine, url);
    TRY(engine_name_parse(&name, word, err));
    int rc = engine_open(e, &(struct engine_spec){.name = &name, .context = 128, .options = o}, err);
    json_decref(o);
    return rc;
}

static int open_fds(void)
{
    int n = 0;
    DIR *d = opendir("/proc/self/fd");
    while (d && readdir(d))
        n++;
    if (d)
        closedir(d);
    return n;
}

static int ask(struct engine *e, size_t n, struct engine_reply *reply, struct err *err)
{
    struct engine_request r = {.prompts = &prompt, .n_prompts = 1, .max_tokens = n};
    struct engine_prompt text = {.text = "abc"};
    if (!engine_can(e)->token_ids)
        r.prompts = &text;
    return engine_generate(e, &r, reply, err);
}

static const char *const dialects[] = {"llamacpp", "vllm", "sglang", "lemonade", "ollama", "mlc", "openai"};

static const struct {
    const char *fault;
    bool at_opening;
    const char *part;
} table[] = {
    {"redirect", true, "sends elsewhere (302), to 'http://127.0.0.1:1/elsewhere'"},
    {"expired", true, "refuses the key (401)"},
    {"html", true, ""},
    {"context", false, "exceeds the available context size"},
    {"error_200", false, "an error in a reply of status 200: out of memory on the device"},
    {"content_type", false, "answers with 'text/html', expected"},
    {"die", false, "the connection broke in the middle of the reply"},
    {"garbage", false, "is no JSON"},
    {"endless", false, "sends more than 536870912 bytes"},
    {"chatter", false, "more than 4224 events for 8 tokens"},
    {"silence", false, "silent for 1000 ms in the middle of the reply"},
    {"long_line", false, "one event of the stream is longer than 33554432 bytes"},
    {"error_in_stream", false, "the device was lost"},
    {"early_end", false, "the stream ended before the reply did, after 2 tokens"},
};

/* Every fault in every dialect; those that move half a gigabyte in one. */
static void every_fault_is_told(void **unused)
{
    (void)unused;
    struct err err = ERR_INIT;
    int before = open_fds();
    for (size_t d = 0; d < sizeof dialects / sizeof dialects[0]; d++)
        for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
            struct doubled two;
            struct engine *e = NULL;
            struct engine_reply reply = {0};
            bool heavy = strcmp(table[i].fault, "endless") == 0 || strcmp(table[i].fault, "long_line") == 0 ||
                         strcmp(table[i].fault, "silence") == 0;
            if (heavy && d != i % 2) /* a stream of events, and a stream of lines */
                continue;
            int64_t began = clock_ns();
            double_start(&two, "fake", (struct stand_in_options){.dialect = dialects[d], .fault = table[i].fault});
            err_clear(&err);
            int rc = open_at(&e, dialects[d], stand_in_url(two.stand_in), "{\"idle_s\": 1, \"ready_s\": 1}", &err);
            if (rc == 0 && !table[i].at_opening)
                rc = ask(e, 8, &reply, &err);
            if (rc == 0)
                fail_msg("%s: fault '%s' went by unseen", dialects[d], table[i].fault);
            if ((err.code != ERR_ENGINE && err.code != ERR_TIMEOUT) || !strstr(err.text, table[i].part))
                fail_msg("%s: fault '%s' was told as '%s' (%s)", dialects[d], table[i].fault, err.text, err_code_name(err.code));
            if (strlen(err.text) < 20 || strchr(err.text, '\n'))
                fail_msg("%s: fault '%s' is told badly: '%s'", dialects[d], table[i].fault, err.text);
            engine_reply_release(&reply);
            engine_close(e);
            double_end(&two);
            if (clock_ns() - began > (int64_t)BOUND_MS * 1000000 * (UNDER_TSAN ? 20 : 1))
                fail_msg("%s: fault '%s' took too long", dialects[d], table[i].fault);
        }
    assert_int_equal(open_fds(), before);
}

static void nobody_there(void **unused)
{
    (void)unused;
    struct err err = ERR_INIT;
    struct engine *e = NULL;
    assert_err(open_at(&e, "llamacpp", "http://127.0.0.1:1", NULL, &err), ERR_MISSING, "nothing answers at 'http://127.0.0.1:1/health'");
    assert_string_equal(err.hint, "start it, or name where it is: NAME@http://HOST:PORT");
}

/* One that loads is waited for; one that never ends loading is not. */
static void loading_is_waited_for(void **unused)
{
    (void)unused;
    struct err err = ERR_INIT;
    for (size_t d = 0; d < sizeof dialects / sizeof dialects[0]; d++) {
        struct doubled two;
        struct engine *e = NULL;
        struct engine_reply reply = {0};
        double_start(&two, "fake", (struct stand_in_options){.dialect = dialects[d], .loading_ms = 150});
        assert_ok(open_at(&e, dialects[d], stand_in_url(two.stand_in), NULL, &err));
        assert_ok(ask(e, 3, &reply, &err));
        engine_reply_release(&reply);
        engine_close(e);
        double_end(&two);
    }
    struct doubled busy;
    struct engine *e = NULL;
    double_start(&busy, "fake", (struct stand_in_options){.dialect = "llamacpp", .loading_ms = 1000000});
    assert_err(open_at(&e, "llamacpp", stand_in_url(busy.stand_in), "{\"ready_s\": 0}", &err), ERR_TIMEOUT, "was still loading after 0 s");
    double_end(&busy);
}

/* The key that is wanted opens the door; it stands in no message. */
static void keys_open_the_door(void **unused)
{
    (void)unused;
    struct err err = ERR_INIT;
    struct doubled two;
    struct engine *e = NULL;
    struct engine_reply reply = {0};
    double_start(&two, "fake", (struct stand_in_options){.dialect = "vllm", .key = "sk-right"});
    assert_err(open_at(&e, "vllm", stand_in_url(two.stand_in), NULL, &err), ERR_ENGINE, "refuses the key (401)");
    setenv("PRONY_TEST_KEY", "sk-wrong", 1);
    assert_err(open_at(&e, "vllm", stand_in_url(two.stand_in), "{\"key\": \"env:PRONY_TEST_KEY\"}", &err), ERR_ENGINE, "refuses the key");
    assert_null(strstr(err.text, "sk-"));
    assert_err(open_at(&e, "vllm", stand_in_url(two.stand_in), "{\"key\": \"sk-right\"}", &err), ERR_USAGE, "named, not written");
    assert_null(strstr(err.text, "sk-"));
    setenv("PRONY_TEST_KEY", "sk-right", 1);
    assert_ok(open_at(&e, "vllm", stand_in_url(two.stand_in), "{\"key\": \"env:PRONY_TEST_KEY\"}", &err));
    assert_ok(ask(e, 3, &reply, &err));
    engine_reply_release(&reply);
    engine_close(e);
    double_end(&two);
}

/* The last word of a stream may be missing when the reason of its end was told. */
static void a_missing_done_is_forgiven(void **unused)
{
    (void)unused;
    struct err err = ERR_INIT;
    struct doubled two;
    struct engine *e = NULL;
    struct engine_reply reply = {0};
    double_start(&two, "fake", (struct stand_in_options){.dialect = "openai", .fault = "no_done"});
    assert_ok(open_at(&e, "openai", stand_in_url(two.stand_in), "{\"chat\": true}", &err));
    assert_ok(ask(e, 5, &reply, &err));
    assert_int_equal(reply.n_steps, 5);
    engine_reply_release(&reply);
    engine_close(e);
    double_end(&two);
}

static void wrong_options_are_named(void **unused)
{
    (void)unused;
    struct err err = ERR_INIT;
    struct engine *e = NULL;
    assert_err(open_at(&e, "vllm", "http://127.0.0.1:1", "{\"idle\": 3}", &err), ERR_USAGE, "unknown key 'idle'");
    assert_string_equal(err.hint, "did you mean 'idle_s'?");
    assert_err(open_at(&e, "vllm", "http://127.0.0.1:1", "{\"idle_s\": \"long\"}", &err), ERR_USAGE, "'idle_s' is a text, expected an integer");
    assert_err(open_at(&e, "vllm", "http://127.0.0.1:1", "{\"total_s\": 0}", &err), ERR_USAGE, "outside 1 to 604800");
}

/* Tokens are counted by the server, not by the events that tell them; held back ones are found again. */
static void tokens_are_counted_not_events(void **unused)
{
    (void)unused;
    struct err err = ERR_INIT;
    static const char *const held[] = {"llamacpp", "lemonade", "ollama", "mlc"};
    for (size_t d = 0; d < 4; d++) {
        struct doubled two;
        struct engine *e = NULL;
        struct engine_reply a = {0}, b = {0};
        struct engine_prompt text = {.text = "abc"};
        double_start(&two, "fake", (struct stand_in_options){.dialect = held[d]});
        assert_ok(open_at(&e, held[d], stand_in_url(two.stand_in), NULL, &err));
        struct engine_request r = {.prompts = engine_can(e)->token_ids ? &prompt : &text, .n_prompts = 1, .max_tokens = 60,
                                   .sampling = {.temperature = 3, .seed = 5}}; /* bytes that are no characters of their own */
        assert_ok(engine_generate(e, &r, &a, &err));
        struct engine_request behind = r;
        assert_ok(engine_generate(two.engine, &behind, &b, &err));
        assert_int_equal(a.n_steps, b.n_steps);
        size_t named = 0;
        for (size_t i = 0; i < a.n_steps; i++)
            if (a.steps[i].id >= 0) {
                assert_int_equal(a.steps[i].id, b.steps[i].id);
                named++;
            }
        if (d == 0)
            assert_int_equal(named, a.n_steps);
        assert_int_equal(named + (size_t)a.n_unknown, a.n_steps);
        engine_reply_release(&a);
        engine_reply_release(&b);
        engine_close(e);
        double_end(&two);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_fault_is_told), cmocka_unit_test(nobody_there), cmocka_unit_test(loading_is_waited_for),
        cmocka_unit_test(keys_open_the_door), cmocka_unit_test(a_missing_done_is_forgiven),
        cmocka_unit_test(wrong_options_are_named), cmocka_unit_test(tokens_are_counted_not_events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
