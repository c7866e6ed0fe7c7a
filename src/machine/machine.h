/* machine.h - what this machine is and what it is doing, as facts for a fingerprint.
 *
 *     json_t *before = machine_facts(NULL, err);        // a new reference
 *     ... measure ...
 *     json_t *after = machine_facts(NULL, err);
 *     json_t *delta = machine_delta(before, after, err);
 *
 * A fact that cannot be read is null, never a default: a virtual machine hides its governor, and a report must say so.
 * Facts are an object of groups (cpu, frequency, cgroup, memory, load, ...); docs/MACHINE.md lists them. Everything is
 * read from /proc and /sys below `root` (NULL: "/"), so that tests can show this code any machine.
 */
#ifndef MACHINE_MACHINE_H
#define MACHINE_MACHINE_H

#include <jansson.h>

#include "base/err.h"

/* A new reference; NULL only when memory runs out. */
json_t *machine_facts(const char *root, struct err *err);

/* What happened between two readings: stolen and busy shares of the processors' time, throttling, faults of this
 * process, and under "changed" the facts that should not have changed and did. A new reference; NULL: out of memory. */
json_t *machine_delta(const json_t *before, const json_t *after, struct err *err);

/* What in these facts would disturb a measurement, worst first: an array of {"what", "found", "why", "mend"}. A new
 * reference; NULL: out of memory. */
json_t *machine_disturbances(const json_t *facts, struct err *err);

#endif
