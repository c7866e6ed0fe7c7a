/* http.h - an HTTP client for one thread: many exchanges at once, bounded in every way, stamped when bytes came.
 *
 *     struct http *h;
 *     TRY(http_open(&h, err));
 *     struct http_reply reply = {0};
 *     TRY(http_fetch(h, &(struct http_request){.url = "http://127.0.0.1:8003/health"}, &reply, err));
 *     ... reply.status, reply.body ...                       // a status of 400 is a reply, not a failure
 *     http_reply_release(&reply);
 *
 *     struct http_exchange a = {.request = {...,.on_data = see, .arg = &mine}}, b = ...;    // several at once
 *     TRY(http_start(h, &a, err));
 *     TRY(http_start(h, &b, err));
 *     TRY(http_wait(h, HTTP_ALL, err));                      // until all have ended; each has its own `failure`
 *     http_exchange_release(&a);
 *     http_close(h);
 *
 * Invariants. Nothing is sent twice: no retry, no redirect unless `follow`. A limit of 0 is the default of its row; every
 * exchange has limits, so that every one ends. Connections are kept for the next exchange with the same host.
 */
#ifndef NET_HTTP_H
#define NET_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/* Milliseconds. */
struct http_limits {
    int connect;    /* until the connection stands; 5 s */
    int first_byte; /* from the start to the first byte of the reply; 10 min */
    int idle;       /* between two bytes of the body; 2 min */
    int64_t total;  /* for the whole exchange; 1 h */
    uint64_t body;  /* bytes of the body; 256 MiB */
};

/* A key for `Authorization: Bearer`. Lives as text only in here, and is wiped by http_key_release. */
struct http_key {
    char *text; /* NULL: none */
};
/* "env:NAME" or "file:PATH" (one line). Anything else is ERR_USAGE without repeating it: it may be the key itself. */
int http_key_read(struct http_key *key, const char *source, struct err *err);
void http_key_release(struct http_key *key);

struct http_reply {
    int status;            /* 0: none came */
    char content_type[96]; /* lower case, without parameters; "" if the peer names none */
    char location[512];    /* where a redirect points */
    int64_t sent;          /* clock_ns when the exchange was handed to the network */
    struct buf body;       /* without on_data */
    bool stamped;          /* the last piece bore the kernel's stamp, not this process's clock */
};
void http_reply_release(struct http_reply *r);

/* All is borrowed until the exchange has ended. */
struct http_request {
    const char *method;         /* NULL: POST with a body, GET without */
    const char *url;
    const char *unix_socket;    /* connect to this path instead of the URL's host; NULL: no */
    const char *const *headers; /* "Name: value" */
    size_t n_headers;
    const struct http_key *key; /* NULL: none */
    const void *body;
    size_t body_len;
    const char *body_file;      /* send this file's bytes instead */
    struct http_limits limits;
    bool events;                /* the body is a stream whose pieces are to be dated: read few at a time, with stamps */
    bool follow;                /* redirects, without the key when they leave the host */
    /* A piece of the body, in order, of a reply whose status is 2xx (any other is kept in reply.body), as it came in at
     * `stamp` (with `events`; else the time of the read). 0: go on; 1: enough, the exchange ends well; -1 and err. NULL: the body is kept. */
    int (*on_data)(void *arg, const char *data, size_t len, int64_t stamp, struct err *err);
    void *arg;
};

struct http_exchange {
    struct http_request request; /* fill this */
    struct http_reply reply;
    struct err failure;          /* code ERR_NONE: the reply came whole, or on_data had enough */
    bool ended;
    struct http_work *work;      /* private to http.c */
};
void http_exchange_release(struct http_exchange *x); /* of one that has ended or never began */

struct http;

int http_open(struct http **out, struct err *err);
void http_close(struct http *h); /* ends what still runs; NULL is fine */

/* -1 only for what cannot begin (a URL that is none, memory); what goes wrong later is x->failure. */
int http_start(struct http *h, struct http_exchange *x, struct err *err);

enum http_until { HTTP_ALL, HTTP_ANY };
/* Works until all, or at least one more, of the running exchanges have ended; at once if none runs. */
int http_wait(struct http *h, enum http_until until, struct err *err);
/* As http_wait with HTTP_ANY, but no longer than to that time of clock_ns. */
int http_wait_until(struct http *h, int64_t deadline, struct err *err);

/* Ends a running exchange now; its failure says so. */
void http_cancel(struct http_exchange *x);

/* One exchange. Fails with its failure; `reply` is cleared first and to be released in either case. */
int http_fetch(struct http *h, const struct http_request *request, struct http_reply *reply, struct err *err);

/* Appends the text as one segment of a path or value of a query ("a b/c" -> "a%20b%2Fc"). */
void http_escape(struct buf *out, const char *text);

#endif
