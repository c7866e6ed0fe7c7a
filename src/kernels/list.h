/* The instruction sets, lowest first. A set is here and in vec_NAME.h (the words), *_NAME.c (compiled with its flags). */
KERNELS(scalar)
#if defined(__x86_64__)
KERNELS(avx2)
KERNELS(avx512)
#elif defined(__aarch64__)
KERNELS(neon)
#endif
