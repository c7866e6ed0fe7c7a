/* Any bytes as a GGUF: opens or is refused with a message; what opens can be read whole. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/model_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned touch(const void *p, size_t n)
{
    unsigned sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += ((const uint8_t *)p)[i];
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = ERR_INIT;
    struct model_file *f;
    volatile double sink = 0;
    if (model_file_open_bytes(&f, data, size, "fuzz.gguf", &err) < 0) {
        if (err.code == ERR_NONE || err.text[0] == '\0')
            abort();
        return 0;
    }
    for (size_t i = 0; i < model_file_n_metas(f); i++) {
        const struct meta *m = model_file_meta_at(f, i);
        uint64_t u;
        double d;
        if (model_file_meta(f, m->key) != m)
            abort();
        model_file_meta_u64(f, m->key, &u, NULL);
        model_file_meta_f64(f, m->key, &d, NULL);
        if (m->type == META_STRING)
            sink += touch(m->string.data, m->string.len);
        for (uint64_t k = 0; m->type == META_ARRAY && k < m->array.n; k++) {
            if (m->array.type == META_STRING)
                sink += touch(m->array.strings[k].data, m->array.strings[k].len);
            else
                sink += meta_item_f64(m, k) + (double)meta_item_i64(m, k);
        }
    }
    for (size_t i = 0; i < model_file_n_tensors(f); i++) {
        const struct tensor *t = model_file_tensor_at(f, i);
        if (model_file_tensor(f, t->name) != t)
            abort();
        sink += touch(t->data, t->bytes);
    }
    model_file_verify(f, NULL, NULL, &err);
    model_file_close(f);
    (void)sink;
    return 0;
}
