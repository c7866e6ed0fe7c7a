#include "cli/own_model.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/data_path.h"
#include "base/defaults.h"
#include "formats/resolve.h"

static int open_default(struct model **out, const struct invocation *in, struct err *err)
{
    char *repo = NULL, *file = NULL;
    int missing = model_missing(&repo, &file, DEFAULT_MODEL, err);
    free(repo);
    free(file);
    TRY(missing);
    if (!missing) {
        if (!in->quiet)
            fprintf(stderr, "prony: no MODEL given: %s\n", DEFAULT_MODEL);
        return model_open(out, DEFAULT_MODEL, err);
    }
    char *teacher = data_path("models/teacher", err);
    if (!teacher)
        return -1;
    if (!in->quiet)
        fprintf(stderr, "prony: no MODEL given, and %s is not here (`prony model pull %s` fetches it): this is the built-in "
                "teacher, fluent and wrong\n", DEFAULT_MODEL, DEFAULT_MODEL);
    int rc = model_open(out, teacher, err);
    free(teacher);
    return rc;
}

int own_model_open(struct model **out, const struct invocation *in, struct err *err)
{
    return in->n_args > 0 ? model_open(out, in->args[0], err) : open_default(out, in, err);
}

void own_model_describe(const struct invocation *in, const struct model *m, const struct session *s)
{
    struct model_facts f;
    struct session_memory b;
    if (!in->verbose && !in->debug)
        return;
    model_facts(m, &f);
    fprintf(stderr, "prony: native:%s, %s, %s\n", session_variant(s), model_architecture(m),
            model_file_path(model_source(m)));
    if (!in->debug)
        return;
    session_memory(s, &b);
    fprintf(stderr, "prony: %llu parameters in %s, %d layers of %d, %d heads, %d key/value heads of %d, vocabulary %d\n",
            (unsigned long long)f.parameters, f.quantization, f.layers, f.hidden, f.heads, f.kv_heads, f.head_dim,
            f.vocabulary);
    fprintf(stderr, "prony: context %d of %d, %.1f MB of weights, %.1f MB of KV cache, %.1f MB of scratch\n",
            session_context(s), f.context, (double)b.weights / (1 << 20), (double)b.kv / (1 << 20),
            (double)b.scratch / (1 << 20));
}
