/* GGUFs that llama.cpp's converter wrote, against transformers' float32 of the same weights. The folder may be another
 * ($PRONY_GGUF_GOLDENS): tests/peers/converted_gguf.sh makes one with every architecture. */
#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "models/sampler.h"
#include "models/session.h"
#include "support/golden_model.h"
#include "support/testing.h"

static void check(const char *dir, const char *stem)
{
    struct err err = ERR_INIT;
    struct model *m;
    struct session *s;
    struct model_facts facts;
    char path[512];
    json_error_t where;
    snprintf(path, sizeof path, "%s/%s.json", dir, stem);
    json_t *g = json_load_file(path, 0, &where);
    assert_non_null(g);
    snprintf(path, sizeof path, "%s/%s.gguf", dir, stem);
    assert_ok(model_open_weights(&m, path, &err));
    model_facts(m, &facts);
    size_t n, n_positions, n_greedy;
    const int32_t *ids = golden_model_ids(g, "prompt", &n), *positions = golden_model_ids(g, "positions", &n_positions);
    const int32_t *greedy = golden_model_ids(g, "greedy", &n_greedy);
    struct row *rows = calloc(n, sizeof *rows);
    for (size_t i = 0; i < n; i++)
        rows[i] = (struct row){.pos = (int)i, .token = ids[i], .parent = ROW_CHAIN, .want = ROW_LOGITS};
    assert_ok(session_open(&s, m, &(struct session_options){.variant = "ref", .context = (int)(n + n_greedy)}, &err));
    assert_ok(session_forward(s, rows, n, &err));
    for (size_t i = 0; i < n_positions; i++) {
        json_t *want = json_array_get(json_object_get(g, "logits"), i);
        const float *got = session_logits(s, (size_t)positions[i]);
        assert_int_equal(json_array_size(want), facts.vocabulary);
        for (int t = 0; t < facts.vocabulary; t++) {
            double d = fabs((double)got[t] - json_number_value(json_array_get(want, (size_t)t)));
            if (!(d <= 1e-4))
                fail_msg("%s: logit %d of position %d is %g away", stem, t, positions[i], d);
        }
    }
    const float *logits = session_logits(s, n - 1);
    for (size_t i = 0; i < n_greedy; i++, logits = session_logits(s, 0)) {
        int32_t id = logits_best(logits, facts.vocabulary);
        if (id != greedy[i])
            fail_msg("%s: greedy id %zu is %d, expected %d", stem, i, id, greedy[i]);
        rows[0] = (struct row){.pos = (int)(n + i), .token = id, .parent = ROW_CHAIN, .want = ROW_LOGITS};
        assert_ok(session_forward(s, rows, 1, &err));
    }
    session_close(s);
    model_close(m);
    free(rows);
    free((void *)ids);
    free((void *)positions);
    free((void *)greedy);
    json_decref(g);
}

static void converted_models_equal_transformers(void **state)
{
    (void)state;
    const char *dir = getenv("PRONY_GGUF_GOLDENS");
    size_t n = 0;
    if (!dir)
        dir = SOURCE_DIR "/tests/models/gguf";
    DIR *d = opendir(dir);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));) {
        char stem[256];
        if (!str_ends(e->d_name, ".gguf"))
            continue;
        snprintf(stem, sizeof stem, "%.*s", (int)(strlen(e->d_name) - strlen(".gguf")), e->d_name);
        check(dir, stem);
        n++;
    }
    closedir(d);
    assert_true(n >= 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(converted_models_equal_transformers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
