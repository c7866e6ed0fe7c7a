/* llama.c - Llama 1, 2, 3 and what is built like it; also checkpoints of llama2.c. */
#include <stddef.h>

#include "models/arch.h"

#define L(f) offsetof(struct layer, f)
#define W(f) offsetof(struct weights, f)

const char *const llama_prefixes[] = {"model.", "", NULL};
const char *const llama_junk[] = {".rotary_emb.inv_freq", NULL};

const struct tensor_row llama_tensors[] = {
    {"embed_tokens.weight", "token_embd.weight", W(embed), SIZE_VOCABULARY, SIZE_HIDDEN, 0, NULL},
    {"norm.weight", "output_norm.weight", W(final_norm.weight), SIZE_HIDDEN, SIZE_NONE, TENSOR_VECTOR, NULL},
    {"lm_head.weight", "output.weight", W(output), SIZE_VOCABULARY, SIZE_HIDDEN, TENSOR_BARE, wants_output},
    {NULL, "rope_freqs.weight", W(rope_divisors), SIZE_ROPE_PAIRS, SIZE_NONE, TENSOR_VECTOR | TENSOR_OPTIONAL, NULL},
    {"layers.%d.input_layernorm.weight", "blk.%d.attn_norm.weight", L(attention_norm.weight), SIZE_HIDDEN, SIZE_NONE,
     TENSOR_LAYER | TENSOR_VECTOR, NULL},
    {"layers.%d.post_attention_layernorm.weight", "blk.%d.ffn_norm.weight", L(mlp_norm.weight), SIZE_HIDDEN, SIZE_NONE,
     TENSOR_LAYER | TENSOR_VECTOR, NULL},
    {"layers.%d.self_attn.q_proj.weight", "blk.%d.attn_q.weight", L(q), SIZE_Q, SIZE_HIDDEN,
     TENSOR_LAYER | TENSOR_ROTATED, NULL},
    {"layers.%d.self_attn.k_proj.weight", "blk.%d.attn_k.weight", L(k), SIZE_KV, SIZE_HIDDEN,
     TENSOR_LAYER | TENSOR_ROTATED, NULL},
    {"layers.%d.self_attn.v_proj.weight", "blk.%d.attn_v.weight", L(v), SIZE_KV, SIZE_HIDDEN, TENSOR_LAYER, NULL},
    {"layers.%d.self_attn.o_proj.weight", "blk.%d.attn_output.weight", L(o), SIZE_HIDDEN, SIZE_Q, TENSOR_LAYER, NULL},
    {"layers.%d.self_attn.q_proj.bias", "blk.%d.attn_q.bias", L(q.bias), SIZE_Q, SIZE_NONE,
     TENSOR_LAYER | TENSOR_VECTOR | TENSOR_ROTATED, wants_qkv_bias},
    {"layers.%d.self_attn.k_proj.bias", "blk.%d.attn_k.bias", L(k.bias), SIZE_KV, SIZE_NONE,
     TENSOR_LAYER | TENSOR_VECTOR | TENSOR_ROTATED, wants_qkv_bias},
    {"layers.%d.self_attn.v_proj.bias", "blk.%d.attn_v.bias", L(v.bias), SIZE_KV, SIZE_NONE, TENSOR_LAYER | TENSOR_VECTOR,
     wants_qkv_bias},
    {"layers.%d.self_attn.o_proj.bias", "blk.%d.attn_output.bias", L(o.bias), SIZE_HIDDEN, SIZE_NONE,
     TENSOR_LAYER | TENSOR_VECTOR, wants_out_bias},
    {"layers.%d.self_attn.q_norm.weight", "blk.%d.attn_q_norm.weight", L(q_norm.weight), SIZE_HEAD, SIZE_NONE,
     TENSOR_LAYER | TENSOR_VECTOR, wants_qk_norm},
    {"layers.%d.self_attn.k_norm.weight", "blk.%d.attn_k_norm.weight", L(k_norm.weight), SIZE_HEAD, SIZE_NONE,
     TENSOR_LAYER | TENSOR_VECTOR, wants_qk_norm},
    {0},
};

const struct tensor_row llama_mlp[] = {
    {"layers.%d.mlp.gate_proj.weight", "blk.%d.ffn_gate.weight", L(gate), SIZE_INTERMEDIATE, SIZE_HIDDEN, TENSOR_LAYER, NULL},
    {"layers.%d.mlp.up_proj.weight", "blk.%d.ffn_up.weight", L(up), SIZE_INTERMEDIATE, SIZE_HIDDEN, TENSOR_LAYER, NULL},
    {"layers.%d.mlp.down_proj.weight", "blk.%d.ffn_down.weight", L(down), SIZE_HIDDEN, SIZE_INTERMEDIATE, TENSOR_LAYER, NULL},
    {"layers.%d.mlp.gate_proj.bias", "blk.%d.ffn_gate.bias", L(gate.bias), SIZE_INTERMEDIATE, SIZE_NONE,
     TENSOR_LAYER | TENSOR_VECTOR, wants_mlp_bias},
    {"layers.%d.mlp.up_proj.bias", "blk.%d.ffn_up.bias", L(up.bias), SIZE_INTERMEDIATE, SIZE_NONE,
     TENSOR_LAYER | TENSOR_VECTOR, wants_mlp_bias},
    {"layers.%d.mlp.down_proj.bias", "blk.%d.ffn_down.bias", L(down.bias), SIZE_HIDDEN, SIZE_NONE,
     TENSOR_LAYER | TENSOR_VECTOR, wants_mlp_bias},
    {0},
};

static int read_hf(struct model_config *c, const struct model_file *f, struct arena *arena, struct err *err)
{
    (void)arena;
    TRY(hf_llama_sizes(c, f, err));
    TRY(hf_bool(&c->qkv_bias, f, "attention_bias", err));
    TRY(hf_bool(&c->mlp_bias, f, "mlp_bias", err));
    c->out_bias = c->qkv_bias;
    return 0;
}

/* llama.cpp's converter interleaves the rows of q and k, so that neighbouring numbers rotate together. It writes Mistral as
 * "llama" too, and leaves its window out: such a file sees everything, here and there. */
static int read_gguf(struct model_config *c, const struct model_file *f, struct arena *arena, struct err *err)
{
    (void)arena;
    TRY(gguf_llama_sizes(c, f, err));
    c->rope.adjacent = true;
    return 0;
}

static void write_hf(struct json_out *j, const struct model_config *c)
{
    hf_write_llama(j, c);
    hf_write_bool(j, "attention_bias", c->qkv_bias);
    hf_write_bool(j, "mlp_bias", c->mlp_bias);
}

const struct arch arch_llama = {
    .name = "llama",
    .hf_types = (const char *const[]){"llama", NULL},
    .gguf_names = (const char *const[]){"llama", NULL},
    .prefixes = llama_prefixes,
    .junk = llama_junk,
    .read_hf = read_hf,
    .read_gguf = read_gguf,
    .hf_class = "LlamaForCausalLM",
    .write_hf = write_hf,
    .gguf_written = "llama",
    .write_gguf = gguf_write_llama,
    .gguf_adjacent = true,
    .tensors = {llama_tensors, llama_mlp},
    .embed = run_embed_tokens,
    .layer = layer_pre_norm_gated,
    .head = head_final_norm,
};
