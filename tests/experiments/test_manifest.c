/* Manifests: what is accepted, every error at its place, and the plan that comes of it. */
#include "support/testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "experiments/manifest.h"
#include "experiments/manifest_path.h"
#include "experiments/plan.h"

#define HEAD "targets:\n  - name: t\n    benchmarks:\n      - id: a\n        models: [student]\n        config:\n          type: latency\n"
#define LENGTHS "          prompt_lengths: [8]\n          generation_lengths: [4]\n"

static struct manifest *parse(const char *text)
{
    struct err err = ERR_INIT;
    struct manifest *m;
    if (manifest_parse(&m, text, strlen(text), "m.yaml", &err) < 0)
        fail_msg("%s\n%s", err.text, m && manifest_errors(m) ? manifest_errors(m) : "");
    return m;
}

static void refused(const char *text, const char *part)
{
    struct err err = ERR_INIT;
    struct manifest *m;
    if (manifest_parse(&m, text, strlen(text), "m.yaml", &err) == 0)
        fail_msg("accepted, expected \"%s\" of\n%s", part, text);
    const char *all = m && manifest_errors(m) ? manifest_errors(m) : err.text;
    if (!strstr(all, part))
        fail_msg("got \"%s\", expected \"%s\"", all, part);
    manifest_close(m);
}

static json_int_t number(const struct manifest *m, const char *key)
{
    const json_t *b = json_array_get(json_object_get(json_array_get(json_object_get(manifest_json(m), "targets"), 0),
                                                     "benchmarks"), 0);
    const json_t *v = json_object_get(json_object_get(b, "config"), key);
    return v ? json_integer_value(v) : json_integer_value(json_object_get(b, key));
}

static void defaults_are_filled_in(void **unused)
{
    (void)unused;
    struct manifest *m = parse(HEAD LENGTHS "          cache_kind: q8\n");
    assert_int_equal(number(m, "repeats"), 1);
    assert_int_equal(number(m, "warmup_runs"), 3);
    assert_int_equal(number(m, "timed_runs"), 10);
    char *text = json_dumps(manifest_json(m), JSON_COMPACT | JSON_SORT_KEYS);
    assert_non_null(strstr(text, "\"cache_kind\":\"q8_0\"")); /* the other tool's name became ours */
    assert_non_null(strstr(text, "\"batch_sizes\":[1]"));
    assert_non_null(strstr(text, "\"engines\":[{\"name\":\"native\"}]"));
    assert_non_null(strstr(text, "\"student\":{\"key\":\"student\",")); /* the role became a model */
    free(text);
    assert_int_equal(strlen(manifest_sha256(m)), 64);
    manifest_close(m);
}

static void all_errors_come_at_once(void **unused)
{
    (void)unused;
    struct err err = ERR_INIT;
    struct manifest *m;
    const char *text = "sede: 1\n"
                       "threads: many\n"
                       "targets:\n"
                       "  - name: t\n"
                       "    type: expriment\n"
                       "    benchmarks:\n"
                       "      - id: a\n"
                       "        models: [pupil]\n"
                       "        repeats: \"3\"\n"
                       "        config:\n"
                       "          type: latency\n"
                       "          prompt_lengths: [128, lots, 0]\n"
                       "          use_cache: yes\n"
                       "          cache_kind: q9\n"
                       "      - id: a\n"
                       "        config: {type: latncy}\n";
    static const char *const expected[] = {
        "m.yaml:1:1: unknown key 'sede', did you mean 'seed'?",
        "m.yaml:2:10: threads: found 'many', expected an integer from 0 to 4096",
        "m.yaml:5:11: targets[0].type: found 'expriment', expected one of experiment; did you mean 'experiment'?",
        "m.yaml:9:18: targets[0].benchmarks[0].repeats: found '3', expected an integer from 1 to 100000 (without quotes)",
        "m.yaml:12:33: targets[0].benchmarks[0].config.prompt_lengths[1]: found 'lots', expected an integer",
        "m.yaml:12:39: targets[0].benchmarks[0].config.prompt_lengths[2]: found '0', expected an integer from 1",
        "m.yaml:13:22: targets[0].benchmarks[0].config.use_cache: found 'yes', expected true or false",
        "m.yaml:14:23: targets[0].benchmarks[0].config.cache_kind: found 'q9', expected one of f32|f16|q8_0|q4_0",
        "m.yaml:11:11: targets[0].benchmarks[0].config: the key 'generation_lengths' is missing",
        "m.yaml:16:24: targets[0].benchmarks[1].config.type: 'latncy' is not an experiment, did you mean 'latency'?",
        "m.yaml:8:18: targets[0].benchmarks[0]: models[0]: there is no model 'pupil'",
        "m.yaml:15:9: targets[0].benchmarks[1]: the id 'a' is there twice",
    };
    assert_err(manifest_parse(&m, text, strlen(text), "m.yaml", &err), ERR_INPUT, "12 errors in 'm.yaml', the first at m.yaml:1:1");
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        if (!strstr(manifest_errors(m), expected[i]))
            fail_msg("missing: %s\nin:\n%s", expected[i], manifest_errors(m));
    manifest_close(m);
}

static void bad_files_are_refused(void **unused)
{
    (void)unused;
    struct err err = ERR_INIT;
    struct manifest *m;
    refused("", "is empty, expected a mapping");
    refused("# nothing\n", "is empty, expected a mapping");
    refused("{}", "neither 'targets' nor 'benchmarks'");
    refused("just text", "found 'just text', expected a mapping");
    refused("- a\n- b\n", "found a list, expected a mapping");
    refused("seed: -1\n", "m.yaml:1:7: seed: found '-1', expected an integer from 0 to 9007199254740992");
    refused("seed: 1\nseed: 2\n", "'m.yaml':2:1: the key 'seed' is there already, in line 1");
    refused("targets:\n\t- name: x\n", "'m.yaml':2:");
    refused("targets: [a, b\n", "'m.yaml':");
    refused("a: \"unclosed\n", "'m.yaml':");
    refused("seed: *nowhere\n", "no anchor above for the alias 'nowhere'");
    refused("seed: 1\n---\nseed: 2\n", "second document");
    refused("benchmarks: []\n", "the list is empty");
    refused(HEAD LENGTHS "engines: [fakke]\n", "'fakke' is not an engine; did you mean 'fake'?");
    assert_err(manifest_parse(&m, "a\0b", 3, "m.yaml", &err), ERR_INPUT, "byte 1 is zero: this is a binary file");
    manifest_close(m);
    char path[4096];
    snprintf(path, sizeof path, "%s/large.yaml", test_dir());
    FILE *f = fopen(path, "w"); /* 100 MB of it */
    assert_non_null(f);
    assert_int_equal(fseek(f, 100 << 20, SEEK_SET), 0);
    fputs("seed: 1\n", f);
    fclose(f);
    assert_err(manifest_open(&m, path, &err), ERR_INPUT, "8388608");
    manifest_close(m);
    assert_err(manifest_open(&m, "/nowhere/m.yaml", &err), ERR_IO, "/nowhere/m.yaml");
    manifest_close(m);
}

/* Nine lines that would be a billion values. */
static void an_alias_bomb_is_refused(void **unused)
{
    (void)unused;
    char text[4096] = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n";
    for (int i = 1; i < 9; i++) {
        char line[256];
        snprintf(line, sizeof line, "a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n", i, i, i - 1, i - 1,
                 i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
        strcat(text, line);
    }
    refused(text, "more than a million values");
    char deep[600];
    memset(deep, '[', sizeof deep - 1);
    deep[sizeof deep - 1] = '\0';
    refused(deep, "'m.yaml'");
}

static void aliases_and_merges_work(void **unused)
{
    (void)unused;
    struct manifest *m = parse("notes:\n  shared: &shared {type: latency, prompt_lengths: [8], generation_lengths: [4], timed_runs: 7}\n"
                               "benchmarks:\n  - {id: a, config: *shared}\n"
                               "  - id: b\n    config:\n      <<: *shared\n      timed_runs: 2\n");
    assert_int_equal(number(m, "timed_runs"), 7);
    struct err err = ERR_INIT;
    struct plan p;
    assert_ok(plan_make(&p, m, &(struct plan_choice){.engines = (const char *const[]){"fake"}, .n_engines = 1, .seed = 1}, &err));
    assert_int_equal(p.n_cells, 2);
    assert_int_equal(p.cells[0].samples, 7);
    assert_int_equal(p.cells[1].samples, 2);
    plan_release(&p);
    manifest_close(m);
}

static const char demo[] =
    "engines: [fake]\nmodels:\n  teacher: t.gguf\n  student: {path: s.gguf, options: {token_ms: 2}}\n  extra: e.gguf\n"
    "targets:\n  - name: one\n    runs:\n      - id: train\n        command: \"true\"\n        lr: 0.1\n      - ...text\n"
    "    benchmarks:\n      - id: latency\n        models: [teacher, student, extra]\n        repeats: 4\n"
    "        config: {type: latency, prompt_lengths: [8, 16], generation_lengths: [4]}\n"
    "      - id: perplexity\n        models: [teacher]\n        config: {type: perplexity}\n";

/* Every cell once in each pass; each second pass is the mirror of the one before; what is compared stands together. */
static void launches_are_mirrored_blocks(void **unused)
{
    (void)unused;
    struct err err = ERR_INIT;
    struct manifest *m = parse(demo);
    struct plan p, again, other;
    assert_ok(plan_make(&p, m, &(struct plan_choice){.seed = 5}, &err));
    assert_ok(plan_make(&again, m, &(struct plan_choice){.seed = 5}, &err));
    assert_int_equal(p.n_cells, 7);
    assert_int_equal(p.n_launches, 24);
    assert_int_equal(p.n_samples, 240);
    assert_int_equal(p.n_commands, 1);
    assert_string_equal(p.commands[0].command, "true");
    bool differs = false;
    for (size_t i = 0; i < 24; i++) {
        assert_int_equal(p.launches[i].repeat, i / 6);
        assert_int_equal(p.launches[i].cell, again.launches[i].cell);
        assert_true(p.launches[i].seed == again.launches[i].seed && p.launches[i].seed < UINT64_C(1) << 63);
        for (size_t j = 0; j < i; j++)
            assert_true(p.launches[i].seed != p.launches[j].seed);
        if (i / 6 % 2 == 1)
            assert_int_equal(p.launches[i].cell, p.launches[(i / 6 - 1) * 6 + 5 - i % 6].cell);
        if (i % 3)
            assert_string_equal(p.cells[p.launches[i].cell].group, p.cells[p.launches[i - 1].cell].group);
    }
    for (uint64_t seed = 6; seed < 12; seed++) {
        assert_ok(plan_make(&other, m, &(struct plan_choice){.seed = seed}, &err));
        for (size_t i = 0; i < 24; i++)
            differs |= other.launches[i].cell != p.launches[i].cell;
        plan_release(&other);
    }
    assert_true(differs);
    size_t unbuilt = 0;
    for (size_t i = 0; i < p.n_cells; i++)
        if (p.cells[i].why.code) {
            unbuilt++;
            assert_string_equal(p.cells[i].why.text, "experiment 'perplexity' is not built into this prony yet");
        }
    assert_int_equal(unbuilt, 1);
    plan_release(&p);
    plan_release(&again);
    manifest_close(m);
}

static void switches_choose(void **unused)
{
    (void)unused;
    struct err err = ERR_INIT;
    struct manifest *m = parse(demo);
    struct plan p;
    assert_ok(plan_make(&p, m, &(struct plan_choice){.models = (const char *const[]){"student"}, .n_models = 1,
                                                     .engines = (const char *const[]){"vllm@http://127.0.0.1:1", "fake"}, .n_engines = 2,
                                                     .num_prompts = 3}, &err));
    assert_int_equal(p.n_cells, 4);
    assert_string_equal(p.cells[0].why.text, "engine 'vllm' is missing: nothing answers at 'http://127.0.0.1:1/health'");
    assert_int_equal(p.cells[1].samples, 3);
    assert_int_equal(json_integer_value(json_object_get(p.cells[1].options, "token_ms")), 2);
    assert_string_equal(p.cells[1].model_path, "s.gguf");
    plan_release(&p);
    assert_err(plan_make(&p, m, &(struct plan_choice){.target = "two"}, &err), ERR_USAGE, "no target 'two'");
    assert_err(plan_make(&p, m, &(struct plan_choice){.models = (const char *const[]){"x"}, .n_models = 1}, &err), ERR_USAGE,
               "no model 'x'");
    assert_err(plan_make(&p, m, &(struct plan_choice){.engines = (const char *const[]){"x"}, .n_engines = 1}, &err), ERR_USAGE,
               "--engines: 'x' is not an engine");
    manifest_close(m);
}

static const char *path_of(const struct manifest *m, const char *key)
{
    return json_string_value(json_object_get(json_object_get(json_object_get(manifest_json(m), "models"), key), "path"));
}

static void paths_lead_to_what_is_there(void **unused)
{
    (void)unused;
    struct err err = ERR_INIT;
    struct manifest *m;
    static const char text[] = "models: {beside: near/weights, ours: data/stories260k/stories260K.bin, far: org/repo, abs: /usr}\n"
                               "engines: [native]\n"
                               "benchmarks: [{id: a, models: [beside, far], config: {type: latency, checkpoint: near/weights,\n"
                               "  prompt_lengths: [1], generation_lengths: [1]}}]\n";
    char *folder = path_join(test_dir(), "m/near/weights", &err), *file = path_join(test_dir(), "m/m.yaml", &err);
    assert_ok(file_mkdirs(folder, &err));
    assert_ok(file_write(file, text, sizeof text - 1, &err));
    setenv("PRONY_DATA_DIR", SOURCE_DIR, 1);
    assert_int_equal(chdir(test_dir()), 0);
    assert_ok(manifest_open(&m, file, &err));
    assert_string_equal(path_of(m, "beside"), folder);
    assert_string_equal(path_of(m, "ours"), SOURCE_DIR "/data/stories260k/stories260K.bin");
    assert_string_equal(path_of(m, "far"), "org/repo");
    assert_string_equal(path_of(m, "abs"), "/usr");
    const json_t *target = json_array_get(json_object_get(manifest_json(m), "targets"), 0);
    const json_t *config = json_object_get(json_array_get(json_object_get(target, "benchmarks"), 0), "config");
    assert_string_equal(json_string_value(json_object_get(config, "checkpoint")), folder);
    manifest_close(m);

    /* As it is written comes first; the plan says where it looked for what is nowhere. */
    assert_ok(file_mkdirs("near/weights", &err));
    assert_ok(manifest_open(&m, file, &err));
    assert_string_equal(path_of(m, "beside"), "near/weights");
    struct plan plan;
    struct plan_choice choice = {.seed = 1};
    assert_ok(plan_make(&plan, m, &choice, &err));
    assert_int_equal(plan.n_cells, 2);
    for (size_t i = 0; i < 2; i++)
        assert_null(plan.cells[i].model_nowhere); /* the checkpoint is what is opened */
    plan_release(&plan);
    manifest_close(m);
    struct buf places = BUF_INIT(1 << 16), wanted = BUF_INIT(1 << 16);
    manifest_path_places(&places, file, "org/repo");
    buf_printf(&wanted, "'org/repo', '%s/m/org/repo' and '" SOURCE_DIR "/org/repo'", test_dir());
    assert_string_equal(places.data, wanted.data);
    buf_clear(&places);
    manifest_path_places(&places, "m.yaml", "/x");
    assert_string_equal(places.data, "'/x'");
    buf_release(&places);
    buf_release(&wanted);
    free(folder);
    free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_filled_in),   cmocka_unit_test(all_errors_come_at_once),
        cmocka_unit_test(bad_files_are_refused),    cmocka_unit_test(an_alias_bomb_is_refused),
        cmocka_unit_test(aliases_and_merges_work),  cmocka_unit_test(launches_are_mirrored_blocks),
        cmocka_unit_test(switches_choose),          cmocka_unit_test(paths_lead_to_what_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
