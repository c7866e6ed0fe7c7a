/* replay.c - runs a fuzz target over every file of the folders (or files) given: a regression test of the corpus where
 * libFuzzer is not at hand. A target that has no corpus fails: a test that runs nothing proves nothing. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay(const char *path)
{
    if (file_is_dir(path)) {
        int n = 0;
        DIR *dir = opendir(path);
        for (struct dirent *entry; dir && (entry = readdir(dir));) {
            char child[4096];
            snprintf(child, sizeof child, "%s/%s", path, entry->d_name);
            if (entry->d_name[0] != '.')
                n += replay(child);
        }
        if (dir)
            closedir(dir);
        return n;
    }
    struct buf bytes = BUF_INIT(64u << 20);
    struct err err = ERR_INIT;
    if (file_read(&bytes, path, 64u << 20, &err) < 0) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    /* an exact copy on the heap, so that a sanitizer sees a read past the end */
    uint8_t *copy = malloc(bytes.len ? bytes.len : 1);
    if (!copy)
        exit(1);
    if (bytes.len)
        memcpy(copy, bytes.data, bytes.len);
    LLVMFuzzerTestOneInput(copy, bytes.len);
    free(copy);
    buf_release(&bytes);
    return 1;
}

int main(int argc, char **argv)
{
    int n = 0;
    for (int i = 1; i < argc; i++)
        n += replay(argv[i]);
    printf("%d inputs replayed\n", n);
    return n > 0 ? 0 : 1;
}
