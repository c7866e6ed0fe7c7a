/* bench_tokenize MODEL FILE [REPEATS]: how fast a vocabulary loads and a file becomes ids, on one core.
 *
 * In the clock of "load": tokenizer_open (the file is in the page cache from the first, untimed run). In the clock of
 * "encode": one tokenizer_encode of the whole text, its word cache empty at the start. Outside: reading the text.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/file.h"
#include "tokenizers/tokenizer.h"

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

int main(int argc, char **argv)
{
    struct err err = ERR_INIT;
    struct buf text = BUF_INIT((size_t)1 << 30);
    struct tokenizer *t;
    int repeats = argc > 3 ? atoi(argv[3]) : 10;
    if (argc < 3) {
        fprintf(stderr, "usage: bench_tokenize MODEL FILE [REPEATS]\n");
        return 2;
    }
    if (file_read(&text, argv[2], (size_t)1 << 30, &err) < 0 || tokenizer_open(&t, argv[1], &err) < 0) {
        fprintf(stderr, "bench_tokenize: %s\n", err.text);
        return 1;
    }
    tokenizer_close(t);
    for (int i = 0; i < repeats; i++) {
        struct ids ids = {0};
        double start = now();
        if (tokenizer_open(&t, argv[1], &err) < 0)
            return 1;
        double loaded = now();
        if (tokenizer_encode(t, text.data, text.len, TOKENIZE_PLAIN, &ids, &err) < 0)
            return 1;
        double done = now();
        printf("load %.1f ms, encode %.1f MB/s (%zu bytes, %zu tokens)\n", (loaded - start) * 1e3,
               (double)text.len / 1e6 / (done - loaded), text.len, ids.n);
        ids_release(&ids);
        tokenizer_close(t);
    }
    buf_release(&text);
    return 0;
}
