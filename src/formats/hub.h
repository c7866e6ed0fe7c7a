/* hub.h - models from a hub that speaks the Hugging Face API, into the cache that its own tools use.
 *
 *     struct hub_pull p = {.repo = "facebook/opt-125m"};
 *     char *path;
 *     TRY(hub_pull(&path, &p, err));        // ~/.cache/huggingface/hub/models--facebook--opt-125m/snapshots/<commit>
 *     free(path);
 *
 * HF_ENDPOINT names the hub, HF_TOKEN (or the token file that `hf auth login` writes) who asks; the cache lies where
 * HF_HUB_CACHE, HF_HOME or XDG_CACHE_HOME say. A file is fetched once, under the checksum that the hub gave for it; what was
 * broken off is gone on with. Two pulls of one file at a time wait for each other.
 *
 * Invariants. No file is in a snapshot before its checksum was right. A name from the hub never leads out of the cache.
 */
#ifndef FORMATS_HUB_H
#define FORMATS_HUB_H

#include <signal.h>
#include <stdint.h>

#include "base/err.h"

struct hub_pull {
    const char *repo;     /* ORG/REPO */
    const char *file;     /* only this file (of a split GGUF all its parts); NULL: what the model consists of */
    const char *revision; /* NULL: main */
    /* MAY. File `i` of `n` is going to be fetched, or is there already. */
    void (*on_file)(void *arg, const char *name, size_t i, size_t n, uint64_t bytes, int there);
    /* MAY. Bytes of the file at hand that are there by now. */
    void (*on_bytes)(void *arg, uint64_t done);
    void *arg;
    const volatile sig_atomic_t *interrupted;
};

/* Gives the snapshot's folder, or with `file` that file in it. */
int hub_pull(char **path, const struct hub_pull *p, struct err *err);

#endif
