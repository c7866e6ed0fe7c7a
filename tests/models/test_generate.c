/* generate: greedy texts, streaming in whole characters, stop strings wherever tokens cut them, ends, refusals. */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "models/generate.h"
#include "support/golden.h"
#include "support/golden_model.h"
#include "support/testing.h"

static struct model *teacher;

static int open_teacher(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    return model_open(&teacher, SOURCE_DIR "/models/teacher", &err);
}

static int close_teacher(void **state)
{
    (void)state;
    model_close(teacher);
    return 0;
}

struct stream {
    struct buf text;
    size_t pieces;
};

static void keep_piece(void *user, const char *text, size_t len)
{
    struct stream *s = user;
    assert_true(len > 0 && utf8_valid(text, len));
    buf_add(&s->text, text, len);
    s->pieces++;
}

/* What was streamed is the text that comes back. */
static void run(struct generation *g, struct generation_request r, struct stream *stream)
{
    struct err err = ERR_INIT;
    struct session *s;
    assert_ok(session_open(&s, teacher, &(struct session_options){.variant = "ref", .context = 256}, &err));
    *stream = (struct stream){.text = BUF_INIT(1 << 20)};
    r.on_text = keep_piece;
    r.user = stream;
    assert_ok(generate(g, s, teacher, model_tokenizer(teacher), &r, &err));
    assert_int_equal(stream->text.len, g->text.len);
    assert_memory_equal(stream->text.data ? stream->text.data : "", g->text.data ? g->text.data : "", g->text.len);
    assert_int_equal(session_length(s, 0), r.n_prompt + g->n - 1);
    session_close(s);
}

static void done(struct generation *g, struct stream *stream)
{
    generation_release(g);
    buf_release(&stream->text);
}

static void greedy_is_what_transformers_writes(void **state)
{
    (void)state;
    struct generation g;
    struct stream stream;
    json_t *all = golden_load("tests/models/builtin.json"), *golden = json_array_get(golden_at(all, "models"), 0);
    size_t n, n_greedy;
    const int32_t *ids = golden_model_ids(golden, "prompt", &n), *greedy = golden_model_ids(golden, "greedy", &n_greedy);
    run(&g, (struct generation_request){.prompt = ids, .n_prompt = n, .max_tokens = (int)n_greedy, .ignore_eos = true}, &stream);
    assert_int_equal(g.n, n_greedy);
    assert_memory_equal(g.ids, greedy, n_greedy * sizeof *greedy);
    assert_string_equal(g.text.data, golden_text(golden, "greedy_text"));
    assert_int_equal(g.finish, FINISH_LENGTH);
    assert_true(stream.pieces > 1);
    done(&g, &stream);
    free((void *)ids);
    free((void *)greedy);
    json_decref(all);
}

static void encode(struct ids *ids, const char *text)
{
    struct err err = ERR_INIT;
    assert_ok(tokenizer_encode(model_tokenizer(teacher), text, strlen(text), TOKENIZE_BOS | TOKENIZE_SPECIAL, ids, &err));
}

static const char question[] = "A robe takes 2 bolts of blue fiber and half that much white fiber.  How many bolts in total does it "
                               "take?\n";

static void an_end_of_text_token_ends_it(void **state)
{
    (void)state;
    struct ids ids = {0};
    struct generation g;
    struct stream stream;
    encode(&ids, question);
    struct generation_request r = {.prompt = ids.data, .n_prompt = ids.n, .max_tokens = 100};
    run(&g, r, &stream);
    assert_int_equal(g.finish, FINISH_EOS);
    assert_true(model_is_eos(teacher, g.ids[g.n - 1]));
    assert_true(str_ends(g.text.data, "#### 16")); /* MODELCARD's sample; the token itself is not shown */
    size_t n = g.n;
    done(&g, &stream);
    r.ignore_eos = true;
    run(&g, r, &stream);
    assert_int_equal(g.n, 100);
    assert_true(n < 100 && g.finish == FINISH_LENGTH);
    done(&g, &stream);
    ids_release(&ids);
}

/* Every part of the text as a stop string: the text ends before its first appearance, however tokens cut it. */
static void stop_strings_cut_anywhere(void **state)
{
    (void)state;
    struct ids ids = {0};
    struct generation g;
    struct stream stream;
    char whole[1024], stop[64];
    encode(&ids, question);
    struct generation_request r = {.prompt = ids.data, .n_prompt = ids.n, .max_tokens = 24, .ignore_eos = true};
    run(&g, r, &stream);
    snprintf(whole, sizeof whole, "%s", g.text.data);
    done(&g, &stream);
    for (size_t from = 0; from + 9 < strlen(whole); from += 5) {
        for (size_t len = 1; len <= 9; len += 4) {
            snprintf(stop, sizeof stop, "%.*s", (int)len, whole + from);
            r.stops = (const char *const[]){"never in it", stop};
            r.n_stops = 2;
            run(&g, r, &stream);
            size_t first = (size_t)(strstr(whole, stop) - whole);
            assert_int_equal(g.finish, FINISH_STOP);
            assert_int_equal(g.text.len, first);
            assert_memory_equal(g.text.data, whole, first);
            done(&g, &stream);
        }
    }
    /* what only begins like a stop string is shown in the end */
    snprintf(stop, sizeof stop, "%sX", whole + strlen(whole) - 4);
    r.stops = (const char *const[]){stop};
    r.n_stops = 1;
    run(&g, r, &stream);
    assert_string_equal(g.text.data, whole);
    assert_int_equal(g.finish, FINISH_LENGTH);
    done(&g, &stream);
    ids_release(&ids);
}

static void a_seed_repeats_a_text(void **state)
{
    (void)state;
    struct ids ids = {0};
    struct generation a, b, c;
    struct stream stream;
    encode(&ids, question);
    struct generation_request r = {.prompt = ids.data, .n_prompt = ids.n, .max_tokens = 30, .ignore_eos = true,
                                   .sampling = {.temperature = 1.2, .seed = 1}};
    run(&a, r, &stream);
    buf_release(&stream.text);
    run(&b, r, &stream);
    buf_release(&stream.text);
    r.sampling.seed = 2;
    run(&c, r, &stream);
    assert_memory_equal(a.ids, b.ids, a.n * sizeof *a.ids);
    assert_memory_not_equal(a.ids, c.ids, a.n * sizeof *a.ids);
    for (size_t i = 0; i < a.n; i++)
        assert_true(a.logprobs[i] <= 0 && a.seconds[i] >= 0);
    generation_release(&a);
    generation_release(&b);
    done(&c, &stream);
    ids_release(&ids);
}

/* Random ids of a byte-level vocabulary are rarely text: pieces must be whole characters all the same. */
static void pieces_are_whole_characters(void **state)
{
    (void)state;
    struct ids ids = {0};
    encode(&ids, "<|bos|>");
    for (uint64_t seed = 0; seed < 8; seed++) {
        struct generation g;
        struct stream stream;
        run(&g, (struct generation_request){.prompt = ids.data, .n_prompt = ids.n, .max_tokens = 60, .ignore_eos = true,
                                            .sampling = {.temperature = 50, .seed = seed}}, &stream);
        done(&g, &stream);
    }
    ids_release(&ids);
}

static void nonsense_is_refused(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct session *s;
    struct generation g;
    int32_t id = 5;
    assert_ok(session_open(&s, teacher, &(struct session_options){.variant = "ref", .context = 16}, &err));
    assert_err(generate(&g, s, teacher, NULL, &(struct generation_request){.max_tokens = 1}, &err), ERR_USAGE, "prompt is empty");
    assert_err(generate(&g, s, teacher, NULL, &(struct generation_request){.prompt = &id, .n_prompt = 1, .max_tokens = 16}, &err),
               ERR_INPUT, "17 tokens (1 of the prompt and 16 new) are longer than the context of 16");
    assert_err(generate(&g, s, teacher, NULL, &(struct generation_request){.prompt = &id, .n_prompt = 1}, &err), ERR_USAGE,
               "0 new tokens");
    const char *const stops[] = {"x"};
    assert_err(generate(&g, s, teacher, NULL,
                        &(struct generation_request){.prompt = &id, .n_prompt = 1, .max_tokens = 1, .stops = stops, .n_stops = 1},
                        &err), ERR_USAGE, "stop strings need a tokenizer");
    volatile sig_atomic_t now = 1;
    assert_ok(generate(&g, s, teacher, NULL, &(struct generation_request){.prompt = &id, .n_prompt = 1, .max_tokens = 9,
                                                                          .interrupted = &now}, &err));
    assert_int_equal(g.n, 1);
    assert_int_equal(g.finish, FINISH_INTERRUPTED);
    generation_release(&g);
    session_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(greedy_is_what_transformers_writes), cmocka_unit_test(an_end_of_text_token_ends_it),
        cmocka_unit_test(stop_strings_cut_anywhere),          cmocka_unit_test(a_seed_repeats_a_text),
        cmocka_unit_test(pieces_are_whole_characters),        cmocka_unit_test(nonsense_is_refused),
    };
    return cmocka_run_group_tests(tests, open_teacher, close_teacher);
}
