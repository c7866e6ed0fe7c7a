#include <immintrin.h>

#include "kernels/peak.h"

static float sum(__m256 v)
{
    float lanes[8], total = 0;
    _mm256_storeu_ps(lanes, v);
    for (int i = 0; i < 8; i++)
        total += lanes[i];
    return total;
}

static unsigned read_bytes(const void *data, size_t bytes)
{
    const char *p = data;
    __m256i a = _mm256_setzero_si256(), b = a, c = a, d = a;
    for (size_t i = 0; i < bytes; i += 128) {
        _mm_prefetch(p + i + 1024, _MM_HINT_T1); /* past the end is harmless: a prefetch never faults */
        a = _mm256_add_epi32(a, _mm256_loadu_si256((const __m256i *)(p + i)));
        b = _mm256_add_epi32(b, _mm256_loadu_si256((const __m256i *)(p + i + 32)));
        c = _mm256_add_epi32(c, _mm256_loadu_si256((const __m256i *)(p + i + 64)));
        d = _mm256_add_epi32(d, _mm256_loadu_si256((const __m256i *)(p + i + 96)));
    }
    a = _mm256_add_epi32(_mm256_add_epi32(a, b), _mm256_add_epi32(c, d));
    return (unsigned)_mm256_extract_epi32(a, 0) ^ (unsigned)_mm256_extract_epi32(a, 5);
}

static double f32(size_t turns, float *sink)
{
    __m256 a = _mm256_set1_ps(sink[0]), b = _mm256_set1_ps(sink[1]);
    PEAK_CHAIN(__m256, turns, sink, _mm256_set1_ps, _mm256_fmadd_ps(x, a, b), sum);
    return 2.0 * 8 * PEAK_CHAINS;
}

static __m256i thousandfold(float v)
{
    return _mm256_set1_epi32((int)(v * 1000));
}

static int fourth(__m256i v)
{
    return _mm256_extract_epi32(v, 3);
}

/* Pairs of 16 bits: the fastest integer product that AVX2 has and that cannot saturate. */
static double int8(size_t turns, float *sink)
{
    __m256i a = _mm256_set1_epi16((short)(sink[0] * 8));
    PEAK_CHAIN(__m256i, turns, sink, thousandfold, _mm256_add_epi32(x, _mm256_madd_epi16(x, a)), fourth);
    return 4.0 * 8 * PEAK_CHAINS;
}

const struct peak_row peak_avx2 = {.set = "avx2", .read = read_bytes, .f32 = f32, .int8 = int8};
