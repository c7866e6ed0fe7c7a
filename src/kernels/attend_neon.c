/* attend_neon.c - attend_body.h compiled for this instruction set. */
#include "kernels/vec_neon.h"

#include "kernels/attend_body.h"
