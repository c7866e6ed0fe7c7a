/* What a model folder may have wrong: one message that names file and key or tensor; and what it may have that does no harm. */
#include <stdlib.h>
#include <string.h>

#include "models/arch.h"
#include "models/session.h"
#include "support/golden_model.h"
#include "support/testing.h"

static json_t *config_of(json_t *g)
{
    return json_array_get(json_object_get(g, "configs"), 0);
}

static struct err open_changed(json_t *g)
{
    struct err err = ERR_INIT;
    struct model *m = NULL;
    if (model_open_weights(&m, golden_model_build(g, 0), &err) == 0)
        model_close(m);
    json_decref(g);
    return err;
}

static struct err with_key(const char *golden, const char *key, json_t *value)
{
    json_t *g = golden_model_load(golden);
    if (value)
        json_object_set_new(config_of(g), key, value);
    else
        json_object_del(config_of(g), key);
    return open_changed(g);
}

static void expect(struct err err, enum err_code code, const char *part)
{
    if (err.code != code || !strstr(err.text, part))
        fail_msg("\"%s\" (%s), expected %s with \"%s\"", err.text, err_code_name(err.code), err_code_name(code), part);
}

static void wrong_values_are_named(void **state)
{
    (void)state;
    expect(with_key("llama_plain", "hidden_size", NULL), ERR_INPUT, "config.json': 'hidden_size' is missing");
    expect(with_key("llama_plain", "hidden_size", json_string("48")), ERR_INPUT, "'hidden_size' is a string, expected an integer");
    expect(with_key("llama_plain", "hidden_size", json_integer(-1)), ERR_INPUT, "'hidden_size' is -1, expected an integer from 1");
    expect(with_key("llama_plain", "num_hidden_layers", json_real(2.5)), ERR_INPUT, "'num_hidden_layers' is 2.5");
    expect(with_key("llama_plain", "num_key_value_heads", json_integer(4)), ERR_INPUT, "6 heads cannot share 4");
    expect(with_key("llama_plain", "rms_norm_eps", json_string("x")), ERR_INPUT, "'rms_norm_eps' is a string");
    expect(with_key("llama_plain", "tie_word_embeddings", json_integer(1)), ERR_INPUT, "expected true or false");
    expect(with_key("llama_plain", "model_type", NULL), ERR_INPUT, "'model_type' is missing");
    expect(with_key("llama_plain", "head_dim", json_integer(9)), ERR_INPUT, "heads of 9 numbers cannot be rotated");
    expect(with_key("qwen2_plain", "layer_types", json_pack("[s]", "full_attention")), ERR_INPUT, "'layer_types' has 1 items");
    expect(with_key("llama_llama3", "rope_parameters",
                    json_pack("{s:s, s:f, s:f, s:f}", "rope_type", "llama3", "factor", 8.0, "low_freq_factor", 4.0,
                              "high_freq_factor", 4.0)),
           ERR_INPUT, "'high_freq_factor' 4 is not above");
}

static void what_is_not_had_is_named(void **state)
{
    (void)state;
    expect(with_key("llama_plain", "model_type", json_string("mamba")), ERR_UNSUPPORTED, "model_type 'mamba'");
    expect(with_key("llama_plain", "hidden_act", json_string("mish")), ERR_UNSUPPORTED, "'hidden_act' is 'mish'");
    expect(with_key("llama_plain", "rope_parameters", json_pack("{s:s, s:f}", "rope_type", "spiral", "factor", 2.0)),
           ERR_UNSUPPORTED, "rope type 'spiral'");
    expect(with_key("llama_plain", "partial_rotary_factor", json_real(0.5)), ERR_UNSUPPORTED, "'partial_rotary_factor' is 0.5");
    expect(with_key("gpt2_plain", "add_cross_attention", json_true()), ERR_UNSUPPORTED, "'add_cross_attention' is true");
    expect(with_key("qwen3_norms", "layer_types", json_pack("[s,s,s]", "full_attention", "linear_attention", "full_attention")),
           ERR_UNSUPPORTED, "layer type 'linear_attention'");
}

/* The first tensor of the golden's list whose name ends so. */
static json_t *tensor_of(json_t *g, const char *ending, size_t *at)
{
    json_t *list = json_object_get(g, "tensors");
    for (*at = 0; *at < json_array_size(list); ++*at) {
        json_t *t = json_array_get(list, *at);
        const char *name = json_string_value(json_object_get(t, "name"));
        if (strlen(name) >= strlen(ending) && strcmp(name + strlen(name) - strlen(ending), ending) == 0)
            return t;
    }
    fail_msg("no tensor ends in %s", ending);
    return NULL;
}

static void wrong_tensors_are_named(void **state)
{
    (void)state;
    size_t at;
    json_t *g = golden_model_load("llama_plain");
    tensor_of(g, "layers.1.self_attn.k_proj.weight", &at);
    json_array_remove(json_object_get(g, "tensors"), at);
    expect(open_changed(g), ERR_INPUT, "tensor 'model.layers.1.self_attn.k_proj.weight' is missing");

    g = golden_model_load("llama_plain");
    json_object_set_new(tensor_of(g, "layers.0.mlp.up_proj.weight", &at), "shape", json_pack("[i,i]", 48, 80));
    expect(open_changed(g), ERR_INPUT, "tensor 'model.layers.0.mlp.up_proj.weight' is [48, 80], expected [80, 48]");

    g = golden_model_load("llama_plain");
    json_object_set_new(tensor_of(g, "layers.0.input_layernorm.weight", &at), "shape", json_pack("[i]", 24));
    expect(open_changed(g), ERR_INPUT, "layers.0.input_layernorm.weight' is [24], expected [48]");

    /* a bias that the configuration does not announce would be left out */
    g = golden_model_load("llama_plain");
    json_array_append_new(json_object_get(g, "tensors"),
                          json_pack("{s:s, s:s, s:[i]}", "name", "model.layers.0.self_attn.q_proj.bias", "of", "x", "shape", 48));
    expect(open_changed(g), ERR_UNSUPPORTED, "'model.layers.0.self_attn.q_proj.bias' is not one that architecture 'llama' has");
    expect(with_key("llama_bias", "mlp_bias", json_false()), ERR_UNSUPPORTED, "_proj.bias' is not one");

    /* a buffer that old checkpoints carry is harmless */
    g = golden_model_load("llama_plain");
    json_array_append_new(json_object_get(g, "tensors"),
                          json_pack("{s:s, s:s, s:[i]}", "name", "model.layers.0.self_attn.rotary_emb.inv_freq", "of", "x",
                                    "shape", 4));
    expect(open_changed(g), ERR_NONE, "");
}

/* transformers keeps an output matrix that a tied model's file has and that differs from its embedding. */
static void a_second_output_matrix_counts_if_it_differs(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    for (int differs = 0; differs < 2; differs++) {
        struct model *m;
        json_t *g = golden_model_load("llama_gqa_tied");
        json_object_set_new(g, "shards", json_integer(1));
        json_array_append_new(json_object_get(g, "tensors"),
                              json_pack("{s:s, s:s, s:[i,i]}", "name", "lm_head.weight", "of",
                                        differs ? "another_embedding" : "model.embed_tokens.weight", "shape", 96, 48));
        assert_ok(model_open_weights(&m, golden_model_build(g, 0), &err));
        assert_int_equal(m->config.tied, !differs);
        assert_true((m->weights.output.data == m->weights.embed.data) == !differs);
        model_close(m);
        json_decref(g);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_values_are_named),
        cmocka_unit_test(what_is_not_had_is_named),
        cmocka_unit_test(wrong_tensors_are_named),
        cmocka_unit_test(a_second_output_matrix_counts_if_it_differs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
