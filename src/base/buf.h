/* buf.h - a growing run of bytes with a declared maximum.
 *
 *     struct buf b = BUF_INIT(1 << 20);
 *     buf_printf(&b, "%s: %d\n", name, n);
 *     buf_add(&b, bytes, len);
 *     TRY(buf_check(&b, err));          // one check after any number of additions
 *     ... b.data, b.len ...
 *     buf_release(&b);
 *
 * Invariants: `data` is NUL-terminated whenever it is not NULL (the NUL is not counted in `len`); `len` never exceeds
 * `max`. An addition that fails (out of memory, maximum reached) marks the buffer as failed; later additions do
 * nothing, and buf_check reports it. What was added before the failure stays readable.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct buf {
    char *data;
    size_t len, cap, max;
    bool failed;
};

#define BUF_INIT(maximum) {.data = NULL, .len = 0, .cap = 0, .max = (maximum), .failed = false}

void buf_init(struct buf *b, size_t max);
void buf_release(struct buf *b); /* frees; the buffer is empty and usable again */
void buf_clear(struct buf *b);   /* empties, keeps the memory, forgets a failure */

void buf_add(struct buf *b, const void *bytes, size_t len);
void buf_str(struct buf *b, const char *s);
void buf_char(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *fmt, va_list ap);

/* Makes room for `len` more bytes and returns where they go, or NULL; the caller then adds to `len` what it wrote. */
char *buf_room(struct buf *b, size_t len);

/* -1 and err if any addition failed. */
int buf_check(const struct buf *b, struct err *err);

/* Gives the bytes (NUL-terminated, to free()) to the caller and empties the buffer. NULL and err if it failed. */
char *buf_take(struct buf *b, struct err *err);

#endif
