/* Any bytes as safetensors (or as whatever they are taken for): opens or is refused with a message. */
#include <stdint.h>
#include <stdlib.h>

#include "formats/model_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = ERR_INIT;
    struct model_file *f;
    volatile unsigned sink = 0;
    if (model_file_open_bytes(&f, data, size, "fuzz.safetensors", &err) < 0) {
        if (err.code == ERR_NONE || err.text[0] == '\0')
            abort();
        return 0;
    }
    for (size_t i = 0; i < model_file_n_tensors(f); i++) {
        const struct tensor *t = model_file_tensor_at(f, i);
        if (model_file_tensor(f, t->name) != t)
            abort();
        for (size_t k = 0; k < t->bytes; k++)
            sink += ((const uint8_t *)t->data)[k];
    }
    model_file_verify(f, NULL, NULL, &err);
    model_file_close(f);
    (void)sink;
    return 0;
}
