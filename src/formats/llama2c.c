/* Checkpoints of llama2.c (https://github.com/karpathy/llama2.c, export.py): seven int32 and bare float32 weights.
 *
 *   legacy     dim, hidden_dim, n_layers, n_heads, n_kv_heads, vocab_size, seq_len; a negative vocab_size says that the
 *              classifier is not the embedding; after the weights two tables of RoPE cosines and sines, which are left
 *              out here: models/ computes them.
 *   version 1  "ak42" magic, version, the same seven numbers, one byte "shared classifier", padded to 256 bytes; the norms
 *              come first.
 * Version 2 (int8 groups) is refused by name.
 *
 * Tensors get the names and shapes that transformers gives a Llama, and a config.json equivalent to the header is made
 * up; llama2.c rotates neighbouring pairs, which "rope_interleave" says.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "formats/table.h"

enum {
    MAGIC = 0x616b3432, /* "ak42" as a little-endian number */
    LEGACY_HEADER = 7 * 4,
    V1_HEADER = 256,
    DIM_MAX = 1 << 20,
    LAYERS_MAX = 1 << 12,
};

struct header {
    int32_t dim, hidden_dim, n_layers, n_heads, n_kv_heads, vocab_size, seq_len;
};

static bool plausible(const struct header *h)
{
    return h->dim > 0 && h->dim <= DIM_MAX && h->hidden_dim > 0 && h->hidden_dim <= DIM_MAX && h->n_layers > 0 &&
           h->n_layers <= LAYERS_MAX && h->n_heads > 0 && h->n_heads <= h->dim && h->dim % h->n_heads == 0 &&
           h->dim / h->n_heads % 2 == 0 && h->n_kv_heads > 0 && h->n_heads % h->n_kv_heads == 0 &&
           h->vocab_size != 0 && h->vocab_size > -(1 << 28) && h->vocab_size < 1 << 28 && h->seq_len > 0 &&
           h->seq_len < 1 << 28;
}

static uint64_t magnitude(int32_t v)
{
    return (uint64_t)(v < 0 ? -(int64_t)v : v);
}

/* Bytes that a legacy file of this header has. The bounds of plausible() keep all products below 2^63. */
static uint64_t legacy_bytes(const struct header *h)
{
    uint64_t d = (uint64_t)h->dim, hidden = (uint64_t)h->hidden_dim, v = magnitude(h->vocab_size);
    uint64_t head = d / (uint64_t)h->n_heads, kv = head * (uint64_t)h->n_kv_heads;
    uint64_t layer = 2 * d + 2 * d * d + 2 * d * kv + 3 * d * hidden;
    uint64_t values = v * d * (h->vocab_size < 0 ? 2 : 1) + (uint64_t)h->n_layers * layer + d + head * (uint64_t)h->seq_len;
    return LEGACY_HEADER + 4 * values;
}

/* Takes the next weights of the file as one tensor, or as one a layer. */
struct taker {
    struct model_file *f;
    const struct file_map *m;
    size_t at;
    struct err *err;
};

static int take_one(struct taker *t, const char *name, uint64_t rows, uint64_t columns)
{
    struct tensor *x = table_add_tensor(t->f, t->err);
    if (!x)
        return -1;
    x->name = name;
    x->type = DTYPE_F32;
    x->n_dims = rows ? 2 : 1;
    x->dims[0] = rows ? rows : columns;
    x->dims[1] = rows ? columns : 1;
    TRY(tensor_set_bytes(x, t->m->path, t->err));
    if (x->bytes > t->m->size - t->at) {
        err_set(t->err, ERR_INPUT, "'%s': offset %zu: tensor '%s' of %zu bytes exceeds the file's %zu", t->m->path, t->at, name,
                x->bytes, t->m->size);
        return err_hint(t->err, "the download may be incomplete: compare its size with the source's");
    }
    x->data = t->m->data + t->at;
    t->at += x->bytes;
    return 0;
}

/* rows 0: a vector. */
static int take_layers(struct taker *t, int32_t n_layers, const char *name, uint64_t rows, uint64_t columns)
{
    for (int32_t i = 0; i < n_layers; i++) {
        const char *full = arena_printf(&t->f->arena, t->err, "model.layers.%d.%s.weight", i, name);
        if (!full)
            return -1;
        TRY(take_one(t, full, rows, columns));
    }
    return 0;
}

static int make_config(struct model_file *f, const struct header *h, bool shared, struct err *err)
{
    f->config = json_pack(
        "{s:[s], s:s, s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:I, s:i, s:f, s:f, s:b, s:i, s:[i,i], s:b, s:b, s:b}",
        "architectures", "LlamaForCausalLM", "model_type", "llama", "hidden_act", "silu", "hidden_size", (int)h->dim,
        "intermediate_size", (int)h->hidden_dim, "num_hidden_layers", (int)h->n_layers, "num_attention_heads",
        (int)h->n_heads, "num_key_value_heads", (int)h->n_kv_heads, "head_dim", (int)(h->dim / h->n_heads), "vocab_size",
        (json_int_t)magnitude(h->vocab_size), "max_position_embeddings", (int)h->seq_len, "rms_norm_eps", 1e-5,
        "rope_theta", 10000.0, "rope_interleave", 1, "bos_token_id", 1,
        /* its sampler ends a story at the next BOS, SentencePiece's EOS is 2 */
        "eos_token_id", 2, 1, "tie_word_embeddings", (int)shared, "attention_bias", 0, "mlp_bias", 0);
    if (!f->config)
        return err_set(err, ERR_MEMORY, "'%s': out of memory", f->path);
    return 0;
}

static int llama2c_read(struct model_file *f, struct err *err)
{
    struct taker t = {.f = f, .m = &f->sources[0].map, .at = LEGACY_HEADER, .err = err};
    const struct file_map *m = t.m;
    struct header h;
    uint32_t magic, version = 0;
    if (m->size < LEGACY_HEADER)
        return err_set(err, ERR_INPUT, "'%s': %zu bytes are too few for a llama2.c header", f->path, m->size);
    memcpy(&magic, m->data, sizeof magic);
    memcpy(&h, m->data, sizeof h);
    bool shared = h.vocab_size > 0;
    if (magic == MAGIC) {
        memcpy(&version, m->data + 4, sizeof version);
        if (version != 1)
            return err_set(err, ERR_UNSUPPORTED, "'%s' is llama2.c version %" PRIu32 "; prony reads the legacy layout and 1",
                           f->path, version);
        if (m->size < V1_HEADER)
            return err_set(err, ERR_INPUT, "'%s': %zu bytes are too few for a llama2.c header", f->path, m->size);
        memcpy(&h, m->data + 8, sizeof h);
        shared = m->data[8 + sizeof h] != 0;
        t.at = V1_HEADER;
    }
    if (!plausible(&h) || (version == 1 && h.vocab_size < 0))
        return err_set(err, ERR_INPUT,
                       "'%s': the header makes no sense: dim %d, hidden %d, layers %d, heads %d, kv heads %d, vocabulary %d, "
                       "context %d", f->path, h.dim, h.hidden_dim, h.n_layers, h.n_heads, h.n_kv_heads, h.vocab_size, h.seq_len);
    uint64_t d = (uint64_t)h.dim, hidden = (uint64_t)h.hidden_dim, vocabulary = magnitude(h.vocab_size);
    uint64_t head = d / (uint64_t)h.n_heads, kv = head * (uint64_t)h.n_kv_heads;
    int32_t n = h.n_layers;
    if (version == 1) {
        TRY(take_layers(&t, n, "input_layernorm", 0, d));
        TRY(take_layers(&t, n, "post_attention_layernorm", 0, d));
        TRY(take_one(&t, "model.norm.weight", 0, d));
        TRY(take_one(&t, "model.embed_tokens.weight", vocabulary, d));
    } else {
        TRY(take_one(&t, "model.embed_tokens.weight", vocabulary, d));
        TRY(take_layers(&t, n, "input_layernorm", 0, d));
    }
    TRY(take_layers(&t, n, "self_attn.q_proj", d, d));
    TRY(take_layers(&t, n, "self_attn.k_proj", kv, d));
    TRY(take_layers(&t, n, "self_attn.v_proj", kv, d));
    TRY(take_layers(&t, n, "self_attn.o_proj", d, d));
    if (version != 1)
        TRY(take_layers(&t, n, "post_attention_layernorm", 0, d));
    TRY(take_layers(&t, n, "mlp.gate_proj", hidden, d));
    TRY(take_layers(&t, n, "mlp.down_proj", d, hidden));
    TRY(take_layers(&t, n, "mlp.up_proj", hidden, d));
    if (version != 1) {
        TRY(take_one(&t, "model.norm.weight", 0, d));
        uint64_t tables = 4 * head * (uint64_t)h.seq_len; /* head/2 cosines and as many sines a position */
        if (tables > m->size - t.at)
            return err_set(err, ERR_INPUT, "'%s': offset %zu: the RoPE tables of %" PRIu64 " bytes exceed the file's %zu",
                           f->path, t.at, tables, m->size);
        t.at += tables;
    }
    if (!shared)
        TRY(take_one(&t, "lm_head.weight", vocabulary, d));
    if (t.at != m->size)
        return err_set(err, ERR_INPUT, "'%s': %zu bytes after the last weight", f->path, m->size - t.at);
    return make_config(f, &h, shared, err);
}

/* A legacy file has no magic: it is one if its size is exactly what its header asks for. */
static int llama2c_probe(const uint8_t *data, size_t size, const char *path)
{
    struct header h;
    uint32_t magic;
    if (size < sizeof h)
        return 0;
    memcpy(&magic, data, sizeof magic);
    if (magic == MAGIC)
        return 2;
    memcpy(&h, data, sizeof h);
    if (!plausible(&h))
        return 0;
    return legacy_bytes(&h) == size ? 2 : str_ends(path, ".bin") ? 1 : 0;
}

const struct format format_llama2c = {
    .name = "llama2c",
    .what = "llama2.c checkpoints, legacy and version 1",
    .probe = llama2c_probe,
    .read = llama2c_read,
};
