/* profile.h - where the time of forwards went: events from a session's observer, as a Chrome trace and as a table. */
#ifndef CLI_PROFILE_H
#define CLI_PROFILE_H

#include <stdbool.h>

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

/* DIR/profile.json (DIR NULL: here) for chrome://tracing and ui.perfetto.dev; time by operation and memory by kind to
 * standard error. */
int profile_report(const struct profile *p, const struct session *s, const char *dir, struct err *err);

#define PROFILE_OPTION \
    {.name = "profile", .kind = OPT_FLAG, .help = "time by operation, memory by kind; a trace in profile.json"}

#endif
