/* dtype.h - how numbers lie in storage: names, block sizes, bytes. No arithmetic (that is kernels/).
 *
 * A block is the smallest run of values that can be decoded alone; a row of a tensor holds a whole number of blocks.
 */
#ifndef BASE_DTYPE_H
#define BASE_DTYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* DTYPE(constant, name, values per block, bytes per block, GGUF's number or -1). NF4 and INT8 are in no file: weights become
 * them when a model is loaded (transform/load_quantize.h). */
#define DTYPE_LIST                          \
    DTYPE(F32, "f32", 1, 4, 0)              \
    DTYPE(F16, "f16", 1, 2, 1)              \
    DTYPE(BF16, "bf16", 1, 2, 30)           \
    DTYPE(F64, "f64", 1, 8, 28)             \
    DTYPE(I8, "i8", 1, 1, 24)               \
    DTYPE(I16, "i16", 1, 2, 25)             \
    DTYPE(I32, "i32", 1, 4, 26)             \
    DTYPE(I64, "i64", 1, 8, 27)             \
    DTYPE(U8, "u8", 1, 1, -1)               \
    DTYPE(BOOL, "bool", 1, 1, -1)           \
    DTYPE(F8_E4M3, "f8_e4m3", 1, 1, -1)     \
    DTYPE(Q4_0, "q4_0", 32, 18, 2)          \
    DTYPE(Q4_1, "q4_1", 32, 20, 3)          \
    DTYPE(Q5_0, "q5_0", 32, 22, 6)          \
    DTYPE(Q5_1, "q5_1", 32, 24, 7)          \
    DTYPE(Q8_0, "q8_0", 32, 34, 8)          \
    DTYPE(Q2_K, "q2_k", 256, 84, 10)        \
    DTYPE(Q3_K, "q3_k", 256, 110, 11)       \
    DTYPE(Q4_K, "q4_k", 256, 144, 12)       \
    DTYPE(Q5_K, "q5_k", 256, 176, 13)       \
    DTYPE(Q6_K, "q6_k", 256, 210, 14)       \
    DTYPE(IQ4_NL, "iq4_nl", 32, 18, 20)     \
    DTYPE(IQ4_XS, "iq4_xs", 256, 136, 23)   \
    DTYPE(NF4, "nf4", 64, 36, -1)           \
    DTYPE(INT8, "int8", 32, 36, -1)

enum dtype {
#define DTYPE(id, name, values, bytes, gguf) DTYPE_##id,
    DTYPE_LIST
#undef DTYPE
    DTYPE_COUNT
};

const char *dtype_name(enum dtype t);
size_t dtype_block(enum dtype t);       /* values in a block */
size_t dtype_block_bytes(enum dtype t); /* bytes of a block */
int dtype_gguf(enum dtype t);           /* GGUF's number for it, or -1 */

/* By name, case-blind. -1 and err (with the nearest name) if there is none. */
int dtype_from_name(enum dtype *out, const char *name, struct err *err);
/* By GGUF's number: false if this program does not know it. */
bool dtype_from_gguf(enum dtype *out, uint32_t number);

/* Bytes of a row of n values: -1 and err if n is not a whole number of blocks or the product overflows. */
int dtype_row_bytes(size_t *out, enum dtype t, uint64_t n, struct err *err);

#endif
