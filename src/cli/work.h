/* work.h - what takes long on the command line: a line that says how far it is, and Ctrl-C.
 *
 *     struct work w;
 *     work_begin(&w, in, "hashing", "bytes");
 *     int rc = sha256_file(hex, path, work_tick, &w, err);
 *     work_end(&w);
 *
 * The line goes to standard error, as progress.h says; Ctrl-C makes the next tick an error, a second one ends prony.
 */
#ifndef CLI_WORK_H
#define CLI_WORK_H

#include "base/progress.h"
#include "base/tick.h"
#include "cli/command.h"
#include "formats/model_file.h"

struct work {
    struct progress line;
};

void work_begin(struct work *w, const struct invocation *in, const char *label, const char *unit);
int work_tick(void *work, uint64_t done, uint64_t total, struct err *err); /* a tick_fn */
void work_end(struct work *w);

int work_model_sha256(const struct model_file *f, const struct invocation *in, char hex[65], struct err *err);

#endif
