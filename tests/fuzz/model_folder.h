/* model_folder.h - a model on disk from a fuzzer's bytes: a whole GGUF, or config.json up to a NUL and then lines
 * "TYPE NAME DIM DIM..." of the tensors, all zeros. */
#ifndef FUZZ_MODEL_FOLDER_H
#define FUZZ_MODEL_FOLDER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json_out.h"
#include "support/testing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { WEIGHTS_MAX = 1 << 20, LINE_DIMS_MAX = 4 };

static inline void require(bool fine)
{
    if (!fine)
        abort();
}

/* One line of the list into the header; 0 when it makes no sense (that is for fuzz_safetensors to try). */
static inline int add_tensor(struct json_out *j, const char *line, size_t *at)
{
    char type[8], name[128];
    unsigned long dims[LINE_DIMS_MAX];
    int used = 0, n = 0;
    size_t bytes = 1;
    if (sscanf(line, "%7[A-Z0-9_] %127[^ \n]%n", type, name, &used) != 2)
        return 0;
    for (const char *p = line + used; n < LINE_DIMS_MAX && *p == ' ' && p[1] >= '0' && p[1] <= '9'; n++) {
        char *end;
        dims[n] = strtoul(p + 1, &end, 10);
        if (dims[n] > WEIGHTS_MAX)
            return 0;
        bytes *= dims[n] ? dims[n] : 1;
        p = end;
        if (bytes > WEIGHTS_MAX)
            return 0;
    }
    bytes *= strcmp(type, "F32") == 0 ? 4 : strcmp(type, "F16") == 0 || strcmp(type, "BF16") == 0 ? 2 : 1;
    json_out_key(j, name);
    json_out_open(j, '{');
    json_out_key(j, "dtype");
    json_out_text(j, type);
    json_out_key(j, "shape");
    json_out_open(j, '[');
    for (int i = 0; i < n; i++)
        json_out_int(j, (int64_t)dims[i]);
    json_out_close(j);
    json_out_key(j, "data_offsets");
    json_out_open(j, '[');
    json_out_int(j, (int64_t)*at);
    json_out_int(j, (int64_t)(*at + bytes));
    json_out_close(j);
    json_out_close(j);
    *at += bytes;
    return 1;
}

static inline bool write_folder(const char *dir, const char *text, size_t size)
{
    struct buf header = BUF_INIT(1 << 20), path = BUF_INIT(4096);
    struct json_out j = JSON_OUT_INIT(&header);
    struct err err = ERR_INIT;
    size_t weights = 0, config = strnlen(text, size);
    bool fine = config < size;
    json_out_open(&j, '{');
    for (const char *line = text + config + 1; fine && line < text + size;) {
        size_t n = (size_t)(text + size - line), len = strcspn(line, "\n");
        fine = add_tensor(&j, line, &weights) && weights <= WEIGHTS_MAX;
        line += len < n ? len + 1 : n;
    }
    json_out_close(&j);
    uint64_t length = header.len;
    buf_printf(&path, "%s/config.json", dir);
    fine = fine && !header.failed && file_write(path.data, text, config, &err) == 0;
    buf_clear(&path);
    buf_printf(&path, "%s/model.safetensors", dir);
    FILE *f = fine ? fopen(path.data, "wb") : NULL;
    if (f) {
        require(fwrite(&length, 8, 1, f) == 1 && fwrite(header.data, 1, header.len, f) == header.len);
        require(fflush(f) == 0 && ftruncate(fileno(f), (off_t)(8 + header.len + weights)) == 0);
        fclose(f);
    }
    buf_release(&header);
    buf_release(&path);
    return f != NULL;
}

/* False: the bytes are of neither kind. */
static inline bool model_from_bytes(char path[4096], const uint8_t *data, size_t size)
{
    struct err err = ERR_INIT;
    if (size >= 4 && memcmp(data, "GGUF", 4) == 0) {
        snprintf(path, 4096, "%s/model.gguf", test_dir());
        require(file_write(path, data, size, &err) == 0);
        return true;
    }
    char *text = malloc(size + 1); /* a copy that ends in NUL, for the scanning above */
    require(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    snprintf(path, 4096, "%s", test_dir());
    bool fine = write_folder(path, text, size);
    free(text);
    return fine;
}

#endif
