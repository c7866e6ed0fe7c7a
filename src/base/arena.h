/* arena.h - many small allocations that die together.
 *
 * Memory comes in chunks that never move, so pointers into an arena stay valid until arena_release. Nothing is freed
 * singly. The sum of all chunks is limited by the maximum declared at birth.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

#include "base/err.h"

struct arena_chunk;
struct arena {
    struct arena_chunk *chunks; /* newest first */
    size_t used, max;           /* bytes asked from the heap; limit on them */
};

#define ARENA_INIT(maximum) {.chunks = NULL, .used = 0, .max = (maximum)}

/* n items of `size` bytes, zeroed, aligned for any type up to 64 bytes. NULL and err on failure. */
void *arena_alloc(struct arena *a, size_t n, size_t size, struct err *err);
char *arena_strdup(struct arena *a, const char *s, struct err *err);
char *arena_strndup(struct arena *a, const char *s, size_t len, struct err *err);
char *arena_printf(struct arena *a, struct err *err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

void arena_release(struct arena *a); /* frees all; the arena is empty and usable again */

#endif
