#include "base/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Thread_local int forbidden;
static _Thread_local const char *forbidden_section;

void mem_forbid(const char *section)
{
    forbidden++;
    forbidden_section = section;
}

void mem_permit(void)
{
    forbidden--;
}

static _Thread_local long fail_after = -1;
static _Thread_local bool has_failed;

void mem_fail_after(long n)
{
    fail_after = n;
    has_failed = false;
}

bool mem_failed(void)
{
    return has_failed;
}

static int size_of(size_t *bytes, size_t n, size_t size, struct err *err)
{
    if (forbidden) {
        fprintf(stderr, "prony: bug: %zu x %zu bytes allocated in '%s', which must not allocate\n", n, size,
                forbidden_section);
        abort();
    }
    if (__builtin_mul_overflow(n, size, bytes) || *bytes > PTRDIFF_MAX)
        return err_set(err, ERR_MEMORY, "%zu items of %zu bytes exceed the address space", n, size);
    if (*bytes == 0)
        *bytes = 1;
    if (fail_after >= 0 && fail_after-- == 0) {
        has_failed = true;
        return err_set(err, ERR_MEMORY, "out of memory (%zu bytes asked for; a test made it fail)", *bytes);
    }
    return 0;
}

static void *checked(void *p, size_t bytes, struct err *err)
{
    if (!p)
        err_set(err, ERR_MEMORY, "out of memory (%zu bytes asked for)", bytes);
    return p;
}

void *mem_alloc(size_t n, size_t size, struct err *err)
{
    size_t bytes;
    if (size_of(&bytes, n, size, err) < 0)
        return NULL;
    return checked(malloc(bytes), bytes, err);
}

void *mem_zalloc(size_t n, size_t size, struct err *err)
{
    size_t bytes;
    if (size_of(&bytes, n, size, err) < 0)
        return NULL;
    return checked(calloc(1, bytes), bytes, err);
}

void *mem_alloc_aligned(size_t n, size_t size, size_t align, struct err *err)
{
    size_t bytes;
    if (size_of(&bytes, n, size, err) < 0)
        return NULL;
    if (__builtin_add_overflow(bytes, align - 1, &bytes)) {
        err_set(err, ERR_MEMORY, "%zu items of %zu bytes exceed the address space", n, size);
        return NULL;
    }
    bytes &= ~(align - 1); /* aligned_alloc wants a multiple of the alignment */
    return checked(aligned_alloc(align, bytes), bytes, err);
}

void *mem_realloc(void *p, size_t n, size_t size, struct err *err)
{
    size_t bytes;
    if (size_of(&bytes, n, size, err) < 0)
        return NULL;
    return checked(realloc(p, bytes), bytes, err);
}

char *mem_strndup(const char *s, size_t len, struct err *err)
{
    char *copy = mem_alloc(len + 1, 1, err);
    if (copy) {
        memcpy(copy, s, len);
        copy[len] = '\0';
    }
    return copy;
}

char *mem_strdup(const char *s, struct err *err)
{
    return mem_strndup(s, strlen(s), err);
}

char *mem_printf(struct err *err, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    char *text = n < 0 ? NULL : mem_alloc((size_t)n + 1, 1, err);
    if (text)
        vsnprintf(text, (size_t)n + 1, fmt, again);
    va_end(again);
    return text;
}

int mem_grow(void *items, size_t *cap, size_t n, size_t size, struct err *err)
{
    if (n < *cap)
        return 0;
    size_t wanted = *cap ? *cap * 2 : 8;
    void *old;
    memcpy(&old, items, sizeof old); /* `items` is the address of a typed pointer; no aliasing through void ** */
    void *grown = mem_realloc(old, wanted, size, err);
    if (!grown)
        return -1;
    memcpy(items, &grown, sizeof grown);
    *cap = wanted;
    return 0;
}
