/* llama3_rope.c - Llama 3's stretched frequencies, which config.json has as parameters and GGUF as a table of divisors. */
#include <math.h>

#include "transform/convert_parts.h"

void llama3_divisors(float *out, const struct rope_config *r)
{
    float original = (float)r->original_context, low = (float)r->low_factor, high = (float)r->high_factor;
    float factor = (float)r->factor;
    for (int i = 0; i < r->dims / 2; i++) { /* in float32 throughout, as the converter of llama.cpp */
        float wave = (float)(2 * M_PI) / (1 / powf((float)r->theta, (float)(2 * i) / (float)r->dims));
        float smooth = (original / wave - low) / (high - low);
        out[i] = wave < original / high ? 1 : wave > original / low ? factor : 1 / ((1 - smooth) / factor + smooth);
    }
}

static bool explains(const struct rope_config *r, const float *divisors)
{
    enum { MOST = 4096 };
    float made[MOST];
    if (r->dims / 2 > MOST)
        return false;
    llama3_divisors(made, r);
    for (int i = 0; i < r->dims / 2; i++)
        if (!(fabsf(made[i] - divisors[i]) <= 1e-4f * divisors[i]))
            return false;
    return true;
}

/* All models so far have low 1 and high 4; the factor is the largest divisor, the trained context a power of two. */
int llama3_recover(struct rope_config *r, const float *divisors, const char *path, struct err *err)
{
    r->scaling = rope_scaling_find("llama3");
    r->low_factor = 1;
    r->high_factor = 4;
    r->factor = 1;
    for (int i = 0; i < r->dims / 2; i++)
        r->factor = (double)divisors[i] > r->factor ? (double)divisors[i] : r->factor;
    for (r->original_context = 32; r->original_context <= 1 << 22; r->original_context *= 2)
        if (explains(r, divisors))
            return 0;
    return err_set(err, ERR_UNSUPPORTED, "'%s': its rope_freqs.weight is not Llama 3's stretching with factors 1 and 4, for which "
                   "config.json has no words", path);
}
