/* pull.h - models that are not at hand, fetched from the hub with a line of progress. */
#ifndef CLI_PULL_H
#define CLI_PULL_H

#include "cli/command.h"

/* Gives the folder, or the file, that it lies in; to free(). `revision` may be NULL. */
int pull_model(char **path, const struct invocation *in, const char *repo, const char *file, const char *revision,
               struct err *err);

/* Before a command runs: its arguments that are models have the type that --model-type says, and one that is not at hand is
 * fetched with --download, or when a person at a terminal says yes. */
int models_prepare(const struct invocation *in, struct err *err);

#endif
