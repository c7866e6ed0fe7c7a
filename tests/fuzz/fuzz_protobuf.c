/* Any bytes as a SentencePiece model. */
#include "any_tokenizer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_tokenizer("sentencepiece", data, size);
}
