/* small_avx2.c - small_body.h compiled for this instruction set. */
#include "kernels/vec_avx2.h"

#include "kernels/small_body.h"
