#include <immintrin.h>

#include "kernels/peak.h"

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
    __m512 a = _mm512_set1_ps(sink[0]), b = _mm512_set1_ps(sink[1]);
    PEAK_CHAIN(__m512, turns, sink, _mm512_set1_ps, _mm512_fmadd_ps(x, a, b), _mm512_reduce_add_ps);
    return 2.0 * 16 * PEAK_CHAINS;
}

static double bf16(size_t turns, float *sink)
{
    __m512bh a = _mm512_cvtne2ps_pbh(_mm512_set1_ps(sink[0]), _mm512_set1_ps(sink[1]));
    PEAK_CHAIN(__m512, turns, sink, _mm512_set1_ps, _mm512_dpbf16_ps(x, a, a), _mm512_reduce_add_ps);
    return 4.0 * 16 * PEAK_CHAINS;
}

static __m512i thousandfold(float v)
{
    return _mm512_set1_epi32((int)(v * 1000));
}

static double int8(size_t turns, float *sink)
{
    __m512i a = _mm512_set1_epi8((char)(sink[0] * 8));
    PEAK_CHAIN(__m512i, turns, sink, thousandfold, _mm512_dpbusd_epi32(x, a, a), _mm512_reduce_add_epi32);
    return 8.0 * 16 * PEAK_CHAINS;
}

const struct peak_row peak_avx512 = {.set = "avx512", .read = read_bytes, .f32 = f32, .bf16 = bf16, .int8 = int8};
