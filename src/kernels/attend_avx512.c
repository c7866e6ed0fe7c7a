/* attend_avx512.c - attend_body.h compiled for this instruction set. */
#include "kernels/vec_avx512.h"

#include "kernels/attend_body.h"
