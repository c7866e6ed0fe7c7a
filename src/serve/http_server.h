/* http_server.h - a small HTTP/1.1 server on 127.0.0.1, one thread, for the protocol doubles.
 *
 *     struct http_server *s;
 *     TRY(http_server_open(&s, 0, answer, &mine, err));     // port 0: any free one
 *     printf("http://127.0.0.1:%d\n", http_server_port(s));
 *     TRY(http_server_run(s, err));                          // until http_server_stop, from any thread
 *     http_server_close(s);
 *
 * Invariants. It listens on loopback and nowhere else. A request has at most 64 KiB of head and 64 MiB of body. A reply
 * is a body known at once, or pieces that `next` makes when they are due: what waits to be written is bounded, because
 * `next` is not called while the peer does not read.
 */
#ifndef SERVE_HTTP_SERVER_H
#define SERVE_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct http_call {
    const char *method, *path; /* the path without its query */
    const char *authorization; /* "" if none came */
    const char *body;          /* NUL-terminated; "" */
    size_t body_len;
};

enum http_next { HTTP_NEXT_MORE, HTTP_NEXT_END, HTTP_NEXT_CUT }; /* CUT: the connection just breaks */

struct http_answer {
    int status;               /* 200 unless set */
    const char *content_type; /* "application/json" unless set */
    const char *location;     /* NULL: none */
    struct buf body;
    /* Streaming, instead of `body`: appends the next piece of the body. *due comes as the time it was called for and is
     * set to when it wants to be called again (of clock_ns; in the past: at once). */
    enum http_next (*next)(void *talk, struct buf *out, int64_t *due);
    void (*release)(void *talk);
    void *talk;
    bool until_close;         /* no chunks: the end of the connection ends the body */
    int64_t due;              /* nothing is sent before that time */
};

typedef void (*http_handler)(void *arg, const struct http_call *call, struct http_answer *answer);

struct http_server;
int http_server_open(struct http_server **out, int port, http_handler handler, void *arg, struct err *err);
int http_server_port(const struct http_server *s);
int http_server_run(struct http_server *s, struct err *err);
void http_server_stop(struct http_server *s);
void http_server_close(struct http_server *s); /* NULL is fine */

#endif
