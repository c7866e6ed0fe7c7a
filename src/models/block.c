/* block.c - the pieces that layers are made of. They say what is computed from what; the numbers are the backend's. */
#include <math.h>
#include <string.h>

#include "models/arch.h"
#include "models/observe.h"

static size_t kv_width(const struct run *r)
{
    return (size_t)r->model->config.kv_heads * (size_t)r->model->config.head_dim;
}

/* y += outliers times the inputs that are theirs. */
static void add_outliers(struct run *r, float *y, const float *x, size_t n, const struct weight *w)
{
    const struct weight *o = w->outliers;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < o->k; j++)
            r->outlier_x[i * o->k + j] = x[i * w->k + (size_t)w->columns[j]];
    r->backend->matmul(r->state, r->outlier_y, r->outlier_x, n, o);
    r->backend->add(r->state, y, r->outlier_y, n * o->n);
}

void run_product(struct run *r, float *y, const float *x, size_t n, const struct weight *w)
{
    if (r->observer && r->observer->input)
        r->observer->input(r->observer->user, w->data, x, n, w->k);
    r->backend->matmul(r->state, y, x, n, w);
    if (w->outliers)
        add_outliers(r, y, x, n, w);
}

static void matmul(struct run *r, const char *name, float *y, const float *x, size_t n, const struct weight *w)
{
    double began = observe_begin(r->observer);
    run_product(r, y, x, n, w);
    observe_end(r->observer, name, r->layer, began);
}

void run_embed_tokens(struct run *r)
{
    const struct weights *w = &r->model->weights;
    double began = observe_begin(r->observer);
    float *to = w->project_in.data ? r->h : r->x;
    r->backend->gather(r->state, to, &w->embed, r->tokens, r->n);
    if (r->model->config.embed_scale > 0)
        run_scale(to, r->n * (size_t)r->model->config.embedding, r->model->config.embed_scale);
    observe_end(r->observer, "embed", r->layer, began);
    if (w->project_in.data)
        matmul(r, "project_in", r->x, r->h, r->n, &w->project_in);
}

void run_embed_positions(struct run *r)
{
    const struct model_config *c = &r->model->config;
    double began = observe_begin(r->observer);
    for (size_t i = 0; i < r->n; i++) {
        int32_t row = r->pos[i] + c->position_offset;
        r->backend->gather(r->state, r->h, &r->model->weights.positions, &row, 1);
        r->backend->add(r->state, r->x + i * (size_t)c->hidden, r->h, (size_t)c->hidden);
    }
    observe_end(r->observer, "positions", r->layer, began);
}

void run_norm(struct run *r, float *y, const float *x, const struct norm *w, size_t n, int width)
{
    const struct model_config *c = &r->model->config;
    double began = observe_begin(r->observer);
    if (c->layer_norm)
        r->backend->layer_norm(r->state, y, x, w->weight, w->bias, n, (size_t)width, c->norm_epsilon);
    else
        r->backend->rms_norm(r->state, y, x, w->weight, n, (size_t)width, c->norm_epsilon);
    observe_end(r->observer, "norm", r->layer, began);
}

void run_add(struct run *r)
{
    double began = observe_begin(r->observer);
    r->backend->add(r->state, r->x, r->h, r->n * (size_t)r->model->config.hidden);
    observe_end(r->observer, "add", r->layer, began);
}

void run_scale(float *x, size_t n, float by)
{
    for (size_t i = 0; i < n; i++)
        x[i] *= by;
}

void run_softcap(float *x, size_t n, float cap)
{
    for (size_t i = 0; i < n; i++)
        x[i] = (float)((double)cap * tanh((double)x[i] / (double)cap));
}

void run_copy(float *to, const float *from, size_t bytes)
{
    memcpy(to, from, bytes);
}

/* Where a layer's keys and values of a sequence lie. */
static struct kv_span span_of(const struct run *r, int32_t seq)
{
    char *base = r->kv + ((size_t)r->layer * (size_t)r->n_seqs + (size_t)seq) * 2 * r->kv_span;
    return (struct kv_span){.type = r->kv_type, .k = base, .v = base + r->kv_span, .stride = r->kv_stride};
}

static int window_of(const struct run *r)
{
    const struct model_config *c = &r->model->config;
    return c->windows ? c->windows[r->layer] : c->window;
}

/* What a row sees in this layer: the committed slots and its ancestors, in order of position, from the window's edge on. */
static void place_rows(struct run *r)
{
    int window = window_of(r);
    for (size_t i = 0; i < r->n; i++) {
        struct attention_row *row = &r->seen_window[i];
        *row = r->seen[i];
        row->kv = span_of(r, r->seqs[i]);
        int32_t first = window > 0 ? r->pos[i] - window + 1 : 0; /* the first position that is seen */
        if (first <= 0)
            continue;
        int32_t skip = first - row->to; /* of `more`, which begin with position `to` */
        row->from = first < row->to ? first : row->to;
        if (skip > 0 && row->n_more > 0) {
            row->more += skip;
            row->n_more -= skip;
        }
    }
}

void run_attention(struct run *r, const struct layer *l)
{
    const struct model_config *c = &r->model->config;
    const struct backend *b = r->backend;
    size_t n = r->n;
    matmul(r, "q", r->q, r->h, n, &l->q);
    matmul(r, "k", r->k, r->h, n, &l->k);
    matmul(r, "v", r->v, r->h, n, &l->v);
    if (c->qk_norm) {
        run_norm(r, r->q, r->q, &l->q_norm, n * (size_t)c->heads, c->head_dim);
        run_norm(r, r->k, r->k, &l->k_norm, n * (size_t)c->kv_heads, c->head_dim);
    }
    if (c->rope.dims > 0) {
        double began = observe_begin(r->observer);
        const float *angles = c->rope_local.dims > 0 && window_of(r) > 0 ? r->cos_sin_local : r->cos_sin;
        b->rope(r->state, r->q, angles, n, c->heads, c->head_dim, c->rope.dims / 2, c->rope.adjacent);
        b->rope(r->state, r->k, angles, n, c->kv_heads, c->head_dim, c->rope.dims / 2, c->rope.adjacent);
        observe_end(r->observer, "rope", r->layer, began);
    }
    double began = observe_begin(r->observer);
    place_rows(r);
    for (size_t i = 0; i < n; i++)
        b->store(r->state, &r->seen_window[i].kv, r->slots[i], r->k + i * kv_width(r), r->v + i * kv_width(r), kv_width(r));
    struct attention a = {
        .rows = r->seen_window, .n_rows = n, .q = r->q, .out = r->att, .heads = c->heads, .kv_heads = c->kv_heads,
        .head_dim = c->head_dim, .scale = c->attention_scale / (float)(c->scale_by_layer ? r->layer + 1 : 1),
        .softcap = c->softcap_attention,
    };
    b->attention(r->state, &a);
    observe_end(r->observer, "attention", r->layer, began);
    matmul(r, "attention_out", r->h, r->att, n, &l->o);
}

void run_mlp_gated(struct run *r, const struct layer *l)
{
    const struct model_config *c = &r->model->config;
    matmul(r, "gate", r->gate, r->h, r->n, &l->gate);
    matmul(r, "up", r->up, r->h, r->n, &l->up);
    double began = observe_begin(r->observer);
    r->backend->activate(r->state, c->activation, r->gate, r->gate, r->up, r->n * (size_t)c->intermediate);
    observe_end(r->observer, "activation", r->layer, began);
    matmul(r, "down", r->h, r->gate, r->n, &l->down);
}

void run_mlp_plain(struct run *r, const struct layer *l)
{
    const struct model_config *c = &r->model->config;
    matmul(r, "up", r->up, r->h, r->n, &l->up);
    double began = observe_begin(r->observer);
    r->backend->activate(r->state, c->activation, r->up, r->up, NULL, r->n * (size_t)c->intermediate);
    observe_end(r->observer, "activation", r->layer, began);
    matmul(r, "down", r->h, r->up, r->n, &l->down);
}

void layer_pre_norm_gated(struct run *r, const struct layer *l)
{
    int hidden = r->model->config.hidden;
    run_norm(r, r->h, r->x, &l->attention_norm, r->n, hidden);
    run_attention(r, l);
    run_add(r);
    run_norm(r, r->h, r->x, &l->mlp_norm, r->n, hidden);
    run_mlp_gated(r, l);
    run_add(r);
}

void layer_pre_norm_plain(struct run *r, const struct layer *l)
{
    int hidden = r->model->config.hidden;
    run_norm(r, r->h, r->x, &l->attention_norm, r->n, hidden);
    run_attention(r, l);
    run_add(r);
    run_norm(r, r->h, r->x, &l->mlp_norm, r->n, hidden);
    run_mlp_plain(r, l);
    run_add(r);
}

void layer_pre_norm_experts(struct run *r, const struct layer *l)
{
    int hidden = r->model->config.hidden;
    run_norm(r, r->h, r->x, &l->attention_norm, r->n, hidden);
    run_attention(r, l);
    run_add(r);
    run_norm(r, r->h, r->x, &l->mlp_norm, r->n, hidden);
    run_experts(r, l);
    run_add(r);
}

void head_final_norm(struct run *r, float *y, const float *x, size_t n)
{
    run_norm(r, y, x, &r->model->weights.final_norm, n, r->model->config.hidden);
}

bool wants_qkv_bias(const struct model_config *c)
{
    return c->qkv_bias;
}

bool wants_out_bias(const struct model_config *c)
{
    return c->out_bias;
}

bool wants_mlp_bias(const struct model_config *c)
{
    return c->mlp_bias;
}

bool wants_qk_norm(const struct model_config *c)
{
    return c->qk_norm;
}

bool wants_output(const struct model_config *c)
{
    return !c->tied;
}

struct weight weight_rows(const struct weight *w, size_t from, size_t n)
{
    struct weight part = *w;
    part.data = (const char *)w->data + from * w->stride;
    part.n = n;
    part.bias = w->bias ? w->bias + from : NULL;
    return part;
}

int split_qkv(struct model *m, struct err *err)
{
    const struct model_config *c = &m->config;
    size_t q = (size_t)c->heads * (size_t)c->head_dim, kv = (size_t)c->kv_heads * (size_t)c->head_dim;
    (void)err;
    for (int i = 0; i < c->layers; i++) {
        struct layer *l = &m->weights.layers[i];
        l->q = weight_rows(&l->qkv, 0, q);
        l->k = weight_rows(&l->qkv, q, kv);
        l->v = weight_rows(&l->qkv, q + kv, kv);
    }
    return 0;
}
