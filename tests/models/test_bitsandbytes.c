/* Checkpoints packed by bitsandbytes' rules (tools/gen_bitsandbytes_samples.py) stand for the floats that they stand for there. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "formats/facts.h"
#include "kernels/decode.h"
#include "models/arch.h"
#include "models/session.h"
#include "support/golden.h"
#include "support/testing.h"

#define SAMPLES SOURCE_DIR "/tests/models/bitsandbytes/"

static const struct weight *find(const struct model *m, const char *name)
{
    const struct layer *l = &m->weights.layers[0];
    const struct {
        const char *part;
        const struct weight *w;
    } all[] = {{"q_proj", &l->q}, {"k_proj", &l->k}, {"v_proj", &l->v}, {"o_proj", &l->o},
               {"gate_proj", &l->gate}, {"up_proj", &l->up}, {"down_proj", &l->down}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strstr(name, all[i].part))
            return all[i].w;
    return NULL;
}

static void packed_matrices_are_exact(void **state)
{
    (void)state;
    static const struct {
        const char *name, *quantization;
        enum dtype type;
    } kinds[] = {{"nf4_nested", "bitsandbytes nf4", DTYPE_NF4}, {"nf4_plain", "bitsandbytes nf4", DTYPE_NF4},
                 {"int8", "bitsandbytes int8", DTYPE_INT8}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct err err = ERR_INIT;
        struct model *m;
        struct model_facts facts;
        char path[256], golden[128];
        const char *name;
        json_t *values;
        snprintf(path, sizeof path, SAMPLES "%s", kinds[i].name);
        snprintf(golden, sizeof golden, "tests/models/bitsandbytes/%s.json", kinds[i].name);
        json_t *g = golden_load(golden);
        size_t every = (size_t)golden_number(g, "every");
        assert_ok(model_open_weights(&m, path, &err));
        model_facts(m, &facts);
        assert_string_equal(facts.quantization, kinds[i].quantization);
        struct file_facts told;
        assert_ok(file_facts(&told, model_source(m), &err)); /* `prony model info` says the same without binding anything */
        assert_string_equal(told.quantization, kinds[i].quantization);
        file_facts_release(&told);
        json_object_foreach(golden_at(g, "values"), name, values)
        {
            const struct weight *w = find(m, name);
            float *x = calloc(w->n * w->k, sizeof *x);
            assert_int_equal(w->type, kinds[i].type);
            for (size_t r = 0; r < w->n; r++)
                assert_true(decode_row(w->type, (const char *)w->data + r * w->stride, x + r * w->k, w->k) == 0);
            for (size_t v = 0; v < json_array_size(values); v++)
                if ((double)x[v * every] != json_number_value(json_array_get(values, v)))
                    fail_msg("%s: %s[%zu] is %.9g, expected %.9g", kinds[i].name, name, v * every, (double)x[v * every],
                             json_number_value(json_array_get(values, v)));
            free(x);
        }
        for (int fast = 0; fast < 2; fast++) {
            struct session *s;
            struct row rows[4];
            for (int r = 0; r < 4; r++)
                rows[r] = (struct row){.pos = r, .token = r + 1, .parent = ROW_CHAIN, .want = ROW_LOGITS};
            assert_ok(session_open(&s, m, &(struct session_options){.variant = fast ? "fast" : "ref", .context = 8}, &err));
            assert_ok(session_forward(s, rows, 4, &err));
            assert_true(isfinite(session_logits(s, 3)[0]));
            session_close(s);
        }
        model_close(m);
        json_decref(g);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(packed_matrices_are_exact)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
