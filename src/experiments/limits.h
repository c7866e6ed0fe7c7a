/* limits.h - what this machine can do at most, measured in the same minutes as what is held against it. */
#ifndef EXPERIMENTS_LIMITS_H
#define EXPERIMENTS_LIMITS_H

#include <jansson.h>

/* {"read_gb_s", "f32_gops", "bf16_gops", "int8_gops"} of `threads` (0: as many as this process may use), a new reference;
 * 0 where the processor has no such instruction. Takes over half a second. NULL when it cannot be measured: shares of
 * it are then unknown, and nothing else is. */
json_t *limits_measure(int threads);

#endif
