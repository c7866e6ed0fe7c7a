/* download.h - one file, or one short text, over HTTP: redirects, resuming, patience with a busy server.
 *
 *     struct http_answer answer;
 *     struct download d = {.url = url, .token = token, .path = "blob.incomplete", .size = size};
 *     TRY(download_file(&answer, &d, err));
 *     if (answer.status >= 400) ...                        // what the server refused is the caller's to explain
 *
 * Invariants. What lies at `path` already is taken for the file's beginning and never asked for again; each byte that
 * came is there after a failure. A connection that breaks, a busy server (429, 5xx) and a server that names no reason are
 * tried again, patiently and a bounded number of times. A token goes to the host it was meant for and to no other, and is
 * in no message.
 */
#ifndef BASE_DOWNLOAD_H
#define BASE_DOWNLOAD_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct http_answer {
    long status;         /* of the last answer: 200, 404, ... */
    char reason[64];     /* its X-Error-Code ("GatedRepo"), or "" */
    char text[256];      /* its X-Error-Message, or "" */
};

struct download {
    const char *url;
    const char *token; /* sent as a bearer's; NULL: none */
    const char *path;
    uint64_t size;     /* what the whole file must have; 0: not known */
    /* MAY. Bytes of the file that are there by now. */
    void (*tick)(void *arg, uint64_t done);
    void *arg;
    const volatile sig_atomic_t *interrupted; /* NULL: never */
};

int download_file(struct http_answer *answer, const struct download *d, struct err *err);
/* The same for a text of at most `max` bytes, which are appended to `out` when the status is 200. */
int download_text(struct http_answer *answer, struct buf *out, const char *url, const char *token, size_t max, struct err *err);

#endif
