/* A model from a fuzzer's bytes (model_folder.h) is refused with a reason, or it is converted, both ways, into one that opens. */
#include <stdlib.h>

#include "models/model.h"
#include "transform/convert.h"
#include "model_folder.h"

/* Whatever is written here is read here. */
static void convert_to(const char *from, const char *to)
{
    struct convert_report report;
    struct err err = ERR_INIT;
    struct model *m;
    if (convert_model(from, to, &(struct convert_options){.type = "f16"}, &report, &err) < 0) {
        require(err.code != ERR_NONE && err.code != ERR_BUG && err.text[0]);
        return;
    }
    if (model_open_weights(&m, to, &err) < 0) {
        fprintf(stderr, "%s\n", err.text);
        abort();
    }
    model_close(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[4096], to[4200];
    if (!model_from_bytes(path, data, size))
        return 0;
    snprintf(to, sizeof to, "%s/out.gguf", test_dir());
    unlink(to);
    convert_to(path, to);
    snprintf(to, sizeof to, "%s/out", test_dir());
    convert_to(path, to);
    static const char *const names[] = {"config.json", "generation_config.json", "model.safetensors"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char file[4300];
        snprintf(file, sizeof file, "%s/%s", to, names[i]);
        unlink(file);
    }
    rmdir(to);
    return 0;
}
