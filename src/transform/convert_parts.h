/* convert_parts.h - the pieces of a conversion, for convert*.c only. */
#ifndef TRANSFORM_CONVERT_PARTS_H
#define TRANSFORM_CONVERT_PARTS_H

#include "formats/gguf_write.h"
#include "formats/safetensors_write.h"
#include "models/arch.h"
#include "transform/convert.h"

/* One tensor to write. Its rows are those of `parts` one after the other, each row of `columns` values. */
struct planned {
    const char *name;
    enum dtype type;
    int n_dims;
    uint64_t dims[4];
    const struct tensor **parts; /* NULL: `values` */
    size_t n_parts;
    uint64_t first, rows, columns; /* in each part: rows [first, first + rows) */
    const float *values;
    bool turned;          /* the parts are [columns][rows] */
    int heads;            /* 0: rows stay in order; else those of each of so many heads are paired anew */
    bool to_adjacent;     /* halves to neighbours; else back */
    int by_head, by_kind; /* heads whose q, k and v lie one head after the other here, and are to lie kind by kind; or back */
    float add;            /* to every value */
};

struct plan {
    struct planned *tensors;
    size_t n, cap;
    struct arena arena;
};

struct conversion {
    struct model *model;
    struct model_config config; /* the model's, with what the other format says otherwise */
    bool to_gguf;
    enum dtype type; /* of matrices */
    struct plan plan;
    const struct convert_options *options;
    struct convert_report *report;
};

/* convert_plan.c */
int plan_tensors(struct conversion *c, struct err *err);
/* What gives a tensor its bytes, in any pieces, to `add`. */
struct sink {
    int (*add)(void *to, const void *bytes, size_t n, struct err *err);
    void *to;
};
int write_planned(const struct conversion *c, const struct planned *p, const struct sink *sink, struct err *err);
/* convert.c */
int write_all_planned(struct conversion *c, const struct sink *sink, struct err *err);

/* convert_gguf.c, convert_folder.c */
int write_gguf(struct conversion *c, const char *path, struct err *err);
int write_folder(struct conversion *c, const char *path, struct err *err);

/* llama3_rope.c: the divisors of frequencies that a GGUF has for Llama 3's scaling, and the parameters behind them. */
void llama3_divisors(float *out, const struct rope_config *r);
int llama3_recover(struct rope_config *r, const float *divisors, const char *path, struct err *err);

#endif
