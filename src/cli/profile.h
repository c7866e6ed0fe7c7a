/* profile.h - where the time of forwards went: events from a session's observer, as a Chrome trace and as a table. */
#ifndef CLI_PROFILE_H
#define CLI_PROFILE_H

#include <stdbool.h>
#include <stdio.h>

#include "models/session.h"

struct profile_event {
    const char *name; /* borrowed: operations are named by constants */
    int layer;
    double began, ended;
};

struct profile {
    struct session_observer observer; /* give this to session_open */
    struct profile_event *events;
    size_t n, cap;
    bool lost; /* memory ran out: later events are missing */
    double origin;
};

void profile_init(struct profile *p);
void profile_release(struct profile *p);

/* For chrome://tracing and ui.perfetto.dev. */
int profile_write_trace(const struct profile *p, const char *path, struct err *err);
/* Time by operation, memory by kind. */
void profile_print(const struct profile *p, const struct session *s, FILE *to);

#endif
