/* hash.h - SHA-256, as sha256sum prints it: 64 lower-case hexadecimal digits. And the name that git gives to a file.
 *
 *     char hex[65];
 *     TRY(sha256_file(hex, "model.gguf", show, &progress, err));
 *
 * Invariants: `hex` is written only on success. A file is read, not mapped: one that shrinks meanwhile is no crash. What
 * takes long calls `tick` with the bytes done about every 16 MiB and at the end.
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/tick.h"

/* `data` may be NULL where `size` is 0. */
int sha256_bytes(char hex[65], const void *data, size_t size, tick_fn tick, void *arg, struct err *err);

/* All that is left in `in`; `name` is for messages. */
int sha256_stream(char hex[65], FILE *in, const char *name, tick_fn tick, void *arg, struct err *err);

int sha256_file(char hex[65], const char *path, tick_fn tick, void *arg, struct err *err);

/* What `git hash-object` prints: the hub names small files so. */
int git_blob_file(char hex[41], const char *path, struct err *err);

#endif
