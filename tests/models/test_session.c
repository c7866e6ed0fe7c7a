/* What a session promises whatever the rows are: cut a prompt anywhere, grow it as a tree, run several sequences at once,
 * take steps back: the logits are the same to the bit. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "models/session.h"
#include "support/golden_model.h"
#include "support/testing.h"

enum { LENGTH = 24, VOCABULARY = 96, CONTEXT = 64 };

/* A window shorter than the text, upper layers only; a learned table; a window everywhere with shared heads. */
static const char *const names[] = {"qwen2_upper_windows", "gpt2_layer_scale", "mistral_window", "opt_after_projected",
                                    "llama_llama3"};

struct fixture {
    struct model *m;
    int32_t ids[LENGTH];
    float logits[LENGTH][VOCABULARY]; /* of the chain of ids */
};

static struct session *open_session(const struct model *m, int sequences)
{
    struct err err = ERR_INIT;
    struct session *s;
    assert_ok(session_open(&s, m, &(struct session_options){.variant = "ref", .context = CONTEXT, .sequences = sequences},
                           &err));
    return s;
}

static void forward_chain(struct session *s, int seq, const int32_t *ids, int n)
{
    struct err err = ERR_INIT;
    struct row rows[CONTEXT];
    int from = session_length(s, seq);
    for (int i = 0; i < n; i++)
        rows[i] = (struct row){.seq = seq, .pos = from + i, .token = ids[i], .parent = ROW_CHAIN, .want = ROW_LOGITS};
    assert_ok(session_forward(s, rows, (size_t)n, &err));
}

static void expect(const struct session *s, size_t row, const float *want, const char *what)
{
    const float *got = session_logits(s, row);
    assert_non_null(got);
    for (int i = 0; i < VOCABULARY; i++)
        if (memcmp(&got[i], &want[i], sizeof *got) != 0)
            fail_msg("%s: row %zu, logit %d is %.9g, expected %.9g", what, row, i, (double)got[i], (double)want[i]);
}

/* Long texts so that windows of 32 and 40 matter: ids repeat, positions go on to 48. */
static void fixture_init(struct fixture *f, const char *name)
{
    struct err err = ERR_INIT;
    json_t *g = golden_model_load(name);
    struct rng rng;
    assert_ok(model_open_weights(&f->m, golden_model_build(g, 0), &err));
    json_decref(g);
    rng_init(&rng, 5);
    for (int i = 0; i < LENGTH; i++)
        f->ids[i] = (int32_t)rng_below(&rng, VOCABULARY);
    struct session *s = open_session(f->m, 1);
    forward_chain(s, 0, f->ids, LENGTH); /* a past that every test begins with too */
    forward_chain(s, 0, f->ids, LENGTH);
    for (int i = 0; i < LENGTH; i++)
        memcpy(f->logits[i], session_logits(s, (size_t)i), sizeof f->logits[i]);
    session_close(s);
}

static void for_each_model(void (*holds)(struct fixture *))
{
    static struct fixture f;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        fixture_init(&f, names[i]);
        holds(&f);
        model_close(f.m);
    }
}

static void cut_anywhere(struct fixture *f)
{
    struct rng rng;
    rng_init(&rng, 11);
    for (int round = 0; round < 6; round++) {
        struct session *s = open_session(f->m, 1);
        forward_chain(s, 0, f->ids, LENGTH);
        for (int at = 0; at < LENGTH;) {
            int n = round == 0 ? 1 : 1 + (int)rng_below(&rng, (uint64_t)(LENGTH - at));
            forward_chain(s, 0, f->ids + at, n);
            for (int i = 0; i < n; i++)
                expect(s, (size_t)i, f->logits[at + i], "cut");
            at += n;
        }
        session_close(s);
    }
}

static void a_prompt_may_be_cut_anywhere(void **state)
{
    (void)state;
    for_each_model(cut_anywhere);
}

/* A random tree: each row's logits are those of the chain of its ancestors, run alone. */
static void random_tree(struct fixture *f, struct rng *rng)
{
    enum { ROWS = 12 };
    struct err err = ERR_INIT;
    struct row rows[ROWS];
    struct session *s = open_session(f->m, 1), *alone = open_session(f->m, 1);
    forward_chain(s, 0, f->ids, LENGTH);
    forward_chain(alone, 0, f->ids, LENGTH);
    for (int i = 0; i < ROWS; i++) {
        int parent = i == 0 ? -1 : (int)rng_below(rng, (uint64_t)i + 1) - 1;
        rows[i] = (struct row){.pos = parent < 0 ? LENGTH : rows[parent].pos + 1, .token = (int32_t)rng_below(rng, VOCABULARY),
                               .parent = parent < 0 ? ROW_NONE : parent, .want = ROW_LOGITS};
    }
    assert_ok(session_forward(s, rows, ROWS, &err));
    int32_t path[ROWS];
    int n = 0;
    for (int i = 0; i < ROWS; i++) {
        n = rows[i].pos - LENGTH + 1;
        for (int at = i, k = n - 1; k >= 0; at = rows[at].parent, k--)
            path[k] = rows[at].token;
        forward_chain(alone, 0, path, n);
        expect(s, (size_t)i, session_logits(alone, (size_t)n - 1), "tree");
        assert_ok(session_rollback(alone, 0, LENGTH, &err));
    }
    /* the last row's path is kept: what follows is what follows its chain */
    forward_chain(alone, 0, path, n);
    assert_ok(session_commit(s, ROWS - 1, &err));
    assert_int_equal(session_length(s, 0), LENGTH + n);
    forward_chain(s, 0, f->ids, 3);
    forward_chain(alone, 0, f->ids, 3);
    for (size_t i = 0; i < 3; i++)
        expect(s, i, session_logits(alone, i), "after commit");
    session_close(s);
    session_close(alone);
}

static void trees(struct fixture *f)
{
    struct rng rng;
    rng_init(&rng, 23);
    for (int round = 0; round < 5; round++)
        random_tree(f, &rng);
}

static void rows_of_a_tree_equal_their_chains(void **state)
{
    (void)state;
    for_each_model(trees);
}

static void interleaved(struct fixture *f)
{
    struct err err = ERR_INIT;
    struct session *s = open_session(f->m, 3);
    int at[3] = {0, 0, 0};
    struct rng rng;
    rng_init(&rng, 31);
    for (int q = 0; q < 3; q++)
        forward_chain(s, q, f->ids, LENGTH);
    while (at[0] < LENGTH || at[1] < LENGTH || at[2] < LENGTH) {
        struct row rows[CONTEXT];
        int where[CONTEXT], n = 0;
        for (int q = 0; q < 3; q++) {
            int more = (int)rng_below(&rng, 4);
            for (int i = 0; i < more && at[q] < LENGTH; i++, at[q]++, n++) {
                rows[n] = (struct row){.seq = q, .pos = LENGTH + at[q], .token = f->ids[at[q]], .parent = ROW_CHAIN,
                                       .want = i % 2 ? 0 : ROW_LOGITS};
                where[n] = at[q];
            }
        }
        assert_ok(session_forward(s, rows, (size_t)n, &err));
        for (int i = 0; i < n; i++) {
            if (rows[i].want)
                expect(s, (size_t)i, f->logits[where[i]], "interleaved");
            else
                assert_null(session_logits(s, (size_t)i));
        }
    }
    session_close(s);
}

static void sequences_do_not_touch_each_other(void **state)
{
    (void)state;
    for_each_model(interleaved);
}

static void back_and_copy(struct fixture *f)
{
    struct err err = ERR_INIT;
    struct session *s = open_session(f->m, 2);
    int32_t other[5] = {1, 2, 3, 4, 5};
    forward_chain(s, 0, f->ids, LENGTH);
    forward_chain(s, 0, f->ids, 7);
    forward_chain(s, 0, other, 5);
    assert_ok(session_rollback(s, 0, LENGTH + 7, &err));
    forward_chain(s, 0, f->ids + 7, LENGTH - 7);
    expect(s, 0, f->logits[7], "after rollback");
    expect(s, LENGTH - 8, f->logits[LENGTH - 1], "after rollback");

    forward_chain(s, 1, other, 5);
    assert_ok(session_copy(s, 0, 1, LENGTH + 9, &err));
    assert_int_equal(session_length(s, 1), LENGTH + 9);
    forward_chain(s, 1, f->ids + 9, 4);
    expect(s, 3, f->logits[12], "copy");

    /* a chain of which only a part is kept */
    assert_ok(session_rollback(s, 0, LENGTH, &err));
    forward_chain(s, 0, f->ids, 6);
    assert_ok(session_commit(s, 2, &err));
    assert_int_equal(session_length(s, 0), LENGTH + 3);
    assert_err(session_commit(s, 2, &err), ERR_USAGE, "row 2");
    forward_chain(s, 0, f->ids + 3, 2);
    expect(s, 1, f->logits[4], "after part of a chain");
    session_close(s);
}

static void steps_back_and_copies_change_nothing(void **state)
{
    (void)state;
    for_each_model(back_and_copy);
}

/* More rows than one piece of the forward holds. */
static void long_prompts_equal_short_steps(void **state)
{
    (void)state;
    enum { LONG = 300 };
    struct err err = ERR_INIT;
    static struct row rows[LONG];
    struct model *m;
    struct session *a, *b;
    json_t *g = golden_model_load("llama_gqa_tied");
    struct session_options o = {.variant = "ref", .context = LONG};
    assert_ok(model_open_weights(&m, golden_model_build(g, 1), &err));
    assert_ok(session_open(&a, m, &o, &err));
    assert_ok(session_open(&b, m, &o, &err));
    for (int i = 0; i < LONG; i++)
        rows[i] = (struct row){.pos = i, .token = i * 7 % VOCABULARY, .parent = ROW_CHAIN, .want = i == LONG - 1};
    assert_ok(session_forward(a, rows, LONG, &err));
    assert_ok(session_forward(b, rows, 255, &err));
    assert_ok(session_forward(b, rows + 255, LONG - 255, &err));
    expect(b, LONG - 256, session_logits(a, LONG - 1), "long");
    session_close(a);
    session_close(b);
    model_close(m);
    json_decref(g);
}

/* Large enough that the threads do share the work: 45 rows of whole and broken tiles, then single ones. */
static void threads_change_nothing(void **state)
{
    (void)state;
    enum { ROWS = 45, STEPS = 3, BUILTIN = 2048 };
    struct err err = ERR_INIT;
    struct model *m;
    struct row rows[ROWS];
    float *first = NULL;
    assert_ok(model_open_weights(&m, SOURCE_DIR "/models/teacher", &err));
    for (int threads = 1; threads <= 3; threads++) {
        struct session *s;
        float *got = malloc((ROWS + STEPS) * BUILTIN * sizeof *got), *to = got;
        assert_non_null(got);
        assert_ok(session_open(&s, m, &(struct session_options){.variant = "ref", .context = 64, .threads = threads}, &err));
        for (int from = 0, n; from < ROWS + STEPS; from += n) {
            n = from == 0 ? ROWS : 1;
            for (int i = 0; i < n; i++)
                rows[i] = (struct row){.pos = from + i, .token = (from + i) * 37 % BUILTIN, .parent = ROW_CHAIN,
                                       .want = ROW_LOGITS};
            assert_ok(session_forward(s, rows, (size_t)n, &err));
            for (int i = 0; i < n; i++, to += BUILTIN)
                memcpy(to, session_logits(s, (size_t)i), BUILTIN * sizeof *to);
        }
        if (first)
            assert_memory_equal(got, first, (ROWS + STEPS) * BUILTIN * sizeof *got);
        session_close(s);
        if (first)
            free(got);
        else
            first = got;
    }
    free(first);
    model_close(m);
}

static void hidden_states_lead_to_the_logits(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct model *m;
    json_t *g = golden_model_load("llama_gqa_tied");
    struct model_facts facts;
    assert_ok(model_open_weights(&m, golden_model_build(g, 0), &err));
    model_facts(m, &facts);
    struct session *s = open_session(m, 1);
    struct row rows[2] = {{.pos = 0, .token = 4, .parent = ROW_CHAIN},
                          {.pos = 1, .token = 9, .parent = ROW_CHAIN, .want = ROW_LOGITS | ROW_HIDDEN}};
    assert_ok(session_forward(s, rows, 2, &err));
    assert_null(session_hidden(s, 0));
    const float *h = session_hidden(s, 1), *last = h + facts.layers * facts.hidden;
    const struct tensor *e = model_file_tensor(model_source(m), "model.embed_tokens.weight");
    const uint16_t *table = e->data; /* bf16, tied: the output matrix too */
    double first = 0, logit = 0;
    for (int i = 0; i < facts.hidden; i++) {
        float w9, w0;
        uint32_t u9 = (uint32_t)table[9 * facts.hidden + i] << 16, u0 = (uint32_t)table[i] << 16;
        memcpy(&w9, &u9, 4);
        memcpy(&w0, &u0, 4);
        first += fabs((double)(w9 - h[i]));
        logit += (double)w0 * (double)last[i];
    }
    assert_true(first == 0);
    assert_close(logit, (double)session_logits(s, 1)[0], 1e-6, "logit 0");
    session_close(s);
    model_close(m);
    json_decref(g);
}

static void nonsense_is_refused_without_a_change(void **state)
{
    (void)state;
    static struct fixture f;
    struct err err = ERR_INIT;
    fixture_init(&f, names[0]);
    struct session *s = open_session(f.m, 2);
    forward_chain(s, 0, f.ids, LENGTH);
    struct row row = {.pos = LENGTH + 1, .token = 1, .parent = ROW_CHAIN, .want = ROW_LOGITS};
    assert_err(session_forward(s, &row, 1, &err), ERR_USAGE, "position 25 does not follow, expected 24");
    row = (struct row){.pos = LENGTH, .token = VOCABULARY, .parent = ROW_CHAIN};
    assert_err(session_forward(s, &row, 1, &err), ERR_INPUT, "token 96 is not in the vocabulary of 96");
    row = (struct row){.pos = LENGTH, .token = -1, .parent = ROW_CHAIN};
    assert_err(session_forward(s, &row, 1, &err), ERR_INPUT, "token -1");
    row = (struct row){.seq = 2, .token = 1, .parent = ROW_CHAIN};
    assert_err(session_forward(s, &row, 1, &err), ERR_USAGE, "sequence 2");
    row = (struct row){.pos = LENGTH, .token = 1, .parent = 0};
    assert_err(session_forward(s, &row, 1, &err), ERR_USAGE, "parent");
    static struct row many[CONTEXT];
    for (int i = 0; i < CONTEXT; i++)
        many[i] = (struct row){.pos = LENGTH + i, .token = 1, .parent = ROW_CHAIN};
    assert_err(session_forward(s, many, CONTEXT, &err), ERR_INPUT, "88 tokens are longer than the context of 64");

    /* a tree waits for commit, whatever else is tried */
    struct row fork[2] = {{.pos = LENGTH, .token = f.ids[0], .parent = ROW_NONE, .want = ROW_LOGITS},
                          {.pos = LENGTH, .token = 5, .parent = ROW_NONE, .want = ROW_LOGITS}};
    assert_ok(session_forward(s, fork, 2, &err));
    assert_int_equal(session_length(s, 0), LENGTH);
    row = (struct row){.pos = LENGTH, .token = 1, .parent = ROW_CHAIN};
    assert_err(session_forward(s, &row, 1, &err), ERR_USAGE, "waits to be committed");
    expect(s, 0, f.logits[0], "still there");
    assert_ok(session_commit(s, 0, &err));
    forward_chain(s, 0, f.ids + 1, 1);
    expect(s, 0, f.logits[1], "after refusals");
    assert_err(session_rollback(s, 0, 99, &err), ERR_USAGE, "cannot be rolled back to 99: it has 26");
    assert_err(session_copy(s, 0, 1, 99, &err), ERR_USAGE, "26 positions, not 99");
    session_close(s);

    assert_err(session_open(&s, f.m, &(struct session_options){.variant = "slow"}, &err), ERR_USAGE, "'slow'");
    assert_err(session_open(&s, f.m, &(struct session_options){.variant = "ref", .kv = "q8_0"}, &err), ERR_UNSUPPORTED,
               "KV cache of 'q8_0'");
    model_close(f.m);
    fixture_init(&f, "gpt2_plain");
    assert_err(session_open(&s, f.m, &(struct session_options){.context = 257}, &err), ERR_USAGE,
               "257 is longer than the 256 positions");
    model_close(f.m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_prompt_may_be_cut_anywhere),      cmocka_unit_test(rows_of_a_tree_equal_their_chains),
        cmocka_unit_test(sequences_do_not_touch_each_other), cmocka_unit_test(steps_back_and_copies_change_nothing),
        cmocka_unit_test(long_prompts_equal_short_steps),    cmocka_unit_test(hidden_states_lead_to_the_logits),
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(nonsense_is_refused_without_a_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
