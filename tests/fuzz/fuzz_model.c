/* A model folder from text: config.json up to a NUL, then lines "TYPE NAME DIM DIM..." of the tensors, all zeros. Or a
 * whole GGUF. It is refused with a reason, or it becomes a model that computes three rows. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/dtype.h"
#include "base/file.h"
#include "base/json_out.h"
#include "models/session.h"
#include "support/testing.h"

enum { WEIGHTS_MAX = 1 << 20, LINE_DIMS_MAX = 4 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool fine)
{
    if (!fine)
        abort();
}

/* One line of the list into the header; 0 when it makes no sense (that is for fuzz_safetensors to try). */
static int add_tensor(struct json_out *j, const char *line, size_t *at)
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

static bool write_folder(const char *dir, const char *text, size_t size)
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[4096];
    struct model *m;
    struct session *s;
    struct err err = ERR_INIT;
    const struct row rows[] = {{.pos = 0, .token = 0, .parent = ROW_CHAIN}, {.pos = 1, .token = 1, .parent = ROW_CHAIN},
                               {.pos = 2, .token = 0, .parent = ROW_CHAIN, .want = ROW_LOGITS}};
    if (size >= 4 && memcmp(data, "GGUF", 4) == 0) {
        snprintf(path, sizeof path, "%s/model.gguf", test_dir());
        require(file_write(path, data, size, &err) == 0);
    } else {
        char *text = strndup("", 0); /* a copy that ends in NUL, for the scanning above */
        text = realloc(text, size + 1);
        require(text != NULL);
        memcpy(text, data, size);
        text[size] = '\0';
        snprintf(path, sizeof path, "%s", test_dir());
        bool fine = write_folder(path, text, size);
        free(text);
        if (!fine)
            return 0;
    }
    if (model_open_weights(&m, path, &err) < 0) {
        require(err.code != ERR_NONE && err.text[0]);
        return 0;
    }
    struct session_options options = {.variant = "ref", .context = 4, .threads = 1};
    if (session_open(&s, m, &options, &err) == 0) {
        if (session_forward(s, rows, 3, &err) == 0)
            require(session_logits(s, 2) != NULL);
        else
            require(err.code != ERR_NONE && err.text[0]);
        session_close(s);
    } else {
        require(err.code != ERR_NONE && err.text[0]);
    }
    model_close(m);
    return 0;
}
