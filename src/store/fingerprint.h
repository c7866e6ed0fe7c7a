/* fingerprint.h - what a measurement was made with, as the first line of a raw log keeps it.
 *
 *     struct fingerprint_input in = {.command = "prony run m.yaml", .seed = 42, .model = "llama.gguf"};
 *     json_t *fp = fingerprint(&in, err);            // a new reference
 *
 * An object of `build` (version, commit, compiler, flags, type, libraries), `machine` (machine.h), `model` (path, bytes,
 * sha256), `engine` (name, version, checked_against), `command`, `seed`, `started`. What is not known is null.
 */
#ifndef STORE_FINGERPRINT_H
#define STORE_FINGERPRINT_H

#include <stdint.h>

#include <jansson.h>

#include "base/tick.h"

struct fingerprint_input {
    const char *command;
    uint64_t seed;
    const char *model;           /* path of its file or folder; NULL: none, or not here */
    const char *model_sha256;    /* when the engine knows it already; NULL or "": computed from `model` */
    const char *engine, *engine_version, *checked_against; /* NULL: unknown */
    const char *root;            /* of machine_facts; NULL: this machine */
    tick_fn tick;                /* while the model is hashed, in bytes; one that stops leaves the digest null */
    void *tick_arg;
};

/* A model that cannot be read has null for its digest: a fingerprint never stops a run. NULL: out of memory. */
json_t *fingerprint(const struct fingerprint_input *in, struct err *err);

/* {"version", "commit", "compiler", "flags", "type", "libraries": {...}}, a new reference. */
json_t *fingerprint_build(struct err *err);

/* SHA-256 of a model's weights (model_file_sha256). Kept in the user's cache folder ($XDG_CACHE_HOME/prony, else
 * ~/.cache/prony) under path, size, time and inode of each file, because reading a large model takes long: a file that
 * was changed in any of these is read again. A cache that cannot be written is no error. */
int fingerprint_model_sha256(const char *path, char hex[65], tick_fn tick, void *arg, struct err *err);

#endif
