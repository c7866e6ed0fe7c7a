/* hub_server.h - a small hub on the loopback interface that speaks the API of Hugging Face, faults included.
 *
 *     struct hub_server *s = hub_server_start();
 *     hub_server_put(s, "model.safetensors", bytes, len, true);
 *     hub_server(s)->drop_after = 1000;
 *     setenv("HF_ENDPOINT", hub_server_url(s), 1);
 *     ...
 *     hub_server_stop(s);
 *
 * Files are asked for at /ORG/REPO/resolve/..., which leads elsewhere (localhost instead of 127.0.0.1: another host), as the
 * hub leads to its storage.
 */
#ifndef SUPPORT_HUB_SERVER_H
#define SUPPORT_HUB_SERVER_H

#include <stdbool.h>
#include <stddef.h>

struct hub_server;

/* What goes wrong. Read and written between requests only. */
struct hub_faults {
    long drop_after;      /* bytes of a file after which the connection ends, once; 0: not */
    int drops;            /* how often */
    bool wrong_bytes;     /* a file's first byte is another */
    bool no_ranges;       /* the whole file always comes */
    bool wrong_range;     /* another part than was asked for */
    int listing_status, file_status; /* 0: as it should be */
    const char *reason, *text;       /* X-Error-Code, X-Error-Message of that */
    int busy;             /* requests that are answered by 429 before any other */
    bool endless_redirect;
    const char *listing;  /* instead of the true one */
    const char *token;    /* what a bearer must have, or 401 */
};

/* What was asked, since the last clearing. */
struct hub_requests {
    int all, listings, files, ranges;
    long file_bytes; /* that were sent */
    bool token_to_storage; /* a token reached the other host */
};

struct hub_server *hub_server_start(void);
void hub_server_stop(struct hub_server *s);
const char *hub_server_url(const struct hub_server *s);
/* Returns when the last answer is done with; the two below wait too. */
void hub_server_rest(struct hub_server *s);
struct hub_faults *hub_server_faults(struct hub_server *s);
struct hub_requests *hub_server_requests(struct hub_server *s);
/* A file of every repository; large ones carry a SHA-256, small ones git's name. */
void hub_server_put(struct hub_server *s, const char *name, const char *bytes, size_t len, bool large);
void hub_server_clear(struct hub_server *s); /* its files */

#endif
