/* sets.c - the tables of all instruction sets, and the question whether this processor has them. Not in files of the sets
 * themselves: those are compiled with the instructions that are being asked for. */
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "kernels/sets.h"

#define PRODUCT(isa) \
    .product_plan = product_plan_##isa, .product_pack = product_pack_##isa, .product_chunk = product_chunk_##isa
/* All but gelu_erf, for which the plain one serves every set. */
#define SMALL(isa)                                                                                               \
    .rms_norm = rms_norm_##isa, .layer_norm = layer_norm_##isa, .add = add_##isa, .silu_mul = silu_mul_##isa,         \
    .gelu_tanh_mul = gelu_tanh_mul_##isa, .gelu_quick_mul = gelu_quick_mul_##isa, .relu_mul = relu_mul_##isa,         \
    .softmax = softmax_##isa, .rope_halves = rope_halves_##isa, .rope_pairs = rope_pairs_##isa,                       \
    .store_row = store_row_##isa
#define ATTEND(isa) .attend_bytes = attend_bytes_##isa, .attend_rows = attend_rows_##isa, .attend = attend_##isa

static const char *scalar_missing(void)
{
    return NULL;
}

const struct kernel_set kernels_scalar = {
    .name = "scalar",
    .what = "plain C, sums in float64: what every other set is compared with",
    .missing = scalar_missing,
    PRODUCT(scalar),
    SMALL(scalar),
    .gelu_erf_mul = gelu_erf_mul_scalar,
    ATTEND(scalar),
};

#if defined(__x86_64__)
/* clang 14 does not know this one by name. */
static bool has_f16c(void)
{
    unsigned a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C);
}

static const char *avx2_missing(void)
{
    __builtin_cpu_init();
    return !__builtin_cpu_supports("avx2") ? "AVX2" :
           !__builtin_cpu_supports("fma")  ? "FMA" :
           !has_f16c()                     ? "F16C" : NULL;
}

const struct kernel_set kernels_avx2 = {
    .name = "avx2",
    .what = "AVX2 FMA F16C: integer products in pairs of 16 bits, bfloat16 as float32",
    .missing = avx2_missing,
    PRODUCT(avx2),
    SMALL(avx2),
    ATTEND(avx2),
};

static const char *avx512_missing(void)
{
    __builtin_cpu_init();
    return !__builtin_cpu_supports("avx512f")    ? "AVX-512 F" :
           !__builtin_cpu_supports("avx512bw")   ? "AVX-512 BW" :
           !__builtin_cpu_supports("avx512vl")   ? "AVX-512 VL" :
           !__builtin_cpu_supports("avx512dq")   ? "AVX-512 DQ" :
           !__builtin_cpu_supports("avx512vbmi") ? "AVX-512 VBMI" :
           !__builtin_cpu_supports("avx512vnni") ? "AVX-512 VNNI" :
           !__builtin_cpu_supports("avx512bf16") ? "AVX-512 BF16" : NULL;
}

const struct kernel_set kernels_avx512 = {
    .name = "avx512",
    .what = "AVX-512 F BW VL DQ VBMI VNNI BF16: integer products in bytes, bfloat16 products",
    .missing = avx512_missing,
    PRODUCT(avx512),
    SMALL(avx512),
    ATTEND(avx512),
};
#elif defined(__aarch64__)
static const char *neon_missing(void)
{
    return NULL; /* every AArch64 processor has it */
}

const struct kernel_set kernels_neon = {
    .name = "neon",
    .what = "Advanced SIMD: integer products in pairs of 16 bits, bfloat16 as float32",
    .missing = neon_missing,
    PRODUCT(neon),
    SMALL(neon),
    ATTEND(neon),
};
#endif
