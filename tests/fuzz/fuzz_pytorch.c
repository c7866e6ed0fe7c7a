/* A zip archive and the pickle in it: opens or is refused with a message, and every tensor lies within what there is. Input that does
 * not begin with "PK" is taken as the pickle alone, so that the fuzzer need not learn to write archives. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "formats/model_file.h"
#include "support/zip_maker.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = ERR_INIT;
    struct model_file *f;
    volatile unsigned sink = 0;
    struct buf archive = BUF_INIT(1 << 26);
    if (size < 2 || memcmp(data, "PK", 2) != 0) {
        static const float values[16];
        zip_make(&archive, (struct zip_item[]){{.name = "a/data.pkl", .data = data, .len = size},
                                               {.name = "a/data/0", .data = values, .len = sizeof values}, {0}});
        data = (const uint8_t *)archive.data;
        size = archive.len;
    }
    if (model_file_open_bytes(&f, data, size, "fuzz.pt", &err) < 0) {
        if (err.code == ERR_NONE || err.text[0] == '\0')
            abort();
        buf_release(&archive);
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
    buf_release(&archive);
    (void)sink;
    return 0;
}
