/* server_options.h - the options of engines that are servers. Private to server*.c. */
#ifndef ENGINES_SERVER_OPTIONS_H
#define ENGINES_SERVER_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/err.h"

struct server_options {       /* texts are borrowed from the JSON; NULL: not given */
    const char *model;        /* the name by which the server knows it; else its only one */
    const char *key;          /* "env:NAME", "file:PATH" */
    const char *unix_socket;  /* connect here instead of the URL's host */
    int64_t ready_s;          /* how long a server that answers may still be loading */
    int64_t first_byte_s, idle_s, total_s; /* limits of one request */
    bool chat;                /* openai: /v1/chat/completions instead of /v1/completions */
};

/* NULL options: the defaults. A wrong key or value is ERR_USAGE. */
int server_options_read(struct server_options *out, const json_t *options, struct err *err);

#endif
