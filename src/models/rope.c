#include "models/rope.h"

#include <math.h>
#include <string.h>

struct rope_scaling {
    const char *name;
    /* MUST. Changes the plain frequencies [n]; returns the factor on cosines and sines. */
    float (*scale)(float *frequencies, int n, const struct rope_config *c, int length);
};

static void plain(float *out, int n, double theta)
{
    for (int i = 0; i < n; i++) {
        float exponent = (float)(2 * i) / (float)(2 * n);
        out[i] = 1.0f / (float)pow((double)(float)theta, (double)exponent);
    }
}

static float linear(float *frequencies, int n, const struct rope_config *c, int length)
{
    (void)length;
    for (int i = 0; i < n; i++)
        frequencies[i] /= (float)c->factor;
    return 1;
}

/* Changes nothing up to the trained context; beyond, theta grows with the length of the sequence ("NTK"). */
static float dynamic(float *frequencies, int n, const struct rope_config *c, int length)
{
    double dims = 2.0 * n, longest = length > c->original_context ? length : c->original_context;
    double stretch = c->factor * longest / c->original_context - (c->factor - 1);
    if (longest > c->original_context)
        plain(frequencies, n, c->theta * pow(stretch, dims / (dims - 2)));
    return 1;
}

/* Long waves are stretched by factor, short ones left, those between blended. */
static float llama3(float *frequencies, int n, const struct rope_config *c, int length)
{
    (void)length;
    double original = c->original_context;
    float longest = (float)(original / c->low_factor), shortest = (float)(original / c->high_factor);
    for (int i = 0; i < n; i++) {
        float wave = (float)(2 * M_PI) / frequencies[i];
        if (wave > longest) {
            frequencies[i] /= (float)c->factor;
        } else if (!(wave < shortest)) {
            float smooth = ((float)original / wave - (float)c->low_factor) / (float)(c->high_factor - c->low_factor);
            frequencies[i] = (1 - smooth) * frequencies[i] / (float)c->factor + smooth * frequencies[i];
        }
    }
    return 1;
}

/* The dimension that turns `turns` times over the trained context. */
static double yarn_dimension(double turns, const struct rope_config *c, int n)
{
    return 2.0 * n * log(c->original_context / (turns * 2 * M_PI)) / (2 * log(c->theta));
}

static double yarn_mscale(double factor, double mscale)
{
    return factor <= 1 ? 1 : 0.1 * mscale * log(factor) + 1;
}

/* Peng et al., "YaRN", https://arxiv.org/abs/2309.00071. */
static float yarn(float *frequencies, int n, const struct rope_config *c, int length)
{
    (void)length;
    double low = yarn_dimension(c->beta_fast, c, n), high = yarn_dimension(c->beta_slow, c, n);
    if (c->truncate) {
        low = floor(low);
        high = ceil(high);
    }
    low = fmax(low, 0);
    high = fmin(high, 2.0 * n - 1);
    if (low == high)
        high += 0.001;
    for (int i = 0; i < n; i++) {
        float ramp = ((float)i - (float)low) / (float)(high - low);
        float kept = 1 - fminf(fmaxf(ramp, 0), 1), stretched = frequencies[i] / (float)c->factor;
        frequencies[i] = stretched * (1 - kept) + frequencies[i] * kept;
    }
    if (c->attention_factor > 0)
        return (float)c->attention_factor;
    if (c->mscale > 0 && c->mscale_all > 0)
        return (float)(yarn_mscale(c->factor, c->mscale) / yarn_mscale(c->factor, c->mscale_all));
    return (float)yarn_mscale(c->factor, 1);
}

/* Ding et al., "LongRoPE", https://arxiv.org/abs/2402.13753: a table for sequences within the trained context, one beyond. */
static float longrope(float *frequencies, int n, const struct rope_config *c, int length)
{
    const float *divisors = length > c->original_context ? c->long_divisors : c->short_divisors;
    for (int i = 0; i < n; i++) {
        float exponent = (float)(2 * i) / (float)(2 * n);
        frequencies[i] = 1.0f / (divisors[i] * (float)pow((double)(float)c->theta, (double)exponent));
    }
    if (c->attention_factor > 0)
        return (float)c->attention_factor;
    return c->factor <= 1 ? 1 : (float)sqrt(1 + log(c->factor) / log(c->original_context));
}

static const struct rope_scaling scalings[] = {
    {"linear", linear}, {"dynamic", dynamic}, {"llama3", llama3}, {"yarn", yarn}, {"longrope", longrope},
};

const struct rope_scaling *rope_scaling_find(const char *name)
{
    for (size_t i = 0; i < sizeof scalings / sizeof scalings[0]; i++)
        if (strcmp(scalings[i].name, name) == 0)
            return &scalings[i];
    return NULL;
}

const char *rope_scaling_names(void)
{
    return "default, linear, dynamic, llama3, yarn, longrope";
}

const char *rope_scaling_name(const struct rope_scaling *s)
{
    return s->name;
}

bool rope_depends_on_length(const struct rope_config *c)
{
    return c->scaling && (c->scaling->scale == dynamic || c->scaling->scale == longrope);
}

float rope_frequencies(float *out, const struct rope_config *c, int length, const float *divisors)
{
    int n = c->dims / 2;
    plain(out, n, c->theta);
    float factor = c->scaling ? c->scaling->scale(out, n, c, length) : 1;
    for (int i = 0; divisors && i < n; i++)
        out[i] /= divisors[i];
    return factor;
}

void rope_angles(float *out, const float *frequencies, int n_pairs, int32_t pos, float factor)
{
    for (int i = 0; i < n_pairs; i++) {
        float angle = (float)pos * frequencies[i];
        out[2 * i] = (float)cos((double)angle) * factor;
        out[2 * i + 1] = (float)sin((double)angle) * factor;
    }
}
