/* mem.h - heap allocation with an error instead of a crash.
 *
 * All of libprony allocates here (third-party libraries aside), so that a test can fail each allocation in turn and so
 * that mem_forbid can prove a hot path allocates nothing. Memory is given back with free(). Sizes are products of a
 * count and an item size; the product is checked.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* n items of `size` bytes, uninitialised / zeroed. n == 0 gives a unique pointer, not NULL. NULL and err on failure. */
void *mem_alloc(size_t n, size_t size, struct err *err);
void *mem_zalloc(size_t n, size_t size, struct err *err);

/* As mem_alloc, aligned to `align` (a power of two); give back with free(). */
void *mem_alloc_aligned(size_t n, size_t size, size_t align, struct err *err);

/* Grows or shrinks `p`; on failure returns NULL and `p` stays valid. */
void *mem_realloc(void *p, size_t n, size_t size, struct err *err);

char *mem_strdup(const char *s, struct err *err);
char *mem_strndup(const char *s, size_t len, struct err *err);
char *mem_printf(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Makes room for one more item in a growing array: `*items` has `*cap` slots, `n` used. */
int mem_grow(void *items, size_t *cap, size_t n, size_t size, struct err *err);

/* Between forbid and permit any allocation of this thread through this header aborts, naming the section.
 * The calls nest. Built in always: the cost is one thread-local read an allocation. */
void mem_forbid(const char *section);
void mem_permit(void);

/* For tests of running out of memory: of this thread's allocations through this header, `n` more succeed, the next one
 * fails, and all after it succeed again. Below 0: none fails (as at the start). mem_failed: has that one been reached? */
void mem_fail_after(long n);
bool mem_failed(void);

#endif
