/* Any bytes as a .npy file: an array whose every item can be read, or an error. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/npy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = ERR_INIT;
    struct npy a;
    if (npy_parse(&a, data, size, "fuzz", &err) < 0) {
        if (err.code == ERR_NONE)
            abort();
        return 0;
    }
    volatile double sum = 0;
    for (uint64_t i = 0; i < a.count && a.bytes > 0; i++)
        sum += npy_f64(&a, i) + (double)npy_i64(&a, i);
    (void)sum; /* clang wants to see it used */
    npy_close(&a);
    return 0;
}
