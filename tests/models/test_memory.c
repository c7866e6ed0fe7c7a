/* Each allocation of opening a model, a session and generating fails once: an error, no crash, no leak, and it works after. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "models/generate.h"
#include "support/golden_model.h"
#include "support/testing.h"

static int all_steps(const char *path, struct err *err)
{
    static const struct row tree[] = {{.pos = 3, .token = 5, .parent = ROW_NONE, .want = ROW_LOGITS | ROW_HIDDEN},
                                      {.pos = 3, .token = 6, .parent = ROW_NONE, .want = ROW_LOGITS},
                                      {.pos = 4, .token = 7, .parent = 1, .want = ROW_LOGITS}};
    struct model *m = NULL;
    struct session *s = NULL;
    struct generation g = {0};
    const int32_t ids[] = {1, 2, 3};
    int rc = -1;
    if (model_open_weights(&m, path, err) < 0 ||
        session_open(&s, m, &(struct session_options){.variant = "ref", .context = 32, .threads = 1}, err) < 0)
        goto out;
    struct generation_request r = {.prompt = ids, .n_prompt = 3, .max_tokens = 4, .sampling = {.temperature = 1}};
    if (generate(&g, s, m, NULL, &r, err) < 0 || session_rollback(s, 0, 3, err) < 0 || session_forward(s, tree, 3, err) < 0 ||
        session_commit(s, 2, err) < 0)
        goto out;
    rc = session_length(s, 0) == 5 ? 0 : err_set(err, ERR_BUG, "the tree was not kept");
out:
    generation_release(&g);
    session_close(s);
    model_close(m);
    return rc;
}

static void fail_each(const char *path)
{
    struct err err = ERR_INIT;
    long n = 0;
    for (;; n++) {
        err_clear(&err);
        mem_fail_after(n);
        int rc = all_steps(path, &err);
        bool reached = mem_failed();
        mem_fail_after(-1);
        if (!reached) {
            if (rc < 0)
                fail_msg("'%s': %s", path, err.text);
            break;
        }
        if (rc == 0 || err.code != ERR_MEMORY)
            fail_msg("'%s', allocation %ld: %s (%s)", path, n, rc == 0 ? "succeeded" : err.text, err_code_name(err.code));
    }
    assert_true(n > 30);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    static const char *const names[] = {"qwen2_upper_windows", "gpt2_plain", "opt_after_projected"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        json_t *g = golden_model_load(names[i]);
        fail_each(golden_model_build(g, 0));
        json_decref(g);
    }
    fail_each(SOURCE_DIR "/tests/models/gguf/llama3.gguf");
    fail_each(SOURCE_DIR "/data/stories260k/stories260K.bin");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_allocation_may_fail)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
