#include "cli/native_switches.h"

#include <stdio.h>

#include "base/str.h"
#include "engines/native_options.h"
#include "transform/load_quantize.h"

static int quantize(struct model *m, const char *type, const struct invocation *in, struct err *err)
{
    struct load_report r;
    TRY(load_quantize(m, type, in->threads, &r, err));
    if (in->verbose)
        fprintf(stderr, "prony: %d matrices as %s, %d as in the file\n", r.quantized, type, r.kept);
    if (in->verbose && r.outlier_columns > 0)
        fprintf(stderr, "prony: %llu columns of outliers in float16\n", (unsigned long long)r.outlier_columns);
    if (r.fallen_back > 0 && !in->quiet)
        fprintf(stderr, "prony: the rows of %d matri%s do not divide into the blocks of %s: another type, or as in the file\n",
                r.fallen_back, r.fallen_back == 1 ? "x" : "ces", type);
    return 0;
}

int native_switches_apply(struct session_options *out, struct model *m, const struct invocation *in, struct err *err)
{
    static const char *const words[] = {"math", "kv", "quantize"};
    struct native_options o;
    json_t *json = json_object();
    for (size_t i = 0; json && i < sizeof words / sizeof words[0]; i++)
        if (opt_string(in, words[i]))
            json_object_set_new(json, words[i], json_string(opt_string(in, words[i])));
    if (!json)
        return err_set(err, ERR_MEMORY, "out of memory");
    int rc = native_options_read(&o, json, err);
    if (rc == 0 && o.quantize)
        rc = quantize(m, o.quantize, in, err);
    if (rc == 0) {
        out->variant = opt_string(in, "variant");
        out->threads = in->threads;
        out->bf16 = str_eq(o.math, "bf16");
        out->row_invariant = opt_flag(in, "row-invariant");
        out->kv = NULL;
        if (o.kv) { /* by its own name, which outlives the JSON */
            enum dtype t;
            rc = dtype_from_name(&t, o.kv, err);
            out->kv = rc == 0 ? dtype_name(t) : NULL;
        }
    }
    json_decref(json);
    return rc;
}
