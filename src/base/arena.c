#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { CHUNK_BYTES = 64 * 1024, ALIGN_LARGE = 64, ALIGN_SMALL = 16 };

struct arena_chunk {
    struct arena_chunk *next;
    size_t used, size;
    _Alignas(ALIGN_LARGE) unsigned char bytes[];
};

void *arena_alloc(struct arena *a, size_t n, size_t size, struct err *err)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes) || bytes > a->max) {
        err_set(err, ERR_MEMORY, "%zu items of %zu bytes do not fit an arena of %zu bytes", n, size, a->max);
        return NULL;
    }
    size_t align = bytes >= ALIGN_LARGE ? ALIGN_LARGE : ALIGN_SMALL;
    struct arena_chunk *c = a->chunks;
    size_t at = c ? (c->used + align - 1) & ~(align - 1) : 0;
    if (!c || at > c->size || bytes > c->size - at) {
        size_t room = bytes > CHUNK_BYTES / 4 ? bytes : CHUNK_BYTES;
        size_t whole = sizeof *c + room;
        if (whole > a->max || a->used > a->max - whole) {
            err_set(err, ERR_MEMORY, "an arena of at most %zu bytes is full (%zu bytes more asked for)", a->max, bytes);
            return NULL;
        }
        struct arena_chunk *fresh = mem_alloc_aligned(whole, 1, ALIGN_LARGE, err);
        if (!fresh)
            return NULL;
        fresh->used = 0;
        fresh->size = room;
        a->used += whole;
        if (c && room == bytes) { /* a large one of its own goes behind: the newest chunk still has room */
            fresh->next = c->next;
            c->next = fresh;
        } else {
            fresh->next = c;
            a->chunks = fresh;
        }
        c = fresh;
        at = 0;
    }
    c->used = at + bytes;
    return memset(c->bytes + at, 0, bytes);
}

char *arena_strndup(struct arena *a, const char *s, size_t len, struct err *err)
{
    char *copy = arena_alloc(a, len + 1, 1, err);
    if (copy)
        memcpy(copy, s, len);
    return copy;
}

char *arena_strdup(struct arena *a, const char *s, struct err *err)
{
    return arena_strndup(a, s, strlen(s), err);
}

char *arena_printf(struct arena *a, struct err *err, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    char *text = n < 0 ? NULL : arena_alloc(a, (size_t)n + 1, 1, err);
    if (text)
        vsnprintf(text, (size_t)n + 1, fmt, again);
    va_end(again);
    return text;
}

void arena_release(struct arena *a)
{
    while (a->chunks) {
        struct arena_chunk *next = a->chunks->next;
        free(a->chunks);
        a->chunks = next;
    }
    a->used = 0;
}
