/* stand_in_thread.h - a protocol double in a thread of the test's own process. */
#ifndef SUPPORT_STAND_IN_THREAD_H
#define SUPPORT_STAND_IN_THREAD_H

#include <pthread.h>

#include "serve/http_server.h"
#include "serve/stand_in.h"

/* A server with a handler of the test's own. */
struct served {
    struct http_server *server;
    pthread_t thread;
    char url[64];
};
void serve_start(struct served *s, http_handler handler, void *arg);
void serve_end(struct served *s);

/* A double in front of an engine that is opened here: "native:ref" with the built-in teacher, or "fake". */
struct doubled {
    struct stand_in *stand_in;
    struct engine *engine;
    pthread_t thread;
};
void double_start(struct doubled *d, const char *engine, struct stand_in_options options);
void double_end(struct doubled *d);

#endif
