/* small_neon.c - small_body.h compiled for this instruction set. */
#include "kernels/vec_neon.h"

#include "kernels/small_body.h"
