#include "formats/meta_llama.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

enum { PARAMS_MAX_BYTES = 1 << 20 };

static const struct {
    const char *meta, *hf; /* a layer's begin behind "layers.N." */
} names[] = {
    {"attention.wq.weight", "self_attn.q_proj.weight"},      {"attention.wk.weight", "self_attn.k_proj.weight"},
    {"attention.wv.weight", "self_attn.v_proj.weight"},      {"attention.wo.weight", "self_attn.o_proj.weight"},
    {"feed_forward.w1.weight", "mlp.gate_proj.weight"},      {"feed_forward.w2.weight", "mlp.down_proj.weight"},
    {"feed_forward.w3.weight", "mlp.up_proj.weight"},        {"attention_norm.weight", "input_layernorm.weight"},
    {"ffn_norm.weight", "post_attention_layernorm.weight"},  {"tok_embeddings.weight", "model.embed_tokens.weight"},
    {"norm.weight", "model.norm.weight"},                    {"output.weight", "lm_head.weight"},
};

static struct tensor *find(const struct model_file *f, const char *name)
{
    for (size_t i = 0; i < f->n_tensors; i++)
        if (strcmp(f->tensors[i].name, name) == 0)
            return &f->tensors[i];
    return NULL;
}

static int rename_tensor(struct model_file *f, struct tensor *t, struct err *err)
{
    size_t layer = str_starts(t->name, "layers.") ? strspn(t->name + 7, "0123456789") : 0;
    const char *rest = layer > 0 && t->name[7 + layer] == '.' ? t->name + 8 + layer : t->name;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(names[i].meta, rest) != 0)
            continue;
        t->name = rest == t->name ? names[i].hf
                                  : arena_printf(&f->arena, err, "model.layers.%.*s.%s", (int)layer, t->name + 7, names[i].hf);
        return t->name ? 0 : -1;
    }
    return 0; /* binding names what it does not know */
}

/* rope.freqs and its like are tables that everyone computes. */
static void drop_tables(struct model_file *f)
{
    size_t n = 0;
    for (size_t i = 0; i < f->n_tensors; i++)
        if (!str_starts(f->tensors[i].name, "rope.") && !str_starts(f->tensors[i].name, "freqs_"))
            f->tensors[n++] = f->tensors[i];
    f->n_tensors = n;
}

/* ---- parameters from either place -------------------------------------------------------------------------------- */

struct params {
    const json_t *json;
    const struct pickle_value *args;
};

/* A number, or `otherwise` where there is none (or -1, Meta's word for it). */
static double number(const struct params *p, const char *key, double otherwise)
{
    const json_t *v = json_object_get(p->json, key);
    const struct pickle_value *a = p->args ? pickle_get(p->args, key) : NULL;
    double found = json_is_number(v) ? json_number_value(v) : a && a->kind == PICKLE_INT ? (double)a->i
                   : a && a->kind == PICKLE_FLOAT ? a->f : -1;
    return found >= 0 && found < 1e15 ? found : otherwise;
}

static int make_config(struct model_file *f, const struct params *p, struct err *err)
{
    const struct tensor *embed = find(f, "model.embed_tokens.weight"), *gate = find(f, "model.layers.0.mlp.gate_proj.weight");
    double heads = number(p, "n_heads", 0);
    if (!gate || gate->n_dims != 2 || embed->n_dims != 2 || heads < 1 || number(p, "n_layers", 0) < 1)
        return err_set(err, ERR_INPUT, "'%s': Llama's tensors with Meta's names, but 'n_layers', 'n_heads' or a matrix is missing",
                       f->path);
    /* Meta's files do not say how long a context they were trained for */
    bool stretched = json_is_true(json_object_get(p->json, "use_scaled_rope"));
    double context = number(p, "max_seq_len", stretched ? 131072 : embed->dims[0] > 100000 ? 8192 : 4096);
    f->config = json_pack("{s:[s], s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:b, s:b, s:b, s:b}", "architectures",
                          "LlamaForCausalLM", "model_type", "llama", "hidden_act", "silu", "vocab_size",
                          (json_int_t)embed->dims[0], "hidden_size", (json_int_t)embed->dims[1], "intermediate_size",
                          (json_int_t)gate->dims[0], "num_hidden_layers", (json_int_t)number(p, "n_layers", 0),
                          "num_attention_heads", (json_int_t)heads, "num_key_value_heads", (json_int_t)number(p, "n_kv_heads", heads),
                          "max_position_embeddings", (json_int_t)context, "rms_norm_eps", number(p, "norm_eps", 1e-5), "rope_theta",
                          number(p, "rope_theta", 10000), "rope_interleave", 1, "tie_word_embeddings",
                          find(f, "lm_head.weight") == NULL, "attention_bias", 0, "mlp_bias", 0);
    if (f->config && stretched &&
        json_object_set_new(f->config, "rope_scaling",
                            json_pack("{s:s, s:f, s:f, s:f, s:i}", "rope_type", "llama3", "factor",
                                      number(p, "rope_scaling_factor", 8), "low_freq_factor", 1.0, "high_freq_factor", 4.0,
                                      "original_max_position_embeddings", 8192)) < 0) {
        json_decref(f->config);
        f->config = NULL;
    }
    return f->config ? 0 : err_set(err, ERR_MEMORY, "'%s': out of memory", f->path);
}

int meta_llama_adopt(struct model_file *f, const struct pickle_value *root, struct err *err)
{
    struct params p = {.args = pickle_get(root, "model_args")};
    json_t *read = NULL;
    if (f->config || !find(f, "tok_embeddings.weight"))
        return 0;
    char *path = f->dir[0] ? path_join(f->dir, "params.json", err) : NULL;
    if (f->dir[0] && !path)
        return -1;
    int rc = 0;
    if (path && file_exists(path)) {
        p.json = read = read_json_object(path, PARAMS_MAX_BYTES, err);
        rc = read ? 0 : -1;
    } else if (!p.args) {
        rc = err_set(err, ERR_MISSING, "'%s': Llama with Meta's names, but there is no params.json beside it", f->path);
        err_hint(err, "it belongs to consolidated.00.pth: copy it into the same folder");
    }
    drop_tables(f);
    for (size_t i = 0; rc == 0 && i < f->n_tensors; i++)
        rc = rename_tensor(f, &f->tensors[i], err);
    if (rc == 0)
        rc = make_config(f, &p, err);
    json_decref(read);
    free(path);
    return rc;
}
