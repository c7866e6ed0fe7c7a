/* hash.h - SHA-256, as sha256sum prints it: 64 lower-case hexadecimal digits.
 *
 *     char hex[65];
 *     TRY(sha256_file(hex, "model.gguf", show, &progress, err));
 *
 * Invariants: `hex` is written only on success. A file is read, not mapped: one that shrinks meanwhile is no crash. What
 * takes long calls `tick` about every 16 MiB and at the end; a tick that returns below 0 stops it with its own err.
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"

/* `done` bytes are hashed of `total` (0: unknown). May be NULL wherever one is taken. */
typedef int (*sha256_tick)(void *arg, uint64_t done, uint64_t total, struct err *err);

/* `data` may be NULL where `size` is 0. */
int sha256_bytes(char hex[65], const void *data, size_t size, sha256_tick tick, void *arg, struct err *err);

/* All that is left in `in`; `name` is for messages. */
int sha256_stream(char hex[65], FILE *in, const char *name, sha256_tick tick, void *arg, struct err *err);

int sha256_file(char hex[65], const char *path, sha256_tick tick, void *arg, struct err *err);

#endif
