/* any_tokenizer.h - what every target does that takes bytes for a tokenizer: opening either fails with a reason or gives one
 * whose ids are in its vocabulary and decode. */
#ifndef FUZZ_ANY_TOKENIZER_H
#define FUZZ_ANY_TOKENIZER_H

#include <stdint.h>
#include <stdlib.h>

#include "tokenizers/parts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline int fuzz_tokenizer(const char *format, const uint8_t *data, size_t size)
{
    static const char text[] = "Hello  wörld 123\n\n<|bos|>it's \xF0\x9F\x99\x82\xFF a\xCC\x81 \xE2\x96\x81x";
    struct tokenizer *t;
    struct err err = ERR_INIT;
    struct ids ids = {0};
    struct buf out = BUF_INIT(1 << 20);
    if (tokenizer_open_bytes(&t, format, (const char *)data, size, &err) < 0) {
        if (err.code == ERR_NONE || !err.text[0])
            abort();
        return 0;
    }
    if (tokenizer_encode(t, text, sizeof text - 1, TOKENIZE_SPECIAL | TOKENIZE_BOS, &ids, &err) == 0) {
        for (size_t i = 0; i < ids.n; i++)
            if (ids.data[i] < 0 || (size_t)ids.data[i] >= tokenizer_vocabulary(t))
                abort();
        tokenizer_decode(t, ids.data, ids.n, true, &out, &err);
    }
    ids_release(&ids);
    buf_release(&out);
    tokenizer_close(t);
    return 0;
}

#endif
