/* Any bytes as tokenizer.json. */
#include "any_tokenizer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_tokenizer("json", data, size);
}
