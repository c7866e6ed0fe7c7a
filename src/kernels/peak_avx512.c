#include <immintrin.h>

#include "kernels/peak.h"

enum { CHAINS = 12 };

static unsigned read_bytes(const void *data, size_t bytes)
{
    const char *p = data;
    __m512i a = _mm512_setzero_si512(), b = a, c = a, d = a;
    for (size_t i = 0; i < bytes; i += 256) {
        _mm_prefetch(p + i + 1024, _MM_HINT_T1); /* past the end is harmless: a prefetch never faults */
        a = _mm512_add_epi32(a, _mm512_loadu_si512(p + i));
        b = _mm512_add_epi32(b, _mm512_loadu_si512(p + i + 64));
        c = _mm512_add_epi32(c, _mm512_loadu_si512(p + i + 128));
        d = _mm512_add_epi32(d, _mm512_loadu_si512(p + i + 192));
    }
    /* or, not add: gcc's reduction adds as signed, and the sum of whatever is there overflows */
    return (unsigned)_mm512_reduce_or_epi32(_mm512_add_epi32(_mm512_add_epi32(a, b), _mm512_add_epi32(c, d)));
}

static double f32(size_t turns, float *sink)
{
    __m512 chain[CHAINS], a = _mm512_set1_ps(sink[0]), b = _mm512_set1_ps(sink[1]);
    for (int i = 0; i < CHAINS; i++)
        chain[i] = _mm512_set1_ps(sink[i]);
    for (size_t t = 0; t < turns; t++)
#pragma GCC unroll 12
        for (int i = 0; i < CHAINS; i++)
            chain[i] = _mm512_fmadd_ps(chain[i], a, b);
    for (int i = 0; i < CHAINS; i++)
        sink[i] = _mm512_reduce_add_ps(chain[i]);
    return 2.0 * 16 * CHAINS;
}

static double bf16(size_t turns, float *sink)
{
    __m512 chain[CHAINS];
    __m512bh a = _mm512_cvtne2ps_pbh(_mm512_set1_ps(sink[0]), _mm512_set1_ps(sink[1]));
    for (int i = 0; i < CHAINS; i++)
        chain[i] = _mm512_set1_ps(sink[i]);
    for (size_t t = 0; t < turns; t++)
#pragma GCC unroll 12
        for (int i = 0; i < CHAINS; i++)
            chain[i] = _mm512_dpbf16_ps(chain[i], a, a);
    for (int i = 0; i < CHAINS; i++)
        sink[i] = _mm512_reduce_add_ps(chain[i]);
    return 4.0 * 16 * CHAINS;
}

static double int8(size_t turns, float *sink)
{
    __m512i chain[CHAINS], a = _mm512_set1_epi8((char)(sink[0] * 8));
    for (int i = 0; i < CHAINS; i++)
        chain[i] = _mm512_set1_epi32((int)(sink[i] * 1000));
    for (size_t t = 0; t < turns; t++)
#pragma GCC unroll 12
        for (int i = 0; i < CHAINS; i++)
            chain[i] = _mm512_dpbusd_epi32(chain[i], a, a);
    for (int i = 0; i < CHAINS; i++)
        sink[i] = (float)_mm512_reduce_add_epi32(chain[i]);
    return 8.0 * 16 * CHAINS;
}

const struct peak_row peak_avx512 = {.set = "avx512", .read = read_bytes, .f32 = f32, .bf16 = bf16, .int8 = int8};
