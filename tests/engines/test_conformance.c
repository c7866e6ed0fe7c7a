/* Every engine of the list does what it claims: the same questions to each, through the interface alone. An engine that
 * is not here is skipped aloud. An engine that needs a model gets the one of its row below. A server is asked through its
 * protocol double as well, and where it is named as an argument ("llamacpp@http://127.0.0.1:8003 MODEL"), for real. */
#include "support/testing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/data_path.h"
#include "engines/engine.h"
#include "engines/python_engine.h"
#include "support/stand_in_thread.h"

/* MODEL(engine, path below the shipped data): add a row with an engine that needs one. */
static const char *const models[][2] = {
    {"native", "models/teacher"}, {"transformers", "models/teacher"}, {"pytorch", "models/teacher"}};

static struct engine *open_engine(const struct engine_class *class, const char *variant)
{
    struct err err = ERR_INIT;
    struct engine_name name = {.class = class};
    struct engine *e = NULL;
    char *model = NULL;
    snprintf(name.variant, sizeof name.variant, "%s", variant ? variant : "");
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++)
        if (strcmp(models[i][0], class->name) == 0)
            model = data_path(models[i][1], &err);
    assert_ok(engine_open(&e, &(struct engine_spec){.name = &name, .model = model, .context = 128, .batch = 2,
                                                    .threads = 1}, &err));
    free(model);
    return e;
}

/* What every engine is asked. The teacher's are whole texts ("a b c d e f", "one two three", "a b"), so that an engine
 * that takes only texts can be asked the same. */
static const int32_t small[3][6] = {{1, 3, 2, 7, 5, 11}, {9, 9, 4}, {4, 8}};
static const int32_t teachers[3][6] = {{71, 276, 273, 295, 311, 277}, {960, 557, 603}, {71, 276}};
static const int32_t (*asked)[6] = small;
static struct engine_prompt prompt;

static struct engine_request plain(size_t n)
{
    return (struct engine_request){.prompts = &prompt, .n_prompts = 1, .max_tokens = n};
}

static void greedy_repeats(struct engine *e)
{
    struct err err = ERR_INIT;
    struct engine_reply a = {0}, b = {0};
    struct engine_request r = plain(12);
    assert_ok(engine_generate(e, &r, &a, &err));
    assert_ok(engine_generate(e, &r, &b, &err));
    assert_int_equal(a.n_steps, b.n_steps);
    for (size_t i = 0; i < a.n_steps; i++)
        assert_int_equal(a.steps[i].id, b.steps[i].id);
    assert_int_equal(a.n_prompt, 6);
    assert_true(a.n_steps <= 12);
    assert_true(a.finish == FINISH_EOS ? a.n_steps >= 1 : a.n_steps == 12);
    engine_reply_release(&a);
    engine_reply_release(&b);
}

/* A request leaves no trace in the next one, and a short reply is the start of a long one. */
static void requests_are_alone(struct engine *e)
{
    struct err err = ERR_INIT;
    struct engine_reply a = {0}, b = {0}, other = {0};
    struct engine_request r = plain(8), s = plain(3);
    struct engine_prompt elsewhere = {.ids = asked[1], .n_ids = 3};
    assert_ok(engine_generate(e, &r, &a, &err));
    s.prompts = &elsewhere;
    assert_ok(engine_generate(e, &s, &other, &err));
    s.prompts = &prompt;
    assert_ok(engine_generate(e, &s, &b, &err));
    for (size_t i = 0; i < b.n_steps; i++)
        assert_int_equal(a.steps[i].id, b.steps[i].id);
    engine_reply_release(&a);
    engine_reply_release(&b);
    engine_reply_release(&other);
}

/* Tokens before the clock are of the prompt all the same: what follows is what would have followed. */
static void depth_changes_nothing_but_the_clock(struct engine *e)
{
    struct err err = ERR_INIT;
    struct engine_reply a = {0}, b = {0};
    struct engine_request r = plain(8), s = plain(8);
    struct engine_prompt deep = {.ids = asked[0], .n_ids = 6, .n_before = 4};
    s.prompts = &deep;
    if (!engine_can(e)->depth) {
        assert_err(engine_generate(e, &s, &b, &err), ERR_UNSUPPORTED, "cannot begin at a depth");
        return;
    }
    assert_ok(engine_generate(e, &r, &a, &err));
    assert_ok(engine_generate(e, &s, &b, &err));
    assert_int_equal(a.n_steps, b.n_steps);
    for (size_t i = 0; i < a.n_steps; i++)
        assert_int_equal(a.steps[i].id, b.steps[i].id);
    deep.n_before = 6;
    assert_err(engine_generate(e, &s, &b, &err), ERR_USAGE, "leave none for it");
    engine_reply_release(&a);
    engine_reply_release(&b);
}

static void length_is_fixed(struct engine *e)
{
    struct err err = ERR_INIT;
    struct engine_reply a = {0};
    struct engine_request r = plain(40);
    r.ignore_eos = true;
    if (!engine_can(e)->fixed_length) {
        assert_err(engine_generate(e, &r, &a, &err), ERR_UNSUPPORTED, "cannot go on");
    } else {
        assert_ok(engine_generate(e, &r, &a, &err));
        assert_int_equal(a.n_steps, 40);
        assert_int_equal(a.finish, FINISH_LENGTH);
    }
    engine_reply_release(&a);
}

static void seeds_repeat(struct engine *e)
{
    struct err err = ERR_INIT;
    struct engine_reply a = {0}, b = {0};
    struct engine_request r = plain(24);
    bool differs = false;
    r.ignore_eos = engine_can(e)->fixed_length;
    r.sampling = (struct engine_sampling){.temperature = 1, .seed = 5};
    assert_ok(engine_generate(e, &r, &a, &err));
    assert_ok(engine_generate(e, &r, &b, &err));
    assert_int_equal(a.n_steps, b.n_steps);
    for (size_t i = 0; i < a.n_steps; i++)
        assert_int_equal(a.steps[i].id, b.steps[i].id);
    for (uint64_t seed = 6; seed < 12 && !differs; seed++) {
        r.sampling.seed = seed;
        assert_ok(engine_generate(e, &r, &b, &err));
        differs = b.n_steps != a.n_steps;
        for (size_t i = 0; i < a.n_steps && i < b.n_steps; i++)
            differs |= a.steps[i].id != b.steps[i].id;
    }
    assert_true(differs); /* a seed that changes nothing is no seed */
    engine_reply_release(&a);
    engine_reply_release(&b);
}

/* Greedy takes the likeliest; the list holds it; a whole vocabulary sums to one. */
static void logprobs_are_a_distribution(struct engine *e)
{
    struct err err = ERR_INIT;
    struct engine_reply a = {0};
    struct engine_request r = plain(6);
    int v = engine_facts(e)->vocabulary;
    r.n_top = engine_can(e)->top_k < v ? engine_can(e)->top_k : v;
    assert_ok(engine_generate(e, &r, &a, &err));
    for (size_t i = 0; i < a.n_steps; i++) {
        const struct engine_top *row = &a.tops[i * (size_t)r.n_top];
        double sum = 0;
        assert_int_equal(row[0].id, a.steps[i].id);
        assert_close(row[0].logprob, a.steps[i].logprob, 1e-6, "the token's own log-probability");
        for (int k = 0; k < r.n_top; k++) {
            sum += exp(row[k].logprob);
            for (int j = 0; j < k && j < 50; j++)
                assert_int_not_equal(row[k].id, row[j].id);
        }
        assert_true(sum < 1 + 1e-4);
        if (r.n_top == v)
            assert_close(sum, 1, 1e-4, "the sum of all probabilities");
    }
    r.n_top = v + 1;
    assert_err(engine_generate(e, &r, &a, &err), ERR_UNSUPPORTED, "likeliest");
    engine_reply_release(&a);
}

struct rows_seen {
    size_t n;
    const int32_t *ids;
    double logprob[16];
};

static int see_row(void *arg, size_t i, const float *logits, size_t n, struct err *err)
{
    struct rows_seen *seen = arg;
    double sum = 0, top = -INFINITY;
    (void)err;
    assert_int_equal(i, seen->n++);
    for (size_t k = 0; k < n; k++)
        top = fmax(top, (double)logits[k]);
    for (size_t k = 0; k < n; k++)
        sum += exp((double)logits[k] - top);
    if (i + 1 < 16)
        seen->logprob[i + 1] = (double)logits[seen->ids[i + 1]] - top - log(sum);
    return 0;
}

/* Scoring a text that the engine wrote gives the log-probabilities that it gave when writing. */
static void scores_are_what_it_wrote(struct engine *e)
{
    struct err err = ERR_INIT;
    struct engine_reply a = {0};
    struct engine_request r = plain(6);
    int32_t all[16] = {0}; /* the last row is followed by nothing: any id will do */
    double logprobs[16];
    struct rows_seen seen = {.ids = all};
    r.n_top = engine_can(e)->logprobs_cost; /* some tell a token's own only then */
    assert_ok(engine_generate(e, &r, &a, &err));
    memcpy(all, asked[0], sizeof asked[0]);
    for (size_t i = 0; i < a.n_steps; i++)
        all[6 + i] = a.steps[i].id;
    struct engine_score score = {.ids = all, .n_ids = 6 + a.n_steps, .logprobs = logprobs};
    if (engine_can(e)->full_logits) {
        score.on_logits = see_row;
        score.on_logits_arg = &seen;
    }
    assert_ok(engine_score(e, &score, &err));
    assert_true(isnan(logprobs[0]));
    for (size_t i = 0; i < a.n_steps; i++)
        assert_close(logprobs[6 + i], a.steps[i].logprob, fmax(1e-4, engine_can(e)->score_error), "a score");
    if (score.on_logits) {
        assert_int_equal(seen.n, score.n_ids);
        for (size_t i = 1; i < score.n_ids; i++)
            assert_close(seen.logprob[i], logprobs[i], 1e-4, "the log-softmax of the logits");
    }
    engine_reply_release(&a);
}

static void stamps_run_forward(struct engine *e)
{
    struct err err = ERR_INIT;
    struct engine_reply a = {0};
    struct engine_request r = plain(8);
    int64_t before = engine_now(e);
    assert_ok(engine_generate(e, &r, &a, &err));
    int64_t after = engine_now(e);
    assert_true(before <= a.submitted && a.steps[a.n_steps - 1].done <= after);
    assert_int_equal(a.steps[0].handed, a.submitted);
    for (size_t i = 1; i < a.n_steps; i++)
        assert_int_equal(a.steps[i].handed, a.steps[i - 1].done);
    engine_reply_release(&a);
}

static void batches_are_the_same(struct engine *e)
{
    struct err err = ERR_INIT;
    struct engine_prompt two[] = {prompt, {.ids = asked[2], .n_ids = 2}};
    struct engine_reply replies[2] = {{0}}, alone = {0};
    struct engine_request r = {.prompts = two, .n_prompts = 2, .max_tokens = 6};
    if (engine_can(e)->batch == 1) {
        assert_err(engine_generate(e, &r, replies, &err), ERR_UNSUPPORTED, "batches of at most 1");
        return;
    }
    assert_ok(engine_generate(e, &r, replies, &err));
    for (int p = 0; p < 2; p++) {
        struct engine_request one = {.prompts = &two[p], .n_prompts = 1, .max_tokens = 6};
        assert_ok(engine_generate(e, &one, &alone, &err));
        assert_int_equal(alone.n_steps, replies[p].n_steps);
        for (size_t i = 0; i < alone.n_steps; i++)
            assert_int_equal(alone.steps[i].id, replies[p].steps[i].id);
    }
    engine_reply_release(&alone);
    engine_reply_release(&replies[0]);
    engine_reply_release(&replies[1]);
}

struct listener {
    size_t n, stop_after, len;
    char text[512];
};

static bool listen(void *arg, const struct engine_step *step, const char *piece, size_t len)
{
    struct listener *l = arg;
    (void)step;
    if (l->len + len < sizeof l->text)
        memcpy(l->text + l->len, piece, len);
    l->len += len;
    return ++l->n < l->stop_after;
}

static void a_caller_can_stop_it(struct engine *e)
{
    struct err err = ERR_INIT;
    struct engine_reply a = {0};
    struct listener l = {.stop_after = 3};
    struct engine_request r = plain(20);
    r.on_token = listen;
    r.on_token_arg = &l;
    assert_ok(engine_generate(e, &r, &a, &err));
    assert_true(a.finish == FINISH_EOS || (a.finish == FINISH_CALLER && a.n_steps == 3 && l.n == 3));
    assert_int_equal(l.len, a.text.len);
    assert_memory_equal(l.text, a.text.data, l.len);
    engine_reply_release(&a);
}

static void text_comes_back(struct engine *e)
{
    struct err err = ERR_INIT;
    static const char text[] = "The quick brown fox.";
    int32_t *got = NULL;
    size_t n = 0;
    struct buf back = BUF_INIT(1 << 16);
    assert_ok(engine_tokenize(e, text, strlen(text), &got, &n, &err));
    assert_true(n > 0 && n <= strlen(text));
    assert_ok(engine_detokenize(e, got, n, &back, &err));
    assert_non_null(strstr(back.data, text)); /* some put a space in front */
    free(got);
    buf_release(&back);
}

static void nonsense_is_refused(struct engine *e)
{
    struct err err = ERR_INIT;
    struct engine_reply a = {0};
    struct engine_request r = plain(0);
    struct engine_prompt wrong = {.ids = (int32_t[]){1, -1}, .n_ids = 2};
    assert_err(engine_generate(e, &r, &a, &err), ERR_USAGE, "at least one prompt and one new token");
    r = plain(2);
    r.prompts = &wrong;
    assert_err(engine_generate(e, &r, &a, &err), ERR_USAGE, "token -1 at position 1");
    wrong.ids = (int32_t[]){1, INT32_MAX};
    assert_err(engine_generate(e, &r, &a, &err), ERR_USAGE, "not in the vocabulary");
    wrong.n_ids = 0;
    assert_err(engine_generate(e, &r, &a, &err), ERR_USAGE, "token ids, at least one, or a text");
    r = plain(1 << 20);
    assert_err(engine_generate(e, &r, &a, &err), ERR_USAGE, "do not fit a context of");
    r = plain(2);
    r.sampling.temperature = NAN;
    assert_err(engine_generate(e, &r, &a, &err), ERR_USAGE, "sampling");
    r = plain(2);
    assert_ok(engine_generate(e, &r, &a, &err)); /* and it still works */
    engine_reply_release(&a);
}

/* An engine that takes texts only. */
static void text_alone_works(struct engine *e)
{
    struct err err = ERR_INIT;
    struct engine_prompt text = {.text = "The quick brown"};
    struct engine_request r = {.prompts = &text, .n_prompts = 1, .max_tokens = 5};
    struct engine_reply a = {0}, b = {0};
    assert_ok(engine_generate(e, &r, &a, &err));
    assert_ok(engine_generate(e, &r, &b, &err));
    assert_string_equal(a.text.data, b.text.data);
    r.prompts = &prompt;
    assert_err(engine_generate(e, &r, &a, &err), ERR_UNSUPPORTED, "takes text only");
    engine_reply_release(&a);
    engine_reply_release(&b);
}

/* Ids, texts and log-probabilities through a protocol are those of the engine behind it; ids that a protocol cannot tell
 * are counted. The engine behind must not be asked while its server runs a request: it waits for the next one here. */
static void same_as_behind_it(struct engine *e, struct engine *behind)
{
    struct err err = ERR_INIT;
    struct engine_reply a = {0}, b = {0};
    struct engine_request r = plain(24);
    if (!engine_can(e)->token_ids)
        return;
    r.n_top = engine_can(e)->top_k > 5 ? 5 : engine_can(e)->top_k;
    assert_ok(engine_generate(e, &r, &a, &err));
    assert_ok(engine_generate(behind, &r, &b, &err));
    assert_int_equal(a.n_steps, b.n_steps);
    assert_int_equal(a.finish, b.finish);
    assert_int_equal(a.text.len, b.text.len);
    assert_memory_equal(a.text.data, b.text.data, a.text.len);
    size_t named = 0;
    for (size_t i = 0; i < a.n_steps; i++) {
        if (a.steps[i].id < 0)
            continue;
        assert_int_equal(a.steps[i].id, b.steps[i].id);
        if (!isnan(a.steps[i].logprob))
            assert_close(a.steps[i].logprob, b.steps[i].logprob, 1e-12, "a log-probability through the protocol");
        for (int k = 0; k < r.n_top; k++)
            if (a.tops[i * (size_t)r.n_top + (size_t)k].id >= 0)
                assert_close(a.tops[i * (size_t)r.n_top + (size_t)k].logprob,
                             b.tops[i * (size_t)r.n_top + (size_t)k].logprob, 1e-12, "one of the likeliest");
        named++;
    }
    assert_true(named + (size_t)a.n_unknown >= a.n_steps && named > 0);
    engine_reply_release(&a);
    engine_reply_release(&b);
}

static void facts_are_sane(struct engine *e)
{
    const struct engine_facts *f = engine_facts(e);
    struct engine_memory m;
    assert_true(*f->version);
    assert_true(f->vocabulary >= 0 && f->eos < (f->vocabulary ? f->vocabulary : INT32_MAX));
    assert_true(f->load_ns >= 0);
    assert_true(f->step_parameters <= f->parameters);
    engine_memory(e, &m);
    assert_true(m.weights >= -1 && m.kv >= -1 && m.scratch >= -1);
}

static void check_engine(struct engine *e, const char *name)
{
    printf("  %s\n", name);
    asked = engine_facts(e)->vocabulary < 1000 ? small : teachers;
    prompt = (struct engine_prompt){.ids = asked[0], .n_ids = 6};
    facts_are_sane(e);
    nonsense_is_refused(e);
    if (!engine_can(e)->token_ids) {
        text_alone_works(e);
        return;
    }
    greedy_repeats(e);
    requests_are_alone(e);
    length_is_fixed(e);
    depth_changes_nothing_but_the_clock(e);
    stamps_run_forward(e);
    batches_are_the_same(e);
    a_caller_can_stop_it(e);
    if (engine_can(e)->seed)
        seeds_repeat(e);
    if (engine_can(e)->top_k > 0)
        logprobs_are_a_distribution(e);
    if (engine_can(e)->prompt_logprobs)
        scores_are_what_it_wrote(e);
    if (engine_can(e)->tokenization)
        text_comes_back(e);
}

static void check_variant(const struct engine_class *class, const char *variant)
{
    struct engine *e = open_engine(class, variant);
    char label[ENGINE_LABEL_MAX];
    struct engine_name name = {.class = class};
    snprintf(name.variant, sizeof name.variant, "%s", variant ? variant : "");
    check_engine(e, engine_name_label(&name, label));
    engine_close(e);
}

static void every_engine_conforms(void **unused)
{
    (void)unused;
    int checked = 0;
    for (size_t i = 0; engine_class_at(i); i++) {
        const struct engine_class *class = engine_class_at(i);
        struct engine_name name = {.class = class};
        struct engine_probe probe = {0};
        if (class->takes_url) /* below, by its double; one that happens to run here serves who knows what */
            continue;
        class->probe(&name, &probe);
        if (probe.status != ENGINE_INSTALLED && probe.status != ENGINE_REACHABLE) {
            printf("  %s SKIPPED: %s, %s\n", class->name, engine_status_name(probe.status), probe.why);
            continue;
        }
        if (class->open == python_open && !getenv("PRONY_TEST_PEERS")) {
            printf("  %s SKIPPED: installed, but it takes minutes; check.sh --peers asks it\n", class->name);
            continue;
        }
        assert_true(*probe.version);
        if (!class->variants)
            check_variant(class, NULL);
        for (size_t v = 0; class->variants && class->variants[v]; v++)
            check_variant(class, class->variants[v]);
        checked++;
    }
    assert_true(checked > 0);
}

static struct engine *open_server(const char *word, const char *model)
{
    struct err err = ERR_INIT;
    struct engine_name name;
    struct engine *e = NULL;
    assert_ok(engine_name_parse(&name, word, &err));
    assert_ok(engine_open(&e, &(struct engine_spec){.name = &name, .model = model, .context = 128, .batch = 2}, &err));
    return e;
}

/* Each dialect in front of an engine with real text: what comes through is what the engine says. */
static void every_double_conforms(void **unused)
{
    (void)unused;
    struct err err = ERR_INIT;
    char *model = data_path("models/teacher", &err);
    for (size_t i = 0; stand_in_dialect_at(i); i++) {
        const char *dialect = stand_in_dialect_at(i);
        struct doubled d;
        char word[128];
        double_start(&d, "native", (struct stand_in_options){.dialect = dialect});
        snprintf(word, sizeof word, "%s@%s", dialect, stand_in_url(d.stand_in));
        struct engine *e = open_server(word, model);
        check_engine(e, dialect);
        same_as_behind_it(e, d.engine);
        engine_close(e);
        double_end(&d);
    }
    free(model);
}

static struct engine *open_reference(const char *model)
{
    struct err err = ERR_INIT;
    struct engine_name name;
    struct engine *e = NULL;
    assert_ok(engine_name_parse(&name, "native:ref", &err));
    assert_ok(engine_open(&e, &(struct engine_spec){.name = &name, .model = model, .context = 128, .threads = 1}, &err));
    return e;
}

/* KL of the reference's n likeliest, each side's share among them. What the other does not list counts as no more likely
 * than the last that it does. */
static double divergence(const struct engine_top *p, const struct engine_top *q, int n)
{
    double other[64], sum_p = 0, sum_q = 0, kl = 0;
    for (int i = 0; i < n; i++) {
        other[i] = q[n - 1].logprob;
        for (int k = 0; k < n; k++)
            if (q[k].id == p[i].id)
                other[i] = q[k].logprob;
        sum_p += exp(p[i].logprob);
        sum_q += exp(other[i]);
    }
    for (int i = 0; i < n; i++)
        kl += exp(p[i].logprob) / sum_p * (p[i].logprob - log(sum_p) - other[i] + log(sum_q));
    return kl;
}

/* The same weights, exact on both sides: the same tokens, or two that were as likely where they part; and the same
 * next-token distributions. */
static void agrees_with_native(struct engine *e, const char *model)
{
    static const char *const texts[] = {
        "The sum of 2 and 3 is", "Once upon a time", "The river", "12 + 7 =", "A history of", "In the year 1821", "Why is the sky",
        "one two three", "The capital of", "Water is", "Every engine", "3 * 4 =", "The king", "It was", "He said that", "Music",
        "a b c d e f", "The first", "When the war", "Numbers such as 5"};
    enum { N = 20, NEW = 32, TOP = 50 };
    struct err err = ERR_INIT;
    struct engine *ref = open_reference(model);
    int same = 0;
    double worst = 0;
    for (int i = 0; i < N; i++) {
        int32_t *ids = NULL;
        size_t n_ids = 0;
        struct engine_reply a = {0}, b = {0};
        assert_ok(engine_tokenize(ref, texts[i], strlen(texts[i]), &ids, &n_ids, &err));
        struct engine_prompt p = {.ids = ids, .n_ids = n_ids};
        struct engine_request r = {.prompts = &p, .n_prompts = 1, .max_tokens = NEW, .n_top = TOP};
        assert_ok(engine_generate(ref, &r, &a, &err));
        assert_ok(engine_generate(e, &r, &b, &err));
        size_t at = 0;
        while (at < a.n_steps && at < b.n_steps && a.steps[at].id == b.steps[at].id)
            at++;
        bool is_same = at == a.n_steps && at == b.n_steps;
        same += is_same;
        if (!is_same && (at == a.n_steps || at == b.n_steps || a.tops[at * TOP].logprob - a.tops[at * TOP + 1].logprob >= 1e-3))
            fail_msg("'%s': they part at token %zu, where the reference is sure", texts[i], at);
        for (size_t k = 0; k < at; k++)
            worst = fmax(worst, fabs(divergence(&a.tops[k * TOP], &b.tops[k * TOP], TOP)));
        free(ids);
        engine_reply_release(&a);
        engine_reply_release(&b);
    }
    printf("the same greedy ids on %d of %d prompts; largest KL of the top %d, all tokens: %.3g\n", same, N, TOP, worst);
    assert_true(worst < 1e-6);
    engine_close(ref);
}

/* "NAME@URL MODEL": the real one, that serves this very file. */
static int check_real(const char *word, const char *model)
{
    struct engine *e = open_server(word, model);
    check_engine(e, word);
    agrees_with_native(e, model);
    engine_close(e);
    printf("%s conforms\n", word);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_engine_conforms), cmocka_unit_test(every_double_conforms)};
    if (argc == 3)
        return check_real(argv[1], argv[2]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
