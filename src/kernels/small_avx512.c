/* small_avx512.c - small_body.h compiled for this instruction set. */
#include "kernels/vec_avx512.h"

#include "kernels/small_body.h"
