#include "transform/synth.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"
#include "formats/gguf_write.h"
#include "kernels/encode.h"
#include "transform/recipe.h"

static const struct synth_shape shapes[] = {
    {"llama-3.2-1b", "llama", 2048, 16, 32, 8, 64, 8192, 128256, 131072, 500000, 1e-5f, true},
    {"llama-3.2-3b", "llama", 3072, 28, 24, 8, 128, 8192, 128256, 131072, 500000, 1e-5f, true},
    {"llama-3.1-8b", "llama", 4096, 32, 32, 8, 128, 14336, 128256, 131072, 500000, 1e-5f, false},
    {"tinyllama", "llama", 2048, 22, 32, 4, 64, 5632, 32000, 2048, 10000, 1e-5f, false},
    {"qwen2.5-0.5b", "qwen2", 896, 24, 14, 2, 64, 4864, 151936, 32768, 1000000, 1e-6f, true},
    {"gpt2", "gpt2", 768, 12, 12, 12, 64, 3072, 50257, 1024, 0, 1e-5f, true},
};
enum { N_SHAPES = sizeof shapes / sizeof shapes[0] };

static const char *shape_name(const void *table, size_t i)
{
    return ((const struct synth_shape *)table)[i].name;
}

int synth_find(const struct synth_shape **out, const char *name, struct err *err)
{
    for (size_t i = 0; i < N_SHAPES; i++) {
        if (strcmp(shapes[i].name, name) == 0) {
            *out = &shapes[i];
            return 0;
        }
    }
    err_set(err, ERR_USAGE, "'%s' is not a shape that prony knows", name);
    const char *near = str_nearest(name, shapes, N_SHAPES, shape_name);
    return near ? err_hint(err, "did you mean '%s'?", near)
                : err_hint(err, "`prony model synth --help` lists the shapes; --dims makes any other");
}

const struct synth_shape *synth_shape_at(size_t i)
{
    return i < N_SHAPES ? &shapes[i] : NULL;
}

/* ---- dims ---------------------------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    size_t at;
    int64_t most;
} dims[] = {
    {"hidden", offsetof(struct synth_shape, hidden), 65536},
    {"layers", offsetof(struct synth_shape, layers), 1024},
    {"heads", offsetof(struct synth_shape, heads), 1024},
    {"kv_heads", offsetof(struct synth_shape, kv_heads), 1024},
    {"head_dim", offsetof(struct synth_shape, head_dim), 1024},
    {"ffn", offsetof(struct synth_shape, ffn), 262144},
    {"vocabulary", offsetof(struct synth_shape, vocabulary), 262144},
    {"context", offsetof(struct synth_shape, context), 1 << 20},
};
enum { N_DIMS = sizeof dims / sizeof dims[0] };

static const char *dim_name(const void *table, size_t i)
{
    (void)table;
    return dims[i].name;
}

static int parse_dim(struct synth_shape *shape, const char *item, struct err *err)
{
    const char *equals = strchr(item, '=');
    size_t len = equals ? (size_t)(equals - item) : strlen(item);
    for (size_t i = 0; equals && i < N_DIMS; i++) {
        if (strlen(dims[i].name) != len || strncmp(dims[i].name, item, len) != 0)
            continue;
        int64_t value;
        TRY(str_to_int(&value, equals + 1, 1, dims[i].most, dims[i].name, err));
        *(uint32_t *)((char *)shape + dims[i].at) = (uint32_t)value;
        return 0;
    }
    err_set(err, ERR_USAGE, "--dims: expected NAME=NUMBER, found '%s'", item);
    const char *near = str_nearest(item, dims, N_DIMS, dim_name);
    return near ? err_hint(err, "did you mean '%s=...'?", near)
                : err_hint(err, "names: hidden, layers, heads, kv_heads, head_dim, ffn, vocabulary, context");
}

int synth_parse_dims(struct synth_shape *shape, const char *text, struct err *err)
{
    char *copy = mem_strdup(text, err), *rest = NULL;
    if (!copy)
        return -1;
    uint32_t head_dim = shape->head_dim;
    shape->head_dim = 0;
    int rc = 0;
    for (char *item = strtok_r(copy, ",", &rest); item && rc == 0; item = strtok_r(NULL, ",", &rest))
        rc = parse_dim(shape, item, err);
    free(copy);
    if (rc < 0)
        return -1;
    if (shape->head_dim == 0)
        shape->head_dim = shape->hidden % shape->heads == 0 ? shape->hidden / shape->heads : head_dim;
    if (shape->heads % shape->kv_heads != 0)
        return err_set(err, ERR_USAGE, "--dims: %u heads do not share %u key-value heads evenly", shape->heads,
                       shape->kv_heads);
    if (shape->head_dim % 2 != 0)
        return err_set(err, ERR_USAGE, "--dims: head_dim is %u, expected an even number", shape->head_dim);
    if (shape->vocabulary < 512)
        return err_set(err, ERR_USAGE, "--dims: vocabulary is %u, expected at least 512", shape->vocabulary);
    return 0;
}

/* ---- the vocabulary ------------------------------------------------------------------------------------------------ */

/* GPT-2's printable stand-ins: bytes that are no visible character move to U+0100 and up, in order. */
static size_t byte_piece(int byte, char out[4])
{
    static const char visible[] = "!~\xA1\xAC\xAE\xFF"; /* first and last of each run of visible bytes */
    uint32_t moved = 256;
    for (int b = 0; b <= byte; b++) {
        bool shown = false;
        for (int r = 0; r < 6; r += 2)
            shown = shown || (b >= (unsigned char)visible[r] && b <= (unsigned char)visible[r + 1]);
        if (b == byte)
            return utf8_encode(shown ? (uint32_t)b : moved, out);
        moved += !shown;
    }
    return 0;
}

/* After the 256 bytes each entry is an earlier one and a letter, so each has a merge that makes it: all words over 32
 * letters, short ones first. The last two are the control tokens. */
static int put_vocabulary(struct gguf_writer *w, uint32_t n, struct err *err)
{
    static const char letters[32] = "etaoinshrdlucmfwypvbgkjqxz" "ETAOIN";
    int rc = -1;
    struct arena arena = ARENA_INIT(256u << 20);
    struct meta_string *tokens = mem_zalloc(n, sizeof *tokens, err);
    struct meta_string *merges = mem_zalloc(n, sizeof *merges, err);
    int32_t *types = mem_zalloc(n, sizeof *types, err);
    if (!tokens || !merges || !types)
        goto out;
    uint32_t n_words = n - 2;
    for (int b = 0; b < 256; b++) {
        char piece[4];
        size_t len = byte_piece(b, piece);
        tokens[b] = (struct meta_string){arena_strndup(&arena, piece, len, err), len};
        if (!tokens[b].data)
            goto out;
    }
    /* words of length L are those of length L - 1, each followed by each letter; single letters are bytes */
    uint32_t n_merges = 0, made = 256, first = 0, count = 32;
    while (made < n_words) {
        uint32_t begin = made;
        for (uint32_t p = 0; p < count && made < n_words; p++) {
            struct meta_string prefix = begin == 256 ? (struct meta_string){&letters[p], 1} : tokens[first + p];
            for (int l = 0; l < 32 && made < n_words; l++) {
                char *word = arena_printf(&arena, err, "%.*s%c", (int)prefix.len, prefix.data, letters[l]);
                char *merge = arena_printf(&arena, err, "%.*s %c", (int)prefix.len, prefix.data, letters[l]);
                if (!word || !merge)
                    goto out;
                tokens[made++] = (struct meta_string){word, prefix.len + 1};
                merges[n_merges++] = (struct meta_string){merge, prefix.len + 2};
            }
        }
        first = begin;
        count = made - begin;
    }
    tokens[n - 2] = (struct meta_string){"<|bos|>", 7};
    tokens[n - 1] = (struct meta_string){"<|eos|>", 7};
    for (uint32_t i = 0; i < n; i++)
        types[i] = i < n_words ? 1 : 3; /* normal, control */
    gguf_put_str(w, "tokenizer.ggml.model", "gpt2");
    gguf_put_str(w, "tokenizer.ggml.pre", "gpt-2");
    gguf_put_strings(w, "tokenizer.ggml.tokens", tokens, n);
    gguf_put_array(w, "tokenizer.ggml.token_type", META_I32, types, n);
    gguf_put_strings(w, "tokenizer.ggml.merges", merges, n_merges);
    gguf_put_u32(w, "tokenizer.ggml.bos_token_id", n - 2);
    gguf_put_u32(w, "tokenizer.ggml.eos_token_id", n - 1);
    rc = 0;
out:
    arena_release(&arena);
    free(tokens);
    free(merges);
    free(types);
    return rc;
}

/* ---- metadata and tensors ------------------------------------------------------------------------------------------ */

static void put_u32(struct gguf_writer *w, const char *architecture, const char *key, uint32_t value)
{
    char name[96];
    snprintf(name, sizeof name, "%s.%s", architecture, key);
    gguf_put_u32(w, name, value);
}

static void put_f32(struct gguf_writer *w, const char *architecture, const char *key, float value)
{
    char name[96];
    snprintf(name, sizeof name, "%s.%s", architecture, key);
    gguf_put_f32(w, name, value);
}

static void put_config(struct gguf_writer *w, const struct synth_shape *s, const struct recipe *r)
{
    const char *a = s->architecture;
    bool rotary = s->theta > 0;
    gguf_put_str(w, "general.architecture", a);
    gguf_put_str(w, "general.name", s->name);
    gguf_put_str(w, "general.description", "made-up weights: for speed, not for text");
    gguf_put_u32(w, "general.file_type", (uint32_t)recipe_file_type(r));
    gguf_put_u32(w, "general.quantization_version", 2);
    put_u32(w, a, "context_length", s->context);
    put_u32(w, a, "embedding_length", s->hidden);
    put_u32(w, a, "block_count", s->layers);
    put_u32(w, a, "feed_forward_length", s->ffn);
    put_u32(w, a, "attention.head_count", s->heads);
    put_u32(w, a, "vocab_size", s->vocabulary);
    if (rotary) {
        put_u32(w, a, "attention.head_count_kv", s->kv_heads);
        put_u32(w, a, "attention.key_length", s->head_dim);
        put_u32(w, a, "attention.value_length", s->head_dim);
        put_u32(w, a, "rope.dimension_count", s->head_dim);
        put_f32(w, a, "rope.freq_base", s->theta);
    }
    put_f32(w, a, rotary ? "attention.layer_norm_rms_epsilon" : "attention.layer_norm_epsilon", s->eps);
}

/* What a tensor's values are drawn from. */
enum values { AROUND_ONE, SMALL, WEIGHT, INTO_RESIDUAL, EMBEDDING };

struct synth {
    const struct synth_shape *shape;
    const struct recipe *recipe;
    struct recipe_model model;
    struct gguf_writer *writer;
    struct plan {
        struct tensor t;
        enum values values;
    } *plan;
    size_t n, cap;
    struct arena arena;
};

static int plan_tensor(struct synth *y, const char *name, uint64_t rows, uint64_t columns, enum values values,
                       struct err *err)
{
    TRY(mem_grow(&y->plan, &y->cap, y->n, sizeof *y->plan, err));
    struct tensor t = {.name = arena_strdup(&y->arena, name, err), .type = DTYPE_F32, .dims = {1, 1, 1, 1}};
    if (!t.name)
        return -1;
    t.n_dims = rows ? 2 : 1;
    t.dims[0] = rows ? rows : columns;
    if (rows)
        t.dims[1] = columns;
    if (rows)
        t.type = recipe_choose(y->recipe, &y->model, &t).type;
    y->plan[y->n++] = (struct plan){t, values};
    gguf_put_tensor(y->writer, t.name, t.type, t.n_dims, t.dims);
    return 0;
}

/* Rows of an architecture's layer: sizes as letters, so that a row reads as its shape.
 * h hidden, q heads x head_dim, k kv_heads x head_dim, f ffn, 3 q + 2 k; 0: one dimension. */
struct layer_row {
    const char *name;
    char rows, columns;
    enum values values;
};

static const struct layer_row llama_rows[] = {
    {"attn_norm.weight", 0, 'h', AROUND_ONE}, {"attn_q.weight", 'q', 'h', WEIGHT},
    {"attn_k.weight", 'k', 'h', WEIGHT},      {"attn_v.weight", 'k', 'h', WEIGHT},
    {"attn_output.weight", 'h', 'q', INTO_RESIDUAL}, {"ffn_norm.weight", 0, 'h', AROUND_ONE},
    {"ffn_gate.weight", 'f', 'h', WEIGHT},    {"ffn_up.weight", 'f', 'h', WEIGHT},
    {"ffn_down.weight", 'h', 'f', INTO_RESIDUAL}, {0},
};
static const struct layer_row qwen2_rows[] = {
    {"attn_norm.weight", 0, 'h', AROUND_ONE}, {"attn_q.weight", 'q', 'h', WEIGHT}, {"attn_q.bias", 0, 'q', SMALL},
    {"attn_k.weight", 'k', 'h', WEIGHT},      {"attn_k.bias", 0, 'k', SMALL},      {"attn_v.weight", 'k', 'h', WEIGHT},
    {"attn_v.bias", 0, 'k', SMALL},           {"attn_output.weight", 'h', 'q', INTO_RESIDUAL},
    {"ffn_norm.weight", 0, 'h', AROUND_ONE},  {"ffn_gate.weight", 'f', 'h', WEIGHT}, {"ffn_up.weight", 'f', 'h', WEIGHT},
    {"ffn_down.weight", 'h', 'f', INTO_RESIDUAL}, {0},
};
static const struct layer_row gpt2_rows[] = {
    {"attn_norm.weight", 0, 'h', AROUND_ONE}, {"attn_norm.bias", 0, 'h', SMALL}, {"attn_qkv.weight", '3', 'h', WEIGHT},
    {"attn_qkv.bias", 0, '3', SMALL},         {"attn_output.weight", 'h', 'q', INTO_RESIDUAL},
    {"attn_output.bias", 0, 'h', SMALL},      {"ffn_norm.weight", 0, 'h', AROUND_ONE}, {"ffn_norm.bias", 0, 'h', SMALL},
    {"ffn_up.weight", 'f', 'h', WEIGHT},      {"ffn_up.bias", 0, 'f', SMALL},
    {"ffn_down.weight", 'h', 'f', INTO_RESIDUAL}, {"ffn_down.bias", 0, 'h', SMALL}, {0},
};
static const struct {
    const char *architecture;
    const struct layer_row *rows;
} layouts[] = {{"llama", llama_rows}, {"qwen2", qwen2_rows}, {"gpt2", gpt2_rows}};

static uint64_t size_of(const struct synth_shape *s, char letter)
{
    uint64_t q = (uint64_t)s->heads * s->head_dim, k = (uint64_t)s->kv_heads * s->head_dim;
    return letter == 'h' ? s->hidden : letter == 'q' ? q : letter == 'k' ? k : letter == 'f' ? s->ffn : letter == '3' ? q + 2 * k : 0;
}

static int plan_model(struct synth *y, struct err *err)
{
    const struct synth_shape *s = y->shape;
    bool rotary = s->theta > 0;
    const struct layer_row *rows = NULL;
    for (size_t i = 0; i < sizeof layouts / sizeof layouts[0]; i++)
        if (strcmp(layouts[i].architecture, s->architecture) == 0)
            rows = layouts[i].rows;
    TRY(plan_tensor(y, "token_embd.weight", s->vocabulary, s->hidden, EMBEDDING, err));
    if (!rotary)
        TRY(plan_tensor(y, "position_embd.weight", s->context, s->hidden, SMALL, err));
    for (uint32_t layer = 0; layer < s->layers; layer++) {
        for (const struct layer_row *r = rows; r->name; r++) {
            char name[96];
            snprintf(name, sizeof name, "blk.%u.%s", layer, r->name);
            TRY(plan_tensor(y, name, size_of(s, r->rows), size_of(s, r->columns), r->values, err));
        }
    }
    TRY(plan_tensor(y, "output_norm.weight", 0, s->hidden, AROUND_ONE, err));
    if (!rotary)
        TRY(plan_tensor(y, "output_norm.bias", 0, s->hidden, SMALL, err));
    if (!s->tied)
        TRY(plan_tensor(y, "output.weight", s->vocabulary, s->hidden, EMBEDDING, err));
    return 0;
}

static double spread(const struct synth_shape *s, const struct plan *p)
{
    double columns = (double)p->t.dims[p->t.n_dims - 1];
    switch (p->values) {
    case AROUND_ONE:
        return 0.1;
    case SMALL:
        return 0.02;
    case WEIGHT:
        return 1 / sqrt(columns);
    case INTO_RESIDUAL:
        return 1 / sqrt(columns * 2 * s->layers); /* the stream must not grow with the depth */
    case EMBEDDING:
        return 1 / sqrt(columns);
    }
    return 0;
}

/* ---- writing ------------------------------------------------------------------------------------------------------- */

enum { POOL_BLOCKS = 2048, PIECE_BLOCKS = 4096 };

/* Blocks of one type and distribution, encoded once; a tensor is a random sequence of them. */
struct pool {
    enum dtype type;
    double mean, sd;
    size_t block_bytes;
    unsigned char *bytes;
};

/* A model has a dozen kinds of tensors at most: few types, few widths. */
struct pools {
    struct pool *all;
    size_t n, cap;
};

static const struct pool *pool_of(struct pools *pools, enum dtype type, double mean, double sd, struct rng *rng,
                                  struct err *err)
{
    for (size_t i = 0; i < pools->n; i++)
        if (pools->all[i].type == type && pools->all[i].mean == mean && pools->all[i].sd == sd)
            return &pools->all[i];
    if (mem_grow(&pools->all, &pools->cap, pools->n, sizeof *pools->all, err) < 0)
        return NULL;
    size_t values = dtype_block(type);
    size_t count = values < 32 ? 32 / values : 1; /* plain types: 32 values a block, as the smallest quantized one */
    struct pool p = {.type = type, .mean = mean, .sd = sd, .block_bytes = dtype_block_bytes(type) * count};
    float x[256];
    p.bytes = mem_alloc(POOL_BLOCKS, p.block_bytes, err);
    if (!p.bytes)
        return NULL;
    for (size_t b = 0; b < POOL_BLOCKS; b++) {
        for (size_t i = 0; i < values * count; i++)
            x[i] = (float)(mean + sd * rng_normal(rng));
        encode_row(type, x, NULL, p.bytes + b * p.block_bytes, values * count);
    }
    pools->all[pools->n] = p;
    return &pools->all[pools->n++];
}

static void pools_release(struct pools *pools)
{
    for (size_t i = 0; i < pools->n; i++)
        free(pools->all[i].bytes);
    free(pools->all);
}

static int write_tensor(struct gguf_writer *w, const struct pool *p, uint64_t bytes, struct rng *rng, unsigned char *piece,
                        struct err *err)
{
    while (bytes > 0) {
        size_t n = 0;
        for (; n < PIECE_BLOCKS && n * p->block_bytes < bytes; n++)
            memcpy(piece + n * p->block_bytes, p->bytes + rng_below(rng, POOL_BLOCKS) * p->block_bytes, p->block_bytes);
        uint64_t len = n * p->block_bytes;
        len = len < bytes ? len : bytes; /* a plain row need not be a multiple of 32 values */
        TRY(gguf_writer_data(w, piece, len, err));
        bytes -= len;
    }
    return 0;
}

int synth_write(const struct synth_shape *shape, const char *recipe_name_, uint64_t seed, const char *path,
                tick_fn tick, void *arg, struct err *err)
{
    struct gguf_writer w;
    struct pools pools = {0};
    struct rng rng;
    unsigned char *piece = NULL;
    struct synth y = {.shape = shape, .writer = &w, .arena = ARENA_INIT(16u << 20)};
    int rc = -1;
    rng_init(&rng, seed);
    gguf_writer_init(&w);
    if (recipe_find(&y.recipe, recipe_name_, err) < 0)
        goto out;
    y.model = (struct recipe_model){.layers = (int)shape->layers, .heads = (int)shape->heads,
                                    .kv_heads = (int)shape->kv_heads, .tied = shape->tied};
    put_config(&w, shape, y.recipe);
    if (put_vocabulary(&w, shape->vocabulary, err) < 0 || plan_model(&y, err) < 0 || gguf_writer_begin(&w, path, err) < 0)
        goto out;
    piece = mem_alloc(PIECE_BLOCKS, 256 * sizeof(float), err);
    if (!piece)
        goto out;
    uint64_t total = 0, done = 0;
    for (size_t i = 0; i < y.n; i++) {
        struct tensor *t = &y.plan[i].t;
        size_t row;
        if (dtype_row_bytes(&row, t->type, t->dims[t->n_dims - 1], err) < 0)
            goto out;
        t->bytes = row * (t->n_dims == 2 ? t->dims[0] : 1);
        total += t->bytes;
    }
    for (size_t i = 0; i < y.n; i++) {
        const struct plan *p = &y.plan[i];
        const struct pool *pool = pool_of(&pools, p->t.type, p->values == AROUND_ONE, spread(shape, p), &rng, err);
        if (!pool || write_tensor(&w, pool, p->t.bytes, &rng, piece, err) < 0)
            goto out;
        done += p->t.bytes;
        if (tick && tick(arg, done, total, err) < 0)
            goto out;
    }
    rc = gguf_writer_finish(&w, err);
out:
    gguf_writer_release(&w);
    arena_release(&y.arena);
    free(y.plan);
    pools_release(&pools);
    free(piece);
    return rc;
}
