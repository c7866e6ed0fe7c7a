/* attend_avx2.c - attend_body.h compiled for this instruction set. */
#include "kernels/vec_avx2.h"

#include "kernels/attend_body.h"
