/* A model from a fuzzer's bytes (model_folder.h) is refused with a reason, or it becomes one that computes three rows. */
#include "models/session.h"
#include "model_folder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[4096];
    struct model *m;
    struct session *s;
    struct err err = ERR_INIT;
    const struct row rows[] = {{.pos = 0, .token = 0, .parent = ROW_CHAIN}, {.pos = 1, .token = 1, .parent = ROW_CHAIN},
                               {.pos = 2, .token = 0, .parent = ROW_CHAIN, .want = ROW_LOGITS}};
    if (!model_from_bytes(path, data, size))
        return 0;
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
