#include "cli/sampling_options.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

static int read_bias(struct logit_bias *out, const char *item, struct err *err)
{
    const char *colon = strchr(item, ':');
    char id[24];
    int64_t number;
    if (!colon || (size_t)(colon - item) >= sizeof id)
        return err_set(err, ERR_USAGE, "--logit-bias '%s', expected ID:BIAS such as 13:-2.5", item);
    memcpy(id, item, (size_t)(colon - item));
    id[colon - item] = '\0';
    TRY(str_to_int(&number, id, 0, INT32_MAX, "--logit-bias", err));
    out->id = (int32_t)number;
    return str_to_double(&out->bias, colon + 1, -1e6, 1e6, "--logit-bias", err);
}

int sampling_read(struct sampling *out, struct logit_bias **bias, const struct invocation *in, struct err *err)
{
    size_t n = opt_count(in, "logit-bias");
    *bias = mem_alloc(n, sizeof **bias, err);
    if (!*bias)
        return -1;
    for (size_t i = 0; i < n; i++)
        TRY(read_bias(&(*bias)[i], opt_item(in, "logit-bias", i), err));
    *out = (struct sampling){
        .temperature = opt_double(in, "temperature"), .top_k = (int)opt_int(in, "top-k"), .top_p = opt_double(in, "top-p"),
        .min_p = opt_double(in, "min-p"), .typical = opt_double(in, "typical"),
        .repetition_penalty = opt_double(in, "repetition-penalty"), .presence_penalty = opt_double(in, "presence-penalty"),
        .frequency_penalty = opt_double(in, "frequency-penalty"), .bias = *bias, .n_bias = n, .seed = in->seed,
    };
    return 0;
}

int stops_read(const char ***out, size_t *n, const struct invocation *in, struct err *err)
{
    *n = opt_count(in, "stop");
    *out = mem_alloc(*n, sizeof **out, err);
    if (!*out)
        return -1;
    for (size_t i = 0; i < *n; i++)
        (*out)[i] = opt_item(in, "stop", i);
    return 0;
}
