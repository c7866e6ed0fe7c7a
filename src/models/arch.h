/* arch.h - what an architecture is, and what its rows are written with. Private to models/, its tests and transform/'s
 * converter, which writes what the rows read.
 *
 * To add one: a file NAME.c with `const struct arch arch_NAME`, and the line ARCH(NAME) in list.h. The row says by what
 * names files call it, how its configuration is read from config.json and from GGUF, which tensors it has, and how a layer
 * computes; nothing elsewhere asks which architecture it is. Pieces that several share are below (block.c, config.c).
 */
#ifndef MODELS_ARCH_H
#define MODELS_ARCH_H

#include "base/arena.h"
#include "base/json_out.h"
#include "formats/gguf_write.h"
#include "models/backend.h"
#include "models/model.h"
#include "models/rope.h"

enum { EOS_MAX = 16 };

struct model_config {
    int vocabulary, context, layers, hidden, heads, kv_heads, head_dim, intermediate;
    int embedding;       /* width of the token embeddings: `hidden`, or less with projections in and out (OPT) */
    int positions;       /* rows of the table of learned positions; 0: none */
    int position_offset; /* position p has row p + offset */
    float norm_epsilon;
    bool layer_norm;  /* mean and variance; else root mean square */
    bool norm_after;  /* the norm follows the residual addition */
    bool final_norm;
    bool norm_weights; /* norms have weights (and biases, with layer_norm) */
    bool qkv_bias, out_bias, mlp_bias, qk_norm, tied;
    bool parallel;       /* attention and MLP see the same residual */
    float embed_scale;   /* of token embeddings; 0: none */
    float softcap_attention, softcap_output; /* c: x becomes c*tanh(x/c); 0: none */
    int experts, experts_used, expert_intermediate; /* experts 0: one MLP */
    bool experts_normed; /* the weights of the chosen experts are made to add up to 1 */
    bool scale_by_layer; /* attention scores also divided by layer + 1 */
    float attention_scale;
    enum activation activation;
    int window;   /* a row sees itself and window - 1 before it; 0: all */
    int *windows; /* [layers] or NULL: all layers as `window` */
    struct rope_config rope; /* dims 0: none */
    struct rope_config rope_local; /* of layers with a window; dims 0: they have the same */
    bool rotary_by_layers;   /* rope_local is read too */
    double rotary_fraction;  /* of a head that is rotated unless the file says otherwise; 0: whole heads only */
    int32_t eos[EOS_MAX];
    int n_eos;
};

struct norm {
    const float *weight, *bias; /* NULL: 1 and 0 */
};

struct expert {
    struct weight gate, up, down;
};

struct layer {
    struct norm attention_norm, mlp_norm, q_norm, k_norm;
    struct norm attention_post, mlp_post; /* of what a block gives, before it is added */
    struct weight qkv, gate_up; /* where a file has several in one: split by the row's `finish` */
    struct weight q, k, v, o, gate, up, down;
    struct weight router;
    struct expert *experts;
};

struct weights {
    struct weight embed, positions, project_in, project_out, output;
    struct norm final_norm;
    const float *rope_divisors; /* [rope.dims / 2] */
    const float *rope_long, *rope_short; /* the same of longrope, in a GGUF */
    struct layer *layers;
};

/* Sizes that a tensor's shape is written with. */
enum size_of {
    SIZE_NONE, SIZE_VOCABULARY, SIZE_HIDDEN, SIZE_EMBEDDING, SIZE_Q, SIZE_KV, SIZE_QKV, SIZE_INTERMEDIATE,
    SIZE_HEAD, SIZE_POSITIONS, SIZE_ROPE_PAIRS, SIZE_GATE_UP, SIZE_EXPERTS, SIZE_EXPERT_INTERMEDIATE,
};

enum tensor_flags {
    TENSOR_LAYER = 1,      /* one a layer: names hold %d, the field is in struct layer; else in struct weights */
    TENSOR_VECTOR = 2,     /* the field is a const float *; else a struct weight */
    TENSOR_TRANSPOSED = 4, /* transformers stores [k, n] (Conv1D) */
    TENSOR_BARE = 8,       /* its name has no prefix ("lm_head.weight") */
    TENSOR_OPTIONAL = 16,
    TENSOR_ROTATED = 32,   /* its rows are those of q or k heads: in the order in which rope pairs them */
    TENSOR_BY_HEAD = 64,   /* transformers stores q, k and v of one head after the other */
    TENSOR_ONE_LESS = 128, /* transformers stores what is to be added to one */
    TENSOR_EXPERT = 256,   /* one an expert and layer, the field is in struct expert; a GGUF has all in one of three dimensions */
};

struct tensor_row {
    const char *hf, *gguf; /* NULL: not in that format */
    size_t field;
    enum size_of n, k; /* a vector has only n */
    unsigned flags;
    bool (*wanted)(const struct model_config *c); /* MAY: NULL: always */
};

struct model {
    const struct arch *arch;
    struct model_config config;
    struct weights weights;
    struct model_file *file;
    struct tokenizer *tokenizer;
    struct err tokenizer_err; /* why there is none */
    struct model_facts facts;
    char quantization[64];
    const char *prefix; /* before the file's tensor names */
    uint64_t replaced_bytes;            /* of the file's that are not used any more (rewrite.c) */
    size_t most_outliers, most_outputs; /* of any matrix that has outliers */
    /* What bitsandbytes packed, as kernels/ knows it; the file's tensors that belonged to it; its name or NULL. */
    struct tensor *unpacked;
    const struct tensor **companions;
    size_t n_unpacked, cap_unpacked, n_companions, cap_companions;
    const char *packed;
    struct arena arena;
    bool is_gguf;
};

/* One pass over some rows. What the pieces of a layer work on. */
struct run {
    const struct model *model;
    const struct backend *backend;
    void *state;
    size_t n;               /* rows */
    const int32_t *tokens;  /* [n] */
    const int32_t *pos;     /* [n] */
    const int32_t *seqs;    /* [n] */
    const int32_t *slots;   /* [n] where a row's keys and values go */
    const float *cos_sin;   /* [n][rope.dims / 2][2] */
    struct attention_row *seen;  /* [n] without a window, for the first layer's spans */
    struct attention_row *seen_window; /* [n] scratch: with the layer's window and spans */
    const int32_t *committed;    /* [n] length of the row's sequence before this call */
    char *kv;                    /* all keys and values */
    size_t kv_stride, kv_span;   /* bytes of a slot; of all slots of one layer and sequence, keys or values */
    enum dtype kv_type;
    int n_seqs;
    float *x;               /* [n][hidden] the residual stream */
    float *h;               /* [n][max(hidden, embedding)] what a norm gave, then what a block adds */
    float *q, *k, *v, *att; /* [n][heads or kv_heads * head_dim] */
    const float *cos_sin_local;
    float *gate, *up;       /* [n][intermediate] */
    float *kept, *picked, *down; /* [n][hidden] for parallel blocks and experts */
    float *routed;          /* [n][experts] */
    int32_t *choice;        /* [n][experts_used] */
    float *outlier_x, *outlier_y; /* [n][most_outliers], [n][most_outputs] */
    int layer;              /* the one at work; -1 before and after */
    const struct session_observer *observer;
};

/* Keys below the architecture's name. */
struct gguf_out {
    struct gguf_writer *writer;
    const char *architecture;
};

struct arch {
    const char *name;
    const char *const *hf_types;   /* config.json's model_type; NULL ends */
    const char *const *gguf_names; /* general.architecture; NULL ends */
    const char *const *prefixes;   /* before tensor names in Hugging Face checkpoints; NULL ends */
    const char *const *junk;       /* endings of tensors that mean nothing (buffers of old checkpoints); NULL ends */
    /* MUST. Fill the config; it comes zeroed but for context, eos (config.c). */
    int (*read_hf)(struct model_config *c, const struct model_file *f, struct arena *arena, struct err *err);
    /* MAY: NULL where no GGUF of it exists. */
    int (*read_gguf)(struct model_config *c, const struct model_file *f, struct arena *arena, struct err *err);
    /* MAY: NULL where nothing is written. The members of config.json but those of all (config_write.c): transformers' class,
     * and what read_hf reads. */
    const char *hf_class;
    void (*write_hf)(struct json_out *j, const struct model_config *c);
    /* MAY: the metadata under which read_gguf finds the config; gguf_written: under which architecture's name. */
    const char *gguf_written;
    void (*write_gguf)(const struct gguf_out *o, const struct model_config *c);
    bool gguf_adjacent; /* in a GGUF neighbouring numbers rotate together */
    enum activation gguf_activation; /* the only one that a GGUF can mean */
    bool gguf_windows;  /* and it has windows */
    const char *(*unwritten)(const struct model_config *c); /* MAY: what else of this config a GGUF has no word for, or NULL */
    bool (*gguf_mine)(const struct model_file *f); /* MAY: which of several with one name in GGUF */
    const struct tensor_row *tensors[2]; /* each ended by a row without names; the second may be NULL */
    int (*finish)(struct model *m, struct err *err); /* MAY: after binding */
    /* MUST. x from tokens; x through layer r->layer; y [n][hidden] = the final norm of x. */
    void (*embed)(struct run *r);
    void (*layer)(struct run *r, const struct layer *l);
    void (*head)(struct run *r, float *y, const float *x, size_t n);
};

#define ARCH(name) extern const struct arch arch_##name;
#include "models/list.h"
#undef ARCH
extern const struct arch *const architectures[]; /* ended by NULL */

/* ---- config.c: readers. 1 found, 0 absent (or null), -1 and err that names file and key. ------------------------- */
int hf_int(int *out, const struct model_file *f, const char *key, int lo, int hi, struct err *err);
int hf_float(double *out, const struct model_file *f, const char *key, double lo, double hi, struct err *err);
int hf_bool(bool *out, const struct model_file *f, const char *key, struct err *err);
int hf_string(const char **out, const struct model_file *f, const char *key, struct err *err);
int hf_activation(enum activation *out, const struct model_file *f, const char *key, struct err *err);
int hf_rope(struct model_config *c, const struct model_file *f, struct err *err);
/* c->rope of layers that see everything, c->rope_local of those with a window. */
int hf_rope_by_layers(struct model_config *c, const struct model_file *f, struct err *err);
/* Over what is in *r from the parameters in `p`, which may be NULL. */
int hf_rope_from(struct rope_config *r, const struct model_config *c, const json_t *p, const struct model_file *f, struct err *err);
/* -1 unless the flag is absent or false. */
int hf_refuse(const struct model_file *f, const char *key, struct err *err);
/* 0 or -1: the key must be there. */
int hf_need(int *out, const struct model_file *f, const char *key, int lo, int hi, struct err *err);
/* `key` stands below the architecture's name: "block_count" is "llama.block_count". */
int gguf_int(int *out, const struct model_file *f, const char *key, int lo, int hi, struct err *err);
int gguf_float(double *out, const struct model_file *f, const char *key, double lo, double hi, struct err *err);
int gguf_bool(bool *out, const struct model_file *f, const char *key, struct err *err);
int gguf_need(int *out, const struct model_file *f, const char *key, int lo, int hi, struct err *err);
/* The object with the rope parameters; of one kind of layers where they differ ("sliding_attention"), else NULL gives all. */
const json_t *hf_rope_object(const struct model_file *f, const char *layers);
/* Windows by "layer_types"; without it `slides` says which have c->window. */
int hf_layer_windows(struct model_config *c, const struct model_file *f, bool (*slides)(int layer, int pattern), int pattern,
                     struct arena *arena, struct err *err);
/* Numbers of an array [n] in the object: 1, 0, -1. */
int hf_floats(const float **out, const json_t *object, const struct model_file *f, const char *key, int n, struct arena *arena,
              struct err *err);
int gguf_rope(struct model_config *c, const struct model_file *f, struct err *err);
bool gguf_has(const struct model_file *f, const char *tensor);
/* The keys that all GGUF decoders share: sizes, heads, context, vocabulary, head_dim. */
int gguf_sizes(struct model_config *c, const struct model_file *f, struct err *err);
/* What a Llama's config.json has: the decoders that descend from it begin with these. */
int hf_llama_sizes(struct model_config *c, const struct model_file *f, struct err *err);
/* Qwen's windows: "layer_types" where it is written, else from "max_window_layers" on, if "use_sliding_window". */
int hf_upper_windows(struct model_config *c, const struct model_file *f, struct arena *arena, struct err *err);
/* A GGUF of such a decoder without what only some have. */
int gguf_llama_sizes(struct model_config *c, const struct model_file *f, struct err *err);
int config_read(struct model_config *c, const struct arch **arch, const struct model_file *f, struct arena *arena,
                struct err *err);
/* What must hold of any config; messages name the file. */
int config_check(struct model_config *c, const struct model_file *f, struct err *err);

enum { LAYERS_MAX = 4096, WIDTH_MAX = 1 << 20, HEADS_MAX = 1 << 14, VOCABULARY_MAX = 1 << 24, CONTEXT_MAX = 1 << 28,
       EXPERTS_MAX = 1 << 12 };

/* ---- config_write.c: the same names, written ---------------------------------------------------------------------- */
void out_u32(const struct gguf_out *o, const char *key, int v);
void out_f32(const struct gguf_out *o, const char *key, double v);
void out_str(const struct gguf_out *o, const char *key, const char *v);
void out_bool(const struct gguf_out *o, const char *key, bool v);
/* Sizes, norm and rope of any decoder; of Llama's descendants also key/value heads and the size of heads. */
void gguf_write_sizes(const struct gguf_out *o, const struct model_config *c);
void gguf_write_llama(const struct gguf_out *o, const struct model_config *c);
void hf_write_int(struct json_out *j, const char *key, int64_t v);
void hf_write_float(struct json_out *j, const char *key, double v);
void hf_write_bool(struct json_out *j, const char *key, bool v);
void hf_write_text(struct json_out *j, const char *key, const char *v);
void hf_write_activation(struct json_out *j, const char *key, enum activation f);
/* What hf_llama_sizes reads; what hf_rope reads, in the form of transformers 4, which 5 reads as well. */
void hf_write_llama(struct json_out *j, const struct model_config *c);
void hf_write_rope(struct json_out *j, const struct model_config *c);
/* A float32 as the shortest decimal that reads back as it: 1e-05, not 9.99999974737875e-06. */
double shortest_f32(float v);

/* ---- bitsandbytes.c ---------------------------------------------------------------------------------------------- */
int unpack_bitsandbytes(struct model *m, struct err *err);
/* The file's tensor, or what it was unpacked to. */
const struct tensor *model_tensor(const struct model *m, const char *name);

/* ---- bind.c ------------------------------------------------------------------------------------------------------ */
int bind_weights(struct model *m, struct err *err);
/* The name that the row's tensor of a layer has in a file of the kind; false: it has none. */
bool tensor_row_name(char out[256], const struct tensor_row *row, const char *prefix, bool is_gguf, int layer, int expert);

/* ---- block.c: pieces of layers ----------------------------------------------------------------------------------- */
/* y [n][w->n] = x [n][w->k] times w, without the clock of an observer. */
void run_product(struct run *r, float *y, const float *x, size_t n, const struct weight *w);
void run_embed_tokens(struct run *r);
void run_embed_positions(struct run *r);
void run_norm(struct run *r, float *y, const float *x, const struct norm *w, size_t n, int width);
/* h = attention of h. */
void run_attention(struct run *r, const struct layer *l);
/* h = down(f(gate(h)) * up(h)), and h = down(f(up(h))). */
void run_mlp_gated(struct run *r, const struct layer *l);
void run_mlp_plain(struct run *r, const struct layer *l);
void run_add(struct run *r); /* x += h */
void run_scale(float *x, size_t n, float by);
void run_softcap(float *x, size_t n, float cap);
/* moe.c: h = the chosen experts of h, weighted. */
void run_experts(struct run *r, const struct layer *l);
void run_copy(float *to, const float *from, size_t bytes);
/* x += attention(norm(x)); x += mlp(norm(x)). */
void layer_pre_norm_gated(struct run *r, const struct layer *l);
void layer_pre_norm_plain(struct run *r, const struct layer *l);
/* x += attention(norm(x)); x += experts(norm(x)). */
void layer_pre_norm_experts(struct run *r, const struct layer *l);
void head_final_norm(struct run *r, float *y, const float *x, size_t n);

bool wants_qkv_bias(const struct model_config *c);
bool wants_out_bias(const struct model_config *c);
bool wants_mlp_bias(const struct model_config *c);
bool wants_qk_norm(const struct model_config *c);
bool wants_output(const struct model_config *c);
/* Rows [from, from + n) of a matrix, with their biases. */
struct weight weight_rows(const struct weight *w, size_t from, size_t n);
/* q, k and v of every layer from its qkv. */
int split_qkv(struct model *m, struct err *err);
/* Tensors of Llama and its descendants: all but the MLP, and that. */
extern const struct tensor_row llama_tensors[], llama_mlp[];
extern const char *const llama_prefixes[], *const llama_junk[];

#endif
