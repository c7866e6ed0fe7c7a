/* Written by tools/gen_unicode.py with unicode_data.c; private to unicode.c. */
#ifndef TOKENIZERS_UNICODE_DATA_H
#define TOKENIZERS_UNICODE_DATA_H

#include <stdint.h>

extern const uint16_t unicode_class_index[8704];
extern const uint8_t unicode_class_blocks[33664];
extern const uint8_t unicode_ccc_index[8704];
extern const uint8_t unicode_ccc_blocks[9728];
extern const uint32_t unicode_decompositions[17166];
extern const uint32_t unicode_decomposed[6619];
extern const uint32_t unicode_compositions[2820];
extern const uint32_t unicode_lower[2976];
extern const uint32_t unicode_odd_marks[176];

#endif
