#include "transform/low_bit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/decode.h"

void int8_encode_row(const float *x, size_t n, const bool *left_out, uint8_t *out)
{
    float most = 0;
    for (size_t i = 0; i < n; i++)
        if (!(left_out && left_out[i]) && fabsf(x[i]) > most)
            most = fabsf(x[i]);
    float scale = most / 127.0f, inverse = most > 0 ? 127.0f / most : 0;
    for (size_t b = 0; b < n / INT8_BLOCK; b++) {
        uint8_t *block = out + b * INT8_BYTES;
        memcpy(block, &scale, sizeof scale);
        for (size_t i = 0; i < INT8_BLOCK; i++) {
            size_t at = b * INT8_BLOCK + i;
            block[4 + i] = left_out && left_out[at] ? 0 : (uint8_t)(int8_t)rintf(x[at] * inverse);
        }
    }
}

float nf4_magnitude(const float x[NF4_BLOCK])
{
    float most = 0;
    for (int i = 0; i < NF4_BLOCK; i++)
        most = fabsf(x[i]) > most ? fabsf(x[i]) : most;
    return most;
}

/* The index of the nearest of n rising values. */
static int nearest(const float *values, int n, float x)
{
    int lo = 0, hi = n - 1;
    while (hi - lo > 1) {
        int middle = (lo + hi) / 2;
        if (values[middle] <= x)
            lo = middle;
        else
            hi = middle;
    }
    return x - values[lo] > values[hi] - x ? hi : lo;
}

enum { DYNAMIC = 256, NESTED = 256 };

static int rising(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Dettmers 2016, "8-bit approximations for parallelism in deep learning": seven powers of ten, each with twice as many
 * equal steps of its fraction as the one below, both signs, and 0 and 1. */
static void dynamic_values(float values[DYNAMIC])
{
    int n = 0;
    for (int e = 0; e < 7; e++) {
        int steps = 1 << e;
        for (int i = 0; i < steps; i++) {
            float low = (float)(0.1 + 0.9 * i / steps), high = (float)(0.1 + 0.9 * (i + 1) / steps);
            float value = (float)(pow(10, e - 6) * (double)((low + high) / 2));
            values[n++] = value;
            values[n++] = -value;
        }
    }
    values[n++] = 0;
    values[n++] = 1;
    qsort(values, (size_t)n, sizeof *values, rising);
}

void nf4_double_quantize(float *magnitudes, size_t n)
{
    float values[DYNAMIC];
    double sum = 0;
    dynamic_values(values);
    for (size_t i = 0; i < n; i++)
        sum += (double)magnitudes[i];
    float mean = n ? (float)(sum / (double)n) : 0;
    for (size_t from = 0; from < n; from += NESTED) {
        size_t to = from + NESTED < n ? from + NESTED : n;
        float most = 0;
        for (size_t i = from; i < to; i++) {
            magnitudes[i] -= mean;
            most = fabsf(magnitudes[i]) > most ? fabsf(magnitudes[i]) : most;
        }
        for (size_t i = from; i < to; i++)
            magnitudes[i] = (most > 0 ? values[nearest(values, DYNAMIC, magnitudes[i] / most)] * most : 0) + mean;
    }
}

void nf4_encode_block(const float x[NF4_BLOCK], float stored, uint8_t out[NF4_BYTES])
{
    float most = nf4_magnitude(x);
    memcpy(out, &stored, sizeof stored);
    for (int i = 0; i < NF4_BLOCK; i += 2) {
        int high = nearest(nf4_values, 16, most > 0 ? x[i] / most : 0);
        int low = nearest(nf4_values, 16, most > 0 ? x[i + 1] / most : 0);
        out[4 + i / 2] = (uint8_t)(high << 4 | low);
    }
}
