/* worker.h - an engine in another process: JSON lines and binary frames on its standard input and output.
 *
 *     struct worker *w;
 *     TRY(worker_start(&w, &(struct worker_spec){.name = "transformers", .argv = argv, .start_s = 60}, err));
 *     TRY(worker_send(w, message, err));                        // one line
 *     TRY(worker_receive(w, &reply, &stamp, 300, err));         // the next line, and when it was read
 *     TRY(worker_bytes(w, logits, n, 300, err));                // a frame that a line announced
 *     worker_close(w);
 *
 * The first line of a worker is its greeting, {"worker":"prony","version":1,...}; another version is refused. A line
 * {"error":"...","kind":"..."} is a failure of what was asked, not of the worker.
 *
 * Invariants. A worker that dies, hangs past the limit or talks something else is ERR_ENGINE or ERR_TIMEOUT with the last
 * line that it wrote to standard error; after that nothing but worker_close makes sense. What it prints beside the protocol
 * goes to that log and disturbs nothing. Nothing of it is left behind.
 */
#ifndef ENGINES_WORKER_H
#define ENGINES_WORKER_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/err.h"

enum { WORKER_VERSION = 1 };

struct worker_spec {
    const char *name;              /* for messages */
    const char *const *argv;       /* ends with NULL */
    const char *const *env;        /* as of proc.h */
    const char *log;               /* where its standard error goes; taken away at the end unless the worker failed */
    double start_s;                /* until its greeting */
};

struct worker;

int worker_start(struct worker **out, const struct worker_spec *spec, struct err *err);
const json_t *worker_greeting(const struct worker *w); /* borrowed */
int worker_send(struct worker *w, const json_t *message, struct err *err);
/* `stamp` (CLOCK_MONOTONIC, may be NULL) is taken when the line's last byte was read, before it is parsed. A new reference. */
int worker_receive(struct worker *w, json_t **message, int64_t *stamp, double seconds, struct err *err);
int worker_bytes(struct worker *w, void *bytes, size_t n, double seconds, struct err *err);
void worker_close(struct worker *w); /* NULL is fine */

#endif
